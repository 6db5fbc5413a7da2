"""Cash, positions and results of the account, as LEAN's ``SecurityPortfolioModel`` books them."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from alo_lib.records import ACCOUNT_CASH, Linked, whole_shares
from alo_lib.simulation.archive import Archive
from alo_lib.simulation.fees import market_order_fee
from alo_lib.simulation.listing import Listing
from alo_lib.simulation.money import EXACT, ZERO, decimal, fitted
from alo_lib.simulation.prices import Prices
from alo_lib.strategy.interest import Booking

__all__ = ["Account", "Position", "ProfitRecord"]


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of an instrument: signed shares or contracts, and their average price a share."""

    quantity: int = 0
    average_price: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ProfitRecord:
    """The profit of a fill that reduced a position, less twice its fee as LEAN counts the way in and out."""

    time: int
    profit: Decimal
    is_win: bool


class Account:
    """An account in one currency. Money is exact."""

    cash: Decimal
    start: Decimal
    fees: Decimal
    volume: Decimal  # of all fills
    interest: Decimal  # on cash, less what was owed
    borrow: Decimal  # fees for short shares, negative
    profits: Archive[ProfitRecord]
    _listing: Annotated[Listing, Linked("listing")]
    _positions: dict[int, Position]
    _realized: Decimal
    _dividends: Decimal

    def __init__(self, cash: float, listing: Listing) -> None:
        self.cash = self.start = decimal(cash)
        self.fees = self.volume = self.interest = self.borrow = ZERO
        self.profits = Archive()
        self._listing = listing
        self._positions = {}
        self._realized = ZERO
        self._dividends = ZERO

    def quantity(self, instrument: int) -> int:
        """Shares or contracts held; negative when short."""
        return self.position(instrument).quantity

    def position(self, instrument: int) -> Position:
        """What is held of an instrument, an empty position when nothing is."""
        return self._positions.get(instrument, Position())

    def held(self) -> Iterator[tuple[int, Position]]:
        """Instruments held and their positions, by ascending number."""
        return iter(sorted(self._positions.items()))

    @property
    def realized(self) -> Decimal:
        """Profit of what was closed, and dividends, without fees."""
        return self._realized + self._dividends

    def fill(
        self, instrument: int, quantity: int, price: Decimal, fee: Decimal, time: int, *, wins: bool | None = None
    ) -> None:
        """Book a fill of a signed ``quantity`` at ``price`` a share, and its fee.

        ``wins`` says whether a closing fill counts as a win where its profit does not: an exercise in the money.
        """
        multiplier = self._listing[instrument].multiplier
        before = self.position(instrument)
        self.cash -= quantity * price * multiplier + fee
        self.fees += fee
        self.volume += abs(quantity) * price * multiplier
        if before.quantity * quantity < 0:
            closed = min(abs(quantity), abs(before.quantity)) * (1 if before.quantity > 0 else -1)
            profit = _gain(closed, before.average_price, price, multiplier)
            self._realized += profit
            net = profit - 2 * fee
            self.profits.append(ProfitRecord(time, net, net > 0 if wins is None else wins))
        self._set(instrument, _after(before, quantity, price))

    def receive_dividend(self, instrument: int, amount: Decimal) -> Decimal:
        """Book a cash dividend a share, which a short position pays. Returns the money booked."""
        money = self.quantity(instrument) * amount
        self.cash += money
        self._dividends += money
        return money

    def accrue(self, booking: Booking) -> None:
        """Book interest on cash, or the fee for shares held short; neither is a trade's profit, as in LEAN."""
        self.cash += booking.amount
        if booking.instrument == ACCOUNT_CASH:
            self.interest += booking.amount
        else:
            self.borrow += booking.amount

    def split(self, instrument: int, factor: float, price_after: Decimal) -> None:
        """Book a split: shares over ``factor``, whole ones, the rest in cash at ``price_after``."""
        before = self.position(instrument)
        exact = round(before.quantity / decimal(factor), 9)
        whole = whole_shares(before.quantity, decimal(factor))
        self.cash += (exact - whole) * price_after
        self._set(instrument, Position(whole, fitted(EXACT.multiply(before.average_price, decimal(factor)))))

    def holdings_value(self, prices: Prices) -> Decimal:
        """What is held, at its prices; negative where short positions outweigh."""
        return sum((self._value(instrument, position, prices) for instrument, position in self.held()), ZERO)

    def equity(self, prices: Prices) -> Decimal:
        """Cash and holdings, options at the middle of their last quote."""
        return self.cash + self.holdings_value(prices)

    def unrealized(self, prices: Prices) -> Decimal:
        """Profit of what is held if it were closed at the touch, its fees paid."""
        total = ZERO
        for number, position in self.held():
            instrument, quantity = self._listing[number], position.quantity
            touch = prices.bid(number) if quantity > 0 else prices.ask(number)
            total += _gain(quantity, position.average_price, touch, instrument.multiplier)
            total -= market_order_fee(instrument, -quantity, prices)
        return total

    def _value(self, instrument: int, position: Position, prices: Prices) -> Decimal:
        return position.quantity * prices.price(instrument) * self._listing[instrument].multiplier

    def _set(self, instrument: int, position: Position) -> None:
        if position.quantity:
            self._positions[instrument] = position
        else:
            self._positions.pop(instrument, None)


def _gain(quantity: int, entry: Decimal, price: Decimal, multiplier: int) -> Decimal:
    """The worth of ``quantity`` less what it cost, each rounded as in LEAN: the dust of an average turns half cents."""
    cost = fitted(EXACT.multiply(_cost(quantity, entry), Decimal(multiplier)))
    return fitted(EXACT.subtract(quantity * price * multiplier, cost))


def _cost(quantity: int, average_price: Decimal) -> Decimal:
    return fitted(EXACT.multiply(average_price, Decimal(quantity)))


def _after(before: Position, quantity: int, price: Decimal) -> Position:
    """A position after a fill: averaged when it grows, unchanged in price when it shrinks, new when it turns."""
    total = before.quantity + quantity
    if total == 0:
        return Position()
    if before.quantity * quantity >= 0:
        cost = fitted(EXACT.add(_cost(before.quantity, before.average_price), price * quantity))
        return Position(total, fitted(EXACT.divide(cost, Decimal(total))))
    return Position(total, before.average_price if before.quantity * total > 0 else price)
