"""Native LEAN: the same slots and decisions as in logical time, and the journal of a run that fails."""

import datetime as dt
from pathlib import Path

import pytest

from alo_lib.journal import (
    JOURNAL_FOLDER,
    message_digest,
    order_digest,
    orders_of,
    read_journal,
    take_from_object_store,
)
from alo_lib.journal.format import segment_name
from alo_lib.records import SECOND, Kind, Message
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.simulation import run_backtest
from tests.core.seeds import live
from tests.models.lean_run import kept_by, native_lean, run_in_lean
from tests.runtime.processes import logical

pytestmark = pytest.mark.lean

SETTINGS = Settings.of({"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"})


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(4), range(4, 104)], ids=len)
def test_lean_s_scheduled_events_run_the_same_slots(seeds: range, lean_data: Path, tmp_path: Path) -> None:
    native_lean()
    expected = {}
    for seed in seeds:
        market = live(seed)
        journal = market.journal
        market.core.stop()
        market.writer.close()
        place = tmp_path / "journals" / f"s{seed:03}"
        place.mkdir(parents=True)
        for number, image in enumerate(market.store.images()):
            (place / segment_name(number)).write_bytes(image)
        slots, digest = logical(journal)
        assert (slots, digest) == (market.core.slot_trace.digest, message_digest(journal.messages))
        expected[place.name] = {"slots": slots, "digest": digest}
    driver, given = Path(__file__).with_name("lean_driver.py"), {"alo-journals": str(tmp_path / "journals")}
    assert kept_by(driver, "driven", tmp_path, lean_data, given) == expected


@pytest.fixture(scope="module")
def whole(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    """The run that is cut short, whole, without LEAN: what engines have to agree on."""
    folder = tmp_path_factory.mktemp("whole")
    run_backtest(SETTINGS, lean_data, folder)
    return list(filter(counts, read_journal(folder / JOURNAL_FOLDER).messages))


@pytest.mark.parametrize("ended_by", [pytest.param("error", marks=pytest.mark.slow), "kill"])
def test_a_run_that_is_cut_short_leaves_its_journal(
    ended_by: str, whole: list[Message], lean_data: Path, tmp_path: Path
) -> None:
    algorithm = Path(__file__).with_name("failing_algorithm.py")
    console = run_in_lean(
        algorithm, tmp_path, lean_data, parameters=SETTINGS.as_parameters() | {"alo-failing": ended_by}
    )
    assert ("in the middle of the day" in console) == (ended_by == "error")
    assert "OrderListHash" not in console or ended_by == "error"
    assert take_from_object_store(tmp_path / "store", tmp_path) == 1
    left = read_journal(tmp_path / JOURNAL_FOLDER, unfinished=True)
    assert not left.sealed
    last = max(message.time for message in left.messages if message.kind is Kind.QUOTE)
    assert (
        last == int(dt.datetime(2015, 12, 24, 15, 40, tzinfo=dt.UTC).timestamp()) * SECOND
    )  # of the slice that failed
    assert len([order for order in orders_of(left.messages) if order.number]) >= 2
    assert replay(left).divergence is None
    for message, expected in zip(filter(counts, left.messages), whole, strict=False):
        assert (message.kind, message.time) == (expected.kind, expected.time)
        assert message.records.tobytes() == expected.records.tobytes()


@pytest.mark.slow
def test_a_broker_that_errs_is_not_believed_and_nothing_is_traded_otherwise(
    whole: list[Message], lean_data: Path, tmp_path: Path
) -> None:
    algorithm = Path(__file__).with_name("doubtful_algorithm.py")
    console = run_in_lean(algorithm, tmp_path, lean_data, parameters=SETTINGS.as_parameters() | {"alo-doubtful": "yes"})
    assert "alo refused from LEAN: TRADE" in console
    assert "order 4711 was never sent" in console
    assert "alo recovery: portfolio and open orders are as the journal says" in console
    take_from_object_store(tmp_path / "store", tmp_path)
    journal = read_journal(tmp_path / JOURNAL_FOLDER, unfinished=True)
    halts = [bool(message.records["halted"][0]) for message in journal.messages if message.kind is Kind.HALT]
    assert len(halts) >= 3
    assert halts[::3] == halts[1::3] == [True] * len(halts[::3])  # told by the core, and again by who reconciles
    assert halts[2::3] == [False] * len(halts[::3])
    assert order_digest(orders_of(journal.messages)) == order_digest(orders_of(whole))
    assert replay(journal).divergence is None


def counts(message: Message) -> bool:
    """Whether engines have to agree on it."""
    return not message.kind.is_remark
