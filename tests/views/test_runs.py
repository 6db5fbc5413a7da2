"""The list of runs, and two of them side by side."""

import io
import json
import math
import os

import pytest
from rich.console import Console

from alo_lib.journal import JOURNAL_FOLDER, JournalWriter
from alo_lib.journal.format import segment_name
from alo_lib.records import Kind, Message, records
from alo_lib.views.run import Run, RunError
from alo_lib.views.runs import UnfinishedRun, compare, list_runs, runs_table, unfinished_run
from tests.views import kit
from tests.views.kit import run_of


def test_runs_are_listed_and_what_cannot_be_read_is_told(tmp_path):
    run_of(tmp_path / "b", kit.traded_messages())
    (run_of(tmp_path / "c", kit.quiet_messages()).folder / "run.json").write_text('{"summary": {}}')
    run_of(tmp_path / "a", kit.quiet_messages())
    (tmp_path / "z.partial").mkdir()
    first, second, third, fourth = list_runs(tmp_path)
    assert isinstance(first, dict)
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
    assert isinstance(fourth, UnfinishedRun)
    assert (fourth.folder, fourth.underlyings, fourth.reached) == (str(tmp_path / "z.partial"), None, None)


def unfinished(folder, messages, *, settings=None, close=False):
    """The folder of a run that was killed after these messages; with ``close``, interrupted."""
    folder.mkdir()
    if settings is not None:
        (folder / "settings.json").write_text(settings)
    writer = JournalWriter.create(folder / JOURNAL_FOLDER)
    for message in messages:
        writer.append(message)
    (writer.close if close else writer.abandon)()
    return folder


@pytest.mark.parametrize("close", [False, True])
def test_an_unfinished_run_is_listed_as_far_as_it_came(tmp_path, close):
    days = [
        Message(Kind.SESSION, place, records(Kind.SESSION, date=20240102 + place)) for place in range(2)
    ]  # the second of January, and the third
    rate = Message(Kind.RATE, 2, records(Kind.RATE, rate=0.05))
    settings = json.dumps(kit.settings_object(end="2024-01-31"))
    folder = unfinished(tmp_path / "a-b.partial", [*days, rate], settings=settings, close=close)
    written = 1_706_700_600 * 10**9  # 2024-01-31 11:30 UTC
    for path in (*folder.rglob("*"), folder):
        os.utime(path, ns=(0, written))
    last = folder / JOURNAL_FOLDER / segment_name(0)
    os.utime(last, ns=(0, written + 60 * 10**9))
    (found,) = list_runs(tmp_path)
    assert found == UnfinishedRun(
        str(folder), ["ALFA"], "2024-01-02", "2024-01-31", "2024-01-03", "2024-01-31T11:31:00.000Z", being_written=False
    )


def test_a_run_at_work_is_told_apart_and_one_that_journaled_no_session_has_none(tmp_path):
    (tmp_path / "a.partial").mkdir()
    writer = JournalWriter.create(tmp_path / "a.partial" / JOURNAL_FOLDER)
    writer.append(Message(Kind.RATE, 2, records(Kind.RATE, rate=0.05)))
    (found,) = list_runs(tmp_path)
    assert isinstance(found, UnfinishedRun)
    assert (found.being_written, found.reached) == (True, None)
    writer.abandon()
    assert not unfinished_run(tmp_path / "a.partial").being_written


@pytest.mark.parametrize(
    ("settings", "date", "sentence"),
    [
        ("{", 20240102, "settings.json is not JSON"),
        ('{"underlyings": "ALFA"}', 20240102, "does not say underlyings as a run's folder does: a list of texts"),
        (None, 20240231, "tells of a session on no day: day is out of range"),
    ],
)
def test_an_unfinished_run_that_cannot_be_read_is_left_out(tmp_path, settings, date, sentence):
    session = Message(Kind.SESSION, 1, records(Kind.SESSION, date=date))
    folder = unfinished(tmp_path / "a.partial", [session], settings=settings, close=True)
    (left_out,) = list_runs(tmp_path)
    assert isinstance(left_out, RunError)
    assert sentence in str(left_out)
    segment = folder / JOURNAL_FOLDER / segment_name(0)
    segment.write_bytes(b"\1" + segment.read_bytes()[1:])
    (folder / "settings.json").unlink(missing_ok=True)
    (left_out,) = list_runs(tmp_path)
    assert isinstance(left_out, RunError)
    assert segment.name in str(left_out)


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
    assert isinstance(listed, dict)
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
    console.print(runs_table([row for row in list_runs(tmp_path) if isinstance(row, dict)]))
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
