"""What happens to positions without an order: expiry, assignment, splits, dividends, liquidation before a split."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import numpy as np

from alo_lib.market import MapFile
from alo_lib.records import HOUR, MINUTE, SECOND, Linked, OrderType
from alo_lib.simulation.account import Account, Position
from alo_lib.simulation.broker import Broker
from alo_lib.simulation.fees import market_order_fee
from alo_lib.simulation.identifiers import first_ticker, option_id
from alo_lib.simulation.listing import Instrument, Listing
from alo_lib.simulation.money import decimal
from alo_lib.simulation.orders import OrderEvent
from alo_lib.simulation.prices import Prices
from alo_lib.simulation.securities import Securities

__all__ = ["SPLIT_TAG", "Settlement"]

SPLIT_TAG: Final = "Liquidated due to impending split. Option splits are not currently supported."
_SPLIT_CANCEL: Final = "Canceled due to impending split. Separate MarketOnClose order submitted to liquidate position."
_DELISTING_CANCEL: Final = "the option has expired"
_ASSIGNMENT_TAG: Final = "Simulated option assignment before expiration"

_ON_CLOSE_BUFFER: Final = 15 * MINUTE + 30 * SECOND
_ASSIGNED_WITHIN: Final = dt.timedelta(days=4)
_ASSIGNED_BEYOND: Final = Decimal("0.05")


class Settlement:
    """LEAN's default models of what befalls positions, at the times and in the order in which LEAN applies them.

    ``histories`` are the underlyings' names over time, by ticker.
    """

    securities: Securities
    _listing: Annotated[Listing, Linked("listing")]
    _prices: Annotated[Prices, Linked("prices")]
    _account: Annotated[Account, Linked("account")]
    _broker: Annotated[Broker, Linked("broker")]
    _histories: Annotated[Mapping[str, MapFile], Linked("histories")]
    _zone: Annotated[ZoneInfo, Linked("zone")]
    _bar: int
    _next_assignment: int
    _splitting: list[int]

    def __init__(
        self,
        listing: Listing,
        prices: Prices,
        account: Account,
        broker: Broker,
        *,
        histories: Mapping[str, MapFile],
        zone: ZoneInfo,
        bar: int,
    ) -> None:
        self._listing = listing
        self._prices = prices
        self._account = account
        self._broker = broker
        self._histories = histories
        self._zone = zone
        self._bar = bar
        self.securities = Securities()
        self._next_assignment = int(np.iinfo(np.int64).min)
        self._splitting = []

    def begin_session(self, contracts: Iterable[int]) -> None:
        """Know the contracts that LEAN subscribes to in a session: those selected, and those held.

        It drops the others in the order of their identifiers, then adds the new ones in that of their symbols.
        """
        today, known = set(contracts), self.securities
        for number in sorted(set(known) - today, key=self._identifier):
            known.remove(number)
        for number in sorted(today - set(known), key=self._symbol):
            known.add(number)

    def expire(self, time: int) -> list[OrderEvent]:
        """Settle every contract whose last session is over: exercised, assigned, or worthless.

        As LEAN's ``BacktestingBrokerage.ProcessDelistings``, which goes by symbol: at the midnight after the last
        session, at the underlying's last price, without a tag.
        """
        events = []
        over = [number for number in self.securities if self._listing[number].expiry <= time]
        for number in sorted(over, key=self._symbol):
            self.securities.remove(number)
            if self._account.quantity(number):
                spot = self._prices.price(self._listing[number].underlying)
                events += self._broker.exercise(number, time, spot)
            events += self._broker.cancel(number, time, _DELISTING_CANCEL)
        return events

    def assign(self, time: int) -> list[OrderEvent]:
        """Assign short options whose holders gain by exercising early, looked for once an hour.

        As LEAN's ``DefaultOptionAssignmentModel``: American, within four days of the expiry date, in the money by
        more than 5 % of the underlying, and worth more exercised than sold at the bid.
        """
        if time < self._next_assignment:
            return []
        self._next_assignment = time - time % HOUR + HOUR
        events = []
        short = [(number, position) for number, position in self._held() if position.quantity < 0]
        for number, position in sorted(short, key=lambda each: self._root(each[0])):
            option = self._listing[number]
            if self._is_assigned(option, position, time):
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
        for number, position in [each for split in reversed(self._splitting) for each in self._held(split)]:
            if self._listing[number].expiry > close:
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

    def _held(self, underlying: int | None = None) -> Iterator[tuple[int, Position]]:
        """Contracts held, of one underlying or of all, as LEAN goes through its securities."""
        for number in self.securities:
            position = self._account.position(number)
            if position.quantity and underlying in (None, self._listing[number].underlying):
                yield number, position

    def _identifier(self, number: int) -> str:
        ticker = self._ticker(number)
        return option_id(self._listing[number], ticker, self._histories[ticker])

    def _root(self, number: int) -> str:
        ticker = self._ticker(number)
        return first_ticker(ticker, self._histories[ticker])

    def _ticker(self, number: int) -> str:
        return self._symbol(self._listing[number].underlying)

    def _symbol(self, number: int) -> str:
        return self._listing[number].symbol

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
