import json
import shutil


def test_runs_are_listed(backtest, run, tmp_path):
    summary = json.loads(backtest("--json").out)
    folder = tmp_path / summary["results_folder"]
    (listed,) = json.loads(run("runs", folder.parent, "--json").out)["runs"]
    assert listed["folder"] == str(folder)
    assert listed["net_profit"] == summary["net_profit"]
    assert listed["data"] == json.loads((folder / "data.json").read_text())["digest"]
    assert f"{folder.name} " in run("runs", folder.parent).out
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
