import json

import pytest


def test_the_table_is_shown_with_its_proof(run):
    outcome = run("schedule")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == [
        *("task", "minor", "frame", "period", "offset", "budget", "share", "waits"),
        *("response", "slot", "due", "overrun"),
    ]
    assert lines[1].split() == ["ingest", "ingest", "10", "0", "0.8", "8.0%", "5", "5.8", "0.8", "10", "finish"]
    assert "Liu and Layland's bound is 72.4%: it proves nothing here; the exact response times do." in outcome.out
    assert lines[-1].startswith("frame 0: ingest 0-0.8  forecast 0.8-1.2  value 1.2-6.2")


def test_programs_get_the_same_and_can_hand_it_back(run, tmp_path):
    first = json.loads(run("schedule", "--json").out)
    assert [task["priority"] for task in first["tasks"]] == list(range(1, 9))
    assert all(task["response_ms"] <= task["deadline_ms"] == first["frame_ms"] == 10 for task in first["tasks"])
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps(first["tasks"]))
    assert json.loads(run("schedule", "--tasks", file, "--json").out) == first


def test_budgets_policies_and_frame_are_taken(run):
    outcome = run("schedule", "--frame", "20", "--budget", "value=6.5", "--on-overrun", "publish=skip", "--json")
    told = json.loads(outcome.out)
    assert told["frame_ms"] == 20
    by_name = {task["name"]: task for task in told["tasks"]}
    assert by_name["value"]["budget_ms"] == 6.5
    assert by_name["publish"]["on_overrun"] == "skip"
    assert told["rows"][0][2] == {"task": "value", "start_ms": 1.2, "end_ms": 7.7}


def test_slow_tasks_get_their_own_frames(run, tmp_path):
    file = tmp_path / "tasks.json"
    tasks = [
        {"name": "fast", "minor_frame": "ingest", "budget_ms": 4},
        {"name": "slow", "minor_frame": "publish", "budget_ms": 3, "period": 2, "offset": 1},
        {"name": "never", "minor_frame": "risk", "budget_ms": 0, "period": 20},
    ]
    file.write_text(json.dumps(tasks))
    lines = run("schedule", "--tasks", file).out.splitlines()
    assert lines[-3:-1] == ["frame 10: fast 0-4", "frame 11: fast 0-4  slow 4-7"]
    assert lines[-1] == "... and 8 more frames before the table repeats"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--budget", "value=8"], "task 'value' cannot be scheduled: it may end 10.7 ms or more"),
        (["--frame", "2"], "task 'ingest' cannot be scheduled"),
        (["--frame", "0"], "0.001"),
        (["--budget", "value"], "'value' is not TASK=VALUE"),
        (["--budget", "valu=1"], "'valu' is no task; tasks are ingest, forecast, value"),
        (["--budget", "value=much"], "the budget of task 'value' is 'much'; it must be a number of milliseconds"),
        (["--budget", "value=inf"], "the budget of task 'value' is 'inf'"),
        (["--budget", "value=-1"], "task 'value' has a budget of -1000000 ns; it must not be below 0"),
        (["--on-overrun", "value=hope"], "'hope'; it must be one of finish, skip, degrade, stop"),
    ],
)
def test_what_does_not_fit_is_one_sentence(run, arguments, sentence):
    outcome = run("schedule", *arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[", "is not JSON"),
        ("{}", "must hold a list of objects"),
        ('[{"name": "x"}]', "has no minor_frame"),
        (
            '[{"name": "x", "minor_frame": "lunch", "budget_ms": 1}]',
            "has the minor frame 'lunch'; it must be one of ing",
        ),
        (
            '[{"name": "x", "minor_frame": "risk", "budget_ms": 1, "period": 1.5}]',
            "has the period 1.5; it must be a whole",
        ),
        ('[{"name": "x", "minor_frame": "risk", "budget_ms": 1, "period": 0}]', "a period of 0 frames"),
    ],
)
def test_bad_files_are_one_sentence(run, tmp_path, content, sentence):
    file = tmp_path / "tasks.json"
    file.write_text(content)
    outcome = run("schedule", "--tasks", file)
    assert outcome.status == 2
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1
