"""The list of runs, and two of them side by side."""

import json

import pytest

from alo_lib.records import Kind, Message
from alo_lib.views.run import Run, RunError
from alo_lib.views.runs import compare, list_runs
from tests.views import kit
from tests.views.kit import run_of


def test_runs_are_listed_and_what_cannot_be_read_is_told(tmp_path):
    run_of(tmp_path / "b", kit.traded_messages())
    (run_of(tmp_path / "c", kit.quiet_messages()).folder / "run.json").write_text('{"summary": {}}')
    run_of(tmp_path / "a", kit.quiet_messages())
    (tmp_path / "z.partial").mkdir()
    first, second, third = list_runs(tmp_path)
    assert not isinstance(first, RunError)
    assert first["folder"] == str(tmp_path / "a")
    assert second == {
        "folder": str(tmp_path / "b"),
        "started": "2024-01-02T00:00:00Z",
        "engine": "embedded",
        "underlyings": ["ALFA"],
        "start": "2024-01-02",
        "end": "2024-01-02",
        "orders": 6,
        "net_profit": 190.0,
        "data": "d" * 64,
    }
    assert isinstance(third, RunError)
    assert str(third) == f"{tmp_path / 'c'} does not say its 'started'"


def test_a_run_is_like_itself(tmp_path):
    run = run_of(tmp_path / "one", kit.traded_messages())
    told = compare(run, Run(run.folder))
    assert [told[name] for name in ("settings", "data", "results", "first_order", "first_message")] == [
        {},
        {},
        {},
        None,
        None,
    ]


@pytest.fixture
def parted(tmp_path):
    one = run_of(tmp_path / "one", kit.traded_messages())
    messages = kit.traded_messages()
    # The hedge of 30 shares becomes one of 31.
    place = next(k for k, each in enumerate(messages) if each.kind == Kind.INTENT and each.records["order"][0] == 3)
    rows = messages[place].records.copy()
    rows["quantity"] = 31
    messages[place] = Message(Kind.INTENT, messages[place].time, rows)
    two = run_of(tmp_path / "two", messages)
    (two.folder / "settings.json").write_text(json.dumps(kit.settings_object(hedge_band=0.5)))
    (two.folder / "data.json").write_text(
        json.dumps({"digest": "e" * 64, "files": [{"path": "a.zip", "size": 1, "sha256": "f" * 64}]})
    )
    return place, compare(one, Run(two.folder))


def test_what_differs_is_side_by_side(parted):
    _, told = parted
    assert told["settings"] == {"hedge_band": [None, 0.5]}
    assert told["data"] == {"a.zip": [None, "f" * 64]}
    assert set(told["results"]) == {"order_digest", "journal_digest"}


def test_where_decisions_part_is_told(parted):
    place, told = parted
    assert told["first_order"] == {
        "number": 3,
        "orders": [
            "2024-01-02 09:50:00.000 New York, buy 30 ALFA, hedge",
            "2024-01-02 09:50:00.000 New York, buy 31 ALFA, hedge",
        ],
    }
    assert told["first_message"] == {
        "message": place,
        "words": f"message {place}, 2024-01-02 09:50:00.000 New York: INTENT, record 1 of 1: "
        "quantity is 30 in the first and 31 in the second",
    }


def test_a_journal_that_ends_earlier_parts_there(tmp_path):
    messages = kit.traded_messages()
    one = run_of(tmp_path / "one", messages[:-1])
    two = run_of(tmp_path / "two", messages)
    told = compare(one, two)
    assert told["first_order"] is None
    assert told["first_message"]["message"] == len(messages) - 1
    assert "the first ends, the other goes on with NOTICE with 1 record" in told["first_message"]["words"]
