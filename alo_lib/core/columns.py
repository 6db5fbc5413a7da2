"""How values of a type are stored: column by column, in three streams of integers, floats and bytes.

A column is made of a type's annotations alone, and nothing that is read names a class, a function or a module: what
comes of a stream is what the type says, or an error. Every element takes something of a stream, so no count that is
read can be larger than what is left of them.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from itertools import accumulate, chain, pairwise, repeat
from math import prod
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Final, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from alo_lib.core.streams import Column, Source, Streams
from alo_lib.records import LAYOUTS, Alternatives, Kind, Linked, Transient

__all__ = ["column_of"]

_DECIMAL: Final = re.compile(r"-?\d{1,60}(\.\d{1,60})?(E[+-]\d{1,2})?", re.ASCII)
_MOST_DIMENSIONS: Final = 4
_LONGEST: Final = 2**31 - 1


class _Ints(Column):
    text = "int"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        out.ints.extend(values)

    def read(self, count: int, source: Source) -> list[Any]:
        return source.ints(count)


class _Floats(Column):
    text = "float"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        out.floats.extend(values)

    def read(self, count: int, source: Source) -> list[Any]:
        return source.floats(count)


class _Bools(Column):
    text = "bool"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        if not {bool, np.bool_}.issuperset(map(type, values)):
            raise TypeError(f"{values!r:.80} are not all flags")
        out.ints.extend(map(bool, values))

    def read(self, count: int, source: Source) -> list[Any]:
        return source.flags(count)


class _Bytes(Column):
    """The length among the integers, then the bytes."""

    text = "bytes"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        _check_types(values, bytes)
        out.ints.extend(map(len, values))
        out.blobs.extend(values)

    def read(self, count: int, source: Source) -> list[Any]:
        return [source.blob(length) for length in source.lengths(count)]


class _Texts(Column):
    """The bytes of all together and the characters of each among the integers, then the text of all in UTF-8."""

    text = "str"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        text = "".join(values).encode()
        out.ints.append(len(text))
        out.ints.extend(map(len, values))
        out.blobs.append(text)

    def read(self, count: int, source: Source) -> list[Any]:
        (size,) = source.lengths(1)
        lengths = source.ints(count)
        text = source.blob(size).decode()
        if (lengths and min(lengths) < 0) or sum(lengths) != len(text):
            raise ValueError("texts are not as long as they say")
        return [text[begin:end] for begin, end in pairwise(accumulate(lengths, initial=0))]


class _Converted(Column):
    """Values that are stored as those of another column."""

    def __init__(self, text: str, kind: type, base: Column, to: Callable[[Any], Any], of: Callable[[Any], Any]) -> None:
        self.text, self._kind, self._base, self._to, self._of = text, kind, base, to, of

    def write(self, values: Sequence[Any], out: Streams) -> None:
        _check_types(values, self._kind)
        self._base.write([self._to(value) for value in values], out)

    def read(self, count: int, source: Source) -> list[Any]:
        return [self._of(value) for value in self._base.read(count, source)]


class _Choices(Column):
    """Members of an enumeration by their values, or literals."""

    def __init__(self, text: str, members: dict[Any, Any]) -> None:
        self.text, self._members = text, members
        self._values = {member: value for value, member in members.items()}
        self._base = column_of(type(next(iter(members))))

    def write(self, values: Sequence[Any], out: Streams) -> None:
        try:
            self._base.write([self._values[value] for value in values], out)
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is not of {self.text}") from None

    def read(self, count: int, source: Source) -> list[Any]:
        try:
            return [self._members[value] for value in self._base.read(count, source)]
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is not of {self.text}") from None


class _Optional(Column):
    """Flags that say which values are there, then those."""

    def __init__(self, base: Column) -> None:
        self.text, self._base = f"optional {base.text}", base

    def write(self, values: Sequence[Any], out: Streams) -> None:
        present = [value for value in values if value is not None]
        out.ints.extend(value is not None for value in values)
        if present:
            self._base.write(present, out)

    def read(self, count: int, source: Source) -> list[Any]:
        flags = source.flags(count)
        present = iter(self._base.read(sum(flags), source)) if any(flags) else iter(())
        return [next(present) if flag else None for flag in flags]


class _Alternatives(Column):
    """Which of some classes each value is of, then a column for each class that has any."""

    def __init__(self, kinds: Sequence[type]) -> None:
        self._kinds, self._columns = list(kinds), [column_of(kind) for kind in kinds]
        self.text = " or ".join(column.text for column in self._columns)

    def write(self, values: Sequence[Any], out: Streams) -> None:
        out.ints.extend(self._kinds.index(type(value)) for value in values)
        for kind, column in zip(self._kinds, self._columns, strict=True):
            if some := [value for value in values if type(value) is kind]:
                column.write(some, out)

    def read(self, count: int, source: Source) -> list[Any]:
        places = source.ints(count)
        if not set(range(len(self._kinds))).issuperset(places):
            raise ValueError("a value is of no class that it can be of")
        counts = map(places.count, range(len(self._kinds)))
        found = [iter(column.read(n, source) if n else ()) for n, column in zip(counts, self._columns, strict=True)]
        return [next(found[place]) for place in places]


class _Sequences(Column):
    """Lists, sets or tuples of any length: lengths, then all their elements. Sets are sorted."""

    def __init__(self, kind: type, item: Column) -> None:
        self.text, self._kind, self._item = f"{kind.__name__} of {item.text}", kind, item

    def write(self, values: Sequence[Any], out: Streams) -> None:
        _check_types(values, self._kind)
        out.ints.extend(map(len, values))
        ordered = map(sorted, values) if self._kind is set else values
        self._item.write(list(chain.from_iterable(ordered)), out)

    def read(self, count: int, source: Source) -> list[Any]:
        lengths = source.lengths(count)
        items = self._item.read(sum(lengths), source)
        parts = [items[begin:end] for begin, end in pairwise(accumulate(lengths, initial=0))]
        if self._kind is set and any(not low < high for part in parts for low, high in pairwise(part)):
            raise ValueError("a set is not in ascending order")
        return parts if self._kind is list else [self._kind(part) for part in parts]


class _Mappings(Column):
    """Dicts, in their order: lengths, then all keys, then all values."""

    def __init__(self, key: Column, value: Column) -> None:
        self.text, self._key, self._value = f"dict of {key.text} to {value.text}", key, value

    def write(self, values: Sequence[Any], out: Streams) -> None:
        _check_types(values, dict)
        out.ints.extend(map(len, values))
        self._key.write(list(chain.from_iterable(values)), out)
        self._value.write([item for value in values for item in value.values()], out)

    def read(self, count: int, source: Source) -> list[Any]:
        lengths = source.lengths(count)
        keys, values = (column.read(sum(lengths), source) for column in (self._key, self._value))
        spans = pairwise(accumulate(lengths, initial=0))
        found = [dict(zip(keys[begin:end], values[begin:end], strict=True)) for begin, end in spans]
        if [len(each) for each in found] != lengths:
            raise ValueError("a dict has a key twice")
        return found


class _Tuples(Column):
    """Tuples of one length: a column for each place."""

    def __init__(self, columns: list[Column]) -> None:
        self.text, self._columns = f"tuple ({', '.join(column.text for column in columns)})", columns

    def write(self, values: Sequence[Any], out: Streams) -> None:
        _check_types(values, tuple)
        if not {len(self._columns)}.issuperset(map(len, values)):
            raise ValueError(f"a {self.text} has another length")
        for column, part in zip(self._columns, _turned(values, len(self._columns)), strict=True):
            column.write(part, out)

    def read(self, count: int, source: Source) -> list[Any]:
        return list(zip(*[column.read(count, source) for column in self._columns], strict=True))


class _Arrays(Column):
    """NumPy arrays of one dtype: dimensions and shape of each among the integers, then its bytes in C order."""

    def __init__(self, dtype: "np.dtype[Any]") -> None:
        kinds = dtype.kind if dtype.fields is None else {field[0].kind for field in dtype.fields.values()}
        if dtype.itemsize == 0 or not set("biufS" if dtype.fields is None else "iufS").issuperset(kinds):
            raise TypeError(f"arrays of {dtype} cannot be stored; flags in records are integers")
        self.text, self._dtype = f"array of {dtype.descr if dtype.fields else dtype.str}", dtype

    def write(self, values: Sequence[Any], out: Streams) -> None:
        for value in values:
            if not isinstance(value, np.ndarray) or value.dtype != self._dtype or value.ndim > _MOST_DIMENSIONS:
                raise TypeError(f"{type(value).__name__} is no {self.text}")
            out.ints.append(value.ndim)
            out.ints.extend(value.shape)
            out.blobs.append(value.tobytes())

    def read(self, count: int, source: Source) -> list[Any]:
        return [self._one(source) for _ in range(count)]

    def _one(self, source: Source) -> Any:
        (dimensions,) = source.ints(1)
        if not 0 <= dimensions <= _MOST_DIMENSIONS:
            raise ValueError(f"an array cannot have {dimensions} dimensions")
        shape = source.ints(dimensions)
        if shape and (min(shape) < 0 or max(shape) > _LONGEST):
            raise ValueError(f"an array cannot have the shape {shape}")
        data = source.blob(prod(shape) * self._dtype.itemsize)
        if self._dtype == np.bool_ and data.strip(b"\0\1"):
            raise ValueError("a flag is neither 0 nor 1")
        return np.frombuffer(bytearray(data), self._dtype).reshape(shape)


class _Links(Column):
    """Nothing: what a field shares with others is stored where it belongs."""

    def __init__(self, name: str) -> None:
        self.text, self._name = f"the {name} around it", name

    def write(self, values: Sequence[Any], out: Streams) -> None:
        if values:
            one = out.scope.setdefault(self._name, values[0])
            if any(value is not one for value in values):
                raise ValueError(f"a linked field is not {self.text}")

    def read(self, count: int, source: Source) -> list[Any]:
        if count and self._name not in source.scope:
            raise TypeError(f"nobody has told {self.text}")
        return [source.scope[self._name]] * count if count else []


class _Nothing(Column):
    """Nothing, for what is made again."""

    text = "nothing"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        pass

    def read(self, count: int, source: Source) -> list[Any]:
        return [None] * count


class _Records(Column):
    """Objects of a class: a column for each field. The object in a field is known by that name to those that follow."""

    def __init__(self, kind: Any, fields: dict[str, Column]) -> None:
        if not any(not isinstance(column, _Links | _Nothing) for column in fields.values()):
            raise TypeError(f"nothing of {kind.__name__} is stored")
        self.text = f"{kind.__name__} ({', '.join(f'{name}: {column.text}' for name, column in fields.items())})"
        self._kind, self._fields = kind, fields
        self._get = attrgetter(*fields, next(iter(fields)))  # one name more: of one alone it would make no tuple
        self._objects = {name for name, column in fields.items() if isinstance(column, _Records | _Converted)}
        self._plain = not dataclasses.is_dataclass(kind) and not issubclass(kind, tuple)
        options = vars(kind).get("__dataclass_params__")
        self._by_call = issubclass(kind, tuple) or (options is not None and options.frozen)  # its checks run

    def write(self, values: Sequence[Any], out: Streams) -> None:
        _check_types(values, self._kind)
        if self._plain and any(vars(value).keys() != self._fields.keys() for value in values):
            raise TypeError(f"a {self._kind.__name__} has other fields than it declares")
        parts = _turned([self._get(value)[:-1] for value in values], len(self._fields))
        for (name, column), part in zip(self._fields.items(), parts, strict=True):
            column.write(part, out)
            if len(part) == 1 and name in self._objects:
                out.scope[name] = part[0]

    def read(self, count: int, source: Source) -> list[Any]:
        columns = []
        for name, column in self._fields.items():
            columns.append(part := column.read(count, source))
            if count == 1 and name in self._objects:
                source.scope[name] = part[0]
        rows = zip(*columns, strict=True)
        return [self._kind(*row) for row in rows] if self._by_call else [self._made(row) for row in rows]

    def _made(self, row: tuple[Any, ...]) -> Any:
        made = self._kind.__new__(self._kind)
        for name, value in zip(self._fields, row, strict=True):
            setattr(made, name, value)
        return made


def _turned(rows: Sequence[tuple[Any, ...]], count: int) -> Iterable[Sequence[Any]]:
    """The columns of rows of ``count`` values."""
    return zip(*rows, strict=True) if rows else repeat((), count)


def _check_types(values: Sequence[Any], kind: type) -> None:
    if not {kind}.issuperset(map(type, values)):
        other = next(value for value in values if type(value) is not kind)
        raise TypeError(f"{other!r:.80} is no {kind.__name__}")


def _decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text) or str(value := Decimal(text)) != text:
        raise ValueError(f"{text!r:.80} is no amount of money")
    return value


def _decimal_text(value: Decimal) -> str:
    if not _DECIMAL.fullmatch(text := str(value)):
        raise ValueError(f"{text:.80} is no amount of money")
    return text


_TEXT: Final = _Texts()
_COLUMNS: Final[dict[Any, Column]] = {
    int: _Ints(),
    float: _Floats(),
    bool: _Bools(),
    bytes: _Bytes(),
    str: _TEXT,
    Decimal: _Converted("decimal", Decimal, _TEXT, _decimal_text, _decimal),
    dt.date: _Converted("date", dt.date, _Ints(), dt.date.toordinal, dt.date.fromordinal),
}


def column_of(annotation: Any) -> Column:
    """The column of a type.

    A class is stored by the annotations of its fields, by what its ``stored`` gives and its ``of_stored`` takes, or by
    the column that its ``stored_as`` makes of its arguments.

    :raises TypeError: for one whose values cannot be stored.
    """
    if annotation not in _COLUMNS:
        _COLUMNS[annotation] = _made_column(annotation)
    return _COLUMNS[annotation]


def _made_column(annotation: Any) -> Column:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _marked(*arguments)
    if origin in (Union, UnionType) and len(arguments) == 2 and NoneType in arguments:
        return _Optional(column_of(next(each for each in arguments if each is not NoneType)))
    if origin is Literal:
        return _Choices(f"one of {arguments}", {each: each for each in arguments})
    if origin is tuple and arguments[1:] != (...,):
        return _Tuples([column_of(each) for each in arguments])
    if origin in (list, set, tuple):
        return _Sequences(origin, column_of(arguments[0]))
    if origin in (dict, Mapping):
        return _Mappings(*map(column_of, arguments))
    if origin is np.ndarray and (scalar := get_args(arguments[1])[0]) is not np.void:
        return _Arrays(np.dtype(scalar))
    if not isinstance(kind := origin or annotation, type):
        raise TypeError(f"values of {annotation} cannot be stored")
    return _class(kind, arguments)


def _marked(annotation: Any, *marks: Any) -> Column:
    for mark in marks:
        if isinstance(mark, Linked):
            return _Links(mark.name)
        if isinstance(mark, Alternatives):
            return _Alternatives(mark.of())
        if isinstance(mark, Transient):
            return _Nothing()
        if isinstance(mark, Kind | np.dtype):
            return _Arrays(LAYOUTS[mark] if isinstance(mark, Kind) else mark)
    return column_of(annotation)


def _class(kind: Any, arguments: tuple[Any, ...]) -> Column:
    if issubclass(kind, Enum):
        members = {member.value: member for member in kind}
        return _Choices(f"{kind.__name__} {list(members)}", members)
    if hasattr(kind, "stored_as"):
        column: Column = kind.stored_as(*arguments)
        return column
    if hasattr(kind, "of_stored"):
        state = column_of(get_type_hints(kind.stored, include_extras=True)["return"])
        return _Converted(f"{kind.__name__} by {state.text}", kind, state, kind.stored, kind.of_stored)
    hints = {
        name: hint
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if ClassVar not in (hint, get_origin(hint))
    }
    if kind.__module__ == "builtins" or not hints:
        raise TypeError(f"values of {kind} cannot be stored")
    if dataclasses.is_dataclass(kind):
        hints = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    return _Records(kind, {name: column_of(hint) for name, hint in hints.items()})
