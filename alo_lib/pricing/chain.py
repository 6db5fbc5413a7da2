"""The contracts of one underlying, priced together."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import PricingError, Styles, are_american, checked, prepare, real_numbers, spread
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.chain_panels import ChainPanels
from alo_lib.pricing.curves import Rates, at_expiry
from alo_lib.pricing.options import Greeks, Method, SchemeLike, of_future, run_implied, run_values
from alo_lib.pricing.schedules import DividendsLike
from alo_lib.pricing.terms import Options

__all__ = ["Chain"]

Array = npt.NDArray[np.float64]


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


class Chain:
    """Any mix of strikes, rights and expiries on one underlying, one array element a contract.

    strike, time_to_expiry, right: shape (n,), or scalars that broadcast to it. Rates and yields are scalars, one a
    contract, or a :class:`Curve`; volatilities scalars or one a contract. American contracts read their exercise
    boundaries from panels that are kept while rate and yield stay (:mod:`alo_lib.pricing.chain_panels`), so prices are
    within 1e-6 of spot of :func:`price`.

    Threads may share a chain: each call works with values that no other changes, and gives the bits of a chain alone.

    style: of all contracts, or (n,) of one each. panels: False solves each contract's own boundary, as :func:`price`.
    dividends: as in :func:`alo_lib.pricing.price`: the underlying's schedule, or (n,) of one each.
    on_future: whether the underlying is a future, as in :func:`alo_lib.pricing.price`.

    :raises PricingError: naming an argument outside its range.
    """

    def __init__(
        self,
        strike: npt.ArrayLike,
        time_to_expiry: npt.ArrayLike,
        right: npt.ArrayLike,
        *,
        style: Styles = "american",
        scheme: SchemeLike = "accurate",
        dividends: DividendsLike | None = None,
        panels: bool = True,
        on_future: bool = False,
    ) -> None:
        self._method = Method.of(scheme=scheme, dividends=dividends, invalid="nan", on_future=on_future)
        shape, flat = prepare("raise", strike=strike, time_to_expiry=time_to_expiry, right=right)
        if len(shape) > 1:
            raise PricingError(f"strike, time_to_expiry and right broadcast to {shape}; allowed: one dimension")
        if self._method.shape not in ((), (1,), flat[0].shape):
            raise PricingError(
                f"dividends are schedules of shape {self._method.shape}; allowed: one, or {flat[0].shape}"
            )
        # Of its own: what the caller does to its arrays later is not the chain's.
        self._strike, self._time, self._right = (column.copy() for column in flat)
        readable = panels and self._method.cash is None
        # A slice where all contracts read panels, which is the rule and copies nothing.
        rows: slice | npt.NDArray[np.intp] = slice(None)
        self._alone: list[tuple[Method, npt.NDArray[np.intp]]] = []
        if not (readable and isinstance(style, str) and style == "american"):
            american = are_american(style, self._strike.shape)
            read = american if readable else np.zeros(len(self), np.bool_)
            if not read.all():
                rows = np.flatnonzero(read)
                groups = ((early, np.flatnonzero((american == early) & ~read)) for early in (True, False))
                self._alone = [
                    (replace(self._method.part(rest), american=early), rest) for early, rest in groups if rest.size
                ]
        self._read = rows
        self._panels = ChainPanels(self._strike[rows], self._time[rows], self._right[rows], self._method.scheme)

    @property
    def strike(self) -> Array:
        """Shape (n,), read-only."""
        return _read_only(self._strike)

    @property
    def time_to_expiry(self) -> Array:
        """Shape (n,), read-only."""
        return _read_only(self._time)

    @property
    def right(self) -> Array:
        """Shape (n,), read-only."""
        return _read_only(self._right)

    def __len__(self) -> int:
        return self._strike.size

    def _each(self, *, rate: Rates, dividend_yield: Rates, **others: npt.ArrayLike) -> list[Array]:
        """Rate and yield, then the other arguments, one element a contract."""
        rates = at_expiry(rate, self._time)
        yields = rates if self._method.on_future else at_expiry(dividend_yield, self._time)
        arguments = {"rate": rates, "dividend_yield": yields, **others}
        own, arrays = self._strike.shape, checked("raise", **arguments)
        for name, array in zip(arguments, arrays, strict=True):
            if array.shape not in ((), (1,), own):
                raise PricingError(f"{name} has shape {array.shape}; allowed: a scalar or ({len(self)},)")
        return [spread(array, own) for array in arrays]

    def _values(
        self,
        spot: npt.ArrayLike,
        rate: Rates,
        dividend_yield: Rates,
        volatility: npt.ArrayLike,
        rows: int,
    ) -> Array:
        r, q, s, sigma = self._each(spot=spot, rate=rate, dividend_yield=dividend_yield, volatility=volatility)
        options = Options(s, self._strike, r, q, self._time, self._right)
        out = np.empty((rows, len(self)))
        for method, alone in self._alone:
            out[:, alone] = run_values(options.part(alone), sigma[alone], rows, method)
        options, sigma = options.part(self._read), sigma[self._read]
        if sigma.size:
            values = self._panels.values(options.spot, options.rate, options.dividend_yield, sigma, rows)
            rest = np.flatnonzero(np.isnan(values[0]))
            if rest.size:
                values[:, rest] = run_values(options.part(rest), sigma[rest], rows, self._method)
            out[:, self._read] = values
        if self._method.on_future and rows > 1:
            of_future(out)
        return out

    def price(self, spot: npt.ArrayLike, rate: Rates, dividend_yield: Rates, volatility: npt.ArrayLike) -> Array:
        """Prices, shape (n,); NaN where no exercise boundary was found, which leaves the rest of a chain usable."""
        values = self._values(spot, rate, dividend_yield, volatility, 1)
        return np.asarray(values[0])

    def greeks(self, spot: npt.ArrayLike, rate: Rates, dividend_yield: Rates, volatility: npt.ArrayLike) -> Greeks:
        """Prices and greeks, arrays of shape (n,), as :func:`alo_lib.pricing.greeks`; NaN as in :meth:`price`."""
        return Greeks(*self._values(spot, rate, dividend_yield, volatility, len(GREEKS)))

    def implied_volatility(
        self, price: npt.ArrayLike, spot: npt.ArrayLike, rate: Rates, dividend_yield: Rates
    ) -> Array:
        """Implied volatilities of prices of shape (n,) or (k, n), in the same shape.

        NaN where no volatility, or no single one, explains a price (a missing quote included). A scalar, for a chain
        of one, is (1,).
        """
        r, q, s = self._each(spot=spot, rate=rate, dividend_yield=dividend_yield)
        prices = np.array(real_numbers("price", price), order="C")
        if prices.ndim == 0 and len(self) == 1:
            prices = prices.reshape(1)
        if prices.shape[-1:] != self._strike.shape or prices.ndim > 2:
            raise PricingError(f"price has shape {prices.shape}; allowed: ({len(self)},) or (k, {len(self)})")
        options = Options(s, self._strike, r, q, self._time, self._right)
        found = np.empty((np.atleast_2d(prices).shape[0], len(self)))
        for method, alone in self._alone:
            repeated = np.tile(alone, len(found))
            own = method.part(np.tile(np.arange(alone.size), len(found)))
            implied = run_implied(prices[..., alone].reshape(-1), options.part(repeated), own)
            found[:, alone] = implied.reshape(len(found), -1)
        options = options.part(self._read)
        if options.spot.size:
            for out, quoted in zip(found, np.atleast_2d(prices), strict=True):
                told = np.ascontiguousarray(quoted[self._read])
                implied, without = self._panels.implied(told, options.spot, options.rate, options.dividend_yield)
                rest = np.flatnonzero(without)
                if rest.size:
                    implied[rest] = run_implied(told[rest], options.part(rest), self._method)
                out[self._read] = implied
        return found.reshape(prices.shape)
