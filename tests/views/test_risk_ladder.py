"""What a book would lose, against prices taken one by one, and what is shown of it."""

import math
import time
from itertools import product
from statistics import NormalDist

import numpy as np
import pytest

from alo_lib.pricing import greeks, price
from alo_lib.records import YEAR, BookMode, HaltCause, Kind, OperatorCommand, records
from alo_lib.strategy.book import CarryLooks, CashDividend
from alo_lib.views.delivery import DeliveryRow, deliveries
from alo_lib.views.limits import limit_uses, limits_section, stated_limits
from alo_lib.views.risk_ladder import LADDER_DAYS, SPOT_MOVES, VOLATILITY_MOVES, RiskView, risk_view, stated_risk
from alo_lib.views.risk_page import day_in_words, limit_cells, risk_html
from alo_lib.views.run import RunError
from tests.core.script import FIRST, RATE, Script, at, script
from tests.strategy.kit import CALLS, HOUR, NOW, PUTS, state_of
from tests.views import kit
from tests.views.kit import run_of

DAY = 86_400 * 10**9


def traded(**settings: object) -> Script:
    market = script(max_structures=2, stop_loss=10, exit_edge=-1, **settings)
    market.bar(10, volatility=0.35)
    market.bar(11, spot=101.0, volatility=0.33)
    return market


def held_options(market: Script) -> list[tuple[float, float, int, int, float]]:
    """Strike, right, expiry, quantity and implied volatility of each option that was held at the end."""
    rows = market.decisions(Kind.POSITION)[-1]
    told = {int(row["instrument"]): row for table in market.decisions(Kind.INSTRUMENT) for row in table}
    return [
        (float(one["strike"]), float(one["right"]), int(one["expiry"]), int(row["quantity"]), row["implied_volatility"])
        for row in rows
        if np.isfinite(row["implied_volatility"]) and (one := told[int(row["instrument"])])["right"]
    ]


def test_every_cell_is_the_sum_of_prices_taken_one_by_one() -> None:
    market = traded()
    view = risk_view(market.journal)
    options, shares = held_options(market), market.held.get("TEST", 0)
    assert options
    spot = view.spots["TEST"]
    cells = product(enumerate(LADDER_DAYS), enumerate(VOLATILITY_MOVES), enumerate(SPOT_MOVES))
    for (day, days), (row, volatility), (column, move) in list(cells)[::7]:
        made = shares * spot * move
        for strike, right, expiry, quantity, implied in options:
            years = (expiry - view.time) / YEAR
            now = price(spot, strike, RATE, 0.0, implied, years, right)
            then = price(spot * (1 + move), strike, RATE, 0.0, implied * (1 + volatility), years - days / 365, right)
            made += quantity * 100 * float(then - now)
        assert view.together[day, row, column] == pytest.approx(made, abs=0.5)
    assert view.stress.worst == pytest.approx(-np.min(view.together[0][[0, 2, 4]]))
    assert view.left_out == ()


def test_greeks_and_limits_are_those_of_what_is_held() -> None:
    market = traded()
    view = risk_view(market.journal)
    exposure = market.decisions(Kind.EXPOSURE)[-1][0]
    for name in ("delta", "gamma", "vega", "theta"):
        assert sum(getattr(row, name) for row in view.greeks) == pytest.approx(float(exposure[name]), rel=1e-6)
    limits = {row.limit: row for row in view.limits if row.part == "book"}
    assert limits["max_vega"].used == pytest.approx(abs(float(exposure["vega"])) * 0.01)
    assert limits["max_vega"].allowed == pytest.approx(0.003 * view.equity)
    assert limits["max_book_structures"].used == int(exposure["structures"])
    assert limits["max_stress_loss"].used == pytest.approx(view.stress.worst)
    assert {"max_drawdown", "max_daily_loss"} < limits.keys()


def test_what_may_be_delivered_is_told_of_each_option() -> None:
    market = traded()
    view = risk_view(market.journal)
    options = sorted(held_options(market), key=lambda each: (each[2], each[0], each[1]))
    assert len(view.deliveries) == len(options) == 4
    spot = view.spots["TEST"]
    for row, (strike, right, expiry, quantity, implied) in zip(view.deliveries, options, strict=True):
        years = (expiry - view.time) / YEAR
        deviation = implied * math.sqrt(years)
        score = (math.log(spot / strike) + RATE * years) / deviation - 0.5 * deviation
        assert row.chance == pytest.approx(NormalDist().cdf(right * score), abs=1e-9)
        assert row.in_the_money == pytest.approx(right * (spot - strike))
        worth = float(price(spot, strike, RATE, 0.0, implied, years, right))
        assert row.time_value == pytest.approx(worth - max(row.in_the_money, 0.0), abs=1e-4)
        assert (row.quantity, row.shares) == (quantity, 100 * quantity * right)
        assert (row.exercised, row.pinned) == ("", False)
    told = stated_risk(view)["deliveries"]
    assert [each["option"] for each in told] == [row.option for row in view.deliveries]
    assert "Exercise and assignment" in risk_html(view, "book")


def test_early_exercise_and_pins_are_told_apart() -> None:
    """A put deep in the money earns interest at once, a call its dividend; at the strike on the last day either way."""
    book = state_of(volatility=0.2).underlyings[0].book
    book.quote["bid"] = np.nan
    numbers = [*CALLS, *PUTS]

    def told(spot: float, time: int, rate: float = RATE) -> list[DeliveryRow]:
        book.take_trade(spot, time)
        rows = np.array([book.row(each) for each in numbers])
        return deliveries(book, list(map(str, numbers)), [-1] * 10, rows, np.full(10, 0.2), rate, time)

    puts = told(60.0, NOW, rate=0.1)
    assert {row.option: row.exercised for row in puts} == dict.fromkeys(map(str, CALLS), "") | dict.fromkeys(
        map(str, PUTS), "now"
    )
    book.announced = [CashDividend(NOW + 18 * HOUR, 2.0)]
    calls = {row.option: row.exercised for row in told(140.0, NOW)}
    assert calls == dict.fromkeys(map(str, CALLS), "for 2024-03-05") | dict.fromkeys(map(str, PUTS), "")
    book.announced = []
    last = told(100.0, NOW + 44 * DAY)
    assert {int(row.option) for row in last if row.pinned} == {CALLS[2], PUTS[2]}


def test_the_carry_of_what_is_held_is_the_run_s() -> None:
    market = traded()
    book = market.core.snapshot().state.strategy.underlyings[0].book
    book.carry = {int(expiry): CarryLooks.told(0, 0.08) for expiry in np.unique(book.contracts["expiry"])}
    market.bar(12, spot=101.0, volatility=0.33)
    view = risk_view(market.journal)
    exposure = market.decisions(Kind.EXPOSURE)[-1][0]
    for name in ("delta", "gamma", "vega", "theta"):
        assert sum(getattr(row, name) for row in view.greeks) == pytest.approx(float(exposure[name]), rel=1e-6)
    told = market.decisions(Kind.POSITION)[-1]
    assert set(told["dividend_yield"][np.isfinite(told["implied_volatility"])].tolist()) == {0.08}


def test_a_moment_before_anything_was_held_has_no_risk_and_one_before_the_run_is_refused() -> None:
    market = script()
    market.bar(9.55, volatility=0.35)  # within the entry delay
    before = at(FIRST, 9.6)
    market.bar(10, volatility=0.35)
    assert risk_view(market.journal).greeks
    view = risk_view(market.journal, before)
    assert not view.together.any()
    assert (view.greeks, view.stress.worst, view.gap.worst) == ([], 0.0, 0.0)
    assert view.time <= before
    with pytest.raises(RunError, match="measured no book by then"):
        risk_view(market.journal, at(FIRST, 5))


def test_a_halted_book_says_so() -> None:
    market = traded()
    market.tell(at(FIRST, 11.5), Kind.OPERATOR, records(Kind.OPERATOR, command=OperatorCommand.PAUSE))
    market.bar(12, spot=101.0, volatility=0.33)
    view = risk_view(market.journal)
    assert (view.mode, view.halts) == (BookMode.HALTED, (HaltCause.OPERATOR,))
    assert stated_risk(view)["halts"] == ["operator"]


def test_the_ladder_takes_less_than_a_second() -> None:
    market = traded()
    risk_view(market.journal)  # compiles
    began = time.process_time()
    risk_view(market.journal)
    assert time.process_time() - began < 1.0


def test_the_page_has_a_figure_a_day_and_every_limit() -> None:
    view: RiskView = risk_view(traded().journal)
    text = risk_html(view, "a run")
    assert text.count('class="plot"') == len(LADDER_DAYS)
    assert all(day_in_words(days) in text for days in LADDER_DAYS.tolist())
    assert all(limit_cells(row)[0] in text for row in view.limits)
    assert risk_html(view, "<b>").count("<b>") == risk_html(view, "").count("<b>")


def test_vega_by_expiry_adds_up_and_its_greeks_are_the_pricers() -> None:
    market = traded()
    view, options = risk_view(market.journal), held_options(market)
    total = 0.0
    for strike, right, expiry, quantity, implied in options:
        years = (expiry - view.time) / YEAR
        total += quantity * float(greeks(view.spots["TEST"], strike, RATE, 0.0, implied, years, right).vega)
    assert sum(row.vega for row in view.greeks) == pytest.approx(100 * total, rel=1e-4)


def test_the_most_that_was_used_of_a_limit_is_told_with_its_time(tmp_path) -> None:
    messages, end = kit.traded_messages(), kit.CLOSE
    frames = [message.time for message in messages if message.kind is Kind.FRAME]
    told = []
    for when, used in zip(frames[:3], (10.0, 40.0, 5.0), strict=True):
        row = records(Kind.LIMIT, limit=b"max_vega", underlying=-1, days=-1, used=used, allowed=50.0)
        told.append(messages[0]._replace(kind=Kind.LIMIT, time=when, records=row))
    run = run_of(tmp_path, sorted([*messages, *told], key=lambda message: message.time))
    (use,) = limit_uses(run)
    assert (use.limit, use.part, use.most, use.share, use.time) == ("max_vega", "book", 40.0, 0.8, frames[1])
    assert (use.last, use.last_allowed) == (5.0, 50.0)
    assert frames[1] < end
    assert stated_limits(run)[0]["most_used"] == 40.0
    assert "80.0%" in str(limits_section(run))
