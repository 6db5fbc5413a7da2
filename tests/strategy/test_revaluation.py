"""Steps that greeks do not explain, against prices of the contract alone and against the bounds of its price."""

import math

import numpy as np
import pytest

from alo_lib.pricing import price
from alo_lib.records import PROFIT_PARTS, YEAR, Contract, InstrumentTable
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.profit import LegMark, Parts, along_line, explain_leg, leg_marks
from alo_lib.strategy.revaluation import revalue_leg
from alo_lib.strategy.valuation import LegMarket, leg_alone
from tests.strategy.test_valuation import DATE, DAY, NOW

STRIKE, EXPIRY = 100.0, NOW + 18 * DAY
RATE, YIELD = 0.055, 0.0286


def book() -> MarketBook:
    table = InstrumentTable()
    table.add_equity("TEST")
    made = MarketBook(0, "TEST", trade_price=100.0, trade_time=NOW)
    contracts = [Contract(DATE, STRIKE, right, EXPIRY, 0) for right in (1, -1)]
    made.list_contracts(table.add_contracts("TEST", contracts))
    return made


def row(market: MarketBook, right: int) -> int:
    return market.contracts["right"].tolist().index(right)


def years(time: int) -> float:
    return (EXPIRY - time) / YEAR


def worth(
    right: int, time: int, spot: float, volatility: float, rate: float = RATE, dividend_yield: float = YIELD
) -> float:
    return float(price(spot, STRIKE, rate, dividend_yield, volatility, years(time), right))


def at(market: MarketBook, right: int, time: int, spot: float, volatility: float, mark: float = math.nan) -> LegMark:
    """As measured; the mark is what the contract is worth unless told."""
    known = LegMarket(spot, math.nan, RATE, YIELD)
    implied, greeks = leg_alone(market, row(market, right), time, known, volatility)
    return leg_marks(time, known, np.array([mark]), np.array([implied]), greeks)[0]


@pytest.mark.parametrize("right", [1, -1])
def test_each_part_is_the_price_at_its_two_corners(right: int) -> None:
    market, later = book(), NOW + 3 * DAY
    start, end = at(market, right, NOW, 100.0, 0.3), at(market, right, later, 121.0, 0.7)
    end = end._replace(rate=0.03, dividend_yield=0.01, mark=worth(right, later, 121.0, 0.7, 0.03, 0.01))
    causes = revalue_leg(market, row(market, right), start, end)
    assert causes is not None
    corners = [
        worth(right, NOW, 100.0, 0.3),
        worth(right, NOW, 121.0, 0.3),
        worth(right, NOW, 121.0, 0.7),
        worth(right, later, 121.0, 0.7),
        worth(right, later, 121.0, 0.7, 0.03),
        worth(right, later, 121.0, 0.7, 0.03, 0.01),
    ]
    step = 0.01
    slope = (worth(right, NOW, 100.0 + step, 0.3) - worth(right, NOW, 100.0 - step, 0.3)) / (2 * step)
    assert causes.delta == pytest.approx(21.0 * slope, rel=1e-5)
    found = (causes.delta + causes.gamma, causes.vega, causes.theta, causes.rho, causes.epsilon)
    assert found == pytest.approx(np.diff(corners), abs=1e-9)
    assert right * causes.epsilon > 0.0  # it pays less on the way
    assert causes.rest == pytest.approx(0.0, abs=1e-4)  # the start's mark is by the panels


@pytest.mark.parametrize(("right", "spots"), [(1, (104.0, 107.0)), (-1, (95.0, 92.0))])
def test_a_mark_below_every_volatility_moves_as_what_exercise_brings(right: int, spots: tuple[float, float]) -> None:
    """The volatility that it is hedged at explains nothing; what is short of the bound's move is unexplained."""
    market, later = book(), NOW + DAY
    bounds = []
    for time, spot in zip((NOW, later), spots, strict=True):
        forward = spot * math.exp(-YIELD * years(time)) - STRIKE * math.exp(-RATE * years(time))
        bounds.append(max(right * forward, right * (spot - STRIKE)))
    start = at(market, right, NOW, spots[0], 0.27, bounds[0] - 0.05)
    end = at(market, right, later, spots[1], 0.27, bounds[1] - 0.07)
    causes = revalue_leg(market, row(market, right), start, end)
    assert causes is not None
    assert causes.rest == pytest.approx(-0.02, abs=1e-9)
    assert causes.vega == 0.0
    assert causes.delta == pytest.approx(abs(spots[1] - spots[0]), rel=3e-3)
    assert causes.gamma == pytest.approx(0.0, abs=1e-9)


def test_a_step_is_priced_anew_only_where_greeks_leave_too_much() -> None:
    market, asked = book(), []

    def revalue(start: LegMark, end: LegMark) -> None:
        asked.append((start, end))

    start = at(market, 1, NOW, 100.0, 0.3)
    for spot, volatility in ((100.5, 0.31), (121.0, 0.7)):
        end = at(market, 1, NOW + DAY, spot, volatility)
        parts, known = Parts(), Parts()
        explain_leg(parts, 2, start, end, revalue)
        explain_leg(known, 2, start, end)
        assert parts == known  # what has no price anew is left to the greeks
        assert sum(parts.values) == pytest.approx(200.0 * (end.mark - start.mark))
    assert asked == [(start, end)]
    parts = Parts()
    explain_leg(parts, 2, start, end, lambda start, end: revalue_leg(market, row(market, 1), start, end))
    made = dict(zip(PROFIT_PARTS, parts.values, strict=True))
    assert sum(made.values()) == pytest.approx(200.0 * (end.mark - start.mark))
    assert abs(made["unexplained"]) < 1e-4 * sum(map(abs, made.values()))


def test_a_volatility_that_nobody_knows_is_not_priced() -> None:
    market = book()
    start = at(market, 1, NOW, 100.0, 0.3)
    assert revalue_leg(market, row(market, 1), start, start._replace(implied=math.nan)) is None


@pytest.mark.parametrize("right", [1, -1])
def test_what_goes_ex_on_the_way_is_a_dividend_and_no_move_of_the_market(right: int) -> None:
    """The spot falls by the dividend over the ex-date, which the option was priced with: nothing happens but time."""
    market, ex_time, amount, spot = book(), NOW + DAY // 2, 0.8, 100.0
    known = LegMarket(spot, math.nan, RATE, 0.0, ((ex_time, amount),))
    fallen = LegMarket(spot - amount, math.nan, RATE, 0.0)
    marks = []
    for each, time in ((known, NOW), (fallen, NOW + DAY)):
        implied, greeks = leg_alone(market, row(market, right), time, each, 0.3)
        marks += leg_marks(time, each, np.array([math.nan]), np.array([implied]), greeks)
    start, end = marks
    causes, along = revalue_leg(market, row(market, right), start, end), along_line(start, end)
    assert causes is not None
    for found in (causes, along):
        assert found.dividends == pytest.approx(start.delta * amount)
        assert found.delta == pytest.approx(-start.delta * amount)
        assert math.fsum(found) == pytest.approx(end.mark - start.mark, abs=1e-12)
        assert abs(found.rest) < 2e-3
        assert max(map(abs, (found.gamma, found.vega, found.rho, found.epsilon))) < 2e-3
    late = revalue_leg(market, row(market, right), start, end._replace(ahead=((ex_time + 2 * DAY, amount),)))
    assert late is not None  # at the end it is still expected: what is paid twice is a move of expectations
    assert late.epsilon == pytest.approx(-start.delta * amount, rel=0.1)
    assert math.fsum(late) == pytest.approx(end.mark - start.mark, abs=1e-12)
