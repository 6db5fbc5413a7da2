"""The core's state as bytes, and back: a documented layout (docs/journal.md) of records and arrays, no program.

Whoever loads a state says of which type it has to be; the bytes carry the schema of what they hold as text, so that
a later program can tell what an earlier one has left.
"""

import struct
from typing import Any, Final, TypeVar

from alo_lib.core.columns import column_of
from alo_lib.core.earlier_states import column_read_as
from alo_lib.core.streams import Source, Streams
from alo_lib.journal import JournalError

__all__ = ["SnapshotError", "pack", "unpack"]

T = TypeVar("T")

_MAGIC: Final = b"ALOSTATE"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<8sqq")  # magic, version, size of the schema that follows


class SnapshotError(JournalError):
    """Bytes are no state of the type that is asked for; the message says what is wrong in one sentence."""


def pack(state: object, kind: Any = None) -> bytes:
    """A state as bytes, by the annotations of its type, or of ``kind`` where the type alone does not say all.

    What it shares with its surroundings is stored once, by whom it belongs to, see :class:`~alo_lib.records.Linked`.

    :raises TypeError: for a value that its annotation does not allow.
    :raises ValueError: likewise.
    """
    column, out = column_of(kind or type(state)), Streams()
    column.write([state], out)
    schema = column.text.encode()
    return out.packed(_HEADER.pack(_MAGIC, _VERSION, len(schema)) + schema)


def unpack(kind: type[T], data: bytes, *, earlier: bool = False, **linked: Any) -> T:
    """The state of a type that :func:`pack` made bytes of; ``linked`` is what it shares with its surroundings.

    ``earlier`` takes one of an earlier program's, of another schema, as far as its fields tell what this one wants.

    :raises SnapshotError: for bytes that are none; whatever they hold, nothing but values of the type is made.
    """
    try:
        schema, streams = _parts_of(data)
        column = column_read_as(kind, schema.decode("ascii")) if earlier else column_of(kind)
        if not earlier and schema != column.text.encode():
            raise ValueError("it has another schema than this program's")
        source = Source.of(streams, linked)
        (state,) = column.read(1, source)
        source.finish()
    except (ValueError, ArithmeticError) as error:
        raise SnapshotError(f"a snapshot is no {getattr(kind, '__name__', kind)}: {error}") from error
    result: T = state
    return result


def _parts_of(data: bytes) -> tuple[bytes, bytes]:
    """The schema and the streams."""
    if len(data) < _HEADER.size:
        raise ValueError(f"{len(data)} bytes are too few")
    magic, version, size = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError(f"its layout is {magic!r}, version {version}; {_MAGIC!r}, version {_VERSION}, is read")
    begin = _HEADER.size + size
    if not 0 <= size <= len(data) - _HEADER.size:
        raise ValueError("its schema is not as long as it says")
    return data[_HEADER.size : begin], data[begin:]
