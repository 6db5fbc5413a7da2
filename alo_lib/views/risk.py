"""What the book was exposed to over time."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import SECOND, Kind
from alo_lib.views.run import Run
from alo_lib.views.units import PEOPLES

__all__ = ["GREEKS", "ExposureRange", "exposure_ranges", "exposures"]


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
    """One underlying's exposures: ``values`` by the name of each greek, in the unit that is shown."""

    time: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]


def exposures(run: Run) -> dict[str, ExposureSeries]:
    """Exposures over time by underlying."""
    table = run.table(Kind.EXPOSURE)
    series = {}
    for underlying in run.underlyings:
        time, rows = table.where(table.records["underlying"] == underlying.number)
        series[underlying.symbol] = ExposureSeries(
            time, {greek.name: rows[greek.name] * greek.scale for greek in GREEKS}
        )
    return series


def exposure_ranges(run: Run) -> list[ExposureRange]:
    """Largest and mean absolute exposure of the whole book: underlyings are summed frame by frame.

    The mean is over the time of sessions: what stands over a night was held, but would outweigh them.
    """
    table = run.table(Kind.EXPOSURE)
    frames, frame = np.unique(table.time, return_inverse=True)
    stood = np.diff(frames, append=frames[-1:])
    is_held = stood >= SECOND
    is_held[-1:] = True
    sessions = run.table(Kind.SESSION).records
    edges = np.stack([sessions["open"], sessions["close"]], axis=1).ravel()
    passed = np.append(0, np.cumsum(np.diff(edges) * (np.arange(len(edges) - 1) % 2 == 0))) if len(edges) else edges
    in_session = np.interp(frames, edges, passed) if len(edges) else np.zeros(len(frames))
    weight = np.diff(in_session, append=in_session[-1:])
    ranges = []
    for greek in GREEKS:
        total = np.bincount(frame, table.records[greek.name], len(frames)) * greek.scale
        mean = float(np.average(np.abs(total), weights=weight)) if weight.any() else 0.0
        ranges.append(ExposureRange(greek, _largest(total[is_held]), _largest(total), mean))
    return ranges


def _largest(values: NDArray[np.float64]) -> float:
    return float(values[np.argmax(np.abs(values))]) if len(values) else 0.0
