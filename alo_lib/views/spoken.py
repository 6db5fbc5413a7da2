"""Figures as pages say them."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

__all__ = ["cents", "fees_to_the_cent", "money", "or_dash"]


def cents(value: float) -> Decimal:
    """An amount to the cent, halves to even, as LEAN's statistics have it.

    Results state money with four decimals at most, of which a float keeps more.
    """
    return _to_the_cent(value, ROUND_HALF_EVEN)


def fees_to_the_cent(value: float) -> Decimal:
    """A sum of fees to the cent, halves away from zero: LEAN's statistics round the rest, but format the fees."""
    return _to_the_cent(value, ROUND_HALF_UP)


def _to_the_cent(value: float, rounding: str) -> Decimal:
    return Decimal(f"{value:z.4f}").quantize(Decimal("0.01"), rounding)


def money(value: float) -> str:
    """Money to the cent, with a real minus sign."""
    amount = cents(value)
    return f"{'−' if amount < 0 else ''}${abs(amount):z,.2f}"


def or_dash(value: float | None, form: str) -> str:
    """A figure in a format, a dash where there is none."""
    return "–" if value is None else format(value, form)
