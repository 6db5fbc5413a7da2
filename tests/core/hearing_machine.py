"""The core machine where more than its own steps tell the core something: a host does, of its own."""

from alo_lib.records import Kind, Message
from tests.core.broker import Word
from tests.core.machine import CoreMachine

__all__ = ["HearingMachine"]


class HearingMachine(CoreMachine):
    """Hears what the core is told, and holds it against what the core makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[Message] = []  # told, and perhaps not taken in
        self.seen = 0  # of what is journaled
        self.doubted = False  # whether the core wanted to be reconciled when it was looked at last

    def look(self) -> set[Word]:
        """See what the core made of what it was told."""
        told, self.pending = self.pending, []
        words = set[Word]()
        for message in told:
            words |= self.expected(message)
        self.absorb()
        self.check_doubt(words, self.doubted, halts=any(message.kind is Kind.HALT for message in told))
        self.doubted = self.core.wants_reconciliation
        return words

    def absorb(self) -> None:
        """Believe what was let in and decided since."""
        news, self.seen = self.written[self.seen :], len(self.written)
        self.take(news, self.doubted)

    def heard(self, message: Message) -> None:
        """The host tells the core something, of its own or because it was asked to."""
        self.absorb()
        self.pending.append(message)
