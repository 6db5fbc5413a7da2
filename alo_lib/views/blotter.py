"""The blotter: what was ordered, what was filled, and what each position brought."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import ACCOUNT_CASH, Kind, Message, OrderReason, Records, whole_shares
from alo_lib.views.run import InstrumentRecord, Run, once_a_run

__all__ = [
    "BookWalk",
    "InstrumentFill",
    "InstrumentHistory",
    "fills",
    "marked_at_trades",
    "money_by_security",
    "positions",
]


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
    behind: bool = False  # an option that is held and without a quote since its underlying's last price
    average_price: float = 0.0  # at which what is held was bought or sold; closing a part of it changes nothing

    @property
    def value(self) -> float:
        """What is held at the end, at the last mark."""
        return self.quantity * self.instrument.multiplier * self.mark if self.quantity else 0.0

    @property
    def unrealized_profit(self) -> float:
        """What is held gained against its average price, before fees."""
        return self.value - self.quantity * self.instrument.multiplier * self.average_price if self.quantity else 0.0

    @property
    def profit(self) -> float:
        """Money gained after fees, with what is still held at the last mark."""
        return self.cash + self.value - self.fees


@once_a_run
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


class BookWalk:
    """What a run held and what it was worth, message by message.

    Marks are those of LEAN's results, so that profits add up to theirs: the last trade, else the last quote's middle.
    Where another volume of the journal has not been told of either yet, the core's own of what is held counts.
    Splits change the shares held, with the fraction paid in cash; dividends are paid to who holds on the ex-date.
    """

    def __init__(self, run: Run) -> None:
        self.held: dict[int, InstrumentHistory] = {}
        self._instruments = run.instruments
        count = max(run.instruments, default=-1) + 1
        self._trades, self._middles, self._measured = (np.full(count, np.nan) for _ in range(3))
        self._quotes: list[Records] = []  # that are not among the middles yet
        self._news = np.zeros(count, np.int64)  # when each was traded or quoted last

    def mark(self, number: int) -> float:
        """The last mark of an instrument; NaN while there is none."""
        self._take_quotes()
        traded = float(self._trades[number])
        known = traded if math.isfinite(traded) else float(self._middles[number])
        return known if math.isfinite(known) else float(self._measured[number])

    def is_behind(self, number: int) -> bool:
        """Whether an option has no quote since its underlying's last price; LEAN marks it at a later trade then."""
        one = self._instruments[number]
        return one.is_option and bool(self._news[number] < self._news[one.underlying])

    def take(self, message: Message) -> None:
        """Take in what a message says."""
        kind, rows = message.kind, message.records
        if kind in (Kind.TRADE, Kind.QUOTE):
            self._news[rows["instrument"]] = message.time
        if kind == Kind.TRADE:
            self._trades[rows["instrument"]] = rows["close"]
        elif kind == Kind.QUOTE:
            self._quotes.append(rows)
        elif kind == Kind.POSITION:
            self._measured[rows["instrument"]] = rows["mark"]
        elif kind == Kind.EXPOSURE:
            rows = rows[rows["spot"] > 0.0]
            self._measured[rows["underlying"]] = rows["spot"]
        elif kind == Kind.ORDER_EVENT:
            for row in rows:
                number = int(row["instrument"])
                _fill(self.held.setdefault(number, InstrumentHistory(self._instruments[number])), row)
        elif kind == Kind.SPLIT:
            for row in rows[rows["warning"] == 0]:
                self._split(int(row["instrument"]), float(row["factor"]))
        elif kind == Kind.DIVIDEND:
            for row in rows:
                if int(row["instrument"]) in self.held:
                    position = self.held[int(row["instrument"])]
                    position.cash += position.quantity * float(row["amount"])

    def _take_quotes(self) -> None:
        """Bring the middles up to the last quotes; in one go, since few are asked for."""
        if self._quotes:
            columns = ([quotes[name] for quotes in self._quotes] for name in ("instrument", "bid", "ask"))
            numbers, middles = _middles(*map(np.concatenate, columns))
            self._middles[numbers] = middles  # of one instrument the last stays
            self._quotes.clear()

    def _split(self, number: int, factor: float) -> None:
        self._take_quotes()
        if number in self.held:
            _split(self.held[number], factor, self.mark(number))
        for marks in (self._trades, self._middles, self._measured):
            marks[number] *= factor


@once_a_run
def positions(run: Run) -> list[InstrumentHistory]:
    """One position an instrument that was ever traded, by instrument number, as :class:`BookWalk` follows them."""
    walk = BookWalk(run)
    for message in run.journal.messages:
        walk.take(message)
    for number, position in walk.held.items():
        position.mark = walk.mark(number)
        position.behind = bool(position.quantity) and walk.is_behind(number)
    return [position for _, position in sorted(walk.held.items()) if position.bought or position.sold]


def marked_at_trades(run: Run, net_profit: float) -> float:
    """What results with this profit hold beyond the journal, in money: options' trades since their last quotes.

    LEAN marks an option at such a trade, of which the core and its journal know nothing; 0 where all that is held is
    quoted.
    """
    if not any(one.behind for one in positions(run)):
        return 0.0
    booked = run.table(Kind.INTEREST).records["amount"]
    return net_profit - math.fsum([*(one.profit for one in positions(run)), *booked.tolist()])


def money_by_security(run: Run) -> dict[str, dict[str, float]]:
    """Money by underlying: what options and shares brought before fees; fees and the borrow of shares (negative).

    Interest is in a row of its own, "account", where there is any.
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
            table.setdefault("account", dict.fromkeys(parts, 0.0))["interest"] += amount
        else:
            table[run.instruments[number].symbol]["borrow"] += amount
    return table


def _middles(
    numbers: NDArray[np.int32], bid: NDArray[np.float64], ask: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Instruments and the middle of each one's quote.

    A quote of one side is worth that side, and one of none says nothing new.
    """
    sides = np.stack([bid, ask])
    shown = sides > 0.0
    known = shown.any(axis=0)
    middle = np.where(shown, sides, 0.0).sum(axis=0)[known] / shown.sum(axis=0)[known]
    return numbers[known], middle


def _fill(position: InstrumentHistory, row: Records) -> None:
    quantity, price = int(row["quantity"]), float(row["price"])
    before, after = position.quantity, position.quantity + quantity
    if before * after <= 0:
        position.average_price = price if after else 0.0
    elif abs(after) > abs(before):
        position.average_price += quantity / after * (price - position.average_price)
    position.quantity = after
    position.bought += max(quantity, 0)
    position.sold += max(-quantity, 0)
    position.cash -= quantity * position.instrument.multiplier * price
    position.fees += float(row["fee"])


def _split(position: InstrumentHistory, factor: float, price: float) -> None:
    """Keep whole shares; ``price`` is that before the split, NaN where none is known."""
    exact = position.quantity / factor
    position.quantity = whole_shares(position.quantity, factor)
    position.average_price *= factor
    if math.isfinite(price):
        position.cash += (exact - position.quantity) * price * factor
