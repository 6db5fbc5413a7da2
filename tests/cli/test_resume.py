"""``alo backtest --resume``."""

import json
import os
import shutil
import zipfile

import pytest

from alo_lib.core import FrameTask
from alo_lib.journal import JOURNAL_FOLDER, recover

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


def test_a_run_that_is_still_at_work_is_left_alone(run, killed):
    writer = recover(killed / JOURNAL_FOLDER).writer()  # as the run has that is still at work
    try:
        before = _contents(killed)
        outcome = run("backtest", "--resume", killed)
        sentence = f"alo: journal {killed / JOURNAL_FOLDER} is being written by process {os.getpid()} ("
        assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert outcome.err.startswith(sentence)
        assert _contents(killed) == before
    finally:
        writer.leave()
    assert run("backtest", "--resume", killed).status == 0


def test_a_killed_run_is_finished(run, killed, small_market, tmp_path):
    outcome = run("backtest", "--resume", killed, "--json")
    assert outcome.status == 0, outcome.err
    assert "are in a snapshot" in outcome.err
    told = json.loads(outcome.out)
    assert told["results_folder"] == str(killed.with_suffix(""))
    whole = json.loads(run("backtest", "--data", small_market, *DAY, "--json", "--output", tmp_path / "whole").out)
    for name in ("journal_digest", "order_digest", "net_profit", "orders"):
        assert told[name] == whole[name]
    log = [json.loads(line)["message"] for line in (killed.with_suffix("") / "alo-log.txt").read_text().splitlines()]
    assert [event for event in log if event.startswith("run ")] == ["run begins", "run begins", "run ends"]


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
    (killed / "settings.json").rename(tmp_path / "settings.json")
    outcome = run("backtest", "--resume", killed)
    assert outcome.status == 2
    assert "has no settings.json, though a run writes it before its journal; begin it anew" in outcome.err
    (tmp_path / "settings.json").rename(killed / "settings.json")
    segment = next((killed / JOURNAL_FOLDER).glob("*.segment"))
    data = bytearray(segment.read_bytes())
    data[100] ^= 1  # in its header
    segment.write_bytes(bytes(data))
    outcome = run("backtest", "--resume", killed)
    assert (outcome.status, "the header of 00000000.segment is damaged" in outcome.err) == (2, True)
    assert killed.is_dir()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("settings.json", None, "has no settings.json: its run was cut short before it began; begin it anew"),
        ("data.json", None, "has no data.json: its run was cut short before it began; begin it anew"),
        ("settings.json", "{", "settings.json is not JSON: Expecting property name"),
        ("settings.json", "[]", "settings.json holds list; it must hold an object"),
        ("data.json", "{", "data.json is not JSON: Expecting property name"),
        ("data.json", "[1]", "data.json holds list; it must hold an object"),
        ("data.json", '{"files": []}', "data.json does not say folder as a run's folder does: a text"),
        ("data.json", '{"folder": 1, "files": []}', "data.json does not say folder as a run's folder does: a text"),
        ("data.json", '{"folder": "DATA"}', "data.json does not say files"),
        ("data.json", '{"folder": "DATA", "files": [1]}', "data.json does not list files with path and sha256"),
        ("data.json", '{"folder": "DATA", "files": [{}]}', "data.json does not say path"),
    ],
)
def test_a_damaged_folder_is_told_in_one_sentence(run, small_market, tmp_path, name, content, sentence):
    folder = tmp_path / "cut.partial"
    folder.mkdir()
    settings = {"underlyings": ["ALFA"], "start": "2024-01-02", "end": "2024-01-02"}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "data.json").write_text(json.dumps({"folder": str(small_market), "files": []}))
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content.replace("DATA", str(small_market)))
    outcome = run("backtest", "--resume", folder)
    assert (outcome.status, sentence in outcome.err.splitlines()[-1]) == (2, True), outcome.err
    assert outcome.err.count("alo: ") == 1


def test_a_run_whose_name_is_taken_does_not_go_on(run, tmp_path):
    folder, taken = tmp_path / "cut.partial", tmp_path / "cut"
    for each in (folder, taken):
        each.mkdir()
    outcome = run("backtest", "--resume", folder)
    sentence = f"{taken} is in the way: the run in {folder} gets that name when it is finished"
    assert (outcome.status, outcome.err) == (2, f"alo: {sentence}; move or rename what is there\n")


@pytest.fixture
def other_market(small_market, tmp_path):
    """A copy of the market, to be changed."""
    return shutil.copytree(small_market, tmp_path / "other")


def _contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_does_not_go_on_over_other_data(run, killed, small_market, other_market):
    before = _contents(killed)
    price = "equity/usa/minute/alfa/20240102_trade.zip"
    with zipfile.ZipFile(other_market / price) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(other_market / price, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, b"\n".join(content.splitlines()[:-1]))
    refusal = f"alo: the data in {other_market} are not those that the run in {killed} began with: "
    outcome = run("backtest", "--resume", killed, "--data", other_market)
    assert outcome.status == 2
    assert outcome.err.endswith(f"{refusal}{price} has changed; go on with those, or begin anew\n")
    gone = next((other_market / "option").rglob("alfa/20240102.csv")).relative_to(other_market)
    (other_market / gone).unlink()
    outcome = run("backtest", "--resume", killed, "--data", other_market)
    assert (outcome.status, f"{refusal}{price} has changed, and 1 more file differs;" in outcome.err) == (2, True)
    shutil.copy(small_market / price, other_market / price)
    outcome = run("backtest", "--resume", killed, "--data", other_market)
    assert (outcome.status, f"{refusal}{gone} is gone;" in outcome.err) == (2, True)
    assert _contents(killed) == before
    shutil.copy(small_market / gone, other_market / gone)
    assert run("backtest", "--resume", killed, "--data", other_market).status == 0  # the same, in another place


def test_a_file_that_was_edited_in_place_is_found(run, killed, small_market):
    told = json.loads((killed / "data.json").read_text())
    *others, last = told["files"]
    for files, words in (
        ([*others, last | {"sha256": "0" * 64}], f"{last['path']} has changed"),
        (others, f"{last['path']} was not there"),
        (others[1:], f"{others[0]['path']} was not there, and 1 more file differs"),
    ):
        (killed / "data.json").write_text(json.dumps(told | {"files": files}))
        outcome = run("backtest", "--resume", killed)
        assert (outcome.status, f"began with: {words}; go on" in outcome.err) == (2, True), outcome.err
