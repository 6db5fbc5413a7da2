import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alo_lib.records import Kind, Message, records
from alo_lib.transport import HEADER, Ring, RingFullError, decode, encode


def quotes(count: int, time: int = 7) -> Message:
    array = records(Kind.QUOTE, count, bid=np.arange(count) + 0.25, ask=np.arange(count) + 0.5)
    array["instrument"] = np.arange(count)
    return Message(Kind.QUOTE, time, array)


def same(one: Message | None, two: Message) -> bool:
    return one is not None and one[:2] == two[:2] and one.records.tobytes() == two.records.tobytes()


def test_a_message_survives_its_bytes() -> None:
    message = quotes(3, time=-5)
    assert same(decode(encode(message)), message)
    assert len(encode(message)) == HEADER.size + 3 * message.records.itemsize


def test_messages_leave_in_the_order_in_which_they_came() -> None:
    ring = Ring()
    for time in range(5):
        ring.push(quotes(time, time))
    assert [ring.pop().time for _ in range(5)] == [0, 1, 2, 3, 4]  # type: ignore[union-attr]
    assert ring.pop() is None
    assert ring.waiting == 0


def test_a_full_ring_refuses_and_keeps_what_it_has() -> None:
    size = len(encode(quotes(2)))
    ring = Ring(2 * size)
    ring.push(quotes(2, 1))
    ring.push(quotes(2, 2))
    with pytest.raises(RingFullError, match=f"{size} bytes does not fit into the ring's 0 free bytes"):
        ring.push(quotes(2, 3))
    assert same(ring.pop(), quotes(2, 1))
    ring.push(quotes(2, 4))
    assert [ring.pop().time, ring.pop().time] == [2, 4]  # type: ignore[union-attr]


@given(st.lists(st.integers(0, 4), max_size=60))
def test_wrapping_around_changes_no_byte(counts: list[int]) -> None:
    ring = Ring(len(encode(quotes(4))) + 3)  # an odd size, so that headers and records wrap at every place
    for time, count in enumerate(counts):
        ring.push(quotes(count, time))
        assert same(ring.pop(), quotes(count, time))


def test_a_ring_needs_room_for_a_header() -> None:
    with pytest.raises(ValueError, match="capacity 16 is too small"):
        Ring(16)
