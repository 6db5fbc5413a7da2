"""``alo backtest --resume``."""

import json

import pytest

from alo_lib.core import FrameTask
from alo_lib.journal import JOURNAL_FOLDER

DAY = ("--underlying", "ALFA", "--start", "2024-01-02", "--end", "2024-01-02")


class KilledError(BaseException):
    """Stands in for a signal."""


@pytest.fixture
def killed(run, small_market, tmp_path, monkeypatch):
    """The folder of a run that was killed in its thirtieth frame."""
    real, frames = FrameTask.EXECUTE.step, iter(range(10**9))

    def execute(work, frame):
        if next(frames) == 30:
            raise KilledError
        return real(work, frame)

    monkeypatch.setattr(FrameTask.EXECUTE, "step", execute)
    with pytest.raises(KilledError):
        run("backtest", "--data", small_market, *DAY, "--output", tmp_path / "runs")
    monkeypatch.setattr(FrameTask.EXECUTE, "step", real)
    return next((tmp_path / "runs").glob("*.partial"))


def test_a_killed_run_is_finished(run, killed, small_market, tmp_path):
    outcome = run("backtest", "--resume", killed, "--json")
    assert outcome.status == 0, outcome.err
    assert "are in a snapshot" in outcome.err
    told = json.loads(outcome.out)
    assert told["results_folder"] == str(killed.with_suffix(""))
    whole = json.loads(run("backtest", "--data", small_market, *DAY, "--json", "--output", tmp_path / "whole").out)
    for name in ("journal_digest", "order_digest", "net_profit", "orders"):
        assert told[name] == whole[name]


def test_what_cannot_go_on_is_told_and_kept(run, killed, tmp_path):
    for arguments, sentence in (
        (("--resume", tmp_path), "is not the folder of a run that was cut short: such a name ends in .partial"),
        (("--resume", killed, "--cash", "5"), "a run goes on under its own settings: cash cannot be given"),
        (("--resume", killed, "--engine", "native"), "only embedded runs can go on"),
    ):
        outcome = run("backtest", *arguments)
        assert (outcome.status, sentence in outcome.err) == (2, True), outcome.err
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alo_lib.journal.still_being_written", lambda journal: journal == killed / JOURNAL_FOLDER)
        outcome = run("backtest", "--resume", killed)
    assert (outcome.status, "is still at work; it can go on once its process has ended" in outcome.err) == (2, True)
    (killed / "settings.json").rename(tmp_path / "settings.json")
    outcome = run("backtest", "--resume", killed)
    assert (outcome.status, "has no settings.json: its run was cut short before it began" in outcome.err) == (2, True)
    (tmp_path / "settings.json").rename(killed / "settings.json")
    segment = next((killed / JOURNAL_FOLDER).glob("*.segment"))
    data = bytearray(segment.read_bytes())
    data[100] ^= 1  # in its header
    segment.write_bytes(bytes(data))
    outcome = run("backtest", "--resume", killed)
    assert (outcome.status, "the header of 00000000.segment is damaged" in outcome.err) == (2, True)
    assert killed.is_dir()
