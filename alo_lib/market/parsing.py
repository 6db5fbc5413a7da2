"""Numbers out of LEAN's csv bytes: one compiled pass over all entries of an archive.

The kernels know nothing of bars. They find the lines, read each line's time and numbers, and say what is wrong with a
line; which rows are kept, and what the numbers mean, is decided by the readers above.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.faults import FaultKind
from alo_lib.numerics.compilation import kernel
from alo_lib.records import DAY, MILLISECOND, MINUTE

__all__ = ["STATUS", "Rows", "mark_disorder", "parse"]

GOOD: Final = 0
COLUMNS: Final = 1
NUMBER: Final = 2
TIME: Final = 3
OUT_OF_ORDER: Final = 4
DUPLICATE: Final = 5
NEGATIVE: Final = 6
HIGH_BELOW_LOW: Final = 7
CROSSED: Final = 8

STATUS: Final[dict[int, FaultKind]] = {
    COLUMNS: FaultKind.COLUMNS,
    NUMBER: FaultKind.NUMBER,
    TIME: FaultKind.TIME,
    OUT_OF_ORDER: FaultKind.OUT_OF_ORDER,
    DUPLICATE: FaultKind.DUPLICATE,
    NEGATIVE: FaultKind.NEGATIVE,
    HIGH_BELOW_LOW: FaultKind.HIGH_BELOW_LOW,
    CROSSED: FaultKind.CROSSED,
}
"""The fault that each row status other than good stands for."""

_MAX_DIGITS = 18  # more would overflow the int64 that digits are gathered in
_MAX_TIME_DIGITS = 9  # more milliseconds are more than a day
_COMMA, _DOT, _MINUS, _ZERO, _NINE, _SPACE, _COLON, _NEWLINE, _RETURN = (ord(c) for c in ",.-09 :\n\r")


@dataclass(frozen=True)
class Rows:
    """The lines of some entries.

    ``time`` is wall-clock nanoseconds since 1970; ``values`` (rows, columns) raw numbers, NaN where a cell is empty;
    ``status`` is good or one of :data:`STATUS`; ``entry`` and ``line`` (from 1) say where.
    """

    time: NDArray[np.int64]
    values: NDArray[np.float64]
    status: NDArray[np.uint8]
    entry: NDArray[np.int32]
    line: NDArray[np.int32]


@kernel
def _count_lines(text: NDArray[np.uint8], bounds: NDArray[np.int64]) -> int:
    """Lines that are not blank."""
    count = 0
    for entry in range(bounds.shape[0] - 1):
        blank = True
        for i in range(bounds[entry], bounds[entry + 1]):
            byte = text[i]
            if byte == _NEWLINE:
                count += not blank
                blank = True
            elif byte != _RETURN and byte != _SPACE:
                blank = False
        count += not blank
    return count


@kernel
def _digits(text: NDArray[np.uint8], start: int, count: int) -> int:
    """``count`` digits as a number, -1 when one is none."""
    value = 0
    for i in range(start, start + count):
        if text[i] < _ZERO or text[i] > _NINE:
            return -1
        digit: Any = np.int64(text[i]) - _ZERO
        value = value * 10 + digit
    return value


@kernel
def _days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar (H. Hinnant, chrono-compatible low-level date algorithms)."""
    y = year - (month <= 2)
    era = y // 400
    year_of_era = y - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


@kernel
def _dated_time(text: NDArray[np.uint8], start: int, end: int) -> int:
    """``yyyyMMdd HH:mm`` as wall-clock nanoseconds, -1 when it is none."""
    if end - start != 14 or text[start + 8] != _SPACE or text[start + 11] != _COLON:
        return -1
    year, month, day = _digits(text, start, 4), _digits(text, start + 4, 2), _digits(text, start + 6, 2)
    hour, minute = _digits(text, start + 9, 2), _digits(text, start + 12, 2)
    if year < 1970 or month < 1 or month > 12 or day < 1 or hour < 0 or hour > 23 or minute < 0 or minute > 59:
        return -1
    first = _days_from_civil(year, month, 1)
    following = _days_from_civil(year + month // 12, month % 12 + 1, 1)
    if day > following - first:
        return -1
    moment: int = (first + day - 1) * DAY + (hour * 60 + minute) * MINUTE
    return moment


@kernel
def _parse_lines(
    text: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    dated: bool,
    midnight: int,
    time: NDArray[np.int64],
    values: NDArray[np.float64],
    status: NDArray[np.uint8],
    entries: NDArray[np.int32],
    lines: NDArray[np.int32],
) -> None:
    """Fill one row a line that is not blank. Cells: spaces, a minus, digits with at most one point, spaces."""
    columns = values.shape[1] + 1
    row = 0
    for entry in range(bounds.shape[0] - 1):
        position, stop, line = bounds[entry], bounds[entry + 1], 0
        while position < stop:
            end = position
            blank = True
            while end < stop and text[end] != _NEWLINE:
                if text[end] != _RETURN and text[end] != _SPACE:
                    blank = False
                end += 1
            line += 1
            if blank:
                position = end + 1
                continue

            entries[row], lines[row], state = entry, line, GOOD
            last = end - 1 if text[end - 1] == _RETURN else end
            column = 0
            start = position
            while start <= last:
                cell = start
                while cell < last and text[cell] != _COMMA:
                    cell += 1
                if column < columns:
                    if column == 0 and dated:
                        moment = _dated_time(text, start, cell)
                        time[row] = moment
                        if moment < 0 and state == GOOD:
                            state = TIME
                    else:
                        i, j = start, cell
                        while i < j and text[i] == _SPACE:
                            i += 1
                        while j > i and text[j - 1] == _SPACE:
                            j -= 1
                        missing = i == j
                        negative = i < j and text[i] == _MINUS
                        if negative:
                            i += 1
                        good = i < j or missing
                        digits, scale, point, count = 0, 1.0, False, 0
                        while i < j and good:
                            byte: Any = np.int64(text[i])
                            if byte == _DOT and not point:
                                point = True
                            elif _ZERO <= byte <= _NINE and count < _MAX_DIGITS:
                                digits = digits * 10 + (byte - _ZERO)
                                count += 1
                                if point:
                                    scale *= 10.0
                            else:
                                good = False
                            i += 1
                        good = good and (missing or count > 0)
                        if not good:
                            state = NUMBER if state == GOOD else state
                        elif column == 0:
                            if missing or point:
                                state = NUMBER if state == GOOD else state
                            elif negative or count > _MAX_TIME_DIGITS or digits * MILLISECOND >= DAY:
                                state = TIME if state == GOOD else state
                            else:
                                time[row] = midnight + digits * MILLISECOND
                        elif missing:
                            values[row, column - 1] = np.nan
                        else:
                            value = digits / scale
                            values[row, column - 1] = -value if negative else value
                column += 1
                start = cell + 1
            if column != columns:
                state = COLUMNS
            status[row] = state
            row += 1
            position = end + 1


@kernel
def _mark_disorder(time: NDArray[np.int64], entry: NDArray[np.int32], status: NDArray[np.uint8]) -> None:
    """Mark good rows whose time does not rise within their entry; rows that are marked do not count."""
    current, previous = -1, 0
    for row in range(time.shape[0]):
        if status[row] != GOOD:
            continue
        if entry[row] != current:
            current = entry[row]
        elif time[row] == previous:
            status[row] = DUPLICATE
            continue
        elif time[row] < previous:
            status[row] = OUT_OF_ORDER
            continue
        previous = time[row]


def parse(contents: list[bytes], columns: int, *, dated: bool, midnight: int = 0) -> Rows:
    """The rows of all ``contents``, each line a time and ``columns`` numbers.

    ``dated`` times are written ``yyyyMMdd HH:mm``; others are milliseconds after ``midnight`` (wall-clock nanoseconds).
    """
    bounds = np.zeros(len(contents) + 1, dtype=np.int64)
    np.cumsum([len(content) for content in contents], out=bounds[1:])
    text = np.frombuffer(b"".join(contents), dtype=np.uint8)
    count = int(_count_lines(text, bounds))
    rows = Rows(
        time=np.zeros(count, np.int64),
        values=np.zeros((count, columns), np.float64),
        status=np.zeros(count, np.uint8),
        entry=np.zeros(count, np.int32),
        line=np.zeros(count, np.int32),
    )
    _parse_lines(text, bounds, dated, midnight, rows.time, rows.values, rows.status, rows.entry, rows.line)
    return rows


def mark_disorder(rows: Rows) -> None:
    """Mark, in place, good rows whose time repeats or precedes that of the last good row of their entry."""
    _mark_disorder(rows.time, rows.entry, rows.status)
