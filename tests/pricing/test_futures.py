"""Options on futures: Black (1976) in closed form, and American ones by a tree and as limits."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.pricing import Chain, Greeks, PricingError, greeks, implied_volatility, price

FUTURE, RATE, VOLATILITY, YEARS = 100.0, 0.06, 0.35, 0.75
STRIKE, RIGHT = np.repeat([85.0, 100.0, 120.0], 2), np.tile([-1.0, 1.0], 3)


def black(rate: float, volatility: float = VOLATILITY) -> np.ndarray:
    """exp(-rT) (F N(d1) - K N(d2)), and the put likewise."""
    deviation = volatility * math.sqrt(YEARS)
    d1 = np.log(FUTURE / STRIKE) / deviation + 0.5 * deviation
    forward, strike = FUTURE * norm.cdf(RIGHT * d1), STRIKE * norm.cdf(RIGHT * (d1 - deviation))
    return np.asarray(math.exp(-rate * YEARS) * RIGHT * (forward - strike))


def tree(strike: float, right: float, steps: int) -> float:
    """An American option on a future by the tree of Cox, Ross and Rubinstein: a future costs nothing to hold."""
    dt = YEARS / steps
    up = math.exp(VOLATILITY * math.sqrt(dt))
    chance, discount = (1.0 - 1.0 / up) / (up - 1.0 / up), math.exp(-RATE * dt)
    values = np.maximum(right * (FUTURE * up ** (2.0 * np.arange(steps + 1) - steps) - strike), 0.0)
    for step in range(steps - 1, -1, -1):
        futures = FUTURE * up ** (2.0 * np.arange(step + 1) - step)
        values = np.maximum(discount * (chance * values[1:] + (1.0 - chance) * values[:-1]), right * (futures - strike))
    return float(values[0])


def test_european_values_are_black_s_whatever_yield_is_given() -> None:
    for given in (0.0, 0.3, np.nan):
        found = price(FUTURE, STRIKE, RATE, given, VOLATILITY, YEARS, RIGHT, style="european", on_future=True)
        np.testing.assert_allclose(found, black(RATE), rtol=1e-12)


def test_rho_is_that_of_the_rate_which_discounts_and_nothing_else() -> None:
    """dV/dr = -T V of a European option on a future."""
    found = greeks(FUTURE, STRIKE, RATE, 0.0, VOLATILITY, YEARS, RIGHT, style="european", on_future=True)
    np.testing.assert_allclose(found.rho, -YEARS * black(RATE), rtol=1e-10)
    np.testing.assert_array_equal(found.epsilon, 0.0)


def test_american_values_are_a_tree_s() -> None:
    found = price(FUTURE, STRIKE, RATE, 0.0, VOLATILITY, YEARS, RIGHT, on_future=True)
    sides = list(zip(STRIKE.tolist(), RIGHT.tolist(), strict=True))
    coarse, fine = (np.array([tree(*side, steps) for side in sides]) for steps in (1000, 2000))
    np.testing.assert_allclose(found, 2.0 * fine - coarse, atol=6e-3)  # what the tree's own steps leave
    assert (found > black(RATE) + 1e-3).all()


def test_american_rho_is_the_difference_of_prices_at_two_rates() -> None:
    step = 1e-4
    up, down = (
        price(FUTURE, STRIKE, RATE + by, 0.0, VOLATILITY, YEARS, RIGHT, on_future=True, scheme="high_precision")
        for by in (step, -step)
    )
    found = greeks(FUTURE, STRIKE, RATE, 0.0, VOLATILITY, YEARS, RIGHT, on_future=True)
    np.testing.assert_allclose(found.rho, (up - down) / (2.0 * step), atol=2e-3)


@pytest.mark.parametrize("style", ["american", "european"])
def test_a_chain_and_a_search_say_the_same(style: str) -> None:
    terms = {"style": style, "on_future": True}
    found = greeks(FUTURE, STRIKE, RATE, 0.0, VOLATILITY, YEARS, RIGHT, **terms)  # type: ignore[arg-type]
    chain = Chain(STRIKE, YEARS, RIGHT, **terms)  # type: ignore[arg-type]
    for name in Greeks._fields:
        ours = getattr(chain.greeks(FUTURE, RATE, 0.0, VOLATILITY), name)
        np.testing.assert_allclose(ours, getattr(found, name), rtol=1e-4, atol=1e-4)
    implied = implied_volatility(found.price, FUTURE, STRIKE, RATE, 0.0, YEARS, RIGHT, **terms)  # type: ignore[arg-type]
    np.testing.assert_allclose(implied, VOLATILITY, rtol=1e-9)
    np.testing.assert_allclose(chain.implied_volatility(found.price, FUTURE, RATE, 0.0), VOLATILITY, rtol=1e-5)


def test_a_future_pays_no_dividends() -> None:
    with pytest.raises(PricingError, match="dividends are given with on_future; allowed: one of the two"):
        price(FUTURE, STRIKE, RATE, 0.0, VOLATILITY, YEARS, RIGHT, on_future=True, dividends=([0.5], [1.0]))
