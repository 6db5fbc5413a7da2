"""A live run whose journal has become too long for its store goes on in another volume, and nothing else changes."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from alo_lib.core import pack, program
from alo_lib.journal import (
    Journal,
    JournalError,
    LiveObjectStoreJournal,
    eras_of,
    leave_out,
    orders_of,
    preface_of,
    read_journal,
    segments_in_object_store,
    volume_of,
)
from alo_lib.records import Kind, Records
from alo_lib.runtime import begin, replay
from alo_lib.runtime.following import inputs_waiting
from alo_lib.runtime.market_record import record_of_journal
from alo_lib.runtime.terms import Terms
from alo_lib.runtime.turning import Turning
from alo_lib.settings import Settings
from alo_lib.views.blotter import fills, positions
from alo_lib.views.journaled_run import JournaledRun
from alo_lib.views.report import report_html
from alo_lib.views.risk_ladder import risk_view
from alo_lib.views.trades import trade_records
from tests.brief import BRIEF
from tests.core.script import FIRST, Script, at
from tests.journal.late_store import KilledError, LateStore
from tests.journal.on_disk import OnDisk

SETTINGS = Settings.of({**BRIEF, "underlyings": "TEST", "hedge": "delta_band", "hedge_band": 0.02})
FULL = (1, 0)
"""Limits of a store that is always full."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.journal.stored_volume._FEWEST", 0)
    monkeypatch.setattr("alo_lib.journal.stored_segments._LOOKS", 1)


class Live:
    """A market whose core lives in an object store."""

    def __init__(self, store: OnDisk, settings: Settings = SETTINGS) -> None:
        self.store, self.said, self.warned = store, list[str](), list[str]()
        self.market = Script(settings=settings)
        self.start()
        if "TEST" not in self.market.core.instruments:
            self.market.underlying = self.market.core.instruments.add_equity("TEST")

    def start(self) -> None:
        """Begin a life; the last one was killed."""
        self.market.writer.abandon()
        self.place = LiveObjectStoreJournal(self.store, program())
        self.beginning = begin(self.market.settings, self.place, adopts=True)
        core, self.market.writer = self.beginning.decided_again(), self.beginning.writer
        self.market.core = core
        self.turning = Turning(core, self.place, lambda writer: writer, self.hear)

    def hear(self, sentence: str) -> None:
        (self.said if sentence.startswith("volume") else self.warned).append(sentence)

    def keep(self) -> None:
        self.place.keep(self.market.writer)
        self.market.writer = self.turning.look(self.market.writer)

    @property
    def journal(self) -> Journal:
        return read_journal(segments_in_object_store(self.store.folder), unfinished=True)


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def play(live: Live, sessions: range) -> None:
    """Some sessions with trades and hedges; the journal is kept after each bar."""
    for number in sessions:
        live.market.session(day(number))
        live.keep()
        for hour, spot, volatility in ((10, 100, 0.35), (12, 102, 0.33), (15, 97, 0.30)):
            live.market.bar(hour, spot=spot + number, volatility=volatility)
            live.keep()


def store_in(folder: Path, limits: tuple[int, int] = (0, 0)) -> OnDisk:
    folder.mkdir()
    return OnDisk(folder, limits)


def decided(journal: Journal) -> list[tuple[Kind, int, bytes]]:
    return [(each.kind, each.time, each.records.tobytes()) for each in journal.counted if not each.kind.is_remark]


@pytest.fixture
def whole(tmp_path: Path) -> Live:
    """Three sessions in one volume."""
    live = Live(store_in(tmp_path / "whole"))
    play(live, range(3))
    return live


@pytest.fixture
def turned(tmp_path: Path) -> Live:
    """The same in many."""
    live = Live(store_in(tmp_path / "turned", FULL))
    play(live, range(3))
    return live


def test_a_run_in_many_volumes_decides_what_one_in_a_single_volume_does(whole: Live, turned: Live) -> None:
    assert pack(turned.market.core.snapshot()) == pack(whole.market.core.snapshot())
    assert len(turned.said) > 5
    number = volume_of(turned.journal.messages).number
    assert number == len(turned.said) + 1
    assert turned.said[-1].startswith(f"volume {number} of the journal: the ")
    assert not whole.said
    turned.store.limits = (0, 0)
    for live in (whole, turned):
        play(live, range(3, 5))
    journal = turned.journal
    behind = decided(journal)[preface_of(journal.messages) - 1 :]  # but for VOLUME, a remark, nothing is passed over
    assert behind == decided(whole.journal)[-len(behind) :]
    assert sum(kind is Kind.QUOTE for kind, _, _ in behind) == 6
    assert replay(journal).divergence is None


def test_only_one_volume_is_kept_and_it_does_not_grow_with_what_was_quoted(turned: Live) -> None:
    keys = turned.store.all_keys()
    even = volume_of(turned.journal.messages).number % 2 == 0
    assert all(("-even" in key) is even for key in keys if key.startswith(("alo-journal.", "alo-journal-even")))
    journal = turned.journal
    assert not [each for each in journal.messages if each.kind in (Kind.FRAME, Kind.SIGNAL, Kind.FORECAST)]
    quoted = [number for each in journal.messages if each.kind is Kind.QUOTE for number in each.records["instrument"]]
    assert sorted(quoted) == sorted(turned.market.core.holdings)


def test_the_accounts_books_are_told_again_whole(whole: Live, turned: Live) -> None:
    one, other = (JournaledRun.of(live.journal, "run") for live in (whole, turned))
    assert volume_of(other.written.messages).number > 5
    assert fills(other) == fills(one)
    assert len(fills(one)) > 6
    assert orders_of(other.written.messages) == orders_of(one.written.messages)
    assert [each.number for each in trade_records(other)] == [each.number for each in trade_records(one)]
    assert [each.profit for each in trade_records(other)] == [each.profit for each in trade_records(one)]
    assert [each.profit for each in positions(other)] == [each.profit for each in positions(one)]
    assert any(each.quantity for each in positions(other))  # at a mark, which no quote of this volume tells
    assert other.about["summary"]["net_profit"] == one.about["summary"]["net_profit"]
    mine, theirs = risk_view(other.written), risk_view(one.written)
    assert mine.stress == theirs.stress
    assert mine.equity == theirs.equity
    said = f"its journal, volume {volume_of(other.written.messages).number}: of before 2024-03-06 15:"
    assert said in report_html(other, alone=True)
    assert "its journal ·" in report_html(one, alone=True)
    np.testing.assert_array_equal(mine.ladders["TEST"], theirs.ladders["TEST"])


def test_who_goes_on_behind_a_preface_knows_what_the_host_was_told(whole: Live, turned: Live) -> None:
    one, other = (record_of_journal(live.journal) for live in (whole, turned))
    assert other.last_order_before == max(one.terms)
    assert not other.terms
    for name in ("underlyings", "contracts", "today", "last_close", "session", "rate", "policy", "broker_orders"):
        assert getattr(other, name) == getattr(one, name), name
    assert one.contracts
    assert other.session == day(2)
    terms = Terms(lambda: 9, other.terms, other.last_order_before)
    last = other.last_order_before
    assert [terms.is_fenced(8, number) for number in (0, 1, last, last + 1)] == [True, False, False, True]


def test_the_next_process_goes_on_from_the_adoption_with_and_without_a_snapshot(whole: Live, turned: Live) -> None:
    turned.store.limits = (0, 0)
    expected = pack(whole.market.core.snapshot())
    turned.start()
    assert turned.beginning.start == 0
    assert pack(turned.market.core.snapshot()) == expected
    assert not [*inputs_waiting(turned.journal.messages, preface_of(turned.journal.messages))]
    writer = turned.market.writer
    assert turned.place.snapshots is not None
    turned.place.snapshots.save(writer.sequence, writer.checksum, expected)
    for live in (whole, turned):
        play(live, range(3, 4))
    turned.start()
    assert turned.beginning.start > 0
    assert pack(turned.market.core.snapshot()) == pack(whole.market.core.snapshot())


def test_another_era_of_a_volume_begins_as_any_other(turned: Live) -> None:
    turned.store.limits = (0, 0)
    turned.market.settings = Settings.of({**SETTINGS.model_dump(mode="json"), "hedge_band": 0.05})
    turned.start()
    play(turned, range(3, 4))
    eras = eras_of(turned.journal)
    assert [(each.number, each.adopts) for each in eras] == [(1, True), (2, True)]
    assert "hedge-band was 0.02 and is 0.05" in turned.beginning.findings[-1]
    again = replay(turned.journal)
    assert (again.divergence, again.unlike) == (None, ())
    turned.store.limits = FULL
    turned.keep()
    assert len(eras_of(turned.journal)) == 1
    assert b'"hedge_band":0.05' in eras_of(turned.journal)[0].settings
    turned.start()
    assert replay(turned.journal).divergence is None


def test_what_a_volume_tells_again_cannot_be_left_out(turned: Live) -> None:
    with pytest.raises(JournalError, match="message 3 tells again what a volume before had"):
        leave_out(turned.journal.messages, 3)


@pytest.mark.parametrize("waits", ["order", "input"])
def test_no_volume_begins_while_something_waits(tmp_path: Path, waits: str) -> None:
    live = Live(store_in(tmp_path / "store", FULL))
    play(live, range(1))
    count, market = len(live.said), live.market
    if waits == "order":
        market.answer = lambda intent, time: None  # type: ignore[method-assign]
        market.bar(15.5, spot=80, volatility=0.30)
        assert market.core.orders_working
    else:
        market.tell(at(FIRST, 15.5), Kind.QUOTE, market.quotes)
    for _ in range(2):
        live.keep()
    assert len(live.said) == count
    assert live.warned[-1].startswith("the journal takes three quarters of the object store, and no other volume can")
    warned = len(live.warned)
    live.keep()
    assert len(live.warned) == warned  # once


def test_a_store_without_room_for_another_volume_is_told_of_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(store_in(tmp_path / "store", FULL))

    def save(store: OnDisk, key: str, value: bytes) -> None:
        if "-even" in key:
            raise OSError(f"the store has no room for {key}")
        store.path(key).write_bytes(value)

    monkeypatch.setattr(OnDisk, "save", save)
    live.market.session(day(0))
    live.keep()
    live.market.session(day(1))
    live.keep()
    assert live.said == [
        "volume 2 of the journal cannot be begun yet (the store has no room for alo-journal-even.00000000): the one "
        "before is gone on with, and the run ends when it fills the store; remove what others keep there"
    ]
    assert volume_of(live.journal.messages).number == 1
    assert len(live.journal.messages) == live.market.writer.sequence


def lived(store: OnDisk) -> Live | None:
    """A life in a store that is always full; None where it was killed."""
    try:
        live = Live(store)
        play(live, range(1))
    except KilledError:
        return None
    return live


@pytest.mark.parametrize("each", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_at_any_write_of_a_turn_leaves_one_whole_volume(tmp_path: Path, each: int) -> None:
    alone = Live(store_in(tmp_path / "alone"))
    states = {0: pack(alone.market.core.snapshot())}
    core = alone.market.core
    run = core.run

    def ran() -> Records:
        intents = run()
        states[core.last_frame] = pack(core.snapshot())
        return intents

    core.run = ran  # type: ignore[method-assign]
    play(alone, range(1))
    assert len(states) > 5
    volumes, at_write, live = set[int](), 3, None
    while live is None:
        (folder := tmp_path / str(at_write)).mkdir()
        live = lived(LateStore(folder, killed_at=at_write, limits=FULL))
        after = Live(OnDisk(folder))
        core = after.market.core
        assert pack(core.snapshot()) == states[max(0, core.last_frame)]
        assert replay(after.place.so_far()).divergence is None
        keys = {key.partition(".")[0] for key in after.store.all_keys()}
        assert len(keys & {"alo-journal", "alo-journal-even"}) == 1
        volumes.add(volume_of(after.place.so_far().messages).number)
        at_write += each
    assert volumes >= {2, 3, 4}
