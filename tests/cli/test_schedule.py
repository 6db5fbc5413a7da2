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
        (["--budget", "value=-1"], "task 'value' has a budget of -1000000 ns; it must lie in [0, "),
        (["--on-overrun", "value=hope"], "'hope'; it must be one of finish, skip, degrade, stop"),
    ],
)
def test_what_does_not_fit_is_one_sentence(run, arguments, sentence):
    outcome = run("schedule", *arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1


PLAIN = {"name": "x", "minor_frame": "risk", "budget_ms": 1}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[", "is not JSON"),
        ("", "is not JSON"),
        (b'[{"name": "\xff"}]', "is not UTF-8: byte 11 is 0xff"),
        ("[" * 100_000, "it has lists or objects in each other without end"),
        (
            f'[{{"budget_ms": {"9" * 6_000}}}]',
            "is not JSON: the number 999999999999...999999999999 is 6,000 characters long; at most 1,000 are allowed",
        ),
        ("{}", "must hold a list of objects"),
        ("[]", "must hold a list of objects"),
        (f"[{'1,' * 999_999}1]", "holds 1,000,000 tasks; at most 4,096 are allowed"),
        ("1" * 5_000_000, "has more than 4,194,304 bytes"),
        ('[{"name": "x", "name": "y"}]', "an object has 'name' more than once"),
        ([PLAIN, 7], "task 2 of 2: 7 is no task; it must be an object"),
        ([PLAIN, PLAIN | {"name": "y"}, PLAIN, PLAIN], "task 'x' is in the schedule 3 times; once is allowed"),
        ([{"name": "x"}], "task 1 of 1: there is no minor_frame; a task needs name, minor_frame, budget_ms"),
        ([PLAIN | {"budget": 1}], "the field 'budget' is unknown; a task has name, minor_frame"),
        ([PLAIN | {"deadline_ms": 1}], "there is deadline_ms and no deadline; a deadline counts frames"),
        ([PLAIN | {"minor_frame": "lunch"}], "has the minor_frame 'lunch'; it must be one of ingest, volatility"),
        ([PLAIN | {"minor_frame": 4}], "has the minor_frame 4; it must be one of"),
        ([PLAIN | {"on_overrun": None}], "has the on_overrun None; it must be one of finish, skip, degrade, stop"),
        ([PLAIN | {"period": 1.5}], "has the period 1.5; it must be a whole"),
        ([PLAIN | {"period": True}], "has the period True; it must be a whole"),
        ([PLAIN | {"period": None}], "has the period None; it must be a whole"),
        ([PLAIN | {"period": "2"}], "has the period '2'; it must be a whole"),
        ([PLAIN | {"period": 0}], "a period of 0 frames; it must lie in [1, 100000]"),
        ([PLAIN | {"period": 10**900}], "a period of 10000000"),
        ([PLAIN | {"offset": -1}], "an offset of -1 frames; it must lie in [0, 0]"),
        ([PLAIN | {"deadline": 2}], "a deadline of 2 frames; it must lie in [1, 1]"),
        ([PLAIN | {"rank": 10**30}], "a rank of 1000000000000000000000000000000; it must lie in [-1000000, 1000000]"),
        ([PLAIN | {"rank": [[]]}], "has the rank [[]]; it must be a whole number"),
        ([PLAIN | {"budget_ms": "1"}], "has the budget_ms '1'; it must be a number of milliseconds"),
        ([PLAIN | {"budget_ms": True}], "has the budget_ms True; it must be a number of milliseconds"),
        ([PLAIN | {"budget_ms": float("nan")}], "has the budget_ms nan"),
        ([PLAIN | {"budget_ms": float("inf")}], "has the budget_ms inf"),
        ([PLAIN | {"budget_ms": 1e300}], "has the budget_ms 1e+300"),
        ([PLAIN | {"budget_ms": -1}], "has a budget of -1000000 ns; it must lie in [0, 86400000000000]"),
        ([PLAIN | {"budget_ms": 86_400_001}], "has a budget of 86400001000000 ns"),
        ([PLAIN | {"name": 5}], "a task has the name 5; it must be 1 to 64 letters, digits"),
        ([PLAIN | {"name": ""}], "a task has the name ''"),
        ([PLAIN | {"name": "x\ny"}], "a task has the name 'x\\ny'"),
        ([PLAIN | {"name": "x" * 100_000}], f"a task has the name '{'x' * 59}..."),
        ([PLAIN | {"name": f"p{p}", "period": p} for p in (99_991, 99_989)], "a table of 9998000099 frames or more"),
        ([PLAIN | {"name": f"t{i}", "period": 1 + i // 70 * 4_999} for i in range(71)], "a table of 350,001 slots"),
    ],
)
def test_bad_files_are_one_sentence(run, tmp_path, content, sentence):
    file = tmp_path / "tasks.json"
    if isinstance(content, list):
        content = json.dumps(content)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = run("schedule", "--tasks", file)
    assert outcome.status == 2
    assert sentence in outcome.err
    assert str(file) in outcome.err or "a table of" in outcome.err
    assert outcome.err.count("\n") == 1
    assert len(outcome.err) < 600
