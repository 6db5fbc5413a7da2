"""A run in a few figures: the object for programs, and the table for people."""

from collections.abc import Callable
from typing import Any, Final

from rich.table import Table

from alo_lib.journal import message_digest, order_digest
from alo_lib.market import DataFindings, FaultLog
from alo_lib.records import ACCOUNT_CASH, FUNNEL_STAGES, STAGE_MEANINGS, Kind
from alo_lib.records.spelling import first_of
from alo_lib.views.attribution import attribution_warnings, stated_attribution
from alo_lib.views.baskets import stated_baskets
from alo_lib.views.blotter import fills
from alo_lib.views.data import damage, data_account, held_without_quotes, refusal_warnings, stated_funnel
from alo_lib.views.edges import best_edge_in_words, points, stops_in_words
from alo_lib.views.forecast_verdict import forecast_verdict, stated_verdict
from alo_lib.views.hedging import Hedging, hedging
from alo_lib.views.limits import stated_limits
from alo_lib.views.performance import WorstDay, performance
from alo_lib.views.risk import exposure_ranges, largest_by_expiry
from alo_lib.views.run import Run
from alo_lib.views.sharpe import LEAST_SESSIONS
from alo_lib.views.slippage import stated_slippage
from alo_lib.views.spoken import DASH, cents, fees_to_the_cent, rounded
from alo_lib.views.trades import stated_trades, trade_records

__all__ = ["hedging_in_words", "sharpe_in_words", "summarize", "summary_table"]

_PARTS_A_LINE: Final = 2
_DAYS_SHOWN: Final = 3


def summarize(
    run: Run, *, engine: str, findings: DataFindings, faults: FaultLog, wall_seconds: float, folder: str
) -> dict[str, Any]:
    """The figures of a run, from its journal and results.

    ``findings`` and ``faults`` are of the data it was made from. Money is the account's currency, to the cent as LEAN's
    statistics have it (halves to even); exposures are of the whole book, in the units that they name.
    """
    result = performance(run)
    net_profit, unrealized = _cents(result.net_profit), _cents(result.unrealized_profit)
    orders, booked = run.orders, run.table(Kind.INTEREST).records
    of_cash = booked["instrument"] == ACCOUNT_CASH
    interest, borrow = (_cents(booked["amount"][rows].sum()) for rows in (of_cash, ~of_cash))
    attribution, data = stated_attribution(run, result.net_profit), data_account(findings, faults)
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
        "fees": float(fees_to_the_cent(sum(order.fee for order in orders))),
        "interest": interest,
        "borrow": borrow,
        "trading_profit": _cents(net_profit - interest - borrow),
        "attribution": attribution,
        "hedging": _hedging(hedging(run, attribution["parts"])),
        "slippage": stated_slippage(run),
        "forecasts": stated_verdict(forecast_verdict(run)),
        "trades": stated_trades(trade_records(run)),
        "baskets": stated_baskets(trade_records(run)),
        "sessions": result.sessions,
        "sharpe": _ratio(result.sharpe),
        "sharpe_interval": result.sharpe_interval and [_ratio(bound) for bound in result.sharpe_interval],
        "hurdle": _ratio(result.hurdle),
        "drawdown": rounded(result.drawdown, 6),
        "worst_day": _day(result.worst_day),
        "largest_margin": _cents(result.largest_margin),
        "return_on_margin": _ratio(result.return_on_margin),
        **_stated_exposure(run),
        "limits": stated_limits(run),
        "order_digest": order_digest(orders),
        "journal_digest": message_digest(run.journal.messages),
        "market": [f"{ticker}: {sentence}" if ticker else sentence for ticker, sentence in run.market_truth],
        "skipped": {str(kind): count for kind, count in faults.counts.items()},
        **data,
        "warnings": [*data["warnings"], *refusal_warnings(run), *attribution_warnings(attribution["parts"])],
        "held_without_quotes": [
            {"date": str(each.day), "contract": each.symbol, "quantity": each.quantity}
            for each in held_without_quotes(run)
        ],
        **stated_funnel(run),
        "wall_seconds": round(wall_seconds, 3),
        "results_folder": folder,
    }


def _stated_exposure(run: Run) -> dict[str, Any]:
    return {
        "exposure": {
            one.greek.name: {
                "unit": one.greek.unit,
                "largest": rounded(one.largest, 4),
                "in_passing": rounded(one.in_passing, 4),
                "mean_absolute": rounded(one.mean, 4),
            }
            for one in exposure_ranges(run)
        },
        "exposure_by_expiry": {
            each.symbol: {
                expiry: {name: rounded(value, 4) for name, value in greeks.items()}
                for expiry, greeks in largest_by_expiry(run, each).items()
            }
            for each in run.underlyings
        },
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
        f"[{'green' if profit >= 0 else 'red'}]{profit:z,.2f}[/]",
        f"{profit / summary['start_equity']:+z.3%} of {summary['start_equity']:z,.0f}",
    )
    table.add_row("From trading", f"{summary['trading_profit']:z,.2f}", "net profit without interest and borrow")
    table.add_row(
        "Realized", f"{summary['realized_profit']:z,.2f}", f"{summary['unrealized_profit']:+z,.2f} in what is held"
    )
    for number, line in enumerate(_lines(summary["attribution"]["parts"])):
        table.add_row("" if number else "Made of", "", line)
    table.add_row("Hedging", f"{summary['hedging']['together']:z,.2f}", hedging_in_words(summary, "{:z,.2f}".format))
    slipped = summary["slippage"]
    table.add_row(
        "Slippage",
        f"{slipped['decision']:z,.2f}",
        f"beyond mid at decision; {slipped['arrival']:z,.2f} at arrival, {slipped['fill']:z,.2f} at the fill",
    )
    table.add_row("Fees", f"{summary['fees']:z,.2f}", "")
    table.add_row("Interest", f"{summary['interest']:z,.2f}", "on cash")
    table.add_row("Borrow", f"{summary['borrow']:z,.2f}", "fees for short shares")
    table.add_row("Sharpe ratio", *sharpe_in_words(summary))
    table.add_row("Drawdown", f"{summary['drawdown']:z.3%}", "deepest fall from a high")
    if summary["worst_day"]:
        worst = summary["worst_day"]
        table.add_row("Worst day", f"{worst['profit']:z,.2f}", f"{worst['return']:+z.3%} on {worst['date']}")
    if summary["return_on_margin"] is not None:
        table.add_row(
            "Return on margin",
            f"{summary['return_on_margin']:+z.2%}",
            f"of {summary['largest_margin']:z,.0f}, the most",
        )
    for name, one in summary["exposure"].items():
        table.add_row(
            name.capitalize(),
            f"{one['largest']:z,.2f}",
            f"at its largest; {one['mean_absolute']:z,.2f} in size on average, {one['unit']}",
        )
    table.add_row("Forecasts", "", summary["forecasts"]["verdict"])
    _add_data(table, summary)
    table.add_row("Time taken", f"{summary['wall_seconds']:z,.1f} s", "")
    return table


def sharpe_in_words(summary: dict[str, Any]) -> tuple[str, str]:
    """The ratio with its interval, hurdle and number of sessions; or a dash, and why there is none."""
    count = summary["sessions"]
    sessions = f"{count:,} session{'' if count == 1 else 's'}"
    if summary["sharpe"] is None:
        if count < LEAST_SESSIONS:
            return DASH, f"none below {LEAST_SESSIONS} sessions; {sessions}"
        why = "no interest rate was told" if summary["hurdle"] is None else "returns do not vary"
        return DASH, f"none: {why}; {sessions}"
    interval = summary["sharpe_interval"]
    band = "" if interval is None else f"90 %: {interval[0]:z.2f} to {interval[1]:z.2f}; "
    return f"{summary['sharpe']:z.2f}", f"{band}above {summary['hurdle']:z.2%} a year; {sessions}"


def hedging_in_words(summary: dict[str, Any], form: Callable[[float], str]) -> str:
    """What the figure of hedging is the sum of, its money in a form."""
    told = summary["hedging"]
    names = {"delta": "delta left unhedged", "slippage": "slippage of shares", "share_fees": "fees of shares"}
    return ", ".join(f"{words} {form(told[name])}" for name, words in names.items())


def _day(worst: WorstDay | None) -> dict[str, Any] | None:
    return worst and {
        "date": str(worst.date),
        "profit": _cents(worst.profit),
        "return": rounded(worst.returned, 6),
    }


def _hedging(told: Hedging) -> dict[str, Any]:
    return {"unit": "$", "together": float(told.together) + 0.0} | {
        name: float(amount) + 0.0 for name, amount in told._asdict().items()
    }


def _ratio(value: float | None) -> float | None:
    return None if value is None else rounded(value)


def _lines(parts: dict[str, float]) -> list[str]:
    """The parts of the profit that are not zero, a few on a line."""
    told = [f"{name} {amount:z,.2f}" for name, amount in parts.items() if amount]
    return [", ".join(told[at : at + _PARTS_A_LINE]) for at in range(0, len(told), _PARTS_A_LINE)]


def _cents(amount: float) -> float:
    return float(cents(amount)) + 0.0


def _add_data(table: Table, summary: dict[str, Any]) -> None:
    """What the run was made from, what it lacked, and why it did not trade where it did not."""
    for number, sentence in enumerate(summary.get("market", ())):
        table.add_row("" if number else "Synthetic market", "", sentence)
    for ticker, has in summary["coverage"].items():
        parts = f"bars {has['bars']}, option quotes {has['quotes']}, universes {has['universes']}, daily {has['daily']}"
        table.add_row(f"{ticker} data", f"{has['quotes']} of {has['sessions']}", f"sessions; {parts}")
    rows = summary["rows"]
    share = f"of {rows['read']:,} rows, {rows['left_out']:,} left out ({rows['left_out'] / max(rows['read'], 1):z.2%})"
    kinds = ", ".join(f"{kind}: {number}" for kind, number in damage(summary["skipped"]).items())
    table.add_row("Data left out", f"{summary['left_out']:,}", f"{share}; {kinds}" if kinds else share)
    if missing := summary["missing_files"]:
        table.add_row("Files missing", f"{missing:,}", "that a day asked for")
    if unquoted := summary["held_without_quotes"]:
        days = sorted({each["date"] for each in unquoted})
        count = f"{len(days):,} day{'' if len(days) == 1 else 's'}"
        table.add_row("Not closable", count, f"held without a quote: {first_of(days, _DAYS_SHOWN)}")
    for ticker, total in summary["funnel_total"].items():
        if not summary["orders"]:
            stages = " > ".join(f"{stage.replace('_', ' ')} {total[stage]:,}" for stage in FUNNEL_STAGES)
            table.add_row(f"{ticker}, no trade", "", stages)
            if none := [stage for stage in FUNNEL_STAGES if not total[stage]]:
                table.add_row("", "", f"{none[0].replace('_', ' ')}: {STAGE_MEANINGS[none[0]]}")
        if best := total["best_edge"]:
            table.add_row(f"{ticker} best edge", points(best)[0], f"volatility points {best_edge_in_words(best)}")
        if total["stopped_by"]:
            table.add_row(f"{ticker} stopped by", "", stops_in_words(total["stopped_by"]))
