"""The contracts of one underlying at their market prices: the one way from quotes to all that they imply.

    quotes -> market price and status -> yield by put-call parity -> implied volatility -> greeks

Deep in the money, spreads are wide beside what volatility adds, and mids fall at or below the floor, what the option is
worth without volatility. Where the ask reaches the floor the quote says nothing of the volatility, but all of the
delta: those contracts are valued at the volatility of their mirror, the strike's other contract, or without one in the
limit of no volatility. They have no implied volatility, and a status of their own.

:func:`alo_lib.pricing.quotes.market_price` takes the first step, :class:`QuotedChain` the others.
"""

from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import (
    DOMAINS,
    PricingError,
    Styles,
    are_american,
    outside,
    prepare,
    real_numbers,
    spread,
)
from alo_lib.pricing.chain import Chain
from alo_lib.pricing.curves import Rates, at_expiry
from alo_lib.pricing.explained import most_volatility, why_none
from alo_lib.pricing.forwards import forward_prices
from alo_lib.pricing.options import Greeks, SchemeLike
from alo_lib.pricing.parity import mirrors, parity_yields
from alo_lib.pricing.quotes import Codes, ContractStatus
from alo_lib.pricing.schedules import DividendsLike, one_schedule
from alo_lib.pricing.terms import Options

__all__ = ["Contracts", "MarketTerms", "QuotedChain", "volatility_at_the_money"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

_HAS_GREEKS: Final = np.array([status.has_greeks for status in ContractStatus])  # by code
_RHO: Final = Greeks._fields.index("rho") + 1  # the values that every user needs come before


class Contracts(NamedTuple):
    """Contracts of one underlying: strike, time_to_expiry in years and right (+1 call, -1 put), arrays (n,).

    style: of all of them, or (n,) of one each.
    """

    strike: Array
    time_to_expiry: Array
    right: Array
    style: Styles = "american"


class MarketTerms(NamedTuple):
    """What contracts are valued with beside their prices: scalars, or arrays (n,) of one a contract.

    rate, dividend_yield: continuously compounded, or a :class:`Curve` of them. dividends: what the underlying pays
    beside the yield, one schedule, :class:`Dividends`, or ex-times (k,) in years and cash amounts (k,). on_future: the
    underlying is a future, whose yield is the rate and moves with it; the one given counts for nothing.
    """

    spot: npt.ArrayLike
    rate: Rates
    dividend_yield: Rates = 0.0
    dividends: DividendsLike | None = None
    on_future: bool = False

    def check(self) -> "MarketTerms":
        """Itself.

        :raises PricingError: where spot, rate or yield, given by a user, is out of its domain.
        """
        numbers = {"rate": self.rate, "dividend_yield": self.dividend_yield}
        prepare("raise", spot=self.spot, **{name: at_expiry(each, 0.0) for name, each in numbers.items()})
        return self


def volatility_at_the_money(strike: npt.ArrayLike, volatility: npt.ArrayLike, spot: float) -> float:
    """Volatility at the spot of one expiry's smile, linear in the logarithm of the strike.

    strike: (n,), ascending; volatility: (n,). NaN without strikes on both sides of the spot.
    """
    strikes = np.asarray(strike, np.float64)
    if not strikes.size or not strikes[0] <= spot <= strikes[-1]:
        return float("nan")
    return float(np.interp(np.log(spot), np.log(strikes), np.asarray(volatility, np.float64)))


def _column(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Numbers as an array (n,) that nobody else writes to."""
    array = real_numbers(name, value)
    if array.shape not in ((), (1,), shape):
        raise PricingError(f"{name} has shape {array.shape}; allowed: a scalar or {shape}, as the market prices")
    return spread(array, shape).copy()


def _styles(american: Mask) -> npt.NDArray[np.str_]:
    return np.where(american, "american", "european")


def _codes(status: npt.ArrayLike, shape: tuple[int, ...]) -> Codes:
    """Codes of :class:`ContractStatus`, (n,) of their own."""
    codes = np.asarray(status)
    if codes.shape != shape:
        raise PricingError(f"status has shape {codes.shape}; allowed: {shape}, as the market prices")
    if codes.size and (codes.dtype.kind not in "iu" or not np.isin(codes, list(ContractStatus)).all()):
        raise PricingError(f"status holds {np.unique(codes)[:3].tolist()}; allowed: codes of ContractStatus")
    return codes.astype(np.int8)


class QuotedChain:
    """What market prices of one underlying's contracts imply; arrays of shape (n,), a contract each.

    market, status: prices and what is known of them, as :func:`alo_lib.pricing.quotes.market_price` gives them; codes
    of :class:`ContractStatus`. ask: the quotes' asks, where they are to tell what a price at or below the floor means;
    NaN where there is none. panels: as :class:`Chain` has it. What a contract implies does not depend by a bit on the
    others, but for the yields of :meth:`with_parity` and the volatility of a mirror. Odd spots, strikes, yields and
    times do not raise: a feed has them, and they are a contract's status.

    It keeps copies of what it is given, and threads may share it.

    :raises PricingError: for a rate outside its domain, a right that is none, and for what is no number or has another
        shape than the market prices.
    """

    def __init__(
        self,
        contracts: Contracts,
        terms: MarketTerms,
        market: Array,
        status: Codes,
        *,
        ask: npt.ArrayLike = np.nan,
        scheme: SchemeLike = "accurate",
        panels: bool = True,
    ) -> None:
        self.market = market = real_numbers("market", market).copy()
        if market.ndim != 1:
            raise PricingError(f"market has shape {market.shape}; allowed: (n,), a price a contract")
        strike, years, right, self.spot, self.rate, given, self._ask = (
            _column(name, each, market.shape)
            for name, each in (
                ("strike", contracts.strike),
                ("time_to_expiry", contracts.time_to_expiry),
                ("right", contracts.right),
                ("spot", terms.spot),
                ("rate", at_expiry(terms.rate, contracts.time_to_expiry)),
                ("dividend_yield", at_expiry(terms.dividend_yield, contracts.time_to_expiry)),
                ("ask", ask),
            )
        )
        dividends = one_schedule(terms.dividends)
        self.terms = terms._replace(spot=self.spot, rate=self.rate, dividend_yield=given, dividends=dividends)
        prepare("raise", right=right)
        self._american = are_american(contracts.style, market.shape)
        self.contracts = Contracts(strike, years, right, _styles(self._american))
        self.dividend_yield = self.rate if terms.on_future else given
        self.from_parity = np.zeros(market.shape, np.bool_)
        """Whose yield is what put-call parity implies."""
        self._scheme, self._panels = scheme, panels
        self._given = _codes(status, market.shape)
        self._checked = self._check(self._given)
        self._rows = np.flatnonzero(self._checked == ContractStatus.PRICED)

    def _check(self, status: Codes) -> Codes:
        """The status before anything is computed."""
        status, years = status.copy(), self.contracts.time_to_expiry
        odd = outside("strike", self.contracts.strike) | outside("dividend_yield", self.dividend_yield)
        odd |= outside("spot", self.spot) | outside("time_to_expiry", years)
        for why, where in (
            (ContractStatus.NO_SPOT, ~(self.spot > 0.0)),
            (ContractStatus.EXPIRED, ~(years > 0.0)),
            (ContractStatus.OUT_OF_DOMAIN, odd),
        ):
            status[(status == ContractStatus.PRICED) & where] = why
        return status

    def with_parity(self) -> "QuotedChain":
        """The same at the yields that put-call parity implies, expiry by expiry; see :mod:`alo_lib.pricing.parity`.

        Beside cash dividends that is what the share pays, or costs to borrow, besides. Where an expiry's pairs give
        none its contracts keep the yield they have; options on futures keep the rate.
        """
        if self.terms.on_future or not self._rows.size:
            return self
        priced = np.where(self._checked == ContractStatus.PRICED, self.market, np.nan)
        strike, years, right, style = self.contracts
        cash = self.terms.dividends
        implied = parity_yields(
            priced, self.spot, strike, self.rate, years, right, style=style, scheme=self._scheme, dividends=cash
        )
        known = ~np.isnan(implied)
        terms = self.terms._replace(dividend_yield=np.where(known, implied, self.dividend_yield))
        found = QuotedChain(
            self.contracts,
            terms,
            self.market,
            self._given,
            ask=self._ask,
            scheme=self._scheme,
            panels=self._panels,
        )
        found.from_parity = known
        return found

    @property
    def forward(self) -> Array:
        """Forward prices of the underlying at each contract's expiry."""
        years, cash = self.contracts.time_to_expiry, self.terms.dividends
        return forward_prices(self.spot, self.rate, self.dividend_yield, years, cash)

    @property
    def out_of_the_money(self) -> Mask:
        """Puts below the spot, calls at or above it: the ones whose volatilities are told best."""
        return np.asarray((self.contracts.strike >= self.spot) == (self.contracts.right > 0.0))

    @cached_property
    def implied_volatility(self) -> Array:
        """NaN where no volatility, or no single one, gives the market price."""
        out = np.full(self.market.shape, np.nan)
        if self._rows.size:
            found = self._chain.implied_volatility(self.market[self._rows], *self._terms(self._rows))
            out[self._rows] = np.where(found <= DOMAINS["volatility"][1], found, np.nan)
        return out

    @cached_property
    def _explained(self) -> tuple[Codes, Array]:
        """The status before greeks are computed, and the volatilities that they are to be computed at."""
        status, sigma = self._checked.copy(), self.implied_volatility
        doubtful = np.flatnonzero((status == ContractStatus.PRICED) & np.isnan(sigma))
        if not doubtful.size:
            return status, sigma
        sigma = sigma.copy()
        status[doubtful] = self._why(doubtful)
        sigma[(status == ContractStatus.EXERCISED) | (status == ContractStatus.AT_FLOOR)] = 0.0
        at_floor = np.flatnonzero(status == ContractStatus.AT_FLOOR)
        if at_floor.size:
            strike, years, right, _ = self.contracts
            usable = status == ContractStatus.PRICED
            mirror = mirrors(self.spot, strike, years, right, self._american, usable)[at_floor]
            mirrored = at_floor[mirror >= 0]
            status[mirrored], sigma[mirrored] = ContractStatus.MIRRORED, sigma[mirror[mirror >= 0]]
        return status, sigma

    @cached_property
    def _values(self) -> Greeks:
        """Price and greeks at the volatilities there are; NaN without."""
        out = np.full((len(Greeks._fields), self.market.size), np.nan)
        if self._rows.size:
            _, sigma = self._explained
            out[:, self._rows] = np.stack(
                self._chain.greeks(*self._terms(self._rows), np.nan_to_num(sigma[self._rows]))
            )
        return Greeks(*out)

    @cached_property
    def status(self) -> Codes:
        """Whether each contract is priced, and why it is not: codes of :class:`ContractStatus`, (n,)."""
        status, sigma = self._explained
        failed = ~np.isfinite(np.stack(self._values[:_RHO])).all(axis=0)
        failed &= ~np.isnan(sigma) & (status != ContractStatus.EXERCISED)
        return np.where(failed, np.int8(ContractStatus.FAILED), status)

    @property
    def volatility(self) -> Array:
        """What greeks are at: the implied volatility, or the mirror's; 0 in the limit of none; NaN without greeks."""
        return np.where(np.isnan(self.greeks.delta), np.nan, self._explained[1])

    def _why(self, rows: Rows) -> Codes:
        """Why contracts with a price have no implied volatility."""
        strike, years, right, _ = self.contracts
        spot, rate, dividend_yield = self._terms(rows)
        options = Options(spot, strike[rows], rate, dividend_yield, years[rows], right[rows])

        def worth(which: Rows, volatility: float) -> Array:
            mine = rows[which]
            sigma = np.minimum(volatility, most_volatility(years[mine], dividends=self.terms.dividends is not None))
            return self._made(mine).price(*self._terms(mine), sigma)

        return why_none(self.market[rows], self._ask[rows], options, self._american[rows], worth)

    @cached_property
    def greeks(self) -> Greeks:
        """Prices and greeks at :attr:`volatility`, raw derivatives; NaN where the status has none.

        Of what is to be exercised: intrinsic value, a delta of +1 or -1 and no other greek.
        """
        out = np.stack(self._values)
        exercised = self.status == ContractStatus.EXERCISED
        right = self.contracts.right[exercised]
        out[:, exercised] = 0.0
        out[:2, exercised] = right * (self.spot - self.contracts.strike)[exercised], right
        out[:, ~_HAS_GREEKS[self.status]] = np.nan
        return Greeks(*out)

    @property
    def leverage(self) -> Array:
        """Delta times spot over the market price: LEAN's lambda, the elasticity."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.greeks.delta * self.spot / self.market)

    def price_at(self, volatility: float) -> Array:
        """Theoretical prices at one volatility; NaN where the status has no greeks."""
        out = np.full(self.market.shape, np.nan)
        if self._rows.size:
            out[self._rows] = self._chain.price(*self._terms(self._rows), volatility)
        out[np.isnan(self.greeks.delta)] = np.nan
        return out

    def at_the_money(self, wanted: Mask) -> float:
        """Volatility at the spot of some contracts, (n,) of one expiry; NaN without strikes on both sides of it.

        Along the out-of-the-money options, see :func:`volatility_at_the_money`.
        """
        chosen = np.asarray(wanted)
        if chosen.dtype != np.bool_ or chosen.shape != self.market.shape:
            raise PricingError(f"wanted is {chosen.dtype} {chosen.shape}; allowed: bool {self.market.shape}")
        told = chosen & self.out_of_the_money & np.isfinite(self.implied_volatility)
        if not told.any():
            return float("nan")
        return volatility_at_the_money(
            self.contracts.strike[told], self.implied_volatility[told], float(self.spot[told][0])
        )

    @cached_property
    def _chain(self) -> Chain:
        return self._made(self._rows)

    def _made(self, rows: Rows) -> Chain:
        strike, years, right, _ = self.contracts
        return Chain(
            strike[rows],
            years[rows],
            right[rows],
            style=_styles(self._american[rows]),
            scheme=self._scheme,
            dividends=self.terms.dividends,
            panels=self._panels,
            on_future=self.terms.on_future,
        )

    def _terms(self, rows: Rows) -> tuple[Array, Array, Array]:
        return self.spot[rows], self.rate[rows], self.dividend_yield[rows]
