"""Between LEAN's objects and records, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.records import RANGES, Contract, Kind, OrderReason, OrderStatus, OrderType
from alo_lib.runtime import MarketRecord
from alo_lib.runtime.terms import Terms
from tests.models.kit import NOW, UTC_TIME, Identity, Symbol, equity, option

ONE, OTHER = equity("ONE"), equity("OTHER")
EXPIRY = dt.date(2024, 4, 19)


@pytest.fixture
def made(lean: Any) -> Any:
    lean.Market = SimpleNamespace(USA="usa")
    lean.Symbol = SimpleNamespace(
        create_option=lambda underlying, market, style, right, strike, expiry: (
            underlying.value, market, style.name, right.name, strike, expiry
        )
    )  # fmt: skip
    return import_module("models.marshalling")


@pytest.fixture
def marshal(made: Any) -> Any:
    marshal = made.Marshal()
    marshal.add_underlying(0, ONE)
    marshal.add_underlying(1, OTHER)
    return marshal


def side(price: float) -> SimpleNamespace:
    return SimpleNamespace(close=price)


NEW_YORK = SimpleNamespace(time_zone=SimpleNamespace(id="America/New_York"))


def quoted(symbol: Any, bid: Any, ask: Any, *, old: bool = False) -> SimpleNamespace:
    bar = SimpleNamespace(symbol=symbol, bid=bid, ask=ask, last_bid_size=7, last_ask_size=9, is_fill_forward=old)
    return SimpleNamespace(value=bar)


def traded(close: float, *, old: bool = False) -> SimpleNamespace:
    return SimpleNamespace(close=close, volume=300, is_fill_forward=old)


def test_times_are_exact_to_the_microsecond_and_new_yorks_follow_its_clock(lean: Any) -> None:
    made = import_module("models.times")
    assert made.nanoseconds_of_ticks((UTC_TIME - dt.datetime(1, 1, 1)) // dt.timedelta(microseconds=1) * 10 + 9) == NOW
    assert made.utc_nanoseconds(UTC_TIME) == made.utc_nanoseconds(UTC_TIME.replace(tzinfo=dt.UTC)) == NOW
    assert made.utc_datetime(NOW) == made.utc_datetime(NOW + 999) == UTC_TIME
    assert made.utc_of(NEW_YORK, UTC_TIME - dt.timedelta(hours=5)) == NOW  # winter
    summer = dt.datetime(2024, 7, 1, 12)
    assert made.utc_of(NEW_YORK, summer) == int(dt.datetime(2024, 7, 1, 16, tzinfo=dt.UTC).timestamp()) * 10**9


def test_a_tag_tells_reason_and_order_and_nothing_else_is_one(made: Any) -> None:
    for reason in OrderReason:
        assert made.order_number(made.order_tag(reason, 1234)) == 1234
    tag = made.order_tag(OrderReason.HEDGE, 7)
    for foreign in (None, "", "#7", f"{tag} ", f"x{tag}", "Liquidated #7", tag.replace("#", ""), f"{tag}\n"):
        assert made.order_number(foreign) == 0


def test_a_tag_has_the_term_live_and_one_without_is_read_as_ever(made: Any) -> None:
    for tag, term in (
        (made.order_tag(OrderReason.HEDGE, 7, 12), 12),
        (made.combination_tag(OrderReason.ENTRY, {7: 3, 8: 4}, 12), 12),
        (made.order_tag(OrderReason.HEDGE, 7), 0),
        (made.combination_tag(OrderReason.ENTRY, {7: 3, 8: 4}), 0),
    ):
        assert (made.order_number(tag, 3), made.order_term(tag)) == (7, term)
    assert made.order_tag(OrderReason.EXIT_EDGE, 7, 12) == "exit edge #7 @12"
    for foreign in (
        None,
        "",
        "hedge",
        "@3",
        "Liquidated #7 @3",
        "hedge #7 @",
        "hedge #7 @x",
        "hedge #7@3",
        "hedge @3 #7",
    ):
        assert (made.order_number(foreign), made.order_term(foreign)) == (0, 0)


def test_an_order_of_a_term_that_had_ended_when_it_was_sent_is_not_ours(made: Any) -> None:
    marshal = made.Marshal(Terms(lambda: 5, {7: 3, 8: 5}))
    marshal.add_underlying(0, ONE)
    for tag, fenced in (
        ("hedge #7 @3", False),  # sent before the restart, and it works still
        ("hedge #7 @4", False),  # decided by one process, and sent by the next
        ("hedge #8 @4", True),  # number 8 was given twice, by who was stopped and by who leads
        ("hedge #9 @4", True),  # the journal never had it
        ("hedge #9 @5", False),
        ("hedge #9", False),  # an earlier program's
        ("entry #8=0 #9=1 @4", True),
        ("somebody else's @4", False),
        (None, False),
    ):
        assert marshal.is_fenced(tag, ONE) is fenced, tag
    assert marshal.order_of(70, "hedge #8 @4", ONE) == 0
    assert marshal.order_of(70, "hedge #8 @5", ONE) == 8
    assert made.Marshal().is_fenced("hedge #7 @3", ONE) is False  # a backtest has no terms


def test_expiry_is_the_close_of_the_last_open_day(made: Any) -> None:
    asked = []

    class Hours:
        time_zone = NEW_YORK.time_zone

        def is_date_open(self, day: dt.datetime) -> bool:
            return day.weekday() < 4  # Good Friday's week

        def get_next_market_close(self, day: dt.datetime, extended: bool) -> dt.datetime:
            asked.append(extended)
            return day + dt.timedelta(hours=16)

    thursday = made.utc_of(NEW_YORK, dt.datetime(2024, 3, 28, 16))
    assert made.expiry_time(Hours(), dt.date(2024, 3, 29)) == thursday
    assert made.expiry_time(Hours(), dt.date(2024, 3, 28)) == thursday
    assert asked == [False, False]


@pytest.mark.parametrize(("right", "style", "sign", "american"), [(0, 0, 1, True), (1, 1, -1, False)])
def test_a_row_of_the_universe_is_a_contract(made: Any, right: int, style: int, sign: int, american: bool) -> None:
    identity = Identity("id", right, style, 97.5, dt.datetime(2024, 4, 19))
    row = SimpleNamespace(symbol=Symbol("X", identity), open_interest=123.0)
    assert made.contract_of(row, 99) == Contract(EXPIRY, 97.5, sign, 99, 123, american)


def test_a_session_knows_its_contracts_and_goes_on_knowing_earlier_ones(marshal: Any) -> None:
    call, put = (Contract(EXPIRY, 100.0, right, 99, american=right > 0) for right in (1, -1))
    told = MarketRecord(contracts={2: (0, call), 3: (1, put)}, today={3, 2})
    marshal.begin_session(told)
    symbols = [marshal.symbol(number) for number in (2, 3)]
    assert symbols == [
        ("ONE", "usa", "AMERICAN", "CALL", 100.0, EXPIRY),
        ("OTHER", "usa", "EUROPEAN", "PUT", 100.0, EXPIRY),
    ]
    assert [marshal.number(symbol) for symbol in (ONE, OTHER, *symbols)] == [0, 1, 2, 3]
    told.today = {3}
    marshal.begin_session(told)
    bars = [quoted(symbol, side(1.0), side(1.1)) for symbol in (*symbols, ONE)]
    (message,) = marshal.messages(SimpleNamespace(bars={}, quote_bars=bars), NOW)
    assert message.records["instrument"].tolist() == [0, 3]
    assert marshal.number_or(symbols[0], -1) == 2
    assert marshal.number_or(equity("AAA"), -1) == -1


def test_after_a_restart_contracts_of_earlier_sessions_are_known_and_their_quotes_not_told(marshal: Any) -> None:
    call, put = (Contract(EXPIRY, 100.0, right, 99) for right in (1, -1))
    marshal.begin_session(MarketRecord(contracts={2: (0, call), 3: (1, put)}, today={3}))
    assert marshal.number_or(marshal.symbol(2), -1) == 2
    bars = [quoted(marshal.symbol(number), side(1.0), side(1.1)) for number in (2, 3)]
    (message,) = marshal.messages(SimpleNamespace(bars={}, quote_bars=bars), NOW)
    assert message.records["instrument"].tolist() == [3]


def test_new_bars_are_told_trades_first_and_quotes_by_instrument(marshal: Any) -> None:
    marshal.begin_session(MarketRecord())
    bars = {ONE: traded(100.5), OTHER: traded(50.0)}
    quotes = [quoted(OTHER, side(49.0), None), quoted(ONE, None, side(101.0)), quoted(equity("AAA"), side(1), side(2))]
    trade, quote = marshal.messages(SimpleNamespace(bars=bars, quote_bars=quotes), NOW)
    assert (trade.kind, trade.time, quote.kind, quote.time) == (Kind.TRADE, NOW, Kind.QUOTE, NOW)
    told = [tuple(row[n] for n in ("instrument", "close", "volume")) for row in trade.records]
    assert told == [(0, 100.5, 300), (1, 50.0, 300)]
    assert quote.records["instrument"].tolist() == [0, 1]
    assert np.array_equal(quote.records["bid"], [np.nan, 49.0], equal_nan=True)
    assert np.array_equal(quote.records["ask"], [101.0, np.nan], equal_nan=True)
    assert quote.records["bid_size"].tolist() == [7, 7]
    assert quote.records["ask_size"].tolist() == [9, 9]


def test_what_is_filled_forward_or_crossed_is_not_told(marshal: Any) -> None:
    marshal.begin_session(MarketRecord())
    quotes = [quoted(ONE, side(2.0), side(1.9)), quoted(OTHER, side(2.0), side(2.1), old=True)]
    data = SimpleNamespace(bars={ONE: traded(1.0, old=True)}, quote_bars=quotes)
    assert list(marshal.messages(data, NOW)) == []
    locked = SimpleNamespace(bars={}, quote_bars=[quoted(ONE, side(2.0), side(2.0))])
    assert len(list(marshal.messages(locked, NOW))) == 1


def test_an_order_event_is_told_with_the_order_that_its_tag_names(made: Any, marshal: Any) -> None:
    fee = SimpleNamespace(value=SimpleNamespace(amount=1.25))
    event = SimpleNamespace(order_id=1, symbol=OTHER, status=3, fill_quantity=-4, fill_price=2.5, order_fee=fee)
    for tag, number in ((made.order_tag(OrderReason.ENTRY, 12), 12), ("Liquidated", 0)):
        message = marshal.order_event(event, tag, OrderType.MARKET, NOW)
        assert (message.kind, message.time) == (Kind.ORDER_EVENT, NOW)
        (row,) = message.records
        said = [row[name] for name in ("order", "instrument", "status", "type", "quantity", "price", "fee")]
        assert said == [number, 1, OrderStatus.FILLED, OrderType.MARKET, -4, 2.5, 1.25]
    event.symbol = option(ONE, 0)
    assert marshal.order_event(event, None, OrderType.MARKET, NOW) is None


@pytest.mark.parametrize(
    ("odd", "field"),
    [
        ({"status": 300}, "status"),
        ({"status": -1}, "status"),
        ({"fill_quantity": 0.5}, "quantity"),
        ({"fill_quantity": 1e30}, "quantity"),
        ({"fill_quantity": -1e30}, "quantity"),
        ({"fill_quantity": float("nan")}, "quantity"),
    ],
)
def test_what_no_record_can_say_of_an_order_is_told_as_what_the_core_doubts(
    marshal: Any, odd: dict[str, float], field: str
) -> None:
    fee = SimpleNamespace(value=SimpleNamespace(amount=1.25))
    said = {"order_id": 1, "symbol": OTHER, "status": 3, "fill_quantity": -4, "fill_price": 2.5, "order_fee": fee}
    message = marshal.order_event(SimpleNamespace(**{**said, **odd}), None, OrderType.MARKET, NOW)
    assert not RANGES[Kind.ORDER_EVENT][field].holds(message.records[field]).any()


def test_a_number_that_no_order_of_ours_has_is_somebody_elses(made: Any) -> None:
    assert made.order_number(f"hedge #{2**62}") == 2**62
    assert made.order_number("hedge #99999999999999999999") == 0
