"""What an underlying's options price, once a session, and where that stands among the sessions of the past year.

Maturities are constant, in calendar days: between two expiries total variance is linear, and the first and the last
stand for maturities up to half as short, or as long, again.
"""

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.standing import percentile_of_last, rank_of_last, score_of_last
from alo_lib.pricing import at_maturity
from alo_lib.pricing.constant_maturity import linear_at_maturity
from alo_lib.records import DAYS_A_YEAR, MATURITIES, SECOND, TRADING_DAYS, Kind, Records, records, years_between
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.quoted_smiles import QuotedSmiles, quoted_smiles

__all__ = [
    "LEAST_DAYS",
    "REALIZED_DAYS",
    "MarketDay",
    "MarketHistory",
    "MarketLook",
    "fair_skew_change",
    "is_due",
    "look_at",
    "market_state",
]

FloatArray = NDArray[np.float64]

LEAST_DAYS: Final = 20
"""Sessions, today's included, without which nothing is said of where today stands."""
REALIZED_DAYS: Final = 20
_REACH: Final = 1.5
_HEAD: Final = MATURITIES[0] / DAYS_A_YEAR
_TAIL: Final = MATURITIES[-1] / DAYS_A_YEAR


class MarketDay(NamedTuple):
    """What is kept of one session; NaN where it could not be told."""

    time: int
    implied: float  # volatility of 30 days, at the money forward
    skew: float  # of 30 days
    term_slope: float  # volatility of 90 days less that of 30


@dataclass
class MarketHistory:
    """The sessions before, oldest first, at most a year of them."""

    days: list[MarketDay] = field(default_factory=list)

    def add(self, day: MarketDay) -> None:
        """Take a session in."""
        self.days = [*self.days, day][-TRADING_DAYS:]

    def of(self, name: str) -> list[float]:
        """One of the figures of the sessions that had it, the last one's last; empty where the last one has none."""
        values = [float(getattr(day, name)) for day in self.days]
        told = [value for value in values if math.isfinite(value)]
        return told if values and math.isfinite(values[-1]) else []

    def standing(self) -> tuple[float, float, float, float]:
        """Rank and percentile of the last session's volatility, scores of its skew and slope; NaN of too few days."""
        volatility, skew, slope = (self.of(name) for name in ("implied", "skew", "term_slope"))
        known = len(volatility) >= LEAST_DAYS
        return (
            rank_of_last(volatility) if known else math.nan,
            percentile_of_last(volatility) if known else math.nan,
            score_of_last(skew) if len(skew) >= LEAST_DAYS else math.nan,
            score_of_last(slope) if len(slope) >= LEAST_DAYS else math.nan,
        )


class MarketLook(NamedTuple):
    """What a book's chain says at one moment, of no other."""

    quoted: QuotedSmiles
    day: MarketDay
    implied: tuple[float, ...]  # of each of MATURITIES
    errors: tuple[float, float]  # of 30 days' volatility and skew
    curvature: float
    spread: float
    size: float


def is_due(time: int, open_: int, told: int, settings: Settings) -> bool:
    """Whether a session that opened at ``open_`` is to be looked at, which was last done at ``told``.

    As soon as quotes may be traded on: those of the first minutes are wide.
    """
    return told < open_ and time - open_ >= settings.entry_delay * SECOND


def look_at(book: MarketBook, settings: Settings, rate: float, time: int) -> MarketLook:
    """Read a chain at ``time``; the book's spot is known."""
    quoted = quoted_smiles(book, settings, rate, time)
    smiles, years = quoted.smiles, quoted.years
    implied = tuple(at_maturity(years, smiles.at_the_money, days / DAYS_A_YEAR, reach=_REACH) for days in MATURITIES)

    def near(values: FloatArray) -> float:
        return linear_at_maturity(years, values, _HEAD, reach=_REACH)

    day = MarketDay(time, implied[0], near(smiles.skew), implied[-1] - implied[0])
    errors = near(smiles.at_the_money_error), near(smiles.skew_error)
    quotes = book.quotes[quoted.nearest]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (quotes["ask"] - quotes["bid"]) / (0.5 * (quotes["ask"] + quotes["bid"]))
    sound = np.isfinite(spread) & (spread >= 0.0)
    size = np.minimum(quotes["bid_size"], quotes["ask_size"]).astype(np.float64)
    return MarketLook(
        quoted, day, implied, errors, near(smiles.curvature), _median(spread[sound]), _median(size[sound])
    )


def market_state(
    book: MarketBook,
    look: MarketLook,
    history: MarketHistory,
    forecast: dict[int, tuple[float, float, float]],
    events: list[int],
    realized: float,
) -> Records:
    """One MARKET_STATE record of a look that the ``history`` ends with.

    forecast: by expiry, volatility on calendar time and the ends of its band. events: times of those ahead, ascending.
    realized: volatility of the last sessions.
    """
    time, ends = look.day.time, sorted(forecast)
    years = years_between(time, np.array(ends, np.int64))
    table = np.array([forecast[end] for end in ends], np.float64).reshape(-1, 3)
    forecasts = [at_maturity(years, table[:, 0], days / DAYS_A_YEAR, reach=_REACH) for days in MATURITIES]
    low, high = (at_maturity(years, table[:, column], _HEAD, reach=_REACH) for column in (1, 2))
    rank, percentile, skew_score, term_score = history.standing()
    due = book.next_ex_date(time)
    row = records(
        Kind.MARKET_STATE,
        underlying=book.instrument,
        days=len(history.days),
        spot=book.spot,
        implied_error=look.errors[0],
        skew=look.day.skew,
        skew_error=look.errors[1],
        curvature=look.curvature,
        term_slope=look.day.term_slope,
        band_low=low,
        band_high=high,
        realized=realized,
        rank=rank,
        percentile=percentile,
        skew_score=skew_score,
        term_score=term_score,
        spread=look.spread,
        size=look.size,
        open_interest=int(book.contracts["open_interest"].sum()),
        ex_date=due or 0,
        event=events[0] if events else 0,
        events=len(events),
        smiles=np.count_nonzero(look.quoted.told),
    )
    for days, implied, expected in zip(MATURITIES, look.implied, forecasts, strict=True):
        row[f"implied_{days}"], row[f"forecast_{days}"] = implied, expected
    return row


def fair_skew_change(history: MarketHistory, share: float) -> float:
    """By how much a fair skew differs from the market's: ``share`` of the way from the last session's to its mean.

    0 where too few sessions are known, or the last has no skew.
    """
    skew = history.of("skew")
    if not share or len(skew) < LEAST_DAYS:
        return 0.0
    return share * (math.fsum(skew) / len(skew) - skew[-1])


def _median(values: FloatArray) -> float:
    """The median of some numbers; NaN of none."""
    ordered = np.sort(values)
    count = len(ordered)
    return float(0.5 * (ordered[(count - 1) // 2] + ordered[count // 2])) if count else math.nan
