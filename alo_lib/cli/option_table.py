"""Rows of options as a table for people: what all of them share above it, what differs and the results in it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["print_whole", "show"]

_TERMS: Final = {
    "right": "right",
    "spot": "spot",
    "strike": "strike",
    "time_to_expiry": "years",
    "rate": "rate",
    "dividend_yield": "yield",
    "volatility": "volatility",
}


def show(rows: Sequence[Mapping[str, Any]], results: Mapping[str, str], *, note: str = "") -> None:
    """Print rows of terms and results; ``results`` names the columns after the terms and their formats.

    A result that is None is a dash. Greeks are raw in ``rows``, and shown in people's units.
    """
    from rich.table import Table

    from alo_lib.views.units import PEOPLES, shown

    titles = {name: PEOPLES[name].title if name in PEOPLES else name.replace("_", " ") for name in results}
    rows = [{name: shown(name, value) for name, value in row.items()} for row in rows]
    terms = [name for name in _TERMS if name in rows[0]]
    if len(rows) == 1:
        # One option reads better down the page.
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim")
        table.add_column(justify="right")
        for name in terms:
            table.add_row(_TERMS[name], _plain(rows[0][name]))
        if note:
            table.add_row("dividends", note)
        for name, form in results.items():
            table.add_row(titles[name], _result(rows[0][name], form))
        print_whole(table)
        return
    shared = [name for name in terms if name != "strike" and len({row[name] for row in rows}) == 1]
    above = [f"{_TERMS[name]} {_plain(rows[0][name])}" for name in shared] + ([note] if note else [])
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0), title=", ".join(above) or None)
    table.title_justify, table.title_style = "left", "dim"
    for name in terms:
        if name not in shared:
            table.add_column(_TERMS[name], justify="left" if name == "right" else "right", no_wrap=True)
    for name in results:
        table.add_column(titles[name], justify="right", no_wrap=True)
    for row in rows:
        cells = [_plain(row[name]) for name in terms if name not in shared]
        table.add_row(*cells, *(_result(row[name], form) for name, form in results.items()))
    print_whole(table)


def print_whole(table: "Table") -> None:
    """Print a table without shortening a number, however narrow the terminal is."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(highlight=False)
    needed = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    console.width = max(console.width, needed)
    console.print(table)


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:z.6g}"


def _result(value: float | None, form: str) -> str:
    """By its format; without one four digits, with an exponent only where zeros would fill the column."""
    from alo_lib.views.spoken import DASH

    if value is None:
        return DASH
    if form:
        return format(value, form)
    return f"{value:z.4g}" if abs(value) >= 1e-4 or value == 0.0 else f"{value:.1e}"
