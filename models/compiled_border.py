"""The border to .NET, crossed there and back once a chain: contracts read, and results handed back, by compiled code.

Reading a quote from Python costs a microsecond a contract, making a result object twenty, being called by LEAN four,
a call into .NET ten. So loops, and what is asked of LEAN's objects for a chain, are built here as .NET expression
trees, which .NET compiles as it does C#.

Threads may read at once. Each call has a table of its own, results are found in a concurrent dictionary, and a result
is whole before anybody finds it. LEAN's contract asks for its result lazily, in a way that only one thread may: who
comes while another waits for the value is thrown out. So a contract that has to be priced is given a new question
first. Python's threads cannot come in between, for they hold the interpreter's lock from LEAN's property to there.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final, NamedTuple

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
    Split,
    Splits,
    SplitType,
)

from models.marshalling import nanoseconds_of_ticks

__all__ = ["READ", "WRITTEN", "Asked", "Border", "entry_type"]

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
_Contracts, _Table = NetArray[OptionContract], NetArray[System.Double]
_Fill = System.Action[_Contracts, _Table]
_Read = System.Action[_Contracts, System.Int64]
_Write = System.Func[
    _Contracts, System.Int64, _Results, System.Boolean, OptionPriceModelParameters, OptionPriceModelResult
]

Columns = npt.NDArray[np.float64]
_HEAD: Final = ("count", "days", "ticks", "forecast", "of_chain", "splits")
"""What the row before a question's contracts says; days since 0001-01-01 and ticks of the day, of the slice's time."""
_Miss = System.Func[OptionPriceModelParameters, _Contracts, System.Int64, System.String, OptionPriceModelResult]


class Asked(NamedTuple):
    """A question that no result answers yet, with what a price takes of LEAN's objects.

    contracts: a .NET array: the chain that the slice has the contract in, else (``of_chain`` is false) the contract
    alone. columns: the columns READ of them, (n, 8). time: the slice's, nanoseconds since the epoch, UTC; None without
    one. option: names the canonical option. forecast: the volatility model's, 0 without one. splits: whether the
    underlying does, in the slice.
    """

    parameters: OptionPriceModelParameters
    contracts: Any
    option: str
    columns: Columns
    time: int | None
    forecast: float
    of_chain: bool
    splits: bool

    @classmethod
    def at(cls, parameters: OptionPriceModelParameters, contracts: Any, address: int, option: str) -> "Asked":
        """What .NET asked; its numbers lie in memory, which stays until it has its answer: a row of :data:`_HEAD`."""
        count, days, ticks, forecast, of_chain, splits = (ctypes.c_double * len(_HEAD)).from_address(address)
        memory = (ctypes.c_double * ((int(count) + 1) * len(READ))).from_address(address)
        columns = np.frombuffer(memoryview(memory), np.float64).reshape(-1, len(READ))[1:]
        time = nanoseconds_of_ticks(int(days) * _TICKS_A_DAY + int(ticks)) if days else None
        return cls(parameters, contracts, option, columns, time, forecast, bool(of_chain), bool(splits))


class Border:
    """Results by contract, found by compiled code; ``miss`` is called for a contract that has none.

    ``find`` is a .NET function from LEAN's parameters to a result. A contract object of a slice belongs to it, so its
    results never grow stale.
    """

    def __init__(self, miss: Callable[[Asked], OptionPriceModelResult]) -> None:
        self._results = _Results()
        self.empty: OptionPriceModelResult = getattr(OptionPriceModelResult, "None")
        self.find: Any = _finder(self._results, _Miss(lambda *given: miss(Asked.at(*given))))

    def contracts(self, chain: Any) -> Any:
        """A .NET array of a chain's contracts, or of those of a Python list."""
        if isinstance(chain, list):
            return _Contracts(chain)
        return System.Linq.Enumerable.ToArray[OptionContract](chain)

    def read(self, contracts: Any) -> Columns:
        """The columns :data:`READ` of n contracts, shape (n, 8)."""
        columns = np.empty((len(contracts), len(READ)))
        _reader()(contracts, _address(columns))
        return columns

    def write(self, asked: Asked, values: Columns, *, forget: bool) -> OptionPriceModelResult:
        """Keep results for n contracts, values (n, 8) as :data:`WRITTEN`, and return that of the contract asked for.

        forget: those of before are no longer kept.
        """
        return self._made(asked, values, self._results, forget)

    def made(self, asked: Asked, values: Columns) -> OptionPriceModelResult:
        """The result for one contract, values (1, 8), which is not kept."""
        return self._made(asked, values, None, False)

    def result(self, contract: OptionContract) -> OptionPriceModelResult | None:
        """The result of a contract that was written, None for another."""
        return self._results[contract] if self._results.ContainsKey(contract) else None

    @staticmethod
    def _made(asked: Asked, values: Columns, results: Any, forget: bool) -> OptionPriceModelResult:
        table = np.ascontiguousarray(values, np.float64)
        found: OptionPriceModelResult = _writer()(asked.contracts, _address(table), results, forget, asked.parameters)
        return found


def _address(table: Columns) -> int:
    place: int = table.__array_interface__["data"][0]
    return place


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
    """``parameters => results.TryGetValue(parameters.Contract, out var found) ? found : asker(parameters)``."""
    parameters = _parameter(OptionPriceModelParameters, "parameters")
    found = Expression.Variable(_type(OptionPriceModelResult), "found")
    contract = Expression.Property(parameters, "Contract")
    known = _both(_is_there(contract), _look_up(Expression.Constant(results), contract, found))
    asked = Expression.Invoke(Expression.Constant(_asker(miss)), _expressions(parameters))
    body = Expression.Block(_parameters(found), _expressions(Expression.Condition(known, found, asked)))
    return _compiled(_Entry, body, parameters)


def _asker(miss: Any) -> Any:
    """``parameters => miss(...)`` with what :class:`Asked` holds.

    A contract that LEAN asks for in a slice is first given a new question, see :func:`_renewer`.
    """
    parameters = _parameter(OptionPriceModelParameters, "parameters")
    contract, slice_, security = (Expression.Property(parameters, name) for name in ("Contract", "Slice", "Security"))
    contracts, table, of_chain = (
        Expression.Variable(_type(kind), name)
        for kind, name in ((_Contracts, "contracts"), (_Table, "table"), (System.Boolean, "ofChain"))
    )
    chain, own, split = (
        Expression.Variable(_type(kind), name)
        for kind, name in ((OptionChain, "chain"), (OptionContract, "own"), (Split, "split"))
    )
    answer = Expression.Variable(_type(OptionPriceModelResult), "answer")
    symbol, chains = Expression.Property(contract, "Symbol"), Expression.Property(slice_, "OptionChains")
    canonical, splits = Expression.Property(symbol, "Canonical"), Expression.Property(slice_, "Splits")
    in_slice = _both(_is_there(contract), _is_there(slice_))
    its_chain = _both(
        in_slice,
        _is_there(chains),
        _look_up(chains, canonical, chain, OptionChains),
        _look_up(Expression.Property(chain, "Contracts"), symbol, own, OptionContracts),
        Expression.ReferenceEqual(own, contract),
    )
    happened = Expression.Constant(System.Int32(int(SplitType.SPLIT_OCCURRED)))
    kind_of_split = Expression.Convert(Expression.Property(split, "Type"), _type(System.Int32))
    underlying_splits = _both(
        in_slice,
        _is_there(splits),
        _look_up(splits, Expression.Property(symbol, "Underlying"), split, Splits),
        Expression.Equal(kind_of_split, happened),
    )
    option = Expression.Convert(security, _type(Option))
    model = Expression.Property(Expression.Property(option, "Underlying"), "VolatilityModel")
    has_model = _both(
        Expression.TypeIs(security, _type(Option)),
        _is_there(Expression.Property(option, "Underlying")),
        _is_there(model),
    )
    forecast = Expression.Convert(Expression.Property(model, "Volatility"), _type(System.Double))
    name = Expression.Call(
        Expression.Property(canonical, "ID"), _type(System.Object).GetMethod("ToString", NetArray[System.Type]([]))
    )
    to_array = _type(System.Linq.Enumerable).GetMethod("ToArray").MakeGenericMethod(_type(OptionContract))
    alone = Expression.NewArrayInit(_type(OptionContract), _expressions(contract))
    none = Expression.NewArrayBounds(_type(OptionContract), _expressions(_int(0)))
    ticks = Expression.Property(Expression.Property(slice_, "UtcTime"), "Ticks")
    a_day = Expression.Constant(System.Int64(_TICKS_A_DAY))
    head = (
        Expression.ArrayLength(contracts),
        _if(_is_there(slice_), Expression.Divide(ticks, a_day)),
        _if(_is_there(slice_), Expression.Modulo(ticks, a_day)),
        _if(has_model, forecast),
        _if(of_chain, _int(1)),
        _if(underlying_splits, _int(1)),
    )
    address = Expression.Convert(_first_element(table), _type(System.Int64))
    called = Expression.Condition(_is_there(contract), name, Expression.Constant(""))
    body = [
        Expression.Assign(of_chain, its_chain),
        Expression.Assign(
            contracts,
            Expression.Condition(
                of_chain, Expression.Call(to_array, chain), Expression.Condition(_is_there(contract), alone, none)
            ),
        ),
        Expression.Assign(table, _pinned(contracts)),
        *(_set(table, _int(place), value) for place, value in enumerate(head)),
        Expression.Invoke(Expression.Constant(_filler(1)), _expressions(contracts, table)),
        Expression.Assign(
            answer, Expression.Invoke(Expression.Constant(miss), _expressions(parameters, contracts, address, called))
        ),
        Expression.Call(_type(System.GC).GetMethod("KeepAlive"), table),
        answer,
    ]
    if (renewed := _renewer()) is not None:
        of_lean = _both(in_slice, Expression.TypeIs(security, _type(Option)))
        renew = Expression.Invoke(Expression.Constant(renewed), _expressions(parameters))
        body.insert(0, Expression.IfThen(of_lean, renew))
    variables = _parameters(contracts, table, of_chain, chain, own, split, answer)
    return _compiled(_Entry, Expression.Block(variables, _expressions(*body)), parameters)


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
def _reader() -> Any:
    """(contracts, address) => the table at the address is filled with the columns READ, a row a contract."""
    contracts, address = _parameter(_Contracts, "contracts"), _parameter(System.Int64, "address")
    table = Expression.Variable(_type(_Table), "table")
    copied = Expression.Call(
        _copy(_Table, System.Int32, System.IntPtr, System.Int32),
        *(table, _int(0), _pointer(address), Expression.ArrayLength(table)),
    )
    filled = Expression.Invoke(Expression.Constant(_filler(0)), _expressions(contracts, table))
    body = Expression.Block(_parameters(table), _expressions(_room(table, contracts), filled, copied))
    return _compiled(_Read, body, contracts, address)


@cache
def _filler(behind: int) -> Any:
    """(contracts, table) => each contract's row of the table, behind some others, is filled with the columns READ."""
    contracts, table = _parameter(_Contracts, "contracts"), _parameter(_Table, "table")
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
    row = Expression.Add(index, _int(behind))
    body = [_set(table, _cell(row, column), source) for column, source in enumerate(sources)]
    return _compiled(_Fill, _each(contracts, index, body), contracts, table)


@cache
def _writer() -> Any:
    """(contracts, address, results, forget, asked) => the result of the contract asked for, one of those made.

    The empty one where the price is NaN. Kept in ``results``, which forget the others first, unless that is null. Its
    parts, which LEAN makes lazily and for one thread, are made before anybody sees it.
    """
    contracts, address = _parameter(_Contracts, "contracts"), _parameter(System.Int64, "address")
    results, forget = _parameter(_Results, "results"), _parameter(System.Boolean, "forget")
    asked, table = _parameter(OptionPriceModelParameters, "asked"), Expression.Variable(_type(_Table), "table")
    one, answer = (Expression.Variable(_type(OptionPriceModelResult), name) for name in ("one", "answer"))
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
    contract = Expression.ArrayIndex(contracts, index)
    parts = (Expression.Property(one, name) for name in ("TheoreticalPrice", "ImpliedVolatility", "Greeks"))
    place = Expression.Property(results, "Item", _expressions(contract))
    body = [
        Expression.Assign(one, Expression.Condition(is_nan, empty, made)),
        *parts,
        Expression.IfThen(_is_there(results), Expression.Assign(place, one)),
        Expression.IfThen(
            Expression.ReferenceEqual(contract, Expression.Property(asked, "Contract")), Expression.Assign(answer, one)
        ),
    ]
    copied = Expression.Call(
        _copy(System.IntPtr, _Table, System.Int32, System.Int32),
        *(_pointer(address), table, _int(0), Expression.ArrayLength(table)),
    )
    cleared = Expression.Call(results, _type(_Results).GetMethod("Clear"))
    whole = Expression.Block(
        _parameters(table, one, answer),
        _expressions(
            _room(table, contracts),
            copied,
            Expression.IfThen(forget, cleared),
            _each(contracts, index, body),
            answer,
        ),
    )
    return _compiled(_Write, whole, contracts, address, results, forget, asked)


def _room(table: Any, contracts: Any) -> Any:
    """``table = new double[8 * contracts.Length]``."""
    size = Expression.Multiply(Expression.ArrayLength(contracts), _int(len(READ)))
    return Expression.Assign(table, Expression.NewArrayBounds(_type(System.Double), _expressions(size)))


def _set(table: Any, place: Any, value: Any) -> Any:
    """``table[place] = (double)value``."""
    return Expression.Assign(Expression.ArrayAccess(table, place), Expression.Convert(value, _type(System.Double)))


def _if(condition: Any, value: Any) -> Any:
    """``condition ? value : 0``."""
    return Expression.Condition(condition, value, Expression.Default(value.Type))


def _pinned(contracts: Any) -> Any:
    """A table for contracts and a row before them, which does not move."""
    size = Expression.Multiply(Expression.Add(Expression.ArrayLength(contracts), _int(1)), _int(len(READ)))
    allocate = _type(System.GC).GetMethod("AllocateUninitializedArray").MakeGenericMethod(_type(System.Double))
    return Expression.Call(allocate, size, Expression.Constant(True))


def _first_element(table: Any) -> Any:
    """The address of a table that does not move."""
    sought = NetArray[System.Type]([_type(System.Array), _type(System.Int32)])
    return Expression.Call(_type(Interop.Marshal).GetMethod("UnsafeAddrOfPinnedArrayElement", sought), table, _int(0))


def _look_up(place: Any, key: Any, found: Any, kind: Any = None) -> Any:
    """``place.TryGetValue(key, out found)``."""
    owner = place.Type if kind is None else _type(kind)
    sought = NetArray[System.Type]([key.Type, found.Type.MakeByRefType()])
    return Expression.Call(place, owner.GetMethod("TryGetValue", sought), key, found)


def _both(*conditions: Any) -> Any:
    """``first && second && ...``."""
    *others, last = conditions
    for condition in reversed(others):
        last = Expression.AndAlso(condition, last)
    return last


def _int(value: int) -> Any:
    return Expression.Constant(System.Int32(value))


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
    start = Expression.Assign(index, _int(0))
    return Expression.Block(_parameters(index), _expressions(start, loop))


def _cell(index: Any, column: int) -> Any:
    row = Expression.Multiply(index, _int(len(READ)))
    return Expression.Add(row, _int(column))


def _parameter(kind: Any, name: str) -> Any:
    return Expression.Parameter(_type(kind), name)


def _parameters(*given: Any) -> Any:
    return NetArray[import_module("System.Linq.Expressions").ParameterExpression](list(given))


def _expressions(*given: Any) -> Any:
    return NetArray[Expression](list(given))


def _compiled(kind: Any, body: Any, *given: Any) -> Any:
    return Expression.Lambda[kind](body, _parameters(*given)).Compile()
