"""The words in which functions of .NET are written here: expression trees, which .NET compiles as it does C#."""

from importlib import import_module
from typing import Any

import clr
import numpy.typing as npt

__all__ = [
    "Emit",
    "Expression",
    "NetArray",
    "Reflection",
    "System",
    "address_of",
    "array_address",
    "both",
    "cell",
    "compiled",
    "expressions",
    "for_each",
    "int32",
    "is_there",
    "look_up",
    "memory_copy",
    "net_type",
    "new_table",
    "parameter",
    "parameters_of",
    "pinned_table",
    "pointer",
    "set_cell",
    "value_if",
    "variable",
]

# The stubs know .NET in LEAN's spelling and only in part; these are called in .NET's own.
System: Any = import_module("System")
Expression: Any = import_module("System.Linq.Expressions").Expression
Emit: Any = import_module("System.Reflection.Emit")
Reflection: Any = import_module("System.Reflection")
Interop: Any = import_module("System.Runtime.InteropServices")
NetArray: Any = System.Array
net_type: Any = clr.GetClrType


def new_table(table: Any, rows: Any, columns: int) -> Any:
    """``table = new double[columns * rows.Length]``."""
    size = Expression.Multiply(Expression.ArrayLength(rows), int32(columns))
    return Expression.Assign(table, Expression.NewArrayBounds(net_type(System.Double), expressions(size)))


def set_cell(table: Any, place: Any, value: Any) -> Any:
    """``table[place] = (double)value``."""
    return Expression.Assign(Expression.ArrayAccess(table, place), Expression.Convert(value, net_type(System.Double)))


def value_if(condition: Any, value: Any) -> Any:
    """``condition ? value : 0``."""
    return Expression.Condition(condition, value, Expression.Default(value.Type))


def pinned_table(rows: Any, columns: int) -> Any:
    """A new table of a row for each of ``rows`` and one before them, which does not move."""
    size = Expression.Multiply(Expression.Add(Expression.ArrayLength(rows), int32(1)), int32(columns))
    allocate = net_type(System.GC).GetMethod("AllocateUninitializedArray").MakeGenericMethod(net_type(System.Double))
    return Expression.Call(allocate, size, Expression.Constant(True))


def array_address(table: npt.NDArray[Any]) -> int:
    """Where an array of Python's lies."""
    place: int = table.__array_interface__["data"][0]
    return place


def address_of(table: Any) -> Any:
    """The address of a table that does not move."""
    sought = NetArray[System.Type]([net_type(System.Array), net_type(System.Int32)])
    return Expression.Call(
        net_type(Interop.Marshal).GetMethod("UnsafeAddrOfPinnedArrayElement", sought), table, int32(0)
    )


def look_up(place: Any, key: Any, found: Any, kind: Any = None) -> Any:
    """``place.TryGetValue(key, out found)``."""
    owner = place.Type if kind is None else net_type(kind)
    sought = NetArray[System.Type]([key.Type, found.Type.MakeByRefType()])
    return Expression.Call(place, owner.GetMethod("TryGetValue", sought), key, found)


def both(*conditions: Any) -> Any:
    """``first && second && ...``."""
    *others, last = conditions
    for condition in reversed(others):
        last = Expression.AndAlso(condition, last)
    return last


def int32(value: int) -> Any:
    """A constant of .NET's int."""
    return Expression.Constant(System.Int32(value))


def memory_copy(*kinds: Any) -> Any:
    """.NET's copy between its memory and a place that others know."""
    return net_type(Interop.Marshal).GetMethod("Copy", NetArray[System.Type]([net_type(kind) for kind in kinds]))


def pointer(address: Any) -> Any:
    """``(IntPtr)address``."""
    return Expression.Convert(address, net_type(System.IntPtr))


def is_there(value: Any) -> Any:
    """``value != null``."""
    return Expression.NotEqual(value, Expression.Constant(None, net_type(System.Object)))


def for_each(items: Any, index: Any, body: list[Any]) -> Any:
    """``for (index = 0; index < items.Length; index++) { body }``."""
    end = Expression.Label("end")
    inside = Expression.Block(expressions(*body, Expression.PostIncrementAssign(index)))
    more = Expression.LessThan(index, Expression.ArrayLength(items))
    loop = Expression.Loop(Expression.IfThenElse(more, inside, Expression.Break(end)), end)
    start = Expression.Assign(index, int32(0))
    return Expression.Block(parameters_of(index), expressions(start, loop))


def cell(row: Any, column: int, columns: int) -> Any:
    """The place of a cell of a table, row by row."""
    return Expression.Add(Expression.Multiply(row, int32(columns)), int32(column))


def parameter(kind: Any, name: str) -> Any:
    """A parameter of a function."""
    return Expression.Parameter(net_type(kind), name)


def parameters_of(*given: Any) -> Any:
    """A .NET array of parameters or variables."""
    return NetArray[import_module("System.Linq.Expressions").ParameterExpression](list(given))


def expressions(*given: Any) -> Any:
    """A .NET array of expressions."""
    return NetArray[Expression](list(given))


def compiled(kind: Any, body: Any, *given: Any) -> Any:
    """The function of a kind with a body, compiled."""
    return Expression.Lambda[kind](body, parameters_of(*given)).Compile()


def variable(kind: Any, name: str) -> Any:
    """A variable of a function."""
    return Expression.Variable(net_type(kind), name)
