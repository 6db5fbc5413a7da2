"""Which panels the contracts of a chain read, at which rates and yields; safe between threads.

What depends on neither spot nor volatility is kept from call to call as one immutable value, :class:`_State`. A call
takes it once and works with what it took; what it adds is a new value, swapped in at the end. So threads that share a
chain may cost each other the time to make a state anew, but never see half of another's, and as a panel is a pure
function of its key a contract's bits are those of a chain of its own.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.american import decay
from alo_lib.pricing.implied import LAST_STEP, MAX_STEPS, Search, advance, new_search
from alo_lib.pricing.panels import DEGREES, LOWEST, PANELS, Panels, expiry_tables, panel, place, read_values
from alo_lib.pricing.scheme import LONG, PRICE_SINE, Scheme, tables
from alo_lib.pricing.terms import Options

__all__ = ["ChainPanels", "has_panel"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


_NO_COEFFICIENTS = np.empty((0, 3, 1, DEGREES))


class _State(NamedTuple):
    """A chain at its rates and yields, and the panels asked for so far; nothing in it is written once it is made."""

    terms: bytes  # of the rates and yields, (2 n,)
    member: Integers  # (n,) group of each contract, -1 where it has no single boundary or no life left
    settles: Array  # (groups, PANELS) how far the boundaries of a panel settle, at the quicker end
    asked: Mask  # (groups, PANELS) panels asked for, whether there are or not
    panels: Panels

    @property
    def is_read(self) -> bool:
        """Whether any contract may have a panel."""
        return self.settles.size > 0


@kernel
def _keys(rate: Array, dividend_yield: Array, time: Array, right: Array) -> Array:
    """Time to expiry, yield and rate of the reduced put (3, n): what np.lexsort sorts by, the last one first."""
    out = np.empty((3, rate.size))
    for i in range(rate.size):
        call = right[i] > 0.0
        out[0, i] = time[i]
        out[1, i] = rate[i] if call else dividend_yield[i]
        out[2, i] = dividend_yield[i] if call else rate[i]
    return out


@kernel
def _years(time: float) -> int:
    """The exponent of the panel's horizon, a power of 4 years."""
    return (math.frexp(time)[1] + 1) // 2


@kernel
def has_panel(time: float, dividend_yield: float, rate: float) -> bool:
    """Whether a put has a single boundary, which panels hold."""
    return time > 0.0 and (rate > 0.0 or (rate == 0.0 and dividend_yield < 0.0))


@kernel
def _grouped(keys: Array, order: Integers) -> tuple[Integers, Integers, Array, Array]:
    """Contracts sorted by order (n,) in groups of equal keys: ``first``, ``member``, ``group`` and ``settles``.

    No groups where no contract has a single boundary, and so none reads a panel.
    """
    n = order.size
    first, member = np.empty(n + 1, np.int64), np.empty(n, np.int64)
    groups, read = 0, False
    for position in range(n):
        i, before = order[position], order[max(position - 1, 0)]
        if position == 0 or (
            keys[0, i] != keys[0, before] or keys[1, i] != keys[1, before] or keys[2, i] != keys[2, before]
        ):
            first[groups] = position
            groups += 1
        time, dividend_yield, rate = keys[0, i], keys[1, i], keys[2, i]
        single = has_panel(time, dividend_yield, rate)
        member[i] = groups - 1 if single else -1
        read = read or single
    if not read:
        groups = 0
    first[groups] = n
    group, settles = np.zeros((groups, 6)), np.empty((groups, PANELS))
    for j in range(groups):
        i = order[first[j]]
        time, dividend_yield, rate = keys[0, i], keys[1, i], keys[2, i]
        group[j, 0], group[j, 1], group[j, 2] = rate, dividend_yield, time
        if dividend_yield > rate > 0.0:  # the boundary starts below the strike
            group[j, 3], group[j, 4], group[j, 5] = math.log(rate / dividend_yield), 1.0 / rate, -1.0 / dividend_yield
        quicker = decay(rate, dividend_yield, 2.0 ** (LOWEST - 1))
        for number in range(PANELS):
            slower, quicker = quicker, decay(rate, dividend_yield, 2.0 ** (LOWEST + number))
            settles[j, number] = max(slower, quicker) * 4.0 ** _years(time)
    return first[: groups + 1].copy(), member, group, settles


@kernel
def _ask(
    volatility: Array, limit: float, member: Integers, settles: Array, asked: Mask, wanted: Mask, without: Mask
) -> tuple[Mask, bool, bool]:
    """The panels asked for with those that the wanted volatilities (n,) need; none where boundaries settle further.

    Who is wanted and cannot have a panel is so no longer, and is without. Returns the panels, whether there are new
    ones, and whether anyone is still wanted. What was asked is not written to.
    """
    new = left = False
    for i in range(volatility.size):
        if not wanted[i]:
            continue
        j = member[i]
        number = -1
        if j >= 0 and volatility[i] > 0.0:
            number, _ = place(volatility[i])
        if not (0 <= number < PANELS and settles[j, number] <= limit):
            wanted[i], without[i] = False, True
            continue
        left = True
        if not asked[j, number]:
            if not new:
                asked = asked.copy()
            new = True
            asked[j, number] = True
    return asked, new, left


@kernel
def _advance(
    taken: int,
    quoted: Array,
    options: Options,
    search: Search,
    unsettled: Mask,
    without: Mask,
    points: Array,
    at: _State,
) -> tuple[Mask, bool, int]:
    """Take steps in the searches that are unsettled (n) until they need panels that are not there, or all have ended.

    Who has no value, or no panel, is unsettled no longer, and is without. taken: how many steps were taken before.
    quoted: (n,) prices; points: as ``price`` of Tables. Returns the panels asked for, whether there are new ones, and
    how many steps were taken.
    """
    values = np.empty((3, quoted.size))
    while taken < MAX_STEPS:
        asked, new, left = _ask(search.volatility, math.inf, at.member, at.settles, at.asked, unsettled, without)
        if new or not left:
            return asked, new, taken
        read_values(options, search.volatility, unsettled, 1, points, at.panels, values)
        for i in range(quoted.size):
            if unsettled[i] and math.isnan(values[0, i]):
                unsettled[i], without[i] = False, True
        advance(quoted, values, search, unsettled, LAST_STEP)
        taken += 1
    return at.asked, False, taken


def _with_panels(panels: Panels, asked: Mask, scheme: Scheme) -> Panels:
    """The groups' panels with those of the ones asked for, none of which was before, that there are."""
    t, group, before = tables(scheme), panels.group, len(panels.coefficients)
    number = panels.number.copy()
    solved: list[Array] = []
    roots: list[float] = []
    terms = group.tolist()
    for j, which in zip(*(axis.tolist() for axis in asked.nonzero()), strict=True):
        rate, dividend_yield, time, *_ = terms[j]
        found = panel(rate, dividend_yield, scheme, _years(time), which + LOWEST)
        if found is not None:
            number[j, which] = before + len(solved)
            solved.append(found.coefficients)
            roots.append(math.sqrt(time / found.until))
    sine = t.price[PRICE_SINE]
    coefficients = np.empty((len(solved), 3, sine.size + 1, DEGREES))
    sources = np.empty((len(solved), 3 * t.node.size, DEGREES))
    for source, of in zip(sources, solved, strict=True):
        source[:] = of
    expiry_tables(sources, np.array(roots), t.node, sine, coefficients)
    if before:
        coefficients = np.concatenate([panels.coefficients, coefficients])
    return panels._replace(number=number, coefficients=coefficients)


class ChainPanels:
    """Values of a chain's American contracts; keeps what depends on neither spot nor volatility from call to call.

    time_to_expiry, right: shape (n,), which nobody writes to any more.
    """

    def __init__(self, time_to_expiry: Array, right: Array, scheme: Scheme) -> None:
        self._time, self._right, self._scheme = time_to_expiry, right, scheme
        self._price = tables(scheme).price
        self._state: _State | None = None

    def _at(self, rate: Array, dividend_yield: Array) -> _State:
        """The state at these rates and yields (n,): the one kept, or one without panels."""
        state, terms = self._state, rate.tobytes() + dividend_yield.tobytes()
        if state is not None and state.terms == terms:
            return state
        keys = _keys(rate, dividend_yield, self._time, self._right)
        order = np.lexsort(keys)
        first, member, group, settles = _grouped(keys, order)
        none = Panels(order, first, group, np.full(settles.shape, -1), _NO_COEFFICIENTS)
        self._state = made = _State(terms, member, settles, np.zeros(settles.shape, np.bool_), none)
        return made

    def _with(self, state: _State, volatility: Array, limit: float, wanted: Mask, without: Mask) -> _State:
        """A state with the panels that the wanted volatilities need, see :func:`_ask`."""
        asked, new, _ = _ask(volatility, limit, state.member, state.settles, state.asked, wanted, without)
        return self._asked(state, asked) if new else state

    def _asked(self, state: _State, asked: Mask) -> _State:
        """The state with the panels asked for."""
        new = asked & ~state.asked
        return state._replace(asked=asked, panels=_with_panels(state.panels, new, self._scheme))

    def _own(self, options: Options, beside: Array) -> int:
        """How many contracts there are. What kernels index by is made for them: other columns end here.

        :raises ValueError: for columns of another length.
        """
        n = self._time.size
        for column in (*options, beside):
            if column.shape != (n,):
                raise ValueError(f"a chain of {n} contracts is asked with columns of another length")
        return n

    def values(self, options: Options, volatility: Array, rows: int, among: Mask | None = None) -> Array | None:
        """Shape (rows, n): 1 row for prices, 10 with the greeks; NaN where a contract has no panel.

        None where no contract has one. options: these contracts, in a market. among: (n,) which are asked for, the
        others are NaN; None for all.
        """
        n = self._own(options, volatility)
        state = self._at(options.rate, options.dividend_yield)
        if not state.is_read:
            return None
        wanted, without = np.ones(n, np.bool_) if among is None else among.copy(), np.zeros(n, np.bool_)
        state = self._with(state, volatility, LONG, wanted, without)
        out = np.empty((rows, n))
        read_values(options, volatility, wanted, 1, self._price, state.panels, out)
        self._state = state
        return out

    def implied(self, price: Array, options: Options) -> tuple[Array, Mask] | None:
        """Implied volatilities (n,), NaN where none explains a price, and which searches stopped for want of a panel.

        None where no contract has one. options: these contracts, in a market. All searches take each step together; the
        European volatilities are where they start.
        """
        n = self._own(options, price)
        state = self._at(options.rate, options.dividend_yield)
        if not state.is_read:
            return None
        search = new_search(price, options, 1)
        unsettled, without = np.isfinite(search.volatility), np.zeros(n, np.bool_)
        new, taken = True, 0
        while new:
            asked, new, taken = _advance(taken, price, options, search, unsettled, without, self._price, state)
            if new:
                state = self._asked(state, asked)
        # On its way a search may pass through panels that are not good enough to end in.
        state = self._with(state, search.volatility, LONG, np.isfinite(search.volatility), without)
        self._state = state
        return search.volatility, without
