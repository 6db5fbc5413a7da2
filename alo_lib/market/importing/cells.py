"""The cells of a chunk as numbers, days, times and securities; a row with one that is none is refused, and counted."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import CONTRACT
from alo_lib.market.calendar import local_to_utc
from alo_lib.market.importing.refusals import Reason, Refusals
from alo_lib.market.importing.sources import Chunk
from alo_lib.market.importing.symbols import Name, Roots, UnmappedError, contract_of_symbol
from alo_lib.records import DAY, MICROSECOND, MILLISECOND, SECOND

__all__ = ["Cells"]

Numbers = NDArray[np.float64]
Times = NDArray[np.int64]
Value = TypeVar("Value")

_EMPTY: Final = ("", "nan", "NaN", "null", "NULL", "None", "\\N")
_UNITS: Final = ((10**17, 1), (10**14, MICROSECOND), (10**11, MILLISECOND), (10**8, SECOND))
"""What a whole number that stands for a time counts, by its size: nanoseconds, and so on, since 1970."""
_FIRST, _LAST = np.datetime64("1970-01-02"), np.datetime64("2050-12-31")
_RIGHTS: Final = {"c": 1, "call": 1, "p": -1, "put": -1}


class Cells:
    """Reads the columns of a chunk. ``good`` (n,) is false where a row was refused; each row is refused once."""

    def __init__(self, chunk: Chunk, refusals: Refusals, roots: Roots) -> None:
        self._chunk = chunk
        self._refusals = refusals
        self._roots = roots
        self.good = np.ones(len(chunk), np.bool_)
        self._texts: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self._chunk)

    def refuse(self, wrong: NDArray[np.bool_], reason: Reason, told: Callable[[int], str]) -> None:
        """Refuse the rows of a mask (n,) that are good so far; ``told`` gives a row's value, and what is allowed."""
        rows = np.flatnonzero(wrong & self.good)
        self.good[rows] = False
        done = 0
        while done < len(rows) and self._refusals.keeps(reason):
            row = int(rows[done])
            self._refusals.record(reason, self._chunk.file, int(self._chunk.lines[row]), told(row))
            done += 1
        if done < len(rows):
            self._refusals.record(reason, self._chunk.file, int(self._chunk.lines[rows[done]]), count=len(rows) - done)

    def has(self, name: str) -> bool:
        """Whether the file has a column."""
        return name in self._chunk.columns

    def text(self, name: str) -> Any:
        """A column as a pyarrow array of texts without blanks at their ends."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if name not in self._texts:
            column = self._chunk.columns[name]
            if isinstance(column, pa.ChunkedArray):
                column = column.combine_chunks()
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            self._texts[name] = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(column, pa.string())), "")
        return self._texts[name]

    def numbers(self, name: str, *, divisor: float = 1.0, least: float = 0.0) -> Numbers:
        """A column of numbers, NaN where the cell is empty; those below ``least`` are refused."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self._chunk.columns[name]
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
        else:
            values = self._parsed_numbers(name)
        values = np.asarray(values, np.float64) / divisor
        told = self._teller(name)
        self.refuse(np.isinf(values), Reason.NUMBER, told("; allowed: a finite number"))
        self.refuse(values < least, Reason.NEGATIVE, told(f"; allowed: {least:g} or more"))
        return values

    def _parsed_numbers(self, name: str) -> Numbers:
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self.text(name)
        column = pc.if_else(pc.is_in(column, pa.array(_EMPTY)), None, column)
        try:
            return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
        except pa.ArrowInvalid:
            pass
        values = np.full(len(self), np.nan)
        wrong = np.zeros(len(self), np.bool_)
        for row, text in enumerate(column.to_pylist()):
            if text is not None:
                try:
                    values[row] = float(text) if "_" not in text else float("x")
                except ValueError:
                    wrong[row] = True
        self.refuse(wrong, Reason.NUMBER, self._teller(name)("; allowed: a number such as 12.35, or nothing"))
        return values

    def prices(self, name: str, *, divisor: float = 1.0) -> Numbers:
        """A column of prices, rounded to the hundredths of a cent that LEAN's files hold; NaN where there is none.

        A price of zero is none: vendors write it where nobody quotes, and nobody trades.
        """
        values = np.round(self.numbers(name, divisor=divisor), 4)
        return np.where(values == 0.0, np.nan, values)

    def sizes(self, name: str, part: int | None = None) -> Times:
        """A column of whole numbers, 0 where the cell is empty; parts of shares are cut off.

        ``part`` is which number is meant of cells that have two, as ``3 x 5`` contracts bid and asked for.
        """
        if part is not None:
            told = "; allowed: two numbers, as in 3 x 5"
            return self._each(name, np.dtype("<i8"), lambda text: _one_of(text, part), Reason.NUMBER, told)
        values = np.floor(np.nan_to_num(self.numbers(name)))
        self.refuse(values > 2.0**53, Reason.NUMBER, self._teller(name)("; allowed: at most 2^53"))
        return np.where(self.good, values, 0.0).astype(np.int64)

    def days(self, name: str) -> NDArray[np.datetime64]:
        """A column of dates: ``yyyy-mm-dd``, ``yyyymmdd``, ``mm/dd/yyyy``, or the date of a time."""
        return self._each(name, np.dtype("<M8[D]"), _day, Reason.DATE, "; allowed: a date such as 2024-01-31")

    def moments(self, name: str, zone: ZoneInfo) -> Times:
        """A column of times, ns UTC: ISO 8601, ``yyyymmdd hh:mm:ss``, or a whole number since 1970.

        One that says no offset is by the clock of ``zone``. Of an hour that a clock shows twice, the first is meant.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self._chunk.columns[name]
        if pa.types.is_timestamp(column.type):
            times = pc.cast(column, pa.timestamp("ns", column.type.tz)).cast(pa.int64())
            values = np.asarray(pc.fill_null(times, -1).to_numpy(zero_copy_only=False), np.int64)
            values = values if column.type.tz else local_to_utc(values, zone)
        elif pa.types.is_integer(column.type):
            values = _since_1970(np.asarray(pc.fill_null(column, -1).to_numpy(zero_copy_only=False)).astype(np.int64))
        elif (counts := self._counts(name)) is not None:
            values = counts
        else:
            told = "; allowed: a time such as 2024-01-31T09:31:00 or 1706711460000000000"
            walls = self._each(name, np.dtype("<i8"), _moment, Reason.MOMENT, told)
            aware = self._each(name, np.dtype("?"), lambda text: _parts(text)[1], Reason.MOMENT, told)
            values = np.where(aware, walls, local_to_utc(walls, zone))
        beyond = (values < _FIRST.astype("datetime64[ns]").astype(np.int64)) | (
            values > _LAST.astype("datetime64[ns]").astype(np.int64)
        )
        self.refuse(beyond, Reason.MOMENT, self._teller(name)("; allowed: from 1970-01-02 to 2050-12-31"))
        return np.where(self.good, values, DAY)

    def milliseconds(self, name: str) -> Times:
        """A column of times of day, as milliseconds after midnight or ``hh:mm:ss``, in milliseconds."""
        told = "; allowed: milliseconds after midnight, or hh:mm:ss"
        return self._each(name, np.dtype("<i8"), _clock, Reason.MOMENT, told)

    def _counts(self, name: str) -> Times | None:
        """A column of texts that are all whole numbers since 1970; None for another."""
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            values = _since_1970(np.asarray(pc.cast(self.text(name), pa.int64()).to_numpy(zero_copy_only=False)))
        except pa.ArrowInvalid:
            return None
        return values if (values >= 0).all() else None

    def rights(self, name: str) -> NDArray[np.int8]:
        """A column of C, P, call or put: +1 for a call, -1 for a put."""
        return self._each(
            name, np.dtype("i1"), lambda text: _RIGHTS[text.lower()], Reason.RIGHT, "; allowed: C, P, call, put"
        )

    def symbols(self, name: str, found: Callable[[str], str] = str) -> tuple[list[Name], NDArray[np.int32], Any]:
        """A column of symbols, of options by OCC's rules and of what they are written on: names, whose, and contracts.

        ``found`` turns a cell into a symbol; a contract with right 0 is an underlying's.
        """

        def one(text: str) -> tuple[Name, tuple[Any, ...]]:
            symbol = found(text)
            if len(symbol) >= 15 or symbol.startswith("O:"):
                root, key = contract_of_symbol(symbol)
                return self._roots.option(root), tuple(key)
            return self._roots.underlying(symbol), (dt.date(1970, 1, 1), 0.0, 0)

        return self._named(name, one)

    def roots(self, name: str) -> tuple[list[Name], NDArray[np.int32], Any]:
        """A column of roots of options as names, and whose each row is; the contracts have all the same, zeros."""
        return self._named(name, lambda text: (self._roots.option(text), (dt.date(1970, 1, 1), 0.0, 0)))

    def tickers(self, name: str) -> tuple[list[Name], NDArray[np.int32], Any]:
        """A column of stocks and indices as names, and whose each row is; the contracts have all the same, zeros."""
        return self._named(name, lambda text: (self._roots.underlying(text), (dt.date(1970, 1, 1), 0.0, 0)))

    def _named(
        self, name: str, one: Callable[[str], tuple[Name, tuple[Any, ...]]]
    ) -> tuple[list[Name], NDArray[np.int32], NDArray[np.void]]:
        encoded = self.text(name).dictionary_encode()
        texts, places = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
        names: dict[Name, int] = {}
        of, contracts = np.zeros(len(texts), np.int32), np.zeros(len(texts), CONTRACT)
        for place, text in enumerate(texts):
            try:
                mapped, key = one(text)
            except UnmappedError as error:
                detail = error.detail
                self.refuse(places == place, error.reason, lambda row, detail=detail: detail)  # type: ignore[misc]
                continue
            of[place] = names.setdefault(mapped, len(names))
            contracts[place] = key
        return list(names), of[places], contracts[places]

    def _each(
        self, name: str, dtype: np.dtype[Any], one: Callable[[str], Any], reason: Reason, allowed: str
    ) -> NDArray[Any]:
        """Each distinct text of a column made into a value; rows whose text is none are refused."""
        encoded = self.text(name).dictionary_encode()
        texts, places = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
        values = np.zeros(len(texts), dtype)
        wrong = np.zeros(len(texts), np.bool_)
        for place, text in enumerate(texts):
            try:
                values[place] = one(text)
            except (KeyError, ValueError, OSError, OverflowError):
                wrong[place] = True
        self.refuse(wrong[places], reason, self._teller(name)(allowed))
        found: NDArray[Any] = values[places]
        return found

    def _teller(self, name: str) -> Callable[[str], Callable[[int], str]]:
        return lambda allowed: lambda row: f"{name} = {self.text(name)[row].as_py()[:80]!r}{allowed}"


def _day(text: str) -> dt.date:
    if "/" in text:
        day = dt.datetime.strptime(text.split()[0], "%m/%d/%Y").date()
    elif len(text) == 8 and text.isdigit():
        day = dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    else:
        day = dt.date.fromisoformat(text[:10])
        if len(text) > 10 and text[10] not in "T ":
            raise ValueError(text)
    if not _FIRST <= np.datetime64(day) <= _LAST:
        raise ValueError(text)
    return day


def _since_1970(counts: Times) -> Times:
    """Whole numbers as nanoseconds, by how large they are; -1 for one that is too small to stand for a time."""
    values, below = np.full(len(counts), -1, np.int64), np.ones(len(counts), np.bool_)
    for least, unit in _UNITS:
        here = below & (counts >= least)
        values = np.where(here, np.where(here, counts, 0) * unit, values)
        below &= ~here
    return values


def _one_of(text: str, part: int) -> int:
    if not text:
        return 0
    bid, ask = text.lower().split("x")
    value = int((bid, ask)[part].strip() or 0)
    if value < 0:
        raise ValueError(text)
    return value


def _clock(text: str) -> int:
    if text.isdigit():
        value = int(text)
    else:
        clock = dt.time.fromisoformat(text)
        value = ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 1000 + clock.microsecond // 1000
    if value >= DAY // MILLISECOND:
        raise ValueError(text)
    return value


def _moment(text: str) -> int:
    return _parts(text)[0]


def _parts(text: str) -> tuple[int, bool]:
    """A time as nanoseconds, and whether they are UTC's; else they are those of a clock on a wall.

    :raises ValueError: when it is none.
    """
    if text.isdigit() and len(text) >= 9:
        value = int(_since_1970(np.array([int(text)], np.int64))[0])
        if value < 0:
            raise ValueError(text)
        return value, True
    shown, zone = text, None
    head, _, tail = text.rpartition(" ")
    if head and "/" in tail and not tail[0].isdigit():  # 20240102 09:30:00 US/Eastern
        shown, zone = head, ZoneInfo(tail)
    if "/" in shown:
        month, day, rest = shown.split("/")
        shown = f"{rest[:4]}-{int(month):02d}-{int(day):02d}{rest[4:]}"
    if shown[:8].isdigit():
        # With a dash before the clock Interactive Brokers means UTC.
        zone = ZoneInfo("UTC") if shown[8:9] == "-" else zone
        shown = f"{shown[:4]}-{shown[4:6]}-{shown[6:8]} {shown[8:].lstrip(' -')}".rstrip()
    whole, dot, fraction = shown.partition(".")
    end = len(fraction) - len(fraction.lstrip("0123456789"))
    nanoseconds = int(fraction[:end].ljust(9, "0")[:9]) if dot else 0
    moment = dt.datetime.fromisoformat(whole + fraction[end:])
    if zone is not None:
        moment = moment.replace(tzinfo=zone)
    aware = moment.tzinfo is not None
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC if aware else None)
    return (moment - epoch) // dt.timedelta(seconds=1) * SECOND + nanoseconds, aware
