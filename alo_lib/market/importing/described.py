"""What the columns of a file are, and the rows that they make: every format is one or more such descriptions."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import BAR_DTYPES, CONTRACT, Bars
from alo_lib.market.calendar import local_to_utc, utc_to_local
from alo_lib.market.faults import DataError
from alo_lib.market.importing.cells import Cells
from alo_lib.market.importing.refusals import Reason, Refusals
from alo_lib.market.importing.rows import NOT_TOLD, Event, Rows
from alo_lib.market.importing.sources import Chunk
from alo_lib.market.importing.symbols import Name, Roots, contract_of_symbol, underlying_name
from alo_lib.market.layout import DataKind, Resolution
from alo_lib.records import DAY, MILLISECOND, NEW_YORK, crossed

__all__ = ["FIELDS", "Column", "Described", "Description", "UnfitColumnsError"]

FIELDS: Final = {
    "symbol": "OCC symbol of an option, or ticker of what options are written on",
    "ticker": "ticker of a stock or an index, where the row is one of it",
    "root": "root of an option's symbol",
    "expiry": "date of expiry",
    "strike": "strike price",
    "right": "C, P, call or put",
    "time": "time of the quote or of the bar",
    "date": "its date, where no column has the whole time",
    "clock": "its milliseconds after midnight, or hh:mm:ss, beside date",
    **{
        f"{side}{part}": f"{word}{' of the bar' if part.startswith('_') else ''}"
        for side in ("bid", "ask")
        for part, word in (
            ("", side),
            ("_size", f"contracts or shares at the {side}"),
            ("_open", f"first {side}"),
            ("_high", f"highest {side}"),
            ("_low", f"lowest {side}"),
        )
    },
    "open": "first trade's price",
    "high": "highest trade's price",
    "low": "lowest trade's price",
    "close": "last trade's price",
    "volume": "contracts or shares traded",
    "open_interest": "contracts held open",
    "underlying": "price of the underlying at that time",
    "underlying_bid": "bid of the underlying; with underlying_ask, their middle is its price",
    "underlying_ask": "ask of the underlying",
    "dividend": "cash a share that goes ex on the date",
    "split": "new shares for an old one, from the date on",
}
"""What a column can be."""

_KNOWN_AT: Final = dt.timedelta(hours=6, minutes=30)
"""On the exchange's clock, when the clearing house's open interest of the day before is known."""
_SIDES: Final = ("bid", "ask")
_PARTS: Final = ("open", "high", "low", "close")


class UnfitColumnsError(DataError):
    """Columns that make no rows; the message says what is missing."""


class Column(NamedTuple):
    """A column of a file, and what its numbers are divided by; ``part`` is which of ``3 x 5`` is meant, where it is."""

    name: str
    divisor: float = 1.0
    part: int | None = None


@dataclass(frozen=True)
class Description:
    """Which column each field is read from, and what holds for all rows.

    ``constants`` are fields without a column. ``zone`` is where a clock without an offset stands. ``lasts`` is what a
    bar's time lacks to its end: 0 for quotes, and bars that are stamped with their end. ``size`` stands for sizes that
    the file does not have. ``sided`` rows tell of one side of a quote; another row tells of the other.
    ``found`` turns a cell into a symbol, ``check`` refuses rows by other columns.

    Open interest beside quotes or trades is the one known before the session, alone it is of its own time. A trade of
    an option without volume is none.
    """

    columns: Mapping[str, Column]
    constants: Mapping[str, str] = field(default_factory=dict)
    length: Resolution = Resolution.MINUTE
    lasts: int = 0
    zone: ZoneInfo = NEW_YORK
    size: int = 0
    sided: bool = False
    implied: bool = False
    found: Callable[[str], str] = str
    check: Callable[[Cells], None] | None = None

    def __post_init__(self) -> None:
        unknown = sorted({*self.columns, *self.constants} - set(FIELDS))
        if unknown:
            raise UnfitColumnsError(f"'{unknown[0]}' is no field; allowed: {', '.join(FIELDS)}")
        has = {*self.columns, *self.constants}
        if not (has & {"symbol", "ticker"} or {"root", "expiry", "strike", "right"} <= has):
            raise UnfitColumnsError("rows need symbol, or ticker, or all of root, expiry, strike and right")
        if not has & {"time", "date"}:
            raise UnfitColumnsError("rows need time, or date")
        if not has & {"bid", "ask", "close", "open_interest", "underlying", "underlying_bid", "dividend", "split"}:
            raise UnfitColumnsError("rows need a value: bid, ask, close, open_interest, underlying, dividend or split")

    def has(self, name: str) -> bool:
        """Whether a field has a column."""
        return name in self.columns


class Described:
    """The rows that one chunk makes by a description."""

    def __init__(self, chunk: Chunk, description: Description, refusals: Refusals, roots: Roots) -> None:
        self._chunk = chunk
        self._is = description
        self._cells = Cells(chunk, refusals, roots)
        self._roots = roots

    def rows(self) -> Iterator[Rows]:
        """The rows of each kind in turn."""
        cells, wanted = self._cells, self._is
        if wanted.check is not None:
            wanted.check(cells)
        names, name, contract = self._who()
        time, dated = self._when()
        self._check_living(contract, dated)
        pieces: list[tuple[DataKind, NDArray[np.bool_], Bars]] = []
        if wanted.has("bid") or wanted.has("ask"):
            pieces.append((DataKind.QUOTE, *self._quotes()))
        if wanted.has("close"):
            pieces.append((DataKind.TRADE, *self._trades(contract["right"] != 0)))
        if wanted.has("open_interest"):
            pieces.append((DataKind.OPEN_INTEREST, *self._interest()))
        implied = self._underlying() if wanted.has("underlying") or wanted.has("underlying_bid") else None
        events = self._events(names, name, dated) if wanted.has("dividend") or wanted.has("split") else ()
        used = np.zeros(len(cells), np.bool_)
        for _, has, _ in pieces:
            used |= has
        if pieces:
            self._cells.refuse(~used, Reason.NOTHING, lambda row: "")
        for kind, has, bars in pieces:
            of_the_day = kind is DataKind.OPEN_INTEREST and (time is None or len(pieces) > 1)
            bars["time"] = self._known(dated) if of_the_day else self._ends(time, dated)
            yield self._made(kind, tuple(names), name, contract, bars).where(has & cells.good)
        if implied is not None:
            has, bars = implied
            bars["time"] = self._ends(time, dated)
            written_on = tuple(underlying_name(each) for each in names)
            none = np.zeros(len(cells), CONTRACT)
            yield _first_of_each(self._made(DataKind.TRADE, written_on, name, none, bars, True).where(has & cells.good))
        if events:
            yield Rows(DataKind.TRADE, Resolution.DAILY, (), *_NO_ROWS, self._chunk.file, _NO_LINES, events=events)

    def _made(
        self,
        kind: DataKind,
        names: tuple[Name, ...],
        name: NDArray[np.int32],
        contract: NDArray[np.void],
        bars: Bars,
        implied: bool = False,
    ) -> Rows:
        length = self._is.length if kind is not DataKind.OPEN_INTEREST else Resolution.MINUTE
        return Rows(
            kind, length, names, name, contract, bars, self._chunk.file, self._chunk.lines, implied or self._is.implied
        )

    # Whose -----------------------------------------------------------------------------------------------------------

    def _who(self) -> tuple[list[Name], NDArray[np.int32], NDArray[np.void]]:
        is_, cells, count = self._is, self._cells, len(self._cells)
        if is_.has("symbol"):
            return cells.symbols(is_.columns["symbol"].name, is_.found)
        if "symbol" in is_.constants:
            return self._constant(is_.constants["symbol"])
        option = {"expiry", "strike", "right"} <= {*is_.columns, *is_.constants}
        if is_.has("root") and option:
            names, name, contract = cells.roots(is_.columns["root"].name)
        elif "root" in is_.constants and option:
            names, name, contract = [self._roots.option(is_.constants["root"])], np.zeros(count, np.int32), _none(count)
        elif is_.has("ticker"):
            return cells.tickers(is_.columns["ticker"].name)
        else:
            return [self._roots.underlying(is_.constants["ticker"])], np.zeros(count, np.int32), _none(count)
        contract = contract.copy()
        contract["expiry"] = cells.days(is_.columns["expiry"].name) if is_.has("expiry") else is_.constants["expiry"]
        if is_.has("strike"):
            column = is_.columns["strike"]
            contract["strike"] = np.round(cells.numbers(column.name, divisor=column.divisor), 4)
        else:
            contract["strike"] = float(is_.constants["strike"])
        contract["right"] = (
            cells.rights(is_.columns["right"].name) if is_.has("right") else {"C": 1, "P": -1}[is_.constants["right"]]
        )
        wrong = ~(contract["strike"] > 0.0)
        cells.refuse(wrong, Reason.STRIKE, lambda row: f"strike = {contract['strike'][row]}; allowed: above 0")
        return names, name, contract

    def _constant(self, symbol: str) -> tuple[list[Name], NDArray[np.int32], NDArray[np.void]]:
        """One contract, or one underlying, for every row.

        :raises UnmappedError: when the symbol is none.
        """
        count = len(self._cells)
        name, contract = np.zeros(count, np.int32), _none(count)
        if len(symbol) < 15:
            return [self._roots.underlying(symbol)], name, contract
        root, key = contract_of_symbol(symbol)
        contract["expiry"], contract["strike"], contract["right"] = key
        return [self._roots.option(root)], name, contract

    # When ------------------------------------------------------------------------------------------------------------

    def _when(self) -> tuple[NDArray[np.int64] | None, NDArray[np.datetime64]]:
        """Times, None where the file has dates alone, and dates by the exchange's clock."""
        is_, cells = self._is, self._cells
        if is_.has("time"):
            time = cells.moments(is_.columns["time"].name, is_.zone)
            return time, _local_days(time, is_.zone)
        days = cells.days(is_.columns["date"].name)
        if not is_.has("clock"):
            return None, days
        clock = cells.milliseconds(is_.columns["clock"].name)
        walls = days.astype(np.int64) * DAY + clock * MILLISECOND
        return local_to_utc(walls, is_.zone), days

    def _known(self, days: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """When the open interest of a date is known: before its session."""
        return local_to_utc(days.astype(np.int64) * DAY + int(_KNOWN_AT.total_seconds()) * 10**9, NEW_YORK)

    def _ends(self, time: NDArray[np.int64] | None, days: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """The ends of bars; of a date alone its noon stands for the session, of which nothing but the day is used."""
        if time is None:
            return local_to_utc(days.astype(np.int64) * DAY + DAY // 2, NEW_YORK)
        if self._is.length is Resolution.DAILY:
            return local_to_utc(days.astype(np.int64) * DAY + DAY // 2, NEW_YORK)
        return time + self._is.lasts

    def _check_living(self, contract: NDArray[np.void], days: NDArray[np.datetime64]) -> None:
        dead = (contract["right"] != 0) & (contract["expiry"] < days)
        self._cells.refuse(dead, Reason.EXPIRED, lambda row: f"{days[row]}, and it expired {contract['expiry'][row]}")

    # What ------------------------------------------------------------------------------------------------------------

    def _column(self, name: str) -> NDArray[np.float64] | None:
        column = self._is.columns.get(name)
        return None if column is None else self._cells.prices(column.name, divisor=column.divisor)

    def _quotes(self) -> tuple[NDArray[np.bool_], Bars]:
        cells, is_ = self._cells, self._is
        bars = np.zeros(len(cells), BAR_DTYPES[DataKind.QUOTE])
        for side in _SIDES:
            close = self._column(side)
            if close is None:
                for part in _PARTS:
                    bars[f"{side}_{part}"] = np.nan
                bars[f"{side}_size"] = NOT_TOLD if is_.sided else 0
                continue
            for part in _PARTS:
                own = self._column(f"{side}_{part}") if part != "close" else close
                bars[f"{side}_{part}"] = close if own is None else np.where(np.isnan(own), close, own)
            if is_.has(f"{side}_size"):
                column = is_.columns[f"{side}_size"]
                bars[f"{side}_size"] = cells.sizes(column.name, column.part)
            else:
                bars[f"{side}_size"] = is_.size
            bars[f"{side}_size"][np.isnan(close)] = 0
            self._check_order(bars, f"{side}_")
        bid, ask = bars["bid_close"], bars["ask_close"]
        cells.refuse(crossed(bid, ask), Reason.CROSSED, lambda row: f"bid {bid[row]:g} above ask {ask[row]:g}")
        return ~np.isnan(bid) | ~np.isnan(ask), bars

    def _trades(self, option: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Bars]:
        bars = np.zeros(len(self._cells), BAR_DTYPES[DataKind.TRADE])
        close = self._column("close")
        assert close is not None
        for part in _PARTS:
            own = self._column(part)
            bars[part] = close if own is None else np.where(np.isnan(own), close, own)
        if self._is.has("volume"):
            bars["volume"] = self._cells.sizes(self._is.columns["volume"].name)
            close = np.where(option & (bars["volume"] == 0), np.nan, close)
        self._check_order(bars, "")
        return ~np.isnan(close), bars

    def _check_order(self, bars: Bars, side: str) -> None:
        high, low = bars[f"{side}high"], bars[f"{side}low"]
        self._cells.refuse(
            high < low, Reason.HIGH_BELOW_LOW, lambda row: f"{side}high {high[row]:g} below {side}low {low[row]:g}"
        )

    def _interest(self) -> tuple[NDArray[np.bool_], Bars]:
        name = self._is.columns["open_interest"].name
        bars = np.zeros(len(self._cells), BAR_DTYPES[DataKind.OPEN_INTEREST])
        bars["open_interest"] = self._cells.sizes(name)
        return ~np.isnan(self._cells.numbers(name)), bars

    def _underlying(self) -> tuple[NDArray[np.bool_], Bars]:
        bars = np.zeros(len(self._cells), BAR_DTYPES[DataKind.TRADE])
        price = self._column("underlying")
        if price is None:
            bid, ask = self._column("underlying_bid"), self._column("underlying_ask")
            assert bid is not None
            price = bid if ask is None else np.round(0.5 * (bid + ask), 4)
        for part in _PARTS:
            bars[part] = price
        return ~np.isnan(price), bars

    def _events(self, names: list[Name], name: NDArray[np.int32], days: NDArray[np.datetime64]) -> tuple[Event, ...]:
        cells, found = self._cells, []
        count = len(cells)
        columns = {
            each: cells.numbers(self._is.columns[each].name) if self._is.has(each) else np.full(count, np.nan)
            for each in ("dividend", "split")
        }
        cells.refuse(columns["split"] == 0.0, Reason.NUMBER, lambda row: "split = 0; allowed: above 0")
        cells.refuse(np.isnan(columns["dividend"]) & np.isnan(columns["split"]), Reason.NOTHING, lambda row: "")
        for row in np.flatnonzero(cells.good).tolist():
            cash, split = float(columns["dividend"][row]), float(columns["split"][row])
            found.append(
                Event(
                    names[name[row]].ticker,
                    days[row].item(),
                    Decimal(repr(0.0 if cash != cash else cash)),
                    Decimal(repr(1.0 if split != split else split)),
                )
            )
        return tuple(found)


_NO_ROWS: Final[tuple[Any, Any, Any]] = (
    np.zeros(0, np.int32),
    np.zeros(0, CONTRACT),
    np.zeros(0, BAR_DTYPES[DataKind.TRADE]),
)
_NO_LINES: Final = np.zeros(0, np.int64)


def _none(count: int) -> NDArray[np.void]:
    return np.zeros(count, CONTRACT)


def _local_days(time: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.datetime64]:
    return (utc_to_local(time, zone) // DAY).astype("datetime64[D]")


def _first_of_each(rows: Rows) -> Rows:
    """One row an underlying and time: a chain repeats its price with each contract."""
    _, first = np.unique(np.stack([rows.name.astype(np.int64), rows.bars["time"]], axis=1), axis=0, return_index=True)
    kept = np.zeros(len(rows), np.bool_)
    kept[first] = True
    return rows.where(kept)
