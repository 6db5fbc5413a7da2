"""The quote bars of a slice, read by one function of .NET's: from Python each costs a dozen calls across the border."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from AlgorithmImports import QuoteBar, QuoteBars, Symbol

from models.net_expressions import (
    Expression,
    NetArray,
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
    set_cell,
    variable,
)
from models.quotes_of_slices import QUOTED, Quotes

__all__ = ["CompiledReader"]

_Bars, _Table = NetArray[QuoteBar], NetArray[System.Double]
_Numbers = System.Collections.Generic.Dictionary[Symbol, System.Int32]
_Read = System.Func[_Bars, _Numbers, System.Int64, System.Int32]


class CompiledReader:
    """A :class:`models.quotes_of_slices.QuoteReader` in compiled code."""

    def __init__(self) -> None:
        self._numbers: Any = _Numbers()

    def know(self, numbers: Mapping[Symbol, int]) -> None:
        """As the protocol says."""
        self._numbers.Clear()
        for symbol, number in numbers.items():
            self._numbers[symbol] = number

    def read(self, bars: QuoteBars) -> Quotes:
        """As the protocol says."""
        told: Any = bars
        found = System.Linq.Enumerable.ToArray[QuoteBar](told.Values)
        table = np.empty((len(found), len(QUOTED)))
        return table[: _reader()(found, self._numbers, array_address(table))]


@cache
def _reader() -> Any:
    """(bars, numbers, address) => how many rows of the table at the address were filled with the columns QUOTED."""
    bars, numbers = parameter(_Bars, "bars"), parameter(_Numbers, "numbers")
    place, table = parameter(System.Int64, "place"), variable(_Table, "table")
    bar, number = variable(QuoteBar, "bar"), variable(System.Int32, "number")
    index, count = variable(System.Int32, "index"), variable(System.Int32, "count")

    def price(side: str) -> Any:
        bar_of_side = Expression.Property(bar, side)
        price = Expression.Convert(Expression.Property(bar_of_side, "Close"), net_type(System.Double))
        nan = Expression.Constant(System.Double(np.nan))  # .NET's own has another sign, which a journal would show
        return Expression.Condition(is_there(bar_of_side), price, nan)

    sizes = (Expression.Property(bar, name) for name in ("LastBidSize", "LastAskSize"))
    sources = (number, price("Bid"), price("Ask"), *sizes)
    filled = [set_cell(table, cell(count, column, len(QUOTED)), source) for column, source in enumerate(sources)]
    is_new = Expression.Not(Expression.Property(bar, "IsFillForward"))
    known = look_up(numbers, Expression.Property(bar, "Symbol"), number)
    row = Expression.Block(expressions(*filled, Expression.PostIncrementAssign(count)))
    body = [
        Expression.Assign(bar, Expression.ArrayIndex(bars, index)),
        Expression.IfThen(both(is_new, known), row),
    ]
    copied = Expression.Call(
        memory_copy(_Table, System.Int32, System.IntPtr, System.Int32),
        *(table, int32(0), pointer(place), Expression.Multiply(count, int32(len(QUOTED)))),
    )
    whole = Expression.Block(
        parameters_of(table, bar, number, count),
        expressions(new_table(table, bars, len(QUOTED)), for_each(bars, index, body), copied, count),
    )
    return compiled(_Read, whole, bars, numbers, place)
