"""What happens to positions without an order: expiry, assignment, splits, dividends, liquidation before a split."""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import numpy as np

from alo_lib.records import MINUTE, SECOND, Linked, OrderType
from alo_lib.simulation.account import Account, Position
from alo_lib.simulation.broker import Broker
from alo_lib.simulation.fees import market_order_fee
from alo_lib.simulation.listing import Instrument, Listing
from alo_lib.simulation.money import decimal
from alo_lib.simulation.orders import OrderEvent
from alo_lib.simulation.prices import Prices

__all__ = ["SPLIT_TAG", "Settlement"]

SPLIT_TAG: Final = "Liquidated due to impending split. Option splits are not currently supported."
_SPLIT_CANCEL: Final = "Canceled due to impending split. Separate MarketOnClose order submitted to liquidate position."
_ASSIGNMENT_TAG: Final = "Simulated option assignment before expiration"
_EXPIRY_TAG: Final = "Option Expired"

_HOUR: Final = 60 * MINUTE
_ON_CLOSE_BUFFER: Final = 15 * MINUTE + 30 * SECOND
_ASSIGNED_WITHIN: Final = dt.timedelta(days=4)
_ASSIGNED_BEYOND: Final = Decimal("0.05")


class Settlement:
    """LEAN's default models of what befalls positions, at the times at which LEAN applies them.

    One simplification: an option settles at the close of its last session, where LEAN waits for the midnight after.
    """

    _listing: Annotated[Listing, Linked("listing")]
    _prices: Annotated[Prices, Linked("prices")]
    _account: Annotated[Account, Linked("account")]
    _broker: Annotated[Broker, Linked("broker")]
    _zone: Annotated[ZoneInfo, Linked("zone")]
    _bar: int
    _next_assignment: int
    _splitting: list[int]

    def __init__(
        self, listing: Listing, prices: Prices, account: Account, broker: Broker, *, zone: ZoneInfo, bar: int
    ) -> None:
        self._listing = listing
        self._prices = prices
        self._account = account
        self._broker = broker
        self._zone = zone
        self._bar = bar
        self._next_assignment = int(np.iinfo(np.int64).min)
        self._splitting = []

    def expire(self, time: int) -> list[OrderEvent]:
        """Settle every option whose last session has closed by ``time``: exercised, assigned, or worthless."""
        events = []
        for number, _ in list(self._account.held()):
            option = self._listing[number]
            if option.is_option and option.expiry <= time:
                events += self._broker.cancel(number, time, "the option has expired")
                events += self._broker.exercise(number, time, self._prices.price(option.underlying), _EXPIRY_TAG)
        return events

    def assign(self, time: int) -> list[OrderEvent]:
        """Assign short options whose holders gain by exercising early, looked for once an hour.

        As LEAN's ``DefaultOptionAssignmentModel``: American, within four days of the expiry date, in the money by
        more than 5 % of the underlying, and worth more exercised than sold at the bid.
        """
        if time < self._next_assignment:
            return []
        self._next_assignment = time - time % _HOUR + _HOUR
        events = []
        for number, position in list(self._account.held()):
            option = self._listing[number]
            if option.is_option and position.quantity < 0 and self._is_assigned(option, position, time):
                spot = self._prices.price(option.underlying)
                events += self._broker.cancel(number, time, "the option was assigned")
                events += self._broker.exercise(number, time, spot, _ASSIGNMENT_TAG)
        return events

    def warn_of_split(self, underlying: int) -> None:
        """Take note that an underlying splits before the next session."""
        self._splitting.append(underlying)

    def liquidate_before_split(self, time: int, close: int) -> list[OrderEvent]:
        """Close options on an underlying that splits overnight with orders on the close, as LEAN does.

        They are sent a quarter of an hour before the close, at the last bar that ends by then; from there on the
        options cannot be traded.
        """
        latest = close - _ON_CLOSE_BUFFER
        if not self._splitting or time < latest - latest % self._bar:
            return []
        events = []
        for number, position in list(self._account.held()):
            option = self._listing[number]
            if option.is_option and option.underlying in self._splitting and option.expiry > close:
                events += self._broker.cancel(number, time, _SPLIT_CANCEL)
                events += self._broker.submit(
                    number, -position.quantity, time, type=OrderType.MARKET_ON_CLOSE, tag=SPLIT_TAG
                )
                self._broker.freeze(number)
        self._splitting.clear()
        return events

    def split(self, underlying: int, factor: float) -> None:
        """Restate an equity's position and prices after a split, whole shares and the rest in cash."""
        self._prices.split(underlying, factor)
        self._account.split(underlying, factor, self._prices.price(underlying))

    def dividend(self, underlying: int, amount: float) -> None:
        """Pay a dividend a share on what is held, or take it from who is short."""
        self._account.receive_dividend(underlying, decimal(amount))

    def _is_assigned(self, option: Instrument, position: Position, time: int) -> bool:
        local = dt.datetime.fromtimestamp(time // SECOND, self._zone).replace(tzinfo=None)
        midnight = dt.datetime.combine(option.expiry_date, dt.time())
        due = midnight - local <= _ASSIGNED_WITHIN if option.american else midnight.date() == local.date()
        spot = self._prices.price(option.underlying)
        deep = option.intrinsic(spot) > _ASSIGNED_BEYOND * spot > 0
        return due and deep and self._gain_of_exercise(option, position) > 0

    def _gain_of_exercise(self, option: Instrument, position: Position) -> Decimal:
        """What the holder of a short position's other side gains by exercising over selling at the bid."""
        prices, contracts = self._prices, -position.quantity
        sold = (prices.bid(option.number) - position.average_price) * contracts * option.multiplier
        sold -= market_order_fee(option, contracts, prices)
        shares = option.right * contracts * option.multiplier
        spot = prices.bid(option.underlying) if option.right > 0 else prices.ask(option.underlying)
        # LEAN counts the multiplier twice here, so that what is deep in the money is assigned however it is quoted.
        exercised = (spot - option.strike) * shares * option.multiplier
        exercised -= position.average_price * contracts * option.multiplier
        exercised -= market_order_fee(self._listing[option.underlying], -shares, prices)
        return exercised - sold
