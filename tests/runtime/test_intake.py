"""What a frame takes from the ring: bounded, conflated, and each once wherever a core is killed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alo_lib.records import DAY, MINUTE, HostEvent, Kind, Message, records
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.intake import FRAME_TAKES, LARGEST, LOOKED_THROUGH, Intake, conflate
from alo_lib.runtime.link import TAKEN, host_ends
from alo_lib.transport import MessageRing, SeqLock
from tests.runtime.intakes import Journaled, event, quote, told, trade
from tests.runtime.processes import FRAME, TEN

PACED = {"paced": True}


# How much ----------------------------------------------------------------------------------------------------------


def test_what_fits_a_frame_is_taken_as_it_came(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    sent = [quote(n % 3, float(n)) if n % 2 else trade(n % 3, n, 1) for n in range(FRAME_TAKES.messages)]
    for message in sent:
        market.host.push(message)
    assert list(map(told, market.frame())) == list(map(told, sent))
    assert market.ring.waiting == 0
    assert market.intake.dropped == 0


def test_what_more_waits_is_conflated_between_others_and_told(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    for n in range(100):
        market.host.push(quote(n % 3, float(n), TEN + n))
        market.host.push(trade(0, 50.0 + n, 7, TEN + n))
    market.host.push(event(1))
    market.host.push(trade(0, 1.0, 1))
    market.host.push(trade(0, 2.0, 2))
    flood, trades, quotes, order, last = market.frame()
    assert told(order) == told(event(1))
    assert (last.records["close"][0], last.records["volume"][0]) == (2.0, 3)
    assert (trades.records["close"].tolist(), trades.records["volume"].tolist()) == ([149.0], [700])
    assert quotes.records["instrument"].tolist() == [1, 2, 0]  # in the order in which they were told last
    assert quotes.records["bid"].tolist() == [97.0, 98.0, 99.0]
    assert {trades.time, quotes.time} == {TEN + 99}
    assert flood.records["event"][0] == HostEvent.FLOOD
    assert flood.records["quantity"][0] == market.intake.dropped == 97 + 99 + 1
    assert flood.records["text"][0] == b"197 of 202 waiting records of quotes and trades were superseded by later ones"


def test_what_is_never_dropped_waits_for_the_next_frames(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    count = 3 * FRAME_TAKES.messages + 5
    for n in range(count):
        market.host.push(event(n))
    frames = market.all_frames()
    assert [len(each) for each in frames] == [*[FRAME_TAKES.messages] * 3, 5]
    assert [message.records["order"][0] for each in frames for message in each] == list(range(count))
    assert market.intake.dropped == 0


def test_records_are_bounded_and_one_message_is_taken_all_the_same(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    for count in (FRAME_TAKES.records - 1, 1, 1, 2 * FRAME_TAKES.records, 1):
        market.host.push(Message(Kind.CLOSE, TEN, records(Kind.CLOSE, count, close=1.0)))
    sizes = [[len(message.records) for message in each] for each in market.all_frames()]
    assert sizes == [[FRAME_TAKES.records - 1, 1], [1], [2 * FRAME_TAKES.records], [1]]


def test_a_frame_looks_through_so_many_messages_and_no_more(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    for n in range(2 * LOOKED_THROUGH.messages):
        market.host.push(trade(0, float(n), 1))
    for frame in (1, 2):
        _, conflated = market.frame()
        assert conflated.records["volume"][0] == LOOKED_THROUGH.messages
        assert market.ring.waiting == (2 - frame) * LOOKED_THROUGH.messages
    assert market.intake.dropped == 2 * (LOOKED_THROUGH.messages - 1)


def test_where_the_host_tells_the_time_nothing_is_conflated(tmp_path: Path) -> None:
    market = Journaled(tmp_path, **PACED)
    sent = [trade(0, float(n), 1) for n in range(LOOKED_THROUGH.messages + 9)]
    for message in sent:
        market.host.push(message)
    assert [len(each) for each in market.all_frames()] == [LOOKED_THROUGH.messages, 9]
    assert list(map(told, market.journal)) == list(map(told, sent))


def test_nothing_is_taken_beyond_the_hosts_end(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    for message in (event(1), host_ends(TEN), event(2)):
        market.host.push(message)
    assert [message.kind for message in market.frame()] == [Kind.ORDER_EVENT, Kind.EVENT]
    assert market.intake.ended
    assert market.ring.waiting == 1


def test_a_feed_out_of_its_mind_adds_up_to_the_most_there_is() -> None:
    (made,), dropped = conflate([trade(0, 1.0, 2**62), trade(0, 2.0, 2**62), trade(0, 3.0, 2**62)])
    assert (made.records["close"][0], made.records["volume"][0], dropped) == (3.0, 2**63 - 1, 2)


MESSAGES = st.lists(
    st.one_of(
        st.tuples(st.just("quote"), st.lists(st.integers(0, 4), min_size=1, max_size=6)),
        st.tuples(st.just("trade"), st.lists(st.integers(0, 2), min_size=1, max_size=3)),
        st.tuples(st.just("event"), st.just([])),
        st.tuples(st.just("poison"), st.just([])),
    ),
    min_size=65,
    max_size=200,
)


def make(plan: list[tuple[str, list[int]]]) -> list[Message]:
    """Each record of its own value, so that it is known again."""
    made, value = [], 0
    for what, instruments in plan:
        value += 10
        if what == "quote":
            rows = records(Kind.QUOTE, len(instruments), instrument=instruments)
            rows["bid"] = value + np.arange(len(instruments))
            made.append(Message(Kind.QUOTE, TEN + value, rows))
        elif what == "trade":
            rows = records(Kind.TRADE, len(instruments), instrument=instruments, volume=1)
            rows["close"] = value + np.arange(len(instruments))
            made.append(Message(Kind.TRADE, TEN + value, rows))
        elif what == "event":
            made.append(event(value, TEN + value))
        else:
            made.append(Message(Kind.INTENT, TEN, records(Kind.INTENT)))
    return made


def known_after(messages: list[Message]) -> list[object]:
    """What a core knows when it comes to each order event, and at the end, told one record after the other."""
    bids: dict[int, float] = {}
    last: dict[int, float] = {}
    volume: dict[int, int] = {}
    states: list[object] = []
    for message in messages:
        for row in message.records:
            if message.kind is Kind.QUOTE:
                bids[int(row["instrument"])] = float(row["bid"])
            elif message.kind is Kind.TRADE:
                last[int(row["instrument"])] = float(row["close"])
                volume[int(row["instrument"])] = volume.get(int(row["instrument"]), 0) + int(row["volume"])
            elif message.kind is Kind.ORDER_EVENT:
                states.append((int(row["order"]), dict(bids), dict(last), dict(volume)))
    return [*states, bids, last, volume]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(plan=MESSAGES)
def test_whatever_is_conflated_the_core_knows_the_same_at_each_order_event(plan: list[tuple[str, list[int]]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        market = Journaled(Path(folder))
        sent = make(plan)
        for message in sent:
            market.host.push(message)
        frames = market.all_frames()
        assert known_after(market.journal) == known_after(sent)
        assert all(len(each) <= FRAME_TAKES.messages + 2 for each in frames)
        lost = sum(len(m.records) for m in sent if m.kind in (Kind.QUOTE, Kind.TRADE))
        lost -= sum(len(m.records) for m in market.journal if m.kind in (Kind.QUOTE, Kind.TRADE))
        assert market.intake.dropped == lost
        assert market.intake.refused == sum(what == "poison" for what, _ in plan)


# Kills -------------------------------------------------------------------------------------------------------------


def flood(market: Journaled) -> None:
    for n in range(70):
        market.host.push(quote(n % 5, float(n)))
        if n % 20 == 0:
            market.host.push(event(n))
        if n % 30 == 0:
            market.host.push(Message(Kind.INTENT, TEN, records(Kind.INTENT)))
        market.host.push(trade(0, float(n), 1))


def test_wherever_a_core_is_killed_nothing_is_lost_and_nothing_taken_twice(tmp_path: Path) -> None:
    whole = Journaled(tmp_path / "whole")
    flood(whole)
    whole.all_frames()
    expected = list(map(told, whole.journal))
    assert len(expected) > 10
    for kill_at in range(1, whole.steps + 1):
        market = Journaled(tmp_path / f"{kill_at}")
        flood(market)
        market.kill_at = kill_at
        with pytest.raises(KeyboardInterrupt):
            market.all_frames()
        before = list(map(told, market.journal))
        market.kill_at = market.steps + 2  # the next one dies as well, as soon as it has journaled one message more
        try:
            market.again()
            market.all_frames()
        except KeyboardInterrupt:
            assert len(market.journal) == len(before) + 1
            market.again()
        market.all_frames()
        assert list(map(told, market.journal)) == expected, f"killed at step {kill_at}"
        assert market.ring.waiting == 0


def test_a_note_of_another_journal_says_nothing(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    for n in range(3):
        market.host.push(event(n))
    market.kill_at = 4
    with pytest.raises(KeyboardInterrupt):
        market.frame()
    market.kill_at = -1
    market.journal = [event(7), event(8), event(9)]  # longer than the note, and none of what it speaks of
    assert market.again() == 0
    market.all_frames()
    assert [message.records["order"][0] for message in market.journal] == [7, 8, 9, 0, 1, 2]


def test_what_was_journaled_meanwhile_is_not_taken_for_the_message(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    market.host.push(event(1))
    market.kill_at = 1  # noted, not journaled
    with pytest.raises(KeyboardInterrupt):
        market.frame()
    market.kill_at = -1
    assert market.again() == 0
    market.journal.append(host_ends(TEN))  # a remark of the core's own, and then it is killed again
    assert market.again() == 0
    assert [message.kind for message in market.frame()] == [Kind.ORDER_EVENT]


# What is refused ---------------------------------------------------------------------------------------------------

POISON = [
    (Message(Kind.INTENT, TEN, records(Kind.INTENT)), "INTENT is not for a host to send"),
    (Message(Kind.OVERRUN, TEN, records(Kind.OVERRUN)), "OVERRUN is not for a host to send"),
    (Message(Kind.FRAME, TEN, records(Kind.FRAME)), "FRAME is not for a host to send"),
    (Message(Kind.CALIBRATION, TEN, records(Kind.CALIBRATION)), "CALIBRATION is not for a host to send"),
    (Message(Kind.SESSION, TEN, records(Kind.SESSION, 0)), "SESSION has 0 records; from 1 to 65,536 are taken"),
    (Message(Kind.EVENT, TEN, records(Kind.EVENT, 0)), "EVENT has 0 records; from 1 to 65,536 are taken"),
    (
        Message(Kind.EVENT, TEN, records(Kind.EVENT, event=HostEvent.UNDELIVERED)),
        "EVENT is one that the core tells",
    ),
    (
        Message(Kind.EXTERNAL_STAGE, TEN, records(Kind.EXTERNAL_STAGE, within=3)),
        "EXTERNAL_STAGE says that it counts within a frame",
    ),
    (trade(0, 1.0, 1, 2**62), "TRADE is of 2116-02-20T23:53:38.427Z"),
    (trade(0, 1.0, 1, -1), "TRADE is of 1969-12-31T23:59:59.999Z"),
]


@pytest.mark.parametrize(("poison", "why"), POISON)
def test_what_no_host_may_send_is_left_out_and_told(tmp_path: Path, poison: Message, why: str) -> None:
    market = Journaled(tmp_path)
    for message in (event(1), poison, event(2)):
        market.host.push(message)
    remark, *others = market.frame()
    assert list(map(told, others)) == [told(event(1)), told(event(2))]
    producer = market.ring.producer
    assert (remark.kind, remark.records["event"][0]) == (Kind.EVENT, HostEvent.REFUSED)
    assert remark.records["text"][0].decode() == f"refused from host (pid {producer.pid}): {why}"
    assert market.intake.refused == remark.records["quantity"][0] == 1
    assert market.ring.waiting == 0


@pytest.mark.parametrize(
    "odd",
    [
        event(1, TEN - 2 * DAY),
        event(1, -1),
        event(1, 2**62),
        Message(Kind.ORDER_EVENT, TEN, records(Kind.ORDER_EVENT, 0)),
    ],
)
def test_of_orders_nothing_is_left_out_before_the_core_is_asked(tmp_path: Path, odd: Message) -> None:
    market = Journaled(tmp_path)
    market.host.push(event(2))  # which shows that the clock is right
    market.host.push(odd)
    assert list(map(told, market.frame())) == [told(event(2)), told(odd)]
    assert market.intake.refused == 0


@pytest.mark.parametrize("kind", [Kind.INSTRUMENT, Kind.SPLIT, Kind.HALT, Kind.EXTERNAL_STAGE])
@pytest.mark.parametrize("time", [TEN - 2 * DAY, 0])
def test_what_the_host_believes_as_it_tells_it_is_taken_whatever_its_time(
    tmp_path: Path, kind: Kind, time: int
) -> None:
    market, odd = Journaled(tmp_path), Message(kind, time, records(kind))
    market.host.push(event(1))  # which shows that the clock is right
    market.host.push(odd)
    assert list(map(told, market.frame())) == [told(event(1)), told(odd)]


def test_a_message_larger_than_any_is_left_out(tmp_path: Path) -> None:
    ring = MessageRing.ensure(tmp_path / "a.ring", capacity=1 << 16)
    notes = SeqLock.ensure(tmp_path / "taken.state", TAKEN).write_as("core")
    intake = Intake(
        ring.consume("core"), notes, paced=False, length=FRAME, wall=WallClock(lambda: TEN), beat=lambda: None
    )
    host = ring.produce("host")
    host.push(Message(Kind.QUOTE, TEN, records(Kind.QUOTE, LARGEST + 1)))
    (remark,) = intake.parcel(TEN).messages
    assert b"QUOTE has 65,537 records; from 1 to 65,536 are taken" in remark.records["text"][0]


def test_a_flood_of_poison_is_one_remark_a_frame_and_the_market_is_told(tmp_path: Path) -> None:
    market = Journaled(tmp_path)
    for n in range(LOOKED_THROUGH.messages // 2):
        market.host.push(Message(Kind.INTENT, TEN, records(Kind.INTENT)))
        market.host.push(trade(0, float(n), 1))
    dropped, refused, trades = market.frame()
    assert dropped.records["quantity"][0] == LOOKED_THROUGH.messages // 2 - 1
    assert refused.records["quantity"][0] == LOOKED_THROUGH.messages // 2
    assert refused.records["text"][0].endswith(b"INTENT is not for a host to send; and 255 more")
    assert trades.records["volume"][0] == LOOKED_THROUGH.messages // 2


@pytest.mark.parametrize(
    ("time", "why"),
    [
        (-1, "frame time -1 is no time of a run"),
        (2**62, f"frame time {2**62} is no time of a run"),
        (TEN - FRAME, f"frame time {TEN - FRAME} is before the last frame's {TEN}"),
        (TEN + FRAME + 1, f"frame time {TEN + FRAME + 1} is not on the grid of frames of {FRAME} ns"),
    ],
)
def test_a_frame_that_cannot_be_is_refused(tmp_path: Path, time: int, why: str) -> None:
    market = Journaled(tmp_path, **PACED)
    market.host.push(Message(Kind.FRAME, time, records(Kind.FRAME)))
    market.host.push(event(1))
    market.host.push(Message(Kind.FRAME, TEN + 2 * FRAME, records(Kind.FRAME)))
    parcel = market.intake.parcel(TEN)
    remark, order = parcel.messages
    assert remark.records["text"][0].decode().endswith(why)
    assert order.kind is Kind.ORDER_EVENT
    assert parcel.frames == ((time,) if abs(time - TEN) < DAY else ())
    assert market.intake.next_frame(TEN) is None
    market.frame()
    found = market.intake.next_frame(TEN)
    assert found is not None
    assert found.time == TEN + 2 * FRAME


@pytest.mark.parametrize("length", [10_000_000, 13_000_000, 1_000_000_000])
def test_frames_that_follow_a_bar_are_on_the_grid_whatever_their_length(tmp_path: Path, length: int) -> None:
    market = Journaled(tmp_path, paced=True, length=length)
    for number in range(1, 51):
        market.host.push(Message(Kind.FRAME, TEN + MINUTE + number * length, records(Kind.FRAME)))
        assert market.intake.next_frame(TEN) is not None
        market.intake.give_frame_back()
