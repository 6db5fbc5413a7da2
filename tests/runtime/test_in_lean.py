"""Native LEAN: the same slots and decisions as in logical time, and the journal of a run that fails."""

import datetime as dt
import json
from pathlib import Path

import pytest

from alo_lib.cli.engines.lean_process import run_and_show
from alo_lib.cli.engines.native import NativeEngine, lean_configuration
from alo_lib.cli.failures import EngineError
from alo_lib.cli.project import ROOT
from alo_lib.journal import JOURNAL_FOLDER, message_digest, orders_of, read_journal, take_from_object_store
from alo_lib.journal.format import segment_name
from alo_lib.records import SECOND, Kind, Message
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.simulation import run_backtest
from tests.core.seeds import live
from tests.models.lean_run import run_in_lean
from tests.runtime.processes import logical

pytestmark = pytest.mark.lean


def driven_by_lean(folder: Path, data: Path) -> dict[str, dict[str, str]]:
    """Slot traces and digests of the journals in ``folder/journals``, driven by LEAN."""
    try:
        engine = NativeEngine.find()
    except EngineError as error:
        pytest.skip(f"no native LEAN: {error}")
    store = folder / "store"
    store.mkdir()
    driver = Path(__file__).with_name("lean_driver.py")
    configuration = lean_configuration(Settings(), data.resolve(), folder, store)
    configuration |= {"algorithm-location": str(driver), "algorithm-type-name": driver.stem}
    configuration["parameters"] = {"alo-journals": str(folder / "journals")}
    (folder / "lean-config.json").write_text(json.dumps(configuration))
    run_and_show(
        [str(engine.dotnet), "QuantConnect.Lean.Launcher.dll", "--config", str(folder / "lean-config.json")],
        folder=engine.lean,
        environment=engine.environment() | {"PYTHONPATH": f"{engine.lean}:{ROOT}"},
        log=folder / "log.txt",
    )
    written = store / "driven"
    assert written.is_file(), (folder / "log.txt").read_text()[-2000:]
    found: dict[str, dict[str, str]] = json.loads(written.read_text())
    return found


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 104), marks=pytest.mark.slow)], ids=len)
def test_lean_s_scheduled_events_run_the_same_slots(seeds: range, lean_data: Path, tmp_path: Path) -> None:
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
    assert driven_by_lean(tmp_path, lean_data) == expected


@pytest.mark.parametrize("ended_by", ["error", "kill"])
def test_a_run_that_is_cut_short_leaves_its_journal(ended_by: str, lean_data: Path, tmp_path: Path) -> None:
    settings = Settings.of({"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"})
    algorithm = Path(__file__).with_name("failing_algorithm.py")
    console = run_in_lean(
        algorithm, tmp_path, lean_data, parameters=settings.as_parameters() | {"alo-failing": ended_by}
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
    (tmp_path / "whole").mkdir()
    run_backtest(settings, lean_data, tmp_path / "whole")
    whole = (message for message in read_journal(tmp_path / "whole" / JOURNAL_FOLDER).messages if counts(message))
    for message, expected in zip(filter(counts, left.messages), whole, strict=False):
        assert (message.kind, message.time) == (expected.kind, expected.time)
        assert message.records.tobytes() == expected.records.tobytes()


def counts(message: Message) -> bool:
    """Whether engines have to agree on it."""
    return not message.kind.is_remark
