"""Which of the signals become trades, and how many structures of each: in turn, or for the whole book at once.

The whole book's choice is a mixed-integer program. Of each candidate i there are q_i structures, whole, from 0 to what
its vega budget, its legs' displayed sizes and every limit by itself leave; y_i says whether there is any:

    maximize    sum c_i q_i
    subject to  q_i <= m_i y_i
                sum of y_i over those with a leg in common <= 1
                sum of y_i <= room for structures, of the book and of each underlying
                sum a_ji q_i <= b_j  for each limit j

A limit's a_ji is what one structure adds on the limit's side, 0 where it takes away (vega long and vega short are two
limits, each scenario of the stress is one), and b_j is what the book leaves of it. So whatever part of the choice is
filled, and in whichever order, the limits hold: what is held may offset a candidate, another candidate does not.

A dispersion is a candidate in each of its sizes, of which there is one or none: whole structures round its ratio, so
that what it uses is no multiple of anything. A size is a column of one, whose a_ji is what the straddles of all its
underlyings use together, the rooms for structures included; it is worth what all of them are.

Edges are rounded to cents, and c_i is a hundred times that less i's place in the order of identifiers: less than a
cent a structure, which breaks ties. All numbers of the program are whole: a_ji are rounded up and b_j down, in
millionths of what is allowed. So books differ by one or more, which floating point tells apart, whatever it rounds, and
what the solver found is checked in whole numbers before anything is done with it.
"""

from collections.abc import Callable, Sequence
from math import fsum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import ENTRY_LIMITS, LEGS, RATIOS, Records, Stage, legs_of
from alo_lib.records.baskets import of_baskets
from alo_lib.settings import Settings
from alo_lib.strategy.basket_entries import basket_trades, proposed_basket, wanted_quantities
from alo_lib.strategy.baskets import least_size, quantities_at
from alo_lib.strategy.book_risk import holdings_with
from alo_lib.strategy.entries import new_trade, openable, proposed_trades
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.funnel import count_stops
from alo_lib.strategy.limits import limits_of, tell_limit
from alo_lib.strategy.linear_limits import LinearLimit, Together, linear_limits
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["CHOICES", "Program", "chosen_trades", "solve", "trades_in_turn"]

_UNITS: Final = 1_000_000
"""What is allowed of a limit, in whole numbers."""
_CENTS: Final = 100
_MOST_CANDIDATES: Final = 60
"""Of all underlyings, those with the most edge over gross vega."""
_MOST_SIZES: Final = 40
"""Of a dispersion; of more than these as many that are as far apart as can be."""
_TIE: Final = _MOST_CANDIDATES + _MOST_SIZES
"""What a cent counts: more than any column's place."""
_MOST_STRUCTURES: Final = 10_000
_NODES: Final = 1_000
"""Nodes of the search after which the best book found so far is taken."""

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]
Choice = Callable[[StrategyState, Settings, Records, int], list[Trade]]
"""From a state, settings, SIGNAL records and the time to the trades proposed, limits asked or not; it counts stops.

Of the records those of a dispersion are the last."""


class Program(NamedTuple):
    """A choice among n candidates, in whole numbers from 0."""

    worth: Whole  # (n,) of one structure
    most: Whole  # (n,) structures
    each: Whole  # (m, n) of each limit, what one structure uses
    left: Whole  # (m,) what may be used
    exclusive: NDArray[np.bool_]  # (g, n): of each group one candidate at most
    groups: Whole  # (h, n) how many trades of each group a candidate is
    room: Whole  # (h,) trades of each group at most


def trades_in_turn(state: StrategyState, settings: Settings, signals: Records, time: int) -> list[Trade]:
    """The trades one after the other, in the order of their SIGNAL records."""
    in_basket = of_baskets(signals)
    proposed = proposed_trades(state, settings, signals[~in_basket], time)
    return proposed + proposed_basket(state, settings, signals[in_basket], time, proposed)


def chosen_trades(state: StrategyState, settings: Settings, signals: Records, time: int) -> list[Trade]:
    """The trades whose edge is the most that the limits allow in all, in the order of their SIGNAL records.

    What stopped the others whose edge suffices is counted: what stops one by itself, else what the chosen leave no
    room for. Where models of the host alone decide risk, limits of the book are not asked here either.
    """
    in_basket = of_baskets(signals)
    rest, dispersion = signals[~in_basket], signals[in_basket]
    rows, sizes, stops = _free(state, settings, rest, time)
    wanted = wanted_quantities(state, settings, dispersion, time)
    trades: list[Trade] = []
    if rows or wanted is not None:
        numbers = [int(number) for number in [*rest["underlying"][rows], *dispersion["underlying"][:1]]]
        edges = [*rest["edge_volatility"][rows], *dispersion["edge_volatility"][:1]]
        first = np.argsort(-np.array(edges[: len(rows) + (wanted is not None)]), kind="stable")
        stops += [(numbers[i], "choice_candidates") for i in first[_MOST_CANDIDATES:].tolist()]
        best = np.sort(first[:_MOST_CANDIDATES])
        alone = best[best < len(rows)]
        free, most = rest[rows][alone], np.array(sizes, np.int64)[alone]
        several = Together.none(signals)
        if wanted is not None and len(alone) < len(best):
            several = Together(dispersion, _sizes(wanted))
        quantities, more = _chosen(state, settings, free, most, several, time)
        counts = quantities[: len(free)]
        trades = [new_trade(state, free[i], int(counts[i]), time) for i in np.flatnonzero(counts).tolist()]
        for size in several.sizes[quantities[len(free) :] > 0].tolist():
            trades += basket_trades(state, dispersion, size, time)
        stops += more
    count_stops(state, stops)
    return trades


def _free(
    state: StrategyState, settings: Settings, signals: Records, time: int
) -> tuple[list[int], list[int], list[tuple[int, str]]]:
    """Of SIGNAL records whose edge suffices those that nothing stops by itself, the most of each, what stops others."""
    total, stops = equity(state), list[tuple[int, str]]()
    rows, sizes = [], []
    for row in np.flatnonzero(signals["edge_volatility"] >= settings.entry_edge).tolist():
        size, stop = openable(state, settings, signals[row], time, total)
        if stop is None:
            rows.append(row)
            sizes.append(min(size, _MOST_STRUCTURES))
        else:
            stops.append((int(signals["underlying"][row]), stop))
    return rows, sizes, stops


def _sizes(wanted: Sequence[int]) -> Whole:
    """The sizes (m, b) of a dispersion, the least first, whose whole has so many structures of each."""
    least, whole = least_size(wanted), max(wanted)
    count = min(whole - least + 1, _MOST_SIZES)
    sizes = [least + (whole - least) * place // max(count - 1, 1) for place in range(count)]
    return np.array([quantities_at(size, wanted) for size in sizes], np.int64)


def _chosen(
    state: StrategyState, settings: Settings, signals: Records, most: Whole, several: Together, time: int
) -> tuple[Whole, list[tuple[int, str]]]:
    """How many (n + m,) of each of n signals and m sizes, none of which is stopped by itself; and what stops the rest.

    Of a dispersion that is not chosen it is told what stops its least size.
    """
    candidates, rows = _Candidates(signals, several), []
    if not state.external.decides(Stage.RISK):
        legs = {leg for signal in [*signals, *several.signals] for leg in legs_of(signal)}
        limits = limits_of(state, settings, legs, time)
        rows = list(linear_limits(limits, holdings_with(state, ()), signals, most, several))
    n = len(candidates.numbers)
    each = np.array([_rounded_up(row) for row in rows], np.int64).reshape(len(rows), n)
    left = np.array([_rounded_down(row) for row in rows], np.int64)
    groups, room, names = candidates.rooms(state, settings)
    program = Program(
        candidates.worth(),
        _within(each, left, np.concatenate([most, np.ones(len(several.sizes), np.int64)])),
        each,
        np.maximum(left, 0),
        candidates.exclusive(),
        groups,
        np.maximum(room, 0),
    )
    quantities = solve(program)
    if quantities is None:
        tell_limit(state, candidates.numbers[0], f"not opened, no book was found in {_NODES} nodes")
        quantities = np.zeros(n, np.int64)
    used, taken = each @ quantities, quantities > 0
    stops = []
    asked = len(signals) + (len(several.sizes) > 0 and not taken[len(signals) :].any())
    for i in np.flatnonzero(~taken[:asked]).tolist():
        reasons = [row.name for row, full in zip(rows, used + each[:, i] > left, strict=True) if full]
        full_rooms = (groups[:, i] > 0) & (groups @ taken + groups[:, i] > room)
        reasons += [name for name, full in zip(names, full_rooms, strict=True) if full]
        if np.any(program.exclusive[:, i] & (program.exclusive @ taken)):
            reasons.append("leg_held")
        if program.worth[i] <= 0:
            reasons.append("choice_worth")
        reason = min(reasons, key=ENTRY_LIMITS.index) if reasons else "choice_search"
        stops.append((candidates.numbers[i], reason))
    return quantities, stops


def solve(program: Program) -> Whole | None:
    """Structures (n,) of each candidate that are worth most; None where the search has found no book.

    By HiGHS (Huangfu and Hall, 2018, "Parallelizing the dual revised simplex method", Mathematical Programming
    Computation 10), branch and cut, without a gap. A book that keeps the program only as far as floating point can tell
    is none.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # 23 MB that only this and fits need
    from scipy.sparse import csr_array

    open_to = np.flatnonzero((program.most > 0) & (program.worth > 0))
    found, n = np.zeros(len(program.most), np.int64), len(open_to)
    if not n:
        return found
    most = program.most[open_to]
    binding = program.each[:, open_to] @ most > program.left  # the others hold whatever is chosen
    each, left = _tightest(program.each[binding][:, open_to], program.left[binding])
    counts = np.concatenate([program.exclusive, program.groups])[:, open_to].astype(np.int64)
    allowed = np.concatenate([np.ones(len(program.exclusive), np.int64), program.room])
    crowded = counts.sum(axis=1) > allowed
    table = np.block(
        [
            [np.eye(n, dtype=np.int64), np.diag(-most)],
            [each, np.zeros_like(each)],
            [np.zeros_like(counts[crowded]), counts[crowded]],
        ]
    )
    above = np.concatenate([np.zeros(n), left, allowed[crowded]])
    result = milp(
        np.concatenate([-program.worth[open_to], np.zeros(n)]),
        integrality=np.ones(2 * n),
        bounds=Bounds(0.0, np.concatenate([most, np.ones(n)])),
        constraints=LinearConstraint(csr_array(table.astype(np.float64)), -np.inf, above),
        options={"mip_rel_gap": 0.0, "node_limit": _NODES},
    )
    if result.x is None:
        return None
    found[open_to] = np.rint(result.x[:n])
    return found if is_kept(program, found) else None


def is_kept(program: Program, quantities: Whole) -> bool:
    """Whether structures (n,) keep a program, in whole numbers."""
    taken = (quantities > 0).astype(np.int64)
    return bool(
        np.all((quantities >= 0) & (quantities <= program.most))
        and np.all(program.each @ quantities <= program.left)
        and np.all(program.exclusive @ taken <= 1)
        and np.all(program.groups @ taken <= program.room)
    )


# The program of a book ----------------------------------------------------------------------------------------------


def _within(each: Whole, left: Whole, most: Whole) -> Whole:
    """The most of each structure that every limit by itself allows."""
    room = np.where(each > 0, np.maximum(left, 0)[:, None] // np.maximum(each, 1), most)
    room[left < 0] = 0
    return np.minimum(most, np.min(room, axis=0, initial=_MOST_STRUCTURES))


def _rounded_up(row: LinearLimit) -> Whole:
    """What one structure uses; of one of which it is not known more than there ever is."""
    share = np.where(np.isfinite(row.each), row.each / row.allowed, np.inf)
    return np.asarray(np.minimum(np.ceil(share * _UNITS), 1e12).astype(np.int64))


def _rounded_down(row: LinearLimit) -> int:
    """What is left of a limit; below 0 where it is exceeded, or what is used is not known."""
    share = 1.0 - row.used / row.allowed
    return int(np.floor(max(min(share, 1e3), -1.0) * _UNITS)) if np.isfinite(share) else -1


def _tightest(each: Whole, left: Whole) -> tuple[Whole, Whole]:
    """Limits without those that another one, of the same room or less, implies."""
    keep: list[int] = []
    for j in sorted(range(len(left)), key=lambda j: (int(left[j]), j)):
        if not any(np.all(each[k] >= each[j]) for k in keep):
            keep.append(j)
    return each[keep], left[keep]


class _Candidates:
    """The columns of a program: n signals, and m sizes of what is together."""

    def __init__(self, signals: Records, several: Together) -> None:
        sizes = len(several.sizes)
        self._signals, self._several = signals, several
        self._rows = np.concatenate([signals, np.repeat(several.signals[:1], sizes)])
        """By which one is identified: what is together by its first signal."""
        self.numbers: list[int] = self._rows["underlying"].tolist()
        self._of_each = [[signal] for signal in signals] + [list(several.signals)] * sizes

    def worth(self) -> Whole:
        """Edges in parts of a cent, less the place among the others by identifiers, of sizes the least first."""
        columns = (*LEGS, *RATIOS, "direction")
        order = np.lexsort([self._rows[name] for name in reversed(("underlying", *columns))])
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        edges = [fsum(size * self._several.signals["edge"]) for size in self._several.sizes]
        edge = np.concatenate([self._signals["edge"], edges])
        return np.asarray(np.rint(edge * _CENTS).astype(np.int64) * _TIE - place)

    def exclusive(self) -> NDArray[np.bool_]:
        """For each leg that is of several columns, which."""
        has_leg: dict[int, list[int]] = {}
        for i, signals in enumerate(self._of_each):
            for leg in (leg for signal in signals for leg in legs_of(signal)):
                has_leg.setdefault(leg, []).append(i)
        shared = [places for places in has_leg.values() if len(places) > 1]
        flags = np.zeros((len(shared), len(self._of_each)), np.bool_)
        for row, places in zip(flags, shared, strict=True):
            row[places] = True
        return flags

    def rooms(self, state: StrategyState, settings: Settings) -> tuple[Whole, Whole, list[str]]:
        """How many trades each column is that count against a number of structures, what is left of it, its setting."""
        groups: list[list[int]] = []
        room: list[int] = []
        names: list[str] = []
        of_each = [[int(signal["underlying"]) for signal in signals] for signals in self._of_each]
        if not state.external.decides(Stage.RISK):
            groups.append([len(numbers) for numbers in of_each])
            room.append(settings.max_book_structures - len(state.trades))
            names.append("max_book_structures")
        for number in sorted({number for numbers in of_each for number in numbers}):
            groups.append([numbers.count(number) for numbers in of_each])
            room.append(settings.max_structures - len(state.trades_in(number)))
            names.append("max_structures")
        return np.array(groups, np.int64), np.array(room), names


CHOICES: Final[dict[str, Choice]] = {"in_turn": trades_in_turn, "whole_book": chosen_trades}
"""By the setting ``choice``."""
