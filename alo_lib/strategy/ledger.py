"""What is held and what is on order, told from what was sent and from order events alone."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import EQUITY_MULTIPLIER, OPTION_MULTIPLIER, Kind, Message, OrderStatus, OrderType, Records
from alo_lib.strategy.portfolio import Portfolio

__all__ = ["TOLD_ONCE", "Ledger", "WorkingOrder", "taken_place"]

TOLD_ONCE: Final = (Kind.CLOSE, Kind.DIVIDEND, Kind.SPLIT)
"""Kinds whose records are dated facts of an underlying, each of which counts once."""


def taken_place(kind: Kind, rows: Records) -> NDArray[np.bool_]:
    """Which records tell of what took place: of SPLIT records, those that do not warn of one to come."""
    return np.asarray(rows["warning"] == 0) if kind is Kind.SPLIT else np.ones(len(rows), np.bool_)


@dataclass
class WorkingOrder:
    """An order that was sent and is not done."""

    instrument: int
    remaining: int  # signed
    type: OrderType = OrderType.MARKET
    limit: float | None = None  # in force at the broker, as far as was told
    group: int = 0  # number of the first order of its combination; 0 for an order by itself
    sent_at: int = -1
    asked_at: int = -1  # when a change was asked for that the broker has not answered; -1 where none was
    asked_limit: float | None = None  # what was asked for last; None to cancel it


@dataclass
class Ledger:
    """Positions and working orders: the core's own, and what the host of a core in another process knows of it."""

    portfolio: Portfolio
    underlying_of: dict[int, int] = field(default_factory=dict)  # of every instrument ever told; an equity's is itself
    working: dict[int, WorkingOrder] = field(default_factory=dict)  # by order number
    combinations: dict[int, dict[int, int]] = field(default_factory=dict)  # by their number: what was sent of each leg
    last_told: dict[tuple[Kind, int], int] = field(default_factory=dict)  # of facts, by kind and underlying

    def list_instruments(self, rows: Records) -> None:
        """Know INSTRUMENT records."""
        self.underlying_of.update(zip(rows["instrument"].tolist(), rows["underlying"].tolist(), strict=True))

    def follow(self, message: Message) -> None:
        """Account for what an input or a decision says of instruments, orders, money and splits, and date its facts."""
        rows = message.records
        self.date_facts(message)
        if message.kind is Kind.INSTRUMENT:
            self.list_instruments(rows)
        elif message.kind is Kind.ORDER_EVENT:
            for event in rows:
                self.account_for(event)
        elif message.kind is Kind.INTENT:
            for intent in rows:
                type_ = OrderType(intent["type"])
                self.send(
                    int(intent["order"]),
                    int(intent["instrument"]),
                    int(intent["quantity"]),
                    type=type_,
                    limit=float(intent["limit"]) if type_.has_limit else None,
                    group=int(intent["group"]),
                    time=message.time,
                )
        elif message.kind is Kind.AMENDMENT:
            for amendment in rows:
                self.amend(amendment, message.time)
        elif message.kind is Kind.DIVIDEND:
            for paid in rows:
                self.portfolio.receive_dividend(int(paid["instrument"]), float(paid["amount"]))
        elif message.kind is Kind.INTEREST:
            self.portfolio.cash += float(rows["amount"].sum())
        elif message.kind is Kind.SPLIT:
            for split in rows[taken_place(Kind.SPLIT, rows)]:
                # Cash for part of a share is the core's affair: nobody asks a ledger that follows for money.
                self.portfolio.split(int(split["instrument"]), float(split["factor"]), 0.0)

    def date_facts(self, message: Message) -> None:
        """Know the time of the last fact of each underlying, of those kinds that are told once."""
        if message.kind in TOLD_ONCE:
            facts = message.records[taken_place(message.kind, message.records)]
            numbers, times = facts["instrument"].tolist(), facts["time"].tolist()
            self.last_told.update(((message.kind, number), time) for number, time in zip(numbers, times, strict=True))

    def ahead(self, messages: Iterable[Message]) -> "Ledger":
        """Another ledger, which has followed some messages more."""
        other = Ledger(
            deepcopy(self.portfolio),
            dict(self.underlying_of),
            deepcopy(self.working),
            deepcopy(self.combinations),
            dict(self.last_told),
        )
        for message in messages:
            other.follow(message)
        return other

    def send(
        self,
        number: int,
        instrument: int,
        quantity: int,
        *,
        type: OrderType = OrderType.MARKET,
        limit: float | None = None,
        group: int = 0,
        time: int = -1,
    ) -> None:
        """An order of a signed quantity was sent."""
        self.working[number] = WorkingOrder(instrument, quantity, type, limit, group, time)
        if group:
            self.combinations.setdefault(group, {})[instrument] = quantity

    def amend(self, amendment: np.void, time: int) -> None:
        """What an AMENDMENT record says was asked for at ``time``, of an order and of all in its combination."""
        for order in self.group_of(int(amendment["order"])):
            order.asked_at = time
            order.asked_limit = None if amendment["cancel"] else float(amendment["limit"])

    def group_of(self, number: int) -> list[WorkingOrder]:
        """A working order with all that work of its combination; empty where it is done."""
        order = self.working.get(number)
        if order is None or not order.group:
            return [] if order is None else [order]
        return [each for each in self.working.values() if each.group == order.group]

    def leads(self, number: int) -> bool:
        """Whether an order stands for all that work of its combination: by itself, or the lowest number of them."""
        group = self.working[number].group
        return not group or number == min(each for each, order in self.working.items() if order.group == group)

    def is_whole(self, number: int) -> bool:
        """Whether all orders of a working order's combination work, none filled further than another."""
        group = self.working[number].group
        sent = self.combinations.get(group, {})
        left = {order.instrument: order.remaining for order in self.group_of(number)}
        if not sent or not group:
            return True
        first, *others = sent
        return left.keys() == sent.keys() and all(left[leg] * sent[first] == left[first] * sent[leg] for leg in others)

    def account_for(self, event: np.void) -> None:
        """Account for an ORDER_EVENT record: what was filled, and how the order stands."""
        instrument, quantity, number = int(event["instrument"]), int(event["quantity"]), int(event["order"])
        status = OrderStatus(event["status"])
        if quantity:
            price, fee = float(event["price"]), float(event["fee"])
            self.portfolio.fill(instrument, quantity, price, self.multiplier(instrument), fee)
        if number in self.working:
            self._answer(number, status)
            self.working[number].remaining -= quantity
            if status.is_done or not self.working[number].remaining:  # whatever its last fill is called
                group = self.working.pop(number).group
                if group and not any(order.group == group for order in self.working.values()):
                    self.combinations.pop(group, None)

    def _answer(self, number: int, status: OrderStatus) -> None:
        """What a status says of a change that was asked for: it is in force, or the order stands as it was sent."""
        if status in (OrderStatus.UPDATE_SUBMITTED, OrderStatus.SUBMITTED):
            for order in self.group_of(number):
                if status is OrderStatus.UPDATE_SUBMITTED and order.asked_limit is not None:
                    order.limit = order.asked_limit
                order.asked_at = -1

    def multiplier(self, instrument: int) -> int:
        """Shares that one unit of the instrument stands for."""
        return EQUITY_MULTIPLIER if self.underlying_of.get(instrument) == instrument else OPTION_MULTIPLIER

    def contracts_held(self, underlying: int) -> list[int]:
        """Option contracts held in one underlying, ascending."""
        return [i for i in self.portfolio.held() if i != underlying and self.underlying_of[i] == underlying]

    def instruments_working(self) -> set[int]:
        """Instruments with an order that is not done."""
        return {order.instrument for order in self.working.values()}

    def contracts_open(self, underlying: int) -> list[int]:
        """Option contracts of one underlying that are held or have an order working, ascending."""
        working = {i for i in self.instruments_working() if i != underlying and self.underlying_of[i] == underlying}
        return sorted(working.union(self.contracts_held(underlying)))

    @property
    def holdings(self) -> dict[int, int]:
        """Signed quantities held, by instrument."""
        return {instrument: self.portfolio.quantity(instrument) for instrument in self.portfolio.held()}

    @property
    def order_types(self) -> dict[int, OrderType]:
        """Type of each order that was sent and is not done, by its number."""
        return {number: order.type for number, order in sorted(self.working.items())}

    @property
    def orders_working(self) -> dict[int, tuple[int, int]]:
        """Instrument and signed quantity left of each order that was sent and is not done, by its number."""
        return {number: (order.instrument, order.remaining) for number, order in sorted(self.working.items())}
