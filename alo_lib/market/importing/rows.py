"""The one shape in which every format's rows come: bars of one kind and length, with whose they are."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import Bars
from alo_lib.market.importing.symbols import Name
from alo_lib.market.layout import DataKind, Resolution

__all__ = ["NOT_TOLD", "Event", "Rows"]

NOT_TOLD: Final = -1
"""The size of a side that a row says nothing of, where others of the same time may; one that is missing has size 0."""


class Event(NamedTuple):
    """Before a day's open: a dividend (money a share, 0 for none), and a split (new shares for an old, 1 for none)."""

    ticker: str
    day: date
    dividend: Decimal
    split: Decimal


@dataclass(frozen=True)
class Rows:
    """``names`` are of what the rows are, ``name`` (n,) whose row each is.

    ``contract`` (n,) of dtype CONTRACT has right 0 in a row of the underlying. ``bars`` (n,) of the dtype of ``kind``;
    the time is that of the quote or the bar's end, ns UTC, of daily rows any of their day. ``lines`` (n,) are those of
    ``file``. ``implied`` rows are prices of an underlying as an option's row tells them, and yield to real ones.
    """

    kind: DataKind
    length: Resolution
    names: tuple[Name, ...]
    name: NDArray[np.int32]
    contract: NDArray[np.void]
    bars: Bars
    file: str
    lines: NDArray[np.int64]
    implied: bool = False
    events: tuple[Event, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.bars)

    def where(self, mask: NDArray[np.bool_]) -> "Rows":
        """The rows that ``mask`` (n,) picks."""
        return Rows(
            self.kind,
            self.length,
            self.names,
            self.name[mask],
            self.contract[mask],
            self.bars[mask],
            self.file,
            self.lines[mask],
            self.implied,
        )
