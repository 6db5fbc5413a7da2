"""Interest on the account's cash, and the fee for shares held short: what a broker books for the days that passed.

One rule for all engines; the core is told what came of it (INTEREST records). The conventions:

- Interest is simple and accrues by calendar days over a year of 360, once a date: actual/360, the convention of US
  dollar balances at brokers, and of LEAN's ``ShortMarginInterestRateModel.cs`` (days between dates, over 360).
- Cash earns a benchmark rate less a spread, never below zero, and owes the benchmark plus another spread where it is
  negative: how Interactive Brokers states its rates ("BM - 0.5 %", "BM + 1.5 %"). The benchmark is the rate that the
  core is told, LEAN's interest-rate file. There are no tiers.
- What a short sale of shares brought in stays with who lends them, and follows their price: the balance that bears
  interest is the cash less the value of short shares. What short options brought in is the account's own.
- Who is short shares pays a fee on their value, at the price of the time. It is one rate, of shares that are easy to
  borrow (general collateral); brokers add to the value (102 %, rounded up to the dollar), which is left out.
- A span's rate is the one in force when it began: that of Friday holds until Monday.
- Amounts are rounded to the cent, halves to even.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from alo_lib.records import ACCOUNT_CASH, Kind, Message, records
from alo_lib.records.units import CENT
from alo_lib.settings import Settings

__all__ = ["Accrual", "AccrualSpan", "Booking", "borrow_fee", "interest_on_cash"]

_DAYS_A_YEAR: Final = 360


class AccrualSpan(NamedTuple):
    """Calendar days for which nothing was booked yet, and the benchmark rate in force when they began."""

    days: int
    benchmark: float


@dataclass
class Accrual:
    """Until when something was booked: what who books it remembers from session to session."""

    until: dt.date | None = None
    benchmark: float = 0.0

    def span(self, day: dt.date, benchmark: float) -> AccrualSpan:
        """What has accrued until ``day``, from which ``benchmark`` is in force; no days at first, or again."""
        span = AccrualSpan(0 if self.until is None else (day - self.until).days, self.benchmark)
        self.until, self.benchmark = day, benchmark
        return span


class Booking(NamedTuple):
    """Money booked to the account for ``days``, to the cent; negative where it is paid."""

    instrument: int  # the underlying whose shares are borrowed, or ACCOUNT_CASH
    days: int
    amount: Decimal
    rate: Decimal  # a year of 360 days

    def told(self, time: int) -> Message:
        """As the core is told."""
        row = records(Kind.INTEREST, instrument=self.instrument, days=self.days, amount=float(self.amount))
        row["rate"] = float(self.rate)
        return Message(Kind.INTEREST, time, row)


def interest_on_cash(cash: float, short_values: Iterable[float], span: AccrualSpan, settings: Settings) -> Booking:
    """Interest on the account's cash, of which ``short_values``, what shares held short are worth, bears none."""
    balance = _exact(cash) - sum(map(_exact, short_values))
    spread = -settings.cash_spread if balance >= 0 else settings.debit_spread
    return _booking(ACCOUNT_CASH, balance, max(_exact(span.benchmark) + _exact(spread), Decimal(0)), span)


def borrow_fee(underlying: int, short_value: float, span: AccrualSpan, settings: Settings) -> Booking:
    """The fee for shares of an underlying held short that are worth ``short_value``; zero where none are."""
    return _booking(underlying, -_exact(short_value), _exact(settings.borrow_fee), span)


def _booking(instrument: int, balance: Decimal, rate: Decimal, span: AccrualSpan) -> Booking:
    amount = (balance * rate * span.days / _DAYS_A_YEAR).quantize(CENT, ROUND_HALF_EVEN)
    return Booking(instrument, span.days, amount, rate)


def _exact(value: float) -> Decimal:
    """The decimal that a float was written as: hosts hand decimals over as floats."""
    return Decimal(repr(float(value)))
