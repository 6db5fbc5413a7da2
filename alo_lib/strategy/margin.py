"""Margin by Regulation T, as LEAN's ``OptionMarginModel`` and its strategy models have it, in floats or in decimals.

Naked short options follow the exchange minimum. Shorts are first set against what limits their loss: shares cover
them, long options of the same right that live as long spread them; what is left of calls and puts is paired into
straddles and strangles, of which only the side that needs more is margined, with the other side's premium. Long
options are paid when they are bought and need no margin then; their worth carries other positions. Shares need half
their value.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

__all__ = ["OptionLine", "margin_of", "naked_margin"]

N = TypeVar("N", float, Decimal)


@dataclass(frozen=True, slots=True)
class OptionLine(Generic[N]):
    """A position in one option contract and its price a share."""

    number: int
    right: int  # +1 call, -1 put
    strike: N
    expiry: int  # ns UTC
    multiplier: int
    quantity: int  # signed
    price: N


def naked_margin(option: OptionLine[N], spot: N, share: N) -> N:
    """Margin of one contract sold naked, whatever the line's quantity: FINRA rule 4210 (f)(2)(E) where ``share`` is .2.

    The premium plus the greater of this share of the underlying less what the option is out of the money, and half of
    it of the underlying (call) or of the strike (put).
    """
    least = share / 2 * (spot if option.right > 0 else option.strike)
    out_of_the_money = max(option.right * (option.strike - spot), spot * 0)
    return (option.price + max(least, share * spot - out_of_the_money)) * option.multiplier


def margin_of(shares: int, options: Iterable[OptionLine[N]], spot: N, share: N) -> N:
    """Margin of the positions in one underlying; ``share`` as in :func:`naked_margin`."""
    total = abs(shares) * spot / 2
    lines, naked = list(options), {}
    for right in (+1, -1):
        side = sorted((line for line in lines if line.right == right), key=_deepest_first)
        longs = [_Open(line, line.quantity) for line in side if line.quantity > 0]
        shorts = [_Open(line, -line.quantity) for line in side if line.quantity < 0]
        # Long shares cover short calls, short shares cover short puts; what is in the money is no collateral.
        cover = max(0, right * shares)
        for short in shorts:
            covered = min(short.left, cover // short.line.multiplier)
            short.left -= covered
            cover -= covered * short.line.multiplier
            intrinsic = max(right * (spot - short.line.strike), spot * 0)
            total += covered * intrinsic * short.line.multiplier
        for short in shorts:
            total += _spread(short, longs)
        naked[right] = [short for short in shorts if short.left]
    return total + _straddles(naked[+1], naked[-1], spot, share)


@dataclass
class _Open(Generic[N]):
    """What is not set against anything yet of a line, in contracts."""

    line: OptionLine[N]
    left: int


def _deepest_first(line: OptionLine[N]) -> tuple[N, int]:
    """Deepest in the money first, then by number, so that the pairing is always the same."""
    return line.right * line.strike, line.number


def _spread(short: _Open[N], longs: list[_Open[N]]) -> N:
    """Set a short against longs that live as long; returns what the spreads can lose between their strikes."""
    total = short.line.strike * 0
    for long in longs:
        if long.left and short.left and long.line.expiry >= short.line.expiry:
            count = min(long.left, short.left)
            long.left -= count
            short.left -= count
            gap = short.line.right * (long.line.strike - short.line.strike)
            total += count * max(gap, short.line.strike * 0) * short.line.multiplier
    return total


def _straddles(calls: list[_Open[N]], puts: list[_Open[N]], spot: N, share: N) -> N:
    """Naked calls and puts paired one to one, the rest naked."""
    total = spot * 0
    while calls and puts:
        call, put = calls[0], puts[0]
        count = min(call.left, put.left)
        sides = [naked_margin(one.line, spot, share) for one in (call, put)]
        premiums = [one.line.price * one.line.multiplier for one in (call, put)]
        total += count * (sides[1] + premiums[0] if sides[1] > sides[0] else sides[0] + premiums[1])
        for one, side in ((call, calls), (put, puts)):
            one.left -= count
            if not one.left:
                side.pop(0)
    for one in calls + puts:
        total += one.left * naked_margin(one.line, spot, share)
    return total
