"""American puts on a spot that one of several dividends is sure to pay away: the strike, paid just after it."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.pricing import greeks, price
from tests.pricing.dividend_grid import Terms

SPOT, DRAWS = 100.0, 150
TAKEN = 40.0  # times the spot: what pays it away, more than seven standard deviations above it


class PaidAway(NamedTuple):
    """An option, and when what is left of its spot is paid away."""

    terms: Terms
    until: float

    @property
    def value(self) -> float:
        """Nothing is exercised before: spot would have to fall by five standard deviations."""
        return self.terms.strike * math.exp(-self.terms.rate * self.until)


def drawn(number: int) -> PaidAway:
    """The random put of a number, of two to six dividends, small ones before the one that takes all that is left."""
    random = np.random.default_rng([1818, number])
    time = 10.0 ** random.uniform(-0.3, 1.0)
    volatility = random.uniform(0.1, 3.0)
    count = int(random.integers(2, 7))
    taker = int(random.integers(count - 1))
    until = min(0.25 / volatility**2, 0.9 * time) * random.uniform(0.05, 1.0)
    before = np.sort(random.uniform(0.0, until, taker))
    after = np.sort(random.uniform(until, time, count - taker - 1))
    amounts = SPOT * 10.0 ** random.uniform(-7.0, -1.5, count)
    amounts[taker] = SPOT * TAKEN * 10.0 ** random.uniform(0.0, 1.0)
    amounts[taker + 1 :] *= 10.0 ** random.choice([0.0, 3.0], count - taker - 1)
    terms = Terms(
        float(random.uniform(0.2, 20.0)),
        float(random.uniform(0.01, 0.04)),
        float(random.choice([0.0, random.uniform(0.0, 0.2)])),
        volatility,
        time,
        -1,
        True,
        (*before.tolist(), until, *after.tolist()),
        tuple(amounts.tolist()),
    )
    return PaidAway(terms, until)


def priced(terms: Terms, scheme: str) -> float:
    return float(price(SPOT, *terms[:6], scheme=scheme, dividends=(terms.times, terms.amounts)))


@pytest.mark.parametrize("scheme", ["fast", "accurate", "high_precision"])
def test_the_strike_is_paid_when_the_spot_is_gone(scheme: str) -> None:
    wrong = []
    for number in range(DRAWS):
        terms, until = case = drawn(number)
        error = abs(priced(terms, scheme) / case.value - 1.0)
        if not error <= 1e-7:
            wrong.append((error, until, terms))
    assert not wrong, f"{len(wrong)} of {DRAWS}, the worst: {max(wrong)}"


def test_gamma_of_a_put_is_negative_where_its_spot_may_be_paid_away() -> None:
    """Up to a worth that no fall exceeds a put is concave: by quadrature over the spot at the ex-time."""
    rate, held, sigma, time, paid, when = -0.02, 0.05, 0.5, 3.0, 100.0, 0.5
    z, step = np.linspace(-9.0, 9.0, 200_001, retstep=True)

    def value(spot: float) -> float:
        grown = spot * np.exp((rate - held - 0.5 * sigma**2) * when + sigma * np.sqrt(when) * z)
        left, rest = np.maximum(grown - paid, 1e-300), time - when
        deviation = sigma * np.sqrt(rest)
        d1 = (np.log(left / 100.0) + (rate - held) * rest) / deviation + 0.5 * deviation
        worth = 100.0 * np.exp(-rate * rest) * norm.cdf(deviation - d1) - left * np.exp(-held * rest) * norm.cdf(-d1)
        return float(np.exp(-rate * when) * np.sum(norm.pdf(z) * worth) * step)

    for spot in (100.0, 120.0, 150.0):
        right = (value(spot + 1.0) - 2.0 * value(spot) + value(spot - 1.0)) / 1.0**2
        terms = (spot, 100.0, rate, held, sigma, time, -1)
        found = greeks(*terms, style="european", dividends=([when], [paid])).gamma
        assert found == pytest.approx(right, abs=2e-5)
    assert right > 0.0 > value(101.0) - 2.0 * value(100.0) + value(99.0)
