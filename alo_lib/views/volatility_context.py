"""What a data folder says beside an underlying's models: calendar of its bars, corporate events, what options price."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import DataError, DataFolder, take_snapshot
from alo_lib.pricing import at_maturity
from alo_lib.records import DAYS_A_YEAR, TRADING_DAYS
from alo_lib.views.chain import chain_view
from alo_lib.views.spoken import rounded
from alo_lib.volatility import VolatilityReport

__all__ = ["CalendarCheck", "CorporateEvent", "ImpliedBeside", "VolatilityContext", "volatility_context"]

MATURITIES: Final = (30, 90)
"""Calendar days of the options that stand beside the forecast."""
_AHEAD: Final = dt.timedelta(days=91)
"""After the last day, of which events are still told."""


class CalendarCheck(NamedTuple):
    """Days of bars against the sessions that the exchange had between the first and the last of them."""

    sessions: int
    missing: tuple[dt.date, ...]
    """Sessions without a bar: the return after one is of several days."""
    closed: tuple[dt.date, ...]
    """Bars of days on which the exchange was closed."""
    repeated: tuple[dt.date, ...]

    @property
    def notes(self) -> list[str]:
        """A sentence for each kind of fault, with its first days."""
        told = (
            (self.missing, "of {sessions:,} sessions without a bar, over which one return spans several days"),
            (self.closed, "with a bar on which the exchange was closed"),
            (self.repeated, "with more than one bar"),
        )
        return [
            f"{_counted(days)} {words.format(sessions=self.sessions)}: {_named(days)}" for days, words in told if days
        ]


class CorporateEvent(NamedTuple):
    """A dividend on its ex-date, cash a share, or a split, old shares for a new one."""

    day: dt.date
    kind: str
    size: float


class ImpliedBeside(NamedTuple):
    """What options ``days`` calendar days from their end price at the money, and the forecast over the same time.

    Both are variance a calendar year of 365 days: the forecast over the exchange's ``sessions`` is brought to it.
    """

    days: int
    implied: float
    sessions: int
    forecast: float


@dataclass(frozen=True)
class VolatilityContext:
    """All of it; ``implied_note`` says why there is no implied volatility, and is empty where there is."""

    last: dt.date
    """The last day of the bars."""
    calendar: CalendarCheck
    events: tuple[CorporateEvent, ...]
    implied: tuple[ImpliedBeside, ...]
    implied_note: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON; volatilities are annualized decimals."""
        return {
            "calendar": {
                "sessions": self.calendar.sessions,
                **{name: list(map(str, getattr(self.calendar, name))) for name in ("missing", "closed", "repeated")},
            },
            "events": [one._asdict() | {"day": str(one.day)} for one in self.events],
            "implied": [
                one._asdict() | {"implied": rounded(one.implied), "forecast": rounded(one.forecast)}
                for one in self.implied
            ],
            "implied_note": self.implied_note,
        }


def volatility_context(
    folder: DataFolder, ticker: str, days: NDArray[np.datetime64], report: VolatilityReport
) -> VolatilityContext:
    """What ``folder`` says of the ``days`` (n,) of a report's bars, and of the options of the last of them."""
    first, last = (day.astype(dt.date) for day in (days[0], days[-1]))
    implied, note = _implied(folder, ticker, last, report)
    calendar, events = _calendar(folder, days, first, last), _events(folder, ticker, first, last)
    return VolatilityContext(last, calendar, events, implied, note)


def _calendar(folder: DataFolder, days: NDArray[np.datetime64], first: dt.date, last: dt.date) -> CalendarCheck:
    sessions = np.array(folder.hours().trading_days(first, last), dtype="datetime64[D]")
    there, times = np.unique(days.astype("datetime64[D]"), return_counts=True)
    return CalendarCheck(
        len(sessions),
        tuple(np.setdiff1d(sessions, there).tolist()),
        tuple(np.setdiff1d(there, sessions).tolist()),
        tuple(there[times > 1].tolist()),
    )


def _events(folder: DataFolder, ticker: str, first: dt.date, last: dt.date) -> tuple[CorporateEvent, ...]:
    """Those of the days, and of the quarter after them where the folder knows of any."""
    known = folder.events(ticker)
    every = [CorporateEvent(one.ex_date, "dividend", one.amount) for one in known.dividends]
    every += [CorporateEvent(one.day, "split", one.factor) for one in known.splits]
    return tuple(sorted(one for one in every if first <= one.day <= last + _AHEAD))


def _implied(
    folder: DataFolder, ticker: str, day: dt.date, report: VolatilityReport
) -> tuple[tuple[ImpliedBeside, ...], str]:
    try:
        snapshot = take_snapshot(folder.aside(), ticker, day)
    except DataError as error:
        return (), str(error)
    view = chain_view(snapshot, rate=folder.interest_rates.rate_at(day))
    expiries = view.expiries()
    years = np.array([one.days for one in expiries]) / DAYS_A_YEAR
    volatility = np.array([one.at_the_money for one in expiries])
    found = []
    for calendar_days in MATURITIES:
        implied = at_maturity(years, volatility, calendar_days / DAYS_A_YEAR)
        end = day + dt.timedelta(days=calendar_days)
        sessions = len(folder.hours().trading_days(day + dt.timedelta(days=1), end))
        if np.isfinite(implied):
            forecast = report.hybrid.forecast_volatility(report.state, float(sessions))
            calendar = float(np.sqrt(sessions / TRADING_DAYS / (calendar_days / DAYS_A_YEAR)))
            found.append(ImpliedBeside(calendar_days, implied, sessions, forecast * calendar))
    lacking = [str(days) for days in MATURITIES if days not in [one.days for one in found]]
    note = f"no expiries with quotes on both sides of {' and '.join(lacking)} days" if lacking else ""
    return tuple(found), note


def _counted(days: tuple[dt.date, ...]) -> str:
    return f"{len(days):,} {'day' if len(days) == 1 else 'days'}"


def _named(days: tuple[dt.date, ...]) -> str:
    """The first five of them."""
    return ", ".join(map(str, days[:5])) + (", ..." if len(days) > 5 else "")
