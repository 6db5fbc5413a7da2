import json

import pytest

from alo_lib.records import LAYOUTS, Kind, Message, records
from alo_lib.transport import MessageRing, RecordRing, SeqLock
from alo_lib.transport.layout import STARTED, WRITER


@pytest.fixture
def segments(tmp_path):
    """Two rings of messages to a core, in one of which three wait, and one segment of each other kind."""
    folder = tmp_path / "segments"
    rings = {name: MessageRing.create(folder / "core" / f"{name}.ring", capacity=64) for name in ("lean", "timer")}
    lean, _ = rings["lean"].produce("lean"), rings["lean"].consume("core")
    rings["timer"].produce("timer")
    for minute, count in enumerate((1, 2, 7)):
        quotes = records(Kind.QUOTE, count, bid=1.25, ask=float("nan"))
        lean.push(Message(Kind.QUOTE, 1_450_967_460_000_000_000 + minute * 60_000_000_000, quotes))
    RecordRing.create(folder / "trades.ring", LAYOUTS[Kind.TRADE], capacity=8).produce("feed").push(
        records(Kind.TRADE, 3, close=7.5)
    )
    SeqLock.create(folder / "health.state", LAYOUTS[Kind.EXPOSURE]).write_as("core").write(
        records(Kind.EXPOSURE, spot=3)
    )
    (folder / "notes.txt").write_text("not a segment")
    return folder


def test_a_folder_is_listed_and_its_flow_drawn(run, segments):
    outcome = run("transport", segments)
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    names = [line.split()[0] for line in lines[1:5]]
    assert names == ["core/lean.ring", "core/timer.ring", "health.state", "trades.ring"]
    assert lines[0].split() == [
        "segment",
        "holds",
        "depth",
        "capacity",
        "written",
        "a",
        "second",
        "lag",
        "writer",
        "reader",
    ]
    assert "120.0 s" in lines[1]
    assert "never taken" in lines[2]
    assert lines[6:] == [
        "core ─── health.state  seqlock   ──▶ any",
        "feed ─── trades.ring   3 waiting ──▶ -",
        "",
        "core:",
        "lean  ─── lean.ring   9 waiting ──▶ core",
        "timer ─── timer.ring  0 waiting ──▶ -",
        "",
    ]


def test_programs_get_one_object(run, segments):
    found = json.loads(run("transport", segments, "--json").out)
    first = found["segments"][0]
    assert (first["holds"], first["depth"], first["lag_ns"]) == ("messages", 9, 120_000_000_000)
    assert first["writer"]["name"] == "lean"
    assert first["writer"]["alive"] is True
    assert found["segments"][1]["reader"] == {"name": "", "pid": 0, "epoch": 0, "alive": False}
    assert found["flow"][0] == {
        "folder": str(segments / "core"),
        "sender": "lean",
        "segment": "lean.ring",
        "receiver": "core",
        "holds": "messages",
        "waiting": 9,
    }


def test_a_folder_is_followed_with_rates(run, segments):
    outcome = run("transport", segments, "--follow", "--seconds", "1.5", "--json")
    one, two = (json.loads(line) for line in outcome.out.splitlines())
    assert one["segments"][0]["per_second"] is None
    assert two["segments"][0]["per_second"] == 0


def test_messages_are_decoded(run, segments):
    lines = run("transport", segments / "core" / "lean.ring").out.splitlines()
    assert lines[2] == (
        "#0  2015-12-24T14:31:00.000000000  QUOTE  instrument 0  bid 1.25  ask nan  bid_size 0  ask_size 0"
    )
    assert lines[3] == "#1  2015-12-24T14:32:00.000000000  QUOTE  2 records"
    assert lines[-1] == "    ... and 2 more"
    found = json.loads(run("transport", segments / "core" / "lean.ring", "--last", "1", "--json").out)
    (entry,) = found["entries"]
    assert (entry["position"], entry["kind"], len(entry["records"])) == (3, "QUOTE", 7)
    assert entry["records"][0] == {"instrument": 0, "bid": 1.25, "ask": None, "bid_size": 0, "ask_size": 0}


def test_every_other_kind_is_decoded(run, segments):
    assert "#1  underlying 0  structures 0  spot 3" in run("transport", segments / "health.state").out
    assert run("transport", segments / "trades.ring").out.splitlines()[-1] == "#2  instrument 0  close 7.5  volume 0"
    assert len(run("transport", segments / "trades.ring", "--last", "0").out.splitlines()) == 2


def test_what_comes_is_decoded_live(run, segments, monkeypatch):
    """The sleep between two looks is where another process would push."""
    ring = RecordRing.open(segments / "trades.ring")
    producer, consumer = ring.produce("feed", force=True), ring.consume("view")
    batches = iter([1, 8, 2])

    def push(_):
        consumer.pop()
        for _ in range(next(batches, 0)):
            if not producer.free:
                consumer.pop()
            producer.push(records(Kind.TRADE, close=9.5))

    clock = iter([0.0, *(0.1 * turn for turn in range(5)), 99.0])
    monkeypatch.setattr("alo_lib.cli.transport_display.time.sleep", push)
    monkeypatch.setattr("alo_lib.cli.transport_display.time.monotonic", lambda: next(clock))
    outcome = run("transport", segments / "trades.ring", "--last", "0", "--follow", "--seconds", "5")
    assert [line.split()[0] for line in outcome.out.splitlines()[2:]] == [f"#{number}" for number in range(3, 14)]


def test_what_was_overwritten_unseen_is_counted(run, segments, monkeypatch):
    ring = RecordRing.open(segments / "trades.ring")
    producer, consumer = ring.produce("feed", force=True), ring.consume("view")

    def push(_):
        for _ in range(20):
            consumer.pop()
            producer.push(records(Kind.TRADE, close=9.5))

    clock = iter([0.0, 0.1, 0.2, 99.0])
    monkeypatch.setattr("alo_lib.cli.transport_display.time.sleep", push)
    monkeypatch.setattr("alo_lib.cli.transport_display.time.monotonic", lambda: next(clock))
    outcome = run("transport", segments / "trades.ring", "--last", "0", "--follow", "--seconds", "5")
    assert outcome.out.splitlines()[2] == "... 12 slots were overwritten unseen"
    assert len(outcome.out.splitlines()) == 3 + 8


def test_a_dead_owner_is_told(run, segments):
    ring = RecordRing.open(segments / "trades.ring")
    ring.segment.words[WRITER + STARTED] += 1  # when its process began: there is none of that number and age
    assert "dead, epoch 1)" in run("transport", segments / "trades.ring").out


def test_what_is_not_there_is_one_sentence(run, tmp_path, monkeypatch):
    monkeypatch.setattr("alo_lib.transport.default_folder", lambda: tmp_path / "none")
    assert run("transport").out == f"no segments: {tmp_path / 'none'} does not exist\n"
    assert json.loads(run("transport", "--json").out) == {"segments": [], "flow": []}
    assert run("transport", tmp_path).out == f"no segments in {tmp_path}\n"
    for path, sentence in (
        (
            tmp_path / "nothing",
            f"there is nothing at {tmp_path / 'nothing'}; name a folder of segments or one segment, ",
        ),
        (tmp_path / "text", "is not a segment"),
    ):
        (tmp_path / "text").write_text("text")
        outcome = run("transport", path)
        assert outcome.status == 2
        assert sentence in outcome.err
        assert outcome.err.count("\n") == 1
