"""What is let in: no input stops the core or its replays, and nothing is believed that does not fit what was sent."""

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest

from alo_lib.journal import Journal
from alo_lib.records import (
    ACCOUNT_CASH,
    RANGES,
    HostEvent,
    InstrumentKind,
    Kind,
    Message,
    OrderStatus,
    OrderType,
    leg_columns,
    records,
)
from alo_lib.runtime import HostPosition, reconcile, replay
from tests.core.script import DAY, FIRST, Script, at, script
from tests.sampled import sampled

NAN, INF, HUGE = math.nan, math.inf, 1e308
TEST, PUT, CALL = 0, 1, 2
"""Instruments of the script: the underlying, and the put and call of its lowest strike."""


def remarks(journal: Journal) -> list[str]:
    """What was said of refusals."""
    return [
        message.records["text"][0].decode()
        for message in journal.messages
        if message.kind is Kind.EVENT and message.records["event"][0] == HostEvent.REFUSED
    ]


def counted(journal: Journal) -> int:
    """Messages that are no remarks."""
    return sum(not message.kind.is_remark for message in journal.messages)


def trading() -> Script:
    """A market in which a trade has been opened and hedged."""
    market = script(hedge="delta_band")
    market.bar(10, volatility=0.35)
    market.bar(10.1, volatility=0.35)
    assert market.held
    return market


POISON: list[tuple[str, Kind, dict[str, Any], str]] = [
    ("trade of nobody", Kind.TRADE, {"instrument": 99, "close": 10.0}, "no underlying"),
    ("trade of an option", Kind.TRADE, {"instrument": PUT, "close": 10.0}, "no underlying"),
    ("trade before all numbers", Kind.TRADE, {"instrument": -1, "close": 10.0}, "no underlying"),
    *((f"spot {value}", Kind.TRADE, {"close": value}, "close is") for value in (NAN, INF, -INF, HUGE, 0.0, -5.0)),
    ("volume", Kind.TRADE, {"close": 10.0, "volume": -1}, "volume is -1"),
    ("session ahead before", Kind.CALENDAR, {"open": at(FIRST, 15), "close": at(FIRST, 17)}, "not in order"),
    ("session ahead without end", Kind.CALENDAR, {"open": at(FIRST, 33.5), "close": at(FIRST, 33.5)}, "not in order"),
    ("event of nobody", Kind.SCHEDULED, {"instrument": 99, "time": at(FIRST, 50), "name": b"x"}, "no underlying"),
    ("event's move", Kind.SCHEDULED, {"time": at(FIRST, 50), "name": b"x", "move": INF}, "move is inf"),
    ("event's name", Kind.SCHEDULED, {"time": at(FIRST, 50), "name": b"\x01", "move": NAN}, "printable ASCII"),
    ("close of nobody", Kind.CLOSE, {"instrument": 99, "close": 10.0, "time": at(FIRST, 8)}, "no underlying"),
    ("close never", Kind.CLOSE, {"close": 10.0, "time": -(2**62)}, "time is"),
    *((f"close {value}", Kind.CLOSE, {"close": value, "time": at(FIRST, 8)}, "close is") for value in (NAN, INF, 0.0)),
    ("range", Kind.RANGE, {"open": 5, "high": 4, "low": 6, "time": at(FIRST, 8)}, "its high is below its low"),
    ("close told before", Kind.CLOSE, {"close": 10.0, "time": at(FIRST, 9) - DAY}, "was told of before"),
    ("close to come", Kind.CLOSE, {"close": 10.0, "time": at(FIRST, 9.7 + 24)}, "more than a day after"),
    ("dividend to come", Kind.DIVIDEND, {"amount": 1.0, "time": at(dt.date(2049, 1, 1), 8)}, "more than a day after"),
    ("dividend of nobody", Kind.DIVIDEND, {"instrument": 99, "amount": 1.0, "time": at(FIRST, 9)}, "no underlying"),
    *((f"dividend {x}", Kind.DIVIDEND, {"amount": x, "time": at(FIRST, 9)}, "amount is") for x in (NAN, INF, -1.0)),
    ("announced of nobody", Kind.ANNOUNCED, {"instrument": 99, "amount": 1.0, "time": at(FIRST, 50)}, "no underlying"),
    *((f"announced {x}", Kind.ANNOUNCED, {"amount": x, "time": at(FIRST, 50)}, "amount is") for x in (NAN, INF, -1.0)),
    *((f"split {x}", Kind.SPLIT, {"factor": x, "time": at(FIRST, 9)}, "factor is") for x in (0.0, NAN, -1.0, INF)),
    *((f"rate {value}", Kind.RATE, {"rate": value}, "rate is") for value in (NAN, INF, HUGE, 99999.0, -1.0)),
    *(
        (f"rate to an expiry {x}", Kind.CURVE, {"expiry": at(FIRST, 50), "rate": x}, "rate is")
        for x in (NAN, INF, -1.0)
    ),
    ("rate to never", Kind.CURVE, {"expiry": -1, "rate": 0.01}, "expiry is"),
    *((f"bid {x}", Kind.QUOTE, {"instrument": PUT, "bid": x, "ask": 1.0}, "bid is") for x in (INF, HUGE, -1.0)),
    ("quote of nobody", Kind.QUOTE, {"instrument": 99, "bid": 1.0, "ask": 1.1}, "never told of"),
    ("size", Kind.QUOTE, {"instrument": PUT, "bid": 1.0, "ask": 1.1, "ask_size": 2**62}, "ask_size is"),
    (
        "session",
        Kind.SESSION,
        {"open": at(FIRST, 16), "close": at(FIRST, 9), "date": 20240304},
        "must come after",
    ),
    ("no date", Kind.SESSION, {"open": at(FIRST, 9.5), "close": at(FIRST, 16), "date": 20240399}, "no day"),
    ("other date", Kind.SESSION, {"open": at(FIRST, 9.5), "close": at(FIRST, 16), "date": 20240305}, "not the day"),
    (
        "far",
        Kind.SESSION,
        {"open": at(FIRST, 9.5 + 24 * 5), "close": at(FIRST, 136), "date": 20240309},
        "more than 4 days",
    ),
    ("past", Kind.SESSION, {"open": at(FIRST, -20), "close": at(FIRST, -16), "date": 20240303}, "session before"),
    ("interest", Kind.INTEREST, {"instrument": PUT, "amount": 1.0}, "nor -1 for cash"),
    ("interest without end", Kind.INTEREST, {"instrument": ACCOUNT_CASH, "amount": INF}, "amount is"),
    ("stage", Kind.EXTERNAL_STAGE, {"stage": 9, "external": 1}, "stage is 9"),
    ("stranger", Kind.EXTERNAL_INSIGHT, leg_columns((99, PUT), (1, 1)), "its leg1 is no contract of its underlying"),
    ("shares", Kind.EXTERNAL_INSIGHT, leg_columns((CALL, TEST), (1, 1)), "its leg2 is no contract of its underlying"),
    ("twice", Kind.EXTERNAL_INSIGHT, leg_columns((CALL, PUT, CALL), (1, 1, 1)), "its leg3 is another leg of it, too"),
    ("no ratio", Kind.EXTERNAL_INSIGHT, leg_columns((CALL, PUT), (1, 0)), "its leg2 has no ratio"),
    ("much", Kind.EXTERNAL_INSIGHT, leg_columns((CALL, PUT), (1, 11)), "ratio2 is 11; it must be from -10 to 10"),
    ("no legs", Kind.EXTERNAL_INSIGHT, {"leg1": CALL}, "legs is 0; it must be from 1 to 4"),
    ("more", Kind.EXTERNAL_INSIGHT, leg_columns((CALL, PUT), (1, 1)) | {"legs": 1}, "its leg2 is told beyond the legs"),
    ("target of nobody", Kind.EXTERNAL_TARGET, {"instrument": 99, "stage": 3, "quantity": 1}, "never told of"),
    ("target", Kind.EXTERNAL_TARGET, {"instrument": PUT, "stage": 3, "quantity": 2**62}, "quantity is"),
    ("cause", Kind.HALT, {"cause": 9, "halted": 1}, "cause is 9"),
]


@pytest.mark.parametrize(
    ("kind", "columns", "why"), sampled([case[1:] for case in POISON], every=2), ids=[case[0] for case in POISON]
)
def test_poison_is_refused_and_the_run_goes_on(kind: Kind, columns: dict[str, Any], why: str) -> None:
    market = script()
    before = counted(market.journal)
    market.tell(at(FIRST, 9.6), kind, records(kind, **columns))
    assert counted(market.journal) == before
    (remark,) = remarks(market.journal)
    assert remark.startswith(f"refused from its host: {kind.name}")
    assert why in remark
    assert (market.core.refusals.count, market.core.wants_reconciliation) == (1, False)
    assert market.bar(10, volatility=0.35)[0].size
    assert replay(market.journal).divergence is None


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in RANGES or kind is Kind.HALT])
def test_what_is_no_input_of_a_host_is_refused(kind: Kind) -> None:
    market = script()
    before = counted(market.journal)
    rows = records(kind, 1) if kind is not Kind.HALT else records(Kind.TRADE, 1)
    market.core.accept(Message(kind, at(FIRST, 9.6), rows))
    assert counted(market.journal) == before
    assert len(remarks(market.journal)) == 1


@pytest.mark.parametrize("kind", list(RANGES))
def test_an_empty_message_and_one_of_no_time_are_refused(kind: Kind) -> None:
    market = script()
    before = counted(market.journal)
    market.core.accept(Message(kind, at(FIRST, 9.6), records(kind, 0)))
    market.core.accept(Message(kind, 2**62, records(kind, 1)))
    market.core.accept(Message(kind, -1, records(kind, 1)))
    inputs = [message for message in market.journal.messages[before:] if message.kind is not Kind.HALT]
    assert all(message.kind.is_remark for message in inputs)
    assert market.core.refusals.count == 3


def test_the_records_without_fault_are_let_in() -> None:
    market = script()
    quotes = records(Kind.QUOTE, 4, instrument=[PUT, CALL, 99, CALL], bid=[1.0, INF, 1.0, 2.0], ask=3.0)
    market.tell(at(FIRST, 9.6), Kind.QUOTE, quotes)
    assert market.journal.messages[-3].records.tobytes() == quotes[[0, 3]].tobytes()
    assert market.core.refusals.count == 2


@pytest.mark.parametrize("apart", [False, True], ids=["in one message", "in another"])
def test_a_dividend_and_a_split_that_are_told_twice_count_once(apart: bool) -> None:
    """As a broker's account has the cash, and the shares, once."""
    market = trading()
    time, shares, cash = at(FIRST, 10.2), market.core.holdings[TEST], market.core.cash
    assert shares
    for kind, columns in ((Kind.DIVIDEND, {"amount": 1.5}), (Kind.SPLIT, {"factor": 0.5})):
        rows = records(kind, 2, time=time, **columns)
        for told in (rows[:1], rows[1:]) if apart else (rows,):
            market.tell(time, kind, told)
    market.frames(time)
    assert market.core.holdings[TEST] == 2 * shares
    assert market.core.cash == pytest.approx(cash + 1.5 * shares, abs=1e-6)
    assert len(remarks(market.journal)) == 2
    assert replay(market.journal).divergence is None


def test_of_two_quotes_of_an_instrument_the_last_counts() -> None:
    market = script()
    quotes = records(Kind.QUOTE, 3, instrument=[CALL, PUT, CALL], bid=[1.0, 2.0, 3.0], ask=4.0)
    market.tell(at(FIRST, 9.6), Kind.QUOTE, quotes)
    assert market.journal.messages[-2].records.tobytes() == quotes[1:].tobytes()


def test_one_remark_a_frame_and_reason_and_the_rest_is_counted() -> None:
    market = script()
    for _ in range(1000):
        market.tell(at(FIRST, 9.6), Kind.TRADE, records(Kind.TRADE, close=NAN))
    market.tell(at(FIRST, 9.6), Kind.RATE, records(Kind.RATE, rate=NAN))
    assert len(remarks(market.journal)) == 2
    market.bar(10)
    assert remarks(market.journal)[2:] == ["refused from its host: 999 more TRADE records for their close"]
    assert market.core.refusals.count == 1001


def instrument(**columns: Any) -> Any:
    """The record of a put that nobody was told of: number 15, strike 120."""
    row = records(Kind.INSTRUMENT, instrument=15, underlying=TEST, kind=InstrumentKind.OPTION, right=-1, american=1)
    row["multiplier"], row["strike"], row["expiry"] = 100, 120.0, at(FIRST, 16) + 45 * 86_400 * 10**9
    row["symbol"] = b"TEST  240418P00120000"
    for name, value in columns.items():
        row[name] = value
    return row


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"multiplier": 0}, "multiplier is 0"),
        ({"multiplier": 10}, "an option's is 100"),
        ({"right": 0}, "right +0"),
        ({"right": 1}, "right +1"),
        ({"strike": NAN}, "strike is nan"),
        ({"strike": 121.0}, "strike 121"),
        ({"expiry": 2**62}, "expiry is"),
        ({"expiry": at(FIRST, 16)}, "last session on 2024-03-04"),
        ({"kind": 7}, "kind is 7"),
        ({"underlying": 99}, "never told of"),
        ({"underlying": PUT}, "never told of"),
        ({"instrument": 2**31 - 1}, "where 15 comes next"),
        ({"instrument": -1}, "instrument is -1"),
        ({"instrument": PUT}, "has the number of TEST"),
        ({"symbol": b"\xff\xfe"}, "printable ASCII"),
        ({"symbol": b""}, "printable ASCII"),
        ({"symbol": b"TEST"}, "has number 0 already"),
        ({"symbol": b"TEST  24041"}, "is told of with strike"),
        ({"kind": InstrumentKind.EQUITY, "symbol": b"OTHER"}, "not its own underlying"),
    ],
)
def test_an_instrument_that_cannot_be_is_refused(columns: dict[str, Any], why: str) -> None:
    market = script()
    before = counted(market.journal)
    market.tell(at(FIRST, 9.6), Kind.INSTRUMENT, instrument(**columns))
    (remark,) = remarks(market.journal)
    assert why in remark
    assert counted(market.journal) == before


def test_an_instrument_that_can_be_is_let_in_and_leaves_a_gap_of_refused_ones() -> None:
    market = script()
    market.tell(at(FIRST, 9.6), Kind.INSTRUMENT, instrument(instrument=17))
    quote = records(Kind.QUOTE, 2, instrument=[16, 17], bid=20.0, ask=20.1)
    market.tell(at(FIRST, 9.6), Kind.QUOTE, quote)
    assert market.journal.messages[-2].records.tobytes() == quote[1:].tobytes()
    assert market.core.open_frame(at(FIRST, 9.7))
    market.core.run()
    assert replay(market.journal).divergence is None


def test_an_equity_told_of_twice_keeps_its_hedge() -> None:
    market = trading()
    shares = market.core.holdings[TEST]
    market.tell(at(FIRST, 10.2), Kind.INSTRUMENT, market.underlying)
    assert "TEST was told of before" in remarks(market.journal)[-1]
    market.bar(10.3, volatility=0.35)
    assert abs(market.core.holdings[TEST] - shares) < abs(shares) / 2


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ({"instrument": [20, 21], "symbol": b"AAA"}, "equities"),
        ({"instrument": [15, 16]}, "options"),
        ({"symbol": [b"TEST  240418P00120000", b"TEST  240418P00125000"], "strike": [120.0, 125.0]}, "options"),
    ],
)
def test_records_of_a_message_that_contradict_each_other_are_not_both_let_in(
    columns: dict[str, Any], rows: str
) -> None:
    market = script()
    equities = records(Kind.INSTRUMENT, 2, kind=InstrumentKind.EQUITY, multiplier=1, underlying=[20, 21])
    told = equities if rows == "equities" else np.concatenate([instrument(), instrument()])
    for name, value in columns.items():
        told[name] = value
    market.tell(at(FIRST, 9.6), Kind.INSTRUMENT, told)
    assert "is in the message twice" in remarks(market.journal)[-1]
    assert market.core.refusals.count == 1
    assert market.core.open_frame(at(FIRST, 9.7))
    market.core.run()
    assert replay(market.journal).divergence is None


def test_what_is_held_stays_in_the_chain_whoever_leaves_it_out() -> None:
    market = trading()
    shares = market.core.holdings[TEST]
    other = instrument()
    market.tell(at(FIRST, 10.2), Kind.INSTRUMENT, other)
    market.bar(10.3, volatility=0.35)
    assert abs(market.core.holdings[TEST] - shares) < abs(shares) / 2
    assert market.core.holdings.keys() > {TEST}


# What the broker says -------------------------------------------------------------------------------------------------


def last_order(market: Script) -> tuple[int, int, int]:
    """Number, instrument and quantity of the last order, which is filled."""
    order = market.orders[-1]
    return order.number, market.core.instruments.number(order.symbol), order.quantity


def event(market: Script, **columns: Any) -> None:
    """An ORDER_EVENT that fills the last order once more, but for ``columns``."""
    number, instrument, quantity = last_order(market)
    row: dict[str, Any] = {"order": number, "instrument": instrument, "quantity": quantity, "price": 1.0}
    row |= {"status": OrderStatus.FILLED, "type": OrderType.MARKET} | columns
    market.tell(at(FIRST, 10.2), Kind.ORDER_EVENT, records(Kind.ORDER_EVENT, **row))


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({}, "is done, and would be filled for"),
        ({"order": 4711}, "order 4711 was never sent"),
        ({"quantity": 2**62}, "quantity is"),
        ({"status": 99}, "status is 99"),
        ({"status": OrderStatus.INVALID}, "by INVALID"),
        ({"status": OrderStatus.INVALID, "order": 0}, "by INVALID"),
        ({"type": 99}, "type is 99"),
        ({"price": NAN}, "price is nan"),
        ({"fee": INF}, "fee is inf"),
        ({"instrument": 99}, "never told of"),
        (
            {"order": 0, "instrument": PUT, "type": OrderType.OPTION_EXERCISE, "quantity": 5},
            "where +0 are held",
        ),
    ],
)
def test_an_event_that_does_not_fit_halts_what_adds_risk_until_both_are_reconciled(
    columns: dict[str, Any], why: str
) -> None:
    market = trading()
    held, cash = market.core.holdings, market.core.cash
    event(market, **columns)
    assert why in remarks(market.journal)[-1]
    assert market.core.wants_reconciliation
    market.bar(10.3, volatility=0.35)
    assert (market.core.holdings.keys(), market.core.cash) == (held.keys(), pytest.approx(cash, abs=2000))
    assert any("does not fit what was sent" in notice for notice in market.notices())
    market.tell(at(FIRST, 10.4), Kind.HALT, records(Kind.HALT, cause=1, halted=0))
    assert not market.core.wants_reconciliation
    market.bar(10.5, volatility=0.35)
    assert any("reconciliation: done" in notice for notice in market.notices())
    assert replay(market.journal).divergence is None


def test_an_event_of_an_order_that_is_done_and_moves_nothing_is_no_doubt() -> None:
    market = trading()
    event(market, quantity=0, status=OrderStatus.CANCELED)
    assert "is done" in remarks(market.journal)[-1]
    assert not market.core.wants_reconciliation


def sent(market: Script) -> Any:
    """An order that nobody has answered."""
    market.answer = lambda intent, time: None  # type: ignore[method-assign]
    return market.bar(10, volatility=0.35)[0][0]


@pytest.mark.parametrize(
    ("share", "status", "why"),
    [
        (2.0, OrderStatus.FILLED, "left, and would be filled for"),
        (-1.0, OrderStatus.FILLED, "left, and would be filled for"),
        (0.5, OrderStatus.FILLED, "is said to be filled, with"),
        (0.0, OrderStatus.FILLED, "is said to be filled, with"),
    ],
)
def test_a_fill_beyond_what_is_left_is_not_believed(share: float, status: OrderStatus, why: str) -> None:
    market = script()
    order = sent(market)
    row = records(Kind.ORDER_EVENT, order=order["order"], instrument=order["instrument"], status=status, price=1.0)
    row["quantity"] = int(order["quantity"] * share)
    market.tell(at(FIRST, 10.1), Kind.ORDER_EVENT, row)
    assert why in remarks(market.journal)[-1]
    assert market.core.holdings == {}
    assert market.core.wants_reconciliation


@pytest.mark.parametrize("status", [OrderStatus.PARTIALLY_FILLED, OrderStatus.SUBMITTED])
def test_a_whole_fill_ends_its_order_whatever_it_is_called(status: OrderStatus) -> None:
    market = script()
    order = sent(market)
    row = records(Kind.ORDER_EVENT, order=order["order"], instrument=order["instrument"], status=status, price=1.0)
    row["quantity"] = order["quantity"]
    market.tell(at(FIRST, 10.1), Kind.ORDER_EVENT, row)
    assert int(order["order"]) not in market.core.orders_working
    assert market.core.holdings == {int(order["instrument"]): int(order["quantity"])}


@pytest.mark.parametrize("quantity", [3 * 10**9, -7])
def test_a_halt_stays_while_what_would_reconcile_is_refused(quantity: int) -> None:
    market = trading()
    event(market)
    for hour in (10.4, 10.5):
        found = reconcile(market.core, {PUT: HostPosition(quantity, NAN)}, {}, at(FIRST, 10.3))
        for each in found.messages:
            market.core.accept(each)
        market.bar(hour)
        assert market.core.wants_reconciliation is (quantity > 0)
        if quantity < 0:
            assert market.core.holdings == {PUT: quantity}
            return


def test_a_position_that_nobody_told_of_is_said() -> None:
    market = trading()
    held = {number: HostPosition(quantity, 1.0) for number, quantity in market.core.holdings.items()}
    found = reconcile(market.core, held | {50: HostPosition(5, 1.0)}, {}, at(FIRST, 10.3))
    assert found.messages == []
    assert found.findings == ["the host holds 5 of instrument 50, which nobody told the core of"]


def test_parts_of_a_fill_in_one_message_are_held_against_what_the_earlier_left() -> None:
    market = script()
    order = sent(market)
    half = int(order["quantity"]) // 2
    rest = int(order["quantity"]) - half
    rows = records(Kind.ORDER_EVENT, 3, order=order["order"], instrument=order["instrument"], price=1.0)
    rows["quantity"] = half, rest, half
    rows["status"] = OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED
    market.tell(at(FIRST, 10.1), Kind.ORDER_EVENT, rows)
    assert market.core.holdings == {int(order["instrument"]): int(order["quantity"])}
    assert market.core.refusals.count == 1


def test_no_trade_is_opened_while_there_is_a_halt() -> None:
    market = script()
    market.tell(at(FIRST, 9.6), Kind.HALT, records(Kind.HALT, cause=1, halted=1))
    for hour in (10, 10.1):
        assert sum(len(intents) for intents in market.bar(hour, volatility=0.35)) == 0
    assert int(market.decisions(Kind.FUNNEL)[-1]["halt"][0]) > 0
    market.tell(at(FIRST, 10.2), Kind.HALT, records(Kind.HALT, cause=1, halted=0))
    assert sum(len(intents) for intents in market.bar(10.3, volatility=0.35)) > 0
