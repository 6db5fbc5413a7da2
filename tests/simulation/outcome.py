"""What came of a run, read from its folder as everybody reads it."""

from alo_lib.records import ACCOUNT_CASH, Kind
from alo_lib.views import Run

__all__ = ["booked", "profit"]


def profit(run: Run) -> float:
    """What the equity gained, by the results."""
    stated = run.results["totalPerformance"]["portfolioStatistics"]
    return float(stated["endEquity"]) - float(stated["startEquity"])


def booked(run: Run) -> tuple[float, float]:
    """Interest on cash, and fees for borrowed shares, by the journal."""
    rows = run.table(Kind.INTEREST).records
    of_cash = rows["instrument"] == ACCOUNT_CASH
    return float(rows["amount"][of_cash].sum()), float(rows["amount"][~of_cash].sum())
