"""Files whose user says what each column is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from alo_lib.market.faults import DataError
from alo_lib.market.importing.described import FIELDS, Column, Described, Description, UnfitColumnsError
from alo_lib.market.importing.refusals import Refusals
from alo_lib.market.importing.rows import Rows
from alo_lib.market.importing.sources import Chunk, columns_of, read_chunks
from alo_lib.market.importing.symbols import Roots
from alo_lib.market.layout import Resolution
from alo_lib.records import MINUTE, NEW_YORK
from alo_lib.records.spelling import meant

__all__ = ["DescribedFiles", "columns_described", "constant_security", "described_files", "rows_by", "zone_of"]

_SHOWN: Final = 20


def columns_described(text: str) -> dict[str, Column]:
    """What ``field=column, field=column/divisor`` says.

    >>> columns_described("time=ts, strike=k/1000")
    {'time': Column(name='ts', divisor=1.0), 'strike': Column(name='k', divisor=1000.0)}

    :raises UnfitColumnsError: for another text.
    """
    found: dict[str, Column] = {}
    for part in text.split(","):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        column, slash, divisor = (
            (piece.strip() for piece in column.rpartition("/")) if "/" in column else (column, "", "")
        )
        if not (name and equals and column):
            raise UnfitColumnsError(
                f"'{part.strip()}' is no description; write field=column, such as strike=strike_price"
            )
        if name not in FIELDS:
            close = meant(name, list(FIELDS))
            raise UnfitColumnsError(
                f"'{name}' is no field" + (f"; did you mean {close}?" if close else f"; allowed: {', '.join(FIELDS)}")
            )
        if name in found:
            raise UnfitColumnsError(f"{name} is described twice; one column is allowed")
        try:
            by = float(divisor) if slash else 1.0
        except ValueError:
            by = 0.0
        if not by > 0.0:
            raise UnfitColumnsError(f"'{divisor}' is no divisor; allowed: a number above 0, as in strike=k/1000")
        found[name] = Column(column.lower(), by)
    return found


def rows_by(
    path: Path, chunk: Chunk, descriptions: Iterable[Description], refusals: Refusals, roots: Roots
) -> Iterable[Rows]:
    """The rows that a chunk makes by each description.

    :raises DataError: for a column that the file has not.
    """
    for description in descriptions:
        for column in description.columns.values():
            if column.name not in chunk.columns:
                has = ", ".join(list(chunk.columns)[:_SHOWN])
                raise DataError(f"{path} has no column '{column.name}'; it has {has}")
        yield from Described(chunk, description, refusals, roots).rows()


class DescribedFiles:
    """Files of any one layout, by one description."""

    def __init__(self, description: Description) -> None:
        self._description = description

    def prepare(self, paths: Sequence[Path], refusals: Refusals) -> Sequence[Path]:
        """All of them."""
        for path in paths:
            columns_of(path)
        return paths

    def chunks(self, path: Path, refusals: Refusals) -> Iterator[Chunk]:
        """A file, a chunk of rows at a time."""
        return read_chunks(path, refusals)

    def rows(self, path: Path, chunk: Chunk, refusals: Refusals, roots: Roots) -> Iterable[Rows]:
        """The rows of one chunk."""
        return rows_by(path, chunk, [self._description], refusals, roots)


def described_files(options: Mapping[str, Any]) -> DescribedFiles:
    """Files by the options of the command.

    :raises DataError: for options that describe no rows.
    """
    if not options.get("columns"):
        raise UnfitColumnsError("csv files need --columns, such as --columns symbol=osi,time=ts,bid=bid,ask=ask")
    length = Resolution(options.get("bar") or "minute")
    lasts = (options.get("lasts") or 0) * MINUTE
    columns = columns_described(options["columns"])
    return DescribedFiles(
        Description(
            columns,
            constants=constant_security(options.get("ticker"), columns),
            length=length,
            lasts=lasts,
            zone=zone_of(options.get("time_zone")),
            size=options.get("size") or 0,
        )
    )


def constant_security(ticker: str | None, columns: Mapping[str, Column]) -> dict[str, str]:
    """Whose all rows are: of options the root, else an underlying or one contract, by the columns that there are."""
    if ticker is None:
        return {}
    if "expiry" in columns and "root" not in columns:
        return {"root": ticker}
    return {"symbol": ticker}


def zone_of(name: str | None) -> ZoneInfo:
    """A time zone, New York's where none is named.

    :raises DataError: for another name than the zone database has.
    """
    if name is None:
        return NEW_YORK
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnfitColumnsError(f"'{name}' is no time zone; allowed: a name such as America/Chicago or UTC") from None
