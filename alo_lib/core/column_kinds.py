"""The columns of snapshots: how values of each sort are written to the three streams, and read back."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, pairwise, repeat
from math import prod
from operator import attrgetter
from typing import Any, Final

import numpy as np

from alo_lib.core.streams import Column, Source, Streams

__all__ = [
    "AlternativesColumn",
    "ArrayColumn",
    "BoolColumn",
    "BytesColumn",
    "ChoiceColumn",
    "ConvertedColumn",
    "FloatColumn",
    "IntColumn",
    "LinkColumn",
    "MappingColumn",
    "NoColumn",
    "OptionalColumn",
    "RecordColumn",
    "SequenceColumn",
    "TextColumn",
    "TupleColumn",
]

_MOST_DIMENSIONS: Final = 4
_LONGEST: Final = 2**31 - 1


class IntColumn(Column):
    """Themselves."""

    text = "int"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        out.ints.extend(values)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        return source.ints(count)


class FloatColumn(Column):
    """Themselves."""

    text = "float"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        out.floats.extend(values)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        return source.floats(count)


class BoolColumn(Column):
    """Integers, 0 or 1."""

    text = "bool"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        if not {bool, np.bool_}.issuperset(map(type, values)):
            raise TypeError(f"{values!r:.80} are not all flags")
        out.ints.extend(map(bool, values))

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        return source.flags(count)


class BytesColumn(Column):
    """The length among the integers, then the bytes."""

    text = "bytes"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        _check_types(values, bytes)
        out.ints.extend(map(len, values))
        out.blobs.extend(values)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        return [source.blob(length) for length in source.lengths(count)]


class TextColumn(Column):
    """The bytes of all together and the characters of each among the integers, then the text of all in UTF-8."""

    text = "str"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        text = "".join(values).encode()
        out.ints.append(len(text))
        out.ints.extend(map(len, values))
        out.blobs.append(text)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        (size,) = source.lengths(1)
        lengths = source.ints(count)
        text = source.blob(size).decode()
        if (lengths and min(lengths) < 0) or sum(lengths) != len(text):
            raise ValueError("texts are not as long as they say")
        return [text[begin:end] for begin, end in pairwise(accumulate(lengths, initial=0))]


class ConvertedColumn(Column):
    """Values that are stored as those of another column."""

    def __init__(self, text: str, kind: type, base: Column, to: Callable[[Any], Any], of: Callable[[Any], Any]) -> None:
        self.text, self.kind, self.base, self._to, self._of = text, kind, base, to, of

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        _check_types(values, self.kind)
        self.base.write([self._to(value) for value in values], out)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        return [self._of(value) for value in self.base.read(count, source)]

    def by(self, text: str, base: Column) -> "ConvertedColumn":
        """The same, stored as the values of another column."""
        return ConvertedColumn(text, self.kind, base, self._to, self._of)


class ChoiceColumn(Column):
    """Members of an enumeration by their values, or literals."""

    def __init__(self, text: str, members: dict[Any, Any], base: Column) -> None:
        self.text, self._members, self._base = text, members, base
        self._values = {member: value for value, member in members.items()}

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        try:
            self._base.write([self._values[value] for value in values], out)
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is not of {self.text}") from None

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        try:
            return [self._members[value] for value in self._base.read(count, source)]
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is not of {self.text}") from None


class OptionalColumn(Column):
    """Flags that say which values are there, then those."""

    def __init__(self, base: Column) -> None:
        self.text, self.base = f"optional {base.text}", base

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        present = [value for value in values if value is not None]
        out.ints.extend(value is not None for value in values)
        if present:
            self.base.write(present, out)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        flags = source.flags(count)
        present = iter(self.base.read(sum(flags), source)) if any(flags) else iter(())
        return [next(present) if flag else None for flag in flags]


class AlternativesColumn(Column):
    """Which of some classes each value is of, then a column for each class that has any."""

    def __init__(self, kinds: Sequence[type], columns: Sequence[Column]) -> None:
        self.kinds, self.columns = list(kinds), list(columns)
        self.text = " or ".join(column.text for column in self.columns)

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        out.ints.extend(self.kinds.index(type(value)) for value in values)
        for kind, column in zip(self.kinds, self.columns, strict=True):
            if some := [value for value in values if type(value) is kind]:
                column.write(some, out)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        places = source.ints(count)
        if not set(range(len(self.kinds))).issuperset(places):
            raise ValueError("a value is of no class that it can be of")
        counts = map(places.count, range(len(self.kinds)))
        found = [iter(column.read(n, source) if n else ()) for n, column in zip(counts, self.columns, strict=True)]
        return [next(found[place]) for place in places]


class SequenceColumn(Column):
    """Lists, sets or tuples of any length: lengths, then all their elements. Sets are sorted."""

    def __init__(self, kind: type, item: Column) -> None:
        self.text, self.kind, self.item = f"{kind.__name__} of {item.text}", kind, item

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        _check_types(values, self.kind)
        out.ints.extend(map(len, values))
        ordered = map(sorted, values) if self.kind is set else values
        self.item.write(list(chain.from_iterable(ordered)), out)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        lengths = source.lengths(count)
        items = self.item.read(sum(lengths), source)
        parts = [items[begin:end] for begin, end in pairwise(accumulate(lengths, initial=0))]
        if self.kind is set and any(not low < high for part in parts for low, high in pairwise(part)):
            raise ValueError("a set is not in ascending order")
        return parts if self.kind is list else [self.kind(part) for part in parts]


class MappingColumn(Column):
    """Dicts, in their order: lengths, then all keys, then all values."""

    def __init__(self, key: Column, value: Column) -> None:
        self.text, self.key, self.value = f"dict of {key.text} to {value.text}", key, value

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        _check_types(values, dict)
        out.ints.extend(map(len, values))
        self.key.write(list(chain.from_iterable(values)), out)
        self.value.write([item for value in values for item in value.values()], out)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        lengths = source.lengths(count)
        keys, values = (column.read(sum(lengths), source) for column in (self.key, self.value))
        spans = pairwise(accumulate(lengths, initial=0))
        found = [dict(zip(keys[begin:end], values[begin:end], strict=True)) for begin, end in spans]
        if [len(each) for each in found] != lengths:
            raise ValueError("a dict has a key twice")
        return found


class TupleColumn(Column):
    """Tuples of one length: a column for each place."""

    def __init__(self, columns: list[Column]) -> None:
        self.text, self.columns = f"tuple ({', '.join(column.text for column in columns)})", columns

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        _check_types(values, tuple)
        if not {len(self.columns)}.issuperset(map(len, values)):
            raise ValueError(f"a {self.text} has another length")
        for column, part in zip(self.columns, _turned(values, len(self.columns)), strict=True):
            column.write(part, out)

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        return list(zip(*[column.read(count, source) for column in self.columns], strict=True))


class ArrayColumn(Column):
    """NumPy arrays of one dtype: dimensions and shape of each among the integers, then its bytes in C order."""

    def __init__(self, dtype: "np.dtype[Any]") -> None:
        letters = dtype.kind if dtype.fields is None else {field[0].kind for field in dtype.fields.values()}
        if dtype.itemsize == 0 or not set("biufS" if dtype.fields is None else "iufS").issuperset(letters):
            raise TypeError(f"arrays of {dtype} cannot be stored; flags in records are integers")
        self.text, self.dtype = f"array of {dtype.descr if dtype.fields else dtype.str}", dtype

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        for value in values:
            if not isinstance(value, np.ndarray) or value.dtype != self.dtype or value.ndim > _MOST_DIMENSIONS:
                raise TypeError(f"{type(value).__name__} is no {self.text}")
            out.ints.append(value.ndim)
            out.ints.extend(value.shape)
            out.blobs.append(value.tobytes())

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        return [self._one(source) for _ in range(count)]

    def _one(self, source: Source) -> Any:
        (dimensions,) = source.ints(1)
        if not 0 <= dimensions <= _MOST_DIMENSIONS:
            raise ValueError(f"an array cannot have {dimensions} dimensions")
        shape = source.ints(dimensions)
        if shape and (min(shape) < 0 or max(shape) > _LONGEST):
            raise ValueError(f"an array cannot have the shape {shape}")
        data = source.blob(prod(shape) * self.dtype.itemsize)
        if self.dtype == np.bool_ and data.strip(b"\0\1"):
            raise ValueError("a flag is neither 0 nor 1")
        return np.frombuffer(bytearray(data), self.dtype).reshape(shape)


class LinkColumn(Column):
    """Nothing: what a field shares with others is stored where it belongs."""

    def __init__(self, name: str) -> None:
        self.text, self._name = f"the {name} around it", name

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        if values:
            one = out.scope.setdefault(self._name, values[0])
            if any(value is not one for value in values):
                raise ValueError(f"a linked field is not {self.text}")

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        if count and self._name not in source.scope:
            raise TypeError(f"nobody has told {self.text}")
        return [source.scope[self._name]] * count if count else []


class NoColumn(Column):
    """Nothing, for what is made again."""

    text = "nothing"

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        return [None] * count


class RecordColumn(Column):
    """Objects of a class: a column for each field. The object in a field is known by that name to those that follow."""

    def __init__(self, kind: Any, fields: dict[str, Column]) -> None:
        if not any(not isinstance(column, LinkColumn | NoColumn) for column in fields.values()):
            raise TypeError(f"nothing of {kind.__name__} is stored")
        self.text = f"{kind.__name__} ({', '.join(f'{name}: {column.text}' for name, column in fields.items())})"
        self.kind, self.fields = kind, fields
        self._get = attrgetter(*fields, next(iter(fields)))  # one name more: of one alone it would make no tuple
        self.objects = {name for name, column in fields.items() if isinstance(column, RecordColumn | ConvertedColumn)}
        self._plain = not dataclasses.is_dataclass(kind) and not issubclass(kind, tuple)
        options = vars(kind).get("__dataclass_params__")
        self._by_call = issubclass(kind, tuple) or (options is not None and options.frozen)  # its checks run

    def write(self, values: Sequence[Any], out: Streams) -> None:
        """See :class:`~alo_lib.core.streams.Column`."""
        _check_types(values, self.kind)
        if self._plain and any(vars(value).keys() != self.fields.keys() for value in values):
            raise TypeError(f"a {self.kind.__name__} has other fields than it declares")
        parts = _turned([self._get(value)[:-1] for value in values], len(self.fields))
        for (name, column), part in zip(self.fields.items(), parts, strict=True):
            column.write(part, out)
            if len(part) == 1 and name in self.objects:
                out.scope[name] = part[0]

    def read(self, count: int, source: Source) -> list[Any]:
        """See :class:`~alo_lib.core.streams.Column`."""
        columns = []
        for name, column in self.fields.items():
            columns.append(part := column.read(count, source))
            if count == 1 and name in self.objects:
                source.scope[name] = part[0]
        return self.made_of(columns)

    def made_of(self, columns: Sequence[Sequence[Any]]) -> list[Any]:
        """Objects of the values of their fields."""
        rows = zip(*columns, strict=True)
        return [self.kind(*row) for row in rows] if self._by_call else [self._made(row) for row in rows]

    def _made(self, row: tuple[Any, ...]) -> Any:
        made = self.kind.__new__(self.kind)
        for name, value in zip(self.fields, row, strict=True):
            setattr(made, name, value)
        return made


def _turned(rows: Sequence[tuple[Any, ...]], count: int) -> Iterable[Sequence[Any]]:
    """The columns of rows of ``count`` values."""
    return zip(*rows, strict=True) if rows else repeat((), count)


def _check_types(values: Sequence[Any], kind: type) -> None:
    if not {kind}.issuperset(map(type, values)):
        other = next(value for value in values if type(value) is not kind)
        raise TypeError(f"{other!r:.80} is no {kind.__name__}")
