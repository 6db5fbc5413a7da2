"""What the broker says of its account, against LEAN's, where there is no LEAN."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.journal import JournalError
from alo_lib.records import SECOND
from alo_lib.runtime.account_watch import STANDS
from alo_lib.runtime.terms import Terms
from tests.models.kit import Algorithm, equity

ONE, OTHER, UNKNOWN = equity("ONE"), equity("OTHER"), equity("UNKNOWN")


class Security(SimpleNamespace):
    """A security of LEAN's and what it believes to hold of it."""

    def __init__(self, quantity: int) -> None:
        super().__init__(quantity=quantity, average_price=1.0)
        self.holdings = self

    @property
    def invested(self) -> bool:
        return bool(self.quantity)

    def set_holdings(self, price: float, quantity: int) -> None:
        self.average_price, self.quantity = price, quantity


class Money(SimpleNamespace):
    """What LEAN believes to have of a currency."""

    def set_amount(self, amount: float) -> None:
        self.amount = amount


class CashBook(dict[str, Money]):
    def contains_key(self, currency: str) -> bool:
        return currency in self


class Securities(dict[Any, Security]):
    cash_book: CashBook

    def contains_key(self, symbol: Any) -> bool:
        return symbol in self

    def __iter__(self) -> Any:
        return iter([SimpleNamespace(key=key, value=self[key]) for key in self.keys()])


class Broker:
    """Holds and works what a test says; ``asked`` counts."""

    def __init__(self) -> None:
        self.held: dict[Any, int] = {}
        self.works: dict[str, str] = {}  # tags by its identifiers
        self.odd: list[SimpleNamespace] = []  # orders beside them
        self.canceled: list[str] = []
        self.cancels: bool | Exception = True
        self.asked = 0
        self.error = ""
        self.cash: dict[str, float] | Exception = {"USD": 900.0}

    def get_account_holdings(self) -> list[SimpleNamespace]:
        self.asked += 1
        if self.error:
            raise RuntimeError(self.error)
        return [SimpleNamespace(symbol=key, quantity=count, average_price=7.5) for key, count in self.held.items()]

    def get_open_orders(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(broker_id=[name], tag=tag, symbol=ONE) for name, tag in self.works.items()] + self.odd

    def get_cash_balance(self) -> list[SimpleNamespace]:
        if isinstance(self.cash, Exception):
            raise self.cash
        return [SimpleNamespace(currency=currency, amount=amount) for currency, amount in self.cash.items()]

    def cancel_order(self, order: SimpleNamespace) -> bool:
        self.canceled += order.broker_id or [order.tag]
        if isinstance(self.cancels, Exception):
            raise self.cancels
        return self.cancels


class Account:
    def __init__(self, lean: Any) -> None:
        self.broker = Broker()
        lean.Composer = SimpleNamespace(INSTANCE=SimpleNamespace(get_part={lean.IBrokerage: lambda: self.broker}))
        self.securities = Securities({ONE: Security(10), OTHER: Security(-3)})
        self.securities.cash_book = CashBook(USD=Money(amount=900.0), EUR=Money(amount=5.0))
        self.open: list[SimpleNamespace] = []
        transactions = SimpleNamespace(
            get_open_orders=lambda: self.open,
            get_orders_by_brokerage_id=lambda name: [each for each in self.open if name in (each.broker_id or ())],
        )
        self.algorithm = Algorithm(portfolio=self.securities, securities=self.securities, transactions=transactions)
        self.marshal = import_module("models.marshalling").Marshal(Terms(lambda: 3))
        self.account = import_module("models.broker_account").BrokerAccount(self.algorithm, self.marshal)


@pytest.fixture
def made(lean: Any) -> Account:
    return Account(lean)


def test_a_broker_that_agrees_is_asked_once_a_minute(made: Account) -> None:
    made.broker.held = {ONE: 10, OTHER: -3, UNKNOWN: 4}
    for second in range(130):
        assert made.account.look(second * SECOND) == []
        assert made.account.is_sure
    assert made.broker.asked == 3


def test_what_stays_otherwise_is_put_right_in_lean_and_said(made: Account) -> None:
    made.broker.held = {ONE: 12}
    said = [made.account.look(second * SECOND) for second in range(30)]
    (found,) = (each for each in said if each)
    assert found == [
        "the broker holds 12 ONE, LEAN held 10: LEAN's is set to the broker's",
        "the broker holds 0 OTHER, LEAN held -3: LEAN's is set to the broker's",
    ]
    assert said.index(found) * SECOND >= STANDS
    assert {key: made.securities[key].quantity for key in (ONE, OTHER)} == {ONE: 12, OTHER: 0}
    assert made.securities[ONE].average_price == 7.5
    assert made.account.is_sure


def test_what_the_broker_was_paid_for_it_is_leans_too(made: Account) -> None:
    made.broker.held, made.broker.cash = {ONE: 12, OTHER: -3}, {"USD": 885.5, "GBP": 7.0}
    said = [line for second in range(0, 30, 2) for line in made.account.look(second * SECOND, at_once=True)]
    assert said == [
        "the broker holds 12 ONE, LEAN held 10: LEAN's is set to the broker's",
        "the broker has 885.50 USD, LEAN had 900.00: LEAN's is set to the broker's",
    ]
    assert {key: money.amount for key, money in made.securities.cash_book.items()} == {"USD": 885.5, "EUR": 5.0}


def test_cash_that_the_broker_does_not_tell_stays_and_is_said(made: Account) -> None:
    made.broker.held, made.broker.cash = {ONE: 12, OTHER: -3}, RuntimeError("no answer")
    said = [line for second in range(0, 30, 2) for line in made.account.look(second * SECOND, at_once=True)]
    assert said[1:] == ["the broker does not tell its cash, so LEAN's stays as it was: no answer"]
    assert made.securities.cash_book["USD"].amount == 900.0


def test_nothing_is_asked_of_a_broker_that_is_gone_and_its_orders_are_seen_when_it_is_back(made: Account) -> None:
    made.broker.held = {ONE: 10, OTHER: -3}
    made.open = [
        SimpleNamespace(id=4, symbol=ONE, broker_id=["a"]),
        SimpleNamespace(id=5, symbol=OTHER, broker_id=["b"]),
    ]
    made.account.gone()
    assert made.account.look(0, at_once=True) == []
    assert made.broker.asked == 0
    made.account.back()
    made.broker.works = {"b": ""}
    assert made.account.look(SECOND) == []
    assert not made.account.is_sure
    assert made.marshal.lost == set()
    assert made.account.look(SECOND + STANDS) == ["the broker works LEAN's order 4 for ONE no more"]
    assert made.marshal.lost == {4}
    assert made.account.is_sure


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        (True, "it is canceled"),
        (False, "the broker does not cancel it, cancel it there"),
        (RuntimeError("too late"), "it could not be canceled, cancel it there: too late"),
    ],
)
def test_what_a_process_sent_that_led_no_more_is_canceled_once_at_the_broker(
    made: Account, answer: bool | Exception, done: str
) -> None:
    made.broker.held = {ONE: 10, OTHER: -3}
    made.broker.cancels = answer
    made.open = [SimpleNamespace(id=4, symbol=ONE, broker_id=["a"])]
    made.broker.works = {"a": "hedge #1 @2", "b": "hedge #2 @2", "c": "hedge #3 @3", "d": "hedge #4", "e": "by hand"}
    assert made.account.look(0) == [
        f"the broker works 'hedge #2 @2' for ONE, sent by a process that led no more: this is term 3; {done}"
    ]
    assert made.account.look(SECOND, at_once=True) == []  # it takes its time
    assert made.broker.canceled == (["b"] if answer is True else ["b", "b"])  # who does not is asked again, unsaid
    assert made.account.is_sure


def odd(tag: str | None, **given: Any) -> SimpleNamespace:
    """An order of which a broker tells little."""
    return SimpleNamespace(**({"broker_id": None, "tag": tag, "symbol": None} | given))


def test_orders_that_lack_identifiers_tag_or_symbol_are_taken_for_what_they_say(made: Account) -> None:
    made.broker.held = {ONE: 10, OTHER: -3}
    made.open = [odd(None, id=4), odd("hedge #6 @3", id=5, broker_id=[None, "", "f"])]
    made.broker.odd = [odd(None), odd(None, broker_id=["g"], symbol=ONE), odd("hedge #5 @2"), odd("", broker_id=[None])]
    made.account.gone()
    made.account.back()
    why = "sent by a process that led no more: this is term 3; it is canceled"
    assert made.account.look(0) == [f"the broker works 'hedge #5 @2' for no symbol, {why}"]
    assert made.account.look(STANDS) == [
        "the broker works LEAN's order 4 for no symbol no more",
        "the broker works LEAN's order 5 for no symbol no more",
    ]
    assert made.broker.canceled == ["hedge #5 @2"]
    made.broker.odd = [odd("hedge #5 @4")]
    with pytest.raises(JournalError, match=r"^the broker works 'hedge #5 @4' for no symbol of term 4, "):
        made.account.look(2 * STANDS, at_once=True)


@pytest.mark.parametrize(("term", "what"), [(2, "sent by a process that led no more"), (4, "another process has gone")])
def test_a_long_tag_is_quoted_shortened(made: Account, term: int, what: str) -> None:
    legs = " ".join(f"#{order}={order + 1}" for order in range(1000, 1020))
    made.broker.odd = [odd(f"entry {legs} @{term}", symbol=ONE)]
    try:
        (said,) = made.account.look(0)
    except JournalError as error:
        said = str(error)
    assert said.startswith(f"the broker works 'entry {legs[:74]}'... (228 characters) for ONE")
    assert what in said


def test_a_process_that_was_stopped_asks_the_broker_at_once_and_ends_where_another_leads(made: Account) -> None:
    made.broker.held = {ONE: 10, OTHER: -3}
    for second in range(5):
        made.account.look(second * SECOND)
    assert made.broker.asked == 1
    made.broker.works = {"b": "hedge #2 @2", "c": "hedge #3 @4"}
    for second in (20, 21):
        with pytest.raises(
            JournalError, match=r"^the broker works 'hedge #3 @4' for ONE of term 4, and this is term 3: "
        ):
            made.account.look(second * SECOND, at_once=second > 20)
    assert made.broker.canceled == []


def test_a_broker_that_does_not_say_is_told_of_once(made: Account) -> None:
    made.broker.error = "no answer"
    for second in range(0, 200, 60):
        assert made.account.look(second * SECOND, at_once=True) == []
    assert made.algorithm.logged == ["alo: the broker does not tell what it holds: no answer"]
