"""Anything at all said by a host: the run goes on, and is decided the same again."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from alo_lib.records import LAYOUTS, RANGES, Kind, Message, Range, leg_columns, records
from alo_lib.runtime import replay
from tests.core.script import FIRST, at
from tests.core.test_gate import CALL, HUGE, INF, NAN, PUT, TEST, trading

FIELDS = {
    kind: [name for name in LAYOUTS[kind].names or () if not name.startswith("pad") and LAYOUTS[kind][name].kind != "S"]
    for kind in RANGES
}


def values(kind: Kind, field: str) -> st.SearchStrategy[Any]:
    """Values of a field: any, and those at and beside the ends of its range."""
    dtype = LAYOUTS[kind][field]
    if dtype.kind == "f":
        ends = [NAN, INF, -INF, HUGE, 0.0, -0.0, 5e-324, 1.0]
        anything: st.SearchStrategy[Any] = st.floats(width=64)
    else:
        limits = np.iinfo(dtype)
        ends = [limits.min, limits.max, 0, 1, TEST, PUT, CALL]
        anything = st.integers(int(limits.min), int(limits.max))
    allowed = RANGES[kind].get(field)
    if isinstance(allowed, Range):
        ends += [each for each in (allowed.low, allowed.high) if dtype.kind == "f" or limits.min <= each <= limits.max]
    return st.sampled_from(ends) | anything


def message(kind: Kind) -> st.SearchStrategy[Message]:
    """A message of a kind, some of whose fields are as they should be."""
    likely = {
        "instrument": TEST,
        "underlying": TEST,
        "close": 100.0,
        "time": at(FIRST, 8),
        **leg_columns((CALL, PUT), (1, 1)),
    }
    columns = st.fixed_dictionaries(
        {}, optional={field: st.lists(values(kind, field), min_size=2, max_size=2) for field in FIELDS[kind]}
    )

    def made(told: dict[str, list[Any]], count: int, time: int) -> Message:
        rows = records(kind, 2, **{name: value for name, value in likely.items() if name in FIELDS[kind]})
        for name, column in told.items():
            rows[name] = np.array(column, LAYOUTS[kind][name])
        return Message(kind, time, rows[:count])

    times = st.sampled_from([at(FIRST, 10.2), -1, 2**62]) | st.just(at(FIRST, 10.2))
    return st.builds(made, columns, st.integers(0, 2), times)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(list(RANGES)).flatmap(message), min_size=1, max_size=12))
def test_whatever_a_host_says_the_run_goes_on_and_is_decided_the_same_again(told: list[Message]) -> None:
    market = trading()
    for each in told:
        market.core.accept(each)
    for hour in (10.3, 10.4):
        market.bar(hour, volatility=0.3)
    assert replay(market.journal).divergence is None
