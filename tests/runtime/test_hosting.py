"""A core as its host opens it: one of its own process, in a backtest and live."""

import time
from pathlib import Path

import pytest

import alo_lib.runtime.hosting as hosting
from alo_lib.core import LogicalCalibrator, TradingCore
from alo_lib.executive import BudgetWatch
from alo_lib.journal import Journal, eras_of, message_digest, preface_of, read_journal, segments_in_object_store
from alo_lib.records import SECOND, BookMode, HostEvent, Kind, Message, Records, records
from alo_lib.runtime import MarketRecord, Opened, open_core
from alo_lib.runtime.background_calibrator import BackgroundCalibrator
from alo_lib.runtime.command_rings import CommandRings, Outcome, ask_core
from alo_lib.runtime.fence import FencedError
from alo_lib.runtime.leadership import Alone
from alo_lib.runtime.link import CorePhase, channel_folder
from alo_lib.runtime.remote import RemoteCore
from alo_lib.runtime.resumption import Beginning
from alo_lib.runtime.steering import Answer, Standing, command_of
from alo_lib.runtime.told_book import ToldBook
from alo_lib.settings import Settings
from alo_lib.telemetry import RunPhase
from alo_lib.telemetry.reading import TelemetryFiles, published_in
from tests.core.script import FIRST, Script, at
from tests.journal.on_disk import OnDisk
from tests.runtime.processes import Watched, by_hand, quotes_in

SETTINGS = Settings.of({"underlyings": "TEST"})
FRAME = SETTINGS.frame_nanoseconds


@pytest.fixture
def store(tmp_path: Path) -> OnDisk:
    (tmp_path / "store").mkdir()
    return OnDisk(tmp_path / "store")


def opened(store: OnDisk, *, live: bool) -> Opened:
    return open_core(SETTINGS, store, live=live, hear=lambda sentence: None)


def market_of(core: object) -> Script:
    market = Script(SETTINGS)
    market.core = core  # type: ignore[assignment]
    market.underlying = market.core.instruments.add_equity("TEST")
    return market


def test_a_backtest_begins_anew_and_leaves_a_whole_journal(store: OnDisk) -> None:
    digests = []
    for _ in range(2):
        hosted, told, findings = opened(store, live=False)
        assert (told, findings, hosted.frames_follow_data) == (MarketRecord(), [], False)
        market = market_of(hosted.core)
        market.session()
        market.bar(10, volatility=0.35)
        hosted.keep(at(FIRST, 11))
        sentences = hosted.end(at(FIRST, 16))
        (segment,) = segments_in_object_store(store.folder)
        journal = read_journal([segment])
        assert journal.messages[-1].records["event"][0] == HostEvent.END_OF_ALGORITHM
        digests.append(message_digest(journal.messages))
        assert sentences == [
            f"slot trace {hosted.core.slot_trace.digest}",  # type: ignore[attr-defined]
            f"journal digest {digests[-1]}",
        ]
    expected = Script(SETTINGS)
    expected.session()
    expected.bar(10, volatility=0.35)
    assert digests == [message_digest(expected.journal.messages)] * 2  # the end is a remark


def test_a_live_core_keeps_its_journal_its_state_once_a_minute_and_goes_on(store: OnDisk) -> None:
    hosted, _, findings = opened(store, live=True)
    assert findings == []
    assert isinstance(hosted.core, TradingCore)
    hosted.core.watch_with(None)  # no state is kept while an overrun is owed, and the machine may be busy
    market = market_of(hosted.core)
    market.session()
    hosted.keep(at(FIRST, 9))
    first = store.read("alo-snapshot.1")
    assert first is not None
    market.bar(10, volatility=0.35)
    hosted.keep(at(FIRST, 9) + 59 * SECOND)  # the journal alone
    journaled = read_journal(segments_in_object_store(store.folder), unfinished=True)
    assert [message.kind for message in journaled.messages].count(Kind.QUOTE) == 1
    assert (store.read("alo-snapshot.0"), store.read("alo-snapshot.1")) == (None, first)
    market.bar(11, volatility=0.35)
    hosted.settle()
    settled = read_journal(segments_in_object_store(store.folder), unfinished=True)
    assert [message.kind for message in settled.messages].count(Kind.QUOTE) == 2
    hosted.keep(at(FIRST, 9) + 60 * SECOND)
    assert store.read("alo-snapshot.0") is not None
    again, told, findings = opened(store, live=True)
    assert told.underlyings == {"TEST": 0}
    assert told.session == FIRST
    count = len(read_journal(segments_in_object_store(store.folder), unfinished=True).messages)
    assert findings[-1] == f"{count} messages hold, of which {count} are in a snapshot; the others are decided again"
    assert again.core.holdings == hosted.core.holdings
    core = again.core
    assert isinstance(core, TradingCore)
    assert isinstance(core._calibrator, BackgroundCalibrator)


def test_what_a_live_run_shows_as_durable_is_what_the_next_process_would_find(store: OnDisk, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    hosted = open_core(SETTINGS, store, live=True, hear=lambda sentence: None, shown_in=tmp_path / "results").hosted
    assert isinstance(hosted.core, TradingCore)
    hosted.core.watch_with(None)  # as above
    recorder = hosted._showing.recorder  # type: ignore[attr-defined]
    files = TelemetryFiles(tmp_path / "results" / "telemetry")

    def shown() -> tuple[int, int]:
        recorder.publish()
        told = files.read()
        assert told is not None
        return int(told.state["sequence"]), int(told.state["durable"])

    market = market_of(hosted.core)
    market.session()
    hosted.keep(at(FIRST, 9))  # with the state, which is kept once a minute
    kept, _ = shown()
    assert shown() == hosted.journaled == (kept, kept)
    market.bar(10, volatility=0.35)
    hosted.keep(at(FIRST, 9) + 59 * SECOND)
    later, durable = shown()
    assert (later > kept, durable) == (True, kept)
    hosted.settle()
    assert shown() == (later, later)
    files.close()
    again = opened(store, live=True).hosted
    assert again.journaled[1] == later  # what it goes on from is there


def test_a_live_core_goes_on_in_another_volume_once_its_store_is_half_full(
    store: OnDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alo_lib.journal.stored_volume._FEWEST", 0)
    (tmp_path / "results").mkdir()
    said: list[str] = []

    def hear(sentence: str) -> None:
        if not sentence.startswith("notice"):
            said.append(sentence)

    hosted = open_core(SETTINGS, store, live=True, hear=hear, shown_in=tmp_path / "results").hosted
    core = hosted.core
    assert isinstance(core, TradingCore)
    core.watch_with(None)  # as above
    core.calibrate_with(LogicalCalibrator(0))  # nothing is at rest before its fits are there
    market = market_of(core)
    market.session()
    market.bar(10, volatility=0.35)
    hosted.keep(at(FIRST, 10))
    before, term = hosted.journaled[0], hosted.term
    assert not said
    store.limits = (1, 0)
    market.bar(11, volatility=0.35)
    hosted.keep(at(FIRST, 11))
    assert said == [f"volume 2 of the journal: the {said[0].split()[6]} messages of the one before are kept no more"]
    assert hosted.term == term + 1
    journal = read_journal(segments_in_object_store(store.folder), unfinished=True)
    assert hosted.journaled == (len(journal.messages), len(journal.messages))
    assert len(journal.messages) < before
    store.limits = (0, 0)
    market.bar(12, volatility=0.35)
    hosted.settle()
    files = TelemetryFiles(tmp_path / "results" / "telemetry")
    hosted._showing.recorder.publish()  # type: ignore[attr-defined]
    shown = files.read()
    assert shown is not None
    assert (int(shown.state["sequence"]), int(shown.state["durable"])) == hosted.journaled
    files.close()
    again, told, findings = opened(store, live=True)
    assert told.underlyings == {"TEST": 0}
    assert again.core.holdings == core.holdings
    assert findings[-1].startswith(f"{hosted.journaled[0]} messages hold, of which {len(journal.messages)} are in a")
    assert again.book.exposures[0]["equity"] == hosted.book.exposures[0]["equity"]
    kept = read_journal(segments_in_object_store(store.folder), unfinished=True)
    behind = kept.messages[preface_of(kept.messages) :]
    assert [message.kind for message in behind].count(Kind.QUOTE) == 1


def test_a_core_process_is_met_in_this_checkouts_place(
    store: OnDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alo_lib.runtime.link.default_folder", lambda: tmp_path / "memory")
    met: list[Path] = []

    def attach(remote: RemoteCore) -> None:
        met.extend((tmp_path / "memory").iterdir())
        raise TimeoutError("no core runs")

    monkeypatch.setattr(RemoteCore, "attach", attach)
    with pytest.raises(TimeoutError, match="no core runs"):
        open_core(SETTINGS.model_copy(update={"core_process": "desk"}), store, live=False, hear=lambda sentence: None)
    assert met == [channel_folder("desk")]
    elsewhere = tmp_path / "elsewhere"
    met.clear()
    monkeypatch.setattr(RemoteCore, "attach", lambda remote: (_ for _ in ()).throw(TimeoutError("no core runs")))
    settings = SETTINGS.model_copy(update={"core_process": "desk", "core_folder": str(elsewhere)})
    with pytest.raises(TimeoutError, match="no core runs"):
        open_core(settings, store, live=True, hear=lambda sentence: None)
    assert [path.name for path in elsewhere.iterdir()] == ["desk"]


def test_what_a_start_may_take_over_is_what_this_start_says_and_no_other_era(store: OnDisk) -> None:
    taking_over = SETTINGS.model_copy(update={"take_over": True})
    for settings in (SETTINGS, taking_over, SETTINGS):
        hosted = open_core(settings, store, live=True, hear=lambda sentence: None).hosted
        assert hosted.core.settings == settings
        if settings is SETTINGS and not hosted.core.instruments.stored():
            market_of(hosted.core).session()
        hosted.settle()
        hosted.end(at(FIRST, 10))
    journal = read_journal(segments_in_object_store(store.folder))
    assert len(eras_of(journal)) == 1


class Led(Alone):
    """Leads until a test says otherwise, and knows whether it was ended."""

    def __init__(self) -> None:
        self.lost = self.ended = False

    def look(self) -> None:
        if self.lost:
            raise FencedError("another host may")

    def end(self) -> None:
        self.ended = True


def test_nobody_is_kept_from_leading_by_a_host_that_could_not_begin_or_end(
    store: OnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    leadership = Led()
    monkeypatch.setattr(hosting, "leadership_of", lambda settings, hear: leadership)
    hosted = opened(store, live=True).hosted
    leadership.lost = True
    for refused in (hosted.settle, lambda: hosted.keep(at(FIRST, 9)), lambda: hosted.end(at(FIRST, 9))):
        assert not leadership.ended
        with pytest.raises(FencedError):
            refused()
    assert leadership.ended
    leadership.ended = False
    with pytest.raises(FencedError):
        opened(store, live=True)
    assert leadership.ended


def test_a_frame_is_opened_once_where_time_stands_still(store: OnDisk) -> None:
    hosted = opened(store, live=True).hosted
    market = market_of(hosted.core)
    market.session()
    market.bar(10, volatility=0.35)
    time = at(FIRST, 10) + 8 * FRAME
    counts = []
    for moment in (time, time, time + FRAME):
        market.tell(time, Kind.QUOTE, market.quotes)
        counts.append(0)
        for _ in hosted.frames(moment):
            hosted.core.run()
            counts[-1] += 1
    assert counts == [1, 0, 1]


# The book that is told ------------------------------------------------------------------------------------------------


class Unread:
    """A message that nobody may look into."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    @property
    def records(self) -> Records:
        raise AssertionError(f"{self.kind.name} was read")


def test_a_book_follows_the_kinds_that_are_read_for_it_and_no_other() -> None:
    for kind in Kind:
        if kind in hosting._TOLD:
            with pytest.raises(AssertionError, match=kind.name):
                ToldBook().follow(Unread(kind))  # type: ignore[arg-type]
        else:
            ToldBook().follow(Unread(kind))  # type: ignore[arg-type]


def test_a_book_goes_on_from_what_counts_of_the_journal_and_reads_nothing_else(
    store: OnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = opened(store, live=True).hosted
    market = market_of(hosted.core)
    market.session()
    market.bar(10, volatility=0.35)
    before = hosted.book.equity
    market.tell(at(FIRST, 10.5), Kind.INTEREST, records(Kind.INTEREST, amount=5000.0))
    market.bar(11, volatility=0.35)
    after = hosted.book.equity
    assert after != before
    hosted.settle()
    recorded = read_journal(segments_in_object_store(store.folder), unfinished=True).messages
    late = {place for place, each in enumerate(recorded) if each.kind is Kind.EXPOSURE and each.time > at(FIRST, 10.4)}
    assert late
    heard: list[Kind] = []
    follow = ToldBook.follow
    with monkeypatch.context() as patched:
        patched.setattr(ToldBook, "follow", lambda book, each: heard.append(each.kind) or follow(book, each))  # type: ignore[func-returns-value]
        assert opened(store, live=True).hosted.book.equity == after
    assert Kind.EXPOSURE in heard
    assert set(heard) <= set(hosting._TOLD)
    monkeypatch.setattr(Beginning, "left_out", property(lambda beginning: frozenset(late)))
    assert opened(store, live=True).hosted.book.equity == before


def test_a_host_that_catches_up_hears_what_counts_of_the_kinds_that_it_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    process.run(3)
    process.close()
    journal = read_journal(tmp_path / "journal")
    told = [(place, each) for place, each in enumerate(journal.messages) if each.kind in hosting._TOLD]
    (first, _), *others = told
    monkeypatch.setattr(remote, "_wait_until", lambda reached: None)
    monkeypatch.setattr(Journal, "left_out_since", lambda journal, since: frozenset({first}))
    heard: list[Message] = []
    remote.catch_up(heard.append, hosting._TOLD)
    assert heard
    assert [(each.kind, each.time) for each in heard] == [(each.kind, each.time) for _, each in others]
    remote.stop()


# How a run that cannot begin is shown --------------------------------------------------------------------------------


def test_a_core_that_cannot_go_on_is_shown_as_failed(
    store: OnDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(beginning: Beginning, *_: object) -> object:
        raise OSError("it decides otherwise")

    (tmp_path / "results").mkdir()
    monkeypatch.setattr(Beginning, "decided_again", fails)
    with pytest.raises(OSError, match="decides otherwise"):
        open_core(SETTINGS, store, live=True, hear=lambda sentence: None, shown_in=tmp_path / "results")
    place = published_in(tmp_path / "results")
    assert place is not None
    files = TelemetryFiles(place)
    told = files.read()
    files.close()
    assert told is not None
    assert list(RunPhase)[int(told.state["phase"])] is RunPhase.FAILED


# What a host asks of a process ---------------------------------------------------------------------------------------


class Asked:
    """A core process's host, whose link the test holds, and what it asks."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        process, self.remote = by_hand(folder, paced=False)
        process.close()
        (folder / "watched").mkdir()
        self.watched = Watched(folder / "watched")
        self.remote.link = self.watched.link
        self.hosted = hosting._ProcessOfItsOwnTime(self.remote, lambda sentence: None)
        self.waits: list[tuple[float, float]] = []
        monkeypatch.setattr(hosting, "ask_core", self.ask)

    def ask(self, folder: Path, asked: Records, *, patience: float, grace: float) -> Outcome:
        self.waits.append((patience, grace))
        return Outcome(True, "done", BookMode.HALTED)

    def paused(self) -> Answer:
        asked = command_of("pause", sender="test")
        assert not isinstance(asked, Answer)
        return self.hosted.steer(asked, 0)


def test_a_core_is_asked_while_it_may_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = Asked(tmp_path, monkeypatch)
    assert to.hosted.standing() is None
    assert to.paused() == Answer(False, "pause: the core was not asked; the link to it is waiting for a core")
    assert to.waits == []
    to.watched.beat()
    assert to.hosted.standing() == Standing(BookMode.HALTED, (), 0)
    assert to.paused().done
    assert to.waits == [(0.2, 0.0), (5.0, 1.0)]
    to.watched.now += 3 * FRAME  # a late one may take a command a frame later, for which its host waits less
    assert to.hosted.standing() is None
    assert to.paused().done
    assert to.waits[2:] == [(0.5, 0.5)]
    to.watched.beat(CorePhase.STOPPED)
    assert to.hosted.standing() is None
    assert to.paused() == Answer(False, "pause: the core was not asked; the link to it is gone")
    assert len(to.waits) == 3
    to.remote.stop()


def test_a_core_that_does_not_answer_how_it_stands_holds_its_host_up_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = Asked(tmp_path, monkeypatch)
    monkeypatch.setattr(hosting, "ask_core", ask_core)
    monkeypatch.setattr(hosting, "channel_folder", lambda name, folder: tmp_path / "rings")
    (tmp_path / "rings").mkdir(mode=0o700)
    CommandRings.ensure(tmp_path / "rings").close()
    to.watched.beat()
    began = time.monotonic()
    assert to.hosted.standing() is None
    assert 0.2 <= time.monotonic() - began < 4.0  # a command has five
    to.remote.stop()


@pytest.mark.parametrize(("frame", "live", "longer"), [(10, 1000, 100.0), (500, 1000, 100.0), (100, 500, 50.0)])
def test_live_budgets_follow_the_interval_between_frames_whatever_a_frame_is(
    frame: int, live: int, longer: float, store: OnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []

    class Watch(BudgetWatch):
        def __init__(self, scale: float = 1.0) -> None:
            made.append(scale)
            super().__init__(scale)

    monkeypatch.setattr(hosting, "BudgetWatch", Watch)
    settings = SETTINGS.model_copy(update={"frame_milliseconds": frame, "live_milliseconds": live})
    open_core(settings, store, live=True, hear=lambda sentence: None)
    assert made == [longer]
