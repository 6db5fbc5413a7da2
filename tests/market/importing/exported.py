"""A folder in LEAN's format written as vendors write, by their published descriptions."""

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from alo_lib.market import DataFolder, DataKind, OptionBars, Resolution
from alo_lib.market.bars import contract_keys
from alo_lib.market.layout import ContractKey
from alo_lib.records import MINUTE, NEW_YORK, osi_symbol

UTC = ZoneInfo("UTC")
PARTS = ("open", "high", "low", "close")
SIDES = [f"{side}_{part}" for side in ("bid", "ask") for part in (*PARTS, "size")]


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """A csv file; None and NaN are empty cells."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(["" if cell is None or cell != cell else cell for cell in row])
    return path


def number(value: float) -> str | None:
    """A price as vendors write it."""
    return None if value != value else f"{value:.4f}".rstrip("0").rstrip(".")


def clock(time: int, zone: ZoneInfo = NEW_YORK) -> dt.datetime:
    """The moment of whole seconds on a zone's clock, without the zone."""
    return dt.datetime.fromtimestamp(time // 10**9, zone).replace(tzinfo=None)


def symbol(ticker: str, key: ContractKey) -> str:
    """The OCC symbol, padded."""
    return osi_symbol(ticker, *key)


class Exported:
    """Reads a folder's days, to be written in other shapes."""

    def __init__(self, root: Path, ticker: str, start: dt.date, end: dt.date) -> None:
        self.folder = DataFolder(root)
        self.ticker, self.start, self.end = ticker, start, end

    def chain(self, kind: DataKind = DataKind.QUOTE) -> Iterable[tuple[ContractKey, np.void]]:
        """Contract and bar of each row, in time order."""
        chain: OptionBars = self.folder.option_bars(self.ticker, self.start, self.end, Resolution.MINUTE, kind)
        keys = contract_keys(chain.contracts)
        for number, bar in zip(chain.contract.tolist(), chain.bars, strict=True):
            yield keys[number], bar

    def bars(self, kind: DataKind = DataKind.TRADE) -> np.ndarray:
        """Minute bars of the underlying."""
        return self.folder.bars(self.ticker, self.start, self.end, Resolution.MINUTE, kind)

    def daily(self) -> np.ndarray:
        """All daily bars of the underlying."""
        return self.folder.bars(self.ticker, dt.date(2000, 1, 1), self.end, Resolution.DAILY)

    # The described csv ---------------------------------------------------------------------------------------------

    def described(self, to: Path) -> list[tuple[Path, list[str]]]:
        """Files, each with the options with which ``alo import csv`` reads it; the stock's come first."""
        to.mkdir(parents=True, exist_ok=True)
        sided = ",".join(f"{each.removesuffix('_close')}={each}" for each in SIDES)
        bars = ",".join([*(f"{each}={each}" for each in PARTS), "volume=volume"])
        cash = "ticker=t,date=ex,dividend=cash,split=ratio"
        interest = "root=und,expiry=exp,strike=k/1000,right=cp,time=ts,open_interest=oi"
        return [
            (self._daily(to / "daily.csv"), ["--bar", "daily", "--columns", f"ticker=t,date=day,{bars}"]),
            (self._stock(to / "stock.csv"), ["--lasts", "1", "--columns", f"ticker=t,time=when,{bars}"]),
            (self._stock_quotes(to / "stock-quotes.csv"), ["--columns", f"ticker=t,time=when,{sided}"]),
            (self._events(to / "cash.csv"), ["--columns", cash]),
            (self._chain(to / "chain.csv"), ["--columns", f"symbol=osi,time=ts,{sided}"]),
            (self._interest(to / "interest.csv"), ["--columns", interest]),
        ]

    def _daily(self, path: Path) -> Path:
        rows = ([self.ticker, f"{clock(int(bar['time'])):%m/%d/%Y}", *_traded(bar)] for bar in self.daily())
        return write(path, ["t", "day", *PARTS, "volume"], rows)

    def _stock(self, path: Path) -> Path:
        rows = ([self.ticker, clock(int(bar["time"]) - MINUTE), *_traded(bar)] for bar in self.bars())
        return write(path, ["t", "when", *PARTS, "volume"], rows)

    def _stock_quotes(self, path: Path) -> Path:
        rows = ([self.ticker, clock(int(bar["time"])), *_quoted(bar)] for bar in self.bars(DataKind.QUOTE))
        return write(path, ["t", "when", *SIDES], rows)

    def _chain(self, path: Path) -> Path:
        rows = ([symbol(self.ticker, key), int(bar["time"]), *_quoted(bar)] for key, bar in self.chain())
        return write(path, ["osi", "ts", *SIDES], rows)

    def _interest(self, path: Path) -> Path:
        rows = (
            [
                self.ticker,
                key.expiry,
                round(key.strike * 1000),
                "call" if key.right > 0 else "put",
                f"{clock(int(bar['time']), UTC)}+00:00",
                bar["open_interest"],
            ]
            for key, bar in self.chain(DataKind.OPEN_INTEREST)
        )
        return write(path, ["und", "exp", "k", "cp", "ts", "oi"], rows)

    def _events(self, path: Path) -> Path:
        events = self.folder.events(self.ticker)
        dividends = ([self.ticker, each.ex_date, each.amount, None] for each in events.dividends)
        splits = ([self.ticker, each.day, None, round(1.0 / each.factor, 6)] for each in events.splits)
        return write(path, ["t", "ex", "cash", "ratio"], [*dividends, *splits])


def _traded(bar: np.void) -> list[object]:
    return [*(number(bar[each]) for each in PARTS), bar["volume"]]


def _quoted(bar: np.void) -> list[object]:
    return [bar[each] if each.endswith("size") else number(bar[each]) for each in SIDES]
