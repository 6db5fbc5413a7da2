"""Messages that a journal goes on without: a remark names them, and from then on nobody takes them in.

An input that stops whoever handles it would stop every run that goes on from the journal. Nothing is taken away from a
journal; instead a remark says which messages count no more.
"""

from collections.abc import Sequence

from alo_lib.journal.format import JournalError
from alo_lib.journal.volumes import preface_of
from alo_lib.records import HostEvent, Kind, Message, records

__all__ = ["leave_out"]


def leave_out(messages: Sequence[Message], sequence: int) -> Message:
    """The remark by which a journal goes on without an input, of a frame that could not be decided.

    What that frame had decided is left out with it: nothing of it was sent, and it is decided anew.

    :raises JournalError: for a message that is no input, or that a frame has taken in that others followed.
    """
    if not 0 <= sequence < len(messages):
        raise JournalError(f"message {sequence} is not in the journal, which has {len(messages)}; nothing is left out")
    if sequence < preface_of(messages):
        raise JournalError(f"message {sequence} tells again what a volume before had; only a later one can be left out")
    message = messages[sequence]
    if message.kind.is_decision or message.kind.is_remark or message.kind in (Kind.FRAME, Kind.CALIBRATION):
        raise JournalError(f"message {sequence} is of kind {message.kind.name}; only an input can be left out")
    frames = [place for place in range(sequence, len(messages)) if messages[place].kind is Kind.FRAME]
    if message.within:
        frames = [sequence, *frames]
    if len(frames) > 1:
        raise JournalError(
            f"message {sequence} was taken in by the frame of message {frames[0]}, and message {frames[1]} begins "
            f"another: what was decided on it counts, and it cannot be left out"
        )
    void = [sequence]
    if frames:
        void += [place for place in range(frames[0], len(messages)) if messages[place].kind.is_decision]
    rows = records(Kind.EVENT, len(void), event=HostEvent.LEFT_OUT, instrument=-1, order=void)
    rows["text"][0] = f"goes on without message {sequence} ({message.kind.name})".encode()
    return Message(Kind.EVENT, messages[-1].time, rows)
