"""Following a run whose core, journal or folder changes meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from alo_lib.cli.commands.monitor import _print
from alo_lib.cli.project import ROOT
from alo_lib.core import FRAME_PLAN
from alo_lib.journal import JOURNAL_FOLDER, JournalError, JournalWriter
from alo_lib.monitor import Monitor, MonitorError, Source, find_source
from alo_lib.monitor.exposition import exposition
from alo_lib.monitor.terminal import drawn, show
from alo_lib.records import HaltCause, HostEvent, InstrumentKind, Kind, Message, records, remark
from alo_lib.runtime.link import channel_folder
from alo_lib.telemetry import EngineKind, Recorder, RunPhase, RunTold
from alo_lib.telemetry.layout import TELEMETRY_FOLDER
from alo_lib.transport import TransportError
from alo_lib.views.run import PARTIAL
from tests.runtime.processes import FRAME, TEN, by_hand, quotes_in

TOLD = RunTold("desk", EngineKind.EMBEDDED, False, FRAME, FRAME_PLAN, Path("journal"))


def notice(text: str, event: HostEvent = HostEvent.RECOVERY) -> Message:
    return remark(event, 5, text)


def shown(monitor: Monitor) -> list[str]:
    """Texts of the notices, the oldest first."""
    return [each["text"] for each in reversed(monitor.look().told["notices"])]


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    """A folder of a run that shows itself."""
    folder = tmp_path / f"run{PARTIAL}"
    folder.mkdir()
    recorder = Recorder(folder / TELEMETRY_FOLDER, TOLD)
    yield folder
    recorder.close(RunPhase.STOPPED)


def written(folder: Path, *texts: str) -> JournalWriter:
    writer = JournalWriter.create(folder, settings=b"{}")
    for text in texts:
        writer.append(notice(text))
    return writer


@pytest.mark.parametrize("count", [1, 5, 7])
def test_another_journal_in_the_place_of_the_one_followed_is_shown_whole(results: Path, count: int) -> None:
    journal = results / JOURNAL_FOLDER
    written(journal, "a1", "a2", "a3", "a4", "a5").close()
    monitor = Monitor(Source("run", results, channel=False))
    assert shown(monitor) == ["a1", "a2", "a3", "a4", "a5"]
    journal.rename(results / "before")
    texts = [f"b{number}" for number in range(1, count + 1)]
    writer = written(journal, *texts)
    assert shown(monitor) == texts
    writer.append(notice("last"))
    assert shown(monitor) == [*texts, "last"]
    writer.close()


def test_a_run_that_gets_its_name_is_followed_on(results: Path) -> None:
    writer = written(results / JOURNAL_FOLDER, "a1", "a2")
    monitor = Monitor(Source("run", results, channel=False))
    assert shown(monitor) == ["a1", "a2"]
    book = monitor._book
    results.rename(results.with_suffix(""))
    writer.append(notice("a3"))
    assert shown(monitor) == ["a1", "a2", "a3"]
    assert monitor._book is book  # nothing was read again
    writer.abandon()


def test_messages_that_are_left_out_later_are_shown_no_more(results: Path) -> None:
    writer = JournalWriter.create(results / JOURNAL_FOLDER, settings=b"{}")
    instrument = records(Kind.INSTRUMENT, kind=InstrumentKind.EQUITY, symbol=b"TEST", multiplier=1)
    writer.append(Message(Kind.INSTRUMENT, 4, instrument))
    for order in (1, 2):
        writer.append(Message(Kind.INTENT, 5, records(Kind.INTENT, order=order, quantity=1, reason=1)))
    monitor = Monitor(Source("run", results, channel=False))
    assert [each["order"] for each in monitor.look().told["blotter"]] == [2, 1]
    writer.append(Message(Kind.EVENT, 6, records(Kind.EVENT, event=HostEvent.LEFT_OUT, order=2)))
    writer.append(Message(Kind.INTENT, 7, records(Kind.INTENT, order=3, quantity=1, reason=1)))
    for _ in range(2):
        assert [each["order"] for each in monitor.look().told["blotter"]] == [3, 1]
    assert [each["order"] for each in Monitor(monitor.source).look().told["blotter"]] == [3, 1]
    writer.close()


def test_another_era_is_told(results: Path) -> None:
    writer = JournalWriter.create(results / JOURNAL_FOLDER, settings=b"{}")
    writer.append(notice("max-vega is another", HostEvent.ERA))
    told = Monitor(Source("run", results, channel=False)).look().told
    assert [(each["what"], each["text"]) for each in told["notices"]] == [("era", "max-vega is another")]
    writer.close()


def test_no_halt_is_told_before_there_is_a_core(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / TELEMETRY_FOLDER, TOLD)
    monitor = Monitor(Source("run", tmp_path, channel=False))
    seen = monitor.look()
    metrics = exposition(seen, 0).decode()
    assert (seen.told["halts"], seen.told["mode"]) == (None, None)
    assert "alo_halted{" not in metrics
    assert "\nalo_book_mode " not in metrics
    screen = Console(file=StringIO(), width=160)
    screen.print(drawn(seen.told, 160))
    assert "mode unknown" in screen.file.getvalue()  # type: ignore[attr-defined]
    recorder.halts = lambda: {HaltCause.DRAWDOWN}
    recorder.publish(RunPhase.RUNNING)
    metrics = exposition(monitor.look(), 0).decode()
    assert 'alo_halted{cause="drawdown"} 1.0' in metrics
    assert "\nalo_book_mode " in metrics
    recorder.close(RunPhase.STOPPED)


class Restarted:
    """A monitor that finds nothing for a while, in every way that it can."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = [
            MonitorError("shows nothing any more"),
            TransportError("is cut"),
            JournalError("is damaged"),
            FileNotFoundError("is gone"),
            KeyboardInterrupt(),
        ]

    def look(self) -> Any:
        raise self.errors.pop(0)


SENTENCES = ("shows nothing any more", "is cut", "is damaged", "is gone")


@pytest.mark.parametrize("terminal", [False, True])
def test_who_follows_on_a_terminal_waits_for_a_core_that_is_started_again(terminal: bool) -> None:
    screen = Console(file=StringIO(), width=80, force_terminal=terminal)
    with pytest.raises(KeyboardInterrupt):
        show(Restarted(), once=False, every=0.0, console=screen)  # type: ignore[arg-type]
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert all(sentence in text for sentence in SENTENCES)


def test_programs_that_follow_are_told_why_nothing_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        _print(Restarted(), once=False, every=0.0)  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert printed.count('"problem"') == len(SENTENCES)
    assert all(sentence in printed for sentence in SENTENCES)


def test_one_look_that_finds_nothing_is_an_error() -> None:
    with pytest.raises(MonitorError):
        _print(Restarted(), once=True, every=0.0)  # type: ignore[arg-type]
    with pytest.raises(MonitorError):
        show(Restarted(), once=True, every=0.0)  # type: ignore[arg-type]


def test_a_monitor_whose_run_is_gone_for_a_while_looks_again(results: Path) -> None:
    monitor = Monitor(Source("run", results, channel=False))
    elsewhere = results.with_name("elsewhere")
    results.rename(elsewhere)
    for _ in range(2):
        with pytest.raises(MonitorError, match="does not show how a run stands any more"):
            monitor.look()
        assert monitor.alive is True
    elsewhere.rename(results)
    assert monitor.look().told["name"] == "run"


def test_what_runs_is_a_core_that_lives_else_the_last_run(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "memory"
    for room in ("runtime.link", "monitor.source"):
        monkeypatch.setattr(f"alo_lib.{room}.default_folder", lambda: memory)
    stopped = Recorder(channel_folder("stopped"), TOLD)
    stopped.close(RunPhase.STOPPED)
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom tests.monitor.test_following import TOLD, Recorder\n"
        "recorder = Recorder(Path(sys.argv[1]), TOLD)\nos._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(channel_folder("killed"))], cwd=ROOT, check=True)
    assert find_source(None, tmp_path).folder == results
    living = Recorder(channel_folder("living"), TOLD)
    assert find_source(None, tmp_path) == Source("living", channel_folder("living"), channel=True)
    other = Recorder(channel_folder("other"), TOLD)
    with pytest.raises(MonitorError, match=r"there are 2 cores of .*; name one: living, other"):
        find_source(None, tmp_path)
    for each in (living, other):
        each.close(RunPhase.STOPPED)


def test_a_session_of_a_paced_core_is_open_by_the_time_that_its_host_tells(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=True)
    try:
        quotes_in(remote)
        remote._inputs.push(Message(Kind.FRAME, TEN + FRAME, records(Kind.FRAME)))
        process.run(3)
        told = Monitor(Source("desk", tmp_path / "channel", channel=True)).look().told
        assert told["frames"]["run"]
        assert told["session_open"]
    finally:
        process.close()
        remote.stop()
