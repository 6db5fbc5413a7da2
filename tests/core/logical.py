"""Driving a core in logical time: every frame of a span, as fast as they can be decided."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from alo_lib.core.trading import TradingCore
from alo_lib.records import Kind, Message, Records

__all__ = ["FrameCount", "inputs_of", "run_frames"]


class FrameCount(NamedTuple):
    """Frames of a span: those that ran, and those in which nothing could change."""

    run: int
    skipped: int


def inputs_of(messages: Iterable[Message]) -> Iterator[Message]:
    """What an engine put in, of a journal's messages; frames and calibrations are of the core's own making.

    :raises ValueError: for an input within a frame, which has no time of its own: such a journal can be replayed.
    """
    for message in messages:
        if message.within:
            raise ValueError(f"a message of kind {message.kind.name} was put in within a frame; replay the journal")
        own = message.kind in (Kind.FRAME, Kind.CALIBRATION)
        if not (message.kind.is_decision or message.kind.is_remark or own):
            yield message


def run_frames(
    core: TradingCore,
    inputs: Iterable[Message],
    start: int,
    end: int,
    *,
    skip_empty: bool = True,
    send: Callable[[Records], None] | None = None,
) -> FrameCount:
    """Open every frame from ``start`` up to and without ``end``, nanoseconds UTC, one frame length apart.

    A frame takes in what has a time before its own; ``inputs`` are in the order of their arrival, and orders go to
    ``send``.
    """
    length = core.settings.frame_nanoseconds
    waiting = iter(inputs)
    following = next(waiting, None)
    due = end if following is None else following.time
    run = skipped = 0
    open_frame = core.open_frame
    for time in range(start, end, length):
        while due < time and following is not None:
            core.accept(following)
            following = next(waiting, None)
            due = end if following is None else following.time
        if open_frame(time, skip_empty=skip_empty):
            run += 1
            orders = core.run()
            if send is not None and len(orders):
                send(orders)
        else:
            skipped += 1
    return FrameCount(run, skipped)
