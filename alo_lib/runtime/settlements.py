"""What became of options while nobody listened: exercised, assigned, or expired for nothing.

A broker that is asked afterwards tells what is held, not why. A contract that the journal holds and the host does not
was settled or traded; shares that the host holds beyond the journal's were delivered or traded. Evidence counts in this
order:

1. The price at expiry, where it is known: by a cent in the money is exercised or assigned, out of it never.
2. Of what is left, deliveries that bring exactly the shares that the host has beyond the journal's and, where the cash
   is known and no other underlying asks for it, cost what it has less, but for fees. Of such ways count first those in
   which some price at expiry parts what was delivered from what was not, then those of the fewest contracts;
   without cash only one that is the only one of so few.
3. Where cash is not known and no way fits the shares: for contracts of one expiry the price at it that leaves the
   fewest shares unexplained, if no other does as well.

Without the cash neither a part of what is held long nor of what had not expired counts as delivered: the same shares
may as well have been traded. What had not expired and fits nothing was traded; of what expired it is then said that it
is not known.

Shares that were delivered are paid the dividends that went ex since, or owe them. Those of an expiry were delivered in
the night after it. Of those before an expiry the cash says on which side of the ex-dates they were delivered, where
they were not all delivered between two of them; without the cash nothing does.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from alo_lib.records import OPTION_MULTIPLIER, Contract
from alo_lib.runtime.delivered_counts import Delivery, TooManyWaysError, fewest_delivered

__all__ = ["Listed", "Settlement", "settlements"]

_FEE: Final = 5.0
"""The most, in cash, that a contract's delivery costs at a broker; what is beyond was paid for something."""

_ROUNDING: Final = 1.0

_CENT: Final = 0.01


@dataclass(frozen=True)
class Listed:
    """What is known of the contracts that the core was told of, and of their underlyings.

    The price of one when a contract expired, or NaN; and its dividends a share that have gone ex after the day of a
    time. Before ``since`` nothing was delivered that is not known of.
    """

    contracts: Mapping[int, tuple[int, Contract]] = field(default_factory=dict)  # underlying and terms, by number
    price_at: Callable[[int, int], float] = lambda underlying, time: math.nan
    paid_since: Callable[[int, int], float] = lambda underlying, time: 0.0
    since: int | None = None


class Settlement(NamedTuple):
    """What became of a position in a contract."""

    instrument: int
    closed: int  # contracts, signed as they were held, that were settled
    delivered: int  # of them, how many turned into shares
    underlying: int
    shares: int  # signed, that they brought
    strike: float
    expired: bool  # whether its last session was over
    known: bool = True  # else it is gone, and nothing tells whether it was settled or traded
    paid: float = 0.0  # dividends a share that went ex after they were delivered
    unsure: float = 0.0  # those that may have

    @property
    def words(self) -> str:
        """As people read it, after the contract's name."""
        if not self.known:
            return "what became of them is not known: they expired, or were settled or traded,"
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
    paid: float  # dividends a share since its delivery

    @property
    def cost(self) -> float:
        """What a delivered share has cost by now."""
        return self.contract.strike - self.paid

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
            expired = contract.expiry_time <= time
            paid = listed.paid_since(underlying, contract.expiry_time) if expired else 0.0
            gone = _Gone(instrument, -gap, contract, expired, paid)
            by_underlying.setdefault(underlying, []).append(gone)
    found = []
    for underlying, lost in by_underlying.items():
        money = cash if len(by_underlying) == 1 else None
        shares, price = gaps.get(underlying, 0), partial(listed.price_at, underlying)
        ways, fits = _delivered(lost, shares, money, price)
        since = 0.0 if listed.since is None else listed.paid_since(underlying, listed.since)
        if not fits and money is not None and since:  # those before their expiry may be older than the ex-dates
            older = [gone if gone.expired else gone._replace(paid=since) for gone in lost]
            again, fits = _delivered(older, shares, money, price)
            lost, ways = (older, again) if fits else (lost, ways)
        for gone, delivered in zip(lost, ways, strict=True):
            count = 0 if delivered is None else delivered
            settled = gone.closed if gone.expired else int(math.copysign(count, gone.closed))
            if settled:
                terms = gone.contract.strike, gone.expired, delivered is not None, gone.paid
                unsure = since if money is None and not gone.expired else 0.0
                brought = gone.shares(count)
                found.append(Settlement(gone.instrument, settled, count, underlying, brought, *terms, unsure))
    return found


def _delivered(
    lost: list[_Gone], shares: int, cash: float | None, price: Callable[[int], float]
) -> tuple[list[int | None], bool]:
    """How many contracts of each turned into shares, None where that is not known; and whether all of it fits."""
    told: list[int | None] = [
        _by_price(gone, price(gone.contract.expiry_time)) if gone.expired else None for gone in lost
    ]
    for gone, count in zip(lost, told, strict=True):
        if count:
            shares -= gone.shares(count)
            cash = None if cash is None else cash + gone.shares(count) * gone.cost
    free = [place for place, count in enumerate(told) if count is None]
    slack = _ROUNDING + _FEE * sum(count or 0 for count in told)
    way = _that_fits([lost[place] for place in free], shares, cash, slack)
    for place in free:
        told[place] = (None if lost[place].expired else 0) if way is None else way[free.index(place)]
    return told, way is not None


def _by_price(gone: _Gone, spot: float) -> int | None:
    """Contracts that the price at expiry says were delivered; None where it is not known, or is at the strike."""
    inside = round(gone.contract.right * (spot - gone.contract.strike), 6)
    if not abs(inside) >= _CENT:
        return None
    return abs(gone.closed) if inside > 0.0 else 0


def _that_fits(free: list[_Gone], shares: int, cash: float | None, slack: float) -> tuple[int, ...] | None:
    """Deliveries that shares and cash say, give or take ``slack`` and fees, see the module; None where none do."""
    slack = math.inf if cash is None else slack
    paid = 0.0 if cash is None else -cash

    def left(way: tuple[int, ...]) -> tuple[int, float]:
        brought = [gone.shares(count) for gone, count in zip(free, way, strict=True)]
        spent = math.fsum(each * gone.cost for each, gone in zip(brought, free, strict=True))
        return abs(shares - sum(brought)), abs(paid - spent)

    by_price = sorted(_ways_of_a_price(free), key=lambda way: (left(way)[0], sum(way), way))
    for way in by_price:
        if left(way)[0] == 0 and left(way)[1] <= slack + _FEE * sum(way):
            return way
    try:
        found = fewest_delivered([_delivery(gone, cash) for gone in free], shares, paid, slack, _FEE)
    except TooManyWaysError:
        return None
    if found is not None:  # without cash ways that cost otherwise look alike
        return found.way if found.alone or cash is not None else None
    if cash is not None or len({gone.contract.expiry_time for gone in free if gone.expired}) != 1:
        return None
    nearest = [way for way in by_price if left(way)[0] == left(by_price[0])[0]]
    return nearest[0] if len(nearest) == 1 else None


def _delivery(gone: _Gone, cash: float | None) -> Delivery:
    whole = cash is None and (gone.closed > 0 or not gone.expired)
    return Delivery(abs(gone.closed), gone.shares(1), 0.0 if cash is None else gone.cost, whole)


def _ways_of_a_price(free: list[_Gone]) -> list[tuple[int, ...]]:
    """What is delivered, of contracts that expired at one price, at any; of those that did not expire none."""
    strikes = sorted({gone.contract.strike for gone in free if gone.expired})
    spots = [math.nextafter(strike, side) for strike in strikes for side in (-math.inf, math.inf)]
    parted = {
        tuple(
            abs(gone.closed) if gone.expired and gone.contract.right * (spot - gone.contract.strike) > 0.0 else 0
            for gone in free
        )
        for spot in spots
    }
    return sorted(parted | {(0,) * len(free)})
