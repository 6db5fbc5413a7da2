"""The border to .NET, crossed once a chain: contracts read into NumPy, and results handed back, by compiled code.

Reading a quote from Python costs a microsecond a contract, making a result object twenty, being called by LEAN four.
So those three loops are built here as .NET expression trees, which .NET compiles as it does C#.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

import clr
import numpy as np
import numpy.typing as npt
from AlgorithmImports import (
    Greeks,
    IOptionPriceModel,
    OptionContract,
    OptionPriceModelParameters,
    OptionPriceModelResult,
)

__all__ = ["READ", "WRITTEN", "Border"]

READ: Final = ("strike", "right", "expiry", "style", "bid", "ask", "last", "spot")
"""What is read of a contract: expiry in days since 0001-01-01, style 0 for American, right 0 for a call (LEAN's)."""
WRITTEN: Final = ("price", "implied_volatility", "delta", "gamma", "vega", "theta", "rho", "leverage")
"""What is handed back for a contract, in LEAN's units; a NaN price makes LEAN's empty result."""

# The stubs know .NET in LEAN's spelling and only in part; these are called in .NET's own.
System: Any = import_module("System")
Expression: Any = import_module("System.Linq.Expressions").Expression
Emit: Any = import_module("System.Reflection.Emit")
Reflection: Any = import_module("System.Reflection")
Interop: Any = import_module("System.Runtime.InteropServices")
NetArray: Any = System.Array
_type: Any = clr.GetClrType

_TICKS_A_DAY: Final = 864_000_000_000
_Entry = System.Func[OptionPriceModelParameters, OptionPriceModelResult]
_Results = System.Collections.Generic.Dictionary[OptionContract, OptionPriceModelResult]
_Read = System.Action[NetArray[OptionContract], NetArray[System.Double]]
_Write = System.Action[NetArray[OptionContract], NetArray[System.Double], _Results]

Columns = npt.NDArray[np.float64]


class Border:
    """Results by contract, found by compiled code; ``miss(parameters)`` is called for a contract that has none.

    ``entry`` is a .NET IOptionPriceModel. A contract object belongs to one slice, so its results never grow stale.
    """

    def __init__(self, miss: Callable[[OptionPriceModelParameters], OptionPriceModelResult]) -> None:
        self._results = _Results()
        self._table: Any = None
        self._pin: Any = None
        self._columns: Columns = np.empty((0, len(READ)))
        self.entry: Any = System.Activator.CreateInstance(_entry_type())
        self.entry.Run = _finder(self._results, _Entry(miss))

    def clear(self) -> None:
        """Forget all results."""
        self._results.Clear()

    def contracts(self, chain: Any) -> Any:
        """A .NET array of a chain's contracts, or of those of a Python list."""
        if isinstance(chain, list):
            return NetArray[OptionContract](chain)
        return System.Linq.Enumerable.ToArray[OptionContract](chain)

    def read(self, contracts: Any) -> Columns:
        """The columns :data:`READ` of n contracts, shape (n, 8); the next call of read or write overwrites them."""
        columns = self._room(len(contracts))
        _reader()(contracts, self._table)
        return columns

    def write(self, contracts: Any, values: Columns) -> None:
        """Keep results for n contracts, values (n, 8) as :data:`WRITTEN`."""
        self._room(len(contracts))[:] = values
        _writer()(contracts, self._table, self._results)

    def knows(self, contract: OptionContract) -> bool:
        """Whether a contract has a result."""
        return bool(self._results.ContainsKey(contract))

    def result(self, contract: OptionContract) -> OptionPriceModelResult:
        """The result of a contract that was written."""
        found: OptionPriceModelResult = self._results[contract]
        return found

    def _room(self, count: int) -> Columns:
        """A table of .NET that NumPy sees, for ``count`` contracts; it is pinned, so it does not move."""
        if len(self._columns) < count:
            size = 2 * count * len(READ)
            if self._pin is not None:
                self._pin.Free()
            self._table = NetArray.CreateInstance(System.Double, size)
            self._pin = Interop.GCHandle.Alloc(self._table, Interop.GCHandleType.Pinned)
            address = self._pin.AddrOfPinnedObject().ToInt64()
            memory = memoryview((ctypes.c_double * size).from_address(address))
            self._columns = np.frombuffer(memory, np.float64).reshape(-1, len(READ))
        return self._columns[:count]


@cache
def _entry_type() -> Any:
    """A .NET class that implements IOptionPriceModel by calling the function in its field Run."""
    assembly = Emit.AssemblyBuilder.DefineDynamicAssembly(
        Reflection.AssemblyName("AloBorder"), Emit.AssemblyBuilderAccess.Run
    )
    kind = assembly.DefineDynamicModule("AloBorder").DefineType(
        "Alo.OptionPriceModelEntry",
        Reflection.TypeAttributes.Public,
        _type(System.Object),
        NetArray[System.Type]([_type(IOptionPriceModel)]),
    )
    function = _type(_Entry)
    field = kind.DefineField("Run", function, Reflection.FieldAttributes.Public)
    method = kind.DefineMethod(
        "Evaluate",
        Reflection.MethodAttributes.Public | Reflection.MethodAttributes.Virtual,
        _type(OptionPriceModelResult),
        NetArray[System.Type]([_type(OptionPriceModelParameters)]),
    )
    code = method.GetILGenerator()
    code.Emit(Emit.OpCodes.Ldarg_0)
    code.Emit(Emit.OpCodes.Ldfld, field)
    code.Emit(Emit.OpCodes.Ldarg_1)
    code.Emit(Emit.OpCodes.Callvirt, function.GetMethod("Invoke"))
    code.Emit(Emit.OpCodes.Ret)
    return kind.CreateType()


def _finder(results: Any, miss: Any) -> Any:
    """``parameters => results.TryGetValue(parameters.Contract, out var found) ? found : miss(parameters)``."""
    parameters = _parameter(OptionPriceModelParameters, "parameters")
    found = Expression.Variable(_type(OptionPriceModelResult), "found")
    look_up = results.GetType().GetMethod("TryGetValue")
    known = Expression.Call(
        Expression.Constant(results), look_up, _expressions(Expression.Property(parameters, "Contract"), found)
    )
    asked = Expression.Invoke(Expression.Constant(miss), _expressions(parameters))
    body = Expression.Block(_parameters(found), _expressions(Expression.Condition(known, found, asked)))
    return _compiled(_Entry, body, parameters)


@cache
def _reader() -> Any:
    """(contracts, table) => for each contract, its row of the table is filled with the columns READ."""
    contracts, table = _parameter(NetArray[OptionContract], "contracts"), _parameter(NetArray[System.Double], "table")
    index = Expression.Variable(_type(System.Int32), "index")
    contract = Expression.ArrayIndex(contracts, index)
    expiry = Expression.Property(Expression.Property(contract, "Expiry"), "Ticks")
    sources = (
        Expression.Property(contract, "ScaledStrike"),
        Expression.Convert(Expression.Property(contract, "Right"), _type(System.Int32)),
        Expression.Divide(expiry, Expression.Constant(System.Int64(_TICKS_A_DAY))),
        Expression.Convert(Expression.Property(contract, "Style"), _type(System.Int32)),
        Expression.Property(contract, "BidPrice"),
        Expression.Property(contract, "AskPrice"),
        Expression.Property(contract, "LastPrice"),
        Expression.Property(contract, "UnderlyingLastPrice"),
    )
    double = _type(System.Double)
    body = [
        Expression.Assign(Expression.ArrayAccess(table, _cell(index, column)), Expression.Convert(source, double))
        for column, source in enumerate(sources)
    ]
    return _compiled(_Read, _each(contracts, index, body), contracts, table)


@cache
def _writer() -> Any:
    """(contracts, table, results) => results[contract] = the empty result where price is NaN, else a new one."""
    contracts, table = _parameter(NetArray[OptionContract], "contracts"), _parameter(NetArray[System.Double], "table")
    results = _parameter(_Results, "results")
    index = Expression.Variable(_type(System.Int32), "index")
    decimal, result = _type(System.Decimal), _type(OptionPriceModelResult)

    def value(column: int) -> Any:
        return Expression.Convert(Expression.ArrayIndex(table, _cell(index, column)), decimal)

    greeks_type = _type(Greeks)
    make_greeks = greeks_type.GetConstructor(NetArray[System.Type]([decimal] * 6))
    make_result = result.GetConstructor(NetArray[System.Type]([decimal, decimal, greeks_type]))
    greeks = Expression.New(make_greeks, _expressions(*(value(column) for column in range(2, 8))))
    made = Expression.New(make_result, _expressions(value(0), value(1), greeks))
    is_nan = Expression.Call(_type(System.Double).GetMethod("IsNaN"), Expression.ArrayIndex(table, _cell(index, 0)))
    empty = Expression.Property(None, result.GetProperty("None"))
    place = Expression.Property(results, "Item", _expressions(Expression.ArrayIndex(contracts, index)))
    body = [Expression.Assign(place, Expression.Condition(is_nan, empty, made))]
    return _compiled(_Write, _each(contracts, index, body), contracts, table, results)


def _each(items: Any, index: Any, body: list[Any]) -> Any:
    """``for (index = 0; index < items.Length; index++) { body }``."""
    end = Expression.Label("end")
    inside = Expression.Block(_expressions(*body, Expression.PostIncrementAssign(index)))
    more = Expression.LessThan(index, Expression.ArrayLength(items))
    loop = Expression.Loop(Expression.IfThenElse(more, inside, Expression.Break(end)), end)
    start = Expression.Assign(index, Expression.Constant(System.Int32(0)))
    return Expression.Block(_parameters(index), _expressions(start, loop))


def _cell(index: Any, column: int) -> Any:
    row = Expression.Multiply(index, Expression.Constant(System.Int32(len(READ))))
    return Expression.Add(row, Expression.Constant(System.Int32(column)))


def _parameter(kind: Any, name: str) -> Any:
    return Expression.Parameter(_type(kind), name)


def _parameters(*given: Any) -> Any:
    return NetArray[import_module("System.Linq.Expressions").ParameterExpression](list(given))


def _expressions(*given: Any) -> Any:
    return NetArray[Expression](list(given))


def _compiled(kind: Any, body: Any, *given: Any) -> Any:
    return Expression.Lambda[kind](body, _parameters(*given)).Compile()
