"""The core inside a native LEAN shows itself in LEAN's results folder, and decides as it does unseen."""

from pathlib import Path

import pytest

from alo_lib.cli.engines.native import NativeEngine
from alo_lib.cli.failures import EngineError
from alo_lib.executive import MinorFrame
from alo_lib.journal import JOURNAL_FOLDER, message_digest, orders_of, read_journal
from alo_lib.monitor import Monitor, find_source
from alo_lib.records import Kind
from alo_lib.settings import Settings
from alo_lib.simulation import require_data, run_backtest

pytestmark = [pytest.mark.lean, pytest.mark.slow]

SETTINGS = Settings.of(
    {"underlyings": "AAPL", "start": "2014-06-06", "end": "2014-06-09", "resolution": "hour"},
)


def test_a_run_in_lean_is_told_as_its_journal_has_it(lean_data: Path, tmp_path: Path) -> None:
    try:
        engine = NativeEngine.find()
    except EngineError as error:
        pytest.skip(str(error))
    unseen, results = tmp_path / "unseen", tmp_path / "lean"
    unseen.mkdir()
    results.mkdir()
    run_backtest(SETTINGS, lean_data, unseen, shown=False)
    engine.run(SETTINGS, lean_data, require_data(SETTINGS, lean_data), results, lambda day, share: None)
    journal = read_journal(results / JOURNAL_FOLDER)
    counted = [message for message in journal.messages if not message.kind.is_remark]
    expected = [each for each in read_journal(unseen / JOURNAL_FOLDER).messages if not each.kind.is_remark]
    assert message_digest(counted) == message_digest(expected)
    told = Monitor(find_source(results, tmp_path)).look().told
    assert (told["engine"], told["phase"]) == ("lean", "stopped")
    assert told["journal"]["messages"] == len(journal.messages)
    frames = sum(message.kind is Kind.FRAME for message in journal.messages)
    assert told["frames"]["run"] == told["latency"]["frame"]["count"] == frames
    orders = [order for order in orders_of(journal.messages) if order.number]
    assert told["orders"]["filled"] == sum(order.status.name == "FILLED" for order in orders) > 0
    asked = {message.time for message in journal.messages if message.kind is Kind.INTENT}
    assert told["latency"]["decision_to_order"]["count"] == len(asked)
    assert told["latency"]["order_to_fill"]["count"] > 0
    assert len(told["blotter"]) == len(orders_of(journal.messages))
    assert len(told["frames"]["tasks"]) >= len(MinorFrame)
