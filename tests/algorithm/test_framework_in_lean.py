"""LEAN's own models in a native LEAN: what they decide is traded, and a replay without LEAN decides the same."""

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.journal import (
    JOURNAL_FOLDER,
    Journal,
    Order,
    message_digest,
    order_digest,
    orders_of,
    read_journal,
    take_from_object_store,
)
from alo_lib.records import Kind, OrderReason, Records, Stage
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.models.lean_run import native_lean, run_in_lean

pytestmark = pytest.mark.lean

SWAPPED = Path(__file__).with_name("swapped_algorithm.py")
GOOG = {"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"}
UNSWAPPED_ORDERS = "5ad615097697"


class Ran(NamedTuple):
    """What is left of a run."""

    journal: Journal
    made: dict[str, int]  # insights and targets that our models made; empty where nobody counted
    told: list[dict[str, Any]]  # a stranger's insights: when, on which legs, which way
    console: str

    @property
    def orders(self) -> list[Order]:
        return orders_of(self.journal.messages)

    def of(self, kind: Kind) -> list[Records]:
        return [message.records for message in self.journal.messages if message.kind is kind]


@pytest.fixture
def run(lean_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path], Ran]:
    native_lean()

    def ran(swap: str, algorithm: Path = SWAPPED) -> Ran:
        monkeypatch.setenv("ALO_SWAP", swap)
        parameters: dict[str, Any] = Settings.of(GOOG).as_parameters()
        console = run_in_lean(algorithm, tmp_path, lean_data, parameters=parameters)
        assert take_from_object_store(tmp_path / "store", tmp_path), console[-3000:]
        assert "Runtime Error" not in console, console[-3000:]
        made, told = (
            json.loads(kept.read_text()) if (kept := tmp_path / "store" / name).is_file() else empty
            for name, empty in (("made", {}), ("told", []))
        )
        journal = read_journal(tmp_path / JOURNAL_FOLDER)
        again = replay(journal)
        assert again.divergence is None, again
        assert again.digest == message_digest(journal.messages)
        return Ran(journal, made, told, console)

    return ran


def utc_nanoseconds(time: str) -> int:
    moment = dt.datetime.fromisoformat(time).replace(tzinfo=dt.UTC)
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 1000


def held(orders: list[Order]) -> dict[str, int]:
    total: dict[str, int] = {}
    for order in orders:
        total[order.symbol] = total.get(order.symbol, 0) + order.filled
    return {symbol: quantity for symbol, quantity in total.items() if quantity}


@pytest.mark.slow
def test_the_documented_drawdown_model_sells_what_is_held(run: Callable[..., Ran], tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "framework.md").read_text(), re.DOTALL)
    algorithm = tmp_path / "example.py"
    algorithm.write_text(example)
    ran = run("", algorithm)
    targets = ran.of(Kind.EXTERNAL_TARGET)
    assert targets
    assert {int(quantity) for rows in targets for quantity in rows["quantity"]} == {0}
    assert all(rows["within"].all() for rows in targets)  # each counted in the frame that it was decided in
    reasons = [OrderReason(row["reason"]) for rows in ran.of(Kind.INTENT) for row in rows]
    assert OrderReason.EXTERNAL in reasons
    assert reasons.index(OrderReason.EXTERNAL) > reasons.index(OrderReason.ENTRY)
    assert held(ran.orders) == {}  # LEAN's model limits the fall: nothing was opened again
    assert not order_digest(ran.orders).startswith(UNSWAPPED_ORDERS)


@pytest.mark.slow
def test_another_portfolio_construction_decides_what_is_held(run: Callable[..., Ran]) -> None:
    ran = run("portfolio construction")
    assert ran.made["insights"] > 0
    (stage,) = ran.of(Kind.EXTERNAL_STAGE)
    assert (stage["stage"][0], stage["external"][0]) == (Stage.PORTFOLIO, 1)
    assert not ran.of(Kind.TARGET) or {int(row) for rows in ran.of(Kind.TARGET) for row in rows["stage"]} == {1}
    wanted = {int(row["instrument"]) for rows in ran.of(Kind.EXTERNAL_TARGET) for row in rows}
    intents = [row for rows in ran.of(Kind.INTENT) for row in rows]
    assert intents
    assert {int(row["instrument"]) for row in intents} <= wanted
    assert OrderReason.HEDGE not in {OrderReason(row["reason"]) for row in intents}


@pytest.mark.slow
def test_a_strangers_alpha_beside_ours_is_traded_and_ended_as_it_says(run: Callable[..., Ran]) -> None:
    ran = run("alpha")
    assert ran.of(Kind.EXTERNAL_STAGE) == []  # our alpha goes on beside it
    assert ran.made == {"insights": 0, "targets": 0}
    down, flat = ran.told
    assert (down["direction"], flat["direction"]) == (-1, 0)
    numbers = {row["symbol"].decode(): int(row["instrument"]) for rows in ran.of(Kind.INSTRUMENT) for row in rows}
    legs = [numbers[leg] for leg in down["legs"]]
    given = [message for message in ran.journal.messages if message.kind is Kind.EXTERNAL_INSIGHT]
    rows = [message.records[0] for message in given]
    hours = 3600 * 10**9
    for message, row, said in zip(given, rows, (down, flat), strict=True):  # and none of the insight on shares
        time = utc_nanoseconds(said["time"])
        assert (message.time, message.within) == (time, 0)  # LEAN's models run with slices, between frames
        assert [int(row[name]) for name in ("leg1", "leg2", "direction")] == [*legs, said["direction"]]
        assert (float(row["magnitude"]), int(row["until"])) == (0.05, time + 2 * hours)
    assert ran.console.count("alo: left alone is the insight on ") == 1
    intents = [
        (message.time, int(row["quantity"]), OrderReason(row["reason"]))
        for message in ran.journal.messages
        if message.kind is Kind.INTENT
        for row in message.records
        if int(row["instrument"]) in legs
    ]
    opened = [each for each in intents if each[2] is OrderReason.ENTRY]
    ended = [each for each in intents if each[2] is OrderReason.EXTERNAL]
    assert opened
    assert {*opened, *ended} == {*intents}  # the core, which finds volatility cheap, leaves it alone
    assert all(quantity < 0 and given[0].time < time < given[1].time for time, quantity, _ in opened)
    assert all(quantity > 0 and time > given[1].time for time, quantity, _ in ended)
    assert sum(quantity for _, quantity, _ in intents) == 0
    assert not order_digest(ran.orders).startswith(UNSWAPPED_ORDERS)


@pytest.mark.slow
def test_another_execution_model_trades_the_cores_targets(run: Callable[..., Ran]) -> None:
    ran = run("execution")
    assert ran.made["targets"] > 0
    assert ran.made["insights"] == 0
    assert ran.of(Kind.INTENT) == []
    orders = ran.orders
    assert orders
    assert {order.number for order in orders} == {0}  # LEAN's own orders
    assert not any(b"engine itself" in row["text"] for rows in ran.of(Kind.NOTICE) for row in rows)
    final: dict[int, int] = {}  # what the core wanted in the end
    for message in ran.journal.messages:
        if message.kind is Kind.TARGET and message.records["stage"][0] == 0:
            final = dict(zip(message.records["instrument"].tolist(), message.records["quantity"].tolist(), strict=True))
    numbers = {row["symbol"].decode(): int(row["instrument"]) for rows in ran.of(Kind.INSTRUMENT) for row in rows}
    assert {numbers[symbol]: quantity for symbol, quantity in held(orders).items()} == {
        instrument: quantity for instrument, quantity in final.items() if quantity
    }
