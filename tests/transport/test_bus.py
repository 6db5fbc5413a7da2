import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alo_lib.records import Kind, Message, records
from alo_lib.transport import Bus, FanIn, MessageRing, NotOwnerError, RingFullError, SegmentError, Topic
from alo_lib.transport.inspection import Look, flows, segments_in


def message(time: int, mark: int = 0, count: int = 1) -> Message:
    return Message(Kind.TRADE, time, records(Kind.TRADE, count, volume=mark))


def marks(messages) -> list[tuple[int, int]]:
    return [(found.time, int(found.records["volume"][0])) for found in messages]


@settings(deadline=None, max_examples=60)
@given(
    times=st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=1, max_size=4),
    race=st.randoms(use_true_random=False),
    until=st.one_of(st.none(), st.integers(0, 6)),
)
def test_the_order_does_not_depend_on_who_came_first(tmp_path_factory, times, race, until):
    folder = tmp_path_factory.mktemp("rings")
    rings = [MessageRing.create(folder / str(place), capacity=64) for place in range(len(times))]
    producers = [ring.produce("one") for ring in rings]
    fan_in = FanIn([ring.consume("other") for ring in rings])
    turns = [place for place, own in enumerate(times) for _ in own]
    race.shuffle(turns)
    sent = [0] * len(times)
    for place in turns:
        producers[place].push(message(times[place][sent[place]], 10 * place + sent[place]))
        sent[place] += 1
    found = marks(fan_in.drain(until))

    # By hand: whichever head is earliest, the first ring of several.
    queues = [[(time, 10 * place + k) for k, time in enumerate(own)] for place, own in enumerate(times)]
    expected = []
    while heads := [(queue[0][0], place) for place, queue in enumerate(queues) if queue]:
        heads = [head for head in heads if until is None or head[0] <= until]
        if not heads:
            break
        expected.append(queues[min(heads)[1]].pop(0))
    assert found == expected
    assert marks(fan_in.drain()) == marks_of(queues)
    for ring in rings:
        ring.close()


def marks_of(queues: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    found = []
    while heads := [(queue[0][0], place) for place, queue in enumerate(queues) if queue]:
        found.append(queues[min(heads)[1]].pop(0))
    return found


def test_a_cut_is_taken_once_and_a_message_leaves_when_the_next_is_asked_for(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=64)
    producer, fan_in = ring.produce("one"), FanIn([ring.consume("other")])
    producer.push(message(1))
    producer.push(message(2))
    drained = fan_in.drain()
    assert next(drained).time == 1
    assert fan_in.waiting == 2  # a crash now would find it again
    producer.push(message(0))  # after the cut
    assert [found.time for found in drained] == [2]
    assert fan_in.waiting == 1
    assert [found.time for found in fan_in.drain()] == [0]


TOPICS = (
    Topic("input", ("lean", "timer"), ("core",), 64),
    Topic("orders", ("core",), ("lean", "view"), 64),
)


def test_topics_reach_their_subscribers_in_one_order(folder):
    bus = Bus.create(folder / "bus", TOPICS)
    with bus.join("lean") as lean, bus.join("timer") as timer, Bus.open(folder / "bus").join("core") as core:
        timer.publish("input", message(2, 1))
        lean.publish("input", message(2, 2))
        lean.publish("input", message(3, 3))
        timer.publish("input", message(1, 4))
        assert marks(core.drain("input")) == [(2, 2), (2, 1), (1, 4), (3, 3)]
        core.publish("orders", message(4, 5))
        assert marks(lean.drain("orders")) == [(4, 5)]
        with bus.join("view") as view:
            assert marks(view.drain("orders")) == [(4, 5)]
        with pytest.raises(NotOwnerError, match="belongs to core"):
            bus.join("core")
    assert bus.join("core").name == "core"


def test_a_message_goes_to_all_or_to_none(folder):
    bus = Bus.create(folder / "bus", [Topic("orders", ("core",), ("lean", "view"), 2)])
    core, lean, view = bus.join("core"), bus.join("lean"), bus.join("view")
    core.publish("orders", message(1))
    core.publish("orders", message(2))
    assert marks(lean.drain("orders")) == [(1, 0), (2, 0)]
    with pytest.raises(RingFullError, match="of 1 slots on 'orders' does not fit: view is 2 slots behind, of 2"):
        core.publish("orders", message(3))
    assert marks(lean.drain("orders")) == []
    assert marks(view.drain("orders")) == [(1, 0), (2, 0)]
    core.publish("orders", message(3))
    assert marks(lean.drain("orders")) == marks(view.drain("orders")) == [(3, 0)]


def test_a_bus_is_declared_once(folder):
    Bus.create(folder, TOPICS)
    assert Bus.create(folder, TOPICS).topics == Bus.open(folder).topics
    with pytest.raises(SegmentError, match="declares another bus"):
        Bus.create(folder, TOPICS[:1])
    with pytest.raises(SegmentError, match="nowhere cannot be opened: No such file"):
        Bus.open(folder / "nowhere")
    (folder / "nowhere").mkdir()
    with pytest.raises(SegmentError, match="holds no bus"):
        Bus.open(folder / "nowhere")
    member = Bus.open(folder).join("timer")
    with pytest.raises(SegmentError, match="timer does not publish 'orders'; it publishes input"):
        member.publish("orders", message(1))
    with pytest.raises(SegmentError, match="timer does not subscribe to 'input'; it subscribes to nothing"):
        member.drain("input")
    with pytest.raises(SegmentError, match=r"'who' is not on the bus in .*; core, lean, timer, view are"):
        Bus.open(folder).join("who")


@pytest.mark.parametrize(
    ("topic", "sentence"),
    [
        (("In", ("a",), ("b",)), "name 'In' must consist of a-z"),
        (("in", ("a", "../b"), ("b",)), "name '../b' must consist of"),
        (("in", (), ("b",)), "topic 'in' must have publishers, each once"),
        (("in", ("a",), ("b", "b")), "topic 'in' must have subscribers, each once"),
    ],
    ids=["case", "path", "nobody", "twice"],
)
def test_bad_topics_are_refused(topic, sentence):
    with pytest.raises(SegmentError, match=sentence):
        Topic(*topic)


def test_topics_have_different_names(folder):
    with pytest.raises(SegmentError, match="must have different names"):
        Bus(folder, [TOPICS[0], TOPICS[0]])


def test_the_flow_is_drawn_from_the_wiring_and_the_sides_taken(folder):
    Bus.create(folder / "bus", TOPICS).join("core")
    MessageRing.create(folder / "other.ring", capacity=8).produce("somebody")
    reports = [Look(path).report() for path in segments_in(folder)]
    assert [(flow.sender, flow.segment, flow.receiver) for flow in flows(reports)] == [
        ("lean", "input.lean.core.ring", "core"),
        ("timer", "input.timer.core.ring", "core"),
        ("core", "orders.core.lean.ring", "lean"),
        ("core", "orders.core.view.ring", "view"),
        ("somebody", "other.ring", "-"),
    ]


def test_depth_and_lag_tell_how_far_behind_the_reader_is(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=64)
    producer, consumer = ring.produce("one"), ring.consume("other")
    look = Look(ring.segment.path)
    assert (look.report().depth, look.report().lag) == (0, 0)
    for time, count in ((1000, 1), (4000, 20), (9000, 30)):
        producer.push(message(time, 0, count))
    report = look.report()
    assert report.depth == ring.waiting == 1 + 9 + 14
    assert report.lag == 8000
    consumer.pop()
    assert look.report().lag == 5000
    assert report.writer.name == "one"
    assert report.reader is not None
    assert report.reader.name == "other"
