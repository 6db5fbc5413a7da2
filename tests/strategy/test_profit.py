"""What a contract gained, split by cause, against prices at the one and the other market: full revaluation."""

from typing import Any

import numpy as np
import pytest

from alo_lib.pricing import greeks, price
from alo_lib.records import LAYOUTS, PROFIT_PARTS, YEAR, Kind
from alo_lib.strategy.profit import LegMark, Parts, UnderlyingProfit, explain_leg, explain_shares, leg_marks
from alo_lib.strategy.valuation import LegMarket

DAY = YEAR // 365
START: dict[str, Any] = {"spot": 100.0, "implied": 0.30, "rate": 0.04, "dividend_yield": 0.01, "time": 0}
STRIKE, EXPIRY = 102.0, 60 * DAY


def terms(market: dict[str, Any]) -> dict[str, Any]:
    return {
        "spot": market["spot"],
        "strike": STRIKE,
        "rate": market["rate"],
        "dividend_yield": market["dividend_yield"],
        "volatility": market["implied"],
        "time_to_expiry": (EXPIRY - market["time"]) / YEAR,
    }


def mark(right: int, **changes: float) -> LegMark:
    market = START | changes
    measured = greeks(**terms(market), right=right)
    known = LegMarket(market["spot"], np.nan, market["rate"], market["dividend_yield"])
    values = type(measured)(*(np.atleast_1d(each) for each in measured))
    return leg_marks(int(market["time"]), known, np.array([np.nan]), np.array([market["implied"]]), values)[0]


def worth(right: int, **changes: float) -> float:
    return float(price(**terms(START | changes), right=right))


def explained(right: int, quantity: int, **changes: float) -> Parts:
    parts = Parts()
    explain_leg(parts, quantity, mark(right), mark(right, **changes))
    return parts


@pytest.mark.parametrize("right", [1, -1])
@pytest.mark.parametrize(
    ("changes", "causes"),
    [
        ({"spot": 103.0}, {"delta", "gamma"}),
        ({"implied": 0.33}, {"vega"}),
        ({"time": 5 * DAY}, {"theta"}),
        ({"rate": 0.05}, {"rho"}),
        ({"dividend_yield": 0.02}, {"epsilon"}),
    ],
)
def test_one_cause_alone_makes_all_of_the_profit(right: int, changes: dict[str, float], causes: set[str]) -> None:
    parts = explained(right, 3, **changes)
    profit = 300.0 * (worth(right, **changes) - worth(right))
    made = {name: money for name, money in zip(PROFIT_PARTS, parts.values, strict=True) if money}
    assert set(made) == causes | {"unexplained"}
    assert sum(made.values()) == pytest.approx(profit, abs=1e-9)
    assert sum(made[cause] for cause in causes) == pytest.approx(profit, rel=2e-3)


def test_delta_is_the_start_s_and_gamma_what_it_gained() -> None:
    before, parts = mark(1), explained(1, 1, spot=103.0)
    assert parts.delta == pytest.approx(100.0 * before.delta * 3.0)
    assert parts.gamma == pytest.approx(100.0 * (worth(1, spot=103.0) - worth(1) - before.delta * 3.0), rel=2e-3)


@pytest.mark.parametrize("right", [1, -1])
@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({"spot": 100.2, "implied": 0.303, "time": DAY // 400}, 1e-6),  # a minute
        ({"spot": 97.0, "implied": 0.34, "time": DAY}, 1e-3),  # a night
        ({"spot": 112.0, "implied": 0.22, "time": 3 * DAY, "rate": 0.045}, 0.02),  # a weekend with a takeover
    ],
)
def test_little_is_unexplained_where_everything_moves(right: int, changes: dict[str, float], share: float) -> None:
    parts = explained(right, -5, **changes)
    assert sum(parts.values) == pytest.approx(-500.0 * (worth(right, **changes) - worth(right)), abs=1e-9)
    assert abs(parts.unexplained) <= share * sum(map(abs, parts.values))


@pytest.mark.parametrize(("spot", "right"), [(94.0, 1), (94.0, -1)])
def test_what_vega_gains_with_the_spot_is_vega_s(spot: float, right: int) -> None:
    """Delta and gamma are at the start's volatility, the move of volatility counts at the end's spot."""
    before, after = (
        100.0 * (worth(right, **at, implied=0.32) - worth(right, **at)) for at in ({"spot": 100.0}, {"spot": spot})
    )
    vega = explained(right, 1, spot=spot, implied=0.32).vega
    assert abs(vega - after) < 0.25 * abs(after - before)  # half of it, without cross terms


def test_a_missing_measure_counts_nothing_and_leaves_all_unexplained() -> None:
    at, parts = mark(1), Parts()
    explain_leg(parts, 2, at, None)
    assert parts == Parts(unexplained=-200.0 * at.mark)
    explain_leg(parts, 2, None, at)
    assert parts == Parts()


def test_greeks_that_are_not_finite_and_volatilities_that_are_not_known_explain_nothing() -> None:
    nothing = np.full(1, np.nan)
    measured = greeks(**terms(START), right=1)
    broken = type(measured)(*[nothing] * len(measured))
    start = leg_marks(0, LegMarket(100.0, np.nan, 0.04, 0.01), np.array([5.0]), nothing, broken)[0]
    end = leg_marks(DAY, LegMarket(103.0, np.nan, 0.04, 0.01), np.array([7.0]), nothing, broken)[0]
    parts = Parts()
    explain_leg(parts, 1, start, end)
    assert parts == Parts(unexplained=200.0)


def test_an_unknown_spot_explains_nothing() -> None:
    parts = Parts()
    explain_shares(parts, 10.0, 99.0, 100.0)
    explain_shares(parts, 10.0, 0.0, 100.0)
    assert parts == Parts(delta=10.0, unexplained=1000.0)


def test_shares_go_against_each_trades_delta_and_the_rest_by_contracts() -> None:
    profit = UnderlyingProfit()
    for number, delta, contracts in ((1, 60.0, 6), (2, -90.0, 2), (3, 0.0, 0)):
        trade = profit.trade(number)
        trade.delta, trade.contracts = delta, contracts
    shares = profit.hedge_shares(38.0)  # eight more than would hedge
    assert shares == pytest.approx({0: 0.0, 1: -60.0 + 6.0, 2: 90.0 + 2.0, 3: 0.0})
    assert UnderlyingProfit().hedge_shares(7.0) == {0: 7.0}


def test_parts_and_records_name_the_same() -> None:
    assert tuple(Parts.__dataclass_fields__) == PROFIT_PARTS
    assert (LAYOUTS[Kind.ATTRIBUTION].names or ())[-len(PROFIT_PARTS) :] == PROFIT_PARTS
