"""States as bytes: what is stored comes back, what is shared stays one, and no bytes make anything but a state."""

import ast
import datetime as dt
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.core import CoreState, SnapshotError, TradingCore, pack, unpack
from alo_lib.core.columns import column_of
from alo_lib.journal import JournalError, JournalWriter, MemoryStore
from alo_lib.records import LAYOUTS, TRANSIENT, Kind, Linked, Records, records
from alo_lib.settings import Settings
from tests.core.script import FIRST, Script

ROOMS = ("algorithm", "alo_lib", "benchmarks", "models", "tests")
PICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


class Side(IntEnum):
    BUY = 1
    SELL = -1


class Why(StrEnum):
    EDGE = "the edge"
    RISK = "the risk"


class Point(NamedTuple):
    time: int
    price: float | None


@dataclass(frozen=True)
class Positive:
    value: float

    def __post_init__(self) -> None:
        if not self.value > 0.0:
            raise ValueError(f"{self.value} is not positive")


@dataclass
class Everything:
    whole: int
    real: float
    flag: bool
    text: str
    raw: bytes
    money: Decimal
    day: dt.date
    side: Side
    why: Why | None
    kind: Literal["call", "put"]
    points: list[Point]
    pairs: tuple[tuple[int, str], ...]
    names: set[int]
    taken: dict[tuple[int, int], list[float]]
    checked: tuple[Positive, Positive]
    rows: Annotated[Records, Kind.SIGNAL]
    matrix: NDArray[np.float64]
    mask: NDArray[np.bool_]
    made_again: Annotated[list[int] | None, TRANSIENT] = field(default=None, init=False)


class Book:
    """A plain class, which declares its fields; its limits belong to whoever loads it."""

    cash: Decimal
    limits: Annotated[object, Linked("limits")]

    def __init__(self, limits: object) -> None:
        self.cash, self.limits = Decimal("1.50"), limits


class Holder:
    book: Annotated[Book, Linked("book")]
    seen: int

    def __init__(self, book: Book) -> None:
        self.book, self.seen = book, 3


class Alone(NamedTuple):
    """A record of a link alone would take nothing of the streams, so that no length could bound its number."""

    link: Annotated[int, Linked("link")]


class Both(NamedTuple):
    book: Book
    holders: list[Holder]


def everything() -> Everything:
    made = Everything(
        whole=-(2**63),
        real=-0.0,
        flag=True,
        text="Grüße, 日",
        raw=b"\0\xff",
        money=Decimal("-12.3400"),
        day=dt.date(2015, 12, 24),
        side=Side.SELL,
        why=Why.RISK,
        kind="put",
        points=[Point(1, None), Point(2, float("inf"))],
        pairs=((1, ""), (2, "b")),
        names={3, -1, 2},
        taken={(2, 1): [], (1, 1): [0.1, 0.2]},
        checked=(Positive(1.0), Positive(2.0)),
        rows=records(Kind.SIGNAL, 2),
        matrix=np.arange(6.0).reshape(2, 3).T,
        mask=np.array([True, False]),
    )
    made.made_again = [1]
    return made


def test_every_type_comes_back_as_it_was() -> None:
    before = everything()
    after = unpack(Everything, pack(before))
    for name, value in vars(before).items():
        again = getattr(after, name)
        if name == "made_again":
            assert again is None
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(again, value)
            assert again.dtype == value.dtype
            assert again.flags.writeable
        else:
            assert again == value
            assert type(again) is type(value)
    assert str(after.real) == "-0.0"
    assert str(after.money) == "-12.3400"
    assert list(after.taken) == [(2, 1), (1, 1)]
    assert type(after.points[0]) is Point
    assert pack(after) == pack(before)


def test_the_bytes_are_those_of_the_documented_layout() -> None:
    class Held(NamedTuple):
        day: dt.date
        held: dict[int, float]
        names: list[str]
        quote_time: NDArray[np.int64]

    data = pack(Held(dt.date(1, 1, 5), {7: 0.5, 9: 0.25}, ["né", "a"], np.array([[4, 6]])))
    schema = b"Held (day: date, held: dict of int to float, names: list of str, quote_time: array of <i8)"
    ints = [5, 2, 7, 9, 2, 4, 2, 1, 2, 1, 2]
    blob = "néa".encode() + np.array([4, 6], "<i8").tobytes()
    expected = struct.pack("<8sqq", b"ALOSTATE", 1, len(schema)) + schema
    expected += struct.pack(f"<3q{len(ints)}q2d", len(ints), 2, len(blob), *ints, 0.5, 0.25) + blob
    assert data == expected


def test_what_is_shared_is_stored_once_and_is_one_again() -> None:
    limits = object()
    book = Book(limits)
    data = pack(Both(book, [Holder(book), Holder(book)]))
    again = unpack(Both, data, limits=(mine := object()))
    assert again.book.limits is mine
    assert again.book.cash == Decimal("1.50")
    assert all(holder.book is again.book for holder in again.holders)
    with pytest.raises(ValueError, match="a linked field is not the book around it"):
        pack(Both(book, [Holder(book), Holder(Book(limits))]))
    with pytest.raises(TypeError, match="nobody has told the limits around it"):
        unpack(Both, data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"whole": 1.5}, "float"),
        ({"whole": 2**63}, "int too"),
        ({"real": "1"}, "str"),
        ({"flag": 1}, "not all flags"),
        ({"text": b"1"}, "expected str instance"),
        ({"raw": "1"}, "is no bytes"),
        ({"money": 1.0}, "is no Decimal"),
        ({"money": Decimal("nan")}, "NaN is no amount of money"),
        ({"day": dt.datetime(2024, 1, 1, tzinfo=dt.UTC)}, "is no date"),
        ({"side": 2}, "2 is not of Side"),
        ({"kind": "cat"}, "'cat' is not of one of"),
        ({"points": ()}, "is no list"),
        ({"points": [(1, 1.0)]}, "is no Point"),
        ({"checked": (Positive(1.0),)}, "has another length"),
        ({"rows": records(Kind.TARGET, 1)}, "is no array of"),
        ({"matrix": np.zeros(2, np.float32)}, "is no array of"),
        ({"mask": [True]}, "list is no array of"),
    ],
)
def test_a_value_that_its_annotation_does_not_allow_is_not_stored(change: dict[str, object], message: str) -> None:
    state = everything()
    vars(state).update(change)
    with pytest.raises((TypeError, ValueError, OverflowError), match=message):
        pack(state)


def test_a_plain_class_declares_all_of_its_fields() -> None:
    book = Book(object())
    book.more = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="a Book has other fields than it declares"):
        pack(book)


@pytest.mark.parametrize(
    "annotation", [object, Any, int | str, NDArray[np.void], NDArray[np.object_], complex, partial, type, Alone]
)
def test_a_type_that_cannot_be_stored_is_none(annotation: object) -> None:
    with pytest.raises(TypeError, match=r"stored"):
        column_of(annotation)


# What is no snapshot -------------------------------------------------------------------------------------------------


def resealed(data: bytes, *, ints: list[int] | None = None, floats: list[float] | None = None) -> bytes:
    """A snapshot with other streams than it had."""
    (size,) = struct.unpack_from("<q", data, 16)
    begin = 24 + size
    counts = struct.unpack_from("<qqq", data, begin)
    had = struct.unpack_from(f"<{counts[0]}q{counts[1]}d", data, begin + 24)
    new_ints = list(had[: counts[0]]) if ints is None else ints
    new_floats = list(had[counts[0] :]) if floats is None else floats
    rest = data[len(data) - counts[2] :]
    head = struct.pack("<qqq", len(new_ints), len(new_floats), len(rest))
    body = struct.pack(f"<{len(new_ints)}q{len(new_floats)}d", *new_ints, *new_floats)
    return data[:begin] + head + body + rest


@pytest.mark.parametrize(
    ("kind", "value", "ints", "message"),
    [
        (list[int], [1, 2], [-1, 1, 2], "a length is negative or beyond the end"),
        (list[int], [1, 2], [2**62, 1, 2], "a length is negative or beyond the end"),
        (list[int], [1, 2], [1, 1, 2], "1 elements are left over"),
        (list[int], [1, 2], [3, 1, 2], "a length is negative or beyond the end"),
        (list[list[int]], [[1], [2]], [2, 2, 2, 1, 2], "a length is negative or beyond the end"),
        (list[bool], [True], [1, 2], "a flag is neither 0 nor 1"),
        (list[Side], [Side.BUY], [1, 2], "2 is not of Side"),
        (list[dt.date], [FIRST], [1, 0], "ordinal must be >= 1"),
        (list[dt.date], [FIRST], [1, 2**62], "a snapshot is no list"),
        (list[str], ["ab"], [1, 2, 3], "texts are not as long as they say"),
        (list[str], ["ab"], [1, 2, -1], "texts are not as long as they say"),
        (list[str], ["ab"], [1, 3, 2], "3 elements are asked for, and 2 are left"),
        (list[Decimal], [Decimal("1.0")], [1, 2, 2], "'1.' is no amount of money"),
        (list[set[int]], [{1, 2}], [1, 2, 2, 1], "a set is not in ascending order"),
        (list[set[int]], [{1, 2}], [1, 2, 1, 1], "a set is not in ascending order"),
        (list[dict[int, bool]], [{1: True, 2: True}], [1, 2, 1, 1, 1, 1], "a dict has a key twice"),
        (list[NDArray[np.int8]], [np.zeros(4, np.int8)], [1, 1, 5], "5 elements are asked for, and 4 are left"),
        (list[NDArray[np.int8]], [np.zeros(4, np.int8)], [1, 1, -4], "an array cannot have the shape"),
        (list[NDArray[np.int8]], [np.zeros(4, np.int8)], [1, 99, 4], "an array cannot have 99 dimensions"),
        (list[NDArray[np.int8]], [np.zeros(4, np.int8)], [1, 4, *[2**31 - 1] * 4], "elements are asked for"),
        (list[NDArray[np.bool_]], [np.array([True])], [1, 1, 1, 1], "1 elements are left over"),
    ],
)
def test_streams_of_no_state_are_refused(kind: Any, value: object, ints: list[int], message: str) -> None:
    data = pack(value, kind)
    assert pack(unpack(kind, resealed(data)), kind) == data
    with pytest.raises(SnapshotError, match=message):
        unpack(kind, resealed(data, ints=ints))


def test_what_checks_itself_is_asked() -> None:
    data = pack([Positive(1.0)], list[Positive])
    assert unpack(list[Positive], resealed(data, floats=[2.0])) == [Positive(2.0)]
    with pytest.raises(SnapshotError, match=r"a snapshot is no list: -1.0 is not positive"):
        unpack(list[Positive], resealed(data, floats=[-1.0]))
    with pytest.raises(SnapshotError, match="a flag is neither 0 nor 1"):
        unpack(NDArray[np.bool_], pack(np.array([True]), NDArray[np.bool_])[:-1] + b"\2")


def test_another_layout_version_or_schema_is_refused() -> None:
    data = pack(everything())
    with pytest.raises(SnapshotError, match="its layout is b'ALOSTATE', version 2; b'ALOSTATE', version 1, is read"):
        unpack(Everything, data[:8] + struct.pack("<q", 2) + data[16:])
    with pytest.raises(SnapshotError, match="a snapshot is no Point: it has another schema"):
        unpack(Point, data)
    with pytest.raises(SnapshotError, match="0 bytes are too few"):
        unpack(Everything, b"")
    assert issubclass(SnapshotError, JournalError)


def test_a_snapshot_that_was_crafted_for_pickle_runs_nothing() -> None:
    with pytest.raises(SnapshotError, match="its layout is"):
        unpack(Everything, b"cnumpy.testing._private.utils\nrunstring\n(S'import os'\nS''\ntR." + bytes(80))


def test_nothing_in_the_tree_unpickles() -> None:
    """NumPy's loader does where it is allowed to; numba's cache of kernels is its own and no file that is taken in.

    The archive of kernels is that cache in one value: code, which is taken where the environment says so alone.
    """
    root = Path(__file__).resolve().parents[2]
    sources = [root / "main.py", *(path for room in ROOMS for path in sorted((root / room).rglob("*.py")))]
    assert len(sources) > 300
    found = []
    for path in sources:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            loads = isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False"
            if loads or PICKLERS.intersection(name.partition(".")[0] for name in names):
                found.append(f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}")
    assert [each for each in found if not each.startswith("alo_lib/numerics/kernel_archive.py:")] == []


# The core's own states -----------------------------------------------------------------------------------------------


def traded() -> TradingCore:
    market = Script()
    market.session()
    market.bar(10, volatility=0.35)
    market.bar(11, spot=102, volatility=0.33)
    assert market.core.holdings
    return market.core


def test_a_core_comes_back_to_the_byte() -> None:
    core = traded()
    data = pack(core.snapshot())
    state = unpack(CoreState, data, settings=core.settings)
    assert pack(state) == data
    assert state.state.settings is core.settings
    assert all(each.forecaster._settings is core.settings for each in state.state.strategy.underlyings.values())
    other = TradingCore(core.settings, JournalWriter(MemoryStore(), segment_bytes=1 << 16))
    other.resume(state, ())
    assert other.holdings == core.holdings
    assert state.state.strategy.trades == core.snapshot().state.strategy.trades


def test_no_layout_has_what_an_array_cannot_hold() -> None:
    for kind in LAYOUTS:
        rows = records(kind, 3)
        hint = Annotated[Records, kind]
        assert unpack(hint, pack(rows, hint)).tobytes() == rows.tobytes()


def test_fitted_models_come_back() -> None:
    """The parts of a state that a short script does not come to: the hybrid, and a calibration that is pending."""
    from alo_lib.core.calibrator import PendingCalibration
    from alo_lib.strategy.calibration import Calibrated, CalibrationRequest, Due, calibrate

    settings = Settings.of({"hybrid_minimum": 350, "garch_minimum": 250})
    shocks = 0.01 * np.random.default_rng(3).standard_normal((420, 4))
    close = 100.0 * np.exp(np.cumsum(shocks[:, 0]))
    bars = np.column_stack([close, close * np.exp(abs(shocks[:, 1])), close * np.exp(-abs(shocks[:, 2])), close])
    held_event = tuple(day % 63 == 20 for day in range(420))
    request = CalibrationRequest(tuple(map(tuple, bars.tolist())), held_event, settings, None, Due.FIRST)
    fitted = calibrate(request)
    assert fitted.hybrid is not None
    assert unpack(Calibrated, pack(fitted)) == fitted
    pending = PendingCalibration(2, 5, CalibrationRequest(request.bars, held_event, settings, fitted, Due.CHANGE))
    again = unpack(PendingCalibration, pack(pending), settings=settings)
    assert again == pending
    assert again.request.settings is settings


# A million mutations -------------------------------------------------------------------------------------------------

WORDS = (0, 1, -1, 2, 7, 2**31, 2**62, -(2**63), 2**63 - 1, 10**6)


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """Bits flipped, words replaced, parts cut, doubled or taken from elsewhere; the sizes often made to fit again."""
    out = bytearray(data)
    begin = 24 + struct.unpack_from("<q", data, 16)[0] if random.random() < 0.9 else 0
    for _ in range(int(random.integers(1, 4))):
        place, size = int(random.integers(begin, len(out))), int(random.integers(1, 65))
        word = place - (place - begin) % 8
        match int(random.integers(6)):
            case 0:
                out[place] ^= 1 << int(random.integers(8))
            case 1:
                out[word : word + 8] = struct.pack("<q", WORDS[int(random.integers(len(WORDS)))])
            case 2:
                del out[place : place + size]
            case 3:
                out[place:place] = out[place : place + size]
            case 4:
                source = int(random.integers(begin, len(out)))
                out[place : place + size] = out[source : source + size]
            case _:
                out[word : word + 8] = struct.pack("<d", float(random.choice([np.nan, np.inf, -1.0, 1e308, 0.0])))
        if len(out) <= begin + 24:
            return bytes(out)
    if begin and random.random() < 0.8:  # so that more than the sizes is looked at
        counts = struct.unpack_from("<qq", data, begin)
        struct.pack_into("<qqq", out, begin, *counts, len(out) - begin - 24 - 8 * sum(counts))
    return bytes(out)


def outcomes(count: int, seed: int) -> Iterator[bool]:
    """Whether each of so many mutations is a state; anything but that and the error is raised.

    One in ten is of a core's state, the others of one that is small and has a field of every type.
    """
    core = traded()
    for underlying in core.snapshot().state.strategy.underlyings.values():
        del underlying.forecaster._bars[:-3]  # hundreds of floats that are all alike
    kinds: tuple[type, ...] = (CoreState, *[Everything] * 9)
    states: dict[type, bytes] = {CoreState: pack(core.snapshot()), Everything: pack(everything())}
    random = np.random.default_rng(seed)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        changed = mutated(states[kind], random)
        try:
            state: object = unpack(kind, changed, settings=core.settings)
        except SnapshotError:
            yield False
        else:
            assert pack(state) == changed, f"mutation {number} of seed {seed}"
            yield True


def test_a_mutated_snapshot_gives_an_error_or_the_state() -> None:
    found = list(outcomes(5_000, seed=1))
    assert min(sum(found[::10]), sum(found)) > 50
    assert not all(found)


@pytest.mark.slow
def test_a_million_mutated_snapshots_give_an_error_or_the_state() -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert 0 < sum(outcomes(1_000_000, seed=2)) < 1_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
