"""What structures look like, by their legs' rights, strikes and expiries: what several of them have in common."""

from collections.abc import Sequence

from alo_lib.strategy.structures.structure import HeldContract

__all__ = ["are_a_straddle", "are_a_strangle", "are_wings_around", "expire_together"]

Legs = Sequence[HeldContract]


def expire_together(legs: Legs) -> bool:
    """Whether all legs expire at one time."""
    return len({leg.expiry for leg in legs}) == 1


def are_a_straddle(legs: Legs) -> bool:
    """Whether they are a call and a put of one expiry and strike."""
    call, put = legs
    return _rights(legs) == (+1, -1) and expire_together(legs) and call.strike == put.strike


def are_a_strangle(legs: Legs) -> bool:
    """Whether they are a call and a put of one expiry, the call's strike above the put's."""
    call, put = legs
    return _rights(legs) == (+1, -1) and expire_together(legs) and call.strike > put.strike


def are_wings_around(legs: Legs) -> bool:
    """Whether the third leg is a call above the first's strike and the fourth a put below the second's."""
    call, put, upper, lower = legs
    beyond = upper.strike > call.strike and lower.strike < put.strike
    return _rights(legs) == (+1, -1, +1, -1) and expire_together(legs) and beyond


def _rights(legs: Legs) -> tuple[int, ...]:
    return tuple(leg.right for leg in legs)
