"""``alo journal`` and ``alo replay``."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from alo_lib.cli import journals
from alo_lib.cli.project import ROOT
from alo_lib.journal import JOURNAL_FOLDER, JournalError, JournalWriter, message_digest, read_journal
from alo_lib.journal.format import object_store_key, segment_name
from alo_lib.journal.index import INDEX_NAME, messages_between, read_index
from alo_lib.records import ACCOUNT_CASH, Kind, Message, records
from alo_lib.runtime import Divergence
from alo_lib.views.difference import difference_in_words, symbols_of
from tests.core.script import Script, of_test


@pytest.fixture(scope="module")
def market():
    script = Script(of_test())
    script.session()
    script.bar(10, volatility=0.35)
    script.bar(11, spot=102, volatility=0.33)
    return script


@pytest.fixture
def folder(tmp_path, market):
    """The folder of a run, whose journal has several segments."""
    write(tmp_path / "run" / JOURNAL_FOLDER, market.journal.messages, market.journal.settings)
    return tmp_path / "run"


def write(folder, messages, settings, *, close=True):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    writer = JournalWriter.create(folder, settings=settings, segment_bytes=1 << 13)
    for message in messages:
        writer.append(message)
    if close:
        writer.close()
    else:
        writer.abandon()


def altered(messages):
    """The same messages, one of whose signals has another edge."""
    place = next(i for i, message in enumerate(messages) if message.kind is Kind.SIGNAL)
    rows = messages[place].records.copy()
    rows["edge"][1] += 1.0
    return [*messages[:place], messages[place]._replace(records=rows), *messages[place + 1 :]], place


def test_a_core_is_known_by_its_name(run, folder, market, tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "CORE_JOURNALS", tmp_path / "cores")
    place = tmp_path / "cores" / "desk"
    shutil.copytree(folder / JOURNAL_FOLDER, place)
    for command in (("show", "--json"), ("verify", "--json"), ("list", "--json")):
        assert run("journal", command[0], "desk", *command[1:]).out == run("journal", command[0], place, "--json").out
    assert run("journal", "export", "desk", "--output", tmp_path / "tables").status == 0
    rows = pq.read_table(tmp_path / "tables" / "intent.parquet").num_rows
    assert rows == sum(len(each.records) for each in market.journal.messages if each.kind is Kind.INTENT)
    unlikely = run("journal", "leave-out", "desk", len(market.journal.messages))
    assert unlikely.status == 2
    assert unlikely.err == run("journal", "leave-out", place, len(market.journal.messages)).err
    assert "is not a folder" in run("journal", "show", "nobody").err


def test_a_replay_agrees_and_says_so(run, folder, market):
    outcome = run("replay", folder, "--json")
    told = json.loads(outcome.out)
    assert outcome.status == 0
    assert told["same"]
    assert told["messages"] == told["of"] == len(market.journal.messages)
    assert told["digest"] == message_digest(market.journal.messages)
    assert told["orders"] == len(market.orders)
    assert "as recorded" in run("replay", folder, "--quiet").out


@pytest.mark.parametrize("more", [(), ("--json",), ("--quiet",)])
def test_a_long_replay_in_a_pipe_says_what_it_is_at(run, folder, market, monkeypatch, more):
    monkeypatch.setattr("alo_lib.cli.console.QUIET_SECONDS", 0.001)
    outcome = run("replay", folder, "--speed", "50000", *more)
    assert outcome.status == 0
    told = [line for line in outcome.err.splitlines() if "messages decided again" in line]
    assert bool(told) is (more != ("--quiet",))
    assert all(line.startswith("2024-03-0") and f" of {len(market.journal.messages):,} " in line for line in told)


def test_an_export_without_its_packages_says_how_to_get_them(run, folder, monkeypatch):
    monkeypatch.setattr("alo_lib.cli.commands.journal.find_spec", lambda name: None)
    outcome = run("journal", "export", folder)
    assert (outcome.status, outcome.out) == (2, "")
    assert "requirements/export.txt are not installed; ./alo journal export installs them" in outcome.err


def test_what_lean_keeps_in_its_object_store_is_replayed_from_there(run, folder, market, tmp_path):
    store = tmp_path / "storage"
    store.mkdir()
    segments = sorted((folder / JOURNAL_FOLDER).glob("*.segment"))
    assert len(segments) > 1
    for number, path in enumerate(segments):
        shutil.copyfile(path, store / object_store_key(number))
    told = json.loads(run("replay", store, "--json").out)
    assert told["same"]
    assert told["digest"] == message_digest(market.journal.messages)


def test_what_a_live_lean_has_saved_in_its_object_store_is_listed_and_verified(run, market, tmp_path):
    (tmp_path / object_store_key(0)).write_bytes(market.writer.image[1][:5_000])  # LEAN is at work, or was killed
    (listed,) = json.loads(run("journal", "list", tmp_path, "--json").out)["journals"]
    assert (listed["journal"], listed["closed"]) == ("segment 0", False)
    assert listed["messages"] > 0
    outcome = run("journal", "verify", tmp_path, "--json")
    told = json.loads(outcome.out)
    assert (outcome.status, told["holds"], told["messages"]) == (0, True, listed["messages"])
    assert f"Not closed: LEAN is at work or was killed; {listed['messages']:,} messages so far" in outcome.err


@pytest.mark.parametrize("speed", ["100000", "max"])
def test_the_digest_is_the_same_at_every_speed(run, folder, market, speed):
    told = json.loads(run("replay", folder, "--json", "--speed", speed).out)
    assert told["digest"] == message_digest(market.journal.messages)


def test_a_replay_stops_where_it_should(run, folder, market):
    told = json.loads(run("replay", folder, "--json", "--until", "2024-03-04 10:30").out)
    assert 0 < told["messages"] < told["of"]
    first = next(i for i, message in enumerate(market.journal.messages) if message.kind is Kind.FRAME)
    told = json.loads(run("replay", folder, "--json", "--until-sequence", first).out)
    assert (told["messages"], told["frames"]) == (first, 0)


def test_a_difference_is_told_in_words(run, folder, market):
    messages, place = altered(list(market.journal.messages))
    write(folder / JOURNAL_FOLDER, messages, market.journal.settings)
    outcome = run("replay", folder, "--quiet")
    assert outcome.status == 1
    edge = float(messages[place].records["edge"][1])
    assert f"the replay differs from the journal at message {place}, 2024-03-04 10:00:00.010 New York" in outcome.err
    assert f"SIGNAL of TEST, record 2 of {len(messages[place].records)}: edge is {edge!r} in the journal" in outcome.err


def test_a_killed_runs_journal_is_replayed_up_to_its_end(run, folder, market):
    messages = list(market.journal.messages)
    within = next(i for i, message in enumerate(messages) if message.kind is Kind.INTENT)
    write(folder / JOURNAL_FOLDER, messages[:within], market.journal.settings, close=False)
    told = json.loads(run("replay", folder, "--json").out)
    assert told["same"]
    assert told["messages"] == within


def test_a_journal_that_is_not_the_one_of_its_finished_run_is_told(run, folder, market):
    messages = list(market.journal.messages)
    orders = sum(len(each.records) for each in messages if each.kind is Kind.INTENT)
    summary = {"journal_digest": message_digest(messages), "orders": orders}
    (folder / "run.json").write_text(json.dumps({"summary": summary}))
    assert run("replay", folder, "--quiet").status == 0
    first = next(place for place, each in enumerate(messages) if each.kind is Kind.FRAME)  # nothing is decided before
    for close, how in ((False, "was cut: its end is missing"), (True, "is another one")):
        write(folder / JOURNAL_FOLDER, messages[:first], market.journal.settings, close=close)
        outcome = run("replay", folder, "--quiet")
        sentence = f"the journal of {folder} {how}; it holds {first:,} messages with 0 orders, and its digest"
        assert (outcome.status, outcome.out) == (1, "")
        assert outcome.err.endswith(f"alo: {sentence} is not the one in run.json, of {orders} orders\n"), outcome.err
        told = json.loads(run("replay", folder, "--json").out)
        assert (told["same"], told["difference"].startswith(sentence)) == (False, True)
    assert (
        run("replay", folder, "--quiet", "--until-sequence", first - 1).status == 0
    )  # asked for no more than is there


def test_the_journal_in_an_object_store_is_replayed(run, market, tmp_path):
    (tmp_path / object_store_key(0)).write_bytes(market.writer.image[1][:5_000])  # LEAN was killed writing it
    (tmp_path / object_store_key(0, copy=True)).write_bytes(market.writer.image[1])
    told = json.loads(run("replay", tmp_path, "--json").out)
    assert told["same"]
    assert told["messages"] == len(market.journal.messages)
    assert run("journal", "show", tmp_path, "--kind", "intent").status == 0


def test_words_for_every_way_to_differ(market):
    messages = list(market.journal.messages)
    place = next(i for i, message in enumerate(messages) if message.kind is Kind.INTENT)
    intent, symbols = messages[place], symbols_of(messages)

    def words(recorded, again):
        return difference_in_words(Divergence(place, recorded, again), symbols).partition(": ")[2]

    changed = intent.records.copy()
    changed["quantity"][0] += 1
    quantity, symbol = int(intent.records["quantity"][0]), symbols[int(intent.records["instrument"][0])]
    told = (
        f"INTENT of {symbol}, record 1 of {len(changed)}: quantity is {quantity} in the journal and {quantity + 1} now"
    )
    assert words(intent, intent._replace(records=changed)) == told
    assert words(None, intent).startswith("the journal ends, and the replay goes on with INTENT with")
    assert words(intent, None).endswith("and the replay comes to nothing there")
    assert "decided again was RATE with 1 record" in words(intent, Message(Kind.RATE, 1, records(Kind.RATE)))
    assert "when it is decided again" in words(intent, intent._replace(time=intent.time + 1))
    assert words(intent, intent._replace(records=changed[:1])).endswith("decided again were 1")


def test_journals_are_listed(run, folder):
    told = json.loads(run("journal", "list", folder.parent, "--json").out)["journals"]
    assert [row["closed"] for row in told] == [True]
    segments = json.loads(run("journal", "list", folder, "--json").out)["journals"]
    assert len(segments) == len(list((folder / JOURNAL_FOLDER).glob("*.segment"))) > 2
    assert sum(row["messages"] for row in segments) == told[0]["messages"]
    assert "segment 0" in run("journal", "list", folder).out


def test_messages_are_shown(run, folder, market):
    told = json.loads(run("journal", "show", folder, "--kind", "intent", "--json").out)["messages"]
    assert sum(row["count"] for row in told) == len(market.orders)
    lines = run("journal", "show", folder, "--from", 3, "--count", 2).out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" " * 10)] == ["3", "4"]
    assert "reason=entry, " in run("journal", "show", folder, "--kind", "intent").out
    filled = run("journal", "show", folder, "--kind", "order_event").out
    assert "status=filled, type=market, " in filled
    nothing = run("journal", "show", folder, "--kind", "split")
    assert (nothing.status, nothing.out, nothing.err) == (0, "", "The journal holds no such message.\n")
    outcome = run("journal", "show", folder, "--kind", "nonsense")
    assert outcome.status == 2
    assert "'nonsense' is not a kind of message; the kinds are INSTRUMENT, " in outcome.err


def test_instruments_are_shown_by_their_names_and_told_to_programs_by_their_numbers(run, folder, market):
    """The script's market lists calls and puts of TEST; the first signal names a pair of them."""
    signal = next(message for message in market.journal.messages if message.kind is Kind.SIGNAL).records[0]
    terms = {int(row["instrument"]): row for each in market.journal.messages for row in each.records
             if each.kind is Kind.INSTRUMENT}  # fmt: skip
    strikes = [f"{terms[int(signal[leg])]['strike']:g}" for leg in ("leg1", "leg2")]
    days = [np.datetime64(int(terms[int(signal[leg])]["expiry"]), "ns").astype("<M8[D]") for leg in ("leg1", "leg2")]
    shown = run("journal", "show", folder, "--kind", "signal", "--count", 1)
    wanted = (
        f"leg1=TEST {days[0]} {strikes[0]} call, leg2=TEST {days[1]} {strikes[1]} put, leg3=none, leg4=none, ratio1=1"
    )
    assert wanted in shown.out.splitlines()[1]
    (told,) = json.loads(run("journal", "show", folder, "--kind", "signal", "--count", 1, "--json").out)["messages"]
    assert [told["records"][0][leg] for leg in ("underlying", "leg1", "leg2")] == [
        int(signal[leg]) for leg in ("underlying", "leg1", "leg2")
    ]


def test_what_is_of_no_instrument_or_of_an_unknown_one_is_shown_so(run, tmp_path):
    named = records(Kind.INSTRUMENT, 2, instrument=[0, 1], underlying=0, kind=[0, 1], symbol=[b"TEST", b"odd"], right=1)
    write(
        tmp_path / "run" / JOURNAL_FOLDER,
        [
            Message(Kind.TRADE, 1, records(Kind.TRADE, instrument=0)),
            Message(Kind.INSTRUMENT, 2, named),
            Message(Kind.INTEREST, 3, records(Kind.INTEREST, instrument=ACCOUNT_CASH, days=3)),
            Message(Kind.EVENT, 4, records(Kind.EVENT, instrument=-1)),
            Message(Kind.QUOTE, 5, records(Kind.QUOTE, 2, instrument=[1, 7])),
        ],
        b"",
    )
    rows = [line.split(", ")[0].strip() for line in run("journal", "show", tmp_path / "run").out.splitlines()]
    assert rows[1] == "instrument=TEST"
    assert rows[3:5] == ["instrument=TEST", "instrument=odd"]
    assert rows[6] == "instrument=the account"
    assert "instrument=none, " in run("journal", "show", tmp_path / "run", "--kind", "event").out
    assert rows[-2:] == ["instrument=odd", "instrument=7"]


def test_a_journal_is_verified(run, folder, market):
    assert message_digest(market.journal.messages) in run("journal", "verify", folder).out
    path = folder / JOURNAL_FOLDER / segment_name(1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(bytes(data))
    outcome = run("journal", "verify", folder)
    assert outcome.status == 1
    assert "of 00000001.segment is damaged" in outcome.err


def test_a_journal_becomes_parquet(run, folder, market, tmp_path):
    run("journal", "export", folder, "--output", tmp_path / "parquet")
    table = pq.read_table(tmp_path / "parquet" / "order_event.parquet").to_pandas()
    told = [row for message in market.journal.messages if message.kind is Kind.ORDER_EVENT for row in message.records]
    assert table["quantity"].tolist() == [row["quantity"] for row in told]
    assert table["sequence"].is_monotonic_increasing
    kinds = {message.kind.name.lower() for message in market.journal.messages}
    assert {path.stem for path in (tmp_path / "parquet").iterdir()} == kinds


def test_an_index_is_made_again_when_it_does_not_fit(folder):
    journal = folder / JOURNAL_FOLDER
    rows = read_index(journal)
    assert (journal / INDEX_NAME).exists()
    for damage in (b"", b"nonsense", (journal / INDEX_NAME).read_bytes()[:-12] + bytes(12)):
        (journal / INDEX_NAME).write_bytes(damage)
        assert read_index(journal).tobytes() == rows.tobytes()
    first = int(rows["first"][2])
    begin, messages = messages_between(journal, first + 1, first + 2)
    assert (begin, len(messages)) == (first, int(rows["stop"][2]) - first)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay", "nowhere"), "nowhere is not a folder, here or in "),
        (("journal", "show", "nowhere"), "nowhere is not a folder, here or in "),
        (("journal", "show", "."), ". has no journal; name the folder of a run"),
        (("replay", "{run}", "--speed", "0.05"), "'0.05' is not a number from 0.1 to 1000000, nor max"),
        (("replay", "{run}", "--until", "noon"), "'noon' is not a time such as"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(run, folder, arguments, sentence):
    outcome = run(*(str(argument).format(run=folder) for argument in arguments))
    assert outcome.status == 2
    assert sentence in outcome.err
    assert "Traceback" not in outcome.err


WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from alo_lib.journal import JournalWriter
from alo_lib.records import Kind, Message, records

writer = JournalWriter.create(Path(sys.argv[1]), segment_bytes=1 << 14)
while True:
    rows = records(Kind.RATE, 1 + writer.sequence % 40)
    writer.append(Message(Kind.RATE, writer.sequence, rows))
    if writer.sequence == 100:
        print("begun", flush=True)
    if writer.sequence % 50 == 0:
        time.sleep(0.001)
"""


@pytest.fixture
def growing(tmp_path):
    """The folder of a run that another process is writing as fast as it can, segment after segment."""
    journal = tmp_path / "growing" / JOURNAL_FOLDER
    journal.parent.mkdir()
    with subprocess.Popen([sys.executable, "-c", WRITER, journal], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield journal.parent, process
        process.kill()


def test_a_journal_that_is_being_written_is_read_up_to_what_is_published(run, growing, tmp_path):
    folder, process = growing
    counts = []
    for _ in range(3):
        listed = run("journal", "list", folder.parent, "--json")
        rows = {row["journal"]: row for row in json.loads(listed.out)["journals"]}
        assert (listed.status, rows["growing"]["being_written"]) == (0, True)
        shown = run("journal", "show", folder, "--count", 2, "--json")
        assert (shown.status, len(json.loads(shown.out)["messages"])) == (0, 2), shown.err
        assert re.fullmatch(r"Still being written, [\d,]+ messages so far.\n", shown.err)
        verified = run("journal", "verify", folder, "--json")
        told = json.loads(verified.out)
        assert (verified.status, told["holds"], told["being_written"]) == (0, True, True)
        counts += [rows["growing"]["messages"], told["messages"]]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0] >= 100
    assert process.poll() is None
    exported = run("journal", "export", folder, "--output", tmp_path / "parquet")
    assert exported.status == 0, exported.err
    assert "Still being written" in exported.err
    assert "still being written" in run("journal", "list", folder).out
    with pytest.raises(JournalError, match=r"growing/journal is still being written, \d+ messages so far"):
        read_journal(folder / JOURNAL_FOLDER)
    process.kill()
    process.wait()
    ended = run("journal", "show", folder, "--count", 1)
    assert (ended.status, ended.err) == (0, "")
    assert json.loads(run("journal", "list", folder.parent, "--json").out)["journals"][-1]["being_written"] is False


def test_a_run_that_goes_on_is_replayed_up_to_what_is_published(run, market, tmp_path):
    messages = list(market.journal.messages)
    writer = JournalWriter.create(tmp_path, settings=market.journal.settings)
    for message in messages[:-5]:
        writer.append(message)
    outcome = run("replay", tmp_path, "--json")
    assert (outcome.status, json.loads(outcome.out)["same"]) == (0, True)
    assert outcome.err == f"Still being written, {len(messages) - 5:,} messages so far.\n"
    # What lies behind the published place is the writer's: half of an entry, and one after it, are not looked at.
    published = np.frombuffer(bytearray((tmp_path / "published").read_bytes()), np.int64).copy()
    published[0] -= 20
    (tmp_path / "published").write_bytes(published.tobytes())
    segment = tmp_path / segment_name(0)
    image = np.frombuffer(segment.read_bytes(), np.int64).copy()
    offsets = read_journal([image.tobytes()], unfinished=True).segments[0].offsets
    image[offsets[-10]] = 0
    segment.write_bytes(image.tobytes())
    told = json.loads(run("replay", tmp_path, "--json").out)
    assert (told["same"], told["of"]) == (True, len(messages) - 25)
    image[offsets[3] + 1] ^= 1
    segment.write_bytes(image.tobytes())
    assert "entry 3 at byte" in run("replay", tmp_path, "--json").err
    writer.abandon()


def test_an_input_is_left_out_of_a_journal(run, tmp_path, market):
    messages = [*market.journal.messages, Message(Kind.RATE, market.journal.messages[-1].time, records(Kind.RATE))]
    write(tmp_path / "run" / JOURNAL_FOLDER, messages, market.journal.settings, close=False)
    last = len(messages) - 1
    tried = run("replay", str(tmp_path / "run"), "--without", str(last), "--quiet")
    assert (tried.status, read_journal(tmp_path / "run" / JOURNAL_FOLDER, unfinished=True).left_out) == (0, set())
    done = run("journal", "leave-out", str(tmp_path / "run"), str(last))
    assert done.status == 0, done.out
    assert done.out.startswith(f"Message {last} of ")
    journal = read_journal(tmp_path / "run" / JOURNAL_FOLDER)
    assert journal.left_out == {last}
    assert message_digest(journal.counted) == message_digest(market.journal.messages)
    again = run("journal", "leave-out", str(tmp_path / "run"), str(last))
    assert (again.status, "counts no more already" in again.err) == (2, True)
    shown = run("journal", "show", str(tmp_path / "run"), "--from", str(last + 1))
    assert f"goes on without message {last} (RATE)" in shown.out


@pytest.mark.parametrize(("pick", "why"), [(lambda n: n, "is not in the journal"), (lambda n: 0, "cannot be left out")])
def test_what_cannot_be_left_out_is_refused_in_a_sentence(run, folder, market, pick, why):
    before = sorted(path.name for path in (folder / JOURNAL_FOLDER).iterdir())
    for command in (("journal", "leave-out", str(folder)), ("replay", str(folder), "--without")):
        result = run(*command, str(pick(len(market.journal.messages))))
        assert result.status == 2
        assert why in result.err
    assert sorted(path.name for path in (folder / JOURNAL_FOLDER).iterdir()) == before
