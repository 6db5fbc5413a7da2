"""Interest and borrow fees as LEAN books them, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace

import pytest

from alo_lib.records import ACCOUNT_CASH, Kind, Message
from alo_lib.settings import Settings
from tests.models.kit import NOW, UTC_TIME, Algorithm, equity

ONE, OTHER = equity("ONE"), equity("OTHER")
FRIDAY, MONDAY = dt.date(2024, 3, 1), dt.date(2024, 3, 4)


class Cash:
    """The account's dollars."""

    def __init__(self, amount: float) -> None:
        self.amount, self.added = amount, list[float]()

    def add_amount(self, amount: float) -> None:
        self.amount += amount
        self.added.append(amount)


class Account:
    """Two underlyings' models, the account that they book to, and what the core was told."""

    def __init__(self, cash: float, worth: tuple[float, float]) -> None:
        self.cash, self.told, self.core = Cash(cash), SimpleNamespace(session=None, rate=0.0), list[Message]()
        self.securities = {
            symbol: SimpleNamespace(
                symbol=symbol,
                quote_currency=self.cash,
                holdings=SimpleNamespace(holdings_value=value),
                is_delisted=False,
            )
            for symbol, value in zip((ONE, OTHER), worth, strict=True)
        }
        marshal = import_module("models.marshalling").Marshal()
        for number, symbol in enumerate(self.securities):
            marshal.add_underlying(number, symbol)
        settings = Settings(
            underlyings=["ONE", "OTHER"], cash_spread=0.005, debit_spread=0.015, borrow_fee=0.0036, interest=True
        )
        teller = SimpleNamespace(told=self.told, number=["ONE", "OTHER"].index)
        made = import_module("models.margin_interest_model").AloMarginInterestRateModel
        self.models = [
            made(Algorithm(securities=self.securities), settings, teller, marshal, self.core.append) for _ in range(2)
        ]

    def asked(self, day: dt.date) -> list[tuple[int, int, float, float]]:
        """What the core is told when LEAN asks for both underlyings, or for the one that is not delisted."""
        self.core.clear()
        for model, security in zip(self.models, self.securities.values(), strict=True):
            if security.is_delisted:
                continue
            security.local_time = dt.datetime.combine(day, dt.time(10))
            model.apply_margin_interest_rate(SimpleNamespace(security=security, time=UTC_TIME))
        assert [(message.kind, message.time) for message in self.core] == [(Kind.INTEREST, NOW)] * len(self.core)
        rows = [message.records[0] for message in self.core]
        return [(int(r["instrument"]), int(r["days"]), float(r["amount"]), float(r["rate"])) for r in rows]


@pytest.mark.usefixtures("lean")
def test_a_weekend_is_booked_once_at_the_rate_of_its_friday() -> None:
    account = Account(100_000.0, (-10_000.0, -20_000.0))
    assert account.asked(FRIDAY) == []  # before the session was told
    account.told.session, account.told.rate = FRIDAY, 0.05
    assert account.asked(FRIDAY) == []  # nothing has accrued yet
    account.told.session, account.told.rate = MONDAY, 0.09
    # Three days over 360: 4.5 % of the cash that short sales did not bring in, and 0.36 % of the shares owed.
    expected = [(ACCOUNT_CASH, 3, 26.25, 0.045), (0, 3, -0.3, 0.0036), (1, 3, -0.6, 0.0036)]
    assert account.asked(MONDAY) == expected
    assert account.cash.added == [26.25, -0.3, -0.6]
    assert account.asked(MONDAY) == []  # LEAN asks again every hour
    assert account.asked(MONDAY + dt.timedelta(days=1)) == []  # its session is not told yet
    assert len(account.cash.added) == 3


@pytest.mark.usefixtures("lean")
def test_owed_cash_costs_and_shares_held_long_are_not_borrowed() -> None:
    account = Account(-36_000.0, (10_000.0, 0.0))
    for session in (FRIDAY, MONDAY):
        account.told.session, account.told.rate = session, 0.035
        told = account.asked(session)
    assert told == [(ACCOUNT_CASH, 3, -15.0, 0.05)]
    assert account.cash.added == [-15.0]


@pytest.mark.usefixtures("lean")
def test_cash_earns_on_once_the_first_underlying_is_delisted() -> None:
    account = Account(100_000.0, (0.0, -20_000.0))
    account.told.session, account.told.rate = FRIDAY, 0.05
    assert account.asked(FRIDAY) == []
    account.securities[ONE].is_delisted = True
    account.told.session = MONDAY
    assert account.asked(MONDAY) == [(ACCOUNT_CASH, 3, 30.0, 0.045), (1, 3, -0.6, 0.0036)]  # of 80,000
