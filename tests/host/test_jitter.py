import pytest

from alo_lib.executive.isolation import Isolation
from alo_lib.host.jitter import JitterError, measure_jitter


def test_a_run_releases_its_frames_and_tells_what_was_refused():
    run = measure_jitter(0.2, Isolation(None, 0))
    assert run.frames == 20
    assert 0.0 <= run.p50 <= run.p99 <= run.p999 <= run.worst
    assert run.refused["pinned"] == "not asked for; --cpu names a processor"
    assert run.refused["SCHED_FIFO"] == "not asked for; --priority sets one"


def test_a_run_that_fails_says_how():
    with pytest.raises(JitterError, match="status 1: ValueError: spin -1 must not be below 0"):
        measure_jitter(0.1, Isolation(None, 0), spin=-1)
