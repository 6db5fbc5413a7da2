"""The files of a made-up stock: its bars, its name, and the factors and events that explain its price."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.aggregation import hour_bars
from alo_lib.market.bars import TRADE_BAR
from alo_lib.market.calendar import MarketHours
from alo_lib.market.event_files import events_file
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.generator.dividends import PaidOut
from alo_lib.market.generator.paths import daily_bar, equity_quotes
from alo_lib.market.generator.stock import Day
from alo_lib.market.generator.truth import NameTruth
from alo_lib.market.layout import DataKind, Resolution, SecurityArchive
from alo_lib.market.map_files import MapFile, MapRow
from alo_lib.market.writer import write_factor_file, write_map_file, write_security_file

__all__ = ["write_stock"]

_END_OF_TIME: Final = date(2050, 12, 31)
_ONE: Final = Decimal(1)
_DIGITS: Final = Decimal("1E-16")

Halted = Callable[[Day, NDArray[np.int64]], NDArray[np.bool_]]


def write_stock(
    root: Path,
    name: NameTruth,
    days: Sequence[Day],
    history: int,
    paid: PaidOut,
    hours: MarketHours,
    halted: Halted,
    stream: np.random.SeedSequence,
) -> None:
    """Daily bars of all ``days``, minute and hour bars of those behind the ``history``, and what explains them."""
    ticker = name.ticker
    daily = np.zeros(len(days), TRADE_BAR)
    for number, day in enumerate(days):
        daily[number] = (day.session.close, *daily_bar(day.bars))
    last_day = days[-1].session.day
    write_security_file(SecurityArchive(root, ticker, last_day, Resolution.DAILY, DataKind.TRADE), daily, hours)
    generator = np.random.default_rng(stream)
    hourly = []
    for day in days[history:]:
        quotes = equity_quotes(day.bars, generator)
        open_ = ~halted(day, day.bars["time"])
        hourly.append(hour_bars(day.bars[open_]))
        for kind, bars in ((DataKind.TRADE, day.bars[open_]), (DataKind.QUOTE, quotes[open_])):
            write_security_file(SecurityArchive(root, ticker, day.session.day, Resolution.MINUTE, kind), bars, hours)
    archive = SecurityArchive(root, ticker, last_day, Resolution.HOUR, DataKind.TRADE)
    write_security_file(archive, np.concatenate(hourly), hours)
    first_day = days[0].session.day
    write_map_file(root, MapFile(ticker, (MapRow(first_day, ticker, "Q"), MapRow(_END_OF_TIME, ticker, "Q"))))
    splits = {split.day: split.ratio for split in name.splits}
    write_factor_file(root, ticker, _factors(days, paid, splits))
    _write_events(root, name)


def _factors(days: Sequence[Day], paid: PaidOut, splits: Mapping[date, float]) -> list[FactorRow]:
    """Factors that give back dividends and splits: each row holds until the close before an ex-date or a split."""
    price, split = _ONE, _ONE
    rows = [FactorRow(_END_OF_TIME, price, split, Decimal(0))]
    for before, day in reversed(list(itertools.pairwise(days))):
        pays, ratio = day.session.day in paid.days, splits.get(day.session.day, 1.0)
        if pays or ratio != 1.0:
            close = Decimal(f"{before.bars['close'][-1]:.2f}")
            if pays:
                amount = Decimal(repr(paid.amount)) / Decimal(repr(before.unit))
                price *= (close - amount) / close
            split = (split / Decimal(repr(ratio))).quantize(_DIGITS)
            rows.append(FactorRow(before.session.day, price, split.normalize() if split != 1 else _ONE, close))
    first = days[0].session.day
    if rows[-1].day != first:
        rows.append(FactorRow(first, price, rows[-1].split_factor, Decimal(f"{days[0].bars['close'][-1]:.2f}")))
    return rows[::-1]


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
