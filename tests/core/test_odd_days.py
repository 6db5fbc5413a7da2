"""Days on which not everything happens as it should: the core goes on, and holds what it means to hold."""

import datetime as dt

import numpy as np
import pytest

from alo_lib.core import Settings
from alo_lib.records import Kind, OrderReason, OrderStatus, OrderType, Records, records
from tests.core.script import FIRST, Script, at

NEXT = FIRST + dt.timedelta(days=1)


def script(**settings: object) -> Script:
    made = Script(Settings.of({"underlyings": "TEST", **settings}))
    made.session()
    return made


def reasons(sent: list[np.ndarray]) -> list[str]:  # type: ignore[type-arg]
    return [OrderReason(row["reason"]).name for intents in sent for row in intents]


def event(market: Script, hour: float, **columns: object) -> None:
    market.tell(at(market.date, hour), Kind.ORDER_EVENT, records(Kind.ORDER_EVENT, **columns))


def test_a_run_may_begin_on_the_day_of_a_split() -> None:
    market = script()
    split = {"time": at(FIRST, 9.5), "instrument": 0, "factor": 0.5}
    market.tell(at(FIRST, 9), Kind.SPLIT, records(Kind.SPLIT, **split))
    assert reasons(market.bar(10, volatility=0.35)[:1]) == ["ENTRY"] * 4
    assert np.isfinite(market.decisions(Kind.EXPOSURE)[-1]["equity"]).all()


def test_only_dividends_before_a_split_are_restated() -> None:
    market = script()
    year = 365 * 24 * 3600 * 10**9
    for time, amount in ((at(FIRST, 9.5) - year // 2, 4.0), (at(FIRST, 9.5), 1.0)):
        market.tell(at(FIRST, 9), Kind.DIVIDEND, records(Kind.DIVIDEND, time=time, amount=amount))
    market.tell(at(FIRST, 9), Kind.SPLIT, records(Kind.SPLIT, time=at(FIRST, 9.5) - year // 4, factor=0.5))
    market.bar(10)
    book = market.core._state.underlyings[0].book
    assert [dividend.amount for dividend in book.dividends] == [2.0, 1.0]


@pytest.mark.parametrize("status", list(OrderStatus))
def test_every_status_of_lean_is_understood(status: OrderStatus) -> None:
    market = script()
    market.bar(10, volatility=0.35)
    event(market, 10.5, order=99, instrument=1, status=status, type=OrderType.MARKET)
    market.bar(11, volatility=0.35)


def test_a_refused_hedge_waits_for_the_next_quote() -> None:
    market = script()
    market.refuse = {"TEST"}
    assert reasons(market.bar(10, spot=103, volatility=0.35)).count("HEDGE") == 1
    market.refuse = set()
    assert reasons(market.bar(11, spot=103, volatility=0.35)) == ["HEDGE"]


def test_an_assigned_leg_ends_its_trade_and_is_not_sold_again() -> None:
    market = script(max_structures=1)
    market.bar(10, volatility=0.35)
    leg = next(order for order in market.orders if "C" in order.symbol[6:])
    number = market.core.instruments.number(leg.symbol)
    assigned = {"instrument": number, "quantity": -leg.filled, "status": OrderStatus.FILLED}
    event(market, 10.9, order=0, type=OrderType.OPTION_EXERCISE, price=0.0, **assigned)
    assert reasons(market.bar(11, volatility=0.35)[:1]) == ["REBALANCE"]
    assert {symbol for symbol in market.held if symbol != "TEST"} == set()
    assert any(b"traded by the engine itself" in table["text"][0] for table in market.decisions(Kind.NOTICE))


def test_an_undone_trade_lives_while_an_order_of_it_works() -> None:
    market = script(max_structures=1)
    answers: list[np.void] = []
    answer = market.answer
    market.answer = lambda intent, time: answers.append(intent.copy())  # type: ignore[method-assign]
    market.bar(10, volatility=0.35)
    put, call = answers
    event(market, 10.1, order=call["order"], instrument=call["instrument"], status=OrderStatus.INVALID)
    market.bar(10.2, volatility=0.35)
    market.answer = answer  # type: ignore[method-assign]
    market.answer(put, at(FIRST, 10.3))  # the other leg fills late
    assert "REBALANCE" in reasons(market.bar(10.4, volatility=0.35))
    assert market.held == {}


def test_a_fill_after_the_last_frame_is_known_the_next_morning() -> None:
    market = script(max_structures=1)
    answers: list[np.void] = []
    market.answer = lambda intent, time: answers.append(intent.copy())  # type: ignore[method-assign]
    market.bar(15, volatility=0.35)
    assert market.core.contracts_open(0) == sorted(int(intent["instrument"]) for intent in answers)


def test_nothing_is_opened_on_a_stale_spot() -> None:
    market = script()
    market.bar(10, volatility=0.2)
    rows = market.quotes[1:].copy()
    rows["bid"] *= 1.5
    rows["ask"] *= 1.5
    market.tell(at(FIRST, 11), Kind.QUOTE, rows)
    assert reasons(market.frames(at(FIRST, 11))) == []


def test_nothing_is_closed_for_its_price_on_a_stale_spot() -> None:
    market = script(stop_loss=0.1)
    market.bar(10, volatility=0.35)
    rows = market.quotes[1:].copy()
    rows["bid"] *= 2.0
    rows["ask"] *= 2.0
    market.tell(at(FIRST, 11), Kind.QUOTE, rows)
    assert reasons(market.frames(at(FIRST, 11))) == []
    market.tell(at(FIRST, 11.1), Kind.TRADE, records(Kind.TRADE, close=100.0, volume=1))
    assert set(reasons(market.frames(at(FIRST, 11.1))[:1])) == {"EXIT_STOP"}


def test_vega_counts_what_is_ordered_and_not_filled_yet() -> None:
    filled, waiting = (script(max_structures=1, max_vega=0.0007) for _ in range(2))
    filled.bar(10, volatility=0.35)
    waiting.answer = lambda intent, time: None  # type: ignore[method-assign]
    waiting.bar(10, volatility=0.35)
    state = waiting.core._state
    assert state.trades
    state.settings = state.settings.model_copy(update={"max_structures": 2})
    waiting.bar(10.1, volatility=0.35)
    assert len(state.trades) == 1  # a second one would exceed the limit


class Piecemeal(Script):
    """A host that is read while it still tells of a session: a frame after every message."""

    def tell(self, time: int, kind: Kind, rows: Records) -> None:
        super().tell(time, kind, rows)
        if time == at(self.date, 9) and self.core.open_frame(max(time, self.core.last_frame) + 1_000_000):
            assert not len(self.core.run())


def test_a_session_that_is_told_over_several_frames_is_the_same_session() -> None:
    at_once, piecemeal = Script(), Piecemeal()
    for market in (at_once, piecemeal):
        market.session()
        market.bar(10, volatility=0.35)
        market.session(NEXT, [101.0])
        market.bar(10, spot=101, volatility=0.33)
    assert len(piecemeal.decisions(Kind.EXPOSURE)) > len(at_once.decisions(Kind.EXPOSURE))
    for kind in (Kind.FORECAST, Kind.SIGNAL, Kind.INTENT):
        made, expected = piecemeal.decisions(kind), at_once.decisions(kind)
        assert len(expected) > 0
        assert [rows.tobytes() for rows in made] == [rows.tobytes() for rows in expected]
