"""Whether standardized residuals are what a model says they are: alike, independent, of its density.

Each test's p value is the probability of so large a statistic under the hypothesis that it tests.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from alo_lib.volatility.errors import ObservationError, ParameterError
from alo_lib.volatility.returns import finite_returns

__all__ = ["LAGS", "ResidualTest", "arch_lm", "autocorrelation", "jarque_bera", "ljung_box", "residual_tests"]

Array = NDArray[np.float64]

LAGS: Final = (5, 10, 20)
"""Lags of the tests of a summary: a week, two, a month."""


class ResidualTest(NamedTuple):
    """A test that is chi-squared with ``degrees`` of freedom under its hypothesis."""

    name: str
    of: str
    """What is tested: residuals, or their squares."""
    lags: int | None
    statistic: float
    degrees: int
    p_value: float


def autocorrelation(values: ArrayLike, lags: int) -> Array:
    """Sample autocorrelations of n values at 1 to ``lags``, shape (lags,).

    :raises ObservationError: for values that are not finite, do not vary, or are not more than the lags.
    :raises ParameterError: for fewer than one lag.
    """
    data = _enough(values, lags)
    away = data - np.mean(data)
    total = float(np.sum(away * away))
    return np.array([float(np.sum(away[lag:] * away[:-lag])) / total for lag in range(1, lags + 1)])


def ljung_box(values: ArrayLike, lags: int, of: str = "residuals") -> ResidualTest:
    """No autocorrelation up to ``lags`` (Ljung and Box 1978); of squares, as McLeod and Li (1983). Errors as above.

    Degrees of freedom are the lags: what a variance model's fit takes of those of squares is not subtracted.
    """
    data = _enough(values, lags)
    correlation = autocorrelation(data, lags)
    n = data.size
    statistic = n * (n + 2.0) * float(np.sum(np.square(correlation) / (n - np.arange(1, lags + 1))))
    return _test("Ljung-Box", of, lags, statistic, lags)


def arch_lm(residuals: ArrayLike, lags: int) -> ResidualTest:
    """No autoregression of squares on their ``lags`` (Engle 1982): observations times R squared. Errors as above."""
    squares = np.square(_enough(residuals, lags))
    if squares.size < 2 * lags + 2:
        raise ObservationError(
            f"residuals must be {2 * lags + 2} or more for {lags} lags, but there are {squares.size}"
        )
    lagged = np.lib.stride_tricks.sliding_window_view(squares, lags)[:-1]
    target = squares[lags:]
    table = np.column_stack([np.ones(target.size), lagged])
    solution = np.linalg.lstsq(table, target, rcond=None)[0]
    left = float(np.sum(np.square(target - table @ solution)))
    whole = float(np.sum(np.square(target - np.mean(target))))
    return _test("ARCH-LM", "residuals", lags, target.size * (1.0 - left / whole), lags)


def jarque_bera(residuals: ArrayLike) -> ResidualTest:
    """Skewness and kurtosis of a normal (Jarque and Bera 1987): other densities are to fail it. Errors as above."""
    data = _enough(residuals, 1)
    away = data - np.mean(data)
    variance = float(np.mean(away * away))
    skewness = float(np.mean(away**3)) / variance**1.5
    kurtosis = float(np.mean(away**4)) / variance**2
    statistic = data.size / 6.0 * (skewness**2 + 0.25 * (kurtosis - 3.0) ** 2)
    return _test("Jarque-Bera", "residuals", None, statistic, 2)


def residual_tests(residuals: ArrayLike, lags: tuple[int, ...] = LAGS) -> tuple[ResidualTest, ...]:
    """All of them on n standardized residuals; at ``lags`` where they have any. Errors as above."""
    data = finite_returns(residuals)
    return (
        *(ljung_box(data, lag) for lag in lags),
        *(ljung_box(np.square(data), lag, "squares") for lag in lags),
        *(arch_lm(data, lag) for lag in lags),
        jarque_bera(data),
    )


def _test(name: str, of: str, lags: int | None, statistic: float, degrees: int) -> ResidualTest:
    return ResidualTest(name, of, lags, statistic, degrees, float(chdtrc(degrees, max(statistic, 0.0))))


def _enough(values: ArrayLike, lags: int) -> Array:
    if lags < 1:
        raise ParameterError(f"lags must be 1 or more, but they are {lags}")
    data = finite_returns(values)
    if data.size <= lags + 1:
        raise ObservationError(f"residuals must be more than {lags + 1} for {lags} lags, but there are {data.size}")
    if not math.isfinite(float(np.var(data))) or float(np.ptp(data)) == 0.0:
        raise ObservationError(f"residuals must vary, but all are {float(data[0])!r}")
    return data
