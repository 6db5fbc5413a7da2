"""What LEAN holds and works, against a core that goes on, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.journal import JournalError
from alo_lib.records import (
    Contract,
    HostEvent,
    InstrumentTable,
    Kind,
    Message,
    OrderReason,
    OrderStatus,
    OrderType,
    records,
)
from alo_lib.runtime.terms import Terms
from alo_lib.settings import Settings, SettingsError
from tests.models.kit import NOW, Algorithm, equity, option

ONE, OTHER, FIRST, LAST = (equity(name) for name in ("ONE", "OTHER", "AAA", "ZZZ"))


class Core:
    """Believes that it holds 10 of the one, and waits for two orders."""

    def __init__(self, takes_over: bool = False) -> None:
        self.settings = Settings.of({"take_over": takes_over})
        self.instruments = InstrumentTable()
        for ticker in ("ONE", "OTHER"):
            self.instruments.add_equity(ticker)
        self.holdings, self.orders_working = {0: 10}, {4: (0, 5), 5: (1, -8)}
        self.cash: float | None = None
        self.wants_reconciliation = False
        self.remarks: list[Message] = []
        self.inputs: list[Message] = []

    @property
    def order_types(self) -> dict[int, OrderType]:
        return dict.fromkeys(self.orders_working, OrderType.MARKET)

    def remark(self, message: Message) -> None:
        self.remarks.append(message)

    def accept(self, message: Message) -> None:
        self.inputs.append(message)


class Portfolio(list[SimpleNamespace]):
    """LEAN's positions, and its cash."""

    cash = 5_000.0


def held(symbol: Any, quantity: float, price: float) -> SimpleNamespace:
    holding = SimpleNamespace(symbol=symbol, quantity=quantity, average_price=price, invested=quantity != 0)
    return SimpleNamespace(key=symbol, value=holding)


class Orders:
    """LEAN's transactions: what is open, and what was canceled."""

    def __init__(self, orders: list[tuple[int, str | None, int, tuple[int, float] | None]]) -> None:
        self._orders = [
            SimpleNamespace(id=key, tag=tag, quantity=quantity, symbol=ONE, type=OrderType.MARKET, broker_id=[str(key)])
            for key, tag, quantity, _ in orders
        ]
        self._filled = {key: filled for key, _, _, filled in orders}
        self.canceled: list[int] = []

    def get_open_orders(self, chosen: Any = lambda order: True) -> list[SimpleNamespace]:
        return [order for order in self._orders if chosen(order)]

    def get_order_ticket(self, key: int) -> SimpleNamespace | None:
        filled = self._filled[key]
        return None if filled is None else SimpleNamespace(quantity_filled=filled[0], average_fill_price=filled[1])

    def cancel_order(self, key: int) -> None:
        self.canceled.append(key)


@pytest.fixture
def made(lean: Any) -> Any:
    return import_module("models.host_portfolio")


@pytest.fixture
def marshal(made: Any) -> Any:
    marshal = import_module("models.marshalling").Marshal()
    marshal.add_underlying(0, ONE)
    marshal.add_underlying(1, OTHER)
    return marshal


def test_a_core_that_goes_on_is_told_what_lean_holds_and_works(made: Any, marshal: Any) -> None:
    tag = import_module("models.marshalling").order_tag
    transactions = Orders(
        [
            (71, tag(OrderReason.HEDGE, 5), -8, (-3, 20.0)),  # partly filled while nobody listened
            (72, tag(OrderReason.ENTRY, 9), 2, None),  # of a journal that was lost: ours, and unknown
            (73, "somebody else's", 6, None),
            (74, None, 7, None),
        ]
    )
    positions = [
        held(ONE, 15, 100.0),
        held(OTHER, -3, 20.0),
        held(LAST, 1, 1.0),
        held(FIRST, 1, 1.0),
        held(ONE, 0, 0.0),
    ]
    core, algorithm = Core(), Algorithm(portfolio=Portfolio(positions), transactions=transactions)
    made.meet_portfolio(algorithm, core, marshal, ["it went on"])
    told = [(message.kind, message.time, *_said(message)) for message in core.inputs]
    assert told == [
        (Kind.ORDER_EVENT, NOW, 4, 0, 5, 100.0, OrderStatus.FILLED),
        (Kind.ORDER_EVENT, NOW, 5, 1, -3, 20.0, OrderStatus.PARTIALLY_FILLED),
    ]
    assert transactions.canceled == [72]
    texts = [text.removeprefix("alo recovery: ") for text in algorithm.logged]
    assert texts[0] == "it went on"
    assert texts[-2:] == [f"LEAN holds {name}, which the core knows nothing of" for name in ("AAA", "ZZZ")]
    assert len(texts) == len(core.remarks)
    for remark, text in zip(core.remarks, texts, strict=True):
        assert (remark.kind, remark.time, int(remark.records["event"][0])) == (Kind.EVENT, NOW, HostEvent.RECOVERY)
        assert remark.records["text"][0].decode() == text[:120]


def _said(message: Message) -> tuple[Any, ...]:
    (row,) = message.records
    return tuple(row[name].item() for name in ("order", "instrument", "quantity", "price", "status"))


def test_an_order_that_a_process_sent_which_led_no_more_is_canceled(made: Any) -> None:
    """The account waits for order 5, sent in this term; the same number comes back of the term before."""
    marshal = import_module("models.marshalling").Marshal(Terms(lambda: 2, {4: 1, 5: 2}))
    marshal.add_underlying(0, ONE)
    marshal.add_underlying(1, OTHER)
    transactions = Orders([(70, "entry #4 @1", 5, None), (71, "hedge #5 @2", -8, None), (72, "hedge #5 @1", -3, None)])
    core, algorithm = Core(), Algorithm(portfolio=Portfolio([held(ONE, 10, 100.0)]), transactions=transactions)
    made.meet_portfolio(algorithm, core, marshal, [])
    assert core.inputs == []
    assert transactions.canceled == [72]
    assert algorithm.logged == [
        "alo recovery: order 4 for 5 ONE is still working",
        "alo recovery: order 5 for -8 OTHER is still working",
        "alo recovery: LEAN's order 72, 'hedge #5 @1', was sent by a process that led no more: this is term 2; it is "
        "canceled",
    ]
    made.meet_portfolio(
        algorithm, core, marshal, [], said=[text.removeprefix("alo recovery: ") for text in algorithm.logged]
    )
    assert transactions.canceled == [72]
    assert len(algorithm.logged) == 3


def test_orders_that_lack_identifiers_tag_or_symbol_are_left_alone_and_a_long_tag_is_shortened(made: Any) -> None:
    marshal = import_module("models.marshalling").Marshal(Terms(lambda: 2, {4: 1, 5: 2}))
    marshal.add_underlying(0, ONE)
    legs = " ".join(f"#{order}={order + 1}" for order in range(1000, 1020))
    tags = {"entry #4 @1": 5, None: 1, "hedge #5 @2": -8, f"hedge {legs} @1": 1}
    transactions = Orders([(70 + place, tag, quantity, None) for place, (tag, quantity) in enumerate(tags.items())])
    for order in transactions.get_open_orders():
        order.broker_id = order.symbol = None
    core, algorithm = Core(), Algorithm(portfolio=Portfolio([held(ONE, 10, 100.0)]), transactions=transactions)
    made.meet_portfolio(algorithm, core, marshal, [])
    assert transactions.canceled == [73]
    assert algorithm.logged[-1] == (
        f"alo recovery: LEAN's order 73, 'hedge {legs[:74]}'... (228 characters), was sent by a process that led no "
        "more: this is term 2; it is canceled"
    )


def test_a_process_that_finds_an_order_of_a_later_term_touches_nothing_and_sends_nothing_more(made: Any) -> None:
    """It was stopped while it led: another one has gone on, in term 3."""
    marshal = import_module("models.marshalling").Marshal(Terms(lambda: 2, {4: 1, 5: 2}))
    transactions = Orders([(70, "entry #4 @1", 5, None), (71, "hedge #9 @3", -8, None), (72, "hedge #9 @1", -3, None)])
    core, algorithm = Core(), Algorithm(portfolio=Portfolio([held(ONE, 10, 100.0)]), transactions=transactions)
    why = (
        "the broker works 'hedge #9 @3' for ONE of term 3, and this is term 2: another process has gone on from the "
        "journal, and this one sends nothing more; if none has, cancel that order and start again"
    )
    with pytest.raises(JournalError) as raised:
        made.meet_portfolio(algorithm, core, marshal, [])
    assert str(raised.value) == why
    assert (core.inputs, core.remarks, transactions.canceled, algorithm.logged) == ([], [], [], [])
    tickets = import_module("models.order_tickets")
    order = records(Kind.INTENT, order=6, reason=OrderReason.HEDGE, type=OrderType.MARKET, quantity=1)
    change = records(Kind.AMENDMENT, order=4, cancel=1)[0]
    marshal.add_underlying(0, ONE)
    for send in (
        lambda: tickets.send_orders(algorithm, marshal, order),
        lambda: tickets.amend_order(algorithm, marshal, change),
    ):
        with pytest.raises(JournalError, match="sends nothing more"):
            send()


def test_an_order_that_lean_has_no_ticket_of_is_not_filled(made: Any, marshal: Any) -> None:
    tag = import_module("models.marshalling").order_tag
    transactions = Orders([(70, tag(OrderReason.ENTRY, 4), 5, None), (71, tag(OrderReason.HEDGE, 5), -8, None)])
    core, algorithm = Core(), Algorithm(portfolio=Portfolio([held(ONE, 10, 100.0)]), transactions=transactions)
    made.meet_portfolio(algorithm, core, marshal, [])
    assert core.inputs == []
    assert transactions.canceled == []
    assert algorithm.logged == [
        "alo recovery: order 4 for 5 ONE is still working",
        "alo recovery: order 5 for -8 OTHER is still working",
    ]


def test_a_core_that_begins_refuses_what_it_would_trade_and_leaves_the_rest_alone(made: Any, marshal: Any) -> None:
    call = option(ONE, 0)
    positions = [held(LAST, 1, 1.0), held(OTHER, 0, 0.0), held(FIRST, -2, 1.0), held(option(LAST, 1), 1, 1.0)]
    algorithm = Algorithm(portfolio=positions)
    made.look_at_foreign_positions(algorithm, marshal, take_over=False)
    what = "which no journal tells of; it is left alone"
    assert algorithm.logged == [f"alo: LEAN holds {name}, {what}" for name in ("AAA", "ZZZ", "ZZZ P100")]
    algorithm = Algorithm(portfolio=[*positions, held(call, -3, 2.0), held(ONE, 5, 1.0)])
    with pytest.raises(SettingsError) as refused:
        made.look_at_foreign_positions(algorithm, marshal, take_over=False)
    assert str(refused.value) == (
        "the account holds ONE, ONE C100, which no journal knows: set take-over to true to take it over as trades of "
        "the book, or close it first"
    )
    made.look_at_foreign_positions(algorithm, marshal, take_over=True)
    assert made.held_contracts(algorithm, ONE) == [call]


@pytest.mark.parametrize("takes_over", [True, False])
def test_contracts_in_no_trade_are_handed_over_where_the_core_takes_over(
    made: Any, marshal: Any, takes_over: bool
) -> None:
    core, call = Core(takes_over), option(ONE, 0)
    core.holdings, core.orders_working = {0: 10}, {}
    number = int(
        core.instruments.add_contracts("ONE", [Contract(dt.date(2024, 4, 19), 100.0, 1, NOW)])["instrument"][0]
    )
    marshal._symbol[number], marshal._number[call] = call, number
    algorithm = Algorithm(portfolio=Portfolio([held(ONE, 10, 100.0), held(call, -3, 2.5)]), transactions=Orders([]))
    made.meet_portfolio(algorithm, core, marshal, ["it begins"])
    assert [message.kind for message in core.inputs] == [Kind.ORDER_EVENT, Kind.TAKEOVER][: 1 + takes_over]
    if takes_over:
        assert core.inputs[-1].records.tolist() == [(number, 1, -3, 2.5)]


def test_another_cash_than_the_journals_is_said_and_not_told_to_the_core(made: Any, marshal: Any) -> None:
    core, algorithm = Core(), Algorithm(portfolio=Portfolio([held(ONE, 10, 100.0)]), transactions=Orders([]))
    core.cash, core.orders_working = 4_990.5, {}
    made.meet_portfolio(algorithm, core, marshal, [])
    assert core.inputs == []
    (said,) = algorithm.logged
    assert "5000.00 in cash, the journal says 4990.50" in said


def test_an_order_without_its_tag_is_known_by_the_brokers_identifier_or_by_what_it_is(made: Any, marshal: Any) -> None:
    core = Core()
    core.orders_working = {4: (0, 5), 6: (0, 5), 7: (0, -8)}
    transactions = Orders([(70, None, 5, (2, 10.0)), (71, "", -8, None)])
    algorithm = Algorithm(portfolio=Portfolio([held(ONE, 12, 100.0)]), transactions=transactions)
    made.meet_portfolio(algorithm, core, marshal, [], identifiers={"70": 6, "71": 4})
    told = [_said(message) for message in core.inputs]
    assert told == [
        (4, 0, 0, 0.0, OrderStatus.CANCELED),  # nothing of it was filled
        (6, 0, 2, 10.0, OrderStatus.PARTIALLY_FILLED),
    ]
    assert transactions.canceled == []
    assert [marshal.order_of(host, None, ONE) for host in (70, 71, 72)] == [6, 7, 0]
    assert any("order 6 came back without its tag; the broker's identifier tells" in line for line in algorithm.logged)
    assert any("order 7 came back without its tag; it is alone in what is left" in line for line in algorithm.logged)


@pytest.mark.parametrize("cancels", [True, False])
def test_an_order_that_may_be_several_is_canceled_or_left_and_the_book_stays_halted(
    made: Any, marshal: Any, cancels: bool
) -> None:
    core = Core()
    core.orders_working = {4: (0, 5), 6: (0, 7)}
    transactions = Orders([(70, None, 4, None)])
    algorithm = Algorithm(portfolio=Portfolio([held(ONE, 10, 100.0)]), transactions=transactions)
    said = made.meet_portfolio(algorithm, core, marshal, [], cancels=cancels)
    (halt,) = core.inputs
    assert (halt.kind, halt.records["halted"].tolist()) == (Kind.HALT, [1])
    assert transactions.canceled == ([70] if cancels else [])
    what = "it is canceled" if cancels else "it is left to you: cancel it, or let it be filled"
    assert algorithm.logged[-1] == f"alo recovery: LEAN's order 70 has no tag and may be order 4 or 6: {what}"
    count = len(algorithm.logged)
    made.meet_portfolio(algorithm, core, marshal, [], cancels=cancels, said=said)
    assert len(algorithm.logged) == count
    # It is gone: what has not been filled never was.
    gone, core.wants_reconciliation = Orders([]), True
    algorithm = Algorithm(portfolio=Portfolio([held(ONE, 10, 100.0)]), transactions=gone)
    core.inputs.clear()
    made.meet_portfolio(algorithm, core, marshal, [], cancels=cancels)
    assert [message.kind for message in core.inputs] == [Kind.HALT, Kind.ORDER_EVENT, Kind.ORDER_EVENT, Kind.HALT]
    assert core.inputs[-1].records["halted"].tolist() == [0]
