"""Every callback of LEAN from which nothing else is made leaves its record."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.records import HostEvent, Kind, Message
from tests.models.kit import NOW, equity, option

ONE, OTHER, STRANGER = equity("ONE"), equity("OTHER"), equity("AAA")
CALL = option(ONE, 0)


def entry(symbol: Any, **given: Any) -> SimpleNamespace:
    return SimpleNamespace(symbol=symbol, **given)


def by_symbol(*entries: SimpleNamespace) -> dict[Any, SimpleNamespace]:
    return {each.symbol: each for each in entries}


@pytest.fixture
def algorithm(lean: Any) -> Any:
    made = import_module("models.host_events")
    marshal = import_module("models.marshalling").Marshal()
    marshal.add_underlying(0, ONE)
    marshal.add_underlying(1, OTHER)
    told: list[Message] = []
    algorithm = made.JournaledAlgorithm()
    algorithm.host_events = made.HostEvents(told.append, lambda: NOW, marshal)
    algorithm.told = told
    return algorithm


CASES: list[tuple[str, Any, list[dict[str, Any]]]] = [
    (
        "on_dividends",
        by_symbol(entry(OTHER, distribution=0.25), entry(ONE, distribution=1)),
        [
            {"event": HostEvent.DIVIDEND, "instrument": 0, "value": 1.0},
            {"event": HostEvent.DIVIDEND, "instrument": 1, "value": 0.25},
        ],
    ),
    (
        "on_splits",
        by_symbol(entry(ONE, split_factor=0.5)),
        [{"event": HostEvent.SPLIT, "instrument": 0, "value": 0.5}],
    ),
    (
        "on_assignment_order_event",
        entry(CALL, fill_quantity=3, order_id=17),
        [{"event": HostEvent.ASSIGNMENT, "instrument": -1, "order": 17, "quantity": 3.0, "text": b"ONE C100"}],
    ),
    (
        "on_securities_changed",
        SimpleNamespace(added_securities=[entry(ONE), entry(STRANGER)], removed_securities=[entry(OTHER)]),
        [
            {"event": HostEvent.SECURITIES_CHANGED, "instrument": -1, "quantity": 1.0, "text": b"AAA"},
            {"event": HostEvent.SECURITIES_CHANGED, "instrument": 0, "quantity": 1.0},
            {"event": HostEvent.SECURITIES_CHANGED, "instrument": 1, "quantity": -1.0},
        ],
    ),
    (
        "on_delistings",
        by_symbol(entry(ONE, type="Warning"), entry(STRANGER, type="Delisted")),
        [
            {"event": HostEvent.DELISTING, "instrument": -1, "text": b"AAA Delisted"},
            {"event": HostEvent.DELISTING, "instrument": 0, "text": b"Warning"},
        ],
    ),
    (
        "on_symbol_changed_events",
        by_symbol(entry(ONE, old_symbol="NWSA", new_symbol="FOXA")),
        [{"event": HostEvent.SYMBOL_CHANGED, "instrument": 0, "text": b"NWSA is FOXA"}],
    ),
    ("on_margin_call_warning", None, [{"event": HostEvent.MARGIN_CALL_WARNING, "instrument": -1}]),
    ("on_end_of_day", OTHER, [{"event": HostEvent.END_OF_DAY, "instrument": 1}]),
    ("on_end_of_day", CALL, []),
    (
        "on_brokerage_message",
        SimpleNamespace(code="7", message="x" * 200),
        [{"event": HostEvent.BROKERAGE_MESSAGE, "instrument": -1, "text": b"7 " + b"x" * 118}],
    ),
    ("on_brokerage_disconnect", None, [{"event": HostEvent.BROKERAGE_DISCONNECT, "instrument": -1}]),
    ("on_brokerage_reconnect", None, [{"event": HostEvent.BROKERAGE_RECONNECT, "instrument": -1}]),
]


@pytest.mark.parametrize(("callback", "given", "expected"), CASES)
def test_a_callback_is_journaled(algorithm: Any, callback: str, given: Any, expected: list[dict[str, Any]]) -> None:
    assert getattr(algorithm, callback)(*[] if given is None else [given]) is None
    for message, said in zip(algorithm.told, expected, strict=True):
        assert (message.kind, message.time) == (Kind.EVENT, NOW)
        (row,) = message.records
        rest = {"order": 0, "quantity": 0.0, "value": 0.0, "text": b""}
        assert {name: row[name] for name in ("event", "instrument", *rest)} == rest | said


def test_a_margin_calls_orders_are_let_through(algorithm: Any) -> None:
    requests = [entry(OTHER, quantity=-5), entry(ONE, quantity=-7)]
    assert algorithm.on_margin_call(requests) is requests
    rows = [message.records[0] for message in algorithm.told]
    assert [(row["event"], row["instrument"], row["quantity"]) for row in rows] == [
        (HostEvent.MARGIN_CALL, 0, -7.0),
        (HostEvent.MARGIN_CALL, 1, -5.0),
    ]


def test_no_command_is_obeyed(algorithm: Any) -> None:
    assert algorithm.on_command("sell it all") is False
    (message,) = algorithm.told
    assert (message.records["event"][0], message.records["text"][0]) == (HostEvent.COMMAND, b"sell it all")
