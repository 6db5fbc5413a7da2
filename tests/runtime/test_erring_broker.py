"""Histories of a broker that errs: no order is sent twice, and in the end the journal has what the broker holds."""

import os

import numpy as np
import pytest

from alo_lib.core import pack
from alo_lib.records import SECOND, BookMode, Kind, Message, OrderReason, records
from alo_lib.strategy.targets import leads_away
from tests.core.script import FIRST, Script, at, of_test
from tests.runtime.erring_broker import ErringBroker, Host

HISTORIES = int(os.environ.get("ALO_HISTORIES", "20"))
STEPS = 8


@pytest.fixture(scope="module")
def begun() -> tuple[Script, bytes]:
    """A market whose session has begun, before the first trade; and the state of its core."""
    market = Script(of_test())
    market.session()
    return market, pack(market.core.snapshot())


class Market:
    """Quotes of the script, around other spots and volatilities, for any core."""

    def __init__(self, script: Script) -> None:
        self._tables = {}
        for spot, volatility in ((100.0, 0.35), (98.0, 0.35), (103.0, 0.3), (101.0, 0.12), (99.0, 0.2)):
            other = Script(script.settings)
            other.session()
            other.bar(10.0, spot=spot, volatility=volatility)
            self._tables[spot] = other.quotes.copy()

    def bar(self, host: Host, spot: float, time: int) -> None:
        host.core.accept(Message(Kind.TRADE, time, records(Kind.TRADE, close=spot, volume=100)))
        host.core.accept(Message(Kind.QUOTE, time, self._tables[spot].copy()))

    @property
    def spots(self) -> list[float]:
        return list(self._tables)


def live(number: int, begun: tuple[Script, bytes], market: Market) -> tuple[Host, dict[str, int]]:
    """One history; what befell it."""
    script, state = begun
    chance = np.random.default_rng([7, number])
    host = Host(script.settings, state, broker := ErringBroker(chance))
    befell = dict.fromkeys(("kills", "disconnects", "changes", "sent"), 0)
    length, time = script.settings.frame_nanoseconds, at(FIRST, 10)
    for _ in range(STEPS):
        time += 60 * SECOND
        if broker.connected and chance.random() < 0.2:
            host.disconnect(time)
            befell["disconnects"] += 1
        elif not broker.connected and chance.random() < 0.6:
            if chance.random() < 0.5:  # somebody traded meanwhile
                instrument = int(chance.choice([0, *broker.positions]))
                broker.positions[instrument] = broker.positions.get(instrument, 0) + int(chance.choice([-2, 3]))
                befell["changes"] += 1
            host.reconnect(time)
        if broker.connected and chance.random() < 0.15:
            broker.fill(time, 0.5)  # what nobody hears of
            host.kill()
            befell["kills"] += 1
        market.bar(host, float(chance.choice(market.spots[:3])), time)
        for second in (0, 1, 2, 3, 6, 12):
            now = time + second * SECOND
            halted = not broker.connected or host.core.wants_reconciliation
            held = host.core.holdings
            intents = host.frame(now + length)
            befell["sent"] += len(intents)
            if halted and not broker.connected:  # no risk is opened
                for intent in intents:
                    instrument = int(intent["instrument"])
                    wanted = held.get(instrument, 0) + int(intent["quantity"])
                    assert instrument == 0 or not leads_away(held.get(instrument, 0), wanted)
                    assert intent["reason"] != OrderReason.ENTRY
            broker.fill(now + 2 * length, 0.6)
    settle(host, time)
    return host, befell


def settle(host: Host, time: int) -> None:
    """The broker errs no more, says all that it has to say, and time passes."""
    broker = host.broker
    broker.errs = False
    if not broker.connected:
        host.reconnect(time + 15 * SECOND)
    for second in range(20, 200, 2):
        now = time + second * SECOND
        host.frame(now)
        broker.fill(now + 1, 1.0)


def test_whatever_a_broker_does_no_order_is_sent_twice_and_both_agree_in_the_end(begun: tuple[Script, bytes]) -> None:
    market, seen = Market(begun[0]), dict.fromkeys(("kills", "disconnects", "changes", "sent", "refused"), 0)
    for number in range(HISTORIES):
        host, befell = live(number, begun, market)
        broker, core = host.broker, host.core
        for what, count in befell.items():
            seen[what] += count
        seen["refused"] += core.refusals.count
        assert len(broker.taken) == len(set(broker.taken)), number
        assert core.holdings == {each: held for each, held in broker.positions.items() if held}, number
        assert not core.orders_working, number
        assert not broker.working, number
        assert not core.wants_reconciliation, number
        assert core.snapshot().state.strategy.mode in (BookMode.NORMAL, BookMode.REDUCE_ONLY, BookMode.FLATTEN)
        numbers = sorted(broker.taken)
        assert numbers == sorted(set(numbers))
    print(seen)
    assert all(seen.values())
