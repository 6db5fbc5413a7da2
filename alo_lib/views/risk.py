"""What the book was exposed to over time."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import SECOND, Kind
from alo_lib.views.run import InstrumentRecord, Run, expiry_dates, once_a_run
from alo_lib.views.session_clock import session_time
from alo_lib.views.units import PEOPLES

__all__ = [
    "GREEKS",
    "SHARES",
    "ExpiryExposures",
    "ExposureRange",
    "ExposureSeries",
    "expiry_exposures",
    "exposure_ranges",
    "exposures",
    "largest_by_expiry",
]

SHARES: Final = "shares"
"""In the place of an expiry: what has none."""


class Greek(NamedTuple):
    """An exposure as pages name it; ``scale`` turns the record's unit into the one that is shown."""

    name: str
    title: str
    unit: str
    scale: float


GREEKS: Final = (
    Greek("delta", "Delta", "shares", 1.0),
    Greek("gamma", "Gamma", "shares per $1", 1.0),
    Greek("vega", "Vega", "$ per vol point", PEOPLES["vega"].scale),
    Greek("theta", "Theta", "$ per day", PEOPLES["theta"].scale),
)


class ExposureRange(NamedTuple):
    """How far an exposure of the whole book went, in the unit that is shown."""

    greek: Greek
    largest: float  # largest absolute value that was held for a second or more, with its sign
    in_passing: float  # the same of all frames, also of those between a fill and the fill that hedged it
    mean: float  # mean absolute value over time


class ExposureSeries(NamedTuple):
    """One underlying's exposures: ``values`` by the name of each greek, in the unit that is shown.

    ``is_held`` tells what stood for a second or more from what the next frame changed: a fill and its hedge.
    """

    time: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]
    is_held: NDArray[np.bool_]


class ExpiryExposures(NamedTuple):
    """One underlying's exposures by expiry, of what was held for a second or more.

    ``expiries`` are the contracts' dates (yyyy-mm-dd) and, last, SHARES where any were held; ``values``
    (times, expiries) by the name of each greek, in the unit that is shown.
    """

    time: NDArray[np.int64]
    expiries: list[str]
    values: dict[str, NDArray[np.float64]]


def exposures(run: Run) -> dict[str, ExposureSeries]:
    """Exposures over time by underlying."""
    table = run.table(Kind.EXPOSURE)
    series = {}
    for underlying in run.underlyings:
        time, rows = table.where(table.records["underlying"] == underlying.number)
        values = {greek.name: rows[greek.name] * greek.scale for greek in GREEKS}
        series[underlying.symbol] = ExposureSeries(time, values, _is_held(time))
    return series


@once_a_run
def expiry_exposures(run: Run, underlying: InstrumentRecord) -> ExpiryExposures:
    """Exposures by expiry, from the positions that the core measured; without any where it held nothing."""
    table, count = run.table(Kind.POSITION), max(run.instruments) + 1
    belongs, expiry, shares_each = (np.zeros(count, np.int64) for _ in range(3))
    for number, one in run.instruments.items():
        belongs[number], expiry[number], shares_each[number] = one.underlying, one.expiry, one.multiplier
    time, rows = table.where(belongs[table.records["instrument"]] == underlying.number)
    told = run.table(Kind.EXPOSURE)
    is_flat = (told.records["underlying"] == underlying.number) & (told.records["structures"] == 0)
    is_flat &= np.all([told.records[name] == 0.0 for name in ("delta", "gamma", "vega", "theta", "shares")], axis=0)
    moments = np.union1d(time, told.time[is_flat]) if len(time) else time
    own = expiry[rows["instrument"]]
    dates, column = np.unique(np.where(own > 0, own, np.iinfo(np.int64).max), return_inverse=True)
    names = expiry_dates(run, dates[dates < np.iinfo(np.int64).max])
    names += [SHARES] * (len(dates) - len(names))
    at = np.searchsorted(moments, time) * len(dates) + column
    each = (rows["quantity"] * shares_each[rows["instrument"]]).astype(np.float64)
    kept, shape = _is_held(moments), (len(moments), len(dates))
    values = {
        greek.name: np.bincount(at, each * np.nan_to_num(rows[greek.name]) * greek.scale, shape[0] * shape[1])
        .astype(np.float64)
        .reshape(shape)[kept]
        for greek in GREEKS
    }
    return ExpiryExposures(moments[kept], names, values)


def largest_by_expiry(run: Run, underlying: InstrumentRecord) -> dict[str, dict[str, float]]:
    """The largest absolute exposure that was held for a second or more, with its sign, by expiry and greek."""
    one = expiry_exposures(run, underlying)
    return {
        expiry: {name: _largest(values[:, column]) for name, values in one.values.items()}
        for column, expiry in enumerate(one.expiries)
    }


@once_a_run
def exposure_ranges(run: Run) -> list[ExposureRange]:
    """Largest and mean absolute exposure of the whole book: underlyings are summed frame by frame.

    The mean is over the time of sessions: what stands over a night was held, but would outweigh them.
    """
    table = run.table(Kind.EXPOSURE)
    frames, frame = np.unique(table.time, return_inverse=True)
    is_held = _is_held(frames)
    in_session = session_time(run, frames)
    weight = np.diff(in_session, append=in_session[-1:])
    ranges = []
    for greek in GREEKS:
        total = np.bincount(frame, table.records[greek.name], len(frames)) * greek.scale
        mean = float(np.average(np.abs(total), weights=weight)) if weight.any() else 0.0
        ranges.append(ExposureRange(greek, _largest(total[is_held]), _largest(total), mean))
    return ranges


def _largest(values: NDArray[np.float64]) -> float:
    """The largest absolute value, with its sign; zero of none."""
    return float(values[np.argmax(np.abs(values))]) if len(values) else 0.0


def _is_held(time: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether what was told at each time stood for a second or more."""
    stood = np.diff(time, append=time[-1:]) >= SECOND
    stood[-1:] = True
    return stood
