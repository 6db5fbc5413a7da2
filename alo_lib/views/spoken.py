"""Figures as pages say them."""

from decimal import Decimal

__all__ = ["cents", "money", "or_dash"]


def cents(value: float) -> Decimal:
    """An amount to the cent, halves to even, as LEAN's statistics have it.

    Results state money with four decimals at most, of which a float keeps more.
    """
    return round(Decimal(f"{value:z.4f}"), 2)


def money(value: float) -> str:
    """Money to the cent, with a real minus sign."""
    amount = cents(value)
    return f"{'−' if amount < 0 else ''}${abs(amount):z,.2f}"


def or_dash(value: float | None, form: str) -> str:
    """A figure in a format, a dash where there is none."""
    return "–" if value is None else format(value, form)
