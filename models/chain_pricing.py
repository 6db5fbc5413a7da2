"""From the columns of a chain's contracts to values in LEAN's units: the inputs gathered, the library called."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from AlgorithmImports import QCAlgorithm, QuoteBar, Symbol

from alo_lib.pricing.arguments import DOMAINS, PricingError, Style, check_choice
from alo_lib.pricing.options import SchemeLike
from alo_lib.pricing.quoted import QuotedValues, value_quotes
from alo_lib.pricing.quotes import PRICE_SOURCES, Array, Codes, PriceSource, Reason, market_price
from alo_lib.pricing.scheme import resolve_scheme
from models.chain_terms import Announced, ChainTerms, DividendYield
from models.compiled_border import WRITTEN

__all__ = ["ChainPricer"]

_STYLES: Final[tuple[Style, Style]] = ("american", "european")  # in the order of LEAN's OptionStyle
_UNITS: Final = {"vega": 0.01, "rho": 0.01}
"""LEAN's greeks are for 1 % of volatility and of rate; delta and gamma a unit, theta a year."""
_LARGEST: Final = 1e27
"""LEAN's results are decimals, which end at 7.9e28."""
_FORECASTS_KEPT: Final = 1000


class ChainPricer:
    """Values chains; arguments and errors as :class:`models.option_price_model.AloOptionPriceModel`.

    unpriced: how many contracts got no values, by reason.
    """

    def __init__(
        self,
        algorithm: QCAlgorithm,
        price: PriceSource,
        dividend_yield: DividendYield,
        announced: Announced | None,
        scheme: SchemeLike,
        max_quote_age: dt.timedelta | None,
    ) -> None:
        _check(algorithm, price, dividend_yield, announced, max_quote_age)
        resolve_scheme(scheme)
        self._algorithm = algorithm
        self._price_source: PriceSource = price
        self._dividend_yield: DividendYield = dividend_yield
        self._announced = announced
        self._scheme = scheme
        self._max_quote_age = max_quote_age
        self._terms: dict[str, ChainTerms] = {}
        self._forecasts: dict[tuple[str, int], float | None] = {}
        self.unpriced: Counter[Reason] = Counter()
        _load_kernels(scheme, dividends=announced is not None)

    def values_of(self, columns: Array, symbols: Sequence[Symbol], time: int, *, past: bool = False) -> Array:
        """The columns :data:`models.compiled_border.WRITTEN` of n contracts of one option, (n, 8), in LEAN's units.

        columns: (n, 8) as :data:`models.compiled_border.READ`; symbols: the contracts'. time: nanoseconds since the
        epoch, UTC. NaN where a contract has no values.
        past: the time is not the algorithm's, so neither the volatility model's forecast nor a quote's age is known.
        """
        if not len(symbols):
            return np.empty((0, len(WRITTEN)))
        terms = self.terms_of(symbols[0])
        volatility = None if past else self._forecast(symbols[0].underlying, time)
        strike, right, expiry, style, bid, ask, last, spot = columns.T.copy()
        right = 1.0 - 2.0 * right
        days, first, place = np.unique(expiry.astype(np.int64), return_index=True, return_inverse=True)
        for day, index in zip(days.tolist(), first.tolist(), strict=True):
            if not terms.knows(day):
                terms.learn(day, symbols[index])
        market, reason = market_price(bid, ask, last, self._price_source)
        if not past:
            self._mark_stale(symbols, reason)
        years, rates = terms.years(days, time), terms.rates(days, time)
        yields, dividends = terms.dividends(years, rates, float(spot.max()), time)
        years, rates, yields = years[place], rates[place], yields[place]
        # Odd data must not end an algorithm; a rate beyond the pricer's domain is a user's mistake, and does.
        odd = _outside("strike", strike) | _outside("dividend_yield", yields)
        odd |= (_outside("spot", spot) & (spot > 0.0)) | (_outside("time_to_expiry", years) & (years > 0.0))
        reason[(reason == Reason.PRICED) & odd] = Reason.UNEXPLAINED
        values = np.empty((strike.size, len(WRITTEN)))
        for code, kind in enumerate(_STYLES):
            some = np.flatnonzero(style == code)
            if not some.size:
                continue
            each = (strike[some], rates[some], years[some], right[some])
            valued = value_quotes(
                market[some],
                reason[some],
                spot[some],
                strike[some],
                rates[some],
                terms.implied_yields(yields[some], market[some], spot[some], each, kind),
                years[some],
                right[some],
                volatility=volatility,
                style=kind,
                scheme=self._scheme,
                dividends=dividends,
                on_future=terms.on_future,
            )
            values[some] = _in_lean_units(valued)
            self._count(valued.reason)
        return values

    def terms_of(self, symbol: Symbol) -> ChainTerms:
        """The terms of the option that a contract belongs to; made once."""
        key = str(symbol.canonical.id)
        if key not in self._terms:
            self._terms[key] = ChainTerms(self._algorithm, symbol, self._dividend_yield, self._announced)
        return self._terms[key]

    def _forecast(self, underlying: Symbol, time: int) -> float | None:
        """What the underlying's volatility model says, None where none is set or it is not ready.

        Kept by time, so that a contract of an earlier slice has its slice's forecast whenever it is read.
        """
        key = (str(underlying.id), time)
        if key not in self._forecasts:
            volatility = float(self._algorithm.securities[underlying].volatility_model.volatility)
            if len(self._forecasts) >= _FORECASTS_KEPT:
                del self._forecasts[next(iter(self._forecasts))]
            self._forecasts[key] = volatility if 0.0 < volatility <= DOMAINS["volatility"][1] else None
        return self._forecasts[key]

    def _mark_stale(self, symbols: Sequence[Symbol], reason: Codes) -> None:
        if self._max_quote_age is None:
            return
        for index in range(len(symbols)):
            security = self._algorithm.securities[symbols[index]]
            quote = security.cache.get_data[QuoteBar]()
            if reason[index] == Reason.PRICED and (
                quote is None or security.local_time - quote.end_time > self._max_quote_age
            ):
                reason[index] = Reason.STALE

    def _count(self, reasons: Codes) -> None:
        for code, count in enumerate(np.bincount(reasons, minlength=len(Reason)).tolist()):
            if code != Reason.PRICED and count:
                self.unpriced[Reason(code)] += count


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
    if dividend_yield == "parity" and announced is not None:
        raise PricingError("announced is given and dividend_yield is 'parity'; allowed: one of the two")
    if max_quote_age is not None and not (isinstance(max_quote_age, dt.timedelta) and max_quote_age > dt.timedelta()):
        raise PricingError(f"max_quote_age is {max_quote_age!r}; allowed: a timedelta above zero, or None")


def _load_kernels(scheme: SchemeLike, *, dividends: bool) -> None:
    """Compile, or load from the cache, all that pricing needs, before the first slice and not within it."""
    # Two quotes without a volatility, and two with one, so that every branch of the valuation runs.
    market, reason = market_price([1e-9, 60.0, 5.0, 5.0], [1e-9, 60.0, 5.2, 5.2], 0.0)
    ones, right = np.ones(4), np.array([1.0, -1.0, 1.0, -1.0])
    terms = (50.0 * ones, 50.0 * ones, 0.05 * ones, 0.01 * ones, ones, right)
    for style in _STYLES:
        for cash in (None, ([0.5], [0.5])) if dividends else (None,):
            value_quotes(market, reason, *terms, volatility=0.2, style=style, scheme=scheme, dividends=cash)


def _outside(name: str, values: Array) -> npt.NDArray[np.bool_]:
    low, high = DOMAINS[name]
    return np.asarray((values < low) | (values > high))


def _in_lean_units(values: QuotedValues) -> Array:
    columns = [getattr(values, name) * _UNITS.get(name, 1.0) for name in WRITTEN]
    return np.asarray(np.clip(np.stack(columns, axis=1), -_LARGEST, _LARGEST))
