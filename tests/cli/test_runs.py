import json
import re
import shutil

import pytest

from alo_lib.journal import JOURNAL_FOLDER, JournalWriter
from alo_lib.records import Kind, Message, records


def test_runs_are_listed(backtest, run, tmp_path):
    summary = json.loads(backtest("--json").out)
    folder = tmp_path / summary["results_folder"]
    (listed,) = json.loads(run("runs", folder.parent, "--json").out)["runs"]
    assert listed["folder"] == str(folder)
    assert listed["net_profit"] == summary["net_profit"]
    assert listed["data"] == json.loads((folder / "data.json").read_text())["digest"]
    assert f"{folder.name} " in run("runs", folder.parent).out
    assert listed["settings"] == {}
    more = backtest("--json", "--set", "hedge-band=0.5").out
    other = tmp_path / json.loads(more)["results_folder"]
    about = json.loads((other / "run.json").read_text())
    about["summary"]["net_profit"] += 1.0
    (other / "run.json").write_text(json.dumps(about))
    rows = json.loads(run("runs", folder.parent, "--sort", "profit", "--json").out)["runs"]
    assert [row["folder"] for row in rows] == [str(other), str(folder)]
    assert re.findall("hedge-band=.*$", run("runs", folder.parent).out, re.MULTILINE)[0].strip() == "hedge-band=0.5"
    shutil.rmtree(other)
    (folder / "data.json").write_text("{")
    outcome = run("runs", folder.parent)
    assert outcome.status == 0
    assert outcome.out == f"No finished run is in {folder.parent}.\n"
    assert "Left out: " in outcome.err
    assert "data.json is not JSON" in outcome.err


def test_two_runs_are_shown_side_by_side(backtest, run, tmp_path):
    one, two = (
        tmp_path / json.loads(backtest("--json", "--set", f"entry-edge={edge}").out)["results_folder"]
        for edge in (0.02, 0.03)
    )
    told = json.loads(run("compare", one, two, "--json").out)
    assert told["settings"] == {"entry_edge": [0.02, 0.03]}
    assert told["first_order"] is None
    words = run("compare", one, two).out
    assert "The same data." in words
    assert "The same orders." in words
    shutil.rmtree(two / "journal")
    assert run("compare", one, two).status == 2


def test_a_folder_that_is_none_is_told(run, tmp_path):
    for arguments in (("runs", tmp_path / "none"), ("compare", tmp_path / "none", tmp_path)):
        outcome = run(*arguments)
        assert outcome.status == 2
        assert "is not a folder" in outcome.err


def test_a_name_that_is_listed_is_taken_by_every_command(backtest, run, tmp_path, monkeypatch):
    folder = tmp_path / json.loads(backtest("--json").out)["results_folder"]
    monkeypatch.setattr("alo_lib.cli.run_folder.BACKTESTS", folder.parent)
    name = folder.name
    assert f"\n{name} " in run("runs", folder.parent).out
    assert json.loads(run("compare", name, folder, "--json").out)["runs"][0]["folder"] == str(folder)
    assert run("report", name).out == f"{folder / 'report.html'}\n"
    for arguments in (("journal", "verify", name), ("journal", "show", name), ("journal", "list", name)):
        assert run(*arguments) == run(*arguments[:-1], folder)
    assert "not a folder" not in run("replay", name, "--until-sequence", "1").err
    (tmp_path / name).mkdir()  # what lies here goes first
    assert "no run.json" in run("report", name).err
    for command in ("compare none", "report", "replay", "journal show"):
        outcome = run(*command.split(), "none")
        assert outcome.status == 2
        assert outcome.err.startswith(
            f"alo: none is not a folder, here or in {folder.parent}; name the folder of a run"
        )


@pytest.mark.parametrize(
    ("name", "begun", "way"),
    [
        ("20240131-101500-embedded.partial", False, "it had not begun; begin it anew"),
        ("20240131-101500-embedded-2.partial", True, "go on with: alo backtest --resume {folder}"),
        ("of my own.partial", True, "go on with: alo backtest --resume '{folder}'"),
        ("20240131-101500-native.partial", False, "the native engine begins its backtests anew, and what this one "
         "left is in {folder}"),
        ("20240131-101500-docker-12.partial", True, "the docker engine begins its backtests anew; 'alo replay "
         "{folder}' reads what this one journaled"),
    ],
)  # fmt: skip
def test_the_way_on_is_that_of_the_engine(run, tmp_path, name, begun, way):
    folder = tmp_path / "runs" / name
    folder.mkdir(parents=True)
    if begun:
        writer = JournalWriter.create(folder / JOURNAL_FOLDER)
        writer.append(Message(Kind.RATE, 1, records(Kind.RATE, rate=0.05)))
        assert "; it is still at work\n" in run("runs", folder.parent).out
        writer.abandon()
    wanted = way.format(folder=folder)
    lines = run("runs", folder.parent).out.splitlines()
    assert lines[0] == f"No finished run is in {folder.parent}."
    assert lines[1].startswith(f"Unfinished: {name}, came to no session, last written 20")
    assert lines[1].endswith(f" UTC; {wanted}")
    for arguments in (("report", folder), ("compare", folder, folder)):
        assert run(*arguments).err == f"alo: the run in {folder} is not finished; {wanted}\n"


def test_a_trial_goes_on_by_its_sweep(run, tmp_path):
    sweep = tmp_path / "sweep"
    folder = sweep / "trials" / "000003.0a7b8e0fa916.partial"
    (folder / JOURNAL_FOLDER).mkdir(parents=True)
    writer = JournalWriter.create(folder / JOURNAL_FOLDER)
    writer.append(Message(Kind.RATE, 1, records(Kind.RATE, rate=0.05)))
    writer.abandon()
    assert f"alo backtest --resume {folder}\n" in run("runs", folder.parent).out  # trials of no sweep
    (sweep / "sweep.json").write_text("{}")
    wanted = f"it is a trial of the sweep in {sweep}, whose command begins it anew"
    assert f"; {wanted}\n" in run("runs", folder.parent).out
    outcome = run("backtest", "--resume", folder)
    assert (outcome.status, outcome.err) == (2, f"alo: the run in {folder} cannot go on by itself: {wanted}\n")
