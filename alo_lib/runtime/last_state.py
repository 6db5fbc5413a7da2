"""The last record of a state that another process writes, for who only looks."""

import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from alo_lib.transport import Owner, SegmentError
from alo_lib.transport.inspection import Look
from alo_lib.transport.layout import SegmentKind

__all__ = ["last_state"]

_LONGEST: Final = 1.0
"""Seconds that a record is read again for, because it was rewritten meanwhile."""


def last_state(path: Path, dtype: "np.dtype[Any]", what: str) -> "tuple[np.void, Owner] | None":
    """The last record in a file, all zero when there was none, and whose it is; None for another program's layout.

    Nothing is compiled for it, nothing is written, and it is bounded whatever the file holds.

    :raises SegmentError: for a file that holds no state, or one that is rewritten all the time: the sentence names
        ``what`` it is.
    """
    look = Look(path)
    try:
        if look.dtype != dtype or look.kind is not SegmentKind.SEQLOCK:
            return None
        owner, until = look.report().writer, time.monotonic() + _LONGEST
        while look.written:
            for entry in look.entries(0):
                return entry.records[0], owner
            if time.monotonic() > until:
                raise SegmentError(f"the {what} {path} was rewritten each time that it was read; read it again")
        return np.zeros(1, dtype)[0], owner
    finally:
        look.close()
