"""The page of a run, made from its folder alone."""

from typing import Final

import numpy as np

from alo_lib.journal import preface_of, volume_of
from alo_lib.records import Kind
from alo_lib.records.whole_files import write_whole
from alo_lib.views import page
from alo_lib.views.attribution import (
    OUTSIDE,
    attribution_over_time,
    attribution_theta_by_time,
    attribution_vega_by_expiry,
)
from alo_lib.views.baskets import baskets_section
from alo_lib.views.blotter import fills, money_by_security
from alo_lib.views.blotter_section import orders_section, positions_section, trades_section
from alo_lib.views.data_section import data_sections
from alo_lib.views.exposure_figures import expiry_figures, exposure_figures
from alo_lib.views.figures import attribution_figure, equity_figure, rolling_figure, trades_figure, waterfall_figure
from alo_lib.views.forecast_verdict import facts_in_words, in_words, verdict_on
from alo_lib.views.headline import headline, performance_section
from alo_lib.views.limits import limits_section
from alo_lib.views.margin import margin_used
from alo_lib.views.operator_commands import commands_section
from alo_lib.views.page import Html
from alo_lib.views.performance import (
    deepest_drawdowns,
    equity_curve,
    monthly,
    rolling_figures,
    session_returns,
)
from alo_lib.views.regimes import regimes_over_time
from alo_lib.views.risk import GREEKS, expiry_exposures, exposure_ranges, exposures, largest_by_expiry
from alo_lib.views.run import InstrumentRecord, Run, exchange_moment, exchange_time
from alo_lib.views.scenario import scenario
from alo_lib.views.scenario_figures import grid_figure, payoff_figure
from alo_lib.views.settings_section import settings_section
from alo_lib.views.sharpe import LEAST_SESSIONS
from alo_lib.views.spoken import money, or_dash
from alo_lib.views.tables import write_tables
from alo_lib.views.time_axis import TimeAxis, time_axis
from alo_lib.views.trades import trade_records
from alo_lib.views.volatility import (
    ForecastOutcome,
    forecast_outcomes,
    refits,
    term_structures,
    volatility_view,
)
from alo_lib.views.volatility_figures import outcome_figure, regime_figure, term_structure_figure, volatility_figure

__all__ = ["REPORT_FILE", "report_html", "write_report"]

REPORT_FILE: Final = "report.html"

_LEAST_ROLLING: Final = 5
"""Rolling figures below which none are drawn."""
_TERM_STRUCTURES: Final = 6
"""Moments of a run of which the term structure is drawn."""


def report_html(run: Run, *, alone: bool = False) -> str:
    """The report of a run as an HTML page, to be written into its folder; ``alone`` one that may lie anywhere.

    A page that does not stand alone needs plotly.js beside it, see :func:`alo_lib.views.page.write_library`.

    :raises RunError: when the folder is not that of a finished run.
    :raises JournalError: when its journal cannot be read.
    """
    summary = run.summary
    tickers = ", ".join(summary["underlyings"])
    span = summary["start"] if summary["start"] == summary["end"] else f"{summary['start']} to {summary['end']}"
    made = f"{summary['engine']} engine" if run.knows_data else f"drawn from its journal{_quotes_kept(run)}"
    axis, data = time_axis(run), data_sections(run)  # where nothing was traded, they come first
    return page.page(
        f"Volatility arbitrage on {tickers}",
        f"{span} · {run.settings['resolution']} bars · {made} · times are New York's",
        headline(run, summary),
        *([] if summary["orders"] else data),
        performance_section(run, summary),
        *_equity(run, axis),
        *_underlyings(run, axis),
        *_exposure(run, axis),
        limits_section(run),
        _attribution(run, axis),
        *_scenarios(run),
        trades_section(run, summary),
        *baskets_section(trade_records(run)),
        positions_section(run),
        orders_section(run),
        commands_section(run),
        _notices(run),
        *(data if summary["orders"] else []),
        settings_section(run),
        _provenance(run),
        alone=alone,
    )


def write_report(run: Run) -> None:
    """Write the report, what draws it, and the tables that it is drawn from into the run's folder."""
    text = report_html(run)  # before anything is written into what is no run's folder
    page.write_library(run.folder)
    write_tables(run)
    write_whole(run.folder / REPORT_FILE, text)


def _equity(run: Run, axis: TimeAxis) -> list[Html]:
    by_session, curve = session_returns(run), equity_curve(run.results)
    months = [
        (f"{one.month}", f"{one.sessions}", money(one.profit), f"{one.returned:+z.3%}", f"{one.drawdown:z.3%}")
        for one in monthly(by_session, curve.equity)
    ]
    falls = [
        (
            f"{one.since or 'the start'}",
            f"{one.deepest}",
            f"{one.recovered or 'not yet'}",
            f"{one.depth:z.3%}",
            f"{one.sessions:,}",
        )
        for one in deepest_drawdowns(by_session, curve.equity)
    ]
    rolling = rolling_figures(by_session)
    parts = [
        page.section(
            "Equity, drawdown and margin",
            page.figure(equity_figure(axis, curve, margin_used(run))),
            page.note(
                "Margin is what LEAN asks for what is held: half of the shares' value, for short options what the "
                "exchanges' minimum asks, and nothing for long ones, whose premium is paid. (Regulation T's own "
                "maintenance of long shares is less, a quarter.) The limit max-margin is held against the same rules, "
                "naked shorts by short-margin."
            ),
        ),
        page.section(
            "By month, and the deepest falls",
            page.table(("month", "sessions", "profit", "return", "deepest drawdown in it"), months, range(1, 5)),
            *(
                [page.table(("high of", "deepest on", "recovered on", "drawdown", "sessions in it"), falls, (3, 4))]
                if falls
                else []
            ),
            page.note(
                "Returns are from close to close; drawdowns are those of the equity curve above, from its high until "
                "then, so that a month may begin in one."
            ),
        ),
    ]
    if len(rolling.date) >= _LEAST_ROLLING:
        title = f"The last {LEAST_SESSIONS} sessions, at each session's close"
        parts.append(page.section(title, page.figure(rolling_figure(axis, rolling))))
    return parts


def _underlyings(run: Run, axis: TimeAxis) -> list[Html]:
    filled, coverage = fills(run), run.summary["coverage"]
    parts = []
    for underlying in run.underlyings:
        unquoted = coverage[underlying.symbol]["without_quotes"] if run.knows_data else []
        traded = trades_figure(axis, run, underlying, filled)
        axis.shade(traded, unquoted)
        parts += [
            page.section(f"{underlying.symbol} and what was traded", page.figure(traded, about=underlying.symbol)),
            *_volatility(run, axis, underlying, unquoted),
        ]
    return parts


def _volatility(run: Run, axis: TimeAxis, underlying: InstrumentRecord, unquoted: list[str]) -> list[Html]:
    title = f"{underlying.symbol}: implied, forecast and realized volatility"
    view, outcomes = volatility_view(run, underlying), forecast_outcomes(run, underlying)
    if not len(view.forecast_time) and not len(view.implied_time):
        return [page.section(title, page.note("Nothing was forecast."))]
    own = [one for one in fills(run) if one.instrument.is_option and one.instrument.underlying == underlying.number]
    drawn = volatility_figure(axis, view, own, refits(run, underlying))
    axis.shade(drawn, unquoted)
    structures = term_structures(view, _TERM_STRUCTURES)
    return [
        page.section(
            title,
            page.figure(drawn),
            page.note(
                "At the money and at constant maturity: total variance is interpolated between expiries, and there is "
                "no line where none lies on either side. Realized is that of the daily closes before. Expiries that "
                "were traded are shown, and entries and exits stand on the line of their own expiry; click another "
                "expiry's name to see it."
            ),
        ),
        *(
            [page.section(f"{underlying.symbol}: term structure", page.figure(term_structure_figure(structures)))]
            if structures
            else []
        ),
        *_regimes(run, axis, underlying, unquoted),
        page.section(
            f"{underlying.symbol}: did the forecast come true?",
            *(
                [page.figure(outcome_figure(outcomes)), page.note(_came_true(outcomes))]
                if outcomes
                else [page.note(in_words(verdict_on([outcomes]))), *_so_far(run, underlying)]
            ),
        ),
    ]


def _so_far(run: Run, underlying: InstrumentRecord) -> list[Html]:
    """What is held at the end: its volatilities at the entry, and what was realized since."""
    rows = [
        (
            min(leg.expiry_date for leg in one.legs),
            exchange_moment(one.opened)[:16],
            "bought" if one.direction > 0 else "sold",
            *(
                or_dash(value, "z.2%")
                for value in (one.implied_volatility, one.forecast_volatility, one.realized_volatility)
            ),
        )
        for one in trade_records(run)
        if not one.ended and one.legs[0].underlying == underlying.number
    ]
    columns = ("held, expiry", "opened", "side", "implied at entry", "forecast at entry", "realized so far")
    return [page.table(columns, rows, range(3, 6))] if rows else []


def _regimes(run: Run, axis: TimeAxis, underlying: InstrumentRecord, unquoted: list[str]) -> list[Html]:
    view = regimes_over_time(run, underlying)
    if not len(view.time):
        return []
    drawn = regime_figure(axis, view)
    axis.shade(drawn, unquoted)
    days = np.bincount(view.likeliest, minlength=view.volatility.shape[1])
    rows = [
        (
            f"{regime + 1}",
            f"{view.volatility[-1, regime]:z.1%}",
            f"{view.probability[-1, regime]:z.1%}",
            f"{days[regime] / len(view.time):z.0%}",
        )
        for regime in np.flatnonzero(np.isfinite(view.probability[-1])).tolist()
    ]
    columns = ("regime", "volatility", "likely at the end", "likeliest in")
    return [
        page.section(
            f"{underlying.symbol}: regimes",
            page.figure(drawn),
            page.table(columns, rows, range(1, 4)),
            page.note(
                "A hidden Markov model of the daily returns, fitted with the other models; what is said of a day rests "
                "on the closes before it. It is there to be seen: no forecast and no trade rests on it. "
                "Likeliest in: share of the times at which it was told."
            ),
        )
    ]


def _came_true(outcomes: list[ForecastOutcome]) -> str:
    return (
        f"Of {len(outcomes):,} forecasts whose expiry the run reached: {facts_in_words(verdict_on([outcomes]))}. A "
        "plus is above what was realized. Lives overlap, so they are not independent."
        f"{_band(outcomes)}"
    )


def _band(outcomes: list[ForecastOutcome]) -> str:
    """How many of the forecasts that were traded on came true within their band, and what the band is of."""
    banded = [one for one in outcomes if one.in_band is not None]
    if not banded:
        return ""
    traded = [one.in_band for one in banded if one.traded]
    return (
        f" Of those traded on {sum(map(bool, traded)):,} of {len(traded):,} came true within their band, that of "
        "volatility from close to close."
    )


def _exposure(run: Run, axis: TimeAxis) -> list[Html]:
    rows = [
        (
            one.greek.title,
            *(f"{value:z,.2f}" for value in (one.largest, one.in_passing, one.mean)),
            one.greek.unit,
        )
        for one in exposure_ranges(run)
    ]
    parts = [
        page.section(
            "Exposure",
            page.side_by_side(map(page.figure, exposure_figures(axis, exposures(run)))),
            page.table(("whole book", "largest", "in passing", "mean absolute", "unit"), rows, (1, 2, 3)),
            page.note(
                "Lines and 'largest' are what was held for a second or more; 'in passing' is what stood between a fill "
                "and its hedge: the largest of all frames, and dots on a click on its name."
            ),
        )
    ]
    for underlying in run.underlyings:
        by_expiry = expiry_exposures(run, underlying)
        if not len(by_expiry.time):
            continue
        largest = [
            (expiry, *(f"{values[one.name]:z,.2f}" for one in GREEKS))
            for expiry, values in largest_by_expiry(run, underlying).items()
        ]
        columns = ("expiry", *(f"{one.title.lower()}, {one.unit}" for one in GREEKS))
        parts.append(
            page.section(
                f"{underlying.symbol}: exposure by expiry",
                page.side_by_side(map(page.figure, expiry_figures(axis, by_expiry))),
                page.table(columns, largest, range(1, len(columns))),
                page.note("The table has the largest that was held for a second or more."),
            )
        )
    return parts


def _attribution(run: Run, axis: TimeAxis) -> Html:
    table, parts = money_by_security(run), run.summary["attribution"]["parts"]
    series = attribution_over_time(run)
    rows = [(ticker, *map(money, parts.values()), money(sum(parts.values()))) for ticker, parts in table.items()]
    by_expiry = [(f"{expiry or OUTSIDE}", money(made)) for expiry, made in attribution_vega_by_expiry(run).items()]
    by_time = [(name, money(made)) for name, made in attribution_theta_by_time(run).items()]
    columns = ("underlying", *next(iter(table.values()), ()), "together")
    return page.section(
        "Where the money came from",
        page.figure(waterfall_figure(parts)),
        *([page.figure(attribution_figure(axis, series))] if len(series.time) else []),
        page.table(columns, rows, range(1, len(columns))),
        *([page.table(("expiry", "vega part of its trades"), by_expiry, (1,))] if by_expiry else []),
        *([page.table(("passed in", "theta part"), by_time, (1,))] if parts["theta"] else []),
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


def _notices(run: Run) -> Html:
    time, rows = run.table(Kind.NOTICE)
    if not len(time):
        return Html("")
    told = [
        (moment, row["text"].decode(errors="replace")) for moment, row in zip(exchange_time(time), rows, strict=True)
    ]
    return page.section("Notices", page.table(("New York time", "what happened"), told))


def _quotes_kept(run: Run) -> str:
    """Since when a journal has what was quoted, where it is a later volume."""
    messages = run.journal.messages
    if not (preface := preface_of(messages)):
        return ""
    since = exchange_moment(messages[preface - 1].time)[:16]
    return f", volume {volume_of(messages).number}: of before {since} it has orders, trades and each session's end"


def _provenance(run: Run) -> Html:
    about, summary = run.about, run.summary
    digests = [("order digest", summary["order_digest"]), ("journal digest", summary["journal_digest"])]
    if not run.knows_data:
        messages = f"{len(run.journal.messages):,} messages" + (", more to come" if run.journal.being_written else "")
        return page.section("How it was made", page.facts([*digests, ("from a journal of", messages)]))
    pairs = [
        *digests,
        ("data digest", run.data["digest"]),
        *([("LEAN's order-list hash", about["lean_order_list_hash"])] if about.get("lean_order_list_hash") else []),
        ("project commit", about.get("commit") or "not known"),
        ("versions", ", ".join(f"{name} {version}" for name, version in about["versions"].items())),
        ("started", about["started"]),
        ("time taken", f"{summary['wall_seconds']:z.1f} s"),
    ]
    return page.section("How it was made", page.facts(pairs))
