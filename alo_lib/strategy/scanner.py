"""Which contracts are looked at, and which pairs of them are worth trading."""

import datetime as dt
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import DAY, OPTION_MULTIPLIER, SECOND, Contract, Kind, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures import STRUCTURES, Rows
from alo_lib.strategy.valuation import Valuation, quote_volatility

__all__ = ["rank", "select_contracts", "tradable"]

_SIGNALS_PUBLISHED: Final = 3


def select_contracts(
    settings: Settings, date: dt.date, reference_price: float, contracts: Iterable[Contract]
) -> list[Contract]:
    """The contracts to subscribe on ``date``: by calendar days to expiry and by strike around a reference price."""
    return sorted(
        contract
        for contract in contracts
        if settings.min_days_to_expiry <= (contract.expiry - date).days <= settings.max_days_to_expiry
        and abs(contract.strike / reference_price - 1.0) <= settings.strike_range
    )


def rank(book: MarketBook, valuation: Valuation, settings: Settings, rate: float, time: int) -> Records:
    """The best pairs to buy or sell, best first, as SIGNAL records.

    A pair's edge is what its quotes pay over its value at the forecast volatility, entering at the touch, leaving
    through half the spread, fees both ways. Pairs rank by edge over vega, for the vega budget decides their size.
    """
    usable = tradable(book, valuation.volatility, settings, time) & np.isfinite(valuation.at_forecast.price)
    calls, puts = STRUCTURES[settings.structure].pairs(book, usable, valuation.at_forecast.delta, settings)
    directions = {"both": (+1, -1), "long": (+1,), "short": (-1,)}[settings.direction]
    candidates = [
        _candidates(book, valuation, calls, puts, direction, 4.0 * settings.fee_per_contract)
        for direction in directions
    ]
    signals: Records = np.concatenate(candidates)
    best = np.lexsort((signals["put"], signals["call"], -signals["edge_volatility"]))[:_SIGNALS_PUBLISHED]
    signals = signals[best]
    if len(signals):
        rows = np.array([[book.row(int(s[leg])) for leg in ("call", "put")] for s in signals], np.intp)
        implied = quote_volatility(book, rows.ravel(), rate, time).reshape(rows.shape)
        signals["implied_volatility"] = implied.mean(axis=1)
    return signals


def tradable(book: MarketBook, volatility: NDArray[np.float64], settings: Settings, time: int) -> NDArray[np.bool_]:
    """Rows that may be a leg at their forecast volatilities, whatever they are worth; the others need not be priced."""
    usable = _usable(book, settings, time)
    if STRUCTURES[settings.structure].near_the_money:
        usable &= _near_the_money(book, volatility, settings, time)
    return usable


def _usable(book: MarketBook, settings: Settings, time: int) -> NDArray[np.bool_]:
    """Rows that pass the liquidity, maturity and quote-sanity filters."""
    contracts, quotes = book.contracts, book.quotes
    bid, ask = quotes["bid"], quotes["ask"]
    days = (contracts["expiry"] - time) / DAY
    with np.errstate(invalid="ignore"):
        intrinsic = np.maximum(contracts["right"] * (book.spot - contracts["strike"]), 0.0)
        return np.asarray(
            (bid >= settings.min_bid)
            & (ask > bid)
            & (ask >= intrinsic)
            & (ask - bid <= settings.max_spread * 0.5 * (ask + bid))
            & (np.minimum(quotes["bid_size"], quotes["ask_size"]) >= settings.min_quote_size)
            & (contracts["open_interest"] >= settings.min_open_interest)
            & (time - book.quote_time <= settings.max_quote_age * SECOND)
            & (book.quote_time >= 0)
            & (time - book.spot_time <= settings.max_quote_age * SECOND)
            & (days >= settings.min_days_to_expiry)
            & (days <= settings.max_days_to_expiry),
            np.bool_,
        )


def _near_the_money(
    book: MarketBook, volatility: NDArray[np.float64], settings: Settings, time: int
) -> NDArray[np.bool_]:
    """Rows whose strike lies within the moneyness limit, in standard deviations to expiry."""
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = volatility * np.sqrt(book.years_to_expiry(time))
        distance = np.abs(np.log(book.contracts["strike"] / book.spot))
        return np.asarray(distance <= settings.max_moneyness * deviation, np.bool_)


def _candidates(
    book: MarketBook, valuation: Valuation, calls: Rows, puts: Rows, direction: int, fees: float
) -> Records:
    """One SIGNAL record a pair, bought (+1) or sold (-1), with the fees of both legs in and out."""
    quotes, values = book.quotes, valuation.at_forecast
    side = "ask" if direction > 0 else "bid"
    paid = quotes[side][calls] + quotes[side][puts]
    worth = values.price[calls] + values.price[puts]
    spread = (quotes["ask"] - quotes["bid"])[calls] + (quotes["ask"] - quotes["bid"])[puts]
    vega = (values.vega[calls] + values.vega[puts]) * OPTION_MULTIPLIER
    edge = (direction * (worth - paid) - 0.5 * spread) * OPTION_MULTIPLIER - fees
    with np.errstate(invalid="ignore", divide="ignore"):
        edge_volatility = np.where(vega > 0.0, edge / vega, -np.inf)
    return records(
        Kind.SIGNAL,
        len(calls),
        underlying=book.instrument,
        call=book.contracts["instrument"][calls],
        put=book.contracts["instrument"][puts],
        direction=direction,
        forecast_volatility=0.5 * (valuation.volatility[calls] + valuation.volatility[puts]),
        edge=edge,
        edge_volatility=edge_volatility,
        vega=vega,
    )
