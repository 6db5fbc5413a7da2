"""Between a core and its journal: what a frame decided, kept for the host."""

from alo_lib.journal import JournalWriter
from alo_lib.records import Kind, Message

__all__ = ["Outbox"]


class Outbox:
    """Stands between the core and its journal: journals, and keeps what the host is to be told."""

    def __init__(self, journal: JournalWriter) -> None:
        self.journal = journal
        self.decisions: list[Message] = []
        self.overruns = 0

    def append(self, message: Message) -> int:
        """Journal first."""
        sequence = self.journal.append(message)
        if message.kind.is_decision:
            self.decisions.append(message)
        elif message.kind is Kind.OVERRUN:
            self.overruns += 1
        return sequence

    def flush(self) -> None:
        """The end of a frame."""
        self.journal.flush()
