"""How values of a type are stored: column by column, in three streams of integers, floats and bytes.

A column is made of a type's annotations alone, and nothing that is read names a class, a function or a module: what
comes of a stream is what the type says, or an error. Every element takes something of a stream, so no count that is
read can be larger than what is left of them.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Final, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from alo_lib.core.amounts import amount_of, text_of_amount
from alo_lib.core.column_kinds import (
    AlternativesColumn,
    ArrayColumn,
    BoolColumn,
    BytesColumn,
    ChoiceColumn,
    ConvertedColumn,
    FloatColumn,
    IntColumn,
    LinkColumn,
    MappingColumn,
    NoColumn,
    OptionalColumn,
    RecordColumn,
    SequenceColumn,
    TextColumn,
    TupleColumn,
)
from alo_lib.core.streams import Column
from alo_lib.records import LAYOUTS, Alternatives, Kind, Linked, Transient

__all__ = ["column_of"]

_TEXT: Final = TextColumn()
_COLUMNS: Final[dict[Any, Column]] = {
    int: IntColumn(),
    float: FloatColumn(),
    bool: BoolColumn(),
    bytes: BytesColumn(),
    str: _TEXT,
    Decimal: ConvertedColumn("decimal", Decimal, _TEXT, text_of_amount, amount_of),
    dt.date: ConvertedColumn("date", dt.date, IntColumn(), dt.date.toordinal, dt.date.fromordinal),
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
        return OptionalColumn(column_of(next(each for each in arguments if each is not NoneType)))
    if origin is Literal:
        return ChoiceColumn(f"one of {arguments}", {each: each for each in arguments}, column_of(type(arguments[0])))
    if origin is tuple and arguments[1:] != (...,):
        return TupleColumn([column_of(each) for each in arguments])
    if origin in (list, set, tuple):
        return SequenceColumn(origin, column_of(arguments[0]))
    if origin in (dict, Mapping):
        return MappingColumn(*map(column_of, arguments))
    if origin is np.ndarray and (scalar := get_args(arguments[1])[0]) is not np.void:
        return ArrayColumn(np.dtype(scalar))
    if not isinstance(kind := origin or annotation, type):
        raise TypeError(f"values of {annotation} cannot be stored")
    return _class(kind, arguments)


def _marked(annotation: Any, *marks: Any) -> Column:
    for mark in marks:
        if isinstance(mark, Linked):
            return LinkColumn(mark.name)
        if isinstance(mark, Alternatives):
            return AlternativesColumn(kinds := list(mark.of()), [column_of(each) for each in kinds])
        if isinstance(mark, Transient):
            return NoColumn()
        if isinstance(mark, Kind | np.dtype):
            return ArrayColumn(LAYOUTS[mark] if isinstance(mark, Kind) else mark)
    return column_of(annotation)


def _class(kind: Any, arguments: tuple[Any, ...]) -> Column:
    if issubclass(kind, Enum):
        members = {member.value: member for member in kind}
        return ChoiceColumn(f"{kind.__name__} {list(members)}", members, column_of(type(next(iter(members)))))
    if hasattr(kind, "stored_as"):
        column: Column = kind.stored_as(*arguments)
        return column
    if hasattr(kind, "of_stored"):
        state = column_of(get_type_hints(kind.stored, include_extras=True)["return"])
        return ConvertedColumn(f"{kind.__name__} by {state.text}", kind, state, kind.stored, kind.of_stored)
    hints = {
        name: hint
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if ClassVar not in (hint, get_origin(hint))
    }
    if kind.__module__ == "builtins" or not hints:
        raise TypeError(f"values of {kind} cannot be stored")
    if dataclasses.is_dataclass(kind):
        hints = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    return RecordColumn(kind, {name: column_of(hint) for name, hint in hints.items()})
