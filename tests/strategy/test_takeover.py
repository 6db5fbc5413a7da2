"""Positions that no journal knew become trades of the book."""

import math

import numpy as np
import pytest

from alo_lib.core import TradingCore
from alo_lib.journal import JournalWriter, MemoryStore, read_journal
from alo_lib.records import Kind, Message, OrderReason, OrderStatus, records
from alo_lib.runtime import HostPosition, reconcile, replay
from alo_lib.settings import Settings
from alo_lib.strategy.structures import STRUCTURES
from alo_lib.strategy.structures.shapes import FormedStructure, HeldContract, formed_structures
from alo_lib.strategy.takeover import take_over
from alo_lib.strategy.targets import trade_targets
from tests.core.script import FIRST, Script, at, of_test
from tests.strategy.kit import CALLS, NOW, PUTS, state_of

NEAR, FAR = 1_000, 2_000
TAKES_OVER = of_test(take_over=True)


def call(number: int, strike: float, quantity: int, expiry: int = NEAR) -> HeldContract:
    return HeldContract(number, +1, strike, expiry, quantity)


def put(number: int, strike: float, quantity: int, expiry: int = NEAR) -> HeldContract:
    return HeldContract(number, -1, strike, expiry, quantity)


@pytest.mark.parametrize(
    ("held", "formed"),
    [
        ([call(1, 100, -3), put(2, 100, -3)], [("straddle", (1, 2), -1, 3)]),
        ([call(1, 110, 2), put(2, 90, 2)], [("strangle", (1, 2), +1, 2)]),
        ([call(1, 90, 2), put(2, 110, -2)], [("single", (1,), +1, 2), ("single", (2,), -1, 2)]),  # both in the money
        (
            [call(1, 100, -2), put(2, 100, -2), call(3, 110, 2), put(4, 90, 2)],
            [("iron-butterfly", (1, 2, 3, 4), -1, 2)],
        ),
        (
            [call(1, 105, -2), put(2, 95, -2), call(3, 110, 2), put(4, 85, 2)],
            [("iron-condor", (1, 2, 3, 4), -1, 2)],
        ),
        ([put(1, 95, 4), put(2, 90, -4)], [("vertical", (1, 2), +1, 4)]),
        ([call(1, 95, -4), call(2, 105, 4)], [("vertical", (1, 2), -1, 4)]),
        ([call(1, 110, 1), put(2, 90, -1)], [("risk-reversal", (1, 2), +1, 1)]),
        ([call(1, 100, -1), call(2, 100, 1, FAR)], [("calendar", (1, 2), +1, 1)]),
        ([put(1, 95, 1), put(2, 90, -1, FAR)], [("diagonal", (1, 2), -1, 1)]),
        ([call(1, 100, -3), put(2, 100, -2)], [("single", (1,), -1, 3), ("single", (2,), -1, 2)]),
        (
            # The condor's legs and a call beyond them: of two that may be its wing the first told of is.
            [call(1, 105, -1), put(2, 95, -1), call(3, 110, 1), put(4, 85, 1), call(5, 120, 1)],
            [("iron-condor", (1, 2, 3, 4), -1, 1), ("single", (5,), +1, 1)],
        ),
    ],
)
def test_contracts_form_what_they_look_like(
    held: list[HeldContract], formed: list[tuple[str, tuple[int, ...], int, int]]
) -> None:
    for legs in (held, held[::-1]):
        assert formed_structures(legs) == [FormedStructure(*each) for each in formed]


def test_whatever_is_held_each_contract_is_of_one_structure_that_is_held_whole() -> None:
    chance = np.random.default_rng(8)
    for _ in range(300):
        count = int(chance.integers(1, 12))
        held = [
            HeldContract(
                number,
                int(chance.choice([-1, 1])),
                float(chance.choice([90.0, 95.0, 100.0, 105.0, 110.0])),
                int(chance.choice([NEAR, FAR])),
                int(chance.choice([-2, -1, 1, 2])),
            )
            for number in range(count)
        ]
        quantity = {each.number: each.quantity for each in held}
        found = formed_structures(held)
        again = {
            leg: each.direction * each.quantity * ratio
            for each in found
            for leg, ratio in zip(each.legs, STRUCTURES[each.structure].ratios, strict=True)
        }
        assert again == quantity
        assert sum(len(each.legs) for each in found) == count
        by_number = {each.number: each for each in held}
        for each in found:
            assert STRUCTURES[each.structure].forms([by_number[leg] for leg in each.legs])


def test_a_position_is_a_trade_at_the_brokers_price_and_no_second_one() -> None:
    state = state_of()
    for leg, quantity in ((CALLS[2], -4), (PUTS[2], -4), (CALLS[4], 1)):
        state.portfolio.fill(leg, quantity, 3.0, 100, 0.0)
    rows = records(Kind.TAKEOVER, 3, version=1)
    rows["instrument"], rows["quantity"] = (CALLS[2], PUTS[2], CALLS[4]), (-4, -4, 1)
    rows["price"] = (3.5, 2.5, 0.75)
    for _ in range(2):
        take_over(state, rows, NOW)
        assert [(each.structure, each.direction, each.quantity) for each in state.trades] == [
            ("straddle", -1, 4),
            ("single", +1, 1),
        ]
    first, second = state.trades
    assert first.premium == pytest.approx(-4 * (3.5 + 2.5) * 100)
    assert second.premium == pytest.approx(75.0)
    assert (first.number, second.number) == (1, 2)
    assert [text for _, text in state.notices] == [
        "TEST: taken over as trade 1: 4 straddle sold",
        "TEST: taken over as trade 2: 1 single bought",
    ]
    assert math.isnan(float(first.signal["edge"][0]))


def test_what_is_not_held_as_it_is_told_stays_outside_of_trades() -> None:
    state = state_of()
    state.portfolio.fill(CALLS[2], -4, 3.0, 100, 0.0)
    rows = records(Kind.TAKEOVER, 2, version=1, instrument=(CALLS[2], PUTS[2]), quantity=(-3, -4), price=1.0)
    take_over(state, rows, NOW)
    assert not state.trades
    assert len(state.notices) == 2


def test_what_is_held_beyond_a_trade_is_told() -> None:
    """Of a straddle sold five times the host holds seven calls and, as the trade says, five puts."""
    state = state_of()
    for leg in (CALLS[2], PUTS[2]):
        state.portfolio.fill(leg, -5, 3.0, 100, 0.0)
    rows = records(Kind.TAKEOVER, 2, version=1, instrument=(CALLS[2], PUTS[2]), quantity=(-5, -5), price=3.0)
    take_over(state, rows, NOW)
    state.notices.clear()
    take_over(state, rows, NOW)
    assert not state.notices
    state.portfolio.fill(CALLS[2], -2, 3.0, 100, 0.0)
    rows["quantity"] = (-7, -5)
    take_over(state, rows, NOW)
    assert [text for _, text in state.notices] == [
        f"TEST: contract {CALLS[2]}: -7 are held, -5 are of trade 1; -2 are not taken over, but closed"
    ]
    assert [trade.quantity for trade in state.trades] == [5]
    assert [each.quantity for each in trade_targets(state.trades)] == [-5, -5]  # so two calls are bought back


# In a core -------------------------------------------------------------------------------------------------------


def taking_over(settings: Settings = TAKES_OVER) -> Script:
    market = Script(settings)
    market.session()
    return market


def meet(market: Script, positions: dict[int, HostPosition], hour: float = 9.6) -> list[str]:
    found = reconcile(market.core, positions, {}, at(FIRST, hour), take_over=True)
    for message in found.messages:
        market.core.accept(message)
    return found.findings


def numbers(market: Script) -> tuple[int, int]:
    """The call and the put at 100."""
    names = {market.core.instruments.symbol(number): number for number in range(len(market.core.instruments))}
    expiry = next(iter(market.chain())).expiry
    return tuple(names[f"TEST  {expiry:%y%m%d}{side}00100000"] for side in "CP")  # type: ignore[return-value]


def intents(market: Script) -> list[np.void]:
    return [row for message in market.journal.messages if message.kind is Kind.INTENT for row in message.records]


def test_a_core_that_takes_over_hedges_what_it_took_over_and_closes_it_by_its_rules() -> None:
    market = taking_over()
    call_number, put_number = numbers(market)
    positions = {0: HostPosition(40, 99.0), call_number: HostPosition(-5, 4.0), put_number: HostPosition(-5, 4.0)}
    findings = meet(market, positions)
    assert (
        f"the host holds -5 {market.core.instruments.symbol(call_number)}, the journal says 0: the host is right"
        in (findings)
    )
    market.bar(9.7, spot=104.0, volatility=0.35)
    journal = market.journal
    entry = next(message for message in journal.messages if message.kind is Kind.ENTRY)
    assert entry.records["structure"][0] == b"straddle"
    assert (entry.records["trade"][0], entry.records["direction"][0], entry.records["quantity"][0]) == (1, -1, 5)
    sent = [(int(row["instrument"]), OrderReason(row["reason"])) for row in intents(market)]
    assert (0, OrderReason.HEDGE) in sent
    assert not {call_number, put_number} & {instrument for instrument, _ in sent}  # what is held is not ordered again
    # Implied volatility falls below the forecast: a sold straddle has no edge left, and ends as any trade.
    for hour in (9.8, 9.9, 10.0):
        market.bar(hour, spot=104.0, volatility=0.1)
    assert {row["reason"] for row in intents(market) if row["instrument"] == call_number} == {OrderReason.EXIT_EDGE}
    assert not any(number in market.core.holdings for number in (call_number, put_number))
    exits = [message for message in market.journal.messages if message.kind is Kind.EXIT]
    assert 1 in [int(row["trade"]) for message in exits for row in message.records]
    assert replay(market.journal).divergence is None


def test_the_parts_of_profit_are_the_equity_that_was_made_with_what_was_taken_over() -> None:
    market = taking_over()
    call_number, put_number = numbers(market)
    meet(market, {call_number: HostPosition(-5, 4.0), put_number: HostPosition(-5, 4.5)})
    market.bar(9.7, volatility=0.2)
    market.bar(9.8, volatility=0.25, spot=101.0)
    told: dict[tuple[int, int], float] = {}
    unexplained = 0.0
    for message in market.journal.messages:
        if message.kind is Kind.ATTRIBUTION:
            for row in message.records:
                names = [name for name in row.dtype.names or () if name not in _OTHER]
                told[int(row["underlying"]), int(row["trade"])] = math.fsum(float(row[name]) for name in names)
                if row["trade"] == 1:
                    unexplained = float(row["unexplained"])
    equity = [float(m.records["equity"][-1]) for m in market.journal.messages if m.kind is Kind.EXPOSURE][-1]
    assert math.fsum(told.values()) == pytest.approx(equity - TAKES_OVER.cash, abs=1e-6)
    assert abs(unexplained) > 100.0  # what it made before anybody followed it


_OTHER = ("underlying", "trade", "hedges", "pad", "shares", "share_fees")


def test_a_core_that_does_not_take_over_refuses_a_position_to_take_over() -> None:
    market = taking_over(of_test())
    call_number, _ = numbers(market)
    meet(market, {call_number: HostPosition(-5, 4.0)})
    assert market.core.refusals.count == 1
    assert market.core.holdings == {call_number: -5}  # the host is right: it is hedged, and of no trade
    assert market.core.open_frame(at(FIRST, 9.61))
    market.core.run()
    assert not market.core.snapshot().state.strategy.trades
    assert not any(message.kind is Kind.TAKEOVER for message in market.journal.messages)


@pytest.mark.parametrize("fault", ["held", "shares", "working", "version"])
def test_the_gate_asks_what_is_taken_over(fault: str) -> None:
    market = taking_over()
    call_number, _ = numbers(market)
    bought = records(Kind.ORDER_EVENT, instrument=call_number, quantity=2, price=3.0, status=OrderStatus.FILLED)
    market.core.accept(Message(Kind.ORDER_EVENT, at(FIRST, 9.55), bought))
    row = records(Kind.TAKEOVER, instrument=call_number, version=1, quantity=2, price=3.0)
    if fault == "held":
        row["quantity"] = 3
    elif fault == "shares":
        row["instrument"] = 0
    elif fault == "version":
        row["version"] = 2
    else:
        state = market.core.snapshot().state.strategy
        state.new_order(call_number, 1)
        core = TradingCore(TAKES_OVER, JournalWriter(MemoryStore(), segment_bytes=1 << 20))
        core.resume(market.core.snapshot(), [])
        market.core = core
    before = market.core.refusals.count
    market.core.accept(Message(Kind.TAKEOVER, at(FIRST, 9.6), row))
    assert market.core.refusals.count == before + 1


def test_a_start_that_takes_over_again_takes_nothing_over_twice() -> None:
    market = taking_over()
    call_number, put_number = numbers(market)
    positions = {call_number: HostPosition(-5, 4.0), put_number: HostPosition(-5, 4.0)}
    meet(market, positions)
    assert market.core.open_frame(at(FIRST, 9.61))
    market.core.run()
    assert meet(market, positions, 9.62) == ["portfolio and open orders are as the journal says"]
    assert market.core.open_frame(at(FIRST, 9.63))
    market.core.run()
    assert len(market.core.snapshot().state.strategy.trades) == 1
    journal = read_journal(market.store.images(), unfinished=True)
    assert sum(message.kind is Kind.ENTRY for message in journal.messages) == 1
