"""Restarts after which the broker gives orders back without their tags: none is sent a second time."""

import os
from typing import NamedTuple

import numpy as np
import pytest

from alo_lib.core import CoreState, TradingCore, pack, unpack
from alo_lib.journal import JournalWriter
from alo_lib.records import HaltCause, HostEvent, Kind, Message, OrderType, Records, records, remark
from alo_lib.runtime import HostOrder, HostPosition, reconcile
from alo_lib.runtime.order_matching import TaglessOrder, WorkingOrder, identifiers_of, match_orders
from tests.core.script import FIRST, Script, at, script

RESTARTS = int(os.environ.get("ALO_RESTARTS", "60"))
MARKET, LIMIT = OrderType.MARKET, OrderType.LIMIT


def tagless(host: int, remaining: int, *names: str, instrument: int = 1, type_: OrderType = MARKET) -> TaglessOrder:
    return TaglessOrder(host, names, instrument, type_, remaining)


def ours(remaining: int, instrument: int = 1, type_: OrderType = MARKET) -> WorkingOrder:
    return WorkingOrder(instrument, type_, remaining)


def test_an_identifier_tells_where_it_fits() -> None:
    working = {4: ours(5), 6: ours(5), 8: ours(-5)}
    found = match_orders([tagless(70, 5, "b"), tagless(71, 3, "c")], working, {"b": 6, "c": 8})
    assert found.numbers == {70: 6, 71: 4}  # c is of another side: a broker that counts anew
    assert found.unsure == {}
    assert "the broker's identifier tells" in found.findings[0]


def test_orders_that_are_alike_stand_for_each_other_and_others_are_in_doubt() -> None:
    same = match_orders([tagless(71, 5), tagless(70, 5)], {4: ours(5), 6: ours(5)}, {})
    assert same.numbers == {70: 4, 71: 6}
    one_of_two = match_orders([tagless(70, 5)], {4: ours(5), 6: ours(5)}, {})
    assert (one_of_two.numbers, one_of_two.unsure) == ({}, {70: (4, 6)})
    exact = match_orders([tagless(70, 5)], {4: ours(5), 6: ours(7)}, {})
    assert exact.numbers == {70: 4}
    partly = match_orders([tagless(70, 4)], {4: ours(5), 6: ours(7)}, {})
    assert partly.unsure == {70: (4, 6)}


@pytest.mark.parametrize(
    "order", [tagless(70, -5), tagless(70, 6), tagless(70, 5, instrument=2), tagless(70, 5, type_=LIMIT)]
)
def test_what_fits_no_order_of_ours_is_somebody_elses(order: TaglessOrder) -> None:
    found = match_orders([order], {4: ours(5)}, {})
    assert (found.numbers, found.unsure, found.findings) == ({}, {}, ())


def test_identifiers_are_read_from_the_journal() -> None:
    first, second = (remark(HostEvent.BROKER_ORDER, 1, text) for text in ("a,b", "c"))
    first.records["order"], second.records["order"] = 3, 4
    other = Message(Kind.EVENT, 1, records(Kind.EVENT, event=HostEvent.DATA, order=9, text=b"d"))
    assert identifiers_of([first, other, second]) == {"a": 3, "b": 3, "c": 4}


class Broker(NamedTuple):
    """What became of the core's orders while it was away, and what the broker says of it."""

    left: dict[int, int]  # of each order that works, by our number
    filled: dict[int, int]
    positions: dict[int, int]


def fate(core: TradingCore, chance: np.random.Generator) -> Broker:
    left, filled, positions = {}, {}, dict(core.holdings)
    for number, (instrument, remaining) in core.orders_working.items():
        size = int(chance.integers(0, abs(remaining) + 1)) if chance.random() < 0.6 else 0
        filled[number] = int(np.sign(remaining)) * size
        positions[instrument] = positions.get(instrument, 0) + filled[number]
        if size < abs(remaining) and chance.random() < 0.7:
            left[number] = remaining - filled[number]
    return Broker(left, filled, positions)


@pytest.fixture(scope="module")
def killed() -> tuple[Script, bytes, int]:
    """A core that has sent its orders, some twice in one contract, and has heard nothing, as its snapshot has it."""
    market = script()
    market.answer = lambda intent, time: None  # type: ignore[method-assign]
    market.bar(10, volatility=0.35)
    assert len(market.core.orders_working) >= 4
    state = market.core.snapshot()
    for instrument, remaining in list(market.core.orders_working.values())[::2]:
        state.state.strategy.new_order(instrument, remaining + int(np.sign(remaining)) * (instrument % 3))
    return market, pack(state), market.core.last_frame


def after_a_bar(market: Script, core: TradingCore) -> Records:
    """What is sent in the first frame after another bar of the same quotes."""
    time = at(FIRST, 10.1)
    core.accept(Message(Kind.TRADE, time, records(Kind.TRADE, close=100.0, volume=100)))
    core.accept(Message(Kind.QUOTE, time, market.quotes))
    assert core.open_frame(time + market.settings.frame_nanoseconds)
    return core.run()


@pytest.mark.parametrize("cancels", [True, False])
def test_no_order_is_sent_a_second_time(killed: tuple[Script, bytes, int], cancels: bool) -> None:
    market, state, last = killed
    again = unsure = 0
    for number in range(RESTARTS):
        chance = np.random.default_rng([number, cancels])
        core = TradingCore(market.settings, JournalWriter(segment_bytes=1 << 20))
        core.resume(unpack(CoreState, state, settings=market.settings), [])
        broker = fate(core, chance)
        dropped = [each for each in broker.left if chance.random() < 0.7]
        names = {each: f"broker-{each}" for each in core.orders_working if chance.random() < 0.3}
        working = {
            each: WorkingOrder(instrument, core.order_types[each], remaining)
            for each, (instrument, remaining) in core.orders_working.items()
        }
        hosts = {100 + int(place): each for each, place in zip(dropped, chance.permutation(len(dropped)), strict=True)}
        tagged = {each: HostOrder(left, 1.0) for each, left in broker.left.items() if each not in dropped}
        came = []
        for host, each in hosts.items():
            told = [names[each]] if each in names else []
            came.append(tagless(host, broker.left[each], *told, instrument=working[each].instrument))
        rest = {each: order for each, order in working.items() if each not in tagged}
        found = match_orders(came, rest, {name: each for each, name in names.items()})
        orders = tagged | {ours: HostOrder(broker.left[hosts[host]], 1.0) for host, ours in found.numbers.items()}
        maybe = {each for numbers in found.unsure.values() for each in numbers}
        positions = {instrument: HostPosition(held, 1.0) for instrument, held in broker.positions.items()}
        for message in reconcile(core, positions, orders, last, unsure=maybe).messages:
            core.accept(message)
        unsure += bool(maybe)
        assert core.wants_reconciliation is bool(maybe)
        intents = after_a_bar(market, core)
        at_work = {working[each].instrument for each in broker.left}
        assert at_work.isdisjoint(intents["instrument"].tolist()), number
        again += len(intents)
        if maybe and cancels:
            # Canceled, they are gone when the core meets its host again: what was filled is found, and the halt ends.
            gone = {each: orders[each] for each in orders if each in core.orders_working}
            for message in reconcile(core, positions, gone, core.last_frame).messages:
                core.accept(message)
            assert HaltCause.RECONCILIATION not in core.halts
        if not maybe or cancels:
            assert core.holdings == {each: held for each, held in broker.positions.items() if held}
    assert unsure
    assert again
