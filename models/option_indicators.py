"""Implied volatility and greeks of one contract as LEAN indicators, priced as the option price model prices a chain."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from AlgorithmImports import (
    BaseData,
    ConstantDividendYieldModel,
    ConstantRiskFreeRateInterestRateModel,
    IDividendYieldModel,
    IRiskFreeInterestRateModel,
    PythonIndicator,
    QCAlgorithm,
    QuoteBar,
    Resolution,
    SecurityType,
    Symbol,
    Tick,
    TickType,
    TradeBar,
)

from alo_lib.pricing import ContractStatus, QuotedChain, greeks
from alo_lib.pricing.arguments import PricingError
from models.chain_pricing import UNITS, in_lean_units
from models.chain_terms import hours_of
from models.compiled_border import WRITTEN
from models.contract_columns import static_columns
from models.option_price_model import AloOptionPriceModel
from models.times import utc_of

__all__ = ["AloDelta", "AloGamma", "AloImpliedVolatility", "AloRho", "AloTheta", "AloVega"]

_OPTIONS: Final = (SecurityType.OPTION, SecurityType.INDEX_OPTION, SecurityType.FUTURE_OPTION)
_HOUR: Final = dt.timedelta(hours=1)
Rate = IRiskFreeInterestRateModel | float | None
Yield = IDividendYieldModel | float | None


@dataclass
class _Market:
    """What was last heard of one symbol: quote, trade, and price; a quote's before a trade's, as in LEAN's chains.

    ended: UTC nanoseconds of the last bar; moment: what bars of one time have in common, a day's their date.
    """

    bid: float = 0.0
    ask: float = 0.0
    last: float = 0.0
    price: float = 0.0
    ended: int = 0
    moment: int | dt.date | None = None
    quoted: int = -1

    def hear(self, data: BaseData, ended: int, moment: int | dt.date) -> None:
        self.ended, self.moment = ended, moment
        if isinstance(data, QuoteBar):
            self.bid, self.ask = (0.0 if side is None else float(side.close) for side in (data.bid, data.ask))
            self.price, self.quoted = float(data.close), ended
        elif isinstance(data, Tick) and data.tick_type == TickType.QUOTE:
            self.bid, self.ask = float(data.bid_price), float(data.ask_price)
            self.price, self.quoted = float(data.value), ended
        else:
            self.last = float(data.value)
            self.price = self.price if self.quoted == ended else self.last


class _OptionIndicator(PythonIndicator):
    """One value of one contract, from quotes or trades of it and its underlying: LEAN's indicator interface.

    ``AloDelta(model, option).follow(self)`` keeps it up to date and warms it up; ``self.register_indicator`` for option
    and underlying does so by hand, as for LEAN's own option indicators. It is evaluated when all its symbols have a bar
    of the same time, as those are. The value is that of ``model`` for the same prices, in the same units, so theta is
    for a year; 0 where the contract has none, and ``status`` says why.

    model: an :class:`AloOptionPriceModel`, whose price source, dividends, yields and scheme count here too; one of
    "parity" needs the mirror contract, and takes LEAN's yield without.
    mirror_option: the strike's other contract; the volatility of both is then that of the one out of the money, as with
    LEAN's, and greeks are at it.
    risk_free_rate, dividend_yield: None for the model's, a number, or a model of LEAN's interface.

    :raises PricingError: a ValueError, for an option that is none, or a mirror that is not the strike's other contract.
    """

    column: ClassVar[str]

    def __new__(cls, *given: Any, **named: Any) -> "_OptionIndicator":
        """LEAN's class knows none of the arguments."""
        made: _OptionIndicator = super().__new__(cls)
        return made

    def __init__(
        self,
        model: AloOptionPriceModel,
        option: Symbol,
        mirror_option: Symbol | None = None,
        risk_free_rate: Rate = None,
        dividend_yield: Yield = None,
        *,
        name: str = "",
    ) -> None:
        super().__init__()
        _check(option, mirror_option)
        self.name = name or f"{type(self).__name__}({option.value})"
        self.warm_up_period = 1
        self.value = 0.0
        if isinstance(risk_free_rate, int | float):
            risk_free_rate = ConstantRiskFreeRateInterestRateModel(risk_free_rate)
        if isinstance(dividend_yield, int | float):
            dividend_yield = ConstantDividendYieldModel(dividend_yield)
        self._pricer = model.with_terms(risk_free_rate, dividend_yield)
        self._contracts = [option] if mirror_option is None else [option, mirror_option]
        self._symbols = [*self._contracts, option.underlying]
        self._hours = {symbol: hours_of(symbol) for symbol in self._symbols}
        self._static = [static_columns(symbol) for symbol in self._contracts]
        self.reset()

    @property
    def is_ready(self) -> bool:
        """Whether it has been evaluated."""
        return self.status is not None

    def reset(self) -> None:
        """Forget all that was heard."""
        super().reset()
        self._heard = {symbol: _Market() for symbol in self._symbols}
        self.value = 0.0
        self.status: ContractStatus | None = None
        """Whether the contract was priced, and why it was not; None before the first evaluation."""

    def follow(self, algorithm: QCAlgorithm, resolution: Resolution | None = None) -> "_OptionIndicator":
        """Have LEAN update it with quotes and trades of all its symbols, and warm it up where LEAN's settings say so.

        resolution: None for that of the subscriptions.
        """
        for symbol in self._symbols:
            for kind in self._subscribed(algorithm, symbol):
                algorithm.register_indicator(symbol, self, algorithm.resolve_consolidator(symbol, resolution, kind))
        if algorithm.settings.automatic_indicator_warm_up:
            algorithm.warm_up_indicator(self._symbols, self, resolution)
        return self

    def update(self, input: BaseData) -> bool:  # type: ignore[override]  # LEAN's has another overload
        """LEAN's notice of a bar or tick of one of the symbols."""
        symbol = input.symbol
        if symbol not in self._heard:
            names = ", ".join(str(one.value) for one in self._symbols)
            raise PricingError(f"{self.name} is given data of {symbol.value}; allowed: {names}")
        if isinstance(input, Tick) and input.tick_type == TickType.OPEN_INTEREST:
            return self.is_ready
        ended = input.end_time
        utc = utc_of(self._hours[symbol], ended)
        self._heard[symbol].hear(input, utc, ended.date() if ended - input.time > _HOUR else utc)
        if len({heard.moment for heard in self._heard.values()}) == 1:
            self._evaluate()
        return self.is_ready

    def _evaluate(self) -> None:
        spot = self._heard[self._symbols[-1]].price
        heard = [self._heard[symbol] for symbol in self._contracts]
        columns = np.array(
            [[*static, one.bid, one.ask, one.last, spot] for static, one in zip(self._static, heard, strict=True)]
        )
        time = heard[0].ended
        chain = self._pricer.quoted(columns, self._contracts, time, past=True)
        value = in_lean_units(chain, None)[0, WRITTEN.index(self.column)]
        self.status = ContractStatus(int(chain.status[0]))
        if len(self._contracts) > 1 and _in_the_money_or_unknown(chain):
            value = self._at(chain, float(chain.implied_volatility[1]))
            self.status = ContractStatus(int(chain.status[1]))
        self.value = 0.0 if np.isnan(value) else float(value)

    def _at(self, chain: QuotedChain, volatility: float) -> float:
        """The contract's value at a volatility that its own price does not state."""
        if self.column == "implied_volatility":
            return volatility
        contracts = chain.contracts
        values = greeks(
            chain.spot[0],
            contracts.strike[0],
            chain.rate[0],
            chain.dividend_yield[0],
            volatility,
            contracts.time_to_expiry[0],
            contracts.right[0],
            style=np.atleast_1d(contracts.style)[0],
            scheme=self._pricer.scheme,
            dividends=chain.terms.dividends,
            on_future=chain.terms.on_future,
            invalid="nan",
        )
        return float(getattr(values, self.column)) * UNITS.get(self.column, 1.0)

    @staticmethod
    def _subscribed(algorithm: QCAlgorithm, symbol: Symbol) -> list[type]:
        service = algorithm.subscription_manager.subscription_data_config_service
        kinds = {config.tick_type for config in service.get_subscription_data_configs(symbol)}
        return [kind for tick, kind in ((TickType.TRADE, TradeBar), (TickType.QUOTE, QuoteBar)) if tick in kinds]


class AloImpliedVolatility(_OptionIndicator):
    """Implied volatility of a contract, in decimals."""

    column = "implied_volatility"


class AloDelta(_OptionIndicator):
    """Delta of a contract."""

    column = "delta"


class AloGamma(_OptionIndicator):
    """Gamma of a contract."""

    column = "gamma"


class AloVega(_OptionIndicator):
    """Vega of a contract, for 1 % of volatility."""

    column = "vega"


class AloTheta(_OptionIndicator):
    """Theta of a contract, for a year; LEAN's own indicator of that name is for a day."""

    column = "theta"


class AloRho(_OptionIndicator):
    """Rho of a contract, for 1 % of rate."""

    column = "rho"


def _check(option: Symbol, mirror: Symbol | None) -> None:
    """Raise PricingError unless the one is an option and the other, where there is one, the strike's other contract."""
    if option.security_type not in _OPTIONS or option.is_canonical():
        raise PricingError(f"option is {option.value}; allowed: the symbol of one contract")
    if mirror is None:
        return
    one, other = option.id, mirror.id
    alike = mirror.underlying == option.underlying and other.date == one.date
    if not alike or other.strike_price != one.strike_price or other.option_right == one.option_right:
        raise PricingError(
            f"mirror_option is {mirror.value}; allowed: the other contract of {option.value}'s strike and expiry"
        )


def _in_the_money_or_unknown(chain: QuotedChain) -> bool:
    """Whether a contract's volatility is to be that of its mirror, the second: LEAN's rule, which is known of both."""
    own, other = chain.implied_volatility
    in_the_money = (chain.spot[0] - chain.contracts.strike[0]) * chain.contracts.right[0] > 0.0
    return bool(np.isfinite(other) and (in_the_money or not np.isfinite(own)))
