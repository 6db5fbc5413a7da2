"""The errors of this package: one family, so that a caller can catch all of transport or one case of it."""

__all__ = [
    "MessageError",
    "NotOwnerError",
    "RingFullError",
    "SegmentError",
    "SeqLockBusyError",
    "TransportError",
]


class TransportError(Exception):
    """What transport was asked for cannot be done; the message is one sentence that says why."""


class SegmentError(TransportError, ValueError):
    """A segment cannot be made, opened or used as asked."""


class NotOwnerError(TransportError, PermissionError):
    """A side of a segment belongs to another process, or was taken over by one."""


class RingFullError(TransportError, BufferError):
    """What was pushed does not fit. Nothing is dropped: the engine has to stop or to open a frame first."""


class MessageError(TransportError, ValueError):
    """What lies in a ring is whole, but no message that this program knows."""


class SeqLockBusyError(TransportError, TimeoutError):
    """A state was rewritten too often for one whole value to be read in the retries allowed."""
