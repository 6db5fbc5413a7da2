"""A data folder that is added to: what it has is read, what is new is made aside and moved in once all of it is there.

A move that was cut short is finished by the next import; what was made by one that never came so far is thrown away.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import CONTRACT
from alo_lib.market.faults import DataError, FaultLog
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.market.importing.records import RECORD_DTYPES, of_bars, of_chain, to_bars, to_chain
from alo_lib.market.importing.spool import Group
from alo_lib.market.layout import OptionArchive, SecurityArchive
from alo_lib.market.lean_files import read_option_file, read_security_file
from alo_lib.market.text_files import in_place
from alo_lib.market.writer import write_option_file, write_security_file

__all__ = ["Store", "opened_store"]

_ASIDE: Final = ".import"
_LOCK: Final = ".import.lock"
_COMPLETE: Final = "complete"
_MADE: Final = "made"
_SPOOL: Final = "spool"

Records = NDArray[np.void]
OfArchive = TypeVar("OfArchive", OptionArchive, SecurityArchive)


class Store:
    """``made`` is where new files go, laid out as the folder is; they hide those of the folder."""

    def __init__(self, root: Path, aside: Path) -> None:
        self.root = root
        self.made = aside / _MADE
        self.spool = aside / _SPOOL
        self._complete = aside / _COMPLETE

    @property
    def to_be_moved(self) -> bool:
        """Whether all was made, and may not all be in place."""
        return self._complete.exists()

    def finish(self) -> None:
        """Everything was made: it is moved into place as the folder is closed, or by the next import."""
        self._complete.touch()

    def move(self) -> None:
        """Move what is still to be moved, if all of it was made."""
        if not self.to_be_moved:
            return
        for path in sorted(self.made.rglob("*")):
            if path.is_file():
                target = self.root / path.relative_to(self.made)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
        self._complete.unlink()

    def files(self) -> list[Path]:
        """What was made, below the folder."""
        return [path.relative_to(self.made) for path in sorted(self.made.rglob("*")) if path.is_file()]

    def place(self, path: Path) -> Path:
        """Where a file of the folder is read: as it was made, else as it was."""
        made = self.made / path.relative_to(self.root)
        return made if in_place(made) else path

    def archive(self, group: Group, *, ticker: str | None = None) -> OptionArchive | SecurityArchive:
        """The folder's archive that a group belongs to."""
        kind = SecurityArchive if group.name.security is group.name.security.underlying else OptionArchive
        return kind(self.root, ticker or group.name.ticker, group.day, group.length, group.kind, group.name.security)

    def read(self, group: Group, hours: MarketHoursDatabase) -> Records:
        """What there is of a group, none where there is no file.

        :raises DataError: for a file that cannot be read whole: what is in it would be lost.
        """
        archive = self.archive(group)
        path, faults = self.place(archive.path), FaultLog()
        if not in_place(path):
            return np.zeros(0, RECORD_DTYPES[group.kind])
        archive = replace(archive, root=self.made if path != archive.path else self.root)
        security = hours.hours(group.name.security, group.name.ticker)
        if isinstance(archive, OptionArchive):
            records = of_chain(read_option_file(archive, security, faults), group.kind)
        else:
            bars = read_security_file(archive, security, faults, extended=True)
            records = of_bars(np.zeros(len(bars), CONTRACT), bars, group.kind)
        if faults:
            raise DataError(f"{next(iter(faults))}; what is there cannot be kept: put it right, or import elsewhere")
        return records

    def write(self, group: Group, records: Records, hours: MarketHoursDatabase) -> None:
        """Make the file of a group, aside."""
        archive = replace(self.archive(group), root=self.made)
        security = hours.hours(group.name.security, group.name.ticker)
        if isinstance(archive, OptionArchive):
            write_option_file(archive, to_chain(records, group.kind), security)
        else:
            ordered = records[np.argsort(records["time"], kind="stable")]
            write_security_file(archive, to_bars(ordered, group.kind), security)


@contextmanager
def opened_store(root: Path) -> Iterator[Store]:
    """A folder to add to, for one import at a time; nothing aside is left.

    :raises DataError: while another import writes into it, or where it is no folder.
    """
    if in_place(root) and not root.is_dir():
        raise DataError(f"{root} is no folder; name a folder to import into")
    root.mkdir(parents=True, exist_ok=True)
    with (root / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another import is writing into {root}; wait until it has ended") from None
        store = Store(root, root / _ASIDE)
        try:
            store.move()
            shutil.rmtree(root / _ASIDE, ignore_errors=True)
            yield store
            store.move()
        finally:
            if not store.to_be_moved:
                shutil.rmtree(root / _ASIDE, ignore_errors=True)
            (root / _LOCK).unlink(missing_ok=True)
