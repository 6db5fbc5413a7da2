"""A replay at a pace, with a display."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from alo_lib.journal import Journal, message_digest
from alo_lib.records import SECOND, Kind, Message, OrderReason
from alo_lib.runtime import Divergence, DivergenceError, FrameReplayed, Replayer
from alo_lib.views.difference import difference_in_words, symbols_of
from alo_lib.views.run import exchange_time

__all__ = ["Pace", "ReplayOutcome", "run_replay"]

_SHOWN_ORDERS = 8


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


class Display:
    """What the replay is at, in a few lines that are drawn again and again."""

    def __init__(self, total: int, symbols: dict[int, str]) -> None:
        self._total = total
        self._symbols = symbols
        self._orders: list[tuple[str, str]] = []
        self.table = Table.grid(padding=(0, 2))

    def update(self, frame: FrameReplayed, decided: Sequence[Message], frames: int, orders: int, began: float) -> None:
        """Take in a frame."""
        for message in decided:
            if message.kind is Kind.INTENT:
                self._orders += [
                    (exchange_time(np.array([message.time]))[0], self._order(row)) for row in message.records
                ]
        elapsed = time.monotonic() - began
        table = Table.grid(padding=(0, 2))
        done = frame.sequence + 1 + frame.decisions
        table.add_row("time", f"{exchange_time(np.array([frame.time]))[0]} New York")
        table.add_row(
            "frame", f"{frame.frame}, {frames} so far, {frames / elapsed if elapsed > 0 else 0:z,.0f} a second"
        )
        table.add_row("messages", f"{done:,} of {self._total:,}, every decision as recorded")
        table.add_row("orders", str(orders))
        for when, order in self._orders[-_SHOWN_ORDERS:]:
            table.add_row("", f"{when}  {order}")
        self.table = table

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
    display: bool = True,
) -> ReplayOutcome:
    """Decide a journal's frames again, at a pace, until something differs, something says so, or it ends.

    ``step`` is asked after each frame whether to go on.
    """
    replayer, pace = Replayer(journal), Pace(speed)
    messages = journal.messages
    symbols = symbols_of([message for message in messages if message.kind is Kind.INSTRUMENT])
    screen = Display(len(messages), symbols)
    began = time.monotonic()
    frames = decisions = orders = 0
    divergence, stopped = None, False
    live = Live(console=console, auto_refresh=False, transient=False) if display else None
    if live is not None:
        live.start()
    drawn = 0.0
    try:
        for frame in _paced(replayer, pace, until, until_time):
            frames, decisions = frames + 1, decisions + frame.decisions
            decided = messages[frame.sequence + 1 : frame.sequence + 1 + frame.decisions]
            orders += sum(len(message.records) for message in decided if message.kind is Kind.INTENT)
            screen.update(frame, decided, frames, orders, began)
            if live is not None and (step is not None or time.monotonic() - drawn > 0.1):
                live.update(screen.table, refresh=True)
                drawn = time.monotonic()
            if step is not None and not step(frame):
                stopped = True
                break
    except DivergenceError as error:
        divergence = error.divergence
    finally:
        if live is not None:
            live.update(screen.table, refresh=True)
            live.stop()
    place = replayer.continuation.place
    complete = divergence is None and not stopped and replayer.continuation.at_end
    if complete and journal.sealed and replayer.continuation.extra:
        divergence = Divergence(len(messages), None, replayer.continuation.extra[0])
    difference = "" if divergence is None else difference_in_words(divergence, symbols)
    digest = message_digest(messages[:place])
    seconds = time.monotonic() - began
    return ReplayOutcome(place, frames, decisions, orders, seconds, digest, divergence, difference, complete)


def _paced(replayer: Replayer, pace: Pace, until: int | None, until_time: int | None) -> Iterator[FrameReplayed]:
    for frame in replayer.frames(until=until, until_time=until_time):
        pace.wait(frame.time)
        yield frame
