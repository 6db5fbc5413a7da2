"""When the simulated broker books interest and borrow fees: as LEAN calls the margin interest models of securities."""

from typing import Annotated

from alo_lib.records import Linked, Message
from alo_lib.runtime import MarketRecord
from alo_lib.settings import Settings
from alo_lib.simulation.account import Account
from alo_lib.simulation.prices import Prices
from alo_lib.strategy.interest import Accrual, borrow_fee, interest_on_cash

__all__ = ["MarginInterest"]


class MarginInterest:
    """Interest on cash and fees for short shares, booked once a session at its first bar.

    LEAN scans its models at the first data at or after each full hour, before what those data do to orders. Between
    the time at which a session is told and its first bar no data come, and those before come in earlier hours: so the
    first bar is always scanned.
    """

    _settings: Annotated[Settings, Linked("settings")]
    _prices: Annotated[Prices, Linked("prices")]
    _account: Annotated[Account, Linked("account")]
    _accrual: Accrual

    def __init__(self, settings: Settings, prices: Prices, account: Account) -> None:
        self._settings = settings
        self._prices = prices
        self._account = account
        self._accrual = Accrual()

    def scan(self, told: MarketRecord, time: int) -> list[Message]:
        """Book what has accrued until the session that was told last. Returns what the core is told of it, in order."""
        if not self._settings.interest or told.session is None or told.session == self._accrual.until:
            return []
        settings, span = self._settings, self._accrual.span(told.session, told.rate)
        short = {number: self._short_value(number) for number in told.underlyings.values()}
        bookings = [interest_on_cash(float(self._account.cash), short.values(), span, settings)]
        bookings += [borrow_fee(number, value, span, settings) for number, value in short.items()]
        booked = [booking for booking in bookings if booking.amount]
        for booking in booked:
            self._account.accrue(booking)
        return [booking.told(time) for booking in booked]

    def _short_value(self, underlying: int) -> float:
        """What shares held short are worth."""
        shares = min(self._account.quantity(underlying), 0)
        return float(-shares * self._prices.price(underlying))
