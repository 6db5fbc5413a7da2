"""The blotter: what was ordered, what was filled, and what each position brought."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from alo_lib.records import ACCOUNT_CASH, Kind, OrderReason, Records
from alo_lib.views.run import InstrumentRecord, Run

__all__ = ["InstrumentFill", "InstrumentHistory", "attribution", "fills", "positions"]


class InstrumentFill(NamedTuple):
    """One fill of an order."""

    time: int
    instrument: InstrumentRecord
    quantity: int
    price: float
    fee: float
    reason: str  # why the order was sent; "engine" for one that the engine made on its own


@dataclass
class InstrumentHistory:
    """Everything that happened in one instrument, and what came of it, in money."""

    instrument: InstrumentRecord
    quantity: int = 0  # held at the end
    bought: int = 0
    sold: int = 0
    fees: float = 0.0
    cash: float = 0.0  # received less paid, before fees
    mark: float = math.nan  # last close or mid; NaN when there was none

    @property
    def value(self) -> float:
        """What is held at the end, at the last mark."""
        return self.quantity * self.instrument.multiplier * self.mark if self.quantity else 0.0

    @property
    def profit(self) -> float:
        """Money gained after fees, with what is still held at the last mark."""
        return self.cash + self.value - self.fees


def fills(run: Run) -> list[InstrumentFill]:
    """Every fill, in time order."""
    reasons = {int(row["order"]): OrderReason(int(row["reason"])).tag for row in run.table(Kind.INTENT).records}
    events = run.table(Kind.ORDER_EVENT)
    return [
        InstrumentFill(
            time=int(time),
            instrument=run.instruments[int(row["instrument"])],
            quantity=int(row["quantity"]),
            price=float(row["price"]),
            fee=float(row["fee"]),
            reason=reasons.get(int(row["order"]), "engine"),
        )
        for time, row in zip(events.time.tolist(), events.records, strict=True)
        if row["quantity"]
    ]


def positions(run: Run) -> list[InstrumentHistory]:
    """One position an instrument that was ever traded, by instrument number.

    Marks are those of LEAN's results, so that profits add up to theirs: the last trade, else the last quote's middle.
    Splits change the shares held, with the fraction paid in cash; dividends are paid to who holds on the ex-date.
    """
    held: dict[int, InstrumentHistory] = {}
    trades: dict[int, float] = {}
    middles: dict[int, float] = {}
    for message in run.journal.messages:
        kind, rows = message.kind, message.records
        if kind == Kind.TRADE:
            trades.update(zip(rows["instrument"].tolist(), rows["close"].tolist(), strict=True))
        elif kind == Kind.QUOTE:
            middles.update(_middles(rows))
        elif kind == Kind.ORDER_EVENT:
            for row in rows:
                _fill(
                    held.setdefault(int(row["instrument"]), InstrumentHistory(run.instruments[int(row["instrument"])])),
                    row,
                )
        elif kind == Kind.SPLIT:
            for row in rows:
                number, factor = int(row["instrument"]), float(row["factor"])
                if row["warning"]:
                    continue
                if number in held:
                    _split(held[number], factor, trades.get(number, middles.get(number)))
                for marks in (trades, middles):
                    if number in marks:
                        marks[number] *= factor
        elif kind == Kind.DIVIDEND:
            for row in rows:
                if int(row["instrument"]) in held:
                    position = held[int(row["instrument"])]
                    position.cash += position.quantity * float(row["amount"])
    for number, position in held.items():
        position.mark = trades.get(number, middles.get(number, math.nan))
    return [held[number] for number in sorted(held) if held[number].bought or held[number].sold]


def attribution(run: Run) -> dict[str, dict[str, float]]:
    """Money by underlying: what options and shares brought before fees; fees and the borrow of shares (negative).

    Interest is in a row of its own, "cash", where there is any.
    """
    parts = ("options", "shares", "fees", "borrow", "interest")
    table = {underlying.symbol: dict.fromkeys(parts, 0.0) for underlying in run.underlyings}
    for position in positions(run):
        row = table[run.instruments[position.instrument.underlying].symbol]
        row["options" if position.instrument.is_option else "shares"] += position.profit + position.fees
        row["fees"] -= position.fees
    for booked in run.table(Kind.INTEREST).records:
        number, amount = int(booked["instrument"]), float(booked["amount"])
        if number == ACCOUNT_CASH:
            table.setdefault("cash", dict.fromkeys(parts, 0.0))["interest"] += amount
        else:
            table[run.instruments[number].symbol]["borrow"] += amount
    return table


def _middles(rows: Records) -> list[tuple[int, float]]:
    """The middle of each quote; a quote of one side is worth that side, and one of none says nothing new."""
    sides = np.stack([rows["bid"], rows["ask"]])
    shown = sides > 0.0
    known = shown.any(axis=0)
    middle = np.where(shown, sides, 0.0).sum(axis=0)[known] / shown.sum(axis=0)[known]
    return list(zip(rows["instrument"][known].tolist(), middle.tolist(), strict=True))


def _fill(position: InstrumentHistory, row: Records) -> None:
    quantity = int(row["quantity"])
    position.quantity += quantity
    position.bought += max(quantity, 0)
    position.sold += max(-quantity, 0)
    position.cash -= quantity * position.instrument.multiplier * float(row["price"])
    position.fees += float(row["fee"])


def _split(position: InstrumentHistory, factor: float, price: float | None) -> None:
    """Keep whole shares; ``price`` is that before the split, None where none is known."""
    exact = position.quantity / factor
    position.quantity = int(exact)
    if price is not None:
        position.cash += (exact - position.quantity) * price * factor
