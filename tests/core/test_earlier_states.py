"""States of an earlier schema: read by the names of their fields."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pytest

from alo_lib.core import CoreState, SnapshotError, pack, unpack
from alo_lib.core.columns import column_of
from alo_lib.core.earlier_states import column_read_as
from alo_lib.records import TRANSIENT, Alternatives, Linked
from alo_lib.settings import Settings
from tests.core.script import Script, of_test

FEW = np.dtype([("number", "<i8"), ("gone", "<f8"), ("name", "S8")])
MORE = np.dtype([("name", "S8"), ("new", "<f8"), ("number", "<i8")])


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Pair(NamedTuple):
    one: int
    other: str


@dataclass
class Cat:
    lives: int


@dataclass
class Dog:
    name: str


@dataclass
class Gone:
    """Something of each sort that a state can hold."""

    number: int
    flag: bool
    text: str
    day: dt.date
    money: Decimal
    raw: bytes
    mood: Mood
    word: Literal["a", "b"]
    pairs: list[Pair]
    sets: dict[str, set[int]]
    deep: dict[tuple[str, int], dict[int, list[float]]]
    nothing: Annotated[int | None, TRANSIENT]
    linked: Annotated[Settings, Linked("settings")]
    array: np.ndarray[Any, np.dtype[np.float64]]
    rows: Annotated[np.ndarray[Any, np.dtype[np.void]], FEW]
    pet: Annotated[Cat | Dog, Alternatives(lambda: (Cat, Dog))]
    others: list[Annotated[Cat | Dog, Alternatives(lambda: (Cat, Dog))]]
    missing: Pair | None = None


def gone(settings: Settings) -> Gone:
    rows = np.array([(3, 1.5, b"x")], FEW)
    deep: dict[tuple[str, int], dict[int, list[float]]] = {("k", 1): {2: [1.0, 2.0], 3: []}}
    return Gone(
        *(1, True, "text", dt.date(2024, 3, 4), Decimal("1.50"), b"raw", Mood.BAD, "b"),
        [Pair(1, "o")],
        {"s": {1, 2}},
        deep,
        None,
        settings,
        np.arange(3.0),
        rows,
        Dog("rex"),
        [Cat(9), Dog("a")],
    )


@dataclass
class OldTrade:
    number: int
    gone: Gone
    rows: Annotated[np.ndarray[Any, np.dtype[np.void]], FEW]
    mood: Mood
    last: float


@dataclass
class NewTrade:
    last: float
    number: int
    rows: Annotated[np.ndarray[Any, np.dtype[np.void]], MORE]
    mood: Mood
    came: float = 2.5
    lists: list[int] = field(default_factory=list)


@dataclass
class Old:
    trades: list[OldTrade]
    by_name: dict[str, OldTrade]
    maybe: OldTrade | None
    settings: Annotated[Settings, Linked("settings")]


@dataclass
class New:
    trades: list[NewTrade]
    by_name: dict[str, NewTrade]
    maybe: NewTrade | None
    settings: Annotated[Settings, Linked("settings")]


def test_fields_go_by_their_names_what_is_gone_is_passed_over_and_what_is_new_has_its_default() -> None:
    settings = of_test()

    def trade(number: int) -> OldTrade:
        return OldTrade(number, gone(settings), np.array([(7, 0.5, b"name")], FEW), Mood.GOOD, number / 2)

    old = Old([trade(1), trade(2)], {"three": trade(3)}, trade(4), settings)
    new = unpack(New, pack(old), earlier=True, settings=settings)
    found = [*new.trades, new.by_name["three"], new.maybe]
    for number, each in enumerate(found, 1):
        assert each is not None
        assert (each.number, each.last, each.mood, each.came, each.lists) == (number, number / 2, Mood.GOOD, 2.5, [])
        assert each.rows.tolist() == [(b"name", 0.0, 7)]
    assert new.settings is settings
    assert unpack(New, pack(new), settings=settings).trades[0].number == 1
    with pytest.raises(SnapshotError, match="another schema than this program's"):
        unpack(New, pack(old), settings=settings)


@dataclass
class Text:
    number: str


@dataclass
class Wanting:
    number: int
    told: int


@dataclass
class Number:
    number: int


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Text, "Text.number was int and is str"),
        (Wanting, "Wanting.told is not told, and cannot be guessed"),
    ],
)
def test_what_cannot_be_told_is_refused_in_words(kind: type, why: str) -> None:
    with pytest.raises(SnapshotError, match=why):
        unpack(kind, pack(Number(3)), earlier=True)


@pytest.mark.parametrize("schema", ["", "State (", "State (state: )", "CoreState (state: int", "x" * 10_000, "a)(b"])
def test_a_schema_that_is_none_is_refused(schema: str) -> None:
    with pytest.raises(ValueError, match=r"was|not told|cannot"):
        column_read_as(CoreState, schema)


def test_a_state_of_a_core_is_read_where_a_field_of_it_was_another() -> None:
    market = Script()
    market.session()
    market.bar(10, volatility=0.35)
    state = market.core.snapshot()
    data = pack(state)
    schema = column_of(CoreState).text.replace("last_trade: int", "count_of_trades: int")
    head, size = data[:16], len(column_of(CoreState).text)
    renamed = head + len(schema).to_bytes(8, "little") + schema.encode() + data[24 + size :]
    found = unpack(CoreState, renamed, earlier=True, settings=market.settings)
    assert found.state.strategy.holdings == state.state.strategy.holdings
    assert [trade.number for trade in found.state.strategy.trades] == [1, 2]
