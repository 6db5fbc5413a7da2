"""The size of orders that hedges best where each costs something: by minimizing what an impulse control costs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from alo_lib.settings import Settings
from alo_lib.simulation.fees import FEE_PER_SHARE, LEAST_FEE, equity_fee
from alo_lib.strategy.hedging import WhalleyWilmott, shares_wanted
from alo_lib.strategy.order_costs import OrderCosts, best_size, cube_root
from tests.strategy.kit import POSITION


def cost_a_year(low: float, size: float, half_width: float, costs: OrderCosts) -> float:
    """Of going from ``low`` + ``size`` to ``low``, of a Brownian motion of variance 1 a year: error and orders.

    From the target u it takes U^2 - u^2 years to the trigger U, and the square of the error comes to (U^4 - u^4) / 6
    on the way, by Dynkin's formula. Half width and h are tied by w^3 = 3 / 4 h.
    """
    high, h = low + size, 0.75 / half_width**3
    order = size * costs.half_spread + max(costs.least, size * costs.fee)
    years = high * high - low * low
    return float((h * (high**4 - low**4) / 6.0 + order) / years)


@pytest.mark.parametrize("half_width", [1.0, 20.0, 150.0, 2_000.0])
@pytest.mark.parametrize(
    "costs",
    [
        OrderCosts(0.0, 0.0, 1.0),
        OrderCosts(0.01, 0.005, 1.0),
        OrderCosts(0.1, 0.005, 1.0),
        OrderCosts(0.05, 0.5, 1.0),  # two shares pay it
        OrderCosts(2.0, 0.001, 0.01),
    ],
)
def test_no_other_trigger_and_target_cost_less(half_width: float, costs: OrderCosts) -> None:
    size = float(best_size(half_width, costs))
    middle = half_width * float(cube_root(costs.a_share(size)))
    found = cost_a_year(middle - 0.5 * size, size, half_width, costs)

    def cost(logs: np.ndarray) -> float:
        return cost_a_year(float(np.exp(logs[0])), float(np.exp(logs[1])), half_width, costs)

    for start in ((0.3, 0.5), (0.9, 0.1), (0.05, 2.0)):
        begin = np.log(np.array(start) * middle)
        best = minimize(cost, begin, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000})
        assert found <= best.fun * (1.0 + 1e-9)
    for ratio in (0.9, 1.1):  # and it is a minimum that moves away from what is found
        assert cost_a_year(ratio * (middle - 0.5 * size), size, half_width, costs) >= found * (1.0 - 1e-12)
        assert cost_a_year(middle - 0.5 * ratio * size, ratio * size, half_width, costs) > found


def test_a_fee_alone_goes_to_the_centre_from_the_fourth_root_of_it() -> None:
    """Altarovici, Muhle-Karbe and Soner's: sixteen times the fee is twice the band."""
    size = float(best_size(50.0, OrderCosts(0.0, 0.0, 3.0)))
    assert size == pytest.approx((8.0 * 50.0**3 * 3.0) ** 0.25)
    assert float(best_size(50.0, OrderCosts(0.0, 0.0, 48.0))) == pytest.approx(2.0 * size)
    costs = replace(POSITION, half_spread=0.0, fee=0.0, order_fee=1.0)
    band = WhalleyWilmott(4_000.0).band(costs)
    assert float(band.target) == pytest.approx(0.0, abs=1e-9 * float(band.half_width))
    gamma = 70.0 / 2_000.0  # and by the root's formula: 12 F gamma^2 / a, of a share of n
    assert float(band.half_width) / 2_000.0 == pytest.approx(
        (12.0 * math.exp(-0.003) * gamma**2 * 100.0 / 4_000.0 / 2_000.0) ** 0.25
    )


def test_without_a_least_fee_it_is_whalley_and_wilmott_s_edge_to_the_last_bit() -> None:
    band = WhalleyWilmott(4_000.0).band(POSITION)
    cube = 1.5 * math.exp(-0.03 * 0.1) * (0.025 / 100.0) * (70.0 * 100.0 / 2_000.0) ** 2 / 4_000.0
    assert band.half_width == band.target == 2_000.0 * float(cube_root(cube))


def test_many_contracts_hedge_as_if_there_were_no_least_fee() -> None:
    """A band of more shares than it counts for: orders of that many about the old edge."""
    extensive = ("delta", "gamma", "vega", "theta", "vega_skew", "contracts")
    many = replace(POSITION, **{name: 1e4 * getattr(POSITION, name) for name in extensive})
    plain = WhalleyWilmott(4_000.0).band(many)
    band = WhalleyWilmott(4_000.0).band(replace(many, order_fee=1.0))
    assert float(band.half_width - band.target) == pytest.approx(200.0)
    assert float(band.half_width + band.target) == pytest.approx(2.0 * float(plain.half_width))
    one = WhalleyWilmott(4_000.0).band(replace(POSITION, order_fee=1.0))
    assert float(one.half_width) > 1.5 * float(WhalleyWilmott(4_000.0).band(POSITION).half_width)


def test_beyond_the_trigger_the_hedge_goes_to_the_target() -> None:
    rule, position = WhalleyWilmott(4_000.0), replace(POSITION, order_fee=1.0)
    centre, half_width, target = (float(each) for each in rule.band(position))
    assert 0.0 < target < half_width
    inside, beyond = round(centre + half_width - 1.0), round(centre + half_width + 1.0)
    assert float(shares_wanted(inside, position, rule)) == inside
    assert float(shares_wanted(beyond, position, rule)) == math.floor(centre + target)
    assert float(shares_wanted(2.0 * centre - beyond, position, rule)) == math.ceil(centre - target)


def test_what_is_not_known_makes_no_size() -> None:
    costs = OrderCosts(0.01, 0.005, 1.0)
    assert np.isnan(best_size(np.nan, costs))
    assert np.isnan(best_size(1.0, costs._replace(half_spread=np.nan)))
    assert float(best_size(0.0, costs)) == 0.0
    sizes = best_size(np.array([1.0, 30.0, np.nan]), costs)
    assert sizes[:2].tolist() == [float(best_size(each, costs)) for each in (1.0, 30.0)]


def test_the_settings_fees_are_those_of_lean_s_model() -> None:
    settings = Settings()
    assert settings.fee_per_order == float(LEAST_FEE) == float(equity_fee(1, LEAST_FEE))
    assert settings.fee_per_share == float(FEE_PER_SHARE)
