"""A small market in LEAN's format, made from its truth: everything a backtest needs, and nothing that is for sale.

Each stock follows its dynamics, and its options are priced as American options at what they are worth under that very
dynamics, unless the truth plants an edge. The same truth gives the same bytes.
"""

from collections.abc import Collection
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.aggregation import hour_chain
from alo_lib.market.bars import BAR_DTYPES, OptionBars
from alo_lib.market.calendar import MarketHours
from alo_lib.market.faults import DataError
from alo_lib.market.generator.dividends import PaidOut
from alo_lib.market.generator.equity_files import Stock, write_stock
from alo_lib.market.generator.exchange import equity_hours, index_hours, option_hours
from alo_lib.market.generator.fair import Fair, fair_of
from alo_lib.market.generator.half_made import HalfMade, Made
from alo_lib.market.generator.index import IndexFair, covariance_of, index_days, with_own_volatility
from alo_lib.market.generator.listing import LONGEST_OPTION, dividend_days
from alo_lib.market.generator.paths import daily_bar
from alo_lib.market.generator.quotes import OptionMarket, Watch
from alo_lib.market.generator.side_by_side import Progress, make_side_by_side
from alo_lib.market.generator.stock import Day, walk_days
from alo_lib.market.generator.truth import EDGES, TRUTH, MarketTruth, NameTruth, read_truth
from alo_lib.market.layout import DataKind, OptionArchive, Resolution, market_hours_path
from alo_lib.market.universe import OptionUniverse, UnderlyingRow
from alo_lib.market.writer import write_databases, write_interest_rates, write_option_file, write_universe
from alo_lib.records import Session
from alo_lib.records.whole_files import write_whole

__all__ = ["DISCOUNT_RATE", "FILED", "RATE", "generate_market"]

RATE: Final = 0.055
"""What the interest-rate file says, continuously compounded as all its numbers are; constant."""

DISCOUNT_RATE: Final = 0.053540766928029816
"""What options are discounted at and stocks earn, continuously compounded: markets lend for less than the primary
credit rate."""

FILED: Final = (Resolution.MINUTE, Resolution.HOUR)
"""The bars that are written unless others are asked for."""

_FIRST_RATE: Final = date(1998, 1, 1)
_INDEX_STREAM: Final = 1 << 31
_LONGEST_LIFE: Final = 95  # trading days, of the longest option
_AHEAD: Final = LONGEST_OPTION + timedelta(days=20)
_MOST_PAID: Final = 0.5  # of the price, until the last option has expired


class _Exchange(NamedTuple):
    """Hours of a market's days, and its sessions."""

    equity: MarketHours
    option: MarketHours
    of_index: MarketHours
    history: list[Session]
    sessions: list[Session]


def generate_market(
    data_folder: Path | str,
    truth: MarketTruth | None = None,
    *,
    progress: Progress | None = None,
    resolutions: Collection[Resolution] = FILED,
    workers: int = 1,
    watch: Watch | None = None,
) -> Made:
    """Write the market of a ``truth`` into ``data_folder``: minute and hour bars, full option chains, and the truth.

    Each stock also has daily bars of its history. ``progress`` is told the ticker and day of each session that is done,
    ``watch`` what its options are worth. Bars of other ``resolutions`` are made and not written: most of the time that
    a market takes goes into the files of minutes, of which a run over hour bars reads none. More than one of
    ``workers`` make a name each, in processes of their own, unless there is a ``watch``, which hears this one alone.
    What was cut short goes on with the names that are not whole.

    :raises ValueError: for a truth that its days do not fit, or fewer than one of ``workers``.
    :raises DataError: when the folder holds market data already, or a part of some, unless it is this very market.
    """
    if workers < 1:
        raise ValueError(f"workers are {workers}; allowed: 1 or more")
    root, truth = Path(data_folder), truth or MarketTruth()
    half = HalfMade(root, truth, resolutions)
    if market_hours_path(root).exists() and not half.goes_on and read_truth(root) != truth:
        raise DataError(f"{root} holds other market data already; name an empty folder to generate a market in")
    exchange = _exchange(truth)
    for name in truth.names:
        _check_days(name, exchange)
        _paid(truth, name, exchange)
    half.begin()
    makers = {
        name.ticker: partial(_Name(root, truth, name, exchange, resolutions).make, number)
        for number, name in enumerate(truth.names)
        if name.ticker not in half.whole
    }
    if workers == 1 or len(makers) == 1 or watch is not None:
        for ticker, make in makers.items():
            half.keep(ticker, make(progress, watch))
    else:
        make_side_by_side(makers, workers, progress, half.keep)
    # Last, so that a folder that was left half-way is no data folder, and can be written again.
    _write_common(root, exchange)
    write_whole(root / TRUTH, truth.model_dump_json(indent=2) + "\n")
    half.end()
    return Made(*map(sum, zip(*half.whole.values(), strict=True)))


def _exchange(truth: MarketTruth) -> _Exchange:
    years = (truth.start - timedelta(days=2 * truth.history_days)).year, truth.end.year + 1
    equity = equity_hours(*years, truth.early_closes)
    sessions = equity.sessions(truth.start, truth.end)
    if not sessions:
        raise ValueError(f"there is no trading day from {truth.start} to {truth.end}; the market needs at least one")
    first = truth.start
    for _ in range(truth.history_days):
        first = equity.previous_trading_day(first)
    history = equity.sessions(first, truth.start - timedelta(days=1))
    return _Exchange(equity, option_hours(*years, truth.early_closes), index_hours(*years), history, sessions)


def _check_days(name: NameTruth, exchange: _Exchange) -> None:
    """ValueError unless what is dated falls on sessions of the market."""
    traded = {session.day for session in exchange.sessions}
    past = {session.day for session in exchange.history}
    first, last = exchange.sessions[0].day, exchange.sessions[-1].day
    dated = [
        *((f"split on {each.day}", each.day in traded - {first} or each.day in past) for each in name.splits),
        *((f"halt on {each.day}", each.day in traded) for each in name.halts),
        *((f"event on {each.day}", exchange.equity.is_trading_day(each.day)) for each in name.events),
    ]
    for words, good in dated:
        if not good:
            raise ValueError(f"{name.ticker}: the {words} is on no trading day of the market, {first} to {last}")


class _Name:
    """One stock and its options, and where they are written."""

    def __init__(
        self, root: Path, truth: MarketTruth, name: NameTruth, exchange: _Exchange, resolutions: Collection[Resolution]
    ) -> None:
        self._root, self._truth, self._name = root, truth, name
        self._exchange, self._resolutions = exchange, resolutions

    def make(self, number: int, progress: Progress | None, watch: Watch | None = None) -> Made:
        """Make the ``number``-th of the truth's names."""
        truth, name, exchange = self._truth, self._name, self._exchange
        _, volumes, equity_quotes, option_quotes, _, *edges = _streams(truth, number)
        history = exchange.history
        paid = _paid(truth, name, exchange)
        fair: Fair | IndexFair
        if name.members:
            members = [_days(truth, truth.tickers.index(ticker), exchange) for ticker in name.members]
            days, fair = index_days(name, members, len(history), volumes), IndexFair(covariance_of(truth, name))
            name = with_own_volatility(truth, name)
        else:
            days, fair = _days(truth, number, exchange), fair_of(name.dynamics, name.jumps, _LONGEST_LIFE)
        terms = fair, paid, DISCOUNT_RATE, exchange.option
        options = OptionMarket(truth, name, *terms, [option_quotes, *edges], watch)
        stock = Stock(name, days, len(history), paid)
        write_stock(self._root, stock, exchange.equity, options.halted, equity_quotes, self._resolutions)
        self._write_options(options, days[len(history) - 1 :], progress)
        return Made(options.quotes, options.arbitrage)

    def _write_options(self, options: OptionMarket, days: list[Day], progress: Progress | None) -> None:
        """Universe, open interest and quotes of each day but the first, which only lists what the second trades."""
        ticker, splits = self._name.ticker, {split.day: split.ratio for split in self._name.splits}
        listed: NDArray[np.void] | None = None
        hourly: dict[tuple[DataKind, int], list[OptionBars]] = {}
        for day, following in zip(days, [*days[1:], None], strict=True):
            session = day.session
            if listed is not None:
                interest = options.open_interest(day, listed)
                chain = options.trade(day)
                for kind, rows in ((DataKind.OPEN_INTEREST, interest), (DataKind.QUOTE, chain)):
                    self._write(rows, session.day, Resolution.MINUTE, kind)
                    hourly.setdefault((kind, session.day.year), []).append(hour_chain(rows))
                if progress is not None:
                    progress(ticker, session.day)
            ratio = 1.0 if following is None else splits.get(following.session.day, 1.0)
            listed = options.close(day, ratio)
            opening, high, low, closing, volume = daily_bar(day.bars)
            underlying = UnderlyingRow(opening / ratio, high / ratio, low / ratio, closing / ratio, volume)
            write_universe(self._root, ticker, OptionUniverse(session.day, underlying, listed))
        for (kind, year), pieces in hourly.items():
            rows = OptionBars.concatenate(pieces, BAR_DTYPES[kind])
            self._write(rows, date(year, 1, 1), Resolution.HOUR, kind)

    def _write(self, rows: OptionBars, day: date, resolution: Resolution, kind: DataKind) -> None:
        if resolution in self._resolutions:
            archive = OptionArchive(self._root, self._name.ticker, day, resolution, kind)
            write_option_file(archive, rows, self._exchange.option)


def _streams(truth: MarketTruth, number: int) -> list[np.random.SeedSequence]:
    """Where the random numbers of the ``number``-th of the names come from.

    Each stream has its own key, so that no part of a market depends on another's length, and none of a stock's path on
    what is planted in its options.
    """
    return [np.random.SeedSequence(truth.seed, spawn_key=(number, purpose)) for purpose in range(5 + len(EDGES))]


def _days(truth: MarketTruth, number: int, exchange: _Exchange) -> list[Day]:
    """All sessions of the ``number``-th of the names, which has a path of its own."""
    name, (own, volumes, _, _, daily, *_) = truth.names[number], _streams(truth, number)
    index = np.random.SeedSequence(truth.seed, spawn_key=(_INDEX_STREAM,))
    streams = own, index, volumes, daily
    return walk_days(name, exchange.history, exchange.sessions, _paid(truth, name, exchange), DISCOUNT_RATE, streams)


def _paid(truth: MarketTruth, name: NameTruth, exchange: _Exchange) -> PaidOut:
    first, last = exchange.history[0].day, truth.end + _AHEAD
    days = dividend_days(truth.start, first, last, exchange.equity) if name.dividend else []
    ahead = name.dividend * sum(day >= truth.start for day in days)
    if ahead > _MOST_PAID * name.price:
        raise ValueError(f"{name.ticker}: its dividends come to {ahead:g} until {last}, more than half of its price")
    return PaidOut(days, name.dividend, DISCOUNT_RATE - name.borrow, exchange.equity)


def _write_common(root: Path, exchange: _Exchange) -> None:
    write_databases(root, exchange.equity, exchange.option, exchange.of_index)
    write_interest_rates(root, {_FIRST_RATE: RATE})
