"""The page of a run, made from its folder alone."""

from typing import Any, Final

import numpy as np

from alo_lib.records import Kind, OrderStatus
from alo_lib.views import page
from alo_lib.views.blotter import attribution, fills, positions
from alo_lib.views.figures import (
    attribution_figure,
    equity_figure,
    exposure_figure,
    trades_figure,
    volatility_figure,
)
from alo_lib.views.page import Html
from alo_lib.views.performance import equity_curve, lean_figures
from alo_lib.views.risk import exposure_ranges, exposures
from alo_lib.views.run import Run, exchange_time
from alo_lib.views.summary import sharpe_in_words
from alo_lib.views.volatility import volatility_views

__all__ = ["REPORT_FILE", "report_html", "write_report"]

REPORT_FILE: Final = "report.html"

MAX_ROWS: Final = 2000
"""Orders that the page shows; orders.csv has all of them."""


def report_html(run: Run, *, alone: bool = False) -> str:
    """The report of a run as an HTML page, to be written into its folder; ``alone`` one that may lie anywhere.

    A page that does not stand alone needs plotly.js beside it, see :func:`alo_lib.views.page.write_library`.

    :raises RunError: when the folder is not that of a finished run.
    :raises JournalError: when its journal cannot be read.
    """
    summary = run.about["summary"]
    tickers = ", ".join(summary["underlyings"])
    span = summary["start"] if summary["start"] == summary["end"] else f"{summary['start']} to {summary['end']}"
    return page.page(
        f"Volatility arbitrage on {tickers}",
        f"{span} · {run.settings['resolution']} bars · {summary['engine']} engine · times are New York's",
        _headline(summary),
        _performance(run, summary),
        page.section("Equity and drawdown", page.figure(equity_figure(equity_curve(run.results)))),
        *_underlyings(run),
        _exposure(run),
        _attribution(run),
        _positions(run),
        _orders(run),
        _notices(run),
        _faults(run),
        page.section("Settings", page.facts(((name, _plain(run.settings[name])) for name in run.settings), wide=True)),
        _provenance(run),
        alone=alone,
    )


def write_report(run: Run) -> None:
    """Write the report and what draws it into the run's folder."""
    page.write_library(run.folder)
    (run.folder / REPORT_FILE).write_text(report_html(run), encoding="utf-8")


def _headline(summary: dict[str, Any]) -> Html:
    profit, skipped = summary["net_profit"], summary["skipped"]
    return page.cards(
        [
            page.card("total profit", _money(profit), "good" if profit > 0 else "bad" if profit < 0 else ""),
            page.card("return", f"{profit / summary['start_equity']:+.3%}"),
            page.card("Sharpe ratio", "–" if summary["sharpe"] is None else f"{summary['sharpe']:.2f}"),
            page.card("deepest drawdown", f"{summary['drawdown']:.3%}"),
            page.card("orders", f"{summary['orders']:,}"),
            page.card("fills", f"{summary['fills']:,}"),
            page.card("fees", _money(summary["fees"])),
            page.card("data left out", f"{sum(skipped.values()):,}"),
        ]
    )


def _performance(run: Run, summary: dict[str, Any]) -> Html:
    """The headline in full, and how LEAN's figures of the same names differ."""
    ratio, about = sharpe_in_words(summary)
    worst, on_margin = summary["worst_day"], summary["return_on_margin"]
    lean = lean_figures(run.results)
    rows = [
        (
            "total profit",
            _money(summary["net_profit"]),
            "what the equity gained, with what is held at its last mark",
            "–",
        ),
        (
            "realized profit",
            _money(summary["realized_profit"]),
            "of it, without what is held against its average price; all fees are in it",
            f"{lean.realized_profit or '–'}: closed trades, with the fees of those alone",
        ),
        (
            "Sharpe ratio",
            ratio,
            about,
            f"{_or_dash(lean.sharpe, '.2f')}: weekends and holidays count as days without a return",
        ),
        (
            "deepest drawdown",
            f"{summary['drawdown']:.3%}",
            "of the equity curve below",
            f"{_or_dash(lean.drawdown, '.1%')}: to a tenth of a percent; none in a run of a day",
        ),
        (
            "worst day",
            _money(worst["profit"]) if worst else "–",
            f"{worst['return']:+.3%} on {worst['date']}, close to close" if worst else "no session",
            "–",
        ),
        (
            "return on margin",
            _or_dash(on_margin, "+.2%"),
            f"total profit over {_money(summary['largest_margin'])}, the largest margin (Regulation T)",
            "–",
        ),
    ]
    return page.section("Performance", page.table(("figure", "value", "how it is counted", "LEAN's own"), rows, (1,)))


def _underlyings(run: Run) -> list[Html]:
    filled, volatilities = fills(run), volatility_views(run)
    parts = []
    for underlying in run.underlyings:
        parts.append(
            page.section(
                f"{underlying.symbol} and what was traded", page.figure(trades_figure(run, underlying, filled))
            )
        )
        view = volatilities[underlying.symbol]
        drawn = page.figure(volatility_figure(view)) if len(view.forecast_time) else page.note("Nothing was forecast.")
        parts.append(page.section(f"{underlying.symbol}: forecast against implied volatility", drawn))
    return parts


def _exposure(run: Run) -> Html:
    rows = [
        (one.greek.title, f"{one.largest:,.2f}", f"{one.mean:,.2f}", one.greek.unit) for one in exposure_ranges(run)
    ]
    return page.section(
        "Exposure",
        page.figure(exposure_figure(exposures(run))),
        page.table(("whole book", "largest", "mean absolute", "unit"), rows, (1, 2)),
    )


def _attribution(run: Run) -> Html:
    table = attribution(run)
    rows = [
        (ticker, _money(parts["options"]), _money(parts["shares"]), _money(parts["fees"]), _money(sum(parts.values())))
        for ticker, parts in table.items()
    ]
    return page.section(
        "Where the money came from",
        page.figure(attribution_figure(table)),
        page.table(("underlying", "options", "shares", "fees", "together"), rows, (1, 2, 3, 4)),
    )


def _positions(run: Run) -> Html:
    rows = [
        (
            one.instrument.label,
            f"{one.bought:,}",
            f"{one.sold:,}",
            f"{one.quantity:,}",
            f"{one.mark:,.2f}",
            _money(one.fees),
            _money(one.profit),
        )
        for one in positions(run)
    ]
    columns = ("instrument", "bought", "sold", "held at the end", "last mark", "fees", "profit after fees")
    return page.section(
        "Positions", page.table(columns, rows, range(1, 7)) if rows else page.note("Nothing was traded.")
    )


def _orders(run: Run) -> Html:
    orders = run.orders
    labels = {instrument.symbol: instrument.label for instrument in run.instruments.values()}
    times = exchange_time(np.array([order.time for order in orders], np.int64))
    rows = [
        (
            time,
            labels[order.symbol],
            order.side,
            f"{abs(order.quantity):,}",
            order.type.name.lower().replace("_", " "),
            f"{order.price:,.2f}" if order.filled else "–",
            _money(order.fee),
            order.tag,
            OrderStatus(order.status).name.lower().replace("_", " "),
        )
        for time, order in zip(times, orders, strict=True)
    ]
    columns = ("time", "instrument", "side", "quantity", "type", "price", "fee", "why", "status")
    if not rows:
        return page.section("Orders", page.note("No order was sent."))
    shown = page.table(columns, rows[:MAX_ROWS], (3, 5, 6))
    rest = page.note(f"The first {MAX_ROWS:,} of {len(rows):,}; orders.csv has all of them.")
    return page.section("Orders", *([shown, rest] if len(rows) > MAX_ROWS else [shown]))


def _notices(run: Run) -> Html:
    time, rows = run.table(Kind.NOTICE)
    if not len(time):
        return Html("")
    told = [
        (moment, row["text"].decode(errors="replace")) for moment, row in zip(exchange_time(time), rows, strict=True)
    ]
    return page.section("Notices", page.table(("time", "what happened"), told))


def _faults(run: Run) -> Html:
    counts, first = run.faults["counts"], run.faults["first"]
    if not counts:
        return page.section("Data left out", page.note("Nothing: every row that was read was used."))
    return page.section(
        "Data left out",
        page.table(("kind", "rows, entries or files"), [(kind, f"{count:,}") for kind, count in counts.items()], (1,)),
        *([page.table(("the first of each kind",), [(line,) for line in first])] if first else []),
    )


def _provenance(run: Run) -> Html:
    about, summary = run.about, run.about["summary"]
    pairs = [
        ("order digest", summary["order_digest"]),
        ("journal digest", summary["journal_digest"]),
        ("data digest", run.data["digest"]),
        *([("LEAN's order-list hash", about["lean_order_list_hash"])] if about.get("lean_order_list_hash") else []),
        ("project commit", about.get("commit") or "not known"),
        ("versions", ", ".join(f"{name} {version}" for name, version in about["versions"].items())),
        ("started", about["started"]),
        ("time taken", f"{summary['wall_seconds']:.1f} s"),
    ]
    return page.section("How it was made", page.facts(pairs))


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _money(value: float) -> str:
    return f"{'−' if value < -0.005 else ''}${abs(value):,.2f}"


def _plain(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text or "–"
