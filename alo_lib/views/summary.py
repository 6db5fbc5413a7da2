"""A run in a few figures: the object for programs, and the table for people."""

from decimal import Decimal
from typing import Any

from rich.table import Table

from alo_lib.journal import message_digest, order_digest
from alo_lib.views.blotter import fills
from alo_lib.views.performance import WorstDay, performance
from alo_lib.views.risk import exposure_ranges
from alo_lib.views.run import Run
from alo_lib.views.sharpe import LEAST_SESSIONS

__all__ = ["sharpe_in_words", "summarize", "summary_table"]


def summarize(run: Run, *, engine: str, skipped: dict[str, int], wall_seconds: float, folder: str) -> dict[str, Any]:
    """The figures of a run, from its journal and results.

    ``skipped`` counts data faults by kind. Money is the account's currency, to the cent as LEAN's statistics have it
    (halves to even); exposures are of the whole book, in the units that they name.
    """
    result = performance(run)
    net_profit, unrealized = _cents(result.net_profit), _cents(result.unrealized_profit)
    orders = run.orders
    return {
        "engine": engine,
        "start": run.settings["start"],
        "end": run.settings["end"],
        "underlyings": run.settings["underlyings"],
        "orders": len(orders),
        "fills": len(fills(run)),
        "net_profit": net_profit,
        "realized_profit": _cents(net_profit - unrealized),
        "unrealized_profit": unrealized,
        "start_equity": _cents(result.start_equity),
        "end_equity": _cents(result.end_equity),
        "fees": _cents(sum(order.fee for order in orders)),
        "sessions": result.sessions,
        "sharpe": _rounded(result.sharpe),
        "sharpe_interval": result.sharpe_interval and [_rounded(bound) for bound in result.sharpe_interval],
        "hurdle": _rounded(result.hurdle),
        "drawdown": _rounded(result.drawdown),
        "worst_day": _day(result.worst_day),
        "largest_margin": _cents(result.largest_margin),
        "return_on_margin": _rounded(result.return_on_margin),
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
    table.add_row(
        "Realized", f"{summary['realized_profit']:,.2f}", f"{summary['unrealized_profit']:+,.2f} in what is held"
    )
    table.add_row("Fees", f"{summary['fees']:,.2f}", "")
    table.add_row("Sharpe ratio", *sharpe_in_words(summary))
    table.add_row("Drawdown", f"{summary['drawdown']:.3%}", "deepest fall from a high")
    if summary["worst_day"]:
        worst = summary["worst_day"]
        table.add_row("Worst day", f"{worst['profit']:,.2f}", f"{worst['return']:+.3%} on {worst['date']}")
    if summary["return_on_margin"] is not None:
        table.add_row(
            "Return on margin", f"{summary['return_on_margin']:+.2%}", f"of {summary['largest_margin']:,.0f}, the most"
        )
    for name, one in summary["exposure"].items():
        table.add_row(
            name.capitalize(),
            f"{one['largest']:,.2f}",
            f"at its largest; {one['mean_absolute']:,.2f} on average, {one['unit']}",
        )
    table.add_row("Data left out", *_skipped(summary["skipped"]))
    table.add_row("Time taken", f"{summary['wall_seconds']:,.1f} s", "")
    return table


def sharpe_in_words(summary: dict[str, Any]) -> tuple[str, str]:
    """The ratio with its interval, hurdle and number of sessions; or a dash, and why there is none."""
    count = summary["sessions"]
    sessions = f"{count:,} session{'' if count == 1 else 's'}"
    if summary["sharpe"] is None:
        if count < LEAST_SESSIONS:
            return "-", f"none below {LEAST_SESSIONS} sessions; {sessions}"
        why = "no interest rate was told" if summary["hurdle"] is None else "returns do not vary"
        return "-", f"none: {why}; {sessions}"
    interval = summary["sharpe_interval"]
    band = "" if interval is None else f"90 %: {interval[0]:.2f} to {interval[1]:.2f}; "
    return f"{summary['sharpe']:.2f}", f"{band}above {summary['hurdle']:.2%} a year; {sessions}"


def _day(worst: WorstDay | None) -> dict[str, Any] | None:
    return worst and {
        "date": str(worst.date),
        "profit": _cents(worst.profit),
        "return": _rounded(worst.returned),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6) + 0.0


def _cents(money: float) -> float:
    """An amount to the cent. Results state money with four decimals at most, of which a float keeps more."""
    return float(round(Decimal(f"{money:.4f}"), 2))


def _skipped(counts: dict[str, int]) -> tuple[str, str]:
    return f"{sum(counts.values()):,}", ", ".join(f"{kind}: {number}" for kind, number in counts.items())
