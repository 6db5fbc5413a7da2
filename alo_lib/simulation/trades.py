"""Closed trades, matched first in, first out, as LEAN's ``TradeBuilder`` groups fills to fills."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from alo_lib.records import Linked, whole_shares
from alo_lib.simulation.archive import Archive
from alo_lib.simulation.listing import Listing
from alo_lib.simulation.money import ZERO, rounded
from alo_lib.simulation.orders import OrderEvent
from alo_lib.simulation.prices import Prices

__all__ = ["ClosedTrade", "TradeBuilder"]

_CENTS = 2


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A quantity that was entered and left; money in dollars, prices a share."""

    instrument: int
    direction: int  # +1 long, -1 short
    quantity: int
    entry_time: int
    entry_price: Decimal
    exit_time: int
    exit_price: Decimal
    profit: Decimal  # without fees
    fees: Decimal
    worst: Decimal  # profit at the worst price since the position was opened (maximum adverse excursion)
    best: Decimal  # at the best price (maximum favorable excursion)
    drawdown: Decimal  # deepest fall of its profit
    is_win: bool
    orders: tuple[int, ...]


@dataclass(slots=True)
class _OpenTrade:
    direction: int
    quantity: int
    time: int
    price: Decimal
    fees: Decimal
    orders: list[int]
    peak: Decimal = ZERO  # a share
    drawdown: Decimal = ZERO  # a share

    def follow(self, price: Decimal) -> None:
        profit = (price - self.price) * self.direction
        self.peak = max(self.peak, profit)
        self.drawdown = max(self.drawdown, self.peak - profit)


@dataclass(slots=True)
class _Position:
    lowest: Decimal
    highest: Decimal
    trades: list[_OpenTrade]

    def follow(self, price: Decimal) -> None:
        self.lowest, self.highest = min(self.lowest, price), max(self.highest, price)
        for trade in self.trades:
            trade.follow(price)


class TradeBuilder:
    """Builds closed trades from fills, and follows the prices of what is open."""

    closed: Archive[ClosedTrade]
    _listing: Annotated[Listing, Linked("listing")]
    _positions: dict[int, _Position]

    def __init__(self, listing: Listing) -> None:
        self.closed = Archive()
        self._listing = listing
        self._positions = {}

    def follow(self, prices: Prices) -> None:
        """Take note of the last prices of open positions."""
        self._follow(self._positions, prices)

    def follow_traded_options(self, prices: Prices) -> None:
        """Take note of the last prices of open positions in options that have traded, before those of new quotes.

        LEAN looks at an option's price once more for its trades, which it repeats at each bar from the first one on.
        """
        self._follow([number for number in self._positions if prices.option_has_traded(number)], prices)

    def _follow(self, instruments: Iterable[int], prices: Prices) -> None:
        for instrument in instruments:
            price = prices.price(instrument)
            if price > ZERO:
                self._positions[instrument].follow(price)

    def fill(self, event: OrderEvent) -> None:
        """Take a fill: it adds to what is open, or closes the oldest of it first."""
        left, sign = abs(event.quantity), 1 if event.quantity > 0 else -1
        position = self._positions.get(event.instrument)
        if position is None:
            position = self._positions[event.instrument] = _Position(event.price, event.price, [])
        else:
            position.follow(event.price)
        fee = event.fee
        while left and position.trades and position.trades[0].direction != sign:
            trade = position.trades[0]
            quantity = min(left, trade.quantity)
            self.closed.append(self._close(event, trade, position, quantity, fee))
            left -= quantity
            fee, trade.fees = ZERO, ZERO  # each order's fee counts once
            trade.quantity -= quantity
            if not trade.quantity:
                position.trades.pop(0)
        if left:
            opened = _OpenTrade(sign, left, event.time, event.price, fee, [event.order])
            if not position.trades:
                position.lowest = position.highest = event.price
            position.trades.append(opened)
        elif not position.trades:
            del self._positions[event.instrument]

    def split(self, instrument: int, factor: Decimal) -> None:
        """Restate what is open in an equity that splits; a fraction of a share is dropped."""
        position = self._positions.get(instrument)
        if position is None:
            return
        position.lowest *= factor
        position.highest *= factor
        # Lots add up to what the account holds: each takes the whole shares that it completes.
        before = after = 0
        for trade in position.trades:
            before += trade.quantity
            after, taken = whole_shares(before, factor), after
            trade.quantity = after - taken
            trade.price *= factor
            trade.peak *= factor
            trade.drawdown *= factor
        position.trades = [trade for trade in position.trades if trade.quantity]

    def _close(
        self,
        event: OrderEvent,
        trade: _OpenTrade,
        position: _Position,
        quantity: int,
        fee: Decimal,
    ) -> ClosedTrade:
        units = quantity * self._listing[event.instrument].multiplier

        def money(per_share: Decimal) -> Decimal:
            return rounded(per_share * units, _CENTS)

        excursions = [money((price - trade.price) * trade.direction) for price in (position.lowest, position.highest)]
        profit = money((event.price - trade.price) * trade.direction)
        return ClosedTrade(
            instrument=event.instrument,
            direction=trade.direction,
            quantity=quantity,
            entry_time=trade.time,
            entry_price=trade.price,
            exit_time=event.time,
            exit_price=event.price,
            profit=profit,
            fees=trade.fees + fee,
            worst=min(excursions),
            best=max(excursions),
            drawdown=money(trade.drawdown),
            is_win=profit > 0 if event.wins is None else event.wins,
            orders=tuple(dict.fromkeys([*trade.orders, event.order])),
        )
