"""Signals: what is kept of a run, what is told, and the exit status."""

import json
import os
import signal

import pytest

from alo_lib.core import FrameTask
from alo_lib.journal import JOURNAL_FOLDER, read_journal

DAY = ("--underlying", "ALFA", "--start", "2024-01-02", "--end", "2024-01-02")
STATUSES = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.fixture(autouse=True)
def default_signals():
    """As a shell in the foreground starts a command, whatever started these tests."""
    before = {number: signal.signal(number, signal.default_int_handler) for number, _ in STATUSES}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def signalled(monkeypatch, run, small_market, tmp_path):
    """A run that gets signals in its eighth frame, and nothing from then on."""

    def call(*numbers):
        real, frames = FrameTask.EXECUTE.step, iter(range(10**9))

        def execute(work, frame):
            if next(frames) == 8:
                for number in numbers:
                    os.kill(os.getpid(), number)
            return real(work, frame)

        with monkeypatch.context() as patch:
            patch.setattr(FrameTask.EXECUTE, "step", execute)
            return run("backtest", "--data", small_market, *DAY, "--output", tmp_path / "runs")

    return call


@pytest.mark.parametrize(("number", "status"), STATUSES)
def test_a_signal_keeps_the_run_and_says_how_to_go_on(signalled, run, tmp_path, number, status):
    handlers = [signal.getsignal(one) for one, _ in STATUSES]
    outcome = signalled(number)
    assert outcome.status == status, outcome.err
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith(".partial")
    last = outcome.err.splitlines()[-1]
    assert last == (f"alo: interrupted; the run is kept as far as it came; go on with: alo backtest --resume {folder}")
    journal = read_journal(folder / JOURNAL_FOLDER, unfinished=True)
    assert not journal.being_written
    assert len(journal.messages) > 0
    assert [signal.getsignal(one) for one, _ in STATUSES] == handlers
    if number is not signal.SIGTERM:
        return
    command = last.partition("alo ")[2].rpartition("alo ")[2].split()  # as the sentence has it
    resumed = run(*command, "--json")
    assert resumed.status == 0, resumed.err
    told = json.loads(resumed.out)
    assert told["results_folder"] == str(folder.with_suffix(""))


def test_a_second_signal_does_not_hurt_the_ending(signalled, tmp_path):
    outcome = signalled(signal.SIGTERM, signal.SIGINT)
    assert (outcome.status, "go on with: alo backtest --resume" in outcome.err) == (143, True)


def test_a_run_that_had_not_begun_leaves_nothing(backtest, engine, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "run", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    outcome = backtest()
    assert outcome.status == 130
    assert outcome.err.endswith("alo: interrupted; the run had not begun, so nothing of it is kept\n")
    assert list((tmp_path / "runs").iterdir()) == []


def test_an_engine_that_begins_anew_says_so(backtest, engine, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "name", "native")
    monkeypatch.setattr(engine, "goes_on", False)
    monkeypatch.setattr(engine, "run", lambda *_: os.kill(os.getpid(), signal.SIGHUP))
    outcome = backtest()
    assert outcome.status == 129
    (folder,) = (tmp_path / "runs").iterdir()
    assert outcome.err.endswith(f"begins its backtests anew, and what this one left is in {folder}\n")


def test_a_signal_that_the_caller_ignores_stays_ignored(backtest, engine, monkeypatch):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    real = engine.run

    def hung_up(*arguments):
        os.kill(os.getpid(), signal.SIGHUP)
        return real(*arguments)

    monkeypatch.setattr(engine, "run", hung_up)
    assert backtest().status == 0
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
