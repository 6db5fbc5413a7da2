"""The list of runs, and two of them side by side."""

import io
import json
import math

import pytest
from rich.console import Console

from alo_lib.records import Kind, Message
from alo_lib.views.run import Run, RunError
from alo_lib.views.runs import compare, list_runs, runs_table
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
        "net_profit": 184.4,
        "data": "d" * 64,
    }
    assert isinstance(third, RunError)
    assert str(third) == f"{tmp_path / 'c' / 'run.json'} does not say started as a run's folder does: a text"


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("net_profit", None),
        ("net_profit", "lots"),
        ("net_profit", 10**400),
        ("net_profit", math.nan),
        ("net_profit", True),
        ("orders", []),
        ("underlyings", [1, 2]),
        ("underlyings", "ALFA"),
        ("engine", 5),
    ],
)
def test_a_folder_that_someone_else_wrote_is_left_out_alone(tmp_path, name, odd):
    written = run_of(tmp_path / "a", kit.quiet_messages()).folder / "run.json"
    run_of(tmp_path / "b", kit.quiet_messages())
    about = json.loads(written.read_text())
    about["summary"][name] = odd
    written.write_text(json.dumps(about))
    left_out, listed = list_runs(tmp_path)
    assert isinstance(left_out, RunError)
    assert f"{written} does not say {name} as a run's folder does" in str(left_out)
    assert not isinstance(listed, RunError)
    assert listed["folder"] == str(tmp_path / "b")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"summary": []}', "[]", '{"started": 5}'])
def test_a_run_that_is_no_run_is_left_out(tmp_path, text):
    (run_of(tmp_path / "a", kit.quiet_messages()).folder / "run.json").write_text(text)
    (left_out,) = list_runs(tmp_path)
    assert isinstance(left_out, RunError)


def test_names_are_shown_as_they_are(tmp_path):
    written = run_of(tmp_path / "[b]a", kit.quiet_messages()).folder / "run.json"
    written.write_text(written.read_text().replace('"engine": "embedded"', '"engine": "[/bold]"'))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(runs_table([row for row in list_runs(tmp_path) if not isinstance(row, RunError)]))
    text = console.export_text()
    assert "[/bold]" in text
    assert "[b]a" in text


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
            "2024-01-02 09:50:00.000 New York, buy 30 ALFA, hedge: 30 filled at 100.3400, fee 1.0000",
            "2024-01-02 09:50:00.000 New York, buy 31 ALFA, hedge: 30 filled at 100.3400, fee 1.0000",
        ],
    }
    assert told["first_message"] == {
        "message": place,
        "words": f"message {place}, 2024-01-02 09:50:00.000 New York: INTENT, record 1 of 1: "
        "quantity is 30 in the first and 31 in the second",
    }


def test_the_same_order_that_is_filled_otherwise_is_not_the_same(tmp_path):
    messages = kit.traded_messages()
    one = run_of(tmp_path / "one", messages)
    place = next(k for k, each in enumerate(messages) if each.kind == Kind.ORDER_EVENT and each.records["quantity"][0])
    rows = messages[place].records.copy()
    rows["price"] += 0.01
    messages[place] = Message(Kind.ORDER_EVENT, messages[place].time, rows)
    told = compare(one, run_of(tmp_path / "two", messages))["first_order"]
    assert told["number"] == 1
    prices = [float(words.split(" filled at ")[1].split(",")[0]) for words in told["orders"]]
    assert prices[1] == pytest.approx(prices[0] + 0.01)


def test_a_journal_that_ends_earlier_parts_there(tmp_path):
    messages = kit.traded_messages()
    one = run_of(tmp_path / "one", messages[:-1])
    two = run_of(tmp_path / "two", messages)
    told = compare(one, two)
    assert told["first_order"] is None
    assert told["first_message"]["message"] == len(messages) - 1
    assert "the first ends, the other goes on with NOTICE with 1 record" in told["first_message"]["words"]
