"""What a fit says of itself: parameters with errors, criteria, covariance, and tests of what it leaves unexplained."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from alo_lib.volatility.dates import Dates
from alo_lib.volatility.innovations import Distribution
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.residual_tests import ResidualTest, residual_tests
from alo_lib.volatility.uncertainty import Uncertainty

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FitSummary", "FittedParameter", "summarize"]

Array = NDArray[np.float64]

_NORMAL_95: Final = 1.959963984540054


class FittedParameter(NamedTuple):
    """One parameter: its estimate, and how well the sample tells it. None where nothing is told.

    ``t`` is the estimate over its standard error, ``p_value`` the two-sided normal one of it. On a bound the standard
    error and the 95 % interval are those of the profile of the likelihood, elsewhere robust and normal.
    """

    name: str
    value: float
    standard_error: float | None
    t: float | None
    p_value: float | None
    interval: tuple[float, float] | None
    on_bound: bool


@dataclass(frozen=True, eq=False)
class FitSummary:
    """A fitted GARCH model and its sample of n returns in decimals; ``str`` is a table for people."""

    model: str
    distribution: Distribution
    observations: int
    start: str | None
    """First and last day, yyyy-mm-dd; None where dates are not known."""
    end: str | None
    parameters: tuple[FittedParameter, ...]
    """Those that were fitted; after variance targeting omega's is that of the sample's variance."""
    covariance: Array
    """Robust, of the parameters that are on no bound, in their order (k, k); (0, 0) where it is not known."""
    persistence: float
    log_likelihood: float
    residuals: Array
    """Standardized (n,)."""
    tests: tuple[ResidualTest, ...]
    """Of the standardized residuals."""
    note: str
    """Why there are no standard errors; empty when there are."""

    @property
    def akaike(self) -> float:
        """Information criterion of Akaike (1974): -2 log likelihood + 2 k, the less the better."""
        return -2.0 * self.log_likelihood + 2.0 * len(self.parameters)

    @property
    def bayes(self) -> float:
        """Information criterion of Schwarz (1978): -2 log likelihood + k log n."""
        return -2.0 * self.log_likelihood + len(self.parameters) * math.log(self.observations)

    @property
    def covariance_names(self) -> tuple[str, ...]:
        """Parameters of the covariance's rows."""
        return tuple(one.name for one in self.parameters if not one.on_bound) if self.covariance.size else ()

    def to_dict(self) -> dict[str, Any]:
        """All but the residuals, for JSON."""
        return {
            "model": self.model,
            "distribution": self.distribution,
            "observations": self.observations,
            "start": self.start,
            "end": self.end,
            "parameters": [one._asdict() for one in self.parameters],
            "covariance": {"names": list(self.covariance_names), "values": self.covariance.tolist()},
            "persistence": self.persistence,
            "log_likelihood": self.log_likelihood,
            "aic": self.akaike,
            "bic": self.bayes,
            "residual_tests": [one._asdict() for one in self.tests],
            "note": self.note,
        }

    def to_frame(self) -> "pd.DataFrame":
        """The parameters as a pandas DataFrame, a row each."""
        import pandas as pd

        rows = [
            [one.value, one.standard_error, one.t, one.p_value, *(one.interval or (None, None))]
            for one in self.parameters
        ]
        columns = ["value", "standard error", "t", "p value", "2.5 %", "97.5 %"]
        return pd.DataFrame(rows, [one.name for one in self.parameters], columns, dtype=np.float64)

    def __str__(self) -> str:
        span = f", {self.start} to {self.end}" if self.start else ""
        head = [
            f"{self.model}, {self.distribution} shocks: {self.observations:,} returns{span}",
            f"log likelihood {self.log_likelihood:z,.2f}   AIC {self.akaike:z,.2f}   BIC {self.bayes:z,.2f}   "
            f"persistence {self.persistence:z.4f}",
        ]
        rows = [("", "value", "std. error", "t", "p", "95 % interval")]
        for one in self.parameters:
            low_high = "" if one.interval is None else f"{one.interval[0]:z.4g} to {one.interval[1]:z.4g}"
            name = f"{one.name} (on its bound)" if one.on_bound else one.name
            figures = (_shown(one.standard_error, ".3g"), _shown(one.t, ".2f"), _probability(one.p_value))
            rows.append((name, f"{one.value:z.5g}", *figures, low_high))
        tests = [("test", "of", "lags", "statistic", "p")]
        for test in self.tests:
            lags = "" if test.lags is None else str(test.lags)
            tests.append((test.name, test.of, lags, f"{test.statistic:z.2f}", _probability(test.p_value)))
        note = [f"Note: {self.note}."] if self.note else []
        return "\n".join([*head, "", *_aligned(rows, 1), "", *_aligned(tests, 2), *note])


def summarize(
    model: str,
    parameters: GjrParameters,
    fitted: Iterable[str],
    *,
    told: Uncertainty | None,
    note: str,
    log_likelihood: float,
    residuals: Array,
    dates: Dates | None,
) -> FitSummary:
    """The summary of a model with the ``fitted`` parameters, from what is ``told`` of them, and (n,) its residuals.

    :raises ObservationError: for fewer residuals than the tests need.
    """
    rows = tuple(_row(name, float(getattr(parameters, name)), told) for name in fitted)
    return FitSummary(
        model=model,
        distribution=parameters.distribution,
        observations=residuals.size,
        start=None if dates is None else str(dates[0]),
        end=None if dates is None else str(dates[-1]),
        parameters=rows,
        covariance=np.empty((0, 0)) if told is None else told.covariance,
        persistence=parameters.persistence,
        log_likelihood=log_likelihood,
        residuals=residuals,
        tests=residual_tests(residuals),
        note=note,
    )


def _row(name: str, value: float, told: Uncertainty | None) -> FittedParameter:
    if told is None:
        return FittedParameter(name, value, None, None, None, None, on_bound=False)
    error, on_bound = told.standard_errors[name], name in told.profiles
    if on_bound:
        interval: tuple[float, float] | None = told.profiles[name].interval
    else:
        interval = None if error is None else (value - _NORMAL_95 * error, value + _NORMAL_95 * error)
    if error is None or error == 0.0:
        return FittedParameter(name, value, error, None, None, interval, on_bound)
    t = value / error
    return FittedParameter(name, value, error, t, 2.0 * float(ndtr(-abs(t))), interval, on_bound)


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, f"z{form}")


def _probability(value: float | None) -> str:
    return "< 0.0001" if value is not None and value < 1e-4 else _shown(value, ".4f")


def _aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Rows with their first ``left`` columns to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
