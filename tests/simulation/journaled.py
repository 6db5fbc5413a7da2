"""What a run's journal tells, as its tests ask for it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from alo_lib.journal import Journal
from alo_lib.records import Kind, Message

__all__ = ["FirstHeld", "first_held", "in_bytes"]


class FirstHeld(NamedTuple):
    """The first contract whose implied volatility a POSITION record tells, and the market of that moment."""

    time: int
    implied_volatility: float
    contract: Any  # INSTRUMENT record
    spot: float
    mid: float


def first_held(journal: Journal) -> FirstHeld:
    """Of a run whose one underlying has the number 0."""
    message = next(each for each in journal.messages if each.kind is Kind.POSITION)
    row = next(row for row in message.records if np.isfinite(row["implied_volatility"]))
    number = int(row["instrument"])
    contract = next(
        each
        for table in journal.messages
        if table.kind is Kind.INSTRUMENT
        for each in table.records
        if each["instrument"] == number
    )
    spot = _last(journal, Kind.TRADE, 0, message.time, "close")
    sides = [_last(journal, Kind.QUOTE, number, message.time, side) for side in ("bid", "ask")]
    return FirstHeld(message.time, float(row["implied_volatility"]), contract, spot, float(np.mean(sides)))


def _last(journal: Journal, kind: Kind, instrument: int, until: int, field: str) -> float:
    """The last value that was told of an instrument by a moment."""
    rows = [
        row[field]
        for each in journal.messages
        if each.kind is kind and each.time <= until
        for row in each.records
        if row["instrument"] == instrument
    ]
    return float(rows[-1])


def in_bytes(messages: Iterable[Message]) -> list[tuple[Kind, int, bytes]]:
    """Messages but for remarks, to be compared."""
    return [(each.kind, each.time, each.records.tobytes()) for each in messages if not each.kind.is_remark]
