"""A core in its host's process, which keeps its journal."""

from collections.abc import Iterator
from typing import Final

from alo_lib.core.snapshot import pack
from alo_lib.core.trading import TradingCore
from alo_lib.journal import Journal, JournalPlace, JournalWriter, message_digest
from alo_lib.records import SECOND, OperatorCommand, Records
from alo_lib.runtime.incidents import HaltsHeard
from alo_lib.runtime.leadership import Alone, Leadership
from alo_lib.runtime.link import host_ends
from alo_lib.runtime.showing import Showing
from alo_lib.runtime.steering import Answer, Standing, standing, steer
from alo_lib.runtime.told_book import ToldBook
from alo_lib.runtime.turning import Turning
from alo_lib.telemetry import RunPhase

__all__ = ["OwnCore", "digest_told"]

_SNAPSHOT_EVERY: Final = 60 * SECOND
"""Of a live run: what has to be decided again after a restart is not much more."""


class OwnCore:
    """A core in this process, and its journal."""

    frames_follow_data = False

    def __init__(
        self,
        core: TradingCore,
        writer: JournalWriter,
        place: JournalPlace,
        showing: Showing,
        book: ToldBook,
        halts: HaltsHeard,
        turning: Turning | None,
        leadership: Leadership | Alone,
    ) -> None:
        """``turning`` is a live core's."""
        self.core = core
        self.book = book
        self._turning = turning
        self._leadership = leadership
        self._showing = showing
        self._halts = halts
        self._writer = writer
        self._place = place
        self._next_snapshot = 0
        self._settled = writer.durable  # messages that outlive this process: first those that it goes on from
        if place.snapshots is not None:  # live: the object store has them, no file of the writer's
            showing.count_durable(lambda: self._settled)

    @property
    def term(self) -> int:
        """That of the journal's writer; 0 in a backtest."""
        return self._writer.epoch if self._turning is not None else 0

    @property
    def journaled(self) -> tuple[int, int]:
        """Messages journaled, and those that the next process would find for sure."""
        return self._writer.sequence, self._settled

    def standing(self) -> Standing:
        """What the book's mode is."""
        return standing(self.core)

    def frames(self, time: int) -> Iterator[None]:
        """The frame at ``time``. Live, a host's time may stand still: what has arrived then waits for the next."""
        if time > self.core.last_frame and self.core.open_frame(time):
            yield

    def settle(self) -> None:
        """Have the journal where the next process finds it.

        :raises FencedError: where another host may lead.
        """
        self._leadership.look()
        self._place.settle(self._writer)
        self._settled = self._writer.sequence
        self._showing.sent()

    def keep(self, time: int) -> None:
        """Keep the journal, which is all that the next process would find, and now and then the state.

        :raises FencedError: where another host may lead.
        """
        self._leadership.look()
        self._place.keep(self._writer)
        self._turn()
        self._showing.rest()
        self._halts.look()
        if time >= self._next_snapshot and self._writer.sequence and self._save_snapshot():
            self._next_snapshot = time + _SNAPSHOT_EVERY
            self._place.settle(self._writer)  # else only orders and commands have it on the disk for certain
            self._settled = self._writer.sequence

    def _turn(self) -> None:
        """Go on in another volume of the journal, where one is wanted; the state is kept anew then."""
        if self._turning is not None and (writer := self._turning.look(self._writer)) is not self._writer:
            self._writer, self._settled, self._next_snapshot = writer, writer.sequence, 0

    def _save_snapshot(self) -> bool:
        """Keep the state, where there is a place for it and the core is between two frames; returns whether it was."""
        core, snapshots = self.core, self._place.snapshots
        if snapshots is None or core.in_frame or core.owes:
            return False
        snapshots.save(self._writer.sequence, self._writer.checksum, pack(core.snapshot()))
        return True

    def steer(self, asked: Records, time: int) -> Answer:
        """Do it, and have it where the next process finds it."""
        answer = steer(self.core, asked, time)
        self.settle()
        if not (answer.done and asked["command"][0] == OperatorCommand.SNAPSHOT):
            return answer
        if self._save_snapshot():
            return Answer(True, f"snapshot: the state is kept as of message {self._writer.sequence}")
        return Answer(False, "snapshot: the state cannot be kept now; the journal alone is")

    def end(self, time: int) -> list[str]:
        """Close the journal, unless another host may lead; then let one, whatever comes of that."""
        try:
            self._leadership.look()
            self.core.remark(host_ends(time))
            self.core.stop()
            self._writer.close()
            self._showing.end(RunPhase.STOPPED)
        finally:
            self._leadership.end()
        return [f"slot trace {self.core.slot_trace.digest}", digest_told(self._place.closed())]


def digest_told(journal: Journal) -> str:
    """A journal's digest as it is said at a run's end."""
    return f"journal digest {message_digest(journal.counted)}"
