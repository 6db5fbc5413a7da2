"""A chain at one moment: the last quotes known then, the underlying's price, and the dividends still ahead."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import prod
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import CONTRACT, OptionBars
from alo_lib.market.calendar import MarketHours, index_of_option, utc_time
from alo_lib.market.distributions import cash_of_contracts
from alo_lib.market.expected_dividends import replaced_days
from alo_lib.market.faults import DataError, FaultKind
from alo_lib.market.folder import DataFolder
from alo_lib.market.layout import DataKind, OptionArchive, Resolution, SecurityArchive, SecurityType
from alo_lib.market.universe import universe_days
from alo_lib.pricing import market_price
from alo_lib.records import DAY, NEW_YORK, SECOND, years_between

__all__ = ["ChainSnapshot", "take_snapshot"]

FloatArray = NDArray[np.float64]

MAX_YEARS: Final = 100
"""Contracts that claim to live longer are left out."""


@dataclass(frozen=True)
class ChainSnapshot:
    """One underlying's contracts that still trade at ``time`` (ns UTC) and have been quoted that day, n of them.

    ``contracts`` (n,) of dtype CONTRACT, sorted by expiry, strike, puts before calls. ``bid``, ``ask`` (n,) are the
    last of each side that day, NaN where there was none; ``quoted`` (n,) is the end of the last bar, ns UTC.
    ``expiry_time`` (n,) is the close of each one's last session, ns UTC. ``volume`` and ``open_interest`` (n,) are
    contracts, float64: those traded that day by then, and the last open interest known then, of that day's file or of
    the universe's; NaN where the data has none. ``dividends`` are (ex-time ns UTC, cash a share), oldest first.
    """

    ticker: str
    day: date
    time: int
    resolution: Resolution
    american: bool
    spot: float
    spot_from: str
    contracts: NDArray[np.void]
    bid: FloatArray
    ask: FloatArray
    quoted: NDArray[np.int64]
    expiry_time: NDArray[np.int64]
    volume: FloatArray
    open_interest: FloatArray
    dividends: tuple[tuple[int, float], ...]

    def __len__(self) -> int:
        return len(self.contracts)

    @property
    def years_to_expiry(self) -> FloatArray:
        """Time to expiry (n,) in years of 365 days; 0 at the last close."""
        return years_between(self.time, self.expiry_time)

    def where(self, mask: NDArray[np.bool_]) -> "ChainSnapshot":
        """The contracts that ``mask`` (n,) picks."""
        arrays = ("contracts", "bid", "ask", "quoted", "expiry_time", "volume", "open_interest")
        return ChainSnapshot(**(self.__dict__ | {name: getattr(self, name)[mask] for name in arrays}))


def take_snapshot(
    folder: DataFolder,
    ticker: str,
    day: date,
    *,
    at: timedelta | None = None,
    resolution: Resolution | None = None,
    spot: float | None = None,
) -> ChainSnapshot:
    """The chain of ``ticker`` (an index option's own) on ``day`` as it was ``at`` that time in New York.

    Without a time it is the session's close; without a resolution the finest that has quotes on that day; without a
    spot the mid of the underlying's quote, or its last trade where it has no quotes. Nothing after ``at`` is read.

    :raises DataError: when the market was closed then, or there are no quotes or no price.
    """
    security = SecurityType.OPTION
    if not _has_files(folder, security, ticker) and _has_files(folder, SecurityType.INDEX_OPTION, ticker):
        security = SecurityType.INDEX_OPTION
    hours = folder.hours(security, ticker)
    time = _moment(hours, day, at)
    used, known = _quotes(folder, security, ticker, day, time, resolution)
    contracts = known.contracts
    bid, ask, quoted = _last_sides(known)
    expiry_time = _expiry_times(folder, hours, contracts, day)
    alive = expiry_time >= time
    price, source = (spot, "given") if spot is not None else _spot(folder, security, ticker, day, time, used)
    volume, open_interest = _sizes(folder, security, ticker, day, time, contracts[alive])
    return ChainSnapshot(
        ticker=ticker.upper(),
        day=day,
        time=time,
        resolution=used,
        american=security is SecurityType.OPTION,
        spot=price,
        spot_from=source,
        contracts=contracts[alive],
        bid=bid[alive],
        ask=ask[alive],
        quoted=quoted[alive],
        expiry_time=expiry_time[alive],
        volume=volume,
        open_interest=open_interest,
        dividends=_dividends(folder, ticker, day, time) if security is SecurityType.OPTION else (),
    )


def _has_files(folder: DataFolder, security: SecurityType, ticker: str) -> bool:
    root = folder.root / security / folder.market
    name = ticker.lower()
    return (root / Resolution.MINUTE / name).is_dir() or any(root.glob(f"*/{name}_*.zip"))


def _archive(
    folder: DataFolder, security: SecurityType, ticker: str, day: date, resolution: Resolution, kind: DataKind
) -> Path:
    name = folder.map_file(ticker).ticker_on(day) if security is SecurityType.OPTION else ticker
    return OptionArchive(folder.root, name, day, resolution, kind, security, folder.market).path


def _moment(hours: MarketHours, day: date, at: timedelta | None) -> int:
    if not hours.is_trading_day(day):
        raise DataError(f"the market was closed on {day}; name a trading day")
    session = hours.session(day)
    if at is None:
        return session.close
    moment = utc_time(day, at, NEW_YORK)
    if not session.open < moment <= session.close:
        opened, closed = (datetime.fromtimestamp(one // SECOND, NEW_YORK) for one in session[1:])
        raise DataError(
            f"the session of {day} was from {opened:%H:%M} to {closed:%H:%M} in New York; name a time in it"
        )
    return moment


def _quotes(
    folder: DataFolder, security: SecurityType, ticker: str, day: date, time: int, wanted: Resolution | None
) -> tuple[Resolution, OptionBars]:
    # Folders without the finer bars are common and no fault; a file that was asked for by name is.
    kept = [one for one in Resolution if _archive(folder, security, ticker, day, one, DataKind.QUOTE).is_file()]
    for resolution in (wanted,) if wanted is not None else kept:
        bars = folder.option_bars(ticker, day, day, resolution, DataKind.QUOTE, security=security)
        if len(bars):
            known = bars.where(bars.bars["time"] <= time)
            if len(known):
                return resolution, known
    what = f"{wanted} " if wanted is not None else ""
    raise DataError(f"{ticker.upper()} has no {what}option quotes on {day} by that time in {folder.root}")


def _last_sides(known: OptionBars) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Each contract's last bid and ask, and the time of its last bar.

    A bar without one side leaves that side as it was, as LEAN's feed does; where the two then cross, the older one
    has gone and is missing.
    """
    prices, times = np.full((2, len(known.contracts)), np.nan), np.zeros((2, len(known.contracts)), np.int64)
    for side, name in enumerate(("bid_close", "ask_close")):
        told = np.isfinite(known.bars[name])
        # Rows are in time order, so that the last one stays.
        prices[side, known.contract[told]] = known.bars[name][told]
        times[side, known.contract[told]] = known.bars["time"][told]
    crossed = prices[0] > prices[1]
    prices[0, crossed & (times[0] < times[1])] = np.nan
    prices[1, crossed & (times[0] >= times[1])] = np.nan
    quoted = np.zeros(len(known.contracts), np.int64)
    quoted[known.contract] = known.bars["time"]
    return prices[0], prices[1], quoted


def _sizes(
    folder: DataFolder, security: SecurityType, ticker: str, day: date, time: int, contracts: NDArray[np.void]
) -> tuple[FloatArray, FloatArray]:
    """Volume of the day and open interest of ``contracts``, as far as they were known at ``time``.

    In a day that has trades, a contract without any has a volume of zero.
    """
    volume = np.full(len(contracts), np.nan)
    trades = _finest(folder, security, ticker, day, time, DataKind.TRADE)
    if trades is not None:
        traded = np.bincount(trades.contract, trades.bars["volume"], len(trades.contracts)).astype(np.float64)
        volume = np.nan_to_num(_of(contracts, trades.contracts, traded))
    interest = _listed_interest(folder, security, ticker, day, contracts)
    opened = _finest(folder, security, ticker, day, time, DataKind.OPEN_INTEREST)
    if opened is not None:
        last = np.full(len(opened.contracts), np.nan)
        last[opened.contract] = opened.bars["open_interest"]  # in time order, so that the last one stays
        told = _of(contracts, opened.contracts, last)
        interest = np.where(np.isfinite(told), told, interest)
    return volume, interest


def _listed_interest(
    folder: DataFolder, security: SecurityType, ticker: str, day: date, contracts: NDArray[np.void]
) -> FloatArray:
    """Open interest of the universe that the session before left, NaN where it is not there or does not list one."""
    (file_day,) = universe_days(day, folder.hours(security, ticker), 1)
    if folder.has_universe(ticker, file_day, security=security):
        universe = folder.universe(ticker, day, security=security, lookback=1)
        if universe is not None:
            listed = np.zeros(len(universe.rows), CONTRACT)
            for name in CONTRACT.names or ():
                listed[name] = universe.rows[name]
            return _of(contracts, listed, universe.rows["open_interest"].astype(np.float64))
    return np.full(len(contracts), np.nan)


def _of(contracts: NDArray[np.void], others: NDArray[np.void], values: FloatArray) -> FloatArray:
    """The ``values`` of ``others`` for ``contracts``; NaN for one that is not among them. No contract twice."""
    found = np.full(len(contracts), np.nan)
    _, at, of = np.intersect1d(contracts, others, assume_unique=True, return_indices=True)
    found[at] = values[of]
    return found


def _finest(
    folder: DataFolder, security: SecurityType, ticker: str, day: date, time: int, kind: DataKind
) -> OptionBars | None:
    """A chain's rows of the day by ``time``, of the finest resolution that has a file; None where none has."""
    for resolution in Resolution:
        if _archive(folder, security, ticker, day, resolution, kind).is_file():
            bars = folder.option_bars(ticker, day, day, resolution, kind, security=security)
            if len(bars):
                return bars.where(bars.bars["time"] <= time)
    return None


def _expiry_times(folder: DataFolder, hours: MarketHours, contracts: NDArray[np.void], day: date) -> NDArray[np.int64]:
    """When each contract stops trading; 0 for one that has expired or names an expiry that cannot be meant."""
    times = np.zeros(len(contracts), np.int64)
    for expiry in np.unique(contracts["expiry"]):
        named: date = expiry.item()
        if named > day + timedelta(days=365 * MAX_YEARS):
            folder.faults.record(FaultKind.DATE, folder.root, detail=f"an option that expires on {named}")
        elif named >= day:
            times[contracts["expiry"] == expiry] = hours.expiry_time(named)
    return times


def _spot(
    folder: DataFolder, security: SecurityType, ticker: str, day: date, time: int, resolution: Resolution
) -> tuple[float, str]:
    underlying = index_of_option(ticker) if security is SecurityType.INDEX_OPTION else ticker
    name = underlying if security is SecurityType.INDEX_OPTION else folder.map_file(ticker).ticker_on(day)
    quotes = SecurityArchive(folder.root, name, day, resolution, DataKind.QUOTE, security.underlying, folder.market)
    has_quotes = resolution is Resolution.MINUTE and quotes.path.is_file()
    for kind in (DataKind.QUOTE, DataKind.TRADE) if has_quotes else (DataKind.TRADE,):
        bars = folder.bars(underlying, day, day, resolution, kind, security=security.underlying)
        bars = bars[bars["time"] <= time]
        if kind is DataKind.QUOTE:
            mids, _ = market_price(bars["bid_close"], bars["ask_close"], np.nan)
            mids = mids[np.isfinite(mids)]
            if len(mids):
                return float(mids[-1]), "mid of its quote"
        elif len(bars):
            return float(bars["close"][-1]), f"close of its {resolution} bar"
    raise DataError(
        f"{underlying.upper()} has no {resolution} price on {day} by that time in {folder.root}; give its spot"
    )


def _dividends(folder: DataFolder, ticker: str, day: date, time: int) -> tuple[tuple[int, float], ...]:
    """Cash ahead, of the factor file and as announced, each for a share as there is at ``time``.

    One that is announced by ``day`` takes the place of the factor file's that is nearest to it, by the rule of
    :mod:`alo_lib.market.expected_dividends`.
    """
    paid, announced = _paid(folder, ticker, time), folder.announced(ticker, day)
    replaced = replaced_days([when // DAY for when, _ in paid], [when // DAY for when, _ in announced])
    told = [*(each for each in paid if each[0] // DAY not in replaced), *announced]
    return tuple(sorted((when, amount) for when, amount in told if when > time and amount > 0.0))


def _paid(folder: DataFolder, ticker: str, time: int) -> list[tuple[int, float]]:
    """Cash of the factor file, before ``time`` and after: a later split makes a share of now into several.

    For a spin-off or a special dividend contracts are adjusted, so that none of it is taken from what they are worth.
    """
    hours, events = folder.hours(SecurityType.EQUITY, ticker), folder.events(ticker)
    found = []
    for one in cash_of_contracts(folder.distributions(ticker)):
        when = hours.session(one.ex_date).open
        shares = prod(
            1.0 / split.factor
            for split in events.splits
            if split.day <= one.ex_date and hours.session(split.day).open > time
        )
        found.append((when, one.amount * shares))
    return found
