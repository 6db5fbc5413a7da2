"""Between a core and its journal: what a frame decided, kept for the host."""

import numpy as np

from alo_lib.executive import Cause
from alo_lib.journal import JournalWriter
from alo_lib.records import Kind, Message

__all__ = ["Outbox"]


class Outbox:
    """Stands between the core and its journal: journals, and keeps what the host is to be told."""

    def __init__(self, journal: JournalWriter) -> None:
        self.journal = journal
        self.decisions: list[Message] = []
        self.overruns = 0
        """Tasks beyond their budgets; frames that come late are journaled beside them, and none."""

    def append(self, message: Message) -> int:
        """Journal first."""
        sequence = self.journal.append(message)
        if message.kind.is_decision:
            self.decisions.append(message)
        elif message.kind is Kind.OVERRUN:
            self.overruns += int(np.count_nonzero(message.records["cause"] != Cause.LATE))
        return sequence

    def flush(self) -> None:
        """The end of a frame."""
        self.journal.flush()
