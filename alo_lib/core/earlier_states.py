"""States that an earlier program has left: read by the schema that they carry, then made this program's.

A schema is the state's type as text (docs/journal.md). What it says is compared with the type that is wanted, place by
place; what is the same is read as it is. Of a record, fields go by their names: one that the type has no more is read
and dropped, one that it did not have takes the default that its class gives it. Of records in an array it is the same,
with zero for what is new. What was an ``optional T`` may have become a T only where it is there.
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from alo_lib.core.column_kinds import (
    AlternativesColumn,
    ArrayColumn,
    ChoiceColumn,
    ConvertedColumn,
    MappingColumn,
    OptionalColumn,
    RecordColumn,
    SequenceColumn,
    TupleColumn,
)
from alo_lib.core.columns import column_of
from alo_lib.core.streams import Column, Source, Streams

__all__ = ["column_read_as"]

_NAME: Final = re.compile(r"\w+")


def column_read_as(kind: Any, schema: str) -> Column:
    """The column of a type that reads what a schema says.

    :raises ValueError: in words that say where a schema is none, or what of the type it does not tell.
    """
    wanted = column_of(kind)
    if wanted.text == schema:
        return wanted
    return _resolved(wanted, schema, getattr(kind, "__name__", "the state"))


def _resolved(wanted: Column, text: str, where: str) -> Column:
    """What reads the values of a schema's part as those of a column; ``where`` it stands, for errors."""
    if wanted.text == text:
        return wanted
    if isinstance(wanted, AlternativesColumn) and (options := _parts(text, " or ")):
        return _resolved_alternatives(wanted, options, where)
    if isinstance(wanted, RecordColumn) and (fields := _fields_of(text)) is not None:
        return _resolved_record(wanted, fields, where)
    if isinstance(wanted, SequenceColumn) and text.startswith(begin := f"{wanted.kind.__name__} of "):
        return SequenceColumn(wanted.kind, _resolved(wanted.item, text[len(begin) :], where))
    if isinstance(wanted, OptionalColumn) and text.startswith("optional "):
        return OptionalColumn(_resolved(wanted.base, text[len("optional ") :], where))
    if isinstance(wanted, MappingColumn) and text.startswith("dict of "):
        key, value = _split(text[len("dict of ") :], " to ")
        return MappingColumn(_resolved(wanted.key, key, f"{where}'s keys"), _resolved(wanted.value, value, where))
    if isinstance(wanted, TupleColumn) and text.startswith("tuple ("):
        parts = _parts(text[len("tuple (") : -1])
        if len(parts) == len(wanted.columns):
            return TupleColumn([_resolved(each, part, where) for each, part in zip(wanted.columns, parts, strict=True)])
    if isinstance(wanted, ChoiceColumn) and text.partition(" [")[0] == wanted.text.partition(" [")[0]:
        return wanted  # each value that is read is asked whether it is one of today's
    if isinstance(wanted, ConvertedColumn) and text.startswith(begin := f"{wanted.kind.__name__} by "):
        return wanted.by(text, _resolved(wanted.base, text[len(begin) :], where))
    if isinstance(wanted, ArrayColumn) and text.startswith("array of [") and wanted.dtype.fields is not None:
        return _EarlierArrays(_dtype_of(text[len("array of ") :]), wanted.dtype)
    raise ValueError(f"{where} was {_shown(text)} and is {_shown(wanted.text)}")


def _resolved_alternatives(wanted: AlternativesColumn, options: Sequence[str], where: str) -> Column:
    named = {kind.__name__: kind for kind in wanted.kinds}
    names = [option.partition(" ")[0] for option in options]
    if gone := [name for name in names if name not in named]:
        raise ValueError(f"{where} may be a {gone[0]}, which this program has no more")
    kinds = [named[name] for name in names]
    columns = [_resolved(column_of(kind), option, where) for kind, option in zip(kinds, options, strict=True)]
    return AlternativesColumn(kinds, columns)


def _resolved_record(wanted: RecordColumn, fields: dict[str, str], where: str) -> Column:
    columns: dict[str, Column] = {}
    for name, text in fields.items():
        if name in wanted.fields:
            columns[name] = _resolved(wanted.fields[name], text, f"{where}.{name}")
        else:
            columns[name] = _column_of_text(text, f"{where}.{name}")
    defaults = {name: _default(wanted.kind, name, where) for name in wanted.fields if name not in fields}
    return _EarlierRecords(wanted, columns, defaults)


class _EarlierArrays(Column):
    """Records of an earlier layout as those of today's, by their fields' names."""

    def __init__(self, was: "np.dtype[Any]", now: "np.dtype[Any]") -> None:
        self.text, self._base, self._now = f"array of {was.descr}", ArrayColumn(was), now

    def write(self, values: Sequence[Any], out: Streams) -> None:
        raise TypeError("states are written by today's schema")

    def read(self, count: int, source: Source) -> list[Any]:
        found = []
        for rows in self._base.read(count, source):
            made = np.zeros(rows.shape, self._now)
            for name in self._now.names or ():
                if name in rows.dtype.names:
                    made[name] = rows[name]
            found.append(made)
        return found


class _EarlierRecords(Column):
    """Objects of a class whose fields were others: those that are gone are read and dropped."""

    def __init__(
        self, wanted: RecordColumn, columns: dict[str, Column], defaults: dict[str, Callable[[], Any]]
    ) -> None:
        self.text = "records of an earlier schema"
        self._wanted, self._columns, self._defaults = wanted, columns, defaults

    def write(self, values: Sequence[Any], out: Streams) -> None:
        raise TypeError("states are written by today's schema")

    def read(self, count: int, source: Source) -> list[Any]:
        parts: dict[str, Sequence[Any]] = {}
        for name, column in self._columns.items():
            parts[name] = column.read(count, source)
            if count == 1 and name in self._wanted.objects:
                source.scope[name] = parts[name][0]
        for name, default in self._defaults.items():
            parts[name] = [default() for _ in range(count)]
        return self._wanted.made_of([parts[name] for name in self._wanted.fields])


class _Dropped(Column):
    """Values that no field wants, by a column that reads them."""

    def __init__(self, text: str, parts: Sequence[Column], lengths: bool, flags: bool) -> None:
        self.text, self._parts, self._lengths, self._flags = text, parts, lengths, flags

    def write(self, values: Sequence[Any], out: Streams) -> None:
        raise TypeError("states are written by today's schema")

    def read(self, count: int, source: Source) -> list[Any]:
        inner = count
        if self._lengths:
            inner = sum(source.lengths(count))
        elif self._flags:
            inner = sum(source.flags(count))
        if inner or not self._flags:
            for part in self._parts:
                part.read(inner, source)
        return [None] * count


class _DroppedAlternatives(Column):
    """Values of one of some classes that no field wants."""

    def __init__(self, parts: Sequence[Column]) -> None:
        self.text, self._parts = " or ".join(part.text for part in parts), parts

    def write(self, values: Sequence[Any], out: Streams) -> None:
        raise TypeError("states are written by today's schema")

    def read(self, count: int, source: Source) -> list[Any]:
        places = source.ints(count)
        for place, part in enumerate(self._parts):
            if of_it := places.count(place):
                part.read(of_it, source)
        return [None] * count


def _column_of_text(text: str, where: str) -> Column:
    """What reads the values of a schema's part that nothing wants any more."""
    plain = {str(column_of(each).text): column_of(each) for each in (int, float, bool, bytes, str)}
    plain |= {"date": column_of(int), "decimal": column_of(str)}  # what they are stored as
    if text in plain:
        return plain[text]
    if match := re.match(r"\w+ by ", text):
        return _column_of_text(text[match.end() :], where)
    for begin in ("list of ", "set of ", "tuple of "):
        if text.startswith(begin):
            return _Dropped(text, [_column_of_text(text[len(begin) :], where)], lengths=True, flags=False)
    if text.startswith("optional "):
        return _Dropped(text, [_column_of_text(text[len("optional ") :], where)], lengths=False, flags=True)
    if text.startswith("dict of "):
        parts = [_column_of_text(each, where) for each in _split(text[len("dict of ") :], " to ")]
        return _Dropped(text, parts, lengths=True, flags=False)
    if text.startswith("tuple ("):
        parts = [_column_of_text(each, where) for each in _parts(text[len("tuple (") : -1])]
        return _Dropped(text, parts, lengths=False, flags=False)
    if text.startswith("array of "):
        return ArrayColumn(_dtype_of(text[len("array of ") :]))
    if len(options := _parts(text, " or ")) > 1:
        return _DroppedAlternatives([_column_of_text(each, where) for each in options])
    if text == "nothing" or (text.startswith("the ") and text.endswith(" around it")):
        return _Dropped(text, [], lengths=False, flags=False)
    if (fields := _fields_of(text)) is not None:
        return _Dropped(text, [_column_of_text(each, where) for each in fields.values()], lengths=False, flags=False)
    if match := re.fullmatch(r"(?:\w+ \[|one of \()(.*)[\])]", text):
        return column_of(str if match[1].startswith("'") else int)
    raise ValueError(f"{where} was {_shown(text)}, which this program cannot pass over")


def _default(kind: Any, name: str, where: str) -> Callable[[], Any]:
    """What gives the value of a field that a state does not tell.

    :raises ValueError: for one that has no default.
    """
    if dataclasses.is_dataclass(kind):
        field = next(each for each in dataclasses.fields(kind) if each.name == name)
        if field.default_factory is not dataclasses.MISSING:
            return field.default_factory
        if field.default is not dataclasses.MISSING:
            value = field.default
            return lambda: value
    defaults = getattr(kind, "_field_defaults", {})
    if name in defaults:
        value = defaults[name]
        return lambda: value
    raise ValueError(f"{where}.{name} is not told, and cannot be guessed")


def _fields_of(text: str) -> dict[str, str] | None:
    """The fields of ``NAME (field: T, ...)``; None for another part."""
    match = _NAME.match(text)
    if match is None or match[0] == "tuple" or text[match.end() : match.end() + 2] != " (" or not text.endswith(")"):
        return None
    inner = text[match.end() + 2 : -1]
    fields = [each.partition(": ") for each in _parts(inner)]
    if any(not name.isidentifier() or not kind for name, _, kind in fields):
        return None
    return {name: kind for name, _, kind in fields}


def _parts(text: str, between: str = ", ") -> list[str]:
    """What stands between the separators that are in no brackets."""
    parts, depth, begin = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if depth < 0:
            return []  # the bracket that was taken for the end is of a part
        if not depth and text.startswith(between, place):
            parts.append(text[begin:place])
            begin = place + len(between)
    return [*parts, text[begin:]] if text else []


def _split(text: str, between: str) -> tuple[str, str]:
    """The key and the value of a dict: at the first separator that is in no brackets and of no dict within the key."""
    depth, open_dicts = 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if depth:
            continue
        if text.startswith("dict of ", place):
            open_dicts += 1
        elif text.startswith(between, place):
            if not open_dicts:
                return text[:place], text[place + len(between) :]
            open_dicts -= 1
    raise ValueError(f"its schema has {_shown(text)} for a dict")


def _dtype_of(text: str) -> "np.dtype[Any]":
    """The dtype that a schema names: one of NumPy's, or the fields of a record."""
    if not text.startswith("["):
        return np.dtype(text)
    fields = re.findall(r"\('(\w+)', '([<|>=]?[biufS]\d+)'(?:, \((\d+),\))?\)", text)
    if not fields or re.sub(r"\('\w+', '[<|>=]?[biufS]\d+'(?:, \(\d+,\))?\)|[\[\], ]", "", text):
        raise ValueError(f"its schema has {_shown(text)} for a layout")
    return np.dtype([(name, kind, (int(count),)) if count else (name, kind) for name, kind, count in fields])


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
