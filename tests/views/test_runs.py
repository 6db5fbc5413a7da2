"""The list of runs, and two of them side by side."""

import io
import json
import math
import os
import re

import pytest
from rich.console import Console

from alo_lib.journal import JOURNAL_FOLDER, JournalWriter
from alo_lib.journal.format import segment_name
from alo_lib.records import HostEvent, Kind, Message, records, remark
from alo_lib.views.comparison import compare, comparison_table
from alo_lib.views.run import Run, RunError
from alo_lib.views.runs import SORTS, UnfinishedRun, list_runs, runs_table, sorted_rows, unfinished_run
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
        "sharpe": None,
        "data": "d" * 64,
        "settings": {},
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


def test_settings_that_are_not_the_defaults_are_listed(tmp_path):
    run = run_of(tmp_path / "a", kit.quiet_messages())
    changed = {"hedge_band": 0.05, "direction": "long", "cash": 1_000_000, "of_another_program": 1}
    (run.folder / "settings.json").write_text(json.dumps(kit.settings_object(end="2024-01-09", **changed)))
    (row,) = list_runs(tmp_path)
    assert isinstance(row, dict)
    assert row["settings"] == {"hedge_band": 0.05, "direction": "long", "of_another_program": 1}
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(runs_table([row]))
    assert "hedge-band=0.05, direction=long, of-another-program=1" in console.export_text()


def test_runs_are_sorted_as_asked(tmp_path):
    told = {"a": (6, -1.0, None, 2), "b": (5, 2.0, -0.5, 3), "c": (7, 1.0, 1.5, 1)}
    for name, (orders, profit, sharpe, hour) in told.items():
        path = run_of(tmp_path / name, kit.quiet_messages()).folder / "run.json"
        about = json.loads(path.read_text())
        about["started"] = f"2024-01-02T0{hour}:00:00+00:00"
        about["summary"] |= {"orders": orders, "net_profit": profit, "sharpe": sharpe}
        path.write_text(json.dumps(about))
    rows = [row for row in list_runs(tmp_path) if isinstance(row, dict)]
    assert {by: "".join(row["folder"][-1] for row in sorted_rows(rows, by)) for by in SORTS} == {
        "time": "cab",
        "profit": "bca",
        "orders": "cab",
        "sharpe": "cba",
    }


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


def changed_summary(folder, change):
    """Two runs of the same messages; of the second's summary ``change`` makes another one."""
    one, two = (run_of(folder / name, kit.traded_messages()) for name in ("one", "two"))
    about = json.loads((two.folder / "run.json").read_text())
    change(about["summary"])
    (two.folder / "run.json").write_text(json.dumps(about))
    return compare(one, Run(two.folder))


def shown_rows(told):
    """The words of a comparison, by the first column of its tables: the other cells."""
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(comparison_table(told))
    rows = [re.split(r" {2,}", line.strip()) for line in console.export_text().splitlines()]
    return {row[0]: row[1:] for row in rows}


def test_figures_and_their_differences_are_side_by_side(tmp_path):
    def change(summary):
        summary["net_profit"] -= 1200.5
        summary["attribution"]["parts"] |= {"vega": -1500.5, "fees": 300.0}
        summary["hedging"]["slippage"] += 12.0
        summary["exposure"]["vega"]["mean_absolute"] += 0.5
        summary |= {"drawdown": 0.00142, "return_on_margin": -0.0238, "sharpe": 1.25, "trades": [{}] * 4}

    told = changed_summary(tmp_path, change)
    assert told["results"]["net_profit"] == [184.4, pytest.approx(-1016.1), -1200.5]
    assert told["results"]["attribution.parts.vega"] == [0.0, -1500.5, -1500.5]
    assert told["results"]["attribution.parts.fees"] == [0.0, 300.0, 300.0]
    assert told["results"]["hedging.slippage"][2] == 12.0
    assert told["results"]["exposure.vega.mean_absolute"][2] == 0.5
    assert told["results"]["sharpe"] == [None, 1.25, None]
    assert told["results"]["trades"][1:] == [4, 4 - told["results"]["trades"][0]]
    assert not {"orders", "fees", "order_digest", "attribution.parts.gamma"} & set(told["results"])
    rows = shown_rows(told)
    assert rows["results"] == ["one", "two", "second less first"]
    assert rows["net profit"] == ["$184.40", "−$1,016.10", "−$1,200.50"]
    assert rows["from vega"] == ["$0.00", "−$1,500.50", "−$1,500.50"]
    assert rows["from fees"] == ["$0.00", "$300.00", "+$300.00"]
    assert rows["hedging, slippage of shares"][2] == "+$12.00"
    assert rows["mean vega, in size"][2] == "+0.50"
    assert rows["Sharpe ratio"] == ["–", "1.25"]
    assert rows["drawdown"][1] == "0.142%"
    assert rows["return on margin"][1] == "-2.38%"


@pytest.mark.parametrize("odd", [None, "lots", [1], {"vega": {}}, True, 1e300, math.nan])
def test_figures_that_are_none_have_no_difference(tmp_path, odd):
    def change(summary):
        summary["fees"] = summary["drawdown"] = summary["attribution"] = summary["exposure"] = odd

    told = changed_summary(tmp_path, change)
    assert told["results"]["drawdown"][2] is None
    shown_rows(told)


def test_settings_are_named_as_people_write_them(parted):
    _, told = parted
    assert shown_rows(told)["hedge-band"] == ["–", "0.5"]


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


def test_engines_that_differ_in_remarks_alone_have_the_same_journals(tmp_path):
    """LEAN's callbacks stand in the journal of one engine, and no digest counts them."""
    messages = kit.traded_messages()
    called = remark(HostEvent.DATA, messages[0].time, "")
    with_remarks = [called, called, *messages[:5], called, *messages[5:], called]
    one, two = run_of(tmp_path / "one", messages), run_of(tmp_path / "two", with_remarks)
    for pair in ((one, two), (two, one)):
        told = compare(*pair)
        assert told["results"] == {}
        assert told["first_message"] is None
        assert "The same journals." in "".join(shown_rows(told))
    shorter = compare(two, run_of(tmp_path / "three", messages[:-1]))["first_message"]
    assert shorter["message"] == len(with_remarks) - 2  # as the first journal numbers them
    assert "the second ends" in shorter["words"]


def test_a_journal_that_ends_earlier_parts_there(tmp_path):
    messages = kit.traded_messages()
    one = run_of(tmp_path / "one", messages[:-1])
    two = run_of(tmp_path / "two", messages)
    told = compare(one, two)
    assert told["first_order"] is None
    assert told["first_message"]["message"] == len(messages) - 1
    assert "the first ends, the other goes on with NOTICE with 1 record" in told["first_message"]["words"]
