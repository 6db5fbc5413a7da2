"""The next segment's file, made ahead of its time on a thread of its own: for the durability ``group``.

Blocks that a file system has set aside become part of a file when they are first written, which is metadata: each sync
then waits for the file system's own journal, and for whoever else writes to it. So the file is written once, with
zeros, before anything is appended to it; a sync of what follows writes just that.
"""

import contextlib
import threading
from typing import Final

from alo_lib.journal.store import FolderStore, Spare

__all__ = ["Preparer"]

_PIECE: Final = 1 << 18
"""Bytes written and synced at once: the syncs of what is appended meanwhile wait for one piece at the most."""


class Preparer:
    """Has at most one spare file, of ``size`` words.

    A spare that cannot be made costs syncs their speed and nothing else. So that is no failure of the journal: it is
    left in ``problem``, and tried again when the next segment begins.
    """

    def __init__(self, store: FolderStore, size: int) -> None:
        self._store = store
        self._size = size
        self._spare: Spare | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._failed = False
        self.problem: OSError | None = None
        """Why the last one that was tried could not be made."""

    @property
    def ready(self) -> bool:
        """Whether there is a spare to take."""
        return self._spare is not None and self._thread is not None and not self._thread.is_alive()

    def begin(self) -> None:
        """Make a spare from now on, unless there is one or one is being made."""
        if self._thread is None or self._failed:
            self._failed = False
            self._thread = threading.Thread(target=self._make, name="journal-prepare", daemon=True)
            self._thread.start()

    def take(self, size: int) -> Spare | None:
        """The spare, if there is one of ``size`` words or more; it is the caller's then."""
        if not self.ready or size > self._size:
            return None
        spare, self._spare, self._thread = self._spare, None, None
        return spare

    def take_last(self, size: int) -> Spare | None:
        """As :meth:`take`, once the one that is being made is ready: for who cannot go on without."""
        if self._thread is not None:
            self._thread.join()
        return self.take(size)

    def stop(self, *, remove: bool) -> None:
        """Make no more, and ``remove`` what there is.

        :raises OSError: when what there is cannot be removed.
        """
        self._stopping = True
        if self._thread is not None:
            self._thread.join()
        if self._spare is not None:
            self._store.drop(self._spare, remove=remove)
            self._spare = None

    def forget(self) -> None:
        """In a process that was forked, which has no such thread: let go of what there is."""
        if self._spare is not None:
            self._store.forget(self._spare)
            self._spare = None

    def _make(self) -> None:
        spare = None
        try:
            self._spare = spare = self._store.create_spare(self._size)
            for at in range(0, spare.bytes, _PIECE):
                if self._stopping:
                    return
                self._store.write_zeros(spare, at, min(_PIECE, spare.bytes - at))
            self.problem = None
        except OSError as error:
            self.problem, self._spare, self._failed = error, None, True
            if spare is not None:
                with contextlib.suppress(OSError):  # what cannot be removed is removed before the next is made
                    self._store.drop(spare, remove=True)
