"""American puts on a spot that one of several dividends is sure to pay away: the strike, paid just after it."""

import math
from typing import NamedTuple

import numpy as np
import pytest

from alo_lib.pricing import price
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
