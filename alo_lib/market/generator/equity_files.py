"""The files of a made-up stock: its bars, its name, and the factors and events that explain its price."""

import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.aggregation import hour_bars
from alo_lib.market.bars import TRADE_BAR
from alo_lib.market.calendar import MarketHours
from alo_lib.market.event_files import events_file
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.factor_rows import factor_rows
from alo_lib.market.generator.dividends import PaidOut
from alo_lib.market.generator.paths import daily_bar, equity_quotes
from alo_lib.market.generator.stock import Day
from alo_lib.market.generator.truth import NameTruth
from alo_lib.market.layout import DataKind, Resolution, SecurityArchive
from alo_lib.market.map_files import MapFile, MapRow
from alo_lib.market.writer import write_factor_file, write_map_file, write_security_file
from alo_lib.records import LAST_DAY

__all__ = ["Stock", "write_stock"]

Halted = Callable[[Day, NDArray[np.int64]], NDArray[np.bool_]]


class Stock(NamedTuple):
    """A made-up stock: its ``days``, the first of which are its ``history``, and what it pays."""

    name: NameTruth
    days: Sequence[Day]
    history: int
    paid: PaidOut


def write_stock(
    root: Path,
    stock: Stock,
    hours: MarketHours,
    halted: Halted,
    stream: np.random.SeedSequence,
    resolutions: Collection[Resolution],
) -> None:
    """Daily bars of all days, bars of ``resolutions`` of those behind the history, and what explains them."""
    name, days, history, paid = stock
    ticker = name.ticker
    daily = np.zeros(len(days), TRADE_BAR)
    for number, day in enumerate(days):
        daily[number] = (day.session.close, *daily_bar(day.bars))
    last_day = days[-1].session.day
    write_security_file(SecurityArchive(root, ticker, last_day, Resolution.DAILY, DataKind.TRADE), daily, hours)
    traded = [day.bars[~halted(day, day.bars["time"])] for day in days[history:]]
    if Resolution.MINUTE in resolutions:
        generator = np.random.default_rng(stream)
        for day, bars in zip(days[history:], traded, strict=True):
            quotes = equity_quotes(day.bars, generator)[~halted(day, day.bars["time"])]
            for kind, rows in ((DataKind.TRADE, bars), (DataKind.QUOTE, quotes)):
                archive = SecurityArchive(root, ticker, day.session.day, Resolution.MINUTE, kind)
                write_security_file(archive, rows, hours)
    if Resolution.HOUR in resolutions:
        archive = SecurityArchive(root, ticker, last_day, Resolution.HOUR, DataKind.TRADE)
        write_security_file(archive, np.concatenate([hour_bars(bars) for bars in traded]), hours)
    first_day = days[0].session.day
    write_map_file(root, MapFile(ticker, (MapRow(first_day, ticker, "Q"), MapRow(LAST_DAY, ticker, "Q"))))
    splits = {split.day: split.ratio for split in name.splits}
    write_factor_file(root, ticker, _factors(days, paid, splits))
    _write_events(root, name)


def _factors(days: Sequence[Day], paid: PaidOut, splits: Mapping[date, float]) -> list[FactorRow]:
    """Factors that give back the dividends and splits of the days."""
    closes = [(day.session.day, Decimal(f"{day.bars['close'][-1]:.2f}")) for day in days]
    dividends = {
        day.session.day: Decimal(repr(paid.amount)) / Decimal(repr(before.unit))
        for before, day in itertools.pairwise(days)
        if day.session.day in paid.days
    }
    return factor_rows(closes, dividends, {day: Decimal(repr(ratio)) for day, ratio in splits.items()})


def _write_events(root: Path, name: NameTruth) -> None:
    """The dates of events, with the mean absolute move of a normal one."""
    if name.events:
        path = events_file(root, name.ticker)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{event.day}, before, earnings, {event.move * math.sqrt(2.0 / math.pi):.6f}\n"
            for event in sorted(name.events, key=lambda event: event.day)
        ]
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
