"""Terms: under which number orders are sent live, and what those of other numbers are.

Whoever goes on from a journal writes it in the next epoch, and sends orders under that number, its term, which their
tags carry. Nobody can take an order back that a process sends which was stopped while it led, and is woken when another
does; but its tag says that its term had ended, and the tags of the other one's say to a process that it leads no more.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping

from alo_lib.journal import Journal, JournalError, messages_of, preface_of
from alo_lib.records import Kind

__all__ = ["Terms", "terms_of"]


def terms_of(journal: Journal) -> dict[int, int]:
    """The term in which each order of a journal was decided, by its number; those of its volumes before tell none."""
    found, preface = dict[int, int](), preface_of(journal.messages)
    stops = [segment.stop for segment in journal.segments]
    for place, message in messages_of(journal.messages, Kind.INTENT, first=preface):
        epoch = journal.segments[bisect_right(stops, place)].epoch
        found.update(dict.fromkeys(message.records["order"].tolist(), epoch))
    return found


class Terms:
    """The term of who leads, and those of orders. All are 0 in a backtest, where nobody goes on beside another."""

    def __init__(
        self,
        leading: Callable[[], int] = lambda: 0,
        decided: Mapping[int, int] | None = None,
        last_order_before: int = 0,
    ) -> None:
        """``leading`` tells the term of who leads; ``decided`` in which the orders of the journal were, by number.

        Those up to ``last_order_before`` are of the journal's earlier volumes: done, and in terms that nobody tells.
        """
        self._leading = leading
        self._last_order_before = last_order_before
        self._decided = dict(decided or {})
        self._first = self._now = leading()
        self._ended = ""  # why nothing is sent any more

    @property
    def now(self) -> int:
        """The term in which orders are sent now."""
        self._now = max(self._now, self._leading())  # a core that is started again does not say so at once
        return self._now

    def require_leading(self) -> None:
        """Refuse to send where another process is known to lead.

        :raises JournalError: where one is.
        """
        if self._ended:
            raise JournalError(self._ended)

    def send(self, orders: Iterable[int]) -> int:
        """Know that orders, by number, are sent now. Returns the term for their tag.

        :raises JournalError: as of :meth:`require_leading`.
        """
        self.require_leading()
        self._decided.update(dict.fromkeys(orders, self.now))
        return self.now

    def look(self, term: int, order: str) -> None:
        """See the term that an order has which the broker works; ``order`` names it.

        :raises JournalError: where it is a later one than that of who leads here, from then on.
        """
        if 0 < self.now < term:
            self._ended = (
                f"the broker works {order} of term {term}, and this is term {self.now}: another process has gone on "
                "from the journal, and this one sends nothing more; if none has, cancel that order and start again"
            )
        self.require_leading()

    def is_earlier(self, term: int) -> bool:
        """Whether an order's term ended before this process began: what is sent in it now, an earlier one sends."""
        return 0 < term < self._first

    def is_fenced(self, term: int, order: int) -> bool:
        """Whether the term of an order's tag says that it was sent by a process that led no more.

        The journal has the order of that number in a later term, or has none and this is one.
        """
        return not 0 < order <= self._last_order_before and 0 < term < self._decided.get(order, self.now)
