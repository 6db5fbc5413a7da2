"""Whom LEAN notifies hears what its log says of a live run, in a few texts."""

import json
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.records import MINUTE, SECOND
from alo_lib.settings import Settings, SettingsError
from tests.algorithm.lean_world import Algorithm, World
from tests.algorithm.test_lean_machine import hosted  # noqa: F401 - a fixture
from tests.core.chains import TICKERS
from tests.core.script import FIRST, at

ALL = "email:desk@example.com,sms:+15550100,telegram:-42,web:https://example.com/hook?id=3"


def begun(notify: str = ALL, *, live: bool = True) -> Any:
    world = Algorithm.world = World(
        {"underlyings": ",".join(TICKERS), "notify": notify, "interest": False}, lambda: None
    )
    world.now = at(FIRST, 10)
    algorithm = import_module("algorithm.volatility_arbitrage").VolatilityArbitrageAlgorithm()
    algorithm.live_mode = live
    algorithm.initialize()
    return algorithm


@pytest.mark.usefixtures("hosted")
def test_what_the_log_says_is_told_in_one_text_and_what_follows_soon_in_the_next() -> None:
    algorithm = begun()
    algorithm._notifications.send(time := at(FIRST, 10))
    algorithm.notify.sent.clear()
    algorithm.on_command(SimpleNamespace(command="pause"))
    algorithm.log("alo overrun: task signal took 163.0 ms of its 150.0 ms in frame 7 (its own work); the frame went on")
    algorithm.log("alo core: 3 overruns more, 8 so far; its journal has each")
    algorithm.log("somebody else's line")
    algorithm._notifications.send(time + 5 * MINUTE - SECOND)
    assert algorithm.notify.sent == []
    algorithm.on_command(SimpleNamespace(command="undo"))
    algorithm._notifications.send(time + 5 * MINUTE)
    pause, undo = (line for line in algorithm.logged if line.startswith("alo command "))
    text = f"{pause}\n{undo}"
    assert algorithm.notify.sent == [
        ("email", "desk@example.com", text, pause[:100]),
        ("sms", "+15550100", text if len(text) <= 160 else f"{text[:156]} ..."),
        ("telegram", "-42", text),
        ("web", "https://example.com/hook?id=3", json.dumps({"text": text})),
    ]
    algorithm._notifications.send(time + 20 * MINUTE)
    assert len(algorithm.notify.sent) == 4  # all is told


@pytest.mark.usefixtures("hosted")
def test_what_is_too_much_for_a_text_is_counted_and_cut_and_an_end_waits_for_nothing() -> None:
    algorithm = begun("sms:5550100,email:a@b.example")
    algorithm._notifications.send(time := at(FIRST, 10), at_once=True)
    algorithm.notify.sent.clear()
    for number in range(70):
        algorithm.log(f"alo recovery: finding {number}")
    algorithm._notifications.send(time + SECOND, at_once=True)
    (_, _, short), (_, _, long, subject) = algorithm.notify.sent
    assert len(short) == 160
    assert short.endswith(" ...")
    assert long.splitlines()[49:] == ["alo recovery: finding 49", "and 20 lines more, which LEAN's log has"]
    assert subject == "alo recovery: finding 0"


@pytest.mark.usefixtures("hosted")
@pytest.mark.parametrize(("notify", "live"), [("", True), (ALL, False)])
def test_nobody_is_told_unless_asked_for_and_nobody_of_a_backtest(
    notify: str, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("algorithm.volatility_arbitrage"), "look_at_data", lambda settings: ())
    algorithm = begun(notify, live=live)
    algorithm.log("alo halt, drawdown: no risk is opened")
    algorithm._notifications.send(at(FIRST, 11), at_once=True)
    assert algorithm.notify.sent == []
    assert algorithm.logged[-1] == "alo halt, drawdown: no risk is opened"


@pytest.mark.parametrize(
    "value", ["desk@example.com", "email:desk", "fax:1", "sms:one", "telegram:", "web:example.com", f"{ALL},"]
)
def test_who_is_notified_is_said_as_way_and_where(value: str) -> None:
    with pytest.raises(SettingsError, match=r"notify is .*email:ADDRESS, sms:NUMBER, telegram:CHAT or web:URL"):
        Settings.of({"notify": value})


def test_ways_are_told_apart_at_their_first_colon() -> None:
    assert [tuple(each) for each in Settings.of({"notify": ALL}).notified] == [
        ("email", "desk@example.com"),
        ("sms", "+15550100"),
        ("telegram", "-42"),
        ("web", "https://example.com/hook?id=3"),
    ]
