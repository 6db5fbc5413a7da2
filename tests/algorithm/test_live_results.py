"""LEAN's live results show the book that the core told: charts once a minute, and runtime statistics."""

import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from alo_lib.journal import read_journal, segments_in_object_store
from alo_lib.records import MINUTE, WHOLE_BOOK, BookMode, HaltCause, Kind, Message, records
from alo_lib.runtime import Answer, HostedCore, command_of
from alo_lib.runtime.hosting import _ProcessOfItsOwnTime
from alo_lib.runtime.link import LinkPhase
from alo_lib.runtime.steering import Standing
from tests.algorithm.lean_world import Algorithm, World
from tests.algorithm.test_lean_machine import hosted  # noqa: F401 - a fixture
from tests.core.chains import TICKERS
from tests.core.script import FIRST, at
from tests.journal.on_disk import OnDisk
from tests.runtime.processes import by_hand
from tests.runtime.test_hosting import market_of, opened, store  # noqa: F401 - a fixture


class Shown:
    """What an algorithm has plotted and stated."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, str], list[float]] = {}
        self.statistics: dict[str, str] = {}

    def plot(self, chart: str, series: str, value: float) -> None:
        self.points.setdefault((chart, series), []).append(value)

    def set_runtime_statistic(self, name: str, value: str) -> None:
        self.statistics[name] = value


def asked(core: HostedCore, command: str, time: int) -> None:
    row = command_of(command, sender="test")
    assert not isinstance(row, Answer)
    assert core.steer(row, time).done


def test_the_book_is_shown_as_the_journal_has_it(hosted: Any, store: OnDisk) -> None:  # noqa: F811 - fixtures
    live, _, _ = opened(store, live=True)
    market, shown = market_of(live.core), Shown()
    results = import_module("models.live_results").LiveResults(shown, live)
    results.show(at(FIRST, 9))
    assert shown.points == {}  # nothing is told yet
    assert shown.statistics["Book mode"] == "normal"
    market.session()
    market.bar(10, volatility=0.35)
    asked(live, "pause", at(FIRST, 10.1))
    # One expiry prices no 30 days; a chain of several does.
    priced = records(Kind.MARKET_STATE, forecast_30=0.2, implied_30=0.25)
    live.book.follow(Message(Kind.MARKET_STATE, at(FIRST, 10), priced))
    results.show(at(FIRST, 10.1))
    results.show(at(FIRST, 10.1) + MINUTE - 1)  # within the minute
    live.settle()
    journal = read_journal(segments_in_object_store(store.folder), unfinished=True)
    last = {kind: [m.records for m in journal.messages if m.kind is kind][-1] for kind in (Kind.EXPOSURE, Kind.LIMIT)}
    (row,) = last[Kind.EXPOSURE]
    whole = last[Kind.LIMIT][(last[Kind.LIMIT]["underlying"] == WHOLE_BOOK) & (last[Kind.LIMIT]["days"] == WHOLE_BOOK)]
    used = {each["limit"].decode(): 100.0 * max(each["used"], 0.0) / each["allowed"] for each in whole}
    expected = {
        ("Book", "equity, $"): row["equity"],
        ("Book limits", "stress loss, %"): used["max_stress_loss"],
        ("TEST exposure", "delta, shares"): row["delta"],
        ("TEST exposure", "gamma, shares a dollar"): row["gamma"],
        ("TEST exposure", "vega, $ a point"): row["vega"] / 100.0,
        ("TEST exposure", "theta, $ a day"): row["theta"] / 365.0,
        ("TEST volatility", "forecast, 30 days, %"): 20.0,
        ("TEST volatility", "implied, 30 days, %"): 25.0,
    }
    assert row["vega"]
    assert {name: len(values) for name, values in shown.points.items()} == dict.fromkeys(expected, 1)
    for name, value in expected.items():
        assert shown.points[name] == [pytest.approx(value, rel=1e-12)], name
    assert shown.statistics["Book mode"] == "halted (operator)"
    assert shown.statistics["Book vega, $ a point"] == f"{row['vega'] / 100.0:,.2f}"
    first = max(used, key=lambda name: used[name])
    assert shown.statistics["Book limits used"].startswith(f"{first.replace('_', '-')} {used[first]:.0f} %, ")
    assert shown.statistics["Book journal"].endswith(" messages durable")
    results.show(at(FIRST, 10.1) + MINUTE)
    assert len(shown.points["Book", "equity, $"]) == 2
    again, _, _ = opened(store, live=True)  # after a kill
    assert again.book.equity == row["equity"]
    assert again.book.uses == live.book.uses


def test_a_core_of_another_process_says_how_it_stands_and_what_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    monkeypatch.setattr("alo_lib.runtime.hosting.channel_folder", lambda name, folder: tmp_path / "channel")
    monkeypatch.setattr("alo_lib.runtime.hosting._PATIENCE", 0.01)
    live = _ProcessOfItsOwnTime(remote, lambda _: None)
    assert live.standing() is None  # it does not run
    for patience in ("_PATIENCE", "_PATIENCE_WITH_THE_LATE", "PATIENCE"):  # logical time runs away from the test's
        monkeypatch.setattr(f"alo_lib.runtime.hosting.{patience}", 1e6)
    core = threading.Thread(target=process.run)
    core.start()
    end = time.monotonic() + 60.0
    while remote.link.look() is not LinkPhase.ATTACHED:
        assert time.monotonic() < end
    asked(live, "flatten", 0)
    # Logical time runs away between a beat and a look at it, so that the core seems late now and then.
    while (standing := live.standing()) is None:
        assert time.monotonic() < end
    assert standing == Standing(BookMode.FLATTEN, (HaltCause.OPERATOR_FLATTEN,), 1)
    while live.core.halts != {HaltCause.OPERATOR_FLATTEN}:  # as the next frame's heartbeat says
        assert time.monotonic() < end
    process.stop()
    core.join()
    journaled, durable = live.journaled
    assert journaled > 0
    assert 0 <= durable <= journaled
    process.close()
    remote.stop()


def test_the_algorithm_shows_it_once_a_minute_of_a_session(hosted: Any) -> None:  # noqa: F811 - a fixture
    made = Algorithm.world = World({"underlyings": ",".join(TICKERS)}, lambda: None)
    made.now = at(FIRST, 10)
    made.closes = {ticker: [] for ticker in TICKERS}
    made.store.begin_process()
    algorithm = import_module("algorithm.volatility_arbitrage").VolatilityArbitrageAlgorithm()
    algorithm.initialize()
    algorithm._on_second()
    assert algorithm.statistics["Book mode"] == "normal"
