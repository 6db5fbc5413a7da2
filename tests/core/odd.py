"""Messages of any kind with any values, most of them at and beside the ends of what a field may have."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import hypothesis.strategies as st
import numpy as np

from alo_lib.records import LAYOUTS, RANGES, Kind, Message, Range, leg_columns, records
from tests.core.script import FIRST, at

__all__ = ["FIELDS", "OF_HOSTS", "ends", "odd_messages"]

FIELDS = {
    kind: [name for name in LAYOUTS[kind].names or () if not name.startswith("pad") and LAYOUTS[kind][name].kind != "S"]
    for kind in RANGES
}
"""The numeric fields of every kind of input."""

OF_HOSTS = tuple(kind for kind in RANGES if kind is not Kind.OPERATOR)
"""What hosts tell; a person's commands come another way."""

LIKELY: dict[str, Any] = {
    "close": 100.0,
    "open": 100.0,
    "high": 101.0,
    "low": 99.0,
    "factor": 0.5,
    "time": at(FIRST, 8),
    "until": at(FIRST, 20),
    **leg_columns((3, 2), (1, 1)),
    "bid": 3.0,
    "ask": 3.1,
    "multiplier": 100,
    "stage": 2,
    "cause": 1,
    "command": 1,
    "quantity": 1,
    "price": 1.0,
}
"""What makes a message likely to be let in."""


def ends(kind: Kind, field: str) -> list[Any]:
    """Values of a field at and beside the ends of what it may have, and of what its type may have."""
    dtype, allowed = LAYOUTS[kind][field], RANGES[kind].get(field)
    values: list[Any] = []
    if dtype.kind == "f":
        values = [math.nan, math.inf, -math.inf, 1e308, -1e308, 0.0, -0.0, 5e-324, 1.0]
        if isinstance(allowed, Range):
            for end in (allowed.low, allowed.high):
                values += [end, float(np.nextafter(end, -np.inf)), float(np.nextafter(end, np.inf))]
        return values
    limits = np.iinfo(dtype)
    values = [limits.min, limits.max, 0, 1, 2, 3, 8]
    if isinstance(allowed, Range):
        values += [end + step for end in (int(allowed.low), int(allowed.high)) for step in (-1, 0, 1)]
    return [value for value in dict.fromkeys(values) if limits.min <= value <= limits.max]


def likely(kind: Kind, count: int) -> Any:
    """Records of a kind that may be let in."""
    rows = records(kind, count)
    for name, value in LIKELY.items():
        if name in FIELDS[kind]:
            rows[name] = value
    if kind is Kind.SESSION:
        rows["open"], rows["close"], rows["date"] = at(FIRST, 9.5), at(FIRST, 16), 20240304
    if kind is Kind.INSTRUMENT:
        rows["kind"], rows["right"], rows["strike"], rows["instrument"] = 1, -1, 120.0, 14
        rows["expiry"], rows["symbol"] = at(FIRST, 16) + 45 * 86_400 * 10**9, b"ALFA  240418P00120000"
    return rows


def odd_messages(kinds: Sequence[Kind] = OF_HOSTS) -> st.SearchStrategy[Message]:
    """Messages of some kinds: a field or two of one or two records have any of the values that matter, or any."""
    return st.sampled_from(kinds).flatmap(_odd_of)


@cache
def _odd_of(kind: Kind) -> st.SearchStrategy[Message]:
    def value(field: str) -> st.SearchStrategy[Any]:
        dtype = LAYOUTS[kind][field]
        if dtype.kind == "f":
            return st.sampled_from(ends(kind, field)) | st.floats(0.0, 200.0)
        limits = np.iinfo(dtype)
        return st.sampled_from(ends(kind, field)) | st.integers(max(0, limits.min), min(20, limits.max))

    changes = st.lists(
        st.one_of([st.tuples(st.just(field), st.integers(0, 1), value(field)) for field in FIELDS[kind]]), max_size=3
    )

    def made(changed: list[tuple[str, int, Any]], count: int, time: int) -> Message:
        rows = likely(kind, 2)
        for field, row, new in changed:
            rows[field][row] = new
        return Message(kind, time, rows[:count])

    times = st.sampled_from([at(FIRST, 10), 0, -1, 2**62, at(FIRST, 10)])
    return st.builds(made, changes, st.sampled_from([1, 1, 2, 0]), times)
