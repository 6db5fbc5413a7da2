"""The border to .NET, crossed once a chain: contracts read into NumPy, and results handed back, by compiled code.

Reading a quote from Python costs a microsecond a contract, making a result object twenty, being called by LEAN four.
So those three loops are built here as .NET expression trees, which .NET compiles as it does C#.

Threads may read at once. Each call has a table of its own, results are found in a concurrent dictionary, and a result
is whole before anybody finds it. LEAN's contract asks for its result lazily, in a way that only one thread may: who
comes while another waits for the value is thrown out. So a contract that has to be priced is given a new question
first. Python's threads cannot come in between, for they hold the interpreter's lock from LEAN's property to there.
"""

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
    Option,
    OptionChain,
    OptionChains,
    OptionContract,
    OptionContracts,
    OptionPriceModelParameters,
    OptionPriceModelResult,
    Slice,
    Symbol,
)

__all__ = ["READ", "WRITTEN", "Border", "entry_type"]

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
_Results = System.Collections.Concurrent.ConcurrentDictionary[OptionContract, OptionPriceModelResult]
_Read = System.Action[NetArray[OptionContract], System.Int64]
_Write = System.Action[NetArray[OptionContract], System.Int64, _Results]

Columns = npt.NDArray[np.float64]


class Border:
    """Results by contract, found by compiled code; ``miss(parameters)`` is called for a contract that has none.

    ``find`` is a .NET function from LEAN's parameters to a result. A contract object of a slice belongs to it, so its
    results never grow stale.
    """

    def __init__(self, miss: Callable[[OptionPriceModelParameters], OptionPriceModelResult]) -> None:
        self._results = _Results()
        self.empty: OptionPriceModelResult = getattr(OptionPriceModelResult, "None")
        self.find: Any = _finder(self._results, _Entry(miss))

    def clear(self) -> None:
        """Forget all results."""
        self._results.Clear()

    def chain(self, data: Slice, contract: OptionContract) -> Any:
        """A .NET array of the contracts of a slice's chain; an empty one where the contract is not an object of it."""
        return _gatherer()(data, contract)

    def contracts(self, chain: Any) -> Any:
        """A .NET array of a chain's contracts, or of those of a Python list."""
        if isinstance(chain, list):
            return NetArray[OptionContract](chain)
        return System.Linq.Enumerable.ToArray[OptionContract](chain)

    def read(self, contracts: Any) -> Columns:
        """The columns :data:`READ` of n contracts, shape (n, 8)."""
        columns = np.empty((len(contracts), len(READ)))
        _reader()(contracts, columns.ctypes.data)
        return columns

    def write(self, contracts: Any, values: Columns) -> None:
        """Keep results for n contracts, values (n, 8) as :data:`WRITTEN`."""
        _write(contracts, values, self._results)

    def result(self, contract: OptionContract) -> OptionPriceModelResult | None:
        """The result of a contract that was written, None for another."""
        return self._results[contract] if self._results.ContainsKey(contract) else None

    @staticmethod
    def made(contract: OptionContract, values: Columns) -> OptionPriceModelResult:
        """The result for one contract, values (1, 8), which is not kept."""
        alone = _Results()
        _write(NetArray[OptionContract]([contract]), values, alone)
        result: OptionPriceModelResult = alone[contract]
        return result


def _write(contracts: Any, values: Columns, results: Any) -> None:
    table = np.ascontiguousarray(values, np.float64)
    _writer()(contracts, table.ctypes.data, results)


@cache
def entry_type() -> Any:
    """A .NET class that implements IOptionPriceModel by calling the function in its field Run.

    It has the name of the class in Python that derives from it: by its name LEAN tells whether an object is the .NET
    class's own, to be asked as it is, or is to be wrapped, and asked by way of Python.
    """
    assembly = Emit.AssemblyBuilder.DefineDynamicAssembly(
        Reflection.AssemblyName("AloBorder"), Emit.AssemblyBuilderAccess.Run
    )
    kind = assembly.DefineDynamicModule("AloBorder").DefineType(
        "Alo.AloOptionPriceModel",
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
    return type(System.Activator.CreateInstance(kind.CreateType()))  # as Python knows it


def _finder(results: Any, miss: Any) -> Any:
    """``parameters => results.TryGetValue(parameters.Contract, out var found) ? found : miss(parameters)``.

    Before a contract that LEAN asks for in a slice is missed, it is given a new question, see :func:`_renewer`.
    """
    parameters = _parameter(OptionPriceModelParameters, "parameters")
    contract, slice_ = (Expression.Property(parameters, name) for name in ("Contract", "Slice"))
    found = Expression.Variable(_type(OptionPriceModelResult), "found")
    look_up = results.GetType().GetMethod("TryGetValue")
    known = Expression.AndAlso(
        _is_there(contract), Expression.Call(Expression.Constant(results), look_up, contract, found)
    )
    asked = Expression.Invoke(Expression.Constant(miss), _expressions(parameters))
    if (renewed := _renewer()) is not None:
        of_lean = Expression.AndAlso(
            Expression.AndAlso(_is_there(contract), _is_there(slice_)),
            Expression.TypeIs(Expression.Property(parameters, "Security"), _type(Option)),
        )
        renew = Expression.Invoke(Expression.Constant(renewed), _expressions(parameters))
        asked = Expression.Block(_expressions(Expression.IfThen(of_lean, renew), asked))
    body = Expression.Block(_parameters(found), _expressions(Expression.Condition(known, found, asked)))
    return _compiled(_Entry, body, parameters)


@cache
def _renewer() -> Any:
    """``parameters => contract.SetOptionPriceModel(() => security.EvaluatePriceModel(slice, contract))``.

    It is what LEAN itself gives a contract when it makes a slice; None where this LEAN has no such method.
    """
    every = Reflection.BindingFlags.Instance | Reflection.BindingFlags.NonPublic | Reflection.BindingFlags.Public
    method = _type(OptionContract).GetMethod("SetOptionPriceModel", every)
    if method is None:
        return None
    parameters = _parameter(OptionPriceModelParameters, "parameters")
    contract, slice_ = (Expression.Property(parameters, name) for name in ("Contract", "Slice"))
    security = Expression.Convert(Expression.Property(parameters, "Security"), _type(Option))
    evaluate = _type(Option).GetMethod("EvaluatePriceModel")
    question = Expression.Lambda[System.Func[OptionPriceModelResult]](
        Expression.Call(security, evaluate, slice_, contract), _parameters()
    )
    renew = Expression.Call(contract, method, _expressions(question))
    return _compiled(System.Action[OptionPriceModelParameters], renew, parameters)


@cache
def _gatherer() -> Any:
    """``(slice, contract) => chain.ToArray()`` of the slice's chain that holds this contract, else none."""
    slice_, contract = _parameter(Slice, "slice"), _parameter(OptionContract, "contract")
    chain, own = (
        Expression.Variable(_type(kind), name) for kind, name in ((OptionChain, "chain"), (OptionContract, "own"))
    )
    symbol, chains = Expression.Property(contract, "Symbol"), Expression.Property(slice_, "OptionChains")

    def look_up(place: Any, kind: Any, key: Any, found: Any) -> Any:
        sought = NetArray[System.Type]([_type(Symbol), found.Type.MakeByRefType()])
        return Expression.Call(place, _type(kind).GetMethod("TryGetValue", sought), key, found)

    known = Expression.AndAlso(
        Expression.AndAlso(
            _is_there(chains), look_up(chains, OptionChains, Expression.Property(symbol, "Canonical"), chain)
        ),
        Expression.AndAlso(
            look_up(Expression.Property(chain, "Contracts"), OptionContracts, symbol, own),
            Expression.ReferenceEqual(own, contract),
        ),
    )
    to_array = _type(System.Linq.Enumerable).GetMethod("ToArray").MakeGenericMethod(_type(OptionContract))
    none = Expression.NewArrayBounds(_type(OptionContract), _expressions(Expression.Constant(System.Int32(0))))
    found = Expression.Condition(known, Expression.Call(to_array, chain), none)
    body = Expression.Block(_parameters(chain, own), _expressions(found))
    return _compiled(System.Func[Slice, OptionContract, NetArray[OptionContract]], body, slice_, contract)


@cache
def _reader() -> Any:
    """(contracts, address) => each contract's row of the table at the address is filled with the columns READ."""
    contracts, address = _parameter(NetArray[OptionContract], "contracts"), _parameter(System.Int64, "address")
    table = Expression.Variable(_type(NetArray[System.Double]), "table")
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
    copied = Expression.Call(
        _copy(NetArray[System.Double], System.Int32, System.IntPtr, System.Int32),
        *(table, Expression.Constant(System.Int32(0)), _pointer(address), Expression.ArrayLength(table)),
    )
    loop = _each(contracts, index, body)
    whole = Expression.Block(_parameters(table), _expressions(_room(table, contracts), loop, copied))
    return _compiled(_Read, whole, contracts, address)


@cache
def _writer() -> Any:
    """(contracts, address, results) => results[contract] = the empty result where price is NaN, else a new one.

    Its parts, which LEAN makes lazily and for one thread, are made before anybody sees it.
    """
    contracts, address = _parameter(NetArray[OptionContract], "contracts"), _parameter(System.Int64, "address")
    results, table = _parameter(_Results, "results"), Expression.Variable(_type(NetArray[System.Double]), "table")
    made_now = Expression.Variable(_type(OptionPriceModelResult), "made")
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
    parts = (Expression.Property(made_now, name) for name in ("TheoreticalPrice", "ImpliedVolatility", "Greeks"))
    body = [
        Expression.Assign(made_now, Expression.Condition(is_nan, empty, made)),
        *parts,
        Expression.Assign(place, made_now),
    ]
    copied = Expression.Call(
        _copy(System.IntPtr, NetArray[System.Double], System.Int32, System.Int32),
        *(_pointer(address), table, Expression.Constant(System.Int32(0)), Expression.ArrayLength(table)),
    )
    loop = _each(contracts, index, body)
    whole = Expression.Block(_parameters(table, made_now), _expressions(_room(table, contracts), copied, loop))
    return _compiled(_Write, whole, contracts, address, results)


def _room(table: Any, contracts: Any) -> Any:
    """``table = new double[8 * contracts.Length]``."""
    size = Expression.Multiply(Expression.ArrayLength(contracts), Expression.Constant(System.Int32(len(READ))))
    return Expression.Assign(table, Expression.NewArrayBounds(_type(System.Double), _expressions(size)))


def _copy(*kinds: Any) -> Any:
    """.NET's copy between its memory and a place that others know."""
    return _type(Interop.Marshal).GetMethod("Copy", NetArray[System.Type]([_type(kind) for kind in kinds]))


def _pointer(address: Any) -> Any:
    return Expression.Convert(address, _type(System.IntPtr))


def _is_there(value: Any) -> Any:
    return Expression.NotEqual(value, Expression.Constant(None, _type(System.Object)))


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
