"""Which contracts are looked at, and which pairs of them are worth trading."""

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import DAY, OPTION_MULTIPLIER, SECOND, Contract, Kind, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.staleness import parity_lag
from alo_lib.strategy.structures import STRUCTURES, Rows
from alo_lib.strategy.valuation import Valuation, quote_volatility

__all__ = ["Scan", "scan", "select_contracts", "tradable"]

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


class Scan(NamedTuple):
    """What a chain offers now."""

    signals: Records
    """The best pairs to buy or sell, best first, as SIGNAL records."""
    funnel: Annotated[Records, Kind.FUNNEL]
    """How many contracts and pairs came how far; nothing is proposed or opened yet."""


def scan(book: MarketBook, valuation: Valuation, settings: Settings, rate: float, time: int) -> Scan:
    """Find the best pairs to buy or sell.

    A pair's edge is what its quotes pay over its value at the forecast volatility, entering at the touch, leaving
    through half the spread, fees both ways. Pairs rank by edge over vega, for the vega budget decides their size.
    """
    passed = _passed(book, settings, time)
    forecast = passed.liquid & np.isfinite(valuation.volatility)
    usable = _eligible(book, valuation.volatility, settings, time, passed) & np.isfinite(valuation.at_forecast.price)
    if not settings.quotes_are_dated:
        usable &= parity_lag(book, valuation.at_forecast.price, time) <= 1.0
    calls, puts = STRUCTURES[settings.structure].pairs(book, usable, valuation.at_forecast.delta, settings)
    directions = {"both": (+1, -1), "long": (+1,), "short": (-1,)}[settings.direction]
    candidates = [
        _candidates(book, valuation, calls, puts, direction, 4.0 * settings.fee_per_contract)
        for direction in directions
    ]
    signals: Records = np.concatenate(candidates)
    funnel = records(
        Kind.FUNNEL,
        underlying=book.instrument,
        listed=len(book.contracts),
        quoted=np.count_nonzero(passed.quoted),
        in_range=np.count_nonzero(passed.in_range),
        liquid=np.count_nonzero(passed.liquid),
        forecast=np.count_nonzero(forecast),
        pairs=len(calls),
        edge=np.count_nonzero(signals["edge_volatility"] >= settings.entry_edge),
    )
    best = np.lexsort((signals["put"], signals["call"], -signals["edge_volatility"]))[:_SIGNALS_PUBLISHED]
    signals = signals[best]
    if len(signals):
        rows = np.array([[book.row(int(s[leg])) for leg in ("call", "put")] for s in signals], np.intp)
        implied = quote_volatility(book, rows.ravel(), rate, time).reshape(rows.shape)
        signals["implied_volatility"] = implied.mean(axis=1)
    return Scan(signals, funnel)


def tradable(book: MarketBook, volatility: NDArray[np.float64], settings: Settings, time: int) -> NDArray[np.bool_]:
    """Rows that may be a leg at their forecast volatilities, whatever they are worth; the others need not be priced."""
    return _eligible(book, volatility, settings, time, _passed(book, settings, time))


class _Passed(NamedTuple):
    """The rows that pass one filter after the other."""

    quoted: NDArray[np.bool_]
    in_range: NDArray[np.bool_]
    liquid: NDArray[np.bool_]


def _passed(book: MarketBook, settings: Settings, time: int) -> _Passed:
    """Rows by quote, by maturity, and by liquidity and sanity of the quote."""
    contracts, quotes = book.contracts, book.quotes
    bid, ask = quotes["bid"], quotes["ask"]
    days, oldest = (contracts["expiry"] - time) / DAY, settings.max_quote_age * SECOND
    quoted = (
        np.isfinite(bid)
        & np.isfinite(ask)
        & (time - (book.quote_time if settings.quotes_are_dated else book.quote_since) <= oldest)
        & (book.quote_time >= 0)
        & (time - book.spot_time <= oldest)
    )
    in_range = quoted & (days >= settings.min_days_to_expiry) & (days <= settings.max_days_to_expiry)
    with np.errstate(invalid="ignore"):
        intrinsic = np.maximum(contracts["right"] * (book.spot - contracts["strike"]), 0.0)
        liquid = (
            in_range
            & (bid >= settings.min_bid)
            & (ask > bid)
            & (ask >= intrinsic)
            & (ask - bid <= settings.max_spread * 0.5 * (ask + bid))
            & (np.minimum(quotes["bid_size"], quotes["ask_size"]) >= settings.min_quote_size)
            & (contracts["open_interest"] >= settings.min_open_interest)
        )
    return _Passed(quoted, in_range, liquid)


def _eligible(
    book: MarketBook, volatility: NDArray[np.float64], settings: Settings, time: int, passed: _Passed
) -> NDArray[np.bool_]:
    """Rows that passed all filters and, where the structure asks for it, lie near the money."""
    if STRUCTURES[settings.structure].near_the_money:
        return passed.liquid & _near_the_money(book, volatility, settings, time)
    return passed.liquid


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
