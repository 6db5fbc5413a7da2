"""The limits of a book as rows that are linear in the number of structures of each candidate."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import LEGS, RATIOS, Records, sides_of
from alo_lib.strategy.book_risk import EXPIRY_BUCKETS, GREEKS, BookRisk, EachRisk, Holdings, PartRisk
from alo_lib.strategy.limits import LIMITS, Limit, Limits

__all__ = ["LinearLimit", "linear_limits"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class LinearLimit(NamedTuple):
    """One limit on one side: used + each @ quantities <= allowed, money. NaN where it cannot be told."""

    name: str
    used: float
    allowed: float
    each: Floats  # (n,), none below 0: what a candidate takes away counts for none of the others


class _Part(NamedTuple):
    """The whole book or one underlying of it, as it is and as n candidates add to it."""

    has: NDArray[np.bool_]  # (n,)
    share: float  # of what the whole book is allowed
    used: PartRisk
    profits: Floats  # (scenarios,)


def linear_limits(limits: Limits, base: Holdings, signals: Records, most: Whole) -> Iterator[LinearLimit]:
    """Every limit but those on numbers, in the order of LIMITS, for n SIGNAL records and the ``most`` (n,) of each.

    Greeks are bounded above and below, losses in each scenario. Margin is no sum: a candidate counts at the most of
    what it needs alone and what it adds to what is held; so pairs that candidates break up among themselves may need
    more.
    """
    risk, own = limits.risk, limits.settings
    whole, alone = risk.of_all(base)
    profits = {number: risk.profits(number, base) for number in alone}
    is_of = {number: signals["underlying"] == number for number in alone}
    each = _added(risk, signals, is_of)
    margin = _margins(risk, base, signals, most)
    parts = [_Part(np.ones(len(signals), np.bool_), 1.0, whole, np.sum(list(profits.values()), axis=0))]
    parts += [_Part(is_of[number], own.max_underlying_share, alone[number], profits[number]) for number in alone]
    expiries = [risk.of_expiry(place, base) for place in range(len(EXPIRY_BUCKETS))]
    for limit in (limit for limit in LIMITS if not limit.counts):
        allowed, name = limits.allowed(limit), limit.name.removeprefix("max_")
        for part in parts:
            for used, added in _sides(limit, part, each, margin, risk.shocks):
                yield _row(limit, used, part.share * allowed, np.where(part.has, added, 0.0))
        for place, held in enumerate(expiries if limit.by_expiry else ()):
            for sign in (+1.0, -1.0):
                added = sign * each.by_expiry[name][place]
                yield _row(limit, sign * getattr(held, name), own.max_expiry_share * allowed, added)


def _row(limit: Limit, used: float, allowed: float, added: Floats) -> LinearLimit:
    return LinearLimit(limit.name, used, allowed, np.maximum(added, 0.0))


def _sides(limit: Limit, part: _Part, each: EachRisk, margin: Floats, shocks: int) -> Iterator[tuple[float, Floats]]:
    """What a part uses of a limit, and what one of each candidate adds, on each of the limit's sides."""
    name = limit.name.removeprefix("max_")
    if name in GREEKS:
        yield from ((sign * getattr(part.used, name), sign * each.greeks[name]) for sign in (+1.0, -1.0))
    elif name == "stress_loss":
        yield from zip(-part.profits[:shocks], -each.profits[:shocks], strict=True)
    elif name == "gap_loss":
        yield from zip(-part.profits[shocks:], -each.profits[shocks:], strict=True)
    else:
        yield getattr(part.used, name), {"margin": margin, "notional": each.notional}[name]


def _added(risk: BookRisk, signals: Records, is_of: dict[int, NDArray[np.bool_]]) -> EachRisk:
    """What one structure of each signal adds, in the signals' order."""
    legs, ratios = (np.stack([signals[name] for name in names]) for names in (LEGS, RATIOS))
    wanted = signals["direction"] * ratios
    numbers = [number for number, mine in is_of.items() if mine.any()]
    parts = [risk.of_each(number, legs[:, is_of[number]], wanted[:, is_of[number]]) for number in numbers]
    back = np.argsort(np.concatenate([np.flatnonzero(is_of[number]) for number in numbers]))

    def joined(columns: list[Floats]) -> Floats:
        return np.asarray(np.concatenate(columns, axis=-1)[..., back])

    return EachRisk(
        {name: joined([part.greeks[name] for part in parts]) for name in GREEKS},
        joined([part.notional for part in parts]),
        {name: joined([part.by_expiry[name] for part in parts]) for name in GREEKS},
        joined([part.profits for part in parts]),
    )


def _margins(risk: BookRisk, base: Holdings, signals: Records, most: Whole) -> Floats:
    """Margin of one structure of each signal: alone, or as a share of what the most of it add, which is more."""
    held = {number: risk.margin(number, base) for number in np.unique(signals["underlying"]).tolist()}
    margins = np.zeros(len(signals))
    for i, signal in enumerate(signals):
        number, count = int(signal["underlying"]), int(most[i])
        wanted = sides_of(signal)
        alone = risk.margin(number, Holdings(wanted, {}))
        full = {leg: count * each for leg, each in wanted.items()}
        added = risk.margin(number, Holdings({**base.quantity, **full}, {})) - held[number]
        margins[i] = max(alone, added / count) if np.isfinite(alone + added) else np.nan
    return margins
