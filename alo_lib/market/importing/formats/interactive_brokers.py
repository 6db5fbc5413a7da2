"""Interactive Brokers: bars of ``reqHistoricalData``, one file for each contract and for each of BID, ASK and TRADES.

Source: the TWS API's documentation of historical bars, and the columns that ib_insync's ``util.df`` gives them (date,
open, high, low, close, volume). A bar is stamped with its start, by New York's clock unless it says an offset, or by
the clock of the zone that stands behind it; a dash between date and time is UTC. What a file is of stands in its name:
``SYMBOL_SHOW.csv``, the symbol a ticker or OCC's (the contract's localSymbol). Bars of bids and of asks have no sizes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from alo_lib.market.faults import DataError
from alo_lib.market.importing.described import Column, Description, UnfitColumnsError
from alo_lib.market.importing.formats.described import rows_by
from alo_lib.market.importing.formats.vendors import Layout, VendorFiles
from alo_lib.market.importing.refusals import Refusals
from alo_lib.market.importing.rows import Rows
from alo_lib.market.importing.sources import Chunk
from alo_lib.market.importing.symbols import Roots, UnmappedError
from alo_lib.market.layout import Resolution
from alo_lib.records import MINUTE

__all__ = ["InteractiveBrokersFiles", "interactive_brokers_files"]

_NAME: Final = re.compile(r"(?P<symbol>.*?)[_ .-]*(?P<show>BID_ASK|MIDPOINT|BID|ASK|TRADES)", re.IGNORECASE)
_PARTS: Final = ("open", "high", "low", "close")
_SUFFIXES: Final = (".csv", ".gz", ".zip", ".zst", ".bz2", ".parquet")


def interactive_brokers_files(options: Mapping[str, Any]) -> "InteractiveBrokersFiles":
    """Files by the options of the command; ``lasts`` is the length of a bar, a minute by default."""
    needs = frozenset({"date", *_PARTS})
    return InteractiveBrokersFiles("Interactive Brokers", [Layout("bars", needs, ())], options=options)


@dataclass
class InteractiveBrokersFiles(VendorFiles):
    """Files whose names say what they are of, read by the options of the command."""

    options: Mapping[str, Any] = field(default_factory=dict)

    def prepare(self, paths: Sequence[Path], refusals: Refusals) -> Sequence[Path]:
        """All files, whose names must tell what they are of.

        :raises DataError: for a name that does not, and for averages over a bar, which are no quotes.
        """
        for path in paths:
            self._described(path)
        return super().prepare(paths, refusals)

    def rows(self, path: Path, chunk: Chunk, refusals: Refusals, roots: Roots) -> Iterable[Rows]:
        """The rows of one chunk."""
        try:
            yield from rows_by(path, chunk, [self._described(path)], refusals, roots)
        except UnmappedError as error:
            refusals.record(error.reason, str(path), int(chunk.lines[0]), error.detail, count=len(chunk))

    def _described(self, path: Path) -> Description:
        stem = path.name
        while stem.lower().endswith(_SUFFIXES):
            stem = stem[: stem.rindex(".")]
        found = _NAME.fullmatch(stem)
        symbol = self.options.get("ticker") or (found["symbol"] if found else "")
        if found is None or not symbol:
            raise UnfitColumnsError(
                f"{path} does not say what it is of; name it SYMBOL_BID.csv, SYMBOL_ASK.csv or SYMBOL_TRADES.csv, "
                "such as AAPL240119C00190000_BID.csv"
            )
        show = found["show"].upper()
        if show in ("BID_ASK", "MIDPOINT"):
            raise DataError(
                f"{path} has {show} bars, which hold averages over the bar and no quotes; ask for BID and for ASK"
            )
        columns = {"time": Column("date")}
        if show == "TRADES":
            columns |= {name: Column(name) for name in (*_PARTS, "volume")}
        else:
            side = show.lower()
            columns |= {side if name == "close" else f"{side}_{name}": Column(name) for name in _PARTS}
        daily = self.options.get("bar") == "daily"
        return Description(
            columns,
            {"symbol": symbol},
            Resolution.DAILY if daily else Resolution.MINUTE,
            0 if daily else (self.options.get("lasts") or 1) * MINUTE,
            size=int(self.options.get("size") or 0),
            sided=True,
        )
