"""A core as its host opens it: one of its own process, in a backtest and live."""

from pathlib import Path

import pytest

from alo_lib.core import TradingCore
from alo_lib.journal import message_digest, read_journal, segments_in_object_store
from alo_lib.records import SECOND, HostEvent, Kind
from alo_lib.runtime import MarketRecord, Opened, open_core
from alo_lib.runtime.background_calibrator import BackgroundCalibrator
from alo_lib.runtime.link import channel_folder
from alo_lib.runtime.remote import RemoteCore
from alo_lib.settings import Settings
from tests.core.script import FIRST, Script, at
from tests.journal.on_disk import OnDisk

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
