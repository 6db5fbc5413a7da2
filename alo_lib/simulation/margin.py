"""Margin by Regulation T, as LEAN's ``OptionMarginModel`` and its strategy models have it.

Naked short options follow the exchange minimum. Shorts are first set against what limits their loss: shares cover
them, long options of the same right that live as long spread them; what is left of calls and puts is paired into
straddles and strangles, of which only the side that needs more is margined, with the other side's premium. Long
options are paid when they are bought and need no margin then; their worth carries other positions. Shares need half
their value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from alo_lib.simulation.listing import Instrument
from alo_lib.simulation.money import ZERO

__all__ = ["Leg", "margin", "naked_margin", "premium"]

_SHARE_MARGIN: Final = Decimal("0.5")
_NAKED_OF_SPOT: Final = Decimal("0.2")
_NAKED_LEAST: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Leg:
    """A position in one instrument and its price a share."""

    instrument: Instrument
    quantity: int
    price: Decimal


def naked_margin(option: Instrument, premium: Decimal, spot: Decimal) -> Decimal:
    """Margin of one contract sold naked.

    The premium plus the greater of 20 % of the underlying less what the option is out of the money, and 10 % of the
    underlying (call) or of the strike (put).
    """
    least = _NAKED_LEAST * (spot if option.right > 0 else option.strike)
    usual = _NAKED_OF_SPOT * spot - option.out_of_the_money(spot)
    return (premium + max(least, usual)) * option.multiplier


def margin(legs: Iterable[Leg], spots: Mapping[int, Decimal]) -> Decimal:
    """Margin of a book; ``spots`` are prices of the underlyings by number."""
    books: dict[int, list[Leg]] = {}
    for leg in legs:
        books.setdefault(leg.instrument.underlying, []).append(leg)
    return sum((_margin_of(books[number], spots[number]) for number in sorted(books)), ZERO)


def premium(option: Instrument, quantity: int, price: Decimal) -> Decimal:
    """What an order for an option takes out of the account at once: nothing when it sells."""
    return max(quantity, 0) * price * option.multiplier if option.is_option else ZERO


def _margin_of(legs: list[Leg], spot: Decimal) -> Decimal:
    """Margin of the positions in one underlying."""
    shares = sum(leg.quantity for leg in legs if not leg.instrument.is_option)
    total = _SHARE_MARGIN * abs(shares) * spot
    naked: dict[int, list[_Open]] = {}
    for right in (+1, -1):
        side = [leg for leg in legs if leg.instrument.right == right]
        longs = [_Open(leg) for leg in _by_strike(side, right) if leg.quantity > 0]
        shorts = [_Open(leg) for leg in _by_strike(side, right) if leg.quantity < 0]
        # Long shares cover short calls, short shares cover short puts; what is in the money is no collateral.
        cover = max(0, right * shares)
        for short in shorts:
            covered = min(short.left, cover // short.option.multiplier)
            short.left -= covered
            cover -= covered * short.option.multiplier
            total += covered * short.option.intrinsic(spot) * short.option.multiplier
        for short in shorts:
            total += _spread(short, longs)
        naked[right] = [short for short in shorts if short.left]
    return total + _straddles(naked[+1], naked[-1], spot)


@dataclass
class _Open:
    """What is not set against anything yet of a leg, in contracts."""

    leg: Leg
    left: int = 0

    def __post_init__(self) -> None:
        self.left = abs(self.leg.quantity)

    @property
    def option(self) -> Instrument:
        return self.leg.instrument


def _by_strike(legs: list[Leg], right: int) -> list[Leg]:
    """Deepest in the money first, then by number, so that the pairing is always the same."""
    return sorted(legs, key=lambda leg: (right * leg.instrument.strike, leg.instrument.number))


def _spread(short: _Open, longs: list[_Open]) -> Decimal:
    """Set a short against longs that live as long; returns what the spreads can lose between their strikes."""
    total = ZERO
    for long in longs:
        if long.left and short.left and long.option.expiry >= short.option.expiry:
            count = min(long.left, short.left)
            long.left -= count
            short.left -= count
            gap = short.option.right * (long.option.strike - short.option.strike)
            total += count * max(gap, ZERO) * short.option.multiplier
    return total


def _straddles(calls: list[_Open], puts: list[_Open], spot: Decimal) -> Decimal:
    """Naked calls and puts paired one to one, the rest naked."""
    total = ZERO
    while calls and puts:
        call, put = calls[0], puts[0]
        count = min(call.left, put.left)
        sides = [naked_margin(one.option, one.leg.price, spot) for one in (call, put)]
        premiums = [one.leg.price * one.option.multiplier for one in (call, put)]
        total += count * (sides[1] + premiums[0] if sides[1] > sides[0] else sides[0] + premiums[1])
        for one, side in ((call, calls), (put, puts)):
            one.left -= count
            if not one.left:
                side.pop(0)
    return total + sum((one.left * naked_margin(one.option, one.leg.price, spot) for one in calls + puts), ZERO)
