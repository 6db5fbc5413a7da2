"""Which distributions are ordinary dividends, and which change contracts: one rule for all who read dividends.

LEAN's factor files, and its dividend events, have everything that lowers a price without a split in one column: a
spin-off is there as cash of its size. For that, and for special dividends, the exchange adjusts the contracts that are
listed (OCC By-Laws, article VI, section 11A: not for cash paid on a regular basis, nor for less than 12.50 a contract),
while LEAN leaves them at their strikes.

The rule reads what came before alone. Sizes are shares of the close before the ex-date, which no split changes. In the
order in which it asks, of LEAN's sample files (822 distributions; docs/data.md):

1. What the user's file of dated events names (:mod:`alo_lib.market.corporate_actions`) is that.
2. A tenth of the price or more adjusts contracts: the largest regular payment of the files is 2.2 %.
3. So does one of 2.5 % or more that is over three times the largest regular one of two years; 5 % where none is known.
4. What comes early - after less than three quarters of the usual gap, and not in its time after an earlier one - and is
   over twice as large as the largest, and 1 % or more, adjusts contracts; above 1.25 times the largest, or within four
   weeks of another one, it is extra: it will not be paid again, and is too small to count contracts as others.
5. All else is ordinary: a regular payment that was raised or cut, that is late, or whose rhythm became faster.
"""

import datetime as dt
import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from alo_lib.records import DividendKind

__all__ = ["HISTORY", "Distribution", "Dividend", "cash_of_contracts", "ordinary_dividends", "told_apart"]

HISTORY: Final = dt.timedelta(days=731)
"""How long before a distribution others are asked of its rhythm and size."""

_SURELY: Final = 0.1
_LARGE: Final = 0.025
_LARGE_ALONE: Final = 0.05
_TIMES_USUAL: Final = 3.0
_NOTABLE: Final = 0.01
_TIMES_EARLY: Final = 2.0
_ROOM: Final = 1.25
_MONTH: Final = 28  # days: the least between the payments of those who pay monthly
_GAPS: Final = 4  # whose median is the usual one
_EARLY: Final = 0.75
_ON_TIME: Final = 0.25  # of the gap, about it


class Dividend(NamedTuple):
    """``amount`` a share, rounded to cents, to whoever holds at the close before ``ex_date``."""

    ex_date: dt.date
    amount: float
    reference_price: float


class Distribution(NamedTuple):
    """A dividend, and what it is."""

    ex_date: dt.date
    amount: float
    reference_price: float
    kind: DividendKind

    @property
    def kept(self) -> float:
        """What it leaves of the price, as a share."""
        return 1.0 - _share(self)


def told_apart(
    dividends: Iterable[Dividend], named: Mapping[dt.date, DividendKind] | None = None
) -> tuple[Distribution, ...]:
    """What each dividend is, oldest first, by those before it; ``named`` by ex-date overrules the rule."""
    found: list[Distribution] = []
    for one in sorted(dividends):
        kind = None if named is None else named.get(one.ex_date)
        before = [each for each in found if one.ex_date - HISTORY <= each.ex_date]
        found.append(Distribution(*one, _kind(one, before) if kind is None else kind))
    return tuple(found)


def ordinary_dividends(distributions: Iterable[Distribution]) -> list[Distribution]:
    """Those that are paid regularly."""
    return [each for each in distributions if each.kind is DividendKind.ORDINARY]


def cash_of_contracts(distributions: Iterable[Distribution]) -> list[Dividend]:
    """What contracts are worth less by: all cash that they are not adjusted for."""
    return [
        Dividend(each.ex_date, each.amount, each.reference_price)
        for each in distributions
        if each.amount > 0.0 and each.kind is not DividendKind.ADJUSTING
    ]


def _kind(one: Dividend, before: Sequence[Distribution]) -> DividendKind:
    share = _share(one)
    usual = [_share(each) for each in before if each.kind is DividendKind.ORDINARY]
    most = max(usual, default=0.0)
    large = share >= _LARGE and share > _TIMES_USUAL * most if usual else share >= _LARGE_ALONE
    if share >= _SURELY or large:
        return DividendKind.ADJUSTING
    if not usual or not _is_early(one.ex_date, before):
        return DividendKind.ORDINARY
    if share >= _NOTABLE and share > _TIMES_EARLY * most:
        return DividendKind.ADJUSTING
    within_a_month = (one.ex_date - before[-1].ex_date).days < _MONTH
    return DividendKind.EXTRA if within_a_month or share > _ROOM * most else DividendKind.ORDINARY


def _share(one: Dividend | Distribution) -> float:
    """Of the price before; nothing where a host does not tell that price."""
    return one.amount / one.reference_price if one.reference_price > 0.0 else 0.0


def _is_early(day: dt.date, before: Sequence[Distribution]) -> bool:
    """Whether a payment comes before its time, by the gaps between those before it but for what changed contracts."""
    days = [each.ex_date for each in before if each.kind is not DividendKind.ADJUSTING]
    since = [(day - each).days for each in days]
    gaps = [gap for gap in ((later - each).days for each, later in pairwise(days)) if gap >= _MONTH][-_GAPS:]
    if not gaps:
        return since[-1] < _MONTH
    usual = statistics.median(gaps)
    return since[-1] < _EARLY * usual and all(abs(each - usual) > _ON_TIME * usual for each in since[-3:])
