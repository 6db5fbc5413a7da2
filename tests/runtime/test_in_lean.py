"""LEAN's scheduled events and logical time over the same journals: the same slots and decisions, seed by seed."""

import json
from pathlib import Path

import pytest

from alo_lib.cli.engines.lean_process import run_and_show
from alo_lib.cli.engines.native import NativeEngine, lean_configuration
from alo_lib.cli.failures import EngineError
from alo_lib.cli.project import ROOT
from alo_lib.core import Settings
from alo_lib.journal import message_digest
from alo_lib.journal.format import segment_name
from tests.core.seeds import live
from tests.runtime.test_process import logical

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
