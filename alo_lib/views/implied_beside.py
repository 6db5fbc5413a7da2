"""What options price at the money beside the forecast of the same life, counted as the strategy counts it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from alo_lib.market import ChainSnapshot, DataError, DataFolder, take_snapshot
from alo_lib.pricing import at_maturity
from alo_lib.records import DAY, DAYS_A_YEAR
from alo_lib.strategy.event_sizes import imply_from
from alo_lib.strategy.variance_time import VarianceTime
from alo_lib.views.chain import Expiry, chain_view
from alo_lib.views.spoken import or_none, rounded
from alo_lib.volatility import VolatilityReport

__all__ = ["ExpiryBeside", "ImpliedBeside", "MaturityBeside", "implied_beside"]

MATURITIES: Final = (30, 90)
"""Calendar days at which both are told besides."""


class ExpiryBeside(NamedTuple):
    """What the options of an expiry price at the money, and the forecast of their life.

    That is the mean of volatility over ``trading_days`` of the variance clock, with the events that the life holds:
    variance a calendar year of 365 days, as options quote it. NaN where an event of unknown size is among them.
    """

    expiry: str
    days: float
    trading_days: float
    implied: float
    forecast: float


class MaturityBeside(NamedTuple):
    """Both ``days`` calendar days ahead, total variance linear between expiries; the forecast NaN where unknown."""

    days: int
    implied: float
    forecast: float


@dataclass(frozen=True)
class ImpliedBeside:
    """Both; ``note`` says why maturities are missing, and is empty where none is."""

    expiries: tuple[ExpiryBeside, ...] = ()
    maturities: tuple[MaturityBeside, ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON; volatilities are annualized decimals, None where unknown."""
        return {
            "implied": [_told(one) for one in self.maturities],
            "implied_by_expiry": [_told(one) for one in self.expiries],
            "implied_note": self.note,
        }


def _told(row: MaturityBeside | ExpiryBeside) -> dict[str, Any]:
    return {
        name: or_none(rounded(value)) if isinstance(value, float) else value for name, value in row._asdict().items()
    }


def implied_beside(
    folder: DataFolder, ticker: str, day: dt.date, report: VolatilityReport, variance_time: VarianceTime
) -> ImpliedBeside:
    """The options of ``day``, after whose close the report forecasts, at that close.

    ``variance_time`` is that after the same bars: it is given its clock, and what options say of events ahead.
    """
    try:
        snapshot = take_snapshot(folder.aside(), ticker, day)
    except DataError as error:
        return ImpliedBeside(note=str(error))
    view = chain_view(snapshot, rate=folder.interest_rates.rate_at(day))
    quoted = {
        time: one
        for time, one in zip(_expiry_times(snapshot), view.expiries(), strict=True)
        if one.days > 0.0 and np.isfinite(one.at_the_money)
    }
    if not quoted:
        return ImpliedBeside(note=f"no expiry of {day} has quotes on both sides at the money")
    last = np.datetime64(max(quoted), "ns").astype("datetime64[D]").astype(dt.date)
    hours = folder.hours()
    # Options of some funds trade on for a quarter of an hour: one session more reaches over that.
    variance_time.set_clock([session[1:] for session in hours.sessions(day, hours.next_trading_day(last))])
    imply_from(variance_time, {time: one.at_the_money for time, one in quoted.items()}, snapshot.time)
    rows = tuple(_expiry(one, snapshot.time, time, report, variance_time) for time, one in quoted.items())
    maturities = _at_maturities(rows)
    lacking = [str(days) for days in MATURITIES if days not in [one.days for one in maturities]]
    note = f"no expiries with quotes on both sides of {' and '.join(lacking)} days" if lacking else ""
    return ImpliedBeside(rows, maturities, note)


def _expiry_times(snapshot: ChainSnapshot) -> list[int]:
    """When each expiry ends, in the order of their dates."""
    _, first = np.unique(snapshot.contracts["expiry"], return_index=True)
    times: list[int] = snapshot.expiry_time[first].tolist()
    return times


def _expiry(one: Expiry, now: int, expiry: int, report: VolatilityReport, variance_time: VarianceTime) -> ExpiryBeside:
    life = variance_time.life(now, expiry)
    ordinary = report.hybrid.expected_volatility(report.state, life.trading_days)
    return ExpiryBeside(
        one.expiry, (expiry - now) / DAY, life.trading_days, one.at_the_money, life.calendar_volatility(ordinary)
    )


def _at_maturities(rows: Sequence[ExpiryBeside]) -> tuple[MaturityBeside, ...]:
    years, implied, forecast = (
        np.array([getattr(row, name) for row in rows]) for name in ("days", "implied", "forecast")
    )
    years = years / DAYS_A_YEAR
    found = []
    for days in MATURITIES:
        priced, expected = (at_maturity(years, told, days / DAYS_A_YEAR) for told in (implied, forecast))
        if np.isfinite(priced):
            found.append(MaturityBeside(days, priced, expected))
    return tuple(found)
