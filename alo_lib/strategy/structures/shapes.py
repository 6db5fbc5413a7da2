"""Which contracts that are held already form a structure, whatever found it.

A structure is told by what it says of its legs (:data:`~alo_lib.strategy.structures.structure.Forming`) and by how many
are held of each, as long or as short as its ratios say. What could be several is the one with most legs, of as many the
first in the registry's order.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alo_lib.strategy.structures.registry import STRUCTURES
from alo_lib.strategy.structures.structure import HeldContract

__all__ = ["FormedStructure", "HeldContract", "formed_structures"]


class FormedStructure(NamedTuple):
    """A structure that contracts form."""

    structure: str  # its name
    legs: tuple[int, ...]  # numbers, in the order of its ratios
    direction: int  # +1 bought, -1 sold
    quantity: int  # structures


Legs = Sequence[HeldContract]


def formed_structures(held: Sequence[HeldContract]) -> list[FormedStructure]:
    """What contracts of one underlying form, each of them in one structure: what forms no other is a single."""
    left = {leg.number: leg for leg in sorted(held)}
    found: list[FormedStructure] = []
    for name in sorted(STRUCTURES, key=lambda each: -len(STRUCTURES[each].ratios)):
        for formed in _of(name, list(left.values())):
            if all(leg in left for leg in formed.legs):
                found.append(formed)
                for leg in formed.legs:
                    del left[leg]
    return sorted(found, key=lambda each: min(each.legs))


def _of(name: str, held: Sequence[HeldContract]) -> Iterator[FormedStructure]:
    """Every way in which contracts form one structure; a contract may stand in several."""
    ratios, forms = STRUCTURES[name].ratios, STRUCTURES[name].forms
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
