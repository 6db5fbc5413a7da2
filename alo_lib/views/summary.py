"""A run in a few figures: the object for programs, and the table for people."""

from decimal import Decimal
from typing import Any, Final

from rich.table import Table

from alo_lib.journal import message_digest, order_digest
from alo_lib.records import ACCOUNT_CASH, Kind
from alo_lib.views.attribution import stated_attribution
from alo_lib.views.blotter import fills
from alo_lib.views.performance import performance
from alo_lib.views.risk import exposure_ranges
from alo_lib.views.run import Run

__all__ = ["summarize", "summary_table"]

_PARTS_A_LINE: Final = 3


def summarize(run: Run, *, engine: str, skipped: dict[str, int], wall_seconds: float, folder: str) -> dict[str, Any]:
    """The figures of a run, from its journal and results.

    ``skipped`` counts data faults by kind. Money is the account's currency, to the cent as LEAN's statistics have it
    (halves to even); exposures are of the whole book, in the units that they name.
    """
    result = performance(run.results)
    orders, booked = run.orders, run.table(Kind.INTEREST).records
    of_cash = booked["instrument"] == ACCOUNT_CASH
    return {
        "engine": engine,
        "start": run.settings["start"],
        "end": run.settings["end"],
        "underlyings": run.settings["underlyings"],
        "orders": len(orders),
        "fills": len(fills(run)),
        "net_profit": _cents(result.net_profit),
        "start_equity": _cents(result.start_equity),
        "end_equity": _cents(result.end_equity),
        "fees": _cents(sum(order.fee for order in orders)),
        "interest": _cents(booked["amount"][of_cash].sum()),
        "borrow": _cents(booked["amount"][~of_cash].sum()),
        "attribution": stated_attribution(run, result.net_profit),
        "sharpe": result.sharpe,
        "drawdown": round(result.drawdown, 6),
        "exposure": {
            one.greek.name: {
                "unit": one.greek.unit,
                "largest": round(one.largest, 4),
                "mean_absolute": round(one.mean, 4),
            }
            for one in exposure_ranges(run)
        },
        "order_digest": order_digest(orders),
        "journal_digest": message_digest(run.journal.messages),
        "skipped": skipped,
        "wall_seconds": round(wall_seconds, 3),
        "results_folder": folder,
    }


def summary_table(summary: dict[str, Any]) -> Table:
    """The figures as a table for a terminal."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim")
    profit = summary["net_profit"]
    table.add_row("Engine", summary["engine"], f"{summary['start']} to {summary['end']}")
    table.add_row("Orders", f"{summary['orders']:,}", f"{summary['fills']:,} fills")
    table.add_row(
        "Net profit",
        f"[{'green' if profit >= 0 else 'red'}]{profit:,.2f}[/]",
        f"{profit / summary['start_equity']:+.3%} of {summary['start_equity']:,.0f}",
    )
    for number, line in enumerate(_lines(summary["attribution"]["parts"])):
        table.add_row("" if number else "Made of", "", line)
    table.add_row("Fees", f"{summary['fees']:,.2f}", "")
    table.add_row("Interest", f"{summary['interest']:,.2f}", "on cash")
    table.add_row("Borrow", f"{summary['borrow']:,.2f}", "fees for short shares")
    table.add_row("Sharpe ratio", _sharpe(summary["sharpe"]), "" if summary["sharpe"] else "too few days for one")
    table.add_row("Drawdown", f"{summary['drawdown']:.3%}", "deepest fall from a high")
    for name, one in summary["exposure"].items():
        table.add_row(
            name.capitalize(),
            f"{one['largest']:,.2f}",
            f"at its largest; {one['mean_absolute']:,.2f} on average, {one['unit']}",
        )
    table.add_row("Data left out", *_skipped(summary["skipped"]))
    table.add_row("Time taken", f"{summary['wall_seconds']:,.1f} s", "")
    return table


def _lines(parts: dict[str, float]) -> list[str]:
    """The parts of the profit that are not zero, a few on a line."""
    told = [f"{name} {money:,.2f}" for name, money in parts.items() if money]
    return [", ".join(told[at : at + _PARTS_A_LINE]) for at in range(0, len(told), _PARTS_A_LINE)]


def _cents(money: float) -> float:
    """An amount to the cent. Results state money with four decimals at most, of which a float keeps more."""
    return float(round(Decimal(f"{money:.4f}"), 2))


def _sharpe(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _skipped(counts: dict[str, int]) -> tuple[str, str]:
    return f"{sum(counts.values()):,}", ", ".join(f"{kind}: {number}" for kind, number in counts.items())
