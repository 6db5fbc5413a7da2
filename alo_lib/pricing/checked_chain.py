"""The values of a chain whose arguments are checked: who reads a panel, who is solved alone, all in one order.

Checks cost more than the values of a few contracts. So they are made once, where arguments enter: :class:`Chain` makes
them for each call, :class:`QuotedChain` for all that it computes, and both call this.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.chain_panels import ChainPanels
from alo_lib.pricing.options import Method, of_future, run_implied, run_values
from alo_lib.pricing.terms import Options

__all__ = ["CheckedChain"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = slice | npt.NDArray[np.intp]

_ALL = slice(None)


class CheckedChain:
    """n contracts: strike, time, right (n,), contiguous, in their domains, which nobody writes to any more.

    american: which may be exercised early, (n,), or the answer for all. panels: whether American contracts read their
    boundaries from panels, as far as there are. Threads may share it.
    """

    def __init__(
        self, strike: Array, time: Array, right: Array, american: Mask | bool, method: Method, *, panels: bool
    ) -> None:
        self.strike, self.time, self.right, self._method = strike, time, right, method
        readable = panels and method.cash is None
        kinds: list[tuple[bool, Rows]]
        if isinstance(american, bool):
            kinds = [(american, _ALL)]
        elif american.all() or not american.any():
            kinds = [(bool(american.all()), _ALL)]
        else:
            kinds = [(early, np.flatnonzero(american == early)) for early in (True, False)]
        self._alone: list[tuple[Method, Rows]] = []
        self._panels: ChainPanels | None = None
        self._read: Rows = _ALL
        for early, rows in kinds:
            if early and readable:
                self._read = rows
                self._panels = ChainPanels(time[rows], right[rows], method.scheme)
            else:
                own = method if isinstance(rows, slice) else method.part(rows)
                self._alone.append((own if own.american == early else replace(own, american=early), rows))

    def values(
        self,
        spot: Array,
        rate: Array,
        dividend_yield: Array,
        volatility: Array,
        rows: int,
        among: Mask | None = None,
    ) -> Array:
        """Shape (rows, n): 1 row for prices, 10 with the greeks; NaN where no exercise boundary was found.

        The others: (n,), contiguous, in their domains. among: which are asked for, the others are NaN; None for all.
        """
        options = Options(spot, self.strike, rate, dividend_yield, self.time, self.right)
        if among is not None:
            out = self._some_values(options, volatility, rows, among)
        elif self._panels is None and len(self._alone) == 1:
            ((method, _),) = self._alone
            out = run_values(options, volatility, rows, method)
        elif self._panels is not None and not self._alone:
            out = self._read_values(options, volatility, rows)
        else:
            out = np.empty((rows, spot.size))
            for method, alone in self._alone:
                out[:, alone] = run_values(options.part(alone), volatility[alone], rows, method)
            if self._panels is not None:
                out[:, self._read] = self._read_values(options.part(self._read), volatility[self._read], rows)
        if self._method.on_future and rows > 1:
            of_future(out)
        return out

    def _some_values(self, options: Options, volatility: Array, rows: int, among: Mask) -> Array:
        """As :meth:`values`, of some contracts; NaN for the others."""
        out = np.full((rows, volatility.size), np.nan)
        for method, alone in self._alone:
            asked = np.flatnonzero(among[alone])
            if asked.size:
                which = asked if isinstance(alone, slice) else alone[asked]
                out[:, which] = run_values(options.part(which), volatility[which], rows, method.part(asked))
        if self._panels is not None:
            read = self._read
            out[:, read] = self._read_values(options.part(read), volatility[read], rows, among[read])
        return out

    def _read_values(self, options: Options, volatility: Array, rows: int, among: Mask | None = None) -> Array:
        """As :meth:`values`, of those who read panels; alone where there is none."""
        assert self._panels is not None
        values = self._panels.values(options, volatility, rows, among)
        if values is None and among is None:
            return run_values(options, volatility, rows, self._method)
        if values is None:
            values = np.full((rows, volatility.size), np.nan)
        rest = np.isnan(values[0])
        if among is not None:
            rest &= among
        if rest.any():
            values[:, rest] = run_values(options.part(rest), volatility[rest], rows, self._method)
        return values

    def _read_implied(self, price: Array, options: Options) -> Array:
        """Implied volatilities (n,) of those who read panels, at prices (n,); alone where there is none."""
        assert self._panels is not None
        found = self._panels.implied(price, options)
        if found is None:
            return run_implied(price, options, self._method)
        volatility, without = found
        if without.any():
            volatility[without] = run_implied(price[without], options.part(without), self._method)
        return volatility

    def implied(self, prices: Array, spot: Array, rate: Array, dividend_yield: Array) -> Array:
        """Implied volatilities of prices (k, n), in the same shape; NaN where none, or no single one, explains one."""
        options = Options(spot, self.strike, rate, dividend_yield, self.time, self.right)
        if self._panels is None and len(self._alone) == len(prices) == 1:
            ((method, _),) = self._alone
            return run_implied(np.ascontiguousarray(prices[0]), options, method).reshape(prices.shape)
        if not self._alone and len(prices) == 1 and spot.size:
            return self._read_implied(np.ascontiguousarray(prices[0]), options).reshape(prices.shape)
        found = np.empty(prices.shape)
        for method, alone in self._alone:
            part, told, own = options.part(alone), prices[:, alone], method
            if len(prices) > 1:
                again = np.tile(np.arange(part.spot.size), len(prices))
                part, own = part.part(again), method.part(again)
            found[:, alone] = run_implied(np.ascontiguousarray(told).reshape(-1), part, own).reshape(told.shape)
        if self._panels is not None and spot.size:
            part = options.part(self._read)
            for out, quoted in zip(found, prices, strict=True):
                told = np.ascontiguousarray(quoted[self._read])
                out[self._read] = self._read_implied(told, part)
        return found
