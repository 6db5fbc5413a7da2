"""Which orders that a host gives back without our tag are ours, after a restart.

A broker keeps an order and forgets who sent it why. By the broker's own identifier, where the journal has it, an order
is found again; else by its symbol, side, type and what is left of it. Orders that are alike in all of that may stand
for each other; where one could be several that differ, nobody is right to guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from alo_lib.journal import messages_of
from alo_lib.records import HostEvent, Kind, Message, OrderType

__all__ = ["Matching", "TaglessOrder", "WorkingOrder", "identifiers_of", "match_orders"]


class TaglessOrder(NamedTuple):
    """An order that a host works and that says nothing of ours."""

    host: int  # its number at the host
    identifiers: tuple[str, ...]  # of the broker's, none where it tells none
    instrument: int
    type: OrderType
    remaining: int  # signed


class WorkingOrder(NamedTuple):
    """An order of ours that is not done, as far as we know."""

    instrument: int
    type: OrderType
    remaining: int  # signed


class Matching(NamedTuple):
    """What came of it."""

    numbers: dict[int, int]  # our number by the host's
    unsure: dict[int, tuple[int, ...]]  # by the host's number, those of ours that it may be
    findings: tuple[str, ...]  # sentences


def match_orders(
    tagless: Sequence[TaglessOrder], working: Mapping[int, WorkingOrder], identifiers: Mapping[str, int]
) -> Matching:
    """Find the orders of ours among those without a tag.

    ``working`` are those of ours, by number, that no tag tells of; ``identifiers`` are the broker's that the journal
    has, with our number. An identifier counts for an order that it fits: a broker may begin them anew. What fits no
    order of ours is somebody else's.
    """
    numbers: dict[int, int] = {}
    found: list[str] = []
    left = dict(sorted(working.items()))
    rest = sorted(tagless)
    for order in list(rest):
        known = {identifiers[each] for each in order.identifiers if each in identifiers}
        fitting = [number for number in sorted(known) if number in left and _fits(order, left[number])]
        if len(fitting) == 1:
            numbers[order.host] = fitting[0]
            found.append(f"order {fitting[0]} came back without its tag; the broker's identifier tells which it is")
            del left[fitting[0]]
            rest.remove(order)
    for exact in (True, False):
        for order in list(rest):
            alike = [each for each in rest if _same(each, order)]
            others = [each for each in rest if each not in alike]
            ours = [number for number, each in left.items() if _fits(order, each, exact=exact)]
            rivals = any(_fits(each, left[number], exact=exact) for each in others for number in ours)
            if order not in rest or not ours or rivals or len(ours) != len(alike) or not _all_alike(left, ours):
                continue
            for each, number in zip(alike, ours, strict=True):
                numbers[each.host] = number
                found.append(f"order {number} came back without its tag; it is alone in what is left of it")
                del left[number]
                rest.remove(each)
    unsure = {order.host: tuple(n for n, each in left.items() if _fits(order, each)) for order in rest}
    return Matching(numbers, {host: ours for host, ours in unsure.items() if ours}, tuple(found))


def identifiers_of(messages: Sequence[Message]) -> dict[str, int]:
    """The broker's identifiers that a journal has, with our number of the order that each was last of."""
    told: dict[str, int] = {}
    for _, message in messages_of(messages, Kind.EVENT):
        for row in message.records[message.records["event"] == HostEvent.BROKER_ORDER]:
            told |= dict.fromkeys(row["text"].decode(errors="replace").split(","), int(row["order"]))
    return told


def _fits(host: TaglessOrder, ours: WorkingOrder, *, exact: bool = False) -> bool:
    """Whether a host's order may be one of ours, of which part may have been filled while nobody listened."""
    if host.instrument != ours.instrument or host.type is not ours.type or host.remaining * ours.remaining <= 0:
        return False
    return host.remaining == ours.remaining if exact else abs(host.remaining) <= abs(ours.remaining)


def _same(one: TaglessOrder, other: TaglessOrder) -> bool:
    return one[2:] == other[2:]


def _all_alike(working: Mapping[int, WorkingOrder], numbers: Iterable[int]) -> bool:
    """Whether any of some orders stands for any other."""
    return len({working[number] for number in numbers}) == 1
