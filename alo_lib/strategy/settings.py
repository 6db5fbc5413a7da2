"""What the strategy can be told, with its defaults and the range of each setting."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["StrategySettings"]


class StrategySettings(BaseModel):
    """Thresholds of the volatility arbitrage. Volatilities and rates are decimals, money is the account's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Volatility forecast
    garch_history: int = Field(1250, ge=260, le=5000, description="daily closes that a calibration looks back on")
    garch_minimum: int = Field(250, ge=100, le=5000, description="daily returns without which nothing is forecast")
    garch_refit_sessions: int = Field(21, ge=1, le=252, description="sessions between two calibrations")

    refit_on_change: bool = Field(True, description="calibrate when the model's scale stops fitting, too")
    hybrid_minimum: int = Field(
        750, ge=350, le=5000, description="daily returns below which GJR-GARCH forecasts without the hybrid"
    )

    # Which contracts are looked at
    min_days_to_expiry: int = Field(14, ge=1, le=730, description="calendar days; nearer expiries are not opened")
    max_days_to_expiry: int = Field(120, ge=1, le=1100, description="calendar days; farther ones are not looked at")
    strike_range: float = Field(0.25, gt=0, le=2.0, description="|strike / spot - 1| beyond this is not subscribed")
    max_moneyness: float = Field(0.75, gt=0, le=5.0, description="|log(strike / spot)| in standard deviations")
    max_spread: float = Field(0.15, gt=0, le=2.0, description="spread over mid above which a quote is passed over")
    min_bid: float = Field(0.10, ge=0, description="least bid of a leg")
    min_quote_size: int = Field(1, ge=1, description="contracts that both sides of a leg must show")
    min_open_interest: int = Field(0, ge=0, description="contracts; 0 where the data has no open interest")
    max_quote_age: float = Field(600.0, gt=0, description="seconds after which a quote is stale")

    # What trading is taken to cost
    fee_per_contract: float = Field(1.0, ge=0, description="money a contract and order, as edges count it")
    short_margin: float = Field(0.2, gt=0, le=1.0, description="share of the underlying's value a short pair ties up")

    # What is opened
    structure: Literal["straddle", "strangle"] = Field("straddle", description="same strike, or out-of-the-money legs")
    strangle_delta: float = Field(0.30, gt=0.02, lt=0.5, description="absolute delta of a strangle's legs")
    direction: Literal["both", "long", "short"] = Field("both", description="volatility bought, sold, or either")
    entry_edge: float = Field(0.02, ge=0, le=1.0, description="least edge after costs, as volatility")
    max_structures: int = Field(2, ge=1, le=50, description="structures held at once in one underlying")
    vega_budget: float = Field(
        0.0005, gt=0, le=0.05, description="vega per structure: equity gained or lost per volatility point"
    )
    participation: float = Field(1.0, gt=0, le=1.0, description="share of the displayed size that an order may take")
    entry_delay: float = Field(300.0, ge=0, description="seconds after the open before anything is opened")
    entry_cutoff: float = Field(900.0, ge=0, description="seconds before the close from which nothing is opened")

    # How it is held
    hedge_band: float = Field(0.02, gt=0, le=1.0, description="net delta per held contract that triggers a hedge")

    # When it is closed
    exit_edge: float = Field(0.0, ge=-1.0, le=1.0, description="remaining edge at mid that ends a trade, as volatility")
    max_holding_days: float = Field(30.0, gt=0, description="calendar days a structure is held at most")
    stop_loss: float = Field(0.5, gt=0, le=10.0, description="loss over premium at entry that ends a trade")
    exit_days_to_expiry: float = Field(6.0, ge=1, description="calendar days before expiry by which it is closed")
    dividend_guard_days: float = Field(2.0, ge=0, description="calendar days before an ex-date: short calls are closed")

    # What must never be exceeded
    max_vega: float = Field(0.003, gt=0, le=0.5, description="|vega| of the book: equity per volatility point")
    max_margin: float = Field(0.5, gt=0, le=1.0, description="estimated margin over equity")
    max_drawdown: float = Field(0.2, gt=0, le=1.0, description="fall from the highest equity that flattens the book")
