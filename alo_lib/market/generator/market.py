"""A small market in LEAN's format, made from a seed: everything a backtest needs, and nothing that is for sale.

Two stocks follow GJR-GARCH volatility. Their options are priced as American options with an implied volatility that
wanders around the volatility to be expected, so that there is something to find. The same arguments give the same
bytes.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.aggregation import hour_bars, hour_chain
from alo_lib.market.bars import BAR_DTYPES, TRADE_BAR, Bars, OptionBars
from alo_lib.market.calendar import MarketHours
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.faults import DataError
from alo_lib.market.generator.exchange import equity_hours, index_hours, option_hours
from alo_lib.market.generator.paths import daily_bar, equity_quotes, minute_bars, walk_day
from alo_lib.market.generator.quotes import OptionMarket
from alo_lib.market.generator.underlyings import UNDERLYINGS, MarketUnderlying, dividend_days
from alo_lib.market.layout import DataKind, OptionArchive, Resolution, SecurityArchive, SecurityType, market_hours_path
from alo_lib.market.map_files import MapFile, MapRow
from alo_lib.market.universe import OptionUniverse, UnderlyingRow
from alo_lib.market.writer import (
    write_factor_file,
    write_interest_rates,
    write_map_file,
    write_market_hours,
    write_option_file,
    write_security_file,
    write_symbol_properties,
    write_universe,
)
from alo_lib.records import Session
from alo_lib.records.json_reading import json_of
from alo_lib.volatility import GjrGarch

__all__ = ["MANIFEST", "Manifest", "generate_market", "read_manifest"]

MANIFEST: Final = "manifest.json"
"""Names what a made-up data folder was made from."""

VERSION: Final = 1
"""Changes whenever the same arguments give another market."""

RATE: Final = 0.055
"""What the interest-rate file says, continuously compounded as all its numbers are; constant."""

DISCOUNT_RATE: Final = 0.053540766928029816
"""What options are discounted at, continuously compounded: markets lend for less than the primary credit rate."""

_END_OF_TIME: Final = date(2050, 12, 31)
_FIRST_RATE: Final = date(1998, 1, 1)
_FIRST_YEAR, _LAST_YEAR = 2012, 2045
_LONGEST_HISTORY: Final = 2520
_LONGEST_OPTION: Final = timedelta(days=150)
_MEAN_VOLUME: Final = 2_000_000.0
_HISTORY_MINUTES: Final = 65  # steps of the days that are kept as daily bars only
_ONE: Final = Decimal(1)


@dataclass(frozen=True)
class Manifest:
    """What a made-up market was made from; dates as yyyy-mm-dd."""

    version: int
    seed: int
    start: str
    end: str
    history_days: int
    quote_minutes: int
    tickers: tuple[str, ...]


@dataclass
class _Day:
    session: Session
    bars: Bars
    spot: float  # exact, before rounding to cents
    returned: float
    variance: float


def read_manifest(data_folder: Path | str) -> Manifest | None:
    """What the market in ``data_folder`` was made from; None when there is none or it was not made here."""
    try:
        values = json_of((Path(data_folder) / MANIFEST).read_bytes())
        return Manifest(**{**values, "tickers": tuple(values["tickers"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def generate_market(
    data_folder: Path | str,
    *,
    seed: int = 1,
    start: date = date(2024, 1, 2),
    end: date = date(2024, 1, 31),
    history_days: int = 756,
    quote_minutes: int = 5,
    underlyings: Sequence[MarketUnderlying] = UNDERLYINGS,
    progress: Callable[[str, date], None] | None = None,
) -> Manifest:
    """Write a market from ``start`` to ``end`` into ``data_folder``: minute and hour bars, full option chains.

    Each underlying also has ``history_days`` daily bars before. Options are quoted every ``quote_minutes``.
    ``progress`` is told the ticker and day of each session that is done.

    :raises ValueError: for arguments out of range.
    :raises DataError: when the folder holds market data already, unless it is this very market.
    """
    root = Path(data_folder)
    tickers = tuple(underlying.ticker for underlying in underlyings)
    _check(seed, start, end, history_days, quote_minutes, tickers)
    manifest = Manifest(VERSION, seed, str(start), str(end), history_days, quote_minutes, tickers)
    if market_hours_path(root).exists() and read_manifest(root) != manifest:
        raise DataError(f"{root} holds other market data already; name an empty folder to generate a market in")

    years = (start - timedelta(days=2 * history_days)).year, end.year + 1
    equity, option = equity_hours(*years), option_hours(*years)
    sessions = equity.sessions(start, end)
    if not sessions:
        raise ValueError(f"there is no trading day from {start} to {end}; the market needs at least one")
    first = start
    for _ in range(history_days):
        first = equity.previous_trading_day(first)
    history = equity.sessions(first, start - timedelta(days=1))

    root.mkdir(parents=True, exist_ok=True)
    for number, underlying in enumerate(underlyings):
        # Each stream of random numbers has its own key, so that no part of a market depends on another's length.
        streams = [np.random.SeedSequence(seed, spawn_key=(number, purpose)) for purpose in range(4)]
        ex_days = dividend_days(underlying, start, first, end + _LONGEST_OPTION, equity)
        days = _walk(underlying, history, sessions, set(ex_days), streams[:2])
        _write_equity(root, underlying, days, len(history), set(ex_days), equity, streams[2])
        options = OptionMarket(underlying, ex_days, DISCOUNT_RATE, option, np.random.default_rng(streams[3]))
        _write_options(root, underlying.ticker, options, days[len(history) - 1 :], quote_minutes, option, progress)
    # Last, so that a folder that was left half-way is no data folder, and can be written again.
    _write_common(root, equity, option, index_hours(*years))
    (root / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def _check(seed: int, start: date, end: date, history_days: int, quote_minutes: int, tickers: tuple[str, ...]) -> None:
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed is {seed}; allowed are 0 to 2^63 - 1")
    if start > end or start.year < _FIRST_YEAR or end.year > _LAST_YEAR:
        raise ValueError(
            f"the market would last from {start} to {end}; start must not be after end, "
            f"and both must be in {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    if not 1 <= history_days <= _LONGEST_HISTORY:
        raise ValueError(f"history_days is {history_days}; allowed are 1 to {_LONGEST_HISTORY}")
    if not 1 <= quote_minutes <= 60:
        raise ValueError(f"quote_minutes is {quote_minutes}; allowed are 1 to 60")
    if not tickers or len(set(tickers)) != len(tickers):
        raise ValueError(f"the tickers are {tickers}; there must be at least one, each only once")


def _write_options(
    root: Path,
    ticker: str,
    options: OptionMarket,
    days: list[_Day],
    quote_minutes: int,
    hours: MarketHours,
    progress: Callable[[str, date], None] | None,
) -> None:
    """Universe, open interest and quotes of each day but the first, which only lists what the second trades."""
    listed: NDArray[np.void] | None = None
    hourly: dict[tuple[DataKind, int], list[OptionBars]] = {}
    for day in days:
        session = day.session
        if listed is not None:
            interest = options.open_interest(session, listed)
            chain = _trade(options, day, quote_minutes)
            for kind, rows in ((DataKind.OPEN_INTEREST, interest), (DataKind.QUOTE, chain)):
                write_option_file(OptionArchive(root, ticker, session.day, Resolution.MINUTE, kind), rows, hours)
                hourly.setdefault((kind, session.day.year), []).append(hour_chain(rows))
            if progress is not None:
                progress(ticker, session.day)
        listed = options.close(session, day.spot, day.returned, day.variance)
        write_universe(root, ticker, OptionUniverse(session.day, UnderlyingRow(*daily_bar(day.bars)), listed))
    for (kind, year), pieces in hourly.items():
        rows = OptionBars.concatenate(pieces, BAR_DTYPES[kind])
        write_option_file(OptionArchive(root, ticker, date(year, 1, 1), Resolution.HOUR, kind), rows, hours)


def _walk(
    underlying: MarketUnderlying,
    history: list[Session],
    sessions: list[Session],
    ex_days: set[date],
    streams: list[np.random.SeedSequence],
) -> list[_Day]:
    """All sessions' minute bars, those of the past coarser, from one draw of true daily returns."""
    model = GjrGarch(underlying.volatility)
    count = len(history) + len(sessions)
    returns, variances = model.simulate(count, int(streams[0].generate_state(1, np.uint64)[0] >> np.uint64(1)))
    generator = np.random.default_rng(streams[1])
    spot = underlying.first_close
    days: list[_Day] = []
    for number, session in enumerate([*history, *sessions]):
        start = spot - (underlying.dividend if session.day in ex_days else 0.0)
        minutes = (session.close - session.open) // 60_000_000_000 if number >= len(history) else _HISTORY_MINUTES
        returned, variance = float(returns[number]), float(variances[number])
        path = walk_day(start, returned, variance, minutes, generator)
        bars = minute_bars(path, session.open, _MEAN_VOLUME, generator)
        spot = float(path.prices[-1, -1])
        days.append(_Day(session, bars, spot, returned, variance))
    return days


def _trade(options: OptionMarket, day: _Day, quote_minutes: int) -> OptionBars:
    """The chain's quotes of one session: after its first minute, then at every multiple of ``quote_minutes``."""
    minutes = len(day.bars)
    at = np.unique([1, *range(quote_minutes, minutes + 1, quote_minutes), minutes]) - 1
    spot = day.bars["close"][at]
    start = day.spot / np.exp(day.returned)
    return options.trade(day.session, day.bars["time"][at], spot, np.log(spot / start), day.variance)


def _write_common(root: Path, equity: MarketHours, option: MarketHours, index: MarketHours) -> None:
    write_market_hours(
        root,
        {
            (SecurityType.EQUITY, None): equity,
            (SecurityType.OPTION, None): option,
            (SecurityType.INDEX, None): index,
            (SecurityType.INDEX_OPTION, None): index,
        },
    )
    write_symbol_properties(
        root,
        [
            (SecurityType.EQUITY, None, 1, 0.01),
            (SecurityType.OPTION, None, 100, 0.01),
            (SecurityType.INDEX, None, 1, 0.01),
            (SecurityType.INDEX_OPTION, None, 100, 0.05),
        ],
    )
    write_interest_rates(root, {_FIRST_RATE: RATE})


def _write_equity(
    root: Path,
    underlying: MarketUnderlying,
    days: list[_Day],
    history: int,
    ex_days: set[date],
    hours: MarketHours,
    stream: np.random.SeedSequence,
) -> None:
    ticker = underlying.ticker
    daily = np.zeros(len(days), TRADE_BAR)
    for number, day in enumerate(days):
        daily[number] = (day.session.close, *daily_bar(day.bars))
    last_day = days[-1].session.day
    write_security_file(SecurityArchive(root, ticker, last_day, Resolution.DAILY, DataKind.TRADE), daily, hours)
    generator = np.random.default_rng(stream)
    for day in days[history:]:
        for kind, bars in ((DataKind.TRADE, day.bars), (DataKind.QUOTE, equity_quotes(day.bars, generator))):
            write_security_file(SecurityArchive(root, ticker, day.session.day, Resolution.MINUTE, kind), bars, hours)
    hourly = np.concatenate([hour_bars(day.bars) for day in days[history:]])
    write_security_file(SecurityArchive(root, ticker, last_day, Resolution.HOUR, DataKind.TRADE), hourly, hours)
    first_day = days[0].session.day
    write_map_file(root, MapFile(ticker, (MapRow(first_day, ticker, "Q"), MapRow(_END_OF_TIME, ticker, "Q"))))
    write_factor_file(root, ticker, _factors(days, ex_days, Decimal(repr(underlying.dividend))))


def _factors(days: list[_Day], ex_days: set[date], dividend: Decimal) -> list[FactorRow]:
    """Price factors that give back the dividends: each row holds until the close before an ex-date."""
    factor = _ONE
    rows = [FactorRow(_END_OF_TIME, factor, _ONE, Decimal(0))]
    for before, day in reversed(list(itertools.pairwise(days))):
        if day.session.day in ex_days:
            close = Decimal(f"{before.bars['close'][-1]:.2f}")
            factor *= (close - dividend) / close
            rows.append(FactorRow(before.session.day, factor, _ONE, close))
    first = days[0].session.day
    if rows[-1].day != first:
        rows.append(FactorRow(first, factor, _ONE, Decimal(f"{days[0].bars['close'][-1]:.2f}")))
    return rows[::-1]
