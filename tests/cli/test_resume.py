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


def test_every_view_of_an_unfinished_run_says_how_to_go_on(run, killed):
    way = f"go on with: alo backtest --resume {killed}"
    (line,) = [each for each in run("runs", killed.parent).out.splitlines() if each.startswith("Unfinished: ")]
    assert line.startswith(f"Unfinished: {killed.name}, came to 2024-01-02 of 2024-01-02 to 2024-01-02, last written ")
    assert line.endswith(f" UTC; {way}")
    told = json.loads(run("runs", killed.parent, "--json").out)
    assert told["runs"] == []
    (row,) = told["unfinished"]
    assert (row["folder"], row["engine"], row["underlyings"]) == (str(killed), "embedded", ["ALFA"])
    assert (row["reached"], row["being_written"], row["way_on"]) == ("2024-01-02", False, way)
    for arguments in (("report", killed), ("compare", killed, killed)):
        outcome = run(*arguments)
        assert (outcome.status, outcome.err) == (2, f"alo: the run in {killed} is not finished; {way}\n")
    assert not (killed / "report.html").exists()
    assert run(*line.rpartition("alo ")[2].split()).status == 0
    told = json.loads(run("runs", killed.parent, "--json").out)
    assert ([each["folder"] for each in told["runs"]], told["unfinished"]) == ([str(killed.with_suffix(""))], [])


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
