"""What an underlying's volatility was by each measure of it: squared returns, the days' ranges, bars within them."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import DataFolder
from alo_lib.market.bars import Bars
from alo_lib.market.hourly_bars import hourly_bars
from alo_lib.records import TRADING_DAYS
from alo_lib.views import page
from alo_lib.views.page import Html
from alo_lib.views.spoken import or_dash, or_none, rounded
from alo_lib.volatility import DailyHistory, intraday_variance
from alo_lib.volatility.intraday import levelled_measures, sessions_measured

__all__ = ["MEASURE_NAMES", "RealizedBeside", "realized_beside", "realized_rows", "realized_section"]

Array = NDArray[np.float64]

MEASURE_NAMES: Final = {"returns": "close to close", "range": "range", "intraday": "within the day"}
_DAYS: Final = (1, 5, 21, 63, 252)


class RealizedOver(NamedTuple):
    """Annualized volatility of the last ``days`` trading days by each measure; NaN where a day has none."""

    days: int
    returns: float
    range: float
    intraday: float


@dataclass(frozen=True)
class RealizedBeside:
    """All of it."""

    past: tuple[RealizedOver, ...]
    intraday: Array
    """What bars within each day measure, at the level of the range, (n,); NaN where that is not known."""
    sessions: int
    """Days that have bars within them."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON; volatilities are annualized decimals, None where unknown."""
        past = [{name: or_none(rounded(value)) for name, value in one._asdict().items()} for one in self.past]
        return {"realized": past, "days_with_hours": self.sessions}


def realized_beside(
    folder: DataFolder, ticker: str, bars: Bars, history: DailyHistory, range_scale: float
) -> RealizedBeside:
    """The measures of a ``history`` of split-adjusted daily ``bars``, with what ``folder`` has of hours and minutes.

    ``range_scale`` brings the range to the level of squared returns, and with it what bars within the day measure.
    """
    days = bars["time"].astype("datetime64[ns]").astype("datetime64[D]")
    first, last = (day.astype(dt.date) for day in (days[0], days[-1]))
    within = hourly_bars(folder, ticker, first, last)
    of_bars = within["time"].astype("datetime64[ns]").astype("datetime64[D]")
    measured = np.full(len(days), np.nan)
    if len(np.unique(of_bars)) > 1:
        prices = (within[name] for name in ("open", "high", "low", "close"))
        measured = sessions_measured(days, *intraday_variance(of_bars, *prices))
    intraday = levelled_measures(history.measures, measured[1:])
    columns = np.square(history.returns), range_scale * history.measures, range_scale * intraday
    past = [
        RealizedOver(count, *(float(np.sqrt(TRADING_DAYS * np.mean(each[-count:]))) for each in columns))
        for count in _DAYS
        if count <= len(history)
    ]
    return RealizedBeside(tuple(past), intraday, int(np.count_nonzero(np.isfinite(measured))))


def realized_rows(past: Sequence[RealizedOver]) -> Iterator[tuple[str, ...]]:
    """Days, and the volatility of so many by each measure."""
    for one in past:
        yield f"{one.days}", *(or_dash(value, "z.1%") for value in one[1:])


def realized_section(beside: RealizedBeside | None) -> list[Html]:
    """The measures beside each other; nothing where the data are not known."""
    if beside is None:
        return []
    told = (
        f"{beside.sessions:,} days have hourly bars, or minutes, whose ranges are summed."
        if beside.sessions
        else "The data have no hourly bars and no minutes of these days."
    )
    return [
        page.section(
            "What was realized, by each measure",
            page.table(("past trading days", *MEASURE_NAMES.values()), realized_rows(beside.past), range(4)),
            page.note(
                "Hedging once a day realizes squared returns. The range, with the night, is less noisy, and the sum of "
                f"hourly ranges less again; both are at the level of squared returns. {told}"
            ),
        )
    ]
