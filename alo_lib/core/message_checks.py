"""What the core asks of an input before it asks anything of its records."""

from alo_lib.records import LAYOUTS, RANGES, TIMES, Message

__all__ = ["message_problem"]


def message_problem(message: Message) -> str:
    """What is wrong with a message as a whole; empty where nothing is."""
    kind, rows = message.kind, message.records
    if kind not in RANGES:
        return "it is no input of a host"
    if rows.dtype != LAYOUTS[kind] or rows.ndim != 1:
        return "its records have another layout"
    if not len(rows):
        return "it holds no record"
    if not TIMES.low <= message.time <= TIMES.high:
        return f"its time is {message.time}; it must be {TIMES}"
    return ""
