"""A difference between a journal and its replay, or between two journals, in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from alo_lib.records import LEGS, Kind, Message, OrderReason, OrderStatus, OrderType
from alo_lib.runtime import Divergence
from alo_lib.views.run import exchange_moment

__all__ = ["NAMED", "difference_in_words", "field_in_words", "parting_in_words", "symbols_of"]

NAMED = ("instrument", "underlying", *LEGS)
"""Fields that hold an instrument's number."""
_ENUMS = {"reason": OrderReason, "type": OrderType, "status": OrderStatus}


def difference_in_words(divergence: Divergence, symbols: dict[int, str]) -> str:
    """Where it is, and what was recorded and decided again there. ``symbols`` names instruments by their number."""
    recorded, again = divergence.recorded, divergence.replayed
    known = recorded or again
    assert known is not None
    where = f"message {divergence.sequence}, {exchange_moment(known.time)} New York"
    if recorded is None:
        return f"{where}: the journal ends, and the replay goes on with {_described(again)}"
    if again is None:
        return f"{where}: the journal holds {_described(recorded)}, and the replay comes to nothing there"
    if recorded.kind is not again.kind:
        return f"{where}: the journal holds {_described(recorded)}, decided again was {_described(again)}"
    if recorded.time != again.time:
        then = exchange_moment(again.time)
        return f"{where}: {_described(recorded)} comes at {then} when it is decided again"
    if len(recorded.records) != len(again.records):
        return f"{where}: {_described(recorded)} is recorded, decided again were {len(again.records)}"
    return f"{where}: {_row_in_words(recorded, again, symbols)}"


def parting_in_words(
    place: int, one: Message | None, two: Message | None, symbols: dict[int, str], other_symbols: dict[int, str]
) -> str:
    """Where two journals part, and what the first and the second one hold there; each with its own symbols."""
    known = one or two
    assert known is not None
    where = f"message {place}, {exchange_moment(known.time)} New York"
    if one is None or two is None:
        return f"{where}: the {'first' if one is None else 'second'} ends, the other goes on with {_described(known)}"
    if one.kind is not two.kind or len(one.records) != len(two.records):
        return f"{where}: the first holds {_described(one)}, the second {_described(two)}"
    if one.time != two.time:
        then = exchange_moment(two.time)
        return f"{where}: the first holds {_described(one)}, which comes at {then} in the second"
    for row, (mine, other) in enumerate(zip(one.records, two.records, strict=True)):
        names = [name for name in mine.dtype.names or () if mine[name].tobytes() != other[name].tobytes()]
        if names:
            told = ", ".join(
                f"{name} is {_value(name, mine[name], symbols)} in the first and "
                f"{_value(name, other[name], other_symbols)} in the second"
                for name in names
            )
            return f"{where}: {one.kind.name}, record {row + 1} of {len(one.records)}: {told}"
    raise ValueError(f"{where}: the messages are the same")


def _described(message: Message | None) -> str:
    assert message is not None
    count = len(message.records)
    return f"{message.kind.name} with {count} record{'' if count == 1 else 's'}"


def _row_in_words(recorded: Message, again: Message, symbols: dict[int, str]) -> str:
    for place, (one, two) in enumerate(zip(recorded.records, again.records, strict=True)):
        if one.tobytes() == two.tobytes():
            continue
        names = [name for name in one.dtype.names or () if one[name].tobytes() != two[name].tobytes()]
        told = ", ".join(
            f"{name} is {_value(name, one[name], symbols)} in the journal and {_value(name, two[name], symbols)} now"
            for name in names
        )
        about = next((_value(name, one[name], symbols) for name in NAMED if name in (one.dtype.names or ())), "")
        of = f" of {about}" if about and not set(names) & set(NAMED) else ""
        return f"{recorded.kind.name}{of}, record {place + 1} of {len(recorded.records)}: {told}"
    return f"{recorded.kind.name}: the records are the same"


def _value(name: str, value: np.generic, symbols: dict[int, str]) -> str:
    plain = value.item()
    if name in NAMED and plain not in symbols:
        return f"instrument {plain}"
    return field_in_words(name, plain.decode(errors="replace") if isinstance(plain, bytes) else plain, symbols)


def field_in_words(name: str, value: Any, names: Mapping[int, str]) -> str:
    """A field of a record as people read it. ``names`` are those of instruments; a number that has none stays."""
    if name in NAMED:
        return names.get(value, str(value))
    if name in _ENUMS and value in set(_ENUMS[name]):
        return _ENUMS[name](value).name.lower().replace("_", " ")
    return str(value)


def symbols_of(messages: list[Message]) -> dict[int, str]:
    """Names of the instruments that messages tell of."""
    return {
        int(row["instrument"]): row["symbol"].decode(errors="backslashreplace")
        for message in messages
        if message.kind is Kind.INSTRUMENT
        for row in message.records
    }
