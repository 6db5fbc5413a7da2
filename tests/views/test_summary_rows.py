"""What docs/report.md says of a run's table."""

import re

from alo_lib.cli.project import ROOT
from alo_lib.views import summary_table

BEST = {"edge_volatility": 0.01, "entry_edge": 0.02, "side": "buy", "structure": "straddle"}


def test_each_row_of_the_table_is_told_in_its_order_and_none_that_is_not_there(traded):
    """All rows at once, also those that a run has only where it lacks something."""
    ticker = "ALFA"
    lacks = {
        "orders": 0,
        "missing_files": 1,
        "held_without_quotes": [{"date": "2024-01-02", "contract": "", "quantity": 1}],
        "worst_day": {"date": "2024-01-02", "profit": -1.0, "return": -0.01},
        "return_on_margin": 0.1,
    }
    total = traded.summary["funnel_total"][ticker] | {
        "best_edge": BEST | {"new_york_time": "2024-01-02 09:35"},
        "stopped_by": {"max-vega": {"frames": 1, "sessions": 1}},
    }
    table = summary_table(traded.summary | lacks | {"funnel_total": {ticker: total}})
    rows = [str(cell).removeprefix(ticker).lstrip(", ") for cell in table.columns[0].cells]
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    told = re.findall(r"\*\*(.+?)\*\*", text[text.index("The table that a run prints") : text.index("## The page")])
    assert sorted(told) == sorted(filter(None, rows))
