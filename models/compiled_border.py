"""The border to .NET, crossed there and back once a chain: contracts read, and results handed back, by compiled code.

Reading a quote from Python costs a microsecond a contract, making a result object twenty, being called by LEAN four,
a call into .NET ten. So loops, and what is asked of LEAN's objects for a chain, are built here as .NET expression
trees, which .NET compiles as it does C#.

Threads may read at once. Each call has a table of its own, results are found in a concurrent dictionary, and a result
is whole before anybody finds it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
from AlgorithmImports import (
    Greeks,
    IOptionPriceModel,
    OptionContract,
    OptionPriceModelParameters,
    OptionPriceModelResult,
)

from models.compiled_question import READ, Asked, Columns, Contracts, Evaluate, Table, asker, reader
from models.net_expressions import (
    Emit,
    Expression,
    NetArray,
    Reflection,
    System,
    array_address,
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
    pointer,
    variable,
)

__all__ = ["WRITTEN", "Border", "entry_type"]

WRITTEN: Final = ("price", "implied_volatility", "delta", "gamma", "vega", "theta", "rho", "leverage")
"""What is handed back for a contract, in LEAN's units; a NaN price makes LEAN's empty result."""

_Results = System.Collections.Concurrent.ConcurrentDictionary[OptionContract, OptionPriceModelResult]
_Write = System.Func[
    Contracts, System.Int64, _Results, System.Boolean, OptionPriceModelParameters, OptionPriceModelResult
]


class Border:
    """Results by contract, found by compiled code; ``miss`` is called for a contract that has none.

    ``find`` is a .NET function from LEAN's parameters to a result. A contract object of a slice belongs to it, so its
    results never grow stale.
    """

    def __init__(self, miss: Callable[[Asked], OptionPriceModelResult]) -> None:
        self._results = _Results()
        self.empty: OptionPriceModelResult = getattr(OptionPriceModelResult, "None")
        self.find: Any = _finder(self._results, miss)
        self._make = _writer()  # here, since the first slice would wait for it

    def contracts(self, chain: Any) -> Any:
        """A .NET array of a chain's contracts, or of those of a Python list."""
        if isinstance(chain, list):
            return Contracts(chain)
        return System.Linq.Enumerable.ToArray[OptionContract](chain)

    def read(self, contracts: Any) -> Columns:
        """The columns :data:`READ` of n contracts, shape (n, 8)."""
        columns = np.empty((len(contracts), len(READ)))
        reader()(contracts, array_address(columns))
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

    def _made(self, asked: Asked, values: Columns, results: Any, forget: bool) -> OptionPriceModelResult:
        table = np.ascontiguousarray(values, np.float64)
        found: OptionPriceModelResult = self._make(
            asked.contracts, array_address(table), results, forget, asked.parameters
        )
        return found


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
        net_type(System.Object),
        NetArray[System.Type]([net_type(IOptionPriceModel)]),
    )
    function = net_type(Evaluate)
    field = kind.DefineField("Run", function, Reflection.FieldAttributes.Public)
    method = kind.DefineMethod(
        "Evaluate",
        Reflection.MethodAttributes.Public | Reflection.MethodAttributes.Virtual,
        net_type(OptionPriceModelResult),
        NetArray[System.Type]([net_type(OptionPriceModelParameters)]),
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
    parameters = parameter(OptionPriceModelParameters, "parameters")
    found = variable(OptionPriceModelResult, "found")
    contract = Expression.Property(parameters, "Contract")
    known = both(is_there(contract), look_up(Expression.Constant(results), contract, found))
    asked = Expression.Invoke(Expression.Constant(asker(miss)), expressions(parameters))
    body = Expression.Block(parameters_of(found), expressions(Expression.Condition(known, found, asked)))
    return compiled(Evaluate, body, parameters)


@cache
def _writer() -> Any:
    """(contracts, address, results, forget, asked) => the result of the contract asked for, one of those made.

    The empty one where the price is NaN. Kept in ``results``, which forget the others first, unless that is null. Its
    parts, which LEAN makes lazily and for one thread, are made before anybody sees it.
    """
    contracts, address = parameter(Contracts, "contracts"), parameter(System.Int64, "address")
    results, forget = parameter(_Results, "results"), parameter(System.Boolean, "forget")
    asked, table = parameter(OptionPriceModelParameters, "asked"), variable(Table, "table")
    one, answer = (variable(OptionPriceModelResult, name) for name in ("one", "answer"))
    index = variable(System.Int32, "index")
    decimal, result = net_type(System.Decimal), net_type(OptionPriceModelResult)

    def value(column: int) -> Any:
        return Expression.Convert(Expression.ArrayIndex(table, cell(index, column, len(WRITTEN))), decimal)

    greeks_type = net_type(Greeks)
    make_greeks = greeks_type.GetConstructor(NetArray[System.Type]([decimal] * 6))
    make_result = result.GetConstructor(NetArray[System.Type]([decimal, decimal, greeks_type]))
    greeks = Expression.New(make_greeks, expressions(*(value(column) for column in range(2, 8))))
    made = Expression.New(make_result, expressions(value(0), value(1), greeks))
    is_nan = Expression.Call(
        net_type(System.Double).GetMethod("IsNaN"), Expression.ArrayIndex(table, cell(index, 0, len(WRITTEN)))
    )
    empty = Expression.Property(None, result.GetProperty("None"))
    contract = Expression.ArrayIndex(contracts, index)
    parts = (Expression.Property(one, name) for name in ("TheoreticalPrice", "ImpliedVolatility", "Greeks"))
    place = Expression.Property(results, "Item", expressions(contract))
    body = [
        Expression.Assign(one, Expression.Condition(is_nan, empty, made)),
        *parts,
        Expression.IfThen(is_there(results), Expression.Assign(place, one)),
        Expression.IfThen(
            Expression.ReferenceEqual(contract, Expression.Property(asked, "Contract")), Expression.Assign(answer, one)
        ),
    ]
    copied = Expression.Call(
        memory_copy(System.IntPtr, Table, System.Int32, System.Int32),
        *(pointer(address), table, int32(0), Expression.ArrayLength(table)),
    )
    cleared = Expression.Call(results, net_type(_Results).GetMethod("Clear"))
    whole = Expression.Block(
        parameters_of(table, one, answer),
        expressions(
            new_table(table, contracts, len(WRITTEN)),
            copied,
            Expression.IfThen(forget, cleared),
            for_each(contracts, index, body),
            answer,
        ),
    )
    return compiled(_Write, whole, contracts, address, results, forget, asked)
