"""What is held and on order, by order events alone."""

import numpy as np
import pytest

from alo_lib.records import InstrumentTable, Kind, Message, OrderStatus, Records, records
from alo_lib.strategy.ledger import Ledger
from alo_lib.strategy.portfolio import Portfolio
from tests.core.script import Script

STOCK, CALL, PUT, OTHER = 0, 2, 1, 15
"""Numbers of the script's underlying, of its first strike's contracts, and of another underlying."""


@pytest.fixture
def ledger() -> Ledger:
    table, made = InstrumentTable(), Ledger(Portfolio(1000.0))
    rows = [table.add_equity("TEST"), table.add_contracts("TEST", Script().chain()), table.add_equity("NEXT")]
    made.list_instruments(np.concatenate(rows))
    return made


def event(order: int, instrument: int, quantity: int, status: OrderStatus) -> "np.void":
    row: Records = records(Kind.ORDER_EVENT, order=order, instrument=instrument, quantity=quantity, status=status)
    row["price"], row["fee"] = 2.0, 0.5
    return row[0]


def test_an_order_is_followed_from_its_sending_to_its_end(ledger: Ledger) -> None:
    ledger.send(1, CALL, 5)
    ledger.send(2, STOCK, -30)
    assert ledger.orders_working == {1: (CALL, 5), 2: (STOCK, -30)}
    ledger.account_for(event(1, CALL, 0, OrderStatus.SUBMITTED))
    ledger.account_for(event(1, CALL, 2, OrderStatus.PARTIALLY_FILLED))
    assert (ledger.holdings, ledger.orders_working[1]) == ({CALL: 2}, (CALL, 3))
    ledger.account_for(event(2, STOCK, -30, OrderStatus.FILLED))
    ledger.account_for(event(1, CALL, 0, OrderStatus.CANCELED))
    assert (ledger.holdings, ledger.orders_working) == ({STOCK: -30, CALL: 2}, {})
    assert (
        ledger.portfolio.cash == 1000.0 - 2 * 2.0 * 100 + 30 * 2.0 - 4 * 0.5 + 2 * 0.5
    )  # events without a fill are free


def test_what_the_engine_trades_by_itself_counts(ledger: Ledger) -> None:
    ledger.account_for(event(0, PUT, -4, OrderStatus.FILLED))
    assert (ledger.holdings, ledger.orders_working) == ({PUT: -4}, {})


def test_contracts_open_are_those_held_or_on_order(ledger: Ledger) -> None:
    ledger.send(7, PUT, -1)
    ledger.send(8, STOCK, 10)
    ledger.account_for(event(0, CALL, 3, OrderStatus.FILLED))
    ledger.account_for(event(0, OTHER, 3, OrderStatus.FILLED))
    assert ledger.contracts_open(STOCK) == [PUT, CALL]
    assert ledger.contracts_held(STOCK) == [CALL]
    assert ledger.contracts_open(OTHER) == []
    ledger.account_for(event(7, PUT, 0, OrderStatus.INVALID))
    assert ledger.contracts_open(STOCK) == [CALL]


def test_a_status_that_is_none_is_refused(ledger: Ledger) -> None:
    row = event(1, CALL, 1, OrderStatus.FILLED)
    row["status"] = 99
    with pytest.raises(ValueError, match="99"):
        ledger.account_for(row)
    assert ledger.holdings == {}


def test_it_follows_what_messages_say_of_instruments_orders_and_splits(ledger: Ledger) -> None:
    new = records(Kind.INSTRUMENT, instrument=16, underlying=STOCK)
    sent = records(Kind.INTENT, 2, order=(1, 2), instrument=(16, STOCK), quantity=(4, 20))
    done = np.array([event(1, 16, 4, OrderStatus.FILLED), event(2, STOCK, 15, OrderStatus.PARTIALLY_FILLED)])
    splits = records(Kind.SPLIT, 2, instrument=STOCK, factor=(0.25, 2.0), warning=(1, 0))
    close = records(Kind.CLOSE, instrument=STOCK)
    messages = [
        Message(kind, 0, rows)
        for kind, rows in (
            (Kind.INSTRUMENT, new),
            (Kind.INTENT, sent),
            (Kind.ORDER_EVENT, done),
            (Kind.SPLIT, splits),
            (Kind.CLOSE, close),
        )
    ]
    ahead = ledger.ahead(messages)
    assert (ledger.holdings, ledger.orders_working) == ({}, {})  # it goes ahead alone
    assert 16 not in ledger.underlying_of
    ledger.follow(messages[0])
    assert ledger.underlying_of[16] == STOCK
    ledger.follow(messages[1])
    assert ledger.orders_working == {1: (16, 4), 2: (STOCK, 20)}
    for message in messages[2:]:
        ledger.follow(message)
    assert ledger.holdings == {16: 4, STOCK: 7}  # one share for two, no part of one; a warning splits nothing
    assert ledger.orders_working == {2: (STOCK, 5)}
    assert (ahead.holdings, ahead.orders_working) == (ledger.holdings, ledger.orders_working)
    ahead.working[2].remaining = 9
    assert ledger.working[2].remaining == 5
