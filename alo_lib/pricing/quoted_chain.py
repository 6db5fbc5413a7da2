"""The contracts of one underlying at their market prices: the one way from quotes to all that they imply.

    quotes -> market price and status -> yield by put-call parity -> implied volatility -> greeks

Deep in the money, spreads are wide beside what volatility adds, and mids fall at or below the floor, what the option is
worth without volatility. Where the ask reaches the floor the quote says nothing of the volatility, but all of the
delta: those contracts are valued at the volatility of their mirror, the strike's other contract, or without one in the
limit of no volatility. They have no implied volatility, and a status of their own.

Far out of the money nobody bids, and an ask alone is no market price. Where asks are given such contracts are valued
all the same: at their mirror's volatility if they are worth no more than the ask then, else at that of half the ask.

:func:`alo_lib.pricing.quotes.market_price` takes the first step, :class:`QuotedChain` the others.
"""

import math
from functools import cache, cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import (
    DOMAINS,
    STYLES,
    PricingError,
    Style,
    Styles,
    are_american,
    check_choice,
    checked,
    prepare,
    real_numbers,
)
from alo_lib.pricing.chain_table import MAY_BE_VALUED, NO_BID, PRICED, begin, codes_of, no_codes, table_of
from alo_lib.pricing.checked_chain import CheckedChain
from alo_lib.pricing.curves import Rates, at_expiry
from alo_lib.pricing.explained import most_volatility, why_none
from alo_lib.pricing.forwards import forward_prices
from alo_lib.pricing.options import Greeks, Method, SchemeLike
from alo_lib.pricing.parity import mirrors, parity_yields
from alo_lib.pricing.quotes import Codes, ContractStatus
from alo_lib.pricing.schedules import DividendsLike, one_schedule
from alo_lib.pricing.scheme import Scheme
from alo_lib.pricing.terms import Options

__all__ = ["Contracts", "MarketTerms", "QuotedChain", "method_without_cash", "volatility_at_the_money"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp] | slice

_ALL: Final = slice(None)
_MOST_VOLATILITY: Final = DOMAINS["volatility"][1]
_EXERCISED, _MIRRORED, _AT_FLOOR = (int(ContractStatus[name]) for name in ("EXERCISED", "MIRRORED", "AT_FLOOR"))
_FAILED: Final = np.int8(ContractStatus.FAILED)
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


@cache
def method_without_cash(style: Style, scheme: str | Scheme, on_future: bool) -> Method:
    """The same for all chains of such."""
    return Method.of(style=style, scheme=scheme, invalid="nan", on_future=on_future)


def _styles(american: Mask) -> npt.NDArray[np.str_]:
    return np.where(american, "american", "european")


class QuotedChain:
    """What market prices of one underlying's contracts imply; arrays of shape (n,), a contract each.

    market, status: prices and what is known of them, as :func:`alo_lib.pricing.quotes.market_price` gives them; codes
    of :class:`ContractStatus`. ask: the quotes' asks, where they are to tell what a price at or below the floor means,
    and to value what has no bid; NaN where there is none. panels: as :class:`Chain` has it. What a contract implies
    does not depend by a bit on the others, but for the yields of :meth:`with_parity` and the volatility of a mirror.
    Odd spots, strikes, yields and times do not raise: a feed has them, and they are a contract's status.

    ``price`` is the market price, or half the ask where there is an ask alone: what volatilities are looked for at.

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
        prices = real_numbers("market", market)
        if prices.ndim != 1:
            raise PricingError(f"market has shape {prices.shape}; allowed: (n,), a price a contract")
        shape = prices.shape
        table = table_of(
            shape,
            strike=contracts.strike,
            time_to_expiry=contracts.time_to_expiry,
            right=contracts.right,
            spot=terms.spot,
            rate=at_expiry(terms.rate, contracts.time_to_expiry),
            dividend_yield=at_expiry(terms.rate if terms.on_future else terms.dividend_yield, contracts.time_to_expiry),
            ask=ask,
            market=prices,
            price=np.nan,
        )
        strike, years, right, self.spot, self.rate, self.dividend_yield, self._ask, self.market, self.price = table
        dividends = one_schedule(terms.dividends)
        self.terms = MarketTerms(self.spot, self.rate, self.dividend_yield, dividends, terms.on_future)
        self._given, self._checked = codes_of(status, shape), np.empty(shape, np.int8)
        rights, codes, self._in_domains, count, self._alone = begin(table, self._given, self._checked)
        if not rights:
            prepare("raise", right=right)
        style = contracts.style
        self._american: Mask | bool
        if isinstance(style, str):
            check_choice("style", style, STYLES)
            self._american = style == "american"
        else:
            self._american = are_american(style, shape)
            style = _styles(self._american)
        if not codes:
            raise no_codes(self._given)
        self.contracts = Contracts(strike, years, right, style)
        self.from_parity = np.zeros(shape, np.bool_)
        """Whose yield is what put-call parity implies."""
        self._scheme, self._panels, self._count = scheme, panels, count
        # A slice where all are, which is the rule and copies nothing.
        self._rows: Rows = _ALL if count == prices.size else np.flatnonzero(MAY_BE_VALUED[self._checked])

    def with_parity(self) -> "QuotedChain":
        """The same at the yields that put-call parity implies, expiry by expiry; see :mod:`alo_lib.pricing.parity`.

        Beside cash dividends that is what the share pays, or costs to borrow, besides. Where an expiry's pairs give
        none its contracts keep the yield they have; options on futures keep the rate.
        """
        if self.terms.on_future or not self._count:
            return self
        priced = np.where(self._checked == PRICED, self.market, np.nan)
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
        """NaN where there is no market price, or no volatility, or no single one, gives it."""
        return np.where(self._checked == PRICED, self._searched, np.nan) if self._alone else self._searched

    @cached_property
    def _searched(self) -> Array:
        """Volatilities (n,) that give :attr:`price`; NaN where none, or no single one, does."""
        if not self._count:
            return np.full(self.price.shape, np.nan)
        prices = self.price[self._rows].reshape(1, -1)
        found = self._chain.implied(prices, *self._terms(self._rows))[0]
        found = np.where(found <= _MOST_VOLATILITY, found, np.nan)
        if self._rows is _ALL:
            return found
        out = np.full(self.price.shape, np.nan)
        out[self._rows] = found
        return out

    @cached_property
    def _plain(self) -> bool:
        """Whether all contracts have a market price and a volatility that gives it, which is the rule."""
        return self._rows is _ALL and not self._alone and not math.isnan(self._searched.sum())

    @cached_property
    def _explained(self) -> tuple[Codes, Array]:
        """The status before greeks are computed, and the volatilities that they are to be computed at."""
        if self._plain:
            return self._checked, self._searched
        status, sigma = self._checked.copy(), self._searched.copy()
        alone, doubtful = status == NO_BID, np.flatnonzero(MAY_BE_VALUED[status] & np.isnan(sigma))
        if not doubtful.size and not self._alone:
            return status, sigma
        status[doubtful] = self._why(doubtful)
        limit = (status == _EXERCISED) | (status == _AT_FLOOR)
        sigma[limit] = 0.0
        status[limit & alone] = NO_BID
        self._take_mirrors(np.flatnonzero(alone | (status == _AT_FLOOR)), status, sigma)
        return status, sigma

    def _take_mirrors(self, rows: npt.NDArray[np.intp], status: Codes, sigma: Array) -> None:
        """Let rows have their mirrors' volatilities where those are known and no ask alone contradicts them."""
        priced = status == PRICED
        if not rows.size or not priced.any():
            return
        strike, years, right, _ = self.contracts
        mirror = mirrors(self.spot, strike, years, right, self._early(_ALL), priced)[rows]
        rows, found = rows[mirror >= 0], sigma[mirror[mirror >= 0]]
        alone = self._checked[rows] == NO_BID
        if alone.any():
            worth = self._made(rows, panels=self._panels).values(*self._terms(rows), found, 1)[0]
            fits = ~alone | (worth <= self._ask[rows])
            rows, found = rows[fits], found[fits]
        status[rows], sigma[rows] = _MIRRORED, found

    @cached_property
    def _values(self) -> Array:
        """Price and greeks (10, n) at the volatilities there are; NaN without."""
        sigma = self._explained[1]
        if self._plain:
            return self._chain.values(*self._terms(_ALL), sigma, len(Greeks._fields))
        out = np.full((len(Greeks._fields), self.market.size), np.nan)
        if not np.isnan(sigma).all():
            out[:, self._rows] = self._at(sigma[self._rows], len(Greeks._fields))
        return out

    def _at(self, volatility: Array, rows: int) -> Array:
        """Values (rows, k) of the contracts that may have some at their volatilities (k,), the limit's at NaN."""
        missing = np.isnan(volatility)
        sigma = np.where(missing, 0.0, volatility) if missing.any() else volatility
        return self._chain.values(*self._terms(self._rows), sigma, rows)

    @cached_property
    def _finished(self) -> tuple[Codes, bool]:
        """The status, and whether all contracts have greeks, those that were computed."""
        status, sigma = self._explained
        if self._plain and math.isfinite(self._values[:_RHO].sum()):
            return status, True
        finite = np.isfinite(self._values[:_RHO])
        failed = ~finite.all(axis=0) & ~np.isnan(sigma) & (status != _EXERCISED)
        return (np.where(failed, _FAILED, status) if failed.any() else status), False

    @property
    def status(self) -> Codes:
        """Whether each contract is priced, and why it is not: codes of :class:`ContractStatus`, (n,)."""
        return self._finished[0]

    @property
    def volatility(self) -> Array:
        """What greeks are at: the implied volatility, or the mirror's; 0 in the limit of none; NaN without greeks."""
        _, sigma = self._explained
        return sigma if self._finished[1] else np.where(np.isnan(self.greeks.delta), np.nan, sigma)

    def _why(self, rows: npt.NDArray[np.intp]) -> Codes:
        """Why contracts with a price have no implied volatility."""
        strike, years, right, _ = self.contracts
        spot, rate, dividend_yield = self._terms(rows)
        options = Options(spot, strike[rows], rate, dividend_yield, years[rows], right[rows])

        def worth(which: npt.NDArray[np.intp], volatility: float) -> Array:
            mine = rows[which]
            sigma = np.minimum(volatility, most_volatility(years[mine], dividends=self.terms.dividends is not None))
            # No panel holds the least and the most volatility, which are all that is asked for.
            return np.asarray(self._made(mine, panels=False).values(*self._terms(mine), sigma, 1)[0])

        return why_none(self.price[rows], self._ask[rows], options, self._early(rows), worth)

    def _early(self, rows: Rows) -> Mask:
        """Which of some contracts are American."""
        american = self._american
        return np.full(self.market[rows].shape, american) if isinstance(american, bool) else american[rows]

    @cached_property
    def greeks(self) -> Greeks:
        """Prices and greeks at :attr:`volatility`, raw derivatives; NaN where the status has none.

        Of what is to be exercised: intrinsic value, a delta of +1 or -1 and no other greek.
        """
        status, all_of_them = self._finished
        if all_of_them:
            return Greeks(*self._values)
        out = self._values.copy()
        exercised = status == _EXERCISED
        if exercised.any():
            right = self.contracts.right[exercised]
            out[:, exercised] = 0.0
            out[:2, exercised] = right * (self.spot - self.contracts.strike)[exercised], right
        out[:, ~_HAS_GREEKS[status]] = np.nan
        return Greeks(*out)

    @property
    def leverage(self) -> Array:
        """Delta times spot over :attr:`price`: LEAN's lambda, the elasticity."""
        if self._plain:
            return np.asarray(self.greeks.delta * self.spot / self.price)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.greeks.delta * self.spot / self.price)

    def price_at(self, volatility: float) -> Array:
        """Theoretical prices at one volatility; NaN where the status has no greeks."""
        out = np.full(self.market.shape, np.nan)
        if self._count:
            chain = self._chain
            (sigma,) = checked("raise", volatility=volatility)
            if sigma.shape not in ((), (1,), chain.strike.shape):
                raise PricingError(f"volatility has shape {sigma.shape}; allowed: a scalar or ({self._count},)")
            out[self._rows] = self._at(np.full(self._count, sigma), 1)[0]
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
    def _method(self) -> Method:
        terms = self.terms
        style: Style = "european" if self._american is False else "american"  # each contract's own where they differ
        if terms.dividends is None and isinstance(self._scheme, str | Scheme):
            return method_without_cash(style, self._scheme, terms.on_future)
        return Method.of(
            style=style, scheme=self._scheme, dividends=terms.dividends, invalid="nan", on_future=terms.on_future
        )

    @cached_property
    def _chain(self) -> CheckedChain:
        return self._made(self._rows, panels=self._panels)

    def _made(self, rows: Rows, *, panels: bool) -> CheckedChain:
        """The chain of some contracts that may have values.

        :raises PricingError: naming a rate, or what is NaN, as :class:`Chain` does.
        """
        method, (strike, years, right, _) = self._method, self.contracts
        columns = strike[rows], years[rows], right[rows]
        if not self._in_domains:
            prepare("raise", **dict(zip(("strike", "time_to_expiry", "right"), columns, strict=True)))
            spot, rate, dividend_yield = self._terms(rows)
            checked("raise", rate=rate, dividend_yield=dividend_yield, spot=spot)
        american = self._american if isinstance(self._american, bool) else self._american[rows]
        return CheckedChain(*columns, american, method, panels=panels)

    def _terms(self, rows: Rows) -> tuple[Array, Array, Array]:
        return self.spot[rows], self.rate[rows], self.dividend_yield[rows]
