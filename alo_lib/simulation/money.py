"""Money as LEAN counts it: exact decimals, rounded and written as .NET does."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Final

import numpy as np

from alo_lib.records.units import CENT

__all__ = ["EXACT", "ZERO", "charted", "decimal", "fitted", "grouped", "normalized", "of_double", "rounded"]

ZERO: Final = Decimal(0)
EXACT: Final = Context(prec=64, rounding=ROUND_HALF_EVEN)
"""Holds every product of two of .NET's decimals; :func:`fitted` makes one of it."""
_LARGEST: Final = Decimal(2**96 - 1)
_MOST_DECIMALS: Final = 28
_DIGITS_OF_A_DOUBLE: Final = 15
_LARGE: Final = Decimal(1000)
_LARGE_DECIMALS: Final = 4
_DIGITS_OF_A_POINT: Final = 7


def decimal(value: float | np.float64) -> Decimal:
    """The decimal that ``value`` was written as, without zeros after its point.

    >>> decimal(0.1), decimal(16.0)
    (Decimal('0.1'), Decimal('16'))
    """
    return Decimal(repr(float(value)).removesuffix(".0"))


def of_double(value: float) -> Decimal:
    """The decimal that .NET makes of a double that was computed: its first fifteen digits.

    >>> of_double(0.1 + 0.2)
    Decimal('0.3')
    """
    return Decimal(f"{value:.{_DIGITS_OF_A_DOUBLE}g}")


def fitted(value: Decimal) -> Decimal:
    """``value`` as .NET's ``decimal`` holds it: an integer of 96 bits with up to 28 decimals, halves to even.

    >>> fitted(EXACT.divide(Decimal(10), Decimal(7)))
    Decimal('1.4285714285714285714285714286')
    """
    for decimals in range(_MOST_DECIMALS, -1, -1):
        shifted = value.scaleb(decimals, EXACT).to_integral_value(ROUND_HALF_EVEN, EXACT)
        if shifted.copy_abs() <= _LARGEST:
            return shifted.scaleb(-decimals, EXACT)
    raise OverflowError(f"{value} is more than .NET's decimal holds")


def rounded(value: Decimal, places: int) -> Decimal:
    """``value`` to ``places`` decimals, halves to even; a value that has fewer keeps them, as in .NET.

    >>> rounded(Decimal("0.125"), 2), rounded(Decimal("0.5"), 2)
    (Decimal('0.12'), Decimal('0.5'))
    """
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        return value
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def charted(value: Decimal) -> Decimal:
    """A chart's value, from which LEAN's statistics are counted: seven digits, above a thousand four decimals."""
    if value > _LARGE:
        shown = rounded(value, _LARGE_DECIMALS)
    else:
        shown = rounded(value, _DIGITS_OF_A_POINT - value.adjusted() - 1) if value else ZERO
    return normalized(shown)


def normalized(value: Decimal) -> Decimal:
    """``value`` without zeros after its point, as LEAN's ``Normalize`` leaves it.

    >>> normalized(Decimal("4.500")), normalized(Decimal("100.0"))
    (Decimal('4.5'), Decimal('100'))
    """
    return Decimal(f"{value.normalize():f}")


def grouped(value: Decimal) -> str:
    """An amount to the cent, halves away from zero, with commas: .NET's format N2, whose zero has no sign.

    >>> grouped(Decimal("-1234.565")), grouped(Decimal("-0.004"))
    ('-1,234.57', '0.00')
    """
    shown = value.quantize(CENT, ROUND_HALF_UP)
    return f"{shown if shown else abs(shown):,}"
