"""LEAN option price model: right American prices, implied volatilities and greeks."""

import datetime as dt
from typing import Final

import numpy as np
from AlgorithmImports import (
    DividendYieldProvider,
    Greeks,
    IDividendYieldModel,
    Option,
    OptionContract,
    OptionPriceModelParameters,
    OptionPriceModelResult,
    OptionRight,
    OptionStyle,
    QCAlgorithm,
    Symbol,
)

from alo_lib.pricing import Greeks as Values
from alo_lib.pricing import Style, greeks, implied_volatility
from alo_lib.strategy.book import NANOSECONDS, SECONDS_A_YEAR
from models.marshalling import expiry_time, utc_nanoseconds

__all__ = ["AloOptionPriceModel"]

_ONE_PERCENT: Final = 0.01


class AloOptionPriceModel:
    """Prices a contract by the Andersen-Lake-Offengenden method: ``option.set_price_model(AloOptionPriceModel(self))``.

    Implied volatility is that of the quote's mid, the last price where a side is missing. The greeks are in LEAN's
    units: delta and gamma per unit, vega and rho per 1 %, theta a year. A price that no volatility explains gives
    LEAN's empty result.
    """

    def __init__(self, algorithm: QCAlgorithm) -> None:
        self._algorithm = algorithm
        self._expiry: dict[dt.date, int] = {}
        self._yields: dict[Symbol, IDividendYieldModel] = {}

    def evaluate(self, parameters: OptionPriceModelParameters) -> OptionPriceModelResult:
        """LEAN's entry: once per contract and slice, when somebody reads the result."""
        contract, option = parameters.contract, parameters.security
        market, spot = _market_price(contract), float(contract.underlying_last_price)
        years = self._years_to_expiry(option, contract)
        if market <= 0.0 or spot <= 0.0 or years <= 0.0:
            return OptionPriceModelResult.NONE
        now = self._algorithm.time
        terms = (
            spot,
            float(contract.strike),
            float(self._algorithm.risk_free_interest_rate_model.get_interest_rate(now)),
            float(self._dividends(option).get_dividend_yield(now, spot)),
        )
        right = 1.0 if contract.right == OptionRight.CALL else -1.0
        style: Style = "american" if option.symbol.id.option_style == OptionStyle.AMERICAN else "european"
        volatility = float(implied_volatility(market, *terms, years, right, style=style, invalid="nan"))
        if not np.isfinite(volatility):
            return OptionPriceModelResult.NONE
        return _result(greeks(*terms, volatility, years, right, style=style), volatility, spot)

    def _years_to_expiry(self, option: Option, contract: OptionContract) -> float:
        expiry = contract.expiry.date()
        if expiry not in self._expiry:
            self._expiry[expiry] = expiry_time(option.exchange.hours, expiry)
        left = self._expiry[expiry] - utc_nanoseconds(self._algorithm.utc_time)
        return left / (NANOSECONDS * SECONDS_A_YEAR)

    def _dividends(self, option: Option) -> IDividendYieldModel:
        underlying = option.symbol.underlying
        if underlying not in self._yields:
            self._yields[underlying] = DividendYieldProvider.create_for_option(option.symbol)
        return self._yields[underlying]


def _market_price(contract: OptionContract) -> float:
    """Mid of the quote, or the last price where a side is missing or the quote is crossed."""
    bid, ask = float(contract.bid_price), float(contract.ask_price)
    return 0.5 * (bid + ask) if 0.0 < bid <= ask else float(contract.last_price)


def _result(value: Values, volatility: float, spot: float) -> OptionPriceModelResult:
    price, delta = float(value.price), float(value.delta)
    leverage = delta * spot / price if price > 0.0 else 0.0
    vega, rho = float(value.vega) * _ONE_PERCENT, float(value.rho) * _ONE_PERCENT
    return OptionPriceModelResult(
        price, volatility, Greeks(delta, float(value.gamma), vega, float(value.theta), rho, leverage)
    )
