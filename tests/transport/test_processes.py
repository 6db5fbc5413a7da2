"""What holds between processes, on real ones. No test here depends on how fast they are."""

import os
import signal
import time

import numpy as np
import pytest

from alo_lib.transport import MessageRing, NotOwnerError, Owner, RecordRing, SeqLock
from alo_lib.transport.atomics import SUPPORTED, shared_kernel, store_release
from alo_lib.transport.kernels import ring_pop, seqlock_read
from alo_lib.transport.layout import DATA
from tests.transport.peers import PAIR, peer, quotes_of

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="kernels on shared memory are compiled for x86-64 only")

NUMBER = np.dtype([("number", "<i8")])


def test_the_compiler_hoists_a_plain_load_and_not_ours(folder):
    ring = RecordRing.create(folder / "words.ring", NUMBER, capacity=8)
    with peer("spin", ring.segment.path, DATA) as process:
        assert process.stdout is not None
        # The plain loop of 2^62 turns is over already: its one load came first, and then there was nothing to do.
        assert process.stdout.readline() == "-1\n"
        store_release(ring.segment.words, DATA, 1)
        assert int(process.stdout.readline()) >= 0
        assert process.wait() == 0


@shared_kernel
def take_numbers(words, epoch, expected, wrong):
    """Take what waits. Returns the number after the last; ``wrong`` counts those that were not the next."""
    out = np.empty(64, np.int64)
    found = ring_pop(words, epoch, out, 64)
    while found:
        for k in range(found):
            wrong[0] += out[k] != expected
            expected += 1
        found = ring_pop(words, epoch, out, 64)
    return expected


def test_every_record_arrives_once_and_in_order(folder):
    count, expected, wrong = 50_000, 0, np.zeros(1, np.int64)
    ring = RecordRing.create(folder / "numbers.ring", NUMBER, capacity=4096)
    consumer = ring.consume("test")
    with peer("numbers", ring.segment.path, count) as process:
        while expected < count:
            expected = take_numbers(consumer.words, consumer.epoch, expected, wrong)
            time.sleep(0)
        assert process.wait() == 0
    assert (expected, wrong[0], ring.waiting, ring.producer.pid) == (count, 0, 0, 0)


@shared_kernel
def count_torn(words, count, least, out):
    """Torn reads of ``count`` and more, until ``least`` versions were seen; a record's words follow from its first."""
    torn = versions = last = reads = 0
    while reads < count or versions < least:
        reads += 1
        version = seqlock_read(words, out, 1 << 30)
        number = out[1]
        whole = version > 0 and out[2] == number * number
        for w in range(3, 15):
            whole = whole and out[w] == number
        torn += not whole
        versions += version != last
        last = version
    return torn


def test_no_read_is_torn(folder):
    state = SeqLock.create(folder / "pairs.state", PAIR)
    with peer("pairs", state.segment.path):
        assert count_torn(state.segment.words, 500_000, 1000, np.empty(15, np.int64)) == 0


def test_a_writer_that_is_killed_takes_nothing_from_its_readers(folder):
    state = SeqLock.create(folder / "pairs.state", PAIR)
    for epoch in (1, 2):
        with peer("pairs", state.segment.path) as process:
            assert state.owner == Owner("pairs", process.pid, epoch, True)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert state.owner.alive is False
        snapshot = state.read(retries=0)
        assert snapshot.epoch == epoch
        number = int(snapshot.value["number"])
        assert snapshot.value["square"] == number * number
        assert (snapshot.value["rest"] == number).all()


def test_messages_of_killed_producers_are_whole_and_in_order(folder):
    ring = MessageRing.create(folder / "messages.ring", capacity=1 << 10)
    consumer = ring.consume("test")
    number = 0
    for _ in range(2):
        with peer("messages", ring.segment.path, number) as process:
            for _ in range(200):
                while (message := consumer.pop()) is None:
                    time.sleep(0)
                assert message.records.tobytes() == quotes_of(number).records.tobytes()
                assert message.time == number
                number += 1
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        while (message := consumer.pop()) is not None:
            assert message.records.tobytes() == quotes_of(number).records.tobytes()
            number += 1
    assert ring.producer.epoch == 2


def test_a_side_belongs_to_one_living_process(folder):
    ring = RecordRing.create(folder / "numbers.ring", NUMBER, capacity=8)
    with peer("hold", ring.segment.path) as process:
        with pytest.raises(NotOwnerError, match=rf"belongs to holder \(pid {process.pid}\)"):
            ring.produce("test")
        forced = ring.produce("test", force=True)
        assert forced.epoch == 2
        forced.close()
    with peer("hold", ring.segment.path) as process:
        process.kill()
        process.wait()
        assert ring.producer.alive is False
        assert ring.produce("test").epoch == 4
