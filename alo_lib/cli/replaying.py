"""A replay at a pace, with a display."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from alo_lib.cli.console import working
from alo_lib.journal import Journal, message_digest
from alo_lib.records import SECOND, Kind, Message, OrderReason
from alo_lib.runtime import Divergence, DivergenceError, FrameReplayed, Replayer
from alo_lib.views.difference import difference_in_words, symbols_of
from alo_lib.views.run import exchange_moment

__all__ = ["Pace", "ReplayOutcome", "run_replay"]

_SHOWN_ORDERS: Final = 8
_SECONDS_A_DRAWING: Final = 0.1


class Pace:
    """Holds a replay back so that its time passes ``speed`` times as fast as time does; 0 is as fast as possible."""

    def __init__(
        self, speed: float, *, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._speed = speed
        self._now = now
        self._sleep = sleep
        self._last: int | None = None
        self._due = 0.0

    def wait(self, until: int) -> None:
        """Return when it is the replay's time ``until``, ns UTC. The night between two sessions takes a second."""
        if self._speed <= 0.0:
            return
        if self._last is None:
            self._due = self._now()
        else:
            gap = (until - self._last) / SECOND
            self._due += min(gap, 3600.0) / self._speed if gap < 6 * 3600.0 else 1.0
        self._last = until
        ahead = self._due - self._now()
        if ahead > 0.0:
            self._sleep(ahead)


@dataclass
class ReplayOutcome:
    """What came of a replay."""

    messages: int  # of the journal that were decided again, or told again
    frames: int
    decisions: int
    orders: int
    seconds: float
    digest: str  # of those messages
    divergence: Divergence | None
    difference: str  # in words; empty without one
    complete: bool  # the whole journal was replayed
    unlike: tuple[str, ...]  # of eras that another program decided otherwise, in sentences


class Display:
    """What the replay is at, in a few lines that are drawn again and again, or in one."""

    def __init__(self, total: int, symbols: dict[int, str]) -> None:
        self._total = total
        self._symbols = symbols
        self._orders: list[tuple[str, str]] = []
        self._began = time.monotonic()
        self._frame: FrameReplayed | None = None
        self.frames = self.orders = 0

    def update(self, frame: FrameReplayed, decided: Sequence[Message]) -> None:
        """Take in a frame."""
        self._frame = frame
        self.frames += 1
        for message in decided:
            if message.kind is Kind.INTENT:
                self.orders += len(message.records)
                self._orders += [(exchange_moment(message.time), self._order(row)) for row in message.records]

    @property
    def line(self) -> str:
        """Up to when, and how much of the journal."""
        frame = self._frame
        if frame is None:
            return ""
        return f"{exchange_moment(frame.time)} New York: {self._done(frame)} messages decided again"

    @property
    def table(self) -> Table:
        """The same, with the speed and the last orders."""
        frame, elapsed, table = self._frame, time.monotonic() - self._began, Table.grid(padding=(0, 2))
        if frame is None:
            return table
        table.add_row("time", f"{exchange_moment(frame.time)} New York")
        speed = self.frames / elapsed if elapsed > 0 else 0.0
        table.add_row("frame", f"{frame.frame}, {self.frames} so far, {speed:z,.0f} a second")
        table.add_row("messages", f"{self._done(frame)}, every decision as recorded")
        table.add_row("orders", str(self.orders))
        for when, order in self._orders[-_SHOWN_ORDERS:]:
            table.add_row("", f"{when}  {order}")
        return table

    def _done(self, frame: FrameReplayed) -> str:
        return f"{frame.sequence + 1 + frame.decisions:,} of {self._total:,}"

    def _order(self, row: np.void) -> str:
        side = "buy" if row["quantity"] > 0 else "sell"
        symbol = self._symbols.get(int(row["instrument"]), "?")
        return f"{side} {abs(int(row['quantity']))} {symbol} ({OrderReason(row['reason']).tag})"


def run_replay(
    journal: Journal,
    console: Console,
    *,
    speed: float = 0.0,
    step: Callable[[FrameReplayed], bool] | None = None,
    until: int | None = None,
    until_time: int | None = None,
    without: Iterable[int] = (),
    display: bool = True,
) -> ReplayOutcome:
    """Decide a journal's frames again, at a pace, until something differs, something says so, or it ends.

    ``step`` is asked after each frame whether to go on; messages ``without`` are left out besides the journal's own.
    """
    replayer, pace = Replayer(journal, without=without), Pace(speed)
    messages = journal.messages
    symbols = symbols_of([message for message in messages if message.kind is Kind.INSTRUMENT])
    screen = Display(len(messages), symbols)
    began = time.monotonic()
    decisions, divergence, stopped = 0, None, False
    with _shown(screen, console, every_frame=step is not None) if display else nullcontext(lambda: None) as show:
        try:
            for frame in _paced(replayer, pace, until, until_time):
                decisions += frame.decisions
                screen.update(frame, messages[frame.sequence + 1 : frame.sequence + 1 + frame.decisions])
                show()
                if step is not None and not step(frame):
                    stopped = True
                    break
        except DivergenceError as error:
            divergence = error.divergence
    place = replayer.continuation.place
    complete = divergence is None and not stopped and replayer.continuation.at_end
    if complete and journal.sealed and replayer.continuation.extra:
        divergence = Divergence(len(messages), None, replayer.continuation.extra[0])
    difference = "" if divergence is None else difference_in_words(divergence, symbols)
    digest = message_digest(
        message for number, message in enumerate(messages[:place]) if number not in replayer.continuation.left_out
    )
    seconds = time.monotonic() - began
    return ReplayOutcome(
        place,
        screen.frames,
        decisions,
        screen.orders,
        seconds,
        digest,
        divergence,
        difference,
        complete,
        tuple(replayer.unlike),
    )


@contextmanager
def _shown(screen: Display, console: Console, *, every_frame: bool) -> Iterator[Callable[[], None]]:
    """Draw what the replay is at, ten times a second or at every frame; in a pipe say it now and then."""
    if not console.is_terminal:
        with working("Beginning the replay ...") as update:
            yield lambda: update(screen.line)
        return
    with Live(console=console, auto_refresh=False, transient=False) as live:
        drawn = 0.0

        def draw() -> None:
            nonlocal drawn
            if every_frame or time.monotonic() - drawn > _SECONDS_A_DRAWING:
                live.update(screen.table, refresh=True)
                drawn = time.monotonic()

        try:
            yield draw
        finally:
            live.update(screen.table, refresh=True)


def _paced(replayer: Replayer, pace: Pace, until: int | None, until_time: int | None) -> Iterator[FrameReplayed]:
    for frame in replayer.frames(until=until, until_time=until_time):
        pace.wait(frame.time)
        yield frame
