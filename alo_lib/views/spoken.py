"""Figures as pages, tables and files of values say them."""

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Final

from alo_lib.records.units import CENT

__all__ = [
    "DASH",
    "cents",
    "decimal_cell",
    "fees_to_the_cent",
    "money",
    "or_dash",
    "or_none",
    "rounded",
    "short_digest",
]

DASH: Final = "–"
"""Where there is no figure."""


def cents(value: float) -> Decimal:
    """An amount to the cent, halves to even, as LEAN's statistics have it.

    Results state money with four decimals at most, of which a float keeps more.
    """
    return _to_the_cent(value, ROUND_HALF_EVEN)


def fees_to_the_cent(value: float) -> Decimal:
    """A sum of fees to the cent, halves away from zero: LEAN's statistics round the rest, but format the fees."""
    return _to_the_cent(value, ROUND_HALF_UP)


def _to_the_cent(value: float, rounding: str) -> Decimal:
    return Decimal(f"{value:z.4f}").quantize(CENT, rounding)


def money(value: float) -> str:
    """Money to the cent, with a real minus sign."""
    amount = cents(value)
    return f"{'−' if amount < 0 else ''}${abs(amount):z,.2f}"


def or_dash(value: float | None, form: str) -> str:
    """A figure in a format, a dash where there is none or it is not a number."""
    return DASH if value is None or math.isnan(value) else format(value, form)


def decimal_cell(value: float, digits: int) -> str:
    """A figure with fixed decimals for a file of values, never a negative zero; empty where there is none."""
    return f"{value:z.{digits}f}" if math.isfinite(value) else ""


def rounded(value: float, places: int = 6) -> float:
    """A figure to some decimals for programs, never a negative zero."""
    return round(value, places) + 0.0


def short_digest(digest: str) -> str:
    """As much of a digest as people see."""
    return digest[:12]


def or_none(value: float) -> float | None:
    """A figure for programs, None where it is none."""
    return float(value) if math.isfinite(value) else None
