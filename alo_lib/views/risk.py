"""What the book was exposed to over time."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Kind
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
    largest: float  # largest absolute value, with its sign
    mean: float  # mean absolute value over the frames


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
    """Largest and mean absolute exposure of the whole book: underlyings are summed frame by frame."""
    table = run.table(Kind.EXPOSURE)
    ranges = []
    frames, frame = np.unique(table.time, return_inverse=True)
    for greek in GREEKS:
        total = np.bincount(frame, table.records[greek.name], len(frames)) * greek.scale
        if not len(total):
            total = np.zeros(1)
        ranges.append(ExposureRange(greek, float(total[np.argmax(np.abs(total))]), float(np.abs(total).mean())))
    return ranges
