"""The candidates of each structure, beside what a walk over every combination of contracts finds."""

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.records import DAY, Kind, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures import STRUCTURES, Structure
from alo_lib.strategy.structures.structure import HeldContract

SETTINGS = Settings(strangle_delta=0.3, wing_delta=0.1, calendar_days=21)
SPOT = 100.0


def chain(random: np.random.Generator) -> tuple[MarketBook, NDArray[np.bool_], NDArray[np.float64]]:
    """A book in no order of its rows, some of them unusable, with deltas that fall with the strike."""
    expiries = np.sort(random.choice(np.arange(15, 120), random.integers(0, 4), replace=False))
    strikes = np.sort(random.choice(np.arange(80.0, 121.0, 2.5), random.integers(1, 9), replace=False))
    listed = [(int(days), float(strike), right) for days in expiries for strike in strikes for right in (1, -1)]
    contracts = records(Kind.INSTRUMENT, len(listed), kind=1, american=1, multiplier=100)
    for place, row in zip(random.permutation(len(listed)), listed, strict=True):
        contracts[place]["expiry"], contracts[place]["strike"], contracts[place]["right"] = row[0] * DAY, *row[1:]
    contracts["instrument"] = 1 + np.arange(len(listed))
    book = MarketBook(0, "TEST", trade_price=SPOT, trade_time=0)
    book.list_contracts(contracts)
    moneyness = np.log(SPOT / contracts["strike"]) / (0.3 * np.sqrt(contracts["expiry"] / DAY / 365.0))
    call_delta = 1.0 / (1.0 + np.exp(-1.7 * moneyness))
    delta = np.where(contracts["right"] > 0, call_delta, call_delta - 1.0)
    return book, random.random(len(listed)) < 0.85, delta


class Walk:
    """Every usable contract, a row each, and what is nearest by a loop."""

    def __init__(self, book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64]) -> None:
        self.contracts, self.delta = book.contracts, delta
        self.rows = [row for row in range(len(usable)) if usable[row]]

    def of(self, row: int) -> Records:
        return self.contracts[row]

    def nearest(self, rows: Iterable[int], wanted: float) -> list[int]:
        """The row of the nearest absolute delta; none of none."""
        found = sorted(rows, key=lambda row: (abs(abs(self.delta[row]) - wanted), row))
        return found[:1]

    def out(self, expiry: int, right: int) -> list[int]:
        return [
            row
            for row in self.rows
            if (self.of(row)["expiry"], self.of(row)["right"]) == (expiry, right)
            and right * (self.of(row)["strike"] - SPOT) > 0.0
        ]

    @property
    def expiries(self) -> list[int]:
        return sorted(set(self.contracts["expiry"].tolist()))


def straddles(walk: Walk) -> Iterable[tuple[int, ...]]:
    for call, put in itertools.permutations(walk.rows, 2):
        one, two = walk.of(call), walk.of(put)
        if (one["expiry"], one["strike"]) == (two["expiry"], two["strike"]) and one["right"] > two["right"]:
            yield call, put


def strangles(walk: Walk) -> Iterable[tuple[int, ...]]:
    for expiry in walk.expiries:
        yield from itertools.product(*(walk.nearest(walk.out(expiry, right), 0.3) for right in (1, -1)))


def spreads(walk: Walk, expiry: int, right: int) -> Iterable[tuple[int, int]]:
    for inner in walk.nearest(walk.out(expiry, right), 0.3):
        limit = walk.of(inner)["strike"]
        further = [row for row in walk.out(expiry, right) if right * (walk.of(row)["strike"] - limit) > 0.0]
        yield from ((inner, outer) for outer in walk.nearest(further, 0.1))


def iron_condors(walk: Walk) -> Iterable[tuple[int, ...]]:
    for expiry in walk.expiries:
        for calls, puts in itertools.product(spreads(walk, expiry, 1), spreads(walk, expiry, -1)):
            yield calls[0], puts[0], calls[1], puts[1]


def verticals(walk: Walk) -> Iterable[tuple[int, ...]]:
    for expiry, right in itertools.product(walk.expiries, (1, -1)):
        yield from spreads(walk, expiry, right)


def iron_butterflies(walk: Walk) -> Iterable[tuple[int, ...]]:
    for expiry in walk.expiries:
        bodies = [pair for pair in straddles(walk) if walk.of(pair[0])["expiry"] == expiry]
        for call, put in sorted(bodies, key=lambda pair: (abs(walk.delta[pair[0]] - 0.5), pair[0]))[:1]:
            body = float(walk.of(call)["strike"])
            wings = [
                (upper, lower)
                for upper, lower in itertools.permutations(walk.rows, 2)
                if walk.of(upper)["expiry"] == walk.of(lower)["expiry"] == expiry
                and (walk.of(upper)["right"], walk.of(lower)["right"]) == (1, -1)
                and walk.of(upper)["strike"] - body == body - walk.of(lower)["strike"] > 0.0
            ]
            apart = {
                (upper, lower): abs(walk.delta[upper] - 0.1) + abs(walk.delta[lower] + 0.1) for upper, lower in wings
            }
            yield from ((call, put, *wing) for wing in sorted(wings, key=lambda wing: (apart[wing], wing))[:1])


def calendars(walk: Walk) -> Iterable[tuple[int, ...]]:
    for near in walk.rows:
        one = walk.of(near)
        later = [
            far
            for far in walk.rows
            if (walk.of(far)["strike"], walk.of(far)["right"]) == (one["strike"], one["right"])
            and walk.of(far)["expiry"] - one["expiry"] >= 21 * DAY
        ]
        yield from ((near, far) for far in sorted(later, key=lambda far: int(walk.of(far)["expiry"]))[:1])


def diagonals(walk: Walk) -> Iterable[tuple[int, ...]]:
    for expiry, right in itertools.product(walk.expiries, (1, -1)):
        for later in [other for other in walk.expiries if other - expiry >= 21 * DAY][:1]:
            legs = [walk.nearest(walk.out(each, right), 0.3) for each in (expiry, later)]
            yield from (
                pair for pair in itertools.product(*legs) if len({float(walk.of(row)["strike"]) for row in pair}) > 1
            )


WALKS: dict[str, Callable[[Walk], Iterable[tuple[int, ...]]]] = {
    "straddle": straddles,
    "strangle": strangles,
    "iron-butterfly": iron_butterflies,
    "iron-condor": iron_condors,
    "vertical": verticals,
    "risk-reversal": strangles,
    "calendar": calendars,
    "diagonal": diagonals,
    "single": lambda walk: ((row,) for row in walk.rows),
}


def test_each_structure_is_walked() -> None:
    assert WALKS.keys() == STRUCTURES.keys()


@pytest.mark.parametrize("name", WALKS)
def test_candidates_are_those_of_a_walk_over_all_contracts(name: str) -> None:
    random, found = np.random.default_rng(1), 0
    for _ in range(60):
        book, usable, delta = chain(random)
        rows = STRUCTURES[name].candidates(book, usable, delta, SETTINGS)
        assert rows.shape == (len(rows), len(STRUCTURES[name].ratios))
        wanted = sorted(WALKS[name](Walk(book, usable, delta)))
        assert sorted(map(tuple, rows.tolist())) == wanted
        for legs in rows.tolist():
            assert STRUCTURES[name].forms([held_contract(book, row) for row in legs])  # held, it is known again
        found += len(wanted)
    assert found > 20


def held_contract(book: MarketBook, row: int) -> HeldContract:
    said = book.contracts[row]
    return HeldContract(row, int(said["right"]), float(said["strike"]), int(said["expiry"]), 1)


@pytest.mark.parametrize(
    ("name", "ratios", "sentence"),
    [
        ("", (1,), "is named ''"),
        ("é", (1,), "is named 'é'"),
        ("x" * 25, (1,), "up to 24 ASCII characters"),
        ("x", (), "allowed: 1 to 4"),
        ("x", (1, 1, 1, 1, 1), "allowed: 1 to 4"),
        ("x", (1, 0), "each 1 to 10"),
        ("x", (1, -11), "each 1 to 10"),
        ("x", (2, -2), "a common divisor"),
    ],
)
def test_what_no_record_has_a_place_for_is_no_structure(name: str, ratios: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Structure(name, ratios, STRUCTURES["single"].candidates, STRUCTURES["single"].forms, near_the_money=True)
