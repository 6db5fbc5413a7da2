"""What is looked at, and what trading it costs."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from alo_lib.settings.units import A_YEAR, CONTRACTS_A_STRIKE, Unit, Words

__all__ = ["MarketSettings"]


class MarketSettings(BaseModel):
    """Contracts that are looked at, and costs."""

    # Which contracts are looked at
    min_days_to_expiry: Annotated[int, Unit("calendar days")] = Field(
        14, ge=1, le=730, description="calendar days; nearer expiries are not opened"
    )
    max_days_to_expiry: Annotated[int, Unit("calendar days")] = Field(
        120, ge=1, le=1100, description="calendar days; farther ones are not looked at"
    )
    strike_range: Annotated[float, Unit("share of the spot")] = Field(
        0.25, gt=0, le=2.0, description="|strike / spot - 1| beyond this is not subscribed"
    )
    max_contracts: Annotated[int, Unit("contracts")] = Field(
        10_000,
        ge=CONTRACTS_A_STRIKE,
        le=100_000,
        description="contracts subscribed at once in all underlyings, nearest the money first",
    )
    max_contracts_each: Annotated[int, Unit("contracts")] = Field(
        10_000,
        ge=CONTRACTS_A_STRIKE,
        le=100_000,
        description="contracts subscribed at once in one underlying, nearest the money first",
    )
    max_moneyness: Annotated[float, Unit("standard deviations")] = Field(
        0.75, gt=0, le=5.0, description="|log(strike / spot)| in standard deviations"
    )
    max_spread: Annotated[float, Unit("share of the mid")] = Field(
        0.15, gt=0, le=2.0, description="spread over mid above which a quote is passed over"
    )
    min_bid: Annotated[float, Unit("$ a share")] = Field(0.10, ge=0, le=1000.0, description="least bid of a leg")
    min_quote_size: Annotated[int, Unit("contracts")] = Field(
        1, ge=1, le=1_000_000, description="contracts that both sides of a leg must show"
    )
    min_open_interest: Annotated[int, Unit("contracts")] = Field(
        0, ge=0, le=1_000_000, description="contracts; 0 where the data has no open interest"
    )
    max_quote_age: Annotated[float, Unit("seconds")] = Field(
        600.0, gt=0, le=86_400.0, description="seconds after which a quote is stale"
    )

    # What the underlying is taken to bring
    carry: Literal["quotes", "rate"] = Field(
        "quotes",
        description="forwards: what calls and puts say that holding shares brings by each expiry, beside dividends "
        "(quotes, of minute bars), or interest alone (rate)",
    )
    rate_curve: Annotated[str, Words("a name of letters, digits, - and _")] = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]{0,80}$",
        description="name of a file of dated interest rates to each expiry (docs/data.md), or model: LEAN's, as the "
        "algorithm has set it; without one the one rate",
    )

    # What trading is taken to cost
    fee_per_contract: Annotated[float, Unit("$ a contract")] = Field(
        1.0, ge=0, le=1000.0, description="money a contract and order, as edges count it"
    )
    fee_per_share: Annotated[float, Unit("$ a share")] = Field(
        0.005, ge=0, le=100.0, description="money a share, beside half the spread, as bands of the hedge count it"
    )
    fee_per_order: Annotated[float, Unit("$ an order")] = Field(
        1.0, ge=0, le=1000.0, description="money that an order of shares costs at least, as bands of the hedge count it"
    )
    short_margin: Annotated[float, Unit("share of the underlying's value")] = Field(
        0.2, gt=0, le=1.0, description="share of the underlying's value a naked short option ties up"
    )

    # What a broker books overnight; live it books by itself
    interest: bool = Field(True, description="whether a backtest's cash bears interest and its short shares cost a fee")
    cash_spread: Annotated[float, A_YEAR] = Field(
        0.005, ge=0, le=1.0, description="what cash earns below the benchmark rate, a year; at 1 it earns nothing"
    )
    debit_spread: Annotated[float, A_YEAR] = Field(
        0.015, ge=0, le=1.0, description="what owed cash costs above the benchmark rate, a year"
    )
    borrow_fee: Annotated[float, A_YEAR] = Field(
        0.0025, ge=0, le=10.0, description="fee on the value of short shares, a year"
    )
