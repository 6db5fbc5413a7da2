"""Margin of an account's book by LEAN's rules (:mod:`alo_lib.strategy.margin`), to the cent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from alo_lib.simulation.listing import Instrument
from alo_lib.simulation.money import ZERO
from alo_lib.strategy.margin import OptionLine, margin_of
from alo_lib.strategy.margin import naked_margin as margin_sold_naked

__all__ = ["Leg", "margin", "naked_margin", "premium"]

_NAKED_OF_SPOT: Final = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Leg:
    """A position in one instrument and its price a share."""

    instrument: Instrument
    quantity: int
    price: Decimal


def naked_margin(option: Instrument, premium: Decimal, spot: Decimal) -> Decimal:
    """Margin of one contract sold naked at ``premium`` a share."""
    return margin_sold_naked(_line(option, -1, premium), spot, _NAKED_OF_SPOT)


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
    lines = [_line(leg.instrument, leg.quantity, leg.price) for leg in legs if leg.instrument.is_option]
    return margin_of(shares, lines, spot, _NAKED_OF_SPOT)


def _line(option: Instrument, quantity: int, price: Decimal) -> OptionLine[Decimal]:
    terms = (option.number, option.right, option.strike, option.expiry, option.multiplier)
    return OptionLine(*terms, quantity, price)
