"""``alo sweep``: what it refuses, and what it leaves, with an engine that takes no time, without Ray."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from alo_lib.cli.sweeping import trial as trials
from alo_lib.cli.sweeping.asked import asked_of, sweep_of, truth_of_file
from alo_lib.sweep import SweepError
from alo_lib.sweep.cluster import Done
from tests.cli.conftest import FakeEngine

VARIED = ("--set", "entry-edge=0.01,0.02,0.03", "--set", "hedge-band=0.1,0.2")


class HereAndNow:
    """In the place of Ray: runs jobs in this process, one after the other."""

    cores, place = 1, "this process"

    def done(self, function, jobs):
        for job in jobs:
            yield Done(job, function(job), "")


@pytest.fixture
def trial_engine():
    """What runs trials."""
    return FakeEngine()


@pytest.fixture
def sweep(run, monkeypatch, small_market, tmp_path, trial_engine):
    """Call ``alo sweep`` on a small market, without Ray."""
    pytest.importorskip("pyarrow", reason="pyarrow is in requirements/sweep.txt and not installed here")

    @contextmanager
    def here(address, workers) -> Iterator[HereAndNow]:
        yield HereAndNow()

    monkeypatch.setattr("alo_lib.sweep.cluster.cluster", here)
    monkeypatch.setattr("alo_lib.cli.commands.sweep.find_spec", lambda name: name)
    monkeypatch.setattr(trials, "engine_named", lambda name: trial_engine)

    def call(*arguments, data=small_market):
        if "--repeat" in arguments:
            return run("sweep", *arguments)
        days = () if "--window" in arguments else ("--window", "2024-01-02..2024-01-03")
        return run("sweep", *arguments, *days, "--data", data, "--output", tmp_path / "sweep")

    return call


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "nothing is varied; give a setting several values, --set NAME=A,B,C or NAME=LOW..HIGH"),
        (("--set", "entry-edge=0.01"), "nothing is varied"),
        (("--set", "entry-egde=1,2"), "unknown setting 'entry-egde'; did you mean entry-edge?"),
        (("--set", "entry-edge=0.05..0.02"), "the range 0.05..0.02 of setting entry-edge is empty"),
        (("--set", "entry-edge=low,high"), "setting entry-edge is 'low'; allowed: a number from -1 up to 1"),
        (("--set", "entry-edge"), "'entry-edge' is not NAME=VALUE"),
        (("--set", "entry-edge=1,2", "--set", "entry_edge=3"), "setting entry-edge is varied twice, by 1,2 and by 3"),
        (("--set", "end=2024-01-03,2024-01-04"), "setting end is what settings are tried on: give it by --window"),
        ((*VARIED, "--underlying", "../x"), "'../x' is no ticker"),
        ((*VARIED, "--window", "2024-01-03"), "window '2024-01-03' is none; write START..END"),
        ((*VARIED, "--window", "2024-01-03..2024-01-02"), "is empty: it ends before it starts"),
        ((*VARIED, "--window", "2024-01-03..soon"), "window '2024-01-03..soon': setting end is 'soon'; allowed: a day"),
        ((*VARIED, "--walk-forward", "5"), "walk-forward '5' is none; write TRAIN:TEST in sessions, such as 20:5"),
        ((*VARIED, "--walk-forward", "5:0"), "walk-forward '5:0' is none"),
        (
            (*VARIED, "--walk-forward", "50:5"),
            "there are 2 sessions to walk through; 50 to choose by and 5 to try on are asked for",
        ),
        ((*VARIED, "--seeds", "1..2"), "--seeds are of markets that are generated; --data cannot be given with them"),
        ((*VARIED, "--truth", "truth.json"), "truth of the sweep is given without seeds"),
        (
            (*VARIED, "--window", "2024-01-02..2024-01-31"),
            "ALFA has minute bars for 2 of 21 sessions from 2024-01-02 to 2024-01-31",
        ),
        (("nowhere.json",), "nowhere.json cannot be read: No such file or directory"),
        (("list.json",), "list.json is no file of a sweep: it holds a JSON list, not an object"),
        (("other.json",), "other.json is no file of a sweep: it says 'sets'; did you mean set"),
        (("text.json",), "text.json is no file of a sweep: it is not JSON"),
        (("typed.json",), "trials of the sweep is 'many'; it must be a whole number from 1 to 100,000"),
        (("--repeat", "."), ". is no folder of a trial; name one below the trials/ of a sweep"),
        (("--repeat", ".", "--seeds", "1..2"), "--repeat runs one trial again as it was: only --json can be given"),
        (("--repeat", ".", "--html", "page.html"), "--repeat runs one trial again as it was: only --json can be given"),
        (("twice.json",), "twice.json is no file of a sweep: it is not JSON: an object has 'set' more than once"),
        (("spelled.json",), "setting entry-edge is varied twice"),
        ((*VARIED, "--underlying", "ALFA", "--underlying", "alfa"), "underlying ALFA is given twice"),
        ((*VARIED, *2 * ("--window", "2024-01-02..2024-01-03")), "window 2024-01-02..2024-01-03 is given twice"),
        (("--repeat", ".", *VARIED), "--repeat runs one trial again as it was: only --json can be given with it"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(sweep, tmp_path, arguments, sentence):
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "other.json").write_text('{"sets": {}}')
    (tmp_path / "text.json").write_text("entry-edge: 1")
    (tmp_path / "typed.json").write_text('{"set": {"entry-edge": "0..1"}, "trials": "many"}')
    (tmp_path / "truth.json").write_text("{}")
    (tmp_path / "twice.json").write_text('{"set": {"entry-edge": "0..1"}, "set": {}}')
    (tmp_path / "spelled.json").write_text('{"set": {"entry-edge": [0.1, 0.2], "entry_edge": [0.3]}}')
    outcome = sweep(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith("alo: ")
    assert sentence in outcome.err.splitlines()[-1]
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nowhere", "'nowhere' is no address of a Ray cluster; write HOST:PORT, or auto for this machine's"),
        ("127.0.0.1:1", "no Ray cluster can be reached at 127.0.0.1:1: Connection refused; 'ray start --head' starts"),
    ],
)
def test_an_address_where_no_cluster_is(run, small_market, tmp_path, address, sentence):
    pytest.importorskip("ray", reason="ray is in requirements/sweep.txt and not installed here")
    on = ("--window", "2024-01-02..2024-01-03", "--data", small_market, "--output", tmp_path / "sweep")
    outcome = run("sweep", *VARIED, *on, "--address", address)
    assert (outcome.status, outcome.out) == (2, "")
    assert f"alo: {sentence}" in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("names", [5, None, [], "ALFA"])
def test_names_that_are_no_list_are_told_in_a_sentence(tmp_path, names):
    file = tmp_path / "names.json"
    file.write_text(json.dumps({"seeds": "1", "truth": {"names": names}}))
    told = f"truth of the sweep: names is {names!r}; it must be a list of objects, at least one"
    with pytest.raises(SweepError, match=re.escape(told)):
        sweep_of(asked_of(file, {}), {}, None)
    file.write_text(json.dumps({"names": names}))
    with pytest.raises(SweepError, match=re.escape(f"names is {names!r}; it must be a list of objects")):
        truth_of_file(file)


def test_a_damaged_folder_of_a_trial_is_run_again_and_a_file_in_its_place_told(sweep, tmp_path):
    varied = ("--set", "entry-edge=0.01,0.02", "--by", "net-profit", "--json")
    first = json.loads(sweep(*varied).out)
    folder = tmp_path / "sweep" / "trials" / "000001"
    (folder / "trial.json").unlink()
    again = sweep(*varied)
    assert again.status == 0, again.err
    digests = [[row["figures"]["journal_digest"] for row in told["trials"]] for told in (first, json.loads(again.out))]
    assert digests[0] == digests[1]
    assert sorted(each.name for each in folder.parent.iterdir()) == ["000000", "000001"]
    shutil.rmtree(folder)
    folder.write_text("")
    outcome = sweep(*varied)
    assert outcome.status == 2
    assert "000001 is a file, not the folder of trial 1; remove it to run the trial again" in outcome.err


def test_a_sweep_leaves_rows_that_tell_all_of_it(sweep, tmp_path):
    import pyarrow.parquet as pq

    outcome = sweep(*VARIED, "--by", "net-profit", "--json")
    assert outcome.status == 0, outcome.err
    told = json.loads(outcome.out)
    rows = pq.read_table(tmp_path / "sweep" / "trials.parquet").to_pylist()
    assert [(row["point.entry-edge"], row["point.hedge-band"]) for row in rows] == [
        ("0.01", "0.1"), ("0.01", "0.2"), ("0.02", "0.1"), ("0.02", "0.2"), ("0.03", "0.1"), ("0.03", "0.2"),
    ]  # fmt: skip
    for row, each in zip(rows, told["trials"], strict=True):
        assert row["state"] == each["state"] == "done"
        assert row["figures.net_profit"] == each["figures"]["net_profit"]
        assert row["settings.entry-edge"] == each["point"]["entry-edge"]
        assert row["program"] == told["sweep"]["program"]
        run_told = json.loads((tmp_path / "sweep" / "trials" / f"{row['trial']:06d}" / "run.json").read_text())
        assert run_told["summary"]["journal_digest"] == row["figures.journal_digest"]
        assert (
            json.loads((tmp_path / "sweep/trials" / f"{row['trial']:06d}" / "data.json").read_text())["digest"]
            == (row["data_digest"])
        )
        assert run_told["command"] == each["command"][1:]
        assert each["command"][:3] == ["alo", "backtest", "--data"]
    assert told["counts"] == {"done": 6, "failed": 0, "lost": 0}


def test_a_trial_that_fails_is_told_apart_and_ends_no_other(sweep, tmp_path, monkeypatch):
    real = trials.trial_in

    def failing(folder, trial, data):
        if trial.number == 2:
            raise ValueError("this one cannot be run")
        real(folder, trial, data)

    monkeypatch.setattr(trials, "trial_in", failing)
    told = json.loads(sweep(*VARIED, "--by", "net-profit", "--json").out)
    assert told["counts"] == {"done": 5, "failed": 1, "lost": 0}
    assert told["trials"][2]["why"] == "ValueError: this one cannot be run"
    assert [each["complete"] for each in told["points"]] == [True, True, False, True, True, True]
    assert (tmp_path / "sweep" / "trials" / "000002.failed.json").is_file()
    monkeypatch.setattr(trials, "trial_in", real)
    again = json.loads(
        sweep(*VARIED, "--by", "net-profit", "--json").out
    )  # what failed fails again, until it is removed
    assert again["counts"]["failed"] == 1
    (tmp_path / "sweep" / "trials" / "000002.failed.json").unlink()
    assert json.loads(sweep(*VARIED, "--by", "net-profit", "--json").out)["counts"]["done"] == 6


def test_where_every_trial_fails_the_command_does(sweep, trial_engine):
    trial_engine.failure = ValueError("nothing goes")
    outcome = sweep(*VARIED)
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == "alo: every trial failed: ValueError: nothing goes"


def test_a_machine_that_fails_loses_a_trial_for_now(sweep, monkeypatch):
    real = trials.trial_in

    def full(folder, trial, data):
        if trial.number == 1:
            raise OSError(28, "No space left on device")
        real(folder, trial, data)

    monkeypatch.setattr(trials, "trial_in", full)
    outcome = sweep(*VARIED)
    assert outcome.status == 1, outcome.err
    assert outcome.err.splitlines()[-1] == "alo: trials lost with their workers: 1; the same command runs them again"
    monkeypatch.setattr(trials, "trial_in", real)
    assert sweep(*VARIED).status == 0


def test_what_has_ended_is_not_run_again(sweep, monkeypatch):
    assert sweep(*VARIED).status == 0

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(trials, "trial_in", never)
    outcome = sweep(*VARIED)
    assert (outcome.status, "6 ended well" in outcome.out) == (0, True), outcome.out


@pytest.mark.parametrize(
    ("name", "value"),
    [("days", None), ("returns", "many"), ("returns", ["a"]), ("days", []), ("digest", None), (None, "{")],
)
def test_a_damaged_trial_is_told_and_runs_again_when_it_is_removed(sweep, tmp_path, name, value):
    assert sweep(*VARIED).status == 0
    folder = tmp_path / "sweep" / "trials" / "000001"
    file = folder / "trial.json"
    told = json.loads(file.read_text())
    if name is None:
        file.write_text(value)
    else:
        told = {key: each for key, each in told.items() if key != name} | ({} if value is None else {name: value})
        file.write_text(json.dumps(told))
    outcome = sweep(*VARIED)
    assert (outcome.status, outcome.out) == (2, "")
    last = outcome.err.splitlines()[-1]
    assert last.startswith(f"alo: {file} is no file of a trial: it ")
    assert last.endswith(f"; remove {folder} to run the trial again")
    shutil.rmtree(folder)
    assert sweep(*VARIED).status == 0


@pytest.mark.parametrize("name", ["data", "condition", "settings"])
def test_a_damaged_trial_is_not_repeated(sweep, tmp_path, name):
    assert sweep(*VARIED).status == 0
    folder = tmp_path / "sweep" / "trials" / "000001"
    told = json.loads((folder / "trial.json").read_text())
    del told[name]
    (folder / "trial.json").write_text(json.dumps(told))
    outcome = sweep("--repeat", folder)
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1].endswith(f"is no file of a trial: it does not say '{name}'")


def test_the_folder_of_something_else_is_left_alone(sweep, tmp_path):
    assert sweep(*VARIED).status == 0
    outcome = sweep(*VARIED[:2])
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1].endswith("holds another sweep, whose set differs; name another folder")
    (tmp_path / "sweep" / "sweep.json").write_text("{}")
    assert "is no sweep's; name another folder" in sweep(*VARIED).err
    (tmp_path / "sweep" / "sweep.json").unlink()
    assert "holds something else than a sweep" in sweep(*VARIED).err


def test_a_file_says_what_options_say_and_options_win(sweep, tmp_path):
    (tmp_path / "my.json").write_text(
        json.dumps({"set": {"entry-edge": [0.01, "2%"], "direction": "long,short"}, "by": "net-profit", "points": 3})
    )
    told = json.loads(sweep("my.json", "--set", "direction=both", "--set", "hedge-band=0.1..0.3", "--json").out)
    assert told["sweep"]["set"] == {"entry-edge": ["0.01", "0.02"], "hedge-band": "0.1..0.3"}
    assert told["sweep"]["base"]["direction"] == "both"
    assert told["counts"]["done"] == 6


def test_what_walking_forward_chose_is_tried_on_days_that_it_has_not_seen(sweep):
    told = json.loads(sweep(*VARIED, "--by", "net-profit", "--walk-forward", "1:1", "--window",
                            "2024-01-02..2024-01-03", "--json").out)  # fmt: skip
    assert [(each["start"], each["role"]) for each in told["trials"]] == [
        *[("2024-01-02", "train")] * 6,
        ("2024-01-03", "test"),
    ]
    (fold,) = told["walk_forward"]["folds"]
    assert fold["chosen"]["point"] == told["trials"][6]["point"]
