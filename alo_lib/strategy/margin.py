"""Margin by Regulation T as LEAN asks it (``OptionStrategyPositionGroupBuyingPowerModel``), in floats or in decimals.

LEAN sets what is held of an underlying against each other by itself (``OptionStrategyMatcher``), and so do we, in its
order:

1. Iron condors and butterflies: a spread of puts and one of calls that lose below and above each other's strikes. LEAN
   margins the puts' alone, however wide the calls' is. A butterfly is one only with wings of equal width.
2. Shares cover short calls, and short puts where they are short; what is in the money is no collateral.
3. Long options spread short ones of the same right and expiry; a spread needs what it can lose between its strikes.
4. Long straddles and strangles need nothing, and cover nothing else.
5. A long option of the same strike that lives longer covers a short one: a calendar. At another strike, or where it
   dies first, it covers nothing: the short leg of a diagonal is naked.
6. Short straddles and strangles need what the greater side does, and the other side's premium.
7. What is left is naked, and follows the exchange minimum.

Which contracts of an expiry go together where several structures hold it is in LEAN the order of a hash, which no two
processes share; here the deepest in the money come first. Long options are paid when they are bought and need no margin
then. Shares need half their value.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Generic, TypeVar

__all__ = ["SHARE_LEVERAGE", "OptionLine", "margin_of", "naked_margin"]

SHARE_LEVERAGE: Final = 2
"""Shares, long or short, need their worth over this."""

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
    total, lines = abs(shares) * spot / SHARE_LEVERAGE, sorted(options, key=_deepest_first)
    calls, puts = (_Side.of(line for line in lines if line.right == right) for right in (+1, -1))
    total += _iron(puts, calls, spot * 0)
    for side, cover in ((calls, shares), (puts, -shares)):
        total += _covered(side.shorts, max(cover, 0), spot)
        for spread in _spreads(side, losing=False):
            total += spread.left * spread.width
            _take(spread.left, spread.short, spread.long)
    if calls.is_mixed or puts.is_mixed:
        for call, put, count in _paired(calls.longs, puts.longs):
            _take(count, call, put)
        _take_calendars(calls)
        _take_calendars(puts)
    for call, put, count in _paired(calls.shorts, puts.shorts):
        total += count * _pair_margin(call.line, put.line, spot, share)
        _take(count, call, put)
    for short in calls.shorts + puts.shorts:
        total += short.left * naked_margin(short.line, spot, share)
    return total


@dataclass(slots=True)
class _Open(Generic[N]):
    """What is not set against anything yet of a line, in contracts."""

    line: OptionLine[N]
    left: int


@dataclass(frozen=True, slots=True)
class _Side(Generic[N]):
    """What is open of one right, deepest in the money first."""

    longs: list[_Open[N]]
    shorts: list[_Open[N]]

    @classmethod
    def of(cls, lines: Iterable[OptionLine[N]]) -> "_Side[N]":
        """All of some lines."""
        opened = [_Open(line, abs(line.quantity)) for line in lines]
        return cls([each for each in opened if each.line.quantity > 0], [x for x in opened if x.line.quantity < 0])

    @property
    def is_mixed(self) -> bool:
        """Whether both long and short ones are left."""
        return any(each.left for each in self.longs) and any(each.left for each in self.shorts)


@dataclass(slots=True)
class _Spread(Generic[N]):
    """A short and a long option of one right and expiry."""

    short: _Open[N]
    long: _Open[N]
    left: int

    @property
    def width(self) -> N:
        """What one can lose between its strikes."""
        line = self.short.line
        return max(line.right * (self.long.line.strike - line.strike), line.strike * 0) * line.multiplier


def _deepest_first(line: OptionLine[N]) -> tuple[N, int, int]:
    """Deepest in the money first, then by expiry and number, so that the pairing is always the same."""
    return line.right * line.strike, line.expiry, line.number


def _take(count: int, *of: _Open[N]) -> None:
    for each in of:
        each.left -= count


def _spreads(side: _Side[N], *, losing: bool) -> list[_Spread[N]]:
    """Shorts against longs of their expiry, or only against such as leave something to lose; nothing is taken yet."""
    found: list[_Spread[N]] = []
    left = [long.left for long in side.longs]
    for short in side.shorts:
        needs = short.left
        for place, long in enumerate(side.longs):
            count = min(needs, left[place])
            if not count or long.line.expiry != short.line.expiry:
                continue
            spread = _Spread(short, long, count)
            if spread.width or not losing:
                needs -= count
                left[place] -= count
                found.append(spread)
    return found


def _iron(puts: _Side[N], calls: _Side[N], zero: N) -> N:
    """Take iron condors and butterflies; returns what their spreads of puts can lose."""
    total, of_calls = zero, _spreads(calls, losing=True) if puts.is_mixed and calls.is_mixed else []
    for put in _spreads(puts, losing=True) if of_calls else []:
        for call in of_calls:
            count = min(put.left, call.left)
            if count and _is_iron(put, call):
                put.left -= count
                call.left -= count
                _take(count, put.short, put.long, call.short, call.long)
                total += count * put.width
    return total


def _is_iron(put: _Spread[N], call: _Spread[N]) -> bool:
    below, above = put.short.line, call.short.line
    if below.expiry != above.expiry:
        return False
    return above.strike > below.strike or (above.strike == below.strike and put.width == call.width)


def _covered(shorts: list[_Open[N]], cover: int, spot: N) -> N:
    """Take shorts that ``cover`` shares cover; returns what these are in the money."""
    total = spot * 0
    for short in shorts:
        line, count = short.line, min(short.left, cover // short.line.multiplier)
        cover -= count * line.multiplier
        total += count * max(line.right * (spot - line.strike), spot * 0) * line.multiplier
        _take(count, short)
    return total


def _take_calendars(side: _Side[N]) -> None:
    for short in side.shorts:
        for long in side.longs:
            near, far = short.line, long.line
            if far.strike == near.strike and far.expiry > near.expiry:
                _take(min(short.left, long.left), short, long)


def _paired(calls: list[_Open[N]], puts: list[_Open[N]]) -> Iterator[tuple[_Open[N], _Open[N], int]]:
    """Straddles, then strangles, of what is left, and how many of each, for the caller to take."""
    for is_strangle in (False, True):
        for call in calls:
            for put in puts:
                count = min(call.left, put.left)
                apart = call.line.strike - put.line.strike
                if count and call.line.expiry == put.line.expiry and (apart > 0 if is_strangle else apart == 0):
                    yield call, put, count


def _pair_margin(call: OptionLine[N], put: OptionLine[N], spot: N, share: N) -> N:
    """Margin of one straddle or strangle sold."""
    sides = [naked_margin(line, spot, share) for line in (call, put)]
    premiums = [line.price * line.multiplier for line in (call, put)]
    return sides[1] + premiums[0] if sides[1] > sides[0] else sides[0] + premiums[1]
