"""Bringing a core that was restarted in line with what its host holds."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np

from alo_lib.records import (
    OPTION_MULTIPLIER,
    RANGES,
    TAKEOVER_VERSION,
    HaltCause,
    HostEvent,
    InstrumentTable,
    Kind,
    Message,
    OrderStatus,
    OrderType,
    records,
    remark,
)
from alo_lib.records.instruments import is_option_symbol
from alo_lib.runtime.host_position import NOTHING_HELD, HostPosition
from alo_lib.runtime.settlements import Listed, settlements

__all__ = ["HostOrder", "Reconciliation", "reconcile"]

_PRICES: Final = RANGES[Kind.ORDER_EVENT]["price"]


class HostOrder(NamedTuple):
    """An order of ours that the host still works."""

    remaining: int  # signed
    price: float  # average of what was filled; 0 without a fill


@dataclass
class Reconciliation:
    """What a restarted core has to be told, and what people should know."""

    messages: list[Message] = field(default_factory=list)  # to be accepted, in order
    findings: list[str] = field(default_factory=list)  # sentences
    to_cancel: list[int] = field(default_factory=list)  # the host's orders by our number that the core knows nothing of
    unsure: bool = False  # it is not known what became of some orders: to be looked at again

    def remarks(self, time: int) -> list[Message]:
        """The findings as EVENT messages for the journal."""
        return [remark(HostEvent.RECOVERY, time, finding) for finding in self.findings]


class Restarted(Protocol):
    """What is asked of a core, or of the host's side of one in a process of its own: what it believes.

    Once it has taken in all that it was told: an order event or a split that still waits for a frame counts.
    """

    instruments: InstrumentTable

    @property
    def wants_reconciliation(self) -> bool:
        """Whether it adds no risk until it is reconciled."""

    @property
    def cash(self) -> float | None:
        """Cash, None where it is not known."""

    @property
    def holdings(self) -> dict[int, int]:
        """Signed quantities held, by instrument."""

    @property
    def orders_working(self) -> dict[int, tuple[int, int]]:
        """Instrument and signed quantity left of each order that is not done, by its number."""


def reconcile(
    core: Restarted,
    positions: Mapping[int, HostPosition],
    orders: Mapping[int, HostOrder],
    time: int,
    *,
    cash: float | None = None,
    unsure: Collection[int] = (),
    listed: Listed | None = None,
    take_over: bool = False,
) -> Reconciliation:
    """Compare a core, one that has recovered from its journal or that wants it, with its host's portfolio and orders.

    ``positions`` are by instrument, ``orders`` by the core's own order number. An order that the core waits for and
    the host does not work any more was filled as far as the position says, or never arrived; the core is told either.
    What then still differs was settled while nobody listened, as far as the terms of what is ``listed`` say so
    (:mod:`alo_lib.runtime.settlements`), or traded behind the core's back, and it is told that as well. With
    ``take_over`` it is told that contracts that it has in no trade are the book's. The host is right: it has the money.
    The core must have been told of the day's session before: the host's shares are split from its morning on, and a
    split that the core hears of later would be applied to them once more. That its ``cash`` is another is only said: it
    holds interest, dividends and transfers, not told apart. A halt for reconciliation ends with it.

    Of the orders ``unsure`` the host may work some, and does not say which: they and what is held in their instruments
    stay as they are, and while there are any the book is halted for reconciliation, so that no second one is sent.
    """
    result = Reconciliation(unsure=any(number in core.orders_working for number in unsure))
    left_alone = {core.orders_working[number][0] for number in unsure if number in core.orders_working}
    if core.wants_reconciliation or result.unsure:  # told again: it ends only where all that follows is let in
        result.messages.append(_halt(time, halted=1))
    held = dict(core.holdings)
    _tell_orders(result, core, positions, orders, held, left_alone, time)
    if listed is not None:
        _tell_settled(result, core, positions, held, left_alone, (listed, time, cash))
    _tell_positions(result, core, positions, held, left_alone, time)
    if take_over:
        _tell_takeover(result, core, positions, time)
    _tell_unknown_orders_and_cash(result, core, orders, cash)
    if core.wants_reconciliation and not result.unsure:
        result.messages.append(_halt(time, halted=0))
    elif core.wants_reconciliation and len(result.messages) == 1:
        result.messages.clear()  # it stands, and nothing is told that it should stand before
    if not result.findings:
        result.findings.append("portfolio and open orders are as the journal says")
    return result


def _tell_orders(
    result: Reconciliation,
    core: Restarted,
    positions: Mapping[int, HostPosition],
    orders: Mapping[int, HostOrder],
    held: dict[int, int],
    left_alone: Collection[int],
    time: int,
) -> None:
    """What became of the orders that the core waits for; ``held`` is what is held once it is told."""
    ahead = _filled_at_host(core, orders)
    for number, (instrument, remaining) in sorted(core.orders_working.items()):
        name = core.instruments.symbol(instrument)
        if instrument in left_alone and number not in orders:
            result.findings.append(f"order {number} for {remaining} {name} may be one that came back without its tag")
            continue
        position = positions.get(instrument, NOTHING_HELD)
        if number in orders:
            filled, price = remaining - orders[number].remaining, orders[number].price
            status = OrderStatus.PARTIALLY_FILLED
            if filled * remaining < 0 or abs(filled) > abs(remaining):
                # What was told does not fit what the host still works: the order ends here, and the position says more.
                filled, price, status = 0, 0.0, OrderStatus.CANCELED
                result.to_cancel.append(number)
            ahead[instrument] = ahead.get(instrument, 0) - filled
        else:
            gap = position.quantity - held.get(instrument, 0) - ahead.get(instrument, 0)
            filled = (min(gap, remaining) if remaining > 0 else max(gap, remaining)) if gap * remaining > 0 else 0
            price = _price_of(position, filled)
            status = OrderStatus.FILLED if filled == remaining else OrderStatus.CANCELED
        if filled == 0 and status is OrderStatus.PARTIALLY_FILLED:
            result.findings.append(f"order {number} for {remaining} {name} is still working")
            continue
        _tell(result, time, number, instrument, filled, price, status)
        held[instrument] = held.get(instrument, 0) + filled
        if number in orders and not filled:
            host = orders[number].remaining
            what = f"is worked for {host} by the host, where {remaining} are left: it is to be canceled"
        elif filled:
            what = f"was filled for {filled} while nobody listened"
        else:
            what = "never reached the host, or was canceled there while nobody listened"
        result.findings.append(f"order {number} for {remaining} {name} {what}")


def _tell_settled(
    result: Reconciliation,
    core: Restarted,
    positions: Mapping[int, HostPosition],
    held: dict[int, int],
    left_alone: Collection[int],
    known: tuple[Listed, int, float | None],
) -> None:
    """What was exercised, assigned or expired while nobody listened; ``held`` is what is held once it is told."""
    listed, time, cash = known
    gaps = {
        instrument: positions.get(instrument, NOTHING_HELD).quantity - held.get(instrument, 0)
        for instrument in sorted({*held, *positions})
        if instrument not in left_alone
    }
    believed = _cash_then(result, core)
    money = None if cash is None or believed is None else cash - believed
    for each in settlements(gaps, held, listed, time, money):
        name = core.instruments.symbol(each.instrument)
        brought = ""
        if each.shares:
            brought = f": {each.shares:+} {core.instruments.symbol(each.underlying)} at {each.strike:g}"
            brought += f", and {each.shares * each.paid:+.2f} of dividends on them since" * bool(each.paid)
            brought += f"; whether {each.unsure:g} a share was paid on them is not known" * bool(each.unsure)
        result.findings.append(f"of {each.closed} {name}, {each.words} while nobody listened{brought}")
        if not each.known:
            continue  # what the host holds is told below, as what anybody traded
        exercise = OrderType.OPTION_EXERCISE
        _tell(result, time, 0, each.instrument, -each.closed, 0.0, OrderStatus.FILLED, exercise)
        held[each.instrument] = held.get(each.instrument, 0) - each.closed
        if each.shares:
            paid_by_now = each.strike - each.paid  # the dividend's own record has counted what was held without them
            _tell(result, time, 0, each.underlying, each.shares, paid_by_now, OrderStatus.FILLED, exercise)
            held[each.underlying] = held.get(each.underlying, 0) + each.shares


def _tell_takeover(result: Reconciliation, core: Restarted, positions: Mapping[int, HostPosition], time: int) -> None:
    """Tell of the contracts in which no order works: the book takes over the foreign ones, those in no trade."""
    at_work = {instrument for instrument, _ in core.orders_working.values()}
    rows = [
        (instrument, TAKEOVER_VERSION, position.quantity, position.price if _holds(position.price) else 0.0)
        for instrument, position in sorted(positions.items())
        if position.quantity
        and instrument not in at_work
        and 0 <= instrument < len(core.instruments)
        and is_option_symbol(core.instruments.symbol(instrument))
    ]
    if rows:
        result.messages.append(Message(Kind.TAKEOVER, time, np.array(rows, records(Kind.TAKEOVER, 0).dtype)))


def _tell_positions(
    result: Reconciliation,
    core: Restarted,
    positions: Mapping[int, HostPosition],
    held: Mapping[int, int],
    left_alone: Collection[int],
    time: int,
) -> None:
    """What the host holds otherwise than ``held``, once its orders are accounted for, but for what is left alone."""
    for instrument in sorted({*held, *positions}):
        position = positions.get(instrument, NOTHING_HELD)
        gap = position.quantity - held.get(instrument, 0)
        if gap and not 0 <= instrument < len(core.instruments):
            result.findings.append(f"the host holds {gap} of instrument {instrument}, which nobody told the core of")
        elif gap and instrument not in left_alone:
            name = core.instruments.symbol(instrument)
            told = f"the host holds {position.quantity} {name}, the journal says {held.get(instrument, 0)}"
            result.findings.append(f"{told}: the host is right")
            _tell(result, time, 0, instrument, gap, _price_of(position, gap), OrderStatus.FILLED)


def _tell_unknown_orders_and_cash(
    result: Reconciliation, core: Restarted, orders: Mapping[int, HostOrder], cash: float | None
) -> None:
    """Orders that the core knows nothing of, which are to be canceled, and another cash, which is only said."""
    for number in sorted(orders.keys() - core.orders_working.keys()):
        result.to_cancel.append(number)
        result.findings.append(f"the host works order {number}, which the journal has no end of: it is to be canceled")
    believed = _cash_then(result, core)
    if cash is not None and believed is not None and round(cash - believed, 2):
        result.findings.append(
            f"the host has {cash:.2f} in cash, the journal says {believed:.2f}: the core goes on with the journal's"
        )


def _cash_then(result: Reconciliation, core: Restarted) -> float | None:
    """The core's cash once it is told what was found; None where it is not known."""
    if core.cash is None:
        return None
    if any(message.kind is Kind.ORDER_EVENT and _is_unpriced(message.records[0]) for message in result.messages):
        return None  # the core books it at its last quote
    rows = [message.records[0] for message in result.messages if message.kind is Kind.ORDER_EVENT]
    paid = [
        float(row["quantity"] * row["price"])
        * (OPTION_MULTIPLIER if is_option_symbol(core.instruments.symbol(int(row["instrument"]))) else 1)
        for row in rows
    ]
    return core.cash - math.fsum(paid)


def _price_of(position: HostPosition, filled: int) -> float:
    """What a fill was made at, by the average price of what is held since; 0 where that tells of an opening alone."""
    return position.price if position.quantity * filled > 0 else 0.0


def _is_unpriced(row: np.void) -> bool:
    return bool(row["quantity"]) and not row["price"] and row["type"] != OrderType.OPTION_EXERCISE


def _filled_at_host(core: Restarted, orders: Mapping[int, HostOrder]) -> dict[int, int]:
    """By instrument, what was filled of the orders that the host still works: of no other order that it is."""
    found: dict[int, int] = {}
    for number, (instrument, remaining) in core.orders_working.items():
        filled = remaining - orders[number].remaining if number in orders else 0
        if filled * remaining > 0 and abs(filled) <= abs(remaining):
            found[instrument] = found.get(instrument, 0) + filled
    return found


def _halt(time: int, *, halted: int) -> Message:
    return Message(Kind.HALT, time, records(Kind.HALT, cause=HaltCause.RECONCILIATION, halted=halted))


def _holds(price: float) -> bool:
    return bool(_PRICES.holds(np.array([price])).all())


def _tell(
    result: Reconciliation,
    time: int,
    number: int,
    instrument: int,
    quantity: int,
    price: float,
    status: OrderStatus,
    type_: OrderType = OrderType.MARKET,
) -> None:
    row = records(Kind.ORDER_EVENT, order=number, instrument=instrument, status=status, type=type_)
    row["quantity"], row["price"] = quantity, price if _holds(price) else 0.0
    result.messages.append(Message(Kind.ORDER_EVENT, time, row))
