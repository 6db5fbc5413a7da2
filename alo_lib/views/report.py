"""The page of a run, made from its folder alone."""

from typing import Any, Final

import numpy as np

from alo_lib.records import Kind, OrderStatus
from alo_lib.records.whole_files import write_whole
from alo_lib.views import page
from alo_lib.views.attribution import attribution_over_time
from alo_lib.views.blotter import InstrumentFill, attribution, fills, positions
from alo_lib.views.figures import (
    attribution_figure,
    equity_figure,
    exposure_figures,
    trades_figure,
    waterfall_figure,
)
from alo_lib.views.margin import margin_used
from alo_lib.views.page import Html
from alo_lib.views.performance import equity_curve, lean_figures, monthly, session_returns
from alo_lib.views.risk import exposure_ranges, exposures
from alo_lib.views.run import InstrumentRecord, Run, exchange_time
from alo_lib.views.scenario import scenario
from alo_lib.views.scenario_figures import grid_figure, payoff_figure
from alo_lib.views.summary import sharpe_in_words
from alo_lib.views.volatility import ForecastOutcome, forecast_outcomes, volatility_view
from alo_lib.views.volatility_figures import outcome_figure, volatility_figure

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
        _equity(run),
        *_underlyings(run),
        _exposure(run),
        _attribution(run),
        _positions(run),
        *_scenarios(run),
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
    write_whole(run.folder / REPORT_FILE, report_html(run))


def _headline(summary: dict[str, Any]) -> Html:
    profit, skipped = summary["net_profit"], summary["skipped"]
    return page.cards(
        [
            page.card("total profit", _money(profit), "good" if profit > 0 else "bad" if profit < 0 else ""),
            page.card("return", f"{profit / summary['start_equity']:+z.3%}"),
            page.card("Sharpe ratio", "–" if summary["sharpe"] is None else f"{summary['sharpe']:z.2f}"),
            page.card("deepest drawdown", f"{summary['drawdown']:z.3%}"),
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
            f"{_or_dash(lean.sharpe, 'z.2f')}: weekends and holidays count as days without a return",
        ),
        (
            "deepest drawdown",
            f"{summary['drawdown']:z.3%}",
            "of the equity curve below",
            f"{_or_dash(lean.drawdown, 'z.1%')}: to a tenth of a percent; none in a run of a day",
        ),
        (
            "worst day",
            _money(worst["profit"]) if worst else "–",
            f"{worst['return']:+z.3%} on {worst['date']}, close to close" if worst else "no session",
            "–",
        ),
        (
            "return on margin",
            _or_dash(on_margin, "+z.2%"),
            f"total profit over {_money(summary['largest_margin'])}, the largest margin (Regulation T)",
            "–",
        ),
    ]
    return page.section(
        "Performance", page.table(("figure", "value", "how it is counted", "LEAN's own"), rows, (1,), sentences=(2, 3))
    )


def _equity(run: Run) -> Html:
    sessions = run.table(Kind.SESSION).records
    months = [
        (f"{one.month}", f"{one.sessions}", _money(one.profit), f"{one.returned:+z.3%}", f"{one.drawdown:z.3%}")
        for one in monthly(session_returns(run))
    ]
    return page.section(
        "Equity, drawdown and margin",
        page.figure(equity_figure(equity_curve(run.results), margin_used(run), sessions["close"])),
        page.table(("month", "sessions", "profit", "return", "deepest drawdown within it"), months, range(1, 5)),
        page.note("Returns and drawdowns of a month are from session to session."),
    )


def _underlyings(run: Run) -> list[Html]:
    filled = fills(run)
    parts = []
    for underlying in run.underlyings:
        parts += [
            page.section(
                f"{underlying.symbol} and what was traded", page.figure(trades_figure(run, underlying, filled))
            ),
            _volatility(run, underlying, filled),
        ]
    return parts


def _volatility(run: Run, underlying: InstrumentRecord, filled: list[InstrumentFill]) -> Html:
    title = f"{underlying.symbol}: implied, forecast and realized volatility"
    view, outcomes = volatility_view(run, underlying), forecast_outcomes(run, underlying)
    if not len(view.forecast_time) and not len(view.implied_time):
        return page.section(title, page.note("Nothing was forecast."))
    own = [one for one in filled if one.instrument.is_option and one.instrument.underlying == underlying.number]
    return page.section(
        title,
        page.figure(volatility_figure(view, own)),
        page.note(
            "At the money and at constant maturity: total variance is interpolated between expiries, and there is no "
            "line where none lies on either side. Realized is that of the daily closes before. Click an expiry's name "
            "to see its own."
        ),
        *(
            [page.figure(outcome_figure(outcomes)), page.note(_came_true(outcomes))]
            if outcomes
            else [page.note("Whether forecasts came true: none has an expiry that two sessions of the run led to.")]
        ),
    )


def _came_true(outcomes: list[ForecastOutcome]) -> str:
    gaps = np.array([one.realized - one.forecast for one in outcomes])
    return (
        f"{len(outcomes):,} forecasts whose expiry the run reached: realized was {100.0 * gaps.mean():+z.1f} points "
        f"from the forecast on average, {100.0 * np.abs(gaps).mean():z.1f} in size. Lives overlap, so they are not "
        "independent."
    )


def _exposure(run: Run) -> Html:
    rows = [
        (
            one.greek.title,
            *(f"{value:z,.2f}" for value in (one.largest, one.in_passing, one.mean)),
            one.greek.unit,
        )
        for one in exposure_ranges(run)
    ]
    return page.section(
        "Exposure",
        page.side_by_side(map(page.figure, exposure_figures(exposures(run)))),
        page.table(("whole book", "largest", "in passing", "mean absolute", "unit"), rows, (1, 2, 3)),
        page.note(
            "Largest is what was held for a second or more; in passing the largest of all frames, those between a fill "
            "and its hedge included."
        ),
    )


def _attribution(run: Run) -> Html:
    table, parts = attribution(run), run.about["summary"]["attribution"]["parts"]
    series = attribution_over_time(run)
    rows = [(ticker, *map(_money, parts.values()), _money(sum(parts.values()))) for ticker, parts in table.items()]
    columns = ("underlying", *next(iter(table.values()), ()), "together")
    return page.section(
        "Where the money came from",
        page.figure(waterfall_figure(parts)),
        *([page.figure(attribution_figure(series))] if len(series.time) else []),
        page.table(columns, rows, range(1, len(columns))),
    )


def _positions(run: Run) -> Html:
    rows = [
        (
            one.instrument.label,
            f"{one.bought:,}",
            f"{one.sold:,}",
            f"{one.quantity:,}",
            f"{one.mark:z,.2f}",
            _money(one.fees),
            _money(one.profit),
        )
        for one in positions(run)
    ]
    columns = ("instrument", "bought", "sold", "held at the end", "last mark", "fees", "profit after fees")
    return page.section(
        "Positions", page.table(columns, rows, range(1, 7)) if rows else page.note("Nothing was traded.")
    )


def _scenarios(run: Run) -> list[Html]:
    """What the book held at the end would make."""
    parts = []
    for underlying in run.underlyings:
        found = scenario(run, underlying)
        if found is None:
            continue
        without = ", ".join(found.without_volatility)
        parts.append(
            page.section(
                f"{underlying.symbol}: what is held at the end, if the market moves",
                page.figure(payoff_figure(found)),
                page.side_by_side(page.figure(grid_figure(found, row)) for row in range(len(found.days) - 1)),
                page.note(
                    "Profit against the run's end, options priced at their own implied volatilities, moved together; "
                    "nothing is hedged on the way. At expiry options are worth what exercise pays."
                ),
                *([page.note(f"Left out, for want of a volatility: {without}.")] if without else []),
            )
        )
    return parts


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
            f"{order.price:z,.2f}" if order.filled else "–",
            _money(order.fee),
            order.tag,
            OrderStatus(order.status).name.lower().replace("_", " "),
        )
        for time, order in zip(times, orders, strict=True)
    ]
    columns = ("New York time", "instrument", "side", "quantity", "type", "price", "fee", "why", "status")
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
    return page.section("Notices", page.table(("New York time", "what happened"), told))


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
        ("time taken", f"{summary['wall_seconds']:z.1f} s"),
    ]
    return page.section("How it was made", page.facts(pairs))


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _money(value: float) -> str:
    return f"{'−' if value < -0.005 else ''}${abs(value):z,.2f}"


def _plain(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text or "–"
