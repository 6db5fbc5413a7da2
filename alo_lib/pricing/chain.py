"""The contracts of one underlying, priced together."""

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import (
    PricingError,
    Styles,
    are_american,
    checked,
    prepare,
    real_numbers,
    spread,
)
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.checked_chain import CheckedChain
from alo_lib.pricing.curves import Rates, at_expiry
from alo_lib.pricing.options import Greeks, Method, SchemeLike
from alo_lib.pricing.schedules import DividendsLike

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
        american = are_american(style, self._strike.shape)
        self._checked = CheckedChain(self._strike, self._time, self._right, american, self._method, panels=panels)

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
        return self._checked.values(s, r, q, sigma, rows)

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
        return self._checked.implied(np.atleast_2d(prices), s, r, q).reshape(prices.shape)
