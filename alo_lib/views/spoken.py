"""Figures as pages say them."""

__all__ = ["money", "or_dash"]


def money(value: float) -> str:
    """Money to the cent, with a real minus sign."""
    return f"{'−' if value < -0.005 else ''}${abs(value):z,.2f}"


def or_dash(value: float | None, form: str) -> str:
    """A figure in a format, a dash where there is none."""
    return "–" if value is None else format(value, form)
