"""A quoted chain on the days before an ex-date: which calls are exercised for the dividend, and what waiting costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import ChainSnapshot
from alo_lib.numerics.smoothing import smoothing_spline
from alo_lib.pricing import ACCURATE, EarlyExercise, Scheme, early_exercise
from alo_lib.records import OPTION_MULTIPLIER, osi_symbol, years_between
from alo_lib.views.chain import ChainView, cash_ahead, chain_view
from alo_lib.views.run import exchange_moment
from alo_lib.views.spoken import or_none

__all__ = ["IN_DANGER", "CashCarry", "ExerciseView", "NextExDate", "Verdict", "exercise_view"]

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]
CashCarry = Literal["cash", "cash-parity"]
"""How dividends enter, see :func:`alo_lib.views.chain.chain_view`."""
Verdict = Literal["exercise", "in danger", "hold", "no volatility"]

IN_DANGER: Final = 0.025
"""The chance of exercise from which a short call is in danger of assignment: spot is within two standard deviations of
the critical one."""
_CENT: Final = 0.01  # quotes are no narrower
_LEAST_KNOWN: Final = 10.0  # volatility
_BEND: Final = 0.1  # of a smile's level, by which its slope changes over a standard deviation of spot


class NextExDate(NamedTuple):
    """The dividend that is ahead, and the last evening on which an exercise notice still earns it."""

    day: date
    time: int  # ns UTC, the open
    cash: float
    evening: date
    tonight: bool  # whether that is the evening of the snapshot's day


@dataclass(frozen=True)
class ExerciseView:
    """The calls (n,) of a snapshot that live past the next ex-date, and what exercise is worth to each."""

    chain: ChainView
    ex_date: NextExDate
    rows: NDArray[np.intp]
    """Which of the chain's contracts they are."""
    volatility: FloatArray
    """Of the expiry's smile at each one's strike, NaN where none of the expiry's quotes gives one."""
    found: EarlyExercise

    @property
    def gain(self) -> FloatArray:
        """What exercise on the last evening gives more than holding on, (n,) a share.

        On that evening itself now, before it at the open, with spot on its forward.
        """
        return self.found.exercise_gain if self.ex_date.tonight else np.asarray(self.found.ex_dates.exercise_gain[0])

    @property
    def lost(self) -> FloatArray:
        """What waiting costs a contract, (n,) in money; 0 where it costs nothing.

        On the last evening that is what exercise gives more than holding on; before, what the right is worth to
        exercise then.
        """
        cost = self.gain if self.ex_date.tonight else self.found.waiting_cost
        return np.asarray(OPTION_MULTIPLIER * np.maximum(cost, 0.0))

    def verdicts(self) -> list[Verdict]:
        """In a word, (n,): a call is to be exercised where that gains."""
        return [
            "no volatility"
            if np.isnan(value)
            else "exercise"
            if now
            else "in danger"
            if chance >= IN_DANGER
            else "hold"
            for value, now, chance in zip(self.found.value, self.gain > 0.0, self.found.probability, strict=True)
        ]

    def rows_told(self) -> Iterator[dict[str, Any]]:
        """One object a call, in money a share but for ``lost_per_contract``; None where there is no value."""
        snapshot, found, years = self.chain.snapshot, self.found, self.chain.snapshot.years_to_expiry
        moments = {float(years_between(snapshot.time, when)): when for when, _ in snapshot.dividends}
        gain, lost = self.gain, self.lost
        share = lost / OPTION_MULTIPLIER / np.where(found.value > 0.0, found.value, np.nan)
        for i, (row, verdict) in enumerate(zip(self.rows.tolist(), self.verdicts(), strict=True)):
            expiry, strike, right = snapshot.contracts[row].item()
            first = float(found.first[i])
            yield {
                "symbol": osi_symbol(snapshot.ticker, expiry, strike, right),
                "expiry": str(expiry),
                "strike": strike,
                "years_to_expiry": float(years[row]),
                "bid": or_none(snapshot.bid[row]),
                "ask": or_none(snapshot.ask[row]),
                "open_interest": or_none(snapshot.open_interest[row]),
                "volatility": or_none(self.volatility[i]),
                "value": or_none(found.value[i]),
                "exercise_value": or_none(found.exercise_value[i]),
                "held_value": or_none(found.held_value[i]),
                "exercise_gain": or_none(gain[i]),
                "waiting_cost": or_none(found.waiting_cost[i]),
                "lost_per_contract": or_none(lost[i]),
                "share_lost": or_none(share[i]),
                "critical_spot": or_none(found.ex_dates.critical_spot[0, i]),
                "probability": or_none(found.probability[i]),
                "first_ex_date": exchange_moment(moments[first])[:10] if first in moments else None,
                "verdict": verdict,
            }


def exercise_view(
    snapshot: ChainSnapshot,
    wanted: Mask,
    ex_date: NextExDate,
    *,
    rate: float,
    carry: CashCarry = "cash",
    scheme: Scheme = ACCURATE,
) -> ExerciseView:
    """What exercise is worth to the ``wanted`` (n,) calls of an American chain that live past its next ex-date.

    Volatilities are those of each expiry's out-of-the-money mids, with the dividends as cash, smoothed by spreads:
    deep in the money, where it is decided, a call's own quote tells hardly any, and a put's of some cents little.

    :raises PricingError: when spot or rate are outside the pricing room's domains.
    """
    living = snapshot.expiry_time > ex_date.time
    told = wanted & living & (snapshot.contracts["right"] > 0)
    kept = np.isin(snapshot.contracts["expiry"], snapshot.contracts["expiry"][told])
    snapshot, told = snapshot.where(kept), told[kept]
    chain = chain_view(snapshot, rate=rate, carry=carry, scheme=scheme)
    rows = np.flatnonzero(told)
    volatility = _smile(chain)[rows]
    found = early_exercise(
        snapshot.spot,
        snapshot.contracts["strike"][rows],
        rate,
        chain.mid.dividend_yield[rows],
        volatility,
        snapshot.years_to_expiry[rows],
        1,
        dividends=cash_ahead(snapshot),
        scheme=scheme,
        invalid="nan",
    )
    return ExerciseView(chain, ex_date, rows, volatility, found)


def _smile(chain: ChainView) -> FloatArray:
    """The volatility of each contract's expiry at its strike (n,), linear in the logarithm of strike, level beyond.

    Along the out-of-the-money options, or all that have one where none of those does, smoothed by what their quotes
    leave open: half a spread over vega. NaN where no option has one.
    """
    snapshot, strike, expiry = chain.snapshot, chain.snapshot.contracts["strike"], chain.snapshot.contracts["expiry"]
    implied, vega = chain.mid.implied_volatility, chain.mid.greeks.vega
    spread = np.maximum(snapshot.ask - snapshot.bid, _CENT)
    found = np.full(strike.size, np.nan)
    for each in np.unique(expiry):
        of_it = expiry == each
        known = of_it & np.isfinite(implied)
        chosen = known & chain.mid.out_of_the_money
        chosen = chosen if chosen.any() else known
        if not chosen.any():
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.fmin(0.5 * spread[chosen] / vega[chosen], _LEAST_KNOWN)
        years = float(snapshot.years_to_expiry[np.argmax(of_it)])
        place, smile = _smoothed(np.log(strike[chosen]), implied[chosen], error, years)
        found[of_it] = np.interp(np.log(strike[of_it]), place, smile)
    return found


def _smoothed(place: FloatArray, implied: FloatArray, error: FloatArray, years: float) -> tuple[FloatArray, FloatArray]:
    """Logarithms of strikes (k,), each once, and a smile there (k,), of volatilities (n,) known to ``error`` (n,)."""
    each, which = np.unique(place, return_inverse=True)
    weight = error**-2.0
    total = np.bincount(which, weight)
    level = float(np.average(implied, weights=weight))
    deviation = level * np.sqrt(years)
    mean = np.bincount(which, weight * implied) / total
    return each, smoothing_spline(each / deviation, mean, total**-0.5, _BEND * level)
