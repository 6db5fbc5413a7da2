"""Options with one or two dividends as nested expectations, summed by Gauss-Legendre rules split at every kink.

Exact, to about 1e-12 of spot, where nothing is exercised between ex-times: European options; American calls without a
yield at rates >= 0, exercised just before an ex-time only; American puts so near an ex-time that the amount is worth
more than the interest until then, whose last stretch before expiry is priced by the caller. The model is that of
:mod:`tests.pricing.dividend_grid`.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from tests.pricing.dividend_grid import Terms, paid_by

__all__ = ["black_scholes", "nested"]

Array = npt.NDArray[np.float64]
Last = Callable[[Array, float], Array]
"""Value at spots after the last ex-time, so long before expiry."""

_REACH: Final = 9.5
_PANELS: Final = 14
_GAUSS: Final = np.polynomial.legendre.leggauss(24)
_BISECTIONS: Final = 60


def black_scholes(terms: Terms) -> Last:
    """The closed form: of European options, and of American calls without a yield."""

    def value(spot: Array, time: float) -> Array:
        root = terms.volatility * math.sqrt(time)
        side, alive = float(terms.right), np.maximum(spot, 1e-300)
        plus = (np.log(alive / terms.strike) + (terms.rate - terms.dividend_yield) * time) / root + 0.5 * root
        stock = alive * math.exp(-terms.dividend_yield * time) * ndtr(side * plus)
        cash = terms.strike * math.exp(-terms.rate * time) * ndtr(side * (plus - root))
        return np.asarray(side * (stock - cash))

    return value


def _expected(
    terms: Terms, spot: Array, time: float, value: Callable[[Array], Array], kinks: list[float], panels: int
) -> Array:
    """Discounted expectation of a value at spots (n,) so much later, and its derivative by spot: (2, n)."""
    root = terms.volatility * math.sqrt(time)
    middle = np.log(spot) + (terms.rate - terms.dividend_yield - 0.5 * terms.volatility**2) * time
    at = [np.clip((math.log(kink) - middle) / root, -_REACH, _REACH) for kink in kinks]
    even = np.broadcast_to(np.linspace(-_REACH, _REACH, panels + 1), (spot.size, panels + 1))
    edges = np.sort(np.column_stack([even, *at]), axis=1)
    points, weights = _GAUSS
    half = 0.5 * np.diff(edges, axis=1)[..., np.newaxis]
    z = (edges[:, :-1, np.newaxis] + half * (1.0 + points)).reshape(spot.size, -1)
    density = (half * weights).reshape(z.shape) * np.exp(-0.5 * z * z - terms.rate * time) / math.sqrt(2.0 * math.pi)
    later = value(np.exp(middle[:, np.newaxis] + root * z).ravel()).reshape(z.shape)
    return np.stack([(density * later).sum(1), (density * later * z).sum(1) / (spot * root)])


def nested(spots: npt.ArrayLike, terms: Terms, last: Last, panels: int = _PANELS) -> Array:
    """Values and deltas (2, n) at spots (n,); more ``panels`` where the last value bends without a kink."""
    where = np.atleast_1d(np.asarray(spots, dtype=np.float64))
    events = paid_by(terms)
    side, exercised = float(terms.right), terms.american and terms.right > 0

    def after(event: int, spot: Array) -> Array:
        """Just after an ex-time, where spot may be nothing."""
        time = events[event].time
        alive = np.flatnonzero(spot > 0.0)
        worth = math.exp(-terms.rate * (terms.time - time))
        nothing = max(worth, 1.0) if terms.american else worth
        found = np.full(spot.size, terms.strike * nothing if side < 0.0 else 0.0)
        if event == len(events) - 1:
            found[alive] = last(spot[alive], terms.time - time)
        else:
            found[alive] = ahead(event + 1, spot[alive], time)[0]
        return found

    def before(event: int, spot: Array) -> Array:
        held = after(event, spot * events[event].kept - events[event].amount)
        return np.maximum(held, spot - terms.strike) if exercised else held

    stars: dict[int, float] = {}

    def star(event: int) -> float:
        """From where on a call is exercised just before an ex-time, infinite where it is not."""
        low, high = terms.strike, 1e3 * terms.strike
        _, amount, kept = events[event]

        def gain(spot: float) -> float:
            return spot - terms.strike - float(after(event, np.array([spot * kept - amount]))[0])

        if gain(high) <= 0.0:
            return high
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if gain(middle) > 0.0 else (middle, high)
        return high

    def ahead(event: int, spot: Array, now: float) -> Array:
        time, amount, kept = events[event]
        kinks = [amount / kept] if amount > 0.0 else []
        if exercised:
            if event not in stars:
                stars[event] = star(event)
            kinks.append(stars[event])
        return _expected(terms, spot, time - now, lambda later: before(event, later), kinks, panels)

    return ahead(0, where, 0.0)
