"""From the columns of a chain's contracts to values in LEAN's units: the inputs gathered, the library called."""

import copy
import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple, get_args

import numpy as np
from AlgorithmImports import InterestRateProvider, IRiskFreeInterestRateModel, QCAlgorithm, QuoteBar, Symbol

from alo_lib.pricing import Contracts, ContractStatus, DividendModel, Dividends, MarketTerms, QuotedChain, market_price
from alo_lib.pricing.arguments import DOMAINS, STYLES, PricingError, Style, check_choice, outside
from alo_lib.pricing.options import SchemeLike
from alo_lib.pricing.plain_chain import plain_values
from alo_lib.pricing.quoted_chain import method_without_cash
from alo_lib.pricing.quotes import PRICE_SOURCES, Array, Codes, PriceSource
from alo_lib.pricing.schedules import DIVIDEND_MODELS
from alo_lib.pricing.scheme import resolve_scheme
from models.chain_terms import Announced, ChainTerms, DividendYield
from models.compiled_border import WRITTEN
from models.compiled_question import READ
from models.stored_kernels import keep_kernels, take_kernels

__all__ = ["UNITS", "ChainPricer", "Told", "in_lean_units"]

UNITS: Final = {"vega": 0.01, "rho": 0.01}
"""LEAN's greeks are for 1 % of volatility and of rate; delta and gamma a unit, theta a year."""
_SCALES: Final = np.array([UNITS.get(name, 1.0) for name in WRITTEN])
_QUOTED: Final = READ.index("bid")
_STATUSES: Final = tuple(ContractStatus)  # by code
_QUOTES: Final = (ContractStatus.PRICED, ContractStatus.ONE_SIDED)
"""Statuses of quotes that values may come of, if only of an ask."""
_LARGEST: Final = 1e27
"""LEAN's results are decimals, which end at 7.9e28."""
_FORECASTS_KEPT: Final = 1000


class Told(NamedTuple):
    """What LEAN told of an option with the question: its canonical name, and the volatility model's forecast."""

    option: str
    forecast: float


class ChainPricer:
    """Values chains; arguments and errors as :class:`models.option_price_model.AloOptionPriceModel`.

    statuses: how many contracts were asked for, by status. scheme: as it was given.
    """

    def __init__(
        self,
        algorithm: QCAlgorithm,
        price: PriceSource,
        dividend_yield: DividendYield,
        announced: Announced | None,
        dividend_model: DividendModel,
        scheme: SchemeLike,
        max_quote_age: dt.timedelta | None,
    ) -> None:
        _check(algorithm, price, dividend_yield, announced, max_quote_age)
        check_choice("dividend_model", dividend_model, DIVIDEND_MODELS)
        self._resolved = resolve_scheme(scheme)
        self._algorithm = algorithm
        self._price_source: PriceSource = price
        self._source = PRICE_SOURCES.index(price)
        self._dividend_yield: DividendYield = dividend_yield
        self._announced = announced
        self._dividend_model: DividendModel = dividend_model
        self._risk_free_rate: IRiskFreeInterestRateModel | None = None
        self.scheme = scheme
        self._max_quote_age = max_quote_age
        self._terms: dict[str, ChainTerms] = {}
        self._forecasts: dict[tuple[str, int], float | None] = {}
        self.statuses: Counter[ContractStatus] = Counter()
        take_kernels(algorithm)
        _load_kernels(scheme, dividends=announced is not None)
        keep_kernels(algorithm)
        _load_rates(algorithm)

    @property
    def parity(self) -> bool:
        """Whether a contract's yield is what the others of its expiry imply."""
        return isinstance(self._dividend_yield, str) and self._dividend_yield == "parity"

    def values_of(
        self,
        columns: Array,
        symbols: Sequence[Symbol],
        time: int,
        *,
        past: bool = False,
        counted: slice = slice(None),
        told: Told | None = None,
    ) -> Array:
        """The columns :data:`models.compiled_border.WRITTEN` of n contracts of one option, (n, 8), in LEAN's units.

        columns: (n, 8) as :data:`models.compiled_question.READ`; symbols: the contracts'. time: nanoseconds since the
        epoch, UTC. NaN where a contract has no values.
        past: the time is not the algorithm's, so neither the volatility model's forecast nor a quote's age is known.
        told: what is known of the option already.
        counted: which contracts are asked for, and so count; the others are there for what these take of them.
        """
        if not len(symbols):
            return np.empty((0, len(WRITTEN)))
        known = told or self._told(symbols[0], past=past)
        volatility = None if past else self._forecast(known, time)
        if volatility is None and (plain := self._plain(columns, symbols, time, known.option)) is not None:
            self.count(ContractStatus.PRICED, len(range(len(symbols))[counted]), None)
            return plain
        chain = self.quoted(columns, symbols, time, past=past, option=known.option)
        self._count(chain.status[counted], symbols, counted.start or 0)
        return in_lean_units(chain, volatility)

    def _plain(self, columns: Array, symbols: Sequence[Symbol], time: int, option: str) -> Array | None:
        """As :meth:`values_of`, of a chain whose contracts all have a volatility at one rate and yield; None else."""
        if self.parity or self._max_quote_age is not None:
            return None
        terms = self._terms_of(option, symbols)
        listed, quotes = terms.listed(columns, symbols), columns[:, _QUOTED:].copy()
        if listed.strange is not None or not isinstance(listed.style, str):
            return None
        if (flat := terms.flat(listed, quotes, time)) is None:
            return None
        method = method_without_cash(listed.style, self._resolved, terms.on_future)
        found = plain_values(listed.plain, flat.years, quotes, *flat[1:], self._source, method)
        return None if found is None else _in_units(found)

    def quoted(
        self,
        columns: Array,
        symbols: Sequence[Symbol],
        time: int,
        *,
        past: bool = False,
        parity: bool | None = None,
        option: str | None = None,
    ) -> QuotedChain:
        """What market prices of n contracts imply, at least one; arguments as :meth:`values_of`.

        parity: whether at the yields that put-call parity implies; None as the model was asked.
        option: the canonical option's identifier, where it is known already.
        """
        terms = self._terms_of(option or str(symbols[0].canonical.id), symbols)
        strike, right, style, strange, days, place, *_ = terms.listed(columns, symbols)
        bid, ask, last, spot = columns[:, _QUOTED:].T.copy()
        market, status = market_price(bid, ask, last, self._price_source)
        if not past:
            self._mark_stale(symbols, status)
        years, rates = terms.years(days, time), terms.rates(days, time)
        yields, ahead = terms.dividends(years, float(spot.max()), time)
        dividends = None if ahead is None else Dividends(*ahead, model=self._dividend_model)
        if strange is not None or _refused(rates, yields):  # by QuotedChain, or LEAN has no name for it yet
            odd = outside("rate", rates) | np.isnan(yields)
            refused = odd[place] if strange is None else odd[place] | strange
            status[np.isin(status, _QUOTES) & refused] = ContractStatus.OUT_OF_DOMAIN
            rates, yields = np.where(odd, 0.0, rates), np.where(odd, 0.0, yields)
        chain = QuotedChain(
            Contracts(strike, years[place], right, style),
            MarketTerms(spot, rates[place], yields[place], dividends, terms.on_future),
            market,
            status,
            ask=ask,
            scheme=self.scheme,
        )
        return chain.with_parity() if (self.parity if parity is None else parity) else chain

    def with_terms(
        self, risk_free_rate: IRiskFreeInterestRateModel | None, dividend_yield: DividendYield | None
    ) -> "ChainPricer":
        """The same at another rate or yield; None leaves what it has."""
        other = copy.copy(self)
        other._risk_free_rate = risk_free_rate or self._risk_free_rate
        other._dividend_yield = dividend_yield or self._dividend_yield
        other._terms, other._forecasts, other.statuses = {}, {}, Counter()
        return other

    @property
    def unpriced(self) -> Counter[ContractStatus]:
        """How many contracts got no values, by status."""
        return Counter({status: count for status, count in self.statuses.items() if not status.has_greeks})

    def terms_of(self, symbol: Symbol) -> ChainTerms:
        """The terms of the option that a contract belongs to; made once."""
        return self._terms_of(str(symbol.canonical.id), [symbol])

    def _terms_of(self, option: str, symbols: Sequence[Symbol]) -> ChainTerms:
        if option not in self._terms:
            self._terms[option] = ChainTerms(
                self._algorithm, symbols[0], self._dividend_yield, self._announced, self._risk_free_rate
            )
        return self._terms[option]

    def _told(self, symbol: Symbol, *, past: bool) -> Told:
        option, securities = str(symbol.canonical.id), self._algorithm.securities
        if past or not securities.contains_key(symbol.underlying):
            return Told(option, 0.0)
        model = securities[symbol.underlying].volatility_model
        return Told(option, 0.0 if model is None else float(model.volatility))

    def _forecast(self, told: Told, time: int) -> float | None:
        """What the underlying's volatility model says, None where none is set or it is not ready.

        Kept by time, so that a contract of an earlier slice has its slice's forecast whenever it is read.
        """
        key = (told.option, time)
        if key not in self._forecasts:
            if len(self._forecasts) >= _FORECASTS_KEPT:
                del self._forecasts[next(iter(self._forecasts))]
            ready = 0.0 < told.forecast <= DOMAINS["volatility"][1]
            self._forecasts[key] = told.forecast if ready else None
        return self._forecasts[key]

    def _mark_stale(self, symbols: Sequence[Symbol], status: Codes) -> None:
        if self._max_quote_age is None:
            return
        for index in range(len(symbols)):
            security = self._algorithm.securities[symbols[index]]
            quote = security.cache.get_data[QuoteBar]()
            if status[index] in _QUOTES and (
                quote is None or security.local_time - quote.end_time > self._max_quote_age
            ):
                status[index] = ContractStatus.STALE

    def _count(self, statuses: Codes, symbols: Sequence[Symbol], offset: int) -> None:
        codes = statuses.tolist()
        for code in sorted(set(codes)):
            status = _STATUSES[code]
            first = None if status in self.statuses else symbols[offset + codes.index(code)]
            self.count(status, codes.count(code), first)

    def count(self, status: ContractStatus, contracts: int, symbol: Symbol | None) -> None:
        """Count contracts by status; why some get LEAN's empty result is told in the log when it comes first."""
        if status not in self.statuses and not status.has_greeks:
            name = "no contract" if symbol is None else symbol.value
            self._algorithm.log(
                f"AloOptionPriceModel: {name} has no greeks: {status.words}; model.unpriced counts such contracts "
                f"under ContractStatus.{status.name}"
            )
        self.statuses[status] += contracts


def _check(algorithm: object, price: object, dividend_yield: object, announced: object, max_quote_age: object) -> None:
    """Raise PricingError for what LEAN would only stumble over in a slice."""
    if not isinstance(algorithm, QCAlgorithm):
        raise PricingError(f"algorithm is {algorithm!r}; allowed: the QCAlgorithm itself, AloOptionPriceModel(self)")
    check_choice("price", price, PRICE_SOURCES)
    if isinstance(dividend_yield, str):
        check_choice("dividend_yield", dividend_yield, ("model", "parity"))
    elif not hasattr(dividend_yield, "get_dividend_yield"):
        raise PricingError(
            f"dividend_yield is {dividend_yield!r}; allowed: model, parity, "
            "or a dividend yield model of LEAN's interface, as ConstantDividendYieldModel(0.02)"
        )
    if announced is not None and not callable(announced):
        raise PricingError(
            f"announced is {announced!r}; allowed: a function of the underlying's symbol and the time, "
            "which returns ex-dates and amounts, or None"
        )
    if max_quote_age is not None and not (isinstance(max_quote_age, dt.timedelta) and max_quote_age > dt.timedelta()):
        raise PricingError(f"max_quote_age is {max_quote_age!r}; allowed: a timedelta above zero, or None")


def _refused(rates: Array, yields: Array) -> bool:
    """Whether a rate is out of its domain or a yield is none; of few expiries, where arrays cost more than numbers."""
    low, high = DOMAINS["rate"]
    odd_rates = (rate < low or rate > high for rate in rates.tolist())
    return any(odd_rates) or any(math.isnan(one) for one in yields.tolist())


def _load_kernels(scheme: SchemeLike, *, dividends: bool) -> None:
    """Compile, or load from the cache, all that pricing needs, before the first slice and not within it."""
    # Two quotes without a volatility, and two with one, of each style, so that every branch of the valuation runs.
    market, status = market_price([1e-9, 60.0, 5.0, 5.0] * 2, [1e-9, 60.0, 5.2, 5.2] * 2, 0.0)
    ones, right = np.ones(8), np.tile([1.0, -1.0], 4)
    contracts = Contracts(50.0 * ones, ones, right, np.repeat(STYLES, 4))
    for cash in (None, ([0.5], [0.5])) if dividends else (None,):
        chain = QuotedChain(contracts, MarketTerms(50.0, 0.05, 0.01, cash), market, status, scheme=scheme)
        in_lean_units(chain, 0.2)
    quotes = np.array([[5.0, 5.2, 0.0, 50.0]])
    for style in get_args(Style):
        method = method_without_cash(style, resolve_scheme(scheme), False)
        plain_values(np.array([[50.0], [1.0]]), np.ones(1), quotes, 0.05, 0.01, 0, method)


def _load_rates(algorithm: QCAlgorithm) -> None:
    """Have LEAN read its own rates, which it does when the first is asked for, before the first slice."""
    model = algorithm.risk_free_interest_rate_model
    if isinstance(model, InterestRateProvider):
        model.get_interest_rate(algorithm.time)


def in_lean_units(chain: QuotedChain, volatility: float | None) -> Array:
    """The columns WRITTEN; the theoretical price is at ``volatility``, without one the market's (half an ask alone).

    LEAN has no word for an option that has greeks and no implied volatility: its is the one that its greeks are at.
    """
    greeks = chain.greeks
    price = np.where(np.isnan(greeks.delta), np.nan, chain.price) if volatility is None else chain.price_at(volatility)
    others = {"price": price, "implied_volatility": chain.volatility, "leverage": chain.leverage}
    return _in_units(np.array([others[name] if name in others else getattr(greeks, name) for name in WRITTEN]).T)


def _in_units(columns: Array) -> Array:
    """The columns WRITTEN (n, 8) of raw derivatives in LEAN's units."""
    out: Array = columns * _SCALES
    return np.minimum(np.maximum(out, -_LARGEST, out=out), _LARGEST, out=out)
