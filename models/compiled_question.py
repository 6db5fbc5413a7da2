"""What is asked of Python for a contract without a result: LEAN's objects read by one function of .NET's, at once.

A call from Python into .NET takes ten microseconds, which a chain of a few contracts would pay many times over.

LEAN's contract asks for its result lazily, in a way that only one thread may: who comes while another waits for the
value is thrown out. So a contract that has to be priced is given a new question first. Python's threads cannot come in
between, for they hold the interpreter's lock from LEAN's property to there.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from AlgorithmImports import (
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

from models.net_expressions import (
    Expression,
    NetArray,
    Reflection,
    System,
    address_of,
    both,
    cell,
    compiled,
    expressions,
    for_each,
    int32,
    is_there,
    look_up,
    memory_copy,
    net_type,
    new_table,
    parameter,
    parameters_of,
    pinned_table,
    pointer,
    set_cell,
    value_if,
    variable,
)
from models.times import nanoseconds_of_ticks

__all__ = ["READ", "Asked", "Columns", "Contracts", "Evaluate", "Table", "asker", "reader", "renews"]

READ: Final = ("strike", "right", "expiry", "style", "bid", "ask", "last", "spot")
"""What is read of a contract: expiry in days since 0001-01-01, style 0 for American, right 0 for a call (LEAN's)."""

_TICKS_A_DAY: Final = 864_000_000_000
Columns = npt.NDArray[np.float64]
Evaluate = System.Func[OptionPriceModelParameters, OptionPriceModelResult]
Contracts, Table = NetArray[OptionContract], NetArray[System.Double]
_Fill = System.Action[Contracts, Table]
_Read = System.Action[Contracts, System.Int64]
Miss = System.Func[OptionPriceModelParameters, Contracts, System.Int64, System.String, OptionPriceModelResult]
_HEAD: Final = ("count", "days", "ticks", "forecast", "of_chain", "splits")
"""What the row before a question's contracts says; days since 0001-01-01 and ticks of the day, of the slice's time."""
_Head: Final = ctypes.c_double * len(_HEAD)


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
        count, days, ticks, forecast, of_chain, splits = _Head.from_address(address)
        memory = (ctypes.c_double * ((int(count) + 1) * len(READ))).from_address(address)
        columns = np.frombuffer(memoryview(memory), np.float64).reshape(-1, len(READ))[1:]
        time = nanoseconds_of_ticks(int(days) * _TICKS_A_DAY + int(ticks)) if days else None
        return cls(parameters, contracts, option, columns, time, forecast, bool(of_chain), bool(splits))


class _Question:
    """The parts of LEAN's parameters that a question tells, as expressions; ``variables`` are what they need."""

    def __init__(self) -> None:
        self.parameters = parameter(OptionPriceModelParameters, "parameters")
        names = ("Contract", "Slice", "Security")
        self.contract, self.slice, self.security = (Expression.Property(self.parameters, name) for name in names)
        self.symbol = Expression.Property(self.contract, "Symbol")
        self.canonical = Expression.Property(self.symbol, "Canonical")
        self.contracts, self.table = variable(Contracts, "contracts"), variable(Table, "table")
        self.of_chain = variable(System.Boolean, "ofChain")
        self._chain, self._own = variable(OptionChain, "chain"), variable(OptionContract, "own")
        self._split = variable(Split, "split")
        self.variables = (self.contracts, self.table, self.of_chain, self._chain, self._own, self._split)
        self.in_slice = both(is_there(self.contract), is_there(self.slice))

    def gather(self) -> tuple[Any, ...]:
        """Statements: the contracts become the slice's chain that holds the contract, else it alone, and are read."""
        chains = Expression.Property(self.slice, "OptionChains")
        its_chain = both(
            self.in_slice,
            is_there(chains),
            look_up(chains, self.canonical, self._chain, OptionChains),
            look_up(Expression.Property(self._chain, "Contracts"), self.symbol, self._own, OptionContracts),
            Expression.ReferenceEqual(self._own, self.contract),
        )
        to_array = net_type(System.Linq.Enumerable).GetMethod("ToArray").MakeGenericMethod(net_type(OptionContract))
        alone = Expression.Condition(
            is_there(self.contract),
            Expression.NewArrayInit(net_type(OptionContract), expressions(self.contract)),
            Expression.NewArrayBounds(net_type(OptionContract), expressions(int32(0))),
        )
        found = Expression.Condition(self.of_chain, Expression.Call(to_array, self._chain), alone)
        return (
            Expression.Assign(self.of_chain, its_chain),
            Expression.Assign(self.contracts, found),
            Expression.Assign(self.table, pinned_table(self.contracts, len(READ))),
            Expression.Invoke(Expression.Constant(filler(1)), expressions(self.contracts, self.table)),
            *(set_cell(self.table, int32(place), value) for place, value in enumerate(self._head())),
        )

    def option(self) -> Any:
        """The canonical option's name."""
        to_string = net_type(System.Object).GetMethod("ToString", NetArray[System.Type]([]))
        name = Expression.Call(Expression.Property(self.canonical, "ID"), to_string)
        return Expression.Condition(is_there(self.contract), name, Expression.Constant(""))

    def _head(self) -> tuple[Any, ...]:
        """The numbers of :data:`_HEAD`."""
        ticks = Expression.Property(Expression.Property(self.slice, "UtcTime"), "Ticks")
        a_day = Expression.Constant(System.Int64(_TICKS_A_DAY))
        return (
            Expression.ArrayLength(self.contracts),
            value_if(is_there(self.slice), Expression.Divide(ticks, a_day)),
            value_if(is_there(self.slice), Expression.Modulo(ticks, a_day)),
            self._forecast(),
            value_if(self.of_chain, int32(1)),
            value_if(self._splits(), int32(1)),
        )

    def _forecast(self) -> Any:
        """What the volatility model of the underlying says, 0 where there is none."""
        underlying = Expression.Property(Expression.Convert(self.security, net_type(Option)), "Underlying")
        model = Expression.Property(underlying, "VolatilityModel")
        has_model = both(Expression.TypeIs(self.security, net_type(Option)), is_there(underlying), is_there(model))
        return value_if(
            has_model, Expression.Convert(Expression.Property(model, "Volatility"), net_type(System.Double))
        )

    def _splits(self) -> Any:
        """Whether the underlying splits in the slice: quotes may be from before it and the spot from after."""
        splits = Expression.Property(self.slice, "Splits")
        kind = Expression.Convert(Expression.Property(self._split, "Type"), net_type(System.Int32))
        return both(
            self.in_slice,
            is_there(splits),
            look_up(splits, Expression.Property(self.symbol, "Underlying"), self._split, Splits),
            Expression.Equal(kind, int32(int(SplitType.SPLIT_OCCURRED))),
        )


def asker(miss: Callable[[Asked], OptionPriceModelResult]) -> Any:
    """``parameters => miss(...)`` with what :class:`Asked` holds.

    A contract that LEAN asks for in a slice is first given a new question, see :func:`_renewer`.
    """
    told, answer = _Question(), variable(OptionPriceModelResult, "answer")
    asked = Expression.Constant(Miss(lambda *given: miss(Asked.at(*given))))
    address = Expression.Convert(address_of(told.table), net_type(System.Int64))
    given = expressions(told.parameters, told.contracts, address, told.option())
    body = [
        *told.gather(),
        Expression.Assign(answer, Expression.Invoke(asked, given)),
        Expression.Call(net_type(System.GC).GetMethod("KeepAlive"), told.table),
        answer,
    ]
    if (renewed := _renewer()) is not None:
        of_lean = both(told.in_slice, Expression.TypeIs(told.security, net_type(Option)))
        renew = Expression.Invoke(Expression.Constant(renewed), expressions(told.parameters))
        body.insert(0, Expression.IfThen(of_lean, renew))
    block = Expression.Block(parameters_of(*told.variables, answer), expressions(*body))
    return compiled(Evaluate, block, told.parameters)


def renews() -> bool:
    """Whether this LEAN's contracts take a new question; where they do not, only one thread at a time may read."""
    return _renewer() is not None


@cache
def _renewer() -> Any:
    """``parameters => contract.SetOptionPriceModel(() => security.EvaluatePriceModel(slice, contract))``.

    It is what LEAN itself gives a contract when it makes a slice; None where this LEAN has no such method.
    """
    every = Reflection.BindingFlags.Instance | Reflection.BindingFlags.NonPublic | Reflection.BindingFlags.Public
    method = net_type(OptionContract).GetMethod("SetOptionPriceModel", every)
    if method is None:
        return None
    parameters = parameter(OptionPriceModelParameters, "parameters")
    contract, slice_ = (Expression.Property(parameters, name) for name in ("Contract", "Slice"))
    security = Expression.Convert(Expression.Property(parameters, "Security"), net_type(Option))
    evaluate = net_type(Option).GetMethod("EvaluatePriceModel")
    question = Expression.Lambda[System.Func[OptionPriceModelResult]](
        Expression.Call(security, evaluate, slice_, contract), parameters_of()
    )
    renew = Expression.Call(contract, method, expressions(question))
    return compiled(System.Action[OptionPriceModelParameters], renew, parameters)


@cache
def reader() -> Any:
    """(contracts, address) => the table at the address is filled with the columns READ, a row a contract."""
    contracts, address = parameter(Contracts, "contracts"), parameter(System.Int64, "address")
    table = variable(Table, "table")
    copied = Expression.Call(
        memory_copy(Table, System.Int32, System.IntPtr, System.Int32),
        *(table, int32(0), pointer(address), Expression.ArrayLength(table)),
    )
    filled = Expression.Invoke(Expression.Constant(filler(0)), expressions(contracts, table))
    body = Expression.Block(parameters_of(table), expressions(new_table(table, contracts, len(READ)), filled, copied))
    return compiled(_Read, body, contracts, address)


@cache
def filler(behind: int) -> Any:
    """(contracts, table) => each contract's row of the table, behind some others, is filled with the columns READ."""
    contracts, table = parameter(Contracts, "contracts"), parameter(Table, "table")
    index = variable(System.Int32, "index")
    contract = Expression.ArrayIndex(contracts, index)
    expiry = Expression.Property(Expression.Property(contract, "Expiry"), "Ticks")
    sources = (
        Expression.Property(contract, "ScaledStrike"),
        Expression.Convert(Expression.Property(contract, "Right"), net_type(System.Int32)),
        Expression.Divide(expiry, Expression.Constant(System.Int64(_TICKS_A_DAY))),
        Expression.Convert(Expression.Property(contract, "Style"), net_type(System.Int32)),
        Expression.Property(contract, "BidPrice"),
        Expression.Property(contract, "AskPrice"),
        Expression.Property(contract, "LastPrice"),
        Expression.Property(contract, "UnderlyingLastPrice"),
    )
    row = Expression.Add(index, int32(behind))
    body = [set_cell(table, cell(row, column, len(READ)), source) for column, source in enumerate(sources)]
    return compiled(_Fill, for_each(contracts, index, body), contracts, table)
