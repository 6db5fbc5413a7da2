"""What a hedging policy does beside its rule, over moneyness, time and volatility."""

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from alo_lib.learning.differences import Difference
from alo_lib.views.spoken import or_none, rounded

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["difference_table", "differences_in_json"]


def difference_table(differences: Sequence[Difference]) -> "Table":
    """A row for each time and volatility, a column for each moneyness: the shift of the centre, the width's ratio."""
    from rich.table import Table

    table = Table(
        box=None,
        header_style="bold",
        padding=(0, 2, 0, 0),
        caption="Short straddle at a spot so many standard deviations from the strike, half a spread of 10 bp: by how "
        "many deltas a contract the policy shifts the band's centre, and times how much it is wide. rule: not trained.",
        caption_justify="left",
    )
    moneyness = sorted({each.moneyness for each in differences})
    for title in ("days", "volatility", *(f"{each:+z.2f}" for each in moneyness)):
        table.add_column(title, justify="right", no_wrap=True)
    for (days, volatility), group in itertools.groupby(differences, lambda each: (each.days, each.volatility)):
        cells = [_cell(each) for each in sorted(group, key=lambda each: each.moneyness)]
        table.add_row(str(days), f"{volatility:z.0%}", *cells)
    return table


def differences_in_json(differences: Sequence[Difference]) -> list[dict[str, Any]]:
    """Fields by name; None where the policy was not trained."""
    return [{name: or_none(rounded(value)) for name, value in each._asdict().items()} for each in differences]


def _cell(difference: Difference) -> str:
    if math.isnan(difference.shift):
        return "rule"
    return f"{difference.shift:+z.3f} x{difference.ratio:z.2f}"
