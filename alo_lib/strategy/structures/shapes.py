"""Which contracts that are held already form a structure: what each structure looks like, whatever found it.

A structure is told by its legs' rights, strikes and expiries and by how many are held of each, as long or as short as
its ratios say. What could be several is the one with most legs, of as many the first in the registry's order.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from alo_lib.strategy.structures.registry import STRUCTURES

__all__ = ["FORMS", "FormedStructure", "HeldContract", "formed_structures"]


class HeldContract(NamedTuple):
    """A contract that is held."""

    number: int
    right: int  # +1 call, -1 put
    strike: float
    expiry: int  # ns UTC
    quantity: int  # signed, not 0


class FormedStructure(NamedTuple):
    """A structure that contracts form."""

    structure: str  # its name
    legs: tuple[int, ...]  # numbers, in the order of its ratios
    direction: int  # +1 bought, -1 sold
    quantity: int  # structures


Legs = Sequence[HeldContract]


def _one_expiry(legs: Legs) -> bool:
    return len({leg.expiry for leg in legs}) == 1


def _rights(legs: Legs, *rights: int) -> bool:
    return tuple(leg.right for leg in legs) == rights


def _straddle(legs: Legs) -> bool:
    call, put = legs
    return _rights(legs, +1, -1) and _one_expiry(legs) and call.strike == put.strike


def _strangle(legs: Legs) -> bool:
    call, put = legs
    return _rights(legs, +1, -1) and _one_expiry(legs) and call.strike > put.strike


def _around(legs: Legs) -> bool:
    """Whether the third leg is a call above the first's strike and the fourth a put below the second's."""
    call, put, upper, lower = legs
    beyond = upper.strike > call.strike and lower.strike < put.strike
    return _rights(legs, +1, -1, +1, -1) and _one_expiry(legs) and beyond


def _iron_butterfly(legs: Legs) -> bool:
    call, _, upper, lower = legs
    equally_wide = round(upper.strike - call.strike, 3) == round(call.strike - lower.strike, 3)
    return _straddle(legs[:2]) and _around(legs) and equally_wide


def _iron_condor(legs: Legs) -> bool:
    return _strangle(legs[:2]) and _around(legs)


def _vertical(legs: Legs) -> bool:
    inner, outer = legs
    further_out = inner.right * (outer.strike - inner.strike) > 0.0
    return inner.right == outer.right and _one_expiry(legs) and further_out


def _calendar(legs: Legs) -> bool:
    near, far = legs
    return (near.right, near.strike) == (far.right, far.strike) and near.expiry < far.expiry


def _diagonal(legs: Legs) -> bool:
    near, far = legs
    return near.right == far.right and near.strike != far.strike and near.expiry < far.expiry


def _single(legs: Legs) -> bool:
    return True


FORMS: Final[Mapping[str, Callable[[Legs], bool]]] = {
    "straddle": _straddle,
    "strangle": _strangle,
    "iron-butterfly": _iron_butterfly,
    "iron-condor": _iron_condor,
    "vertical": _vertical,
    "risk-reversal": _strangle,
    "calendar": _calendar,
    "diagonal": _diagonal,
    "single": _single,
}
"""By the structure's name, whether contracts in the order of its ratios form it; whose sides are right is asked before.
A structure that is not here is not found again."""


def formed_structures(held: Sequence[HeldContract]) -> list[FormedStructure]:
    """What contracts of one underlying form, each of them in one structure: what forms no other is a single."""
    left = {leg.number: leg for leg in sorted(held)}
    found: list[FormedStructure] = []
    names = [name for name in STRUCTURES if name in FORMS]
    for name in sorted(names, key=lambda each: -len(STRUCTURES[each].ratios)):
        for formed in _of(name, list(left.values())):
            if all(leg in left for leg in formed.legs):
                found.append(formed)
                for leg in formed.legs:
                    del left[leg]
    return sorted(found, key=lambda each: min(each.legs))


def _of(name: str, held: Sequence[HeldContract]) -> Iterator[FormedStructure]:
    """Every way in which contracts form one structure; a contract may stand in several."""
    ratios, forms = STRUCTURES[name].ratios, FORMS[name]
    for direction in (+1, -1):
        places = [[leg for leg in held if _holds(leg, direction * ratio)] for ratio in ratios]
        for legs in _chosen(places):
            structures = [leg.quantity // (direction * ratio) for leg, ratio in zip(legs, ratios, strict=True)]
            if min(structures) == max(structures) and forms(legs):
                yield FormedStructure(name, tuple(leg.number for leg in legs), direction, structures[0])


def _holds(leg: HeldContract, ratio: int) -> bool:
    """Whether a contract is held as one leg of whole structures."""
    return leg.quantity * ratio > 0 and leg.quantity % ratio == 0


def _chosen(places: Sequence[Legs]) -> Iterator[Legs]:
    """Contracts for the places of a structure; four are two pairs, of which the outer stands around the inner."""
    if len(places) < 4:
        yield from itertools.product(*places)
        return
    pairs = [_by_expiry(*places[:2]), _by_expiry(*places[2:])]
    for expiry in sorted(pairs[0].keys() & pairs[1].keys()):
        for inner, outer in itertools.product(pairs[0][expiry], pairs[1][expiry]):
            yield *inner, *outer


def _by_expiry(calls: Legs, puts: Legs) -> dict[int, list[Legs]]:
    found: dict[int, list[Legs]] = {}
    for call, put in itertools.product(calls, puts):
        if call.right > 0 > put.right and call.expiry == put.expiry and abs(call.quantity) == abs(put.quantity):
            found.setdefault(call.expiry, []).append((call, put))
    return found
