"""Many producers, one order: each has a ring of its own, and what waits in them is merged by rule, not by race."""

from collections.abc import Iterator, Sequence

from alo_lib.records import Message
from alo_lib.transport.ring import MessageConsumer

__all__ = ["FanIn"]


class FanIn:
    """Merges rings: by time, then by the rings' places in ``consumers``, each ring's own order kept.

    What has arrived when a frame opens is the machine's doing; in which order it is handled is not: the same contents
    of the rings give the same order, however the producers raced.
    """

    def __init__(self, consumers: Sequence[MessageConsumer]) -> None:
        self.consumers = tuple(consumers)

    @property
    def waiting(self) -> int:
        """Slots that wait in all rings."""
        return sum(consumer.waiting for consumer in self.consumers)

    def drain(self, until: int | None = None) -> Iterator[Message]:
        """What waits now, in order; with ``until``, up to the first message of each ring that is later than that.

        One cut is taken over all rings when the first message is asked for; what comes later waits for the next call.
        A message leaves its ring when the one after it is asked for, so that a process killed while it handles one
        finds it again.
        """
        ends = [consumer.written for consumer in self.consumers]
        heads = [self._head(place, ends[place], until) for place in range(len(ends))]
        while True:
            times = [(head.time, place) for place, head in enumerate(heads) if head is not None]
            if not times:
                return
            _, place = min(times)
            head = heads[place]
            assert head is not None
            yield head
            self.consumers[place].advance()
            heads[place] = self._head(place, ends[place], until)

    def _head(self, place: int, end: int, until: int | None) -> Message | None:
        consumer = self.consumers[place]
        head = consumer.peek() if consumer.read < end else None
        return None if head is None or (until is not None and head.time > until) else head
