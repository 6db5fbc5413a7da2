"""The engines over a table of runs: stored digests where no LEAN is, order by order and cent by cent where one is."""

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.engines.embedded import EmbeddedEngine
from alo_lib.cli.engines.native import NativeEngine
from alo_lib.cli.failures import EngineError
from alo_lib.journal import JOURNAL_FOLDER, Journal, message_digest, order_digest, orders_of, read_journal
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.records import Kind
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.simulation import require_data
from tests.algorithm.cases import CASES, market_of
from tests.simulation import tiny
from tests.simulation.test_setting_ends import WITH, ends

pytestmark = pytest.mark.slow

EXPECTED = Path(__file__).with_name("expected_digests.json")
"""By case: how many orders the embedded engine sends, their digest and the equity at the end."""

_NOT_OURS = {"Estimated Strategy Capacity", "Lowest Capacity Asset"}
"""Statistics that only LEAN estimates."""

_DAILY = [
    ("Strategy Equity", "Return"),
    ("Drawdown", "Equity Drawdown"),
    ("Portfolio Turnover", "Portfolio Turnover"),
    ("Benchmark", "Benchmark"),
]
"""Curves of a point a day, by chart and name."""

FIRST, SECOND = dt.date(2024, 1, 2), dt.date(2024, 1, 3)

Candle = list[Any]
"""A candle of a chart: time, open, high, low, close."""

_NUMBERED = re.compile(r" #\d+$")
"""In LEAN, an order's tag names the intent that the order follows."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("markets")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market of two days; LEAN finds in it what it needs beside prices."""
    folder = tmp_path_factory.mktemp("small") / "data"
    generate_market(folder, MarketTruth(start=FIRST, end=SECOND, history_days=300, quote_minutes=30))
    return folder


def run(engine: Any, settings: Settings, data: Path, folder: Path) -> Journal:
    folder.mkdir()
    engine.run(settings, data, require_data(settings, data), folder, lambda date, share: None)
    return read_journal(folder / JOURNAL_FOLDER)


def results(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "main.json").read_text())
    return loaded


def figures(folder: Path) -> dict[str, Any]:
    """What both engines write of a run: all but how they word messages, and what is new in every run."""
    written = results(folder)
    performance = written["totalPerformance"]
    told = folder / "main-order-events.json"
    events = json.loads(told.read_text()) if told.exists() else []  # without orders LEAN writes none
    curves = {
        (chart, name): curve["values"]
        for chart, drawn in written["charts"].items()
        for name, curve in drawn["series"].items()
    }
    return {
        "statistics": {key: value for key, value in written["statistics"].items() if key not in _NOT_OURS},
        "runtime statistics": written["runtimeStatistics"],
        "profits": written["profitLoss"],
        "portfolio statistics": performance["portfolioStatistics"],
        "trade statistics": performance["tradeStatistics"],
        "closed trades": [without(trade, "id") for trade in performance["closedTrades"]],
        "orders": {number: plain(order) for number, order in written["orders"].items()},
        "order events": sorted((without(event, "message") for event in events), key=_place_of_event),
        "daily curves": {key: curves[key] for key in _DAILY},
        "equity": curves["Strategy Equity", "Equity"],
    }


def _place_of_event(event: dict[str, Any]) -> tuple[int, int]:
    """Embedded results have events order by order, LEAN's as they came."""
    return event["orderId"], event["orderEventId"]


def plain(order: dict[str, Any]) -> dict[str, Any]:
    """An order without its number in its tag, and without the zone that LEAN gives some of its times alone."""
    times = {name: order[name].removesuffix("Z") for name in ("time", "createdTime", "canceledTime") if name in order}
    return order | times | {"tag": _NUMBERED.sub("", order.get("tag") or "")}


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def summary(journal: Journal, folder: Path) -> dict[str, Any]:
    orders = orders_of(journal.messages)
    equity = results(folder)["statistics"]["End Equity"]
    return {"orders": len(orders), "digest": order_digest(orders), "equity": equity}


@pytest.mark.parametrize("name", CASES)
def test_the_embedded_engine_sends_the_stored_orders(name: str, lean_data: Path, made: Path, tmp_path: Path) -> None:
    case = CASES[name]
    journal = run(EmbeddedEngine(), case.all_settings, market_of(case, lean_data, made), tmp_path / "run")
    assert summary(journal, tmp_path / "run") == json.loads(EXPECTED.read_text())[name]
    if "in debt" in name:
        assert any(
            row["amount"] < 0
            for message in journal.messages
            if message.kind == Kind.INTEREST
            for row in message.records
        )
    assert replay(journal).divergence is None


def test_every_case_has_a_stored_digest() -> None:
    assert list(json.loads(EXPECTED.read_text())) == list(CASES)


@pytest.mark.lean
@pytest.mark.parametrize("name", CASES)
def test_lean_does_the_same_order_by_order(name: str, lean_data: Path, made: Path, tmp_path: Path) -> None:
    case = CASES[name]
    same_decisions(case.all_settings, market_of(case, lean_data, made), tmp_path)
    same_figures(figures(tmp_path / "embedded"), figures(tmp_path / "native"))


@pytest.mark.lean
@pytest.mark.parametrize(("name", "value"), list(ends()))
def test_lean_decides_the_same_with_a_setting_at_its_end(name: str, value: Any, small: Path, tmp_path: Path) -> None:
    """With so much cash that no margin is short: how LEAN groups positions for it differs by run (docs/engines.md)."""
    run = {"underlyings": ("ALFA",), "start": FIRST, "end": SECOND, "cash": 100_000_000}
    same_decisions(tiny.settings(**run | WITH.get(name, {}) | {name: value}), small, tmp_path)


def same_decisions(settings: Settings, data: Path, folder: Path) -> None:
    """Run the embedded engine and a native LEAN, and compare order by order, journals and the equity at the end."""
    try:
        engine = NativeEngine.find()
    except EngineError as error:
        pytest.skip(f"no native LEAN: {error}")
    ours, theirs = (run(each, settings, data, folder / each.name) for each in (EmbeddedEngine(), engine))
    mine, leans = orders_of(ours.messages), orders_of(theirs.messages)
    assert len(mine) == len(leans)
    for number, (one, other) in enumerate(zip(mine, leans, strict=True), 1):
        assert one == other, f"order {number}"
    assert message_digest(theirs.messages) == message_digest(ours.messages)
    assert summary(ours, folder / "embedded") == summary(theirs, folder / "native")


def same_figures(embedded: dict[str, Any], native: dict[str, Any]) -> None:
    for name in set(embedded) - {"equity", "trade statistics"}:
        assert embedded[name] == native[name], name
    ours, leans = embedded["trade statistics"], native["trade statistics"]
    assert {**ours, **_averages(leans)} == leans
    # LEAN's running averages carry dust of the order of its sums, which turns a half of the last digit.
    for name, average in _averages(leans).items():
        assert abs(Decimal(ours[name]) - Decimal(average)) <= Decimal("0.0001"), name
    assert embedded["equity"] == without_its_own(native["equity"], embedded["equity"])


def _averages(statistics: dict[str, Any]) -> dict[str, str]:
    """Averages of money and ratios, with four decimals; those of durations are not rounded."""
    return {name: value for name, value in statistics.items() if name.startswith("average") and "uration" not in name}


def without_its_own(leans: list[Candle], ours: list[Candle]) -> list[Candle]:
    """LEAN's equity without the points that it alone draws, where nothing is held and open interest comes.

    Such a point must repeat the close before it. The candle after it begins with it, so that ours, which has no such
    point, may lack that one value.
    """
    by_time = {candle[0]: candle for candle in ours}
    kept, last = [], None
    for candle in leans:
        mine = by_time.get(candle[0])
        if mine is None:
            assert last is not None, candle
            assert candle[1:] == [last[-1]] * 4, candle
        elif last is not None and last[0] not in by_time and candle == begun_at(last[-1], mine):
            kept.append(mine)
        else:
            kept.append(candle)
        last = candle
    return kept


def begun_at(value: float, candle: Candle) -> Candle:
    """``candle`` (time, open, high, low, close) with a first value before it."""
    time, _, high, low, close = candle
    return [time, value, max(high, value), min(low, value), close]
