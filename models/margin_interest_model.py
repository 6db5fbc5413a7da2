"""LEAN margin interest model: interest on cash and the fee for short shares, as the library counts them."""

from collections.abc import Callable, Iterator

from AlgorithmImports import MarginInterestRateParameters, QCAlgorithm, Security

from alo_lib.records import Message
from alo_lib.runtime import Teller
from alo_lib.settings import Settings
from alo_lib.strategy.interest import Accrual, AccrualSpan, Booking, borrow_fee, interest_on_cash
from models.marshalling import Marshal
from models.times import utc_nanoseconds

__all__ = ["AloMarginInterestRateModel"]


class AloMarginInterestRateModel:
    """``equity.set_margin_interest_rate_model(...)``: one for each underlying; the first one's accrues the cash, too.

    For backtests: a live broker books interest by itself. LEAN asks once an hour; what accrued is booked when it first
    does after a session was told. It asks no more for what is delisted, so that the next one's accrues the cash from
    then on. ``accept`` tells the core.
    """

    def __init__(
        self,
        algorithm: QCAlgorithm,
        settings: Settings,
        teller: Teller,
        marshal: Marshal,
        accept: Callable[[Message], None],
    ) -> None:
        self._algorithm = algorithm
        self._settings = settings
        self._teller = teller
        self._marshal = marshal
        self._accept = accept
        self._accrual = Accrual()

    def apply_margin_interest_rate(self, parameters: MarginInterestRateParameters) -> None:
        """Book what has accrued to LEAN's cash, and tell the core of it."""
        security, told = parameters.security, self._teller.told
        if told.session is None or security.local_time.date() != told.session:
            return
        for booking in self._bookings(security, self._accrual.span(told.session, told.rate)):
            if booking.amount:
                security.quote_currency.add_amount(float(booking.amount))
                self._accept(booking.told(utc_nanoseconds(parameters.time)))

    def _bookings(self, security: Security, span: AccrualSpan) -> Iterator[Booking]:
        underlyings = [self._teller.number(ticker) for ticker in self._settings.underlyings]
        equities = [self._algorithm.securities[self._marshal.symbol(each)] for each in underlyings]
        number = self._marshal.number(security.symbol)
        if number == next(one for one, each in zip(underlyings, equities, strict=True) if not each.is_delisted):
            cash = float(security.quote_currency.amount)
            yield interest_on_cash(cash, map(_short_value, equities), span, self._settings)
        yield borrow_fee(number, _short_value(security), span, self._settings)


def _short_value(security: Security) -> float:
    """What shares held short are worth."""
    return max(-float(security.holdings.holdings_value), 0.0)
