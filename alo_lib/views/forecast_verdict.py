"""Whether forecasts came true, and were nearer to what was realized than the market's own volatility."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from alo_lib.views.run import Run
from alo_lib.views.spoken import or_none, rounded
from alo_lib.views.volatility import ForecastOutcome, forecast_outcomes

__all__ = [
    "LEAST_LIVES",
    "Errors",
    "ForecastVerdict",
    "facts_in_words",
    "forecast_verdict",
    "in_words",
    "stated_verdict",
    "verdict_on",
]

LEAST_LIVES: Final = 10
"""Lives of forecasts that do not overlap, below which nothing is said of whether they were right."""


class Errors(NamedTuple):
    """Annualized volatility less what was realized, decimals, over some outcomes; NaN without any."""

    mean: float
    mean_absolute: float


class ForecastVerdict(NamedTuple):
    """Forecasts whose expiry the run reached, of some underlyings together, against what was realized."""

    outcomes: int
    lives: int  # the most of them whose lives do not overlap within an underlying
    banded: int  # outcomes whose band is known
    in_band: int  # of these, those that were realized within it
    compared: int  # outcomes whose implied volatility is known; both errors are theirs
    forecast: Errors
    implied: Errors

    @property
    def is_enough(self) -> bool:
        """Whether there are enough lives to say who was nearer."""
        return self.lives >= LEAST_LIVES and self.compared > 0

    @property
    def nearer(self) -> str | None:
        """``forecast`` or ``implied``, whichever was off by less; None where there are too few to say, or neither."""
        ours, theirs = self.forecast.mean_absolute, self.implied.mean_absolute
        if not self.is_enough or ours == theirs:
            return None
        return "forecast" if ours < theirs else "implied"


def forecast_verdict(run: Run) -> ForecastVerdict:
    """What became of the forecasts of a run, all underlyings together."""
    return verdict_on([forecast_outcomes(run, underlying) for underlying in run.underlyings])


def verdict_on(by_underlying: Sequence[Sequence[ForecastOutcome]]) -> ForecastVerdict:
    """What became of some underlyings' forecasts."""
    every = [one for outcomes in by_underlying for one in outcomes]
    banded = [one for one in every if one.in_band is not None]
    compared = [one for one in every if math.isfinite(one.implied)]
    return ForecastVerdict(
        outcomes=len(every),
        lives=sum(map(_lives, by_underlying)),
        banded=len(banded),
        in_band=sum(one.in_band is True for one in banded),
        compared=len(compared),
        forecast=_errors(one.forecast - one.realized for one in compared),
        implied=_errors(one.implied - one.realized for one in compared),
    )


def stated_verdict(verdict: ForecastVerdict) -> dict[str, Any]:
    """The verdict for programs: counts, errors in annualized decimals, and the sentence."""
    return {
        **{name: getattr(verdict, name) for name in ("outcomes", "lives", "banded", "in_band", "compared")},
        "least_lives": LEAST_LIVES,
        "share_in_band": rounded(verdict.in_band / verdict.banded) if verdict.banded else None,
        "errors": {
            name: {kind: or_none(rounded(value)) for kind, value in errors._asdict().items()}
            for name, errors in (("forecast", verdict.forecast), ("implied", verdict.implied))
        },
        "nearer": verdict.nearer,
        "verdict": in_words(verdict),
    }


def in_words(verdict: ForecastVerdict) -> str:
    """One sentence."""
    if not verdict.outcomes:
        none = "none has an expiry that the run reached after two sessions or more"
        return f"Too few to say whether forecasts were right: {none} ({_needed(0)})."
    facts = facts_in_words(verdict)
    if not verdict.is_enough:
        return f"Too few to say whether forecasts were right ({_needed(verdict.lives)}); so far {facts}."
    heads = {
        "forecast": "Forecasts were nearer to what was realized than implied volatility",
        "implied": "Implied volatility was nearer to what was realized than forecasts",
        None: "Forecasts and implied volatility were equally near to what was realized",
    }
    return f"{heads[verdict.nearer]}: {facts}."


def _needed(lives: int) -> str:
    return f"{lives} lives that do not overlap, of {LEAST_LIVES} needed"


def facts_in_words(verdict: ForecastVerdict) -> str:
    """By how much they were off, and how many came true within their band."""
    told = []
    if verdict.compared:
        ours, theirs = (
            f"{100.0 * errors.mean_absolute:z.1f} points in size ({100.0 * errors.mean:+z.1f} on average)"
            for errors in (verdict.forecast, verdict.implied)
        )
        told.append(
            f"forecasts were off by {ours}, implied volatility by {theirs}, over {verdict.compared:,} forecasts"
        )
    else:
        told.append(f"no implied volatility is known beside the {verdict.outcomes:,} forecasts")
    if verdict.banded:
        share = verdict.in_band / verdict.banded
        told.append(f"{verdict.in_band:,} of {verdict.banded:,} ({share:z.0%}) came true within their 90 % band")
    return ", and ".join(told)


def _errors(gaps: Iterable[float]) -> Errors:
    values = np.array(list(gaps), np.float64)
    return Errors(float(values.mean()), float(np.abs(values).mean())) if len(values) else Errors(math.nan, math.nan)


def _lives(outcomes: Sequence[ForecastOutcome]) -> int:
    """The most outcomes no two of which overlap: that which ends first, then the next to begin after it, and so on."""
    count, free = 0, 0
    for one in sorted(outcomes, key=lambda each: each.expiry):
        if one.time >= free:
            count, free = count + 1, one.expiry
    return count
