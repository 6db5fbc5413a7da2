"""Reading what a run publishes of itself, from outside: nothing here writes, and no run waits for it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alo_lib.telemetry.layout import HISTOGRAMS_NAME, STATE, STATE_NAME, TELEMETRY_FOLDER
from alo_lib.transport import HistogramReading, Histograms, Owner, SegmentError
from alo_lib.transport.inspection import Look
from alo_lib.transport.layout import SegmentKind

__all__ = ["Telemetry", "TelemetryFiles", "published_in"]

_TRIES = 100


@dataclass(frozen=True)
class Telemetry:
    """How a run stands at one moment."""

    state: "np.void"  # STATE
    histograms: dict[str, HistogramReading]  # by name
    owner: Owner  # who writes


def published_in(folder: Path) -> Path | None:
    """Where a core process's channel, a run's folder or one of LEAN's results shows how the run stands, if at all."""
    for place in (folder, folder / TELEMETRY_FOLDER):
        if (place / STATE_NAME).is_file() and (place / HISTOGRAMS_NAME).is_file():
            return place
    return None


class TelemetryFiles:
    """The two files of a run's folder, mapped to be read.

    :raises SegmentError: where they are not there, or of another version of this program.
    """

    def __init__(self, folder: Path) -> None:
        self._look = Look(folder / STATE_NAME)
        try:
            if self._look.kind is not SegmentKind.SEQLOCK or self._look.dtype != STATE:
                raise SegmentError(f"{folder / STATE_NAME} is of another version of this program")
            self._histograms = Histograms.open(folder / HISTOGRAMS_NAME, writable=False)
        except BaseException:
            self._look.close()
            raise

    @property
    def in_place(self) -> bool:
        """Whether who opens them now finds the same ones."""
        return self._look.segment.in_place and self._histograms.segment.in_place

    @property
    def owner(self) -> Owner:
        """Who writes, dead or alive."""
        return self._histograms.owner

    def read(self) -> Telemetry:
        """How the run stands now.

        :raises SegmentError: where the files were cut or damaged, or nothing was published yet.
        """
        owner = self._look.report().writer
        for _ in range(_TRIES):
            for entry in self._look.entries(0):
                return Telemetry(entry.records[0], {each.name: each for each in self._histograms.readings()}, owner)
        raise SegmentError(f"{self._look.segment.path} tells nothing yet; read it again")

    def close(self) -> None:
        """Unmap them."""
        self._look.close()
        self._histograms.close()
