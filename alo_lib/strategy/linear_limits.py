"""The limits of a book as rows that are linear in the number of structures of each candidate."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import LEGS, RATIOS, Records, sides_of
from alo_lib.strategy.book_risk import EXPIRY_BUCKETS, GREEKS, BookRisk, EachRisk, Holdings, PartRisk, once_closed
from alo_lib.strategy.limits import LIMITS, Limit, Limits
from alo_lib.strategy.margin import SHARE_LEVERAGE

__all__ = ["LinearLimit", "Together", "linear_limits"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Together(NamedTuple):
    """Structures in several underlyings that are one candidate in each of m sizes, of which one at most is taken."""

    signals: Records  # (b,) SIGNAL records
    sizes: Whole  # (m, b) structures of each, ascending

    @classmethod
    def none(cls, signals: Records) -> Self:
        """Nothing, beside SIGNAL records (n,)."""
        return cls(signals[:0], np.zeros((0, 0), np.int64))


class LinearLimit(NamedTuple):
    """One limit on one side: used + each @ quantities <= allowed, money. NaN where it cannot be told."""

    name: str
    used: float
    allowed: float
    each: Floats  # (n + m,), none below 0: what a candidate takes away counts for none of the others


class _Added(NamedTuple):
    """What n candidates add, and in each of m sizes the b structures of what is together."""

    alone: Floats  # (n,)
    together: Floats  # (m, b)

    def of(self, has: NDArray[np.bool_]) -> Floats:
        """What each candidate adds (n + m,) to a part that has some of all n + b; sums go in the structures' order."""
        count = len(self.alone)
        total = np.zeros(len(self.together))
        for column in np.where(has[count:], self.together, 0.0).T:
            total = total + column
        return np.concatenate([np.where(has[:count], self.alone, 0.0), total])


class _Part(NamedTuple):
    """The whole book or one underlying of it, as it is or once hedged, and as n + b structures add to it."""

    has: NDArray[np.bool_]  # (n + b,)
    share: float  # of what the whole book is allowed
    used: PartRisk
    profits: Floats  # (scenarios,)
    each: EachRisk
    margins: _Added


def linear_limits(
    limits: Limits, base: Holdings, signals: Records, most: Whole, together: Together | None = None
) -> Iterator[LinearLimit]:
    """Every limit but those on numbers, in the order of LIMITS, for n SIGNAL records and the ``most`` (n,) of each.

    Greeks are bounded above and below, losses in each scenario. Margin is no sum: a candidate counts at the most of
    what it needs alone and what it adds to what is held; so pairs that candidates break up among themselves may need
    more. After them come the m sizes of what is ``together``, each as a whole: what its structures offset of each
    other counts. Margin and losses hold for the book once hedged, too, where each candidate's shares count by
    themselves for margin; and where something is to be closed, all limits but that of delta for the book once it is.
    """
    several = Together.none(signals) if together is None else together
    rows = np.concatenate([signals, several.signals])
    is_of = {number: rows["underlying"] == number for number in limits.state.underlyings}
    candidates = _Candidates(signals, most, several, is_of, _added(limits.risk, rows, is_of))
    parts, after = candidates.parts(limits, base)
    yield from _rows(limits, base, candidates, lambda limit: [*parts, *(after if limit.of_shares else ())])
    later = once_closed(limits.state, base)
    if later is not None:
        _, left = candidates.parts(limits, later)
        yield from _rows(limits, later, candidates, lambda limit: [] if limit.name == "max_delta" else left)


class _Candidates(NamedTuple):
    """What may be chosen: n signals by themselves, and b of which m sizes are one candidate each."""

    signals: Records  # (n,)
    most: Whole  # (n,)
    several: Together
    is_of: dict[int, NDArray[np.bool_]]  # (n + b,) by underlying
    each: EachRisk  # of n + b

    def added(self, one: Floats) -> _Added:
        """What each adds, of what one structure of n + b does."""
        return _Added(one[: len(self.signals)], self.several.sizes * one[len(self.signals) :])

    def parts(self, limits: Limits, base: Holdings) -> tuple[list[_Part], list[_Part]]:
        """The parts of a book, as it is and once it is hedged."""
        risk, delta = limits.risk, self.each.greeks["delta"]
        margins = _margins(risk, base, self.signals, self.most), _margins_together(risk, base, self.several)
        shares = self.added(np.abs(delta) / SHARE_LEVERAGE)
        with_shares = _Added(margins[0] + shares.alone, margins[1] + shares.together)
        hedged = self.each._replace(profits=self.each.profits - delta * risk.moves[:, None])
        return (
            _parts(limits, base, self.is_of, self.each, _Added(*margins)),
            _parts(limits, risk.hedged(base), self.is_of, hedged, with_shares),
        )


def _rows(
    limits: Limits, base: Holdings, candidates: _Candidates, parts_of: Callable[[Limit], list[_Part]]
) -> Iterator[LinearLimit]:
    """The limits of a book's parts, of which each limit has some, and of its buckets of expiries."""
    expiries = [limits.risk.of_expiry(place, base) for place in range(len(EXPIRY_BUCKETS))]
    every = np.ones(len(candidates.each.notional), np.bool_)
    for limit in (limit for limit in LIMITS if not limit.counts):
        allowed, name = limits.allowed(limit), limit.name.removeprefix("max_")
        for part in parts_of(limit):
            share = part.share * allowed
            if name == "margin":
                yield _row(limit, part.used.margin, share, part.margins.of(part.has))
                continue
            for used, one in _sides(limit, part, limits.risk.shocks):
                yield _row(limit, used, share, candidates.added(one).of(part.has))
        for place, held in enumerate(expiries if limit.by_expiry else ()):
            for sign in (+1.0, -1.0):
                bucket = candidates.added(sign * candidates.each.by_expiry[name][place]).of(every)
                yield _row(limit, sign * getattr(held, name), limits.settings.max_expiry_share * allowed, bucket)


def _parts(
    limits: Limits, holdings: Holdings, is_of: dict[int, NDArray[np.bool_]], each: EachRisk, margins: _Added
) -> list[_Part]:
    """The whole book first, then each underlying."""
    whole, alone = limits.risk.of_all(holdings)
    profits = {number: limits.risk.profits(number, holdings) for number in alone}
    every, share = np.ones(len(each.notional), np.bool_), limits.settings.max_underlying_share
    parts = [_Part(every, 1.0, whole, np.sum(list(profits.values()), axis=0), each, margins)]
    return parts + [_Part(is_of[n], share, alone[n], profits[n], each, margins) for n in alone]


def _row(limit: Limit, used: float, allowed: float, added: Floats) -> LinearLimit:
    return LinearLimit(limit.name, used, allowed, np.maximum(added, 0.0))


def _sides(limit: Limit, part: _Part, shocks: int) -> Iterator[tuple[float, Floats]]:
    """What a part uses of a limit, and what one of each structure adds, on each of the limit's sides."""
    each, name = part.each, limit.name.removeprefix("max_")
    if name in GREEKS:
        yield from ((sign * getattr(part.used, name), sign * each.greeks[name]) for sign in (+1.0, -1.0))
    elif name == "stress_loss":
        yield from zip(-part.profits[:shocks], -each.profits[:shocks], strict=True)
    elif name == "gap_loss":
        yield from zip(-part.profits[shocks:], -each.profits[shocks:], strict=True)
    else:
        yield part.used.notional, each.notional


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
    held = _margins_held(risk, base, signals)
    margins = np.zeros(len(signals))
    for i, (signal, count) in enumerate(zip(signals, most.tolist(), strict=True)):
        number, one, full = int(signal["underlying"]), _times(signal, 1), _times(signal, count)
        alone = risk.margin(number, Holdings(one, {}))
        added = risk.margin(number, Holdings({**base.quantity, **full}, {})) - held[number]
        margins[i] = max(alone, added / count) if np.isfinite(alone + added) else np.nan
    return margins


def _margins_together(risk: BookRisk, base: Holdings, together: Together) -> Floats:
    """Margin (m, b) of all of each size's structures of each signal: alone, or added to what is held, which is more."""
    held = _margins_held(risk, base, together.signals)
    margins = np.zeros(together.sizes.shape)
    for column, signal, counts in zip(margins.T, together.signals, together.sizes.T.tolist(), strict=True):
        number = int(signal["underlying"])
        for size, count in enumerate(counts):
            full = _times(signal, count)
            alone = risk.margin(number, Holdings(full, {}))
            added = risk.margin(number, Holdings({**base.quantity, **full}, {})) - held[number]
            column[size] = max(alone, added) if np.isfinite(alone + added) else np.nan
    return margins


def _margins_held(risk: BookRisk, base: Holdings, signals: Records) -> dict[int, float]:
    return {number: risk.margin(number, base) for number in np.unique(signals["underlying"]).tolist()}


def _times(signal: np.void, count: int) -> dict[int, int]:
    """Contracts, signed, of some structures of a signal."""
    return {leg: count * each for leg, each in sides_of(signal).items()}
