"""Which contracts were delivered, by the shares that they brought and what these cost: a sum of bounded integers.

Both halves of the contracts are summed up in every way that can still come to the shares and the cost, sums that are
equal kept once, and the halves are then matched: so few sums are looked at where the ways are beyond number.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

__all__ = ["Delivery", "Found", "TooManyWaysError", "fewest_delivered"]

_MOST_STEPS: Final = 1_000_000
_MILLS: Final = 1_000
"""Strikes are whole thousandths."""


class Delivery(NamedTuple):
    """What may have been delivered of one contract."""

    most: int  # contracts
    shares: int  # signed, that one of them brings
    strike: float  # that each of the shares costs; 0 where costs do not count
    whole: bool = False  # all of them or none


class TooManyWaysError(Exception):
    """There are more ways than can be looked through."""


class Found(NamedTuple):
    """The fewest contracts that were delivered, of each."""

    way: tuple[int, ...]
    alone: bool  # whether no other way of as many contracts does


class _Sum(NamedTuple):
    contracts: int
    way: tuple[int, ...]
    alone: bool = True


_Point = tuple[int, int]  # shares, and their cost in thousandths


def fewest_delivered(
    deliveries: Sequence[Delivery], shares: int, cost: float, slack: float, fee: float = 0.0
) -> Found | None:
    """The fewest contracts of each that bring exactly ``shares``, at ``cost`` give or take ``slack`` and ``fee`` each.

    Of ways of as many contracts that of the nearest cost counts, then that of the most contracts last. None where there
    is none; raises TooManyWaysError where that cannot be told.
    """
    # What has the most ways goes last: by then the shares leave it few.
    order = sorted(range(len(deliveries)), key=lambda place: (deliveries[place].most, place))
    halves = [deliveries[place] for place in order[::2]], [deliveries[place] for place in order[1::2]]
    most = slack + fee * sum(each.most for each in deliveries)
    aim = _Aim(shares, cost * _MILLS, most * _MILLS)
    right = _sums(halves[1], aim, _reach(halves[0]))
    left = _sums(halves[0], aim, _reach(halves[1]))
    by_shares: dict[int, list[int]] = {}
    for brought, paid in sorted(right):
        by_shares.setdefault(brought, []).append(paid)
    best: tuple[int, float, tuple[int, ...]] | None = None
    alone, steps = True, 0
    for (brought, paid), first in left.items():
        others = by_shares.get(shares - brought, [])
        start = bisect_left(others, aim.cost - aim.slack - paid)
        for other in others[start:]:
            steps += 1
            if steps > _MOST_STEPS:
                raise TooManyWaysError
            off = abs(aim.cost - paid - other)
            if off > aim.slack:
                break
            second = right[shares - brought, other]
            if off > (slack + fee * (first.contracts + second.contracts)) * _MILLS:
                continue
            way = _in_order(order, first.way, second.way)
            found = first.contracts + second.contracts, off, way
            single = first.alone and second.alone
            alone = single if best is None or found[0] < best[0] else alone and found[0] > best[0]
            best = found if best is None or found < best else best
    return None if best is None else Found(best[2], alone)


class _Aim(NamedTuple):
    """What all deliveries together are to come to."""

    shares: int
    cost: float  # in thousandths
    slack: float


class _Reach(NamedTuple):
    """The least and the most that some deliveries can come to."""

    least: _Point
    most: _Point


def _reach(deliveries: Sequence[Delivery]) -> _Reach:
    ends = [(each.most * each.shares, each.most * _cost(each)) for each in deliveries]
    least = sum(min(0, shares) for shares, _ in ends), sum(min(0, cost) for _, cost in ends)
    return _Reach(least, (sum(max(0, shares) for shares, _ in ends), sum(max(0, cost) for _, cost in ends)))


def _cost(each: Delivery) -> int:
    return each.shares * round(each.strike * _MILLS)


def _sums(deliveries: Sequence[Delivery], aim: _Aim, others: _Reach) -> dict[_Point, _Sum]:
    """All that deliveries can come to from where what is left and ``others`` can reach the aim."""
    sums, steps = {(0, 0): _Sum(0, ())}, 0
    for place, each in enumerate(deliveries):
        rest = _reach(deliveries[place + 1 :])
        low, high = others.least[0] + rest.least[0], others.most[0] + rest.most[0]
        cheap = aim.cost - aim.slack - others.most[1] - rest.most[1]
        dear = aim.cost + aim.slack - others.least[1] - rest.least[1]
        after: dict[_Point, _Sum] = {}
        for (shares, paid), before in sums.items():
            for count in _counts(each, aim.shares - shares - high, aim.shares - shares - low):
                steps += 1
                if steps > _MOST_STEPS:
                    raise TooManyWaysError
                point = shares + count * each.shares, paid + count * _cost(each)
                if cheap <= point[1] <= dear:
                    found = before._replace(contracts=before.contracts + count, way=(*before.way, count))
                    after[point] = _fewer(found, after.get(point))
        sums = after
    return sums


def _fewer(one: _Sum, other: _Sum | None) -> _Sum:
    """That of fewer contracts; of equal ones the first, which is then not alone."""
    if other is None or one.contracts < other.contracts:
        return one
    return other if one.contracts > other.contracts else min(one, other)._replace(alone=False)


def _counts(each: Delivery, least: int, most: int) -> Iterator[int]:
    """Contracts that bring from ``least`` to ``most`` shares."""
    if each.whole:
        return (count for count in (0, each.most) if least <= count * each.shares <= most)
    size = abs(each.shares)
    low, high = (least, most) if each.shares > 0 else (-most, -least)
    return iter(range(max(0, -(-low // size)), min(each.most, high // size) + 1))


def _in_order(order: Sequence[int], first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    way = [0] * len(order)
    for place, count in zip((*order[::2], *order[1::2]), (*first, *second), strict=True):
        way[place] = count
    return tuple(way)
