"""What became of options while nobody listened: exercised, assigned, or expired for nothing.

A broker that is asked afterwards tells what is held, not why. A contract that the journal holds and the host does not
was settled or traded; shares that the host holds beyond the journal's were delivered or traded. Of all ways in which
contracts may have been settled counts the one that leaves the fewest shares unexplained; of equal ones that which
leaves the least cash, where cash is known and no other underlying asks for it; then that in which what was in the money
at its last price was exercised and nothing else, in which the fewest contracts were settled before their expiry.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from alo_lib.records import OPTION_MULTIPLIER, Contract

__all__ = ["Listed", "Settlement", "settlements"]

_MOST_WAYS: Final = 50_000
"""Ways to settle contracts of one underlying that are looked through; with more only those of all or nothing, then of
what was in the money, are."""


@dataclass(frozen=True)
class Listed:
    """What is known of the contracts that the core was told of; the price of an underlying when one expired, or NaN."""

    contracts: Mapping[int, tuple[int, Contract]] = field(default_factory=dict)  # underlying and terms, by number
    price_at: Callable[[int, int], float] = lambda underlying, time: math.nan


class Settlement(NamedTuple):
    """What became of a position in a contract."""

    instrument: int
    closed: int  # contracts, signed as they were held, that were settled
    delivered: int  # of them, how many turned into shares
    underlying: int
    shares: int  # signed, that they brought
    strike: float
    expired: bool  # whether its last session was over

    @property
    def words(self) -> str:
        """As people read it, after the contract's name."""
        kept = abs(self.closed) - self.delivered
        done = "assigned" if self.closed < 0 else "exercised"
        told = [f"{self.delivered} {'was' if self.delivered == 1 else 'were'} {done}"] if self.delivered else []
        told += [f"{kept} expired for nothing"] if kept else []
        return " and ".join(told)


class _Gone(NamedTuple):
    """A position that is less at the host than the journal says."""

    instrument: int
    closed: int  # signed as it was held
    contract: Contract
    expired: bool

    def shares(self, delivered: int) -> int:
        """What so many contracts of it bring."""
        return (1 if self.closed > 0 else -1) * self.contract.right * delivered * OPTION_MULTIPLIER


def settlements(
    gaps: Mapping[int, int], held: Mapping[int, int], listed: Listed, time: int, cash: float | None = None
) -> list[Settlement]:
    """How the contracts were settled that the host holds no more at ``time``, by instrument.

    ``gaps`` are what the host holds beyond what is ``held`` by the journal, ``cash`` what it has beyond the journal's.
    """
    by_underlying: dict[int, list[_Gone]] = {}
    for instrument, gap in sorted(gaps.items()):
        quantity = held.get(instrument, 0)
        if instrument in listed.contracts and gap * quantity < 0 and abs(gap) <= abs(quantity):
            underlying, contract = listed.contracts[instrument]
            gone = _Gone(instrument, -gap, contract, contract.expiry_time <= time)
            by_underlying.setdefault(underlying, []).append(gone)
    found = []
    for underlying, lost in by_underlying.items():
        money = cash if len(by_underlying) == 1 else None
        ways = _best(lost, gaps.get(underlying, 0), money, partial(listed.price_at, underlying))
        for gone, delivered in zip(lost, ways, strict=True):
            settled = gone.closed if gone.expired else int(math.copysign(delivered, gone.closed))
            if settled:
                terms = gone.contract.strike, gone.expired
                found.append(
                    Settlement(gone.instrument, settled, delivered, underlying, gone.shares(delivered), *terms)
                )
    return found


def _best(lost: list[_Gone], shares: int, cash: float | None, price: Callable[[int], float]) -> tuple[int, ...]:
    """How many contracts of each turned into shares."""
    spots = [price(gone.contract.expiry_time) if gone.expired else math.nan for gone in lost]

    def cost(way: tuple[int, ...]) -> tuple[float, float, float, int]:
        brought = [gone.shares(count) for gone, count in zip(lost, way, strict=True)]
        left = abs(shares - sum(brought))
        paid = math.fsum(each * gone.contract.strike for each, gone in zip(brought, lost, strict=True))
        money = 0.0 if cash is None or left else round(abs(cash + paid))
        odd = math.fsum(map(_odd, lost, way, spots))
        return left, money, odd, sum(count for gone, count in zip(lost, way, strict=True) if not gone.expired)

    return min(_ways(lost, spots), key=cost)


def _odd(gone: _Gone, delivered: int, spot: float) -> float:
    """Contracts that were settled otherwise than their last price says; 0 where it is not known."""
    if math.isnan(spot):
        return 0.0
    in_the_money = round(gone.contract.right * (spot - gone.contract.strike), 6) >= 0.01
    return float(abs(gone.closed) - delivered if in_the_money else delivered)


def _ways(lost: list[_Gone], spots: list[float]) -> Iterator[tuple[int, ...]]:
    """The ways that are looked through, that in which the fewest are delivered first."""
    counts = [abs(gone.closed) for gone in lost]
    if math.prod(count + 1 for count in counts) <= _MOST_WAYS:
        return itertools.product(*(range(count + 1) for count in counts))
    if 2 ** len(lost) <= _MOST_WAYS:
        return itertools.product(*((0, count) for count in counts))
    likely = (0 if _odd(gone, 0, spot) == 0 else count for gone, count, spot in zip(lost, counts, spots, strict=True))
    return iter([tuple(likely)])
