"""What is known of one underlying's volatility: as an object for programs, a table for a terminal, and a page."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table

from alo_lib.views import page
from alo_lib.views.drawing import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    REGIME_COLORS,
    VIOLET,
    Figure,
    faint,
    layout_of,
    line_trace,
    thinned,
)
from alo_lib.views.page import Html
from alo_lib.views.realized_beside import MEASURE_NAMES, realized_rows, realized_section
from alo_lib.views.spoken import or_dash, or_none, rounded
from alo_lib.views.volatility_context import VolatilityContext
from alo_lib.views.volatility_sections import (
    PROXY_NAMES,
    SHOCKS,
    check_columns,
    check_rows,
    check_section,
    context_rows,
    context_section,
    fit_section,
    parameter_figures,
    parameter_rows,
    residual_section,
    residual_test_row,
)
from alo_lib.volatility import ConePoint, HorizonCheck, VolatilityReport

__all__ = ["VolatilityReportView", "volatility_html", "volatility_table"]

_MOST_SHOWN: Final = 2.0
"""Times the highest conditional volatility at which the axis ends at first; a reader may zoom out."""
_NAMED_DAYS: Final = 5
"""Days with a range too far out that a note names."""


@dataclass(frozen=True)
class VolatilityReportView:
    """An analysis with the name and the days (n, datetime64[D]) of the bars that it was made from."""

    ticker: str
    days: NDArray[np.datetime64]
    analysis: VolatilityReport
    context: VolatilityContext | None = None
    """What the data folder says beside the bars; None where there is none."""
    checks: tuple[HorizonCheck, ...] = ()
    """How such forecasts did on past days."""
    check_note: str = "past forecasts were not made"
    """Why there are no checks."""

    def to_dict(self) -> dict[str, Any]:
        """The figures for JSON: volatilities as annualized decimals, lengths in trading days."""
        one = self.analysis
        p, summary = one.garch.parameters, one.summary
        return {
            "ticker": self.ticker,
            "start": str(self.days[0]),
            "end": str(self.days[-1]),
            "bars": len(self.days),
            "distribution": p.distribution,
            "volatility": {
                "next_day": rounded(one.cone[0].volatility),
                "conditional": rounded(one.next_day_volatility),
                "realized": rounded(float(one.realized[-1])),
                "long_run": rounded(p.long_run_volatility),
            },
            "parameters": parameter_rows(summary, p),
            "covariance": {"names": list(summary.covariance_names), "values": summary.covariance.tolist()},
            "persistence": p.persistence,
            "half_life": p.half_life,
            "log_likelihood": summary.log_likelihood,
            "aic": summary.akaike,
            "bic": summary.bayes,
            "residual_tests": [test._asdict() for test in summary.tests],
            "regimes": self._regimes(),
            "changes": [
                {"day": str(day), "scale": "wider" if sign > 0 else "narrower"}
                for day, sign in zip(self.days[1:], one.changes.tolist(), strict=True)
                if sign
            ],
            "forecast": [
                {
                    name: value if name == "days" or value is None else rounded(value)
                    for name, value in vars(point).items()
                }
                for point in one.cone
            ],
            "checks": [_check_told(check) for check in self.checks],
            "weights": {
                str(horizon): dict(zip(one.hybrid.blend.parts, map(rounded, weights), strict=True))
                for horizon, weights in zip(one.hybrid.horizons, one.hybrid.blend.weights, strict=True)
            },
            "far_ranges": self.far_days,
            "notes": list(one.notes),
        } | ({} if self.context is None else self.context.to_dict())

    @property
    def day_notes(self) -> list[str]:
        """Sentences on days that are missing, doubled, or have a range too far out."""
        return [*([] if self.context is None else self.context.gaps.notes), *self.far_notes]

    @property
    def far_days(self) -> list[str]:
        """Days whose range lies too far out to be believed whole."""
        return [str(day) for day in self.days[1:][self.analysis.far > 0.0]]

    @property
    def far_notes(self) -> list[str]:
        """What such days mean for the figures, a sentence; nothing without any."""
        found = self.far_days
        if not found:
            return []
        furthest = np.sort(np.argsort(-self.analysis.far, kind="stable")[: min(_NAMED_DAYS, len(found))])
        named = ", ".join(map(str, self.days[1:][furthest]))
        which = f"furthest {named}" if len(found) > _NAMED_DAYS else named
        return [
            f"{len(found)} {'day has' if len(found) == 1 else 'days have'} a high or low further out than six usual "
            f"days, which is a wild minute or a false print ({which}): realized volatility counts it whole and leaps "
            "for a month, the forecast takes as much of it as is usual"
        ]

    def _regimes(self) -> list[dict[str, Any]]:
        one = self.analysis
        if one.regimes is None:
            return []
        p = one.regimes.parameters
        now, mean = one.probabilities[-1], one.probabilities.mean(axis=0)
        return [
            {
                "volatility": rounded(volatility),
                "expected_days": or_none(days),
                "probability": rounded(float(now[k])),
                "share_of_days": rounded(float(mean[k])),
            }
            for k, (volatility, days) in enumerate(zip(p.volatilities, p.expected_days, strict=True))
        ]


def volatility_table(view: VolatilityReportView) -> Group:
    """The figures for a terminal."""
    told, one = view.to_dict(), view.analysis
    level = told["volatility"]
    head = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    head.add_column(style="dim")
    head.add_column(justify="right")
    head.add_column(style="dim")
    head.add_row(view.ticker, f"{told['bars']:,} bars", f"{told['start']} to {told['end']}, split-adjusted")
    head.add_row("Next day", f"{level['next_day']:z.1%}", "expected volatility, a year")
    head.add_row("Past month", f"{level['realized']:z.1%}", "realized (Yang-Zhang)")
    head.add_row("Long run", f"{level['long_run']:z.1%}", f"half of a shock is gone in {told['half_life']:z.0f} days")
    for k, regime in enumerate(told["regimes"]):
        stay = "for good" if regime["expected_days"] is None else f"for {regime['expected_days']:z.0f} days at a time"
        head.add_row(
            f"Regime {k + 1}",
            f"{regime['volatility']:z.1%}",
            f"likely now to {regime['probability']:z.0%}; {regime['share_of_days']:z.0%} of all days, {stay}",
        )
    for row in context_rows(view.context):
        head.add_row(*row)
    forecast = _rich_table(
        "days ahead", "forecast", "mean", *(f"90 %, {name}" for name in PROXY_NAMES.values()), "usual"
    )
    for point in one.cone:
        forecast.add_row(
            str(point.days),
            f"{point.volatility:z.1%}",
            f"{point.expected:z.1%}",
            f"{point.low:z.1%} to {point.high:z.1%}",
            f"{point.range_low:z.1%} to {point.range_high:z.1%}",
            or_dash(point.usual, "z.1%"),
        )
    checks = _rich_table("forecasts", *check_columns(view.checks))
    for told_check in check_rows(view.checks):
        checks.add_row(*told_check)
    realized = _rich_table("days past", *MEASURE_NAMES.values())
    for told_past in realized_rows(() if view.context is None else view.context.realized.past):
        realized.add_row(*told_past)
    parameters = _rich_table(f"GJR-GARCH, {SHOCKS[told['distribution']]}", "value", "± s.e.", "t", "p")
    for name, row in told["parameters"].items():
        parameters.add_row(name, *parameter_figures(row)[:4])
    tests = _rich_table("residuals", "lags", "statistic", "p")
    for test in one.summary.tests:
        tests.add_row(*residual_test_row(test))
    notes = [*one.notes, *view.day_notes]
    return Group(
        head,
        "",
        forecast,
        "",
        *((realized, "") if realized.row_count else ()),
        checks if view.checks else f"Past forecasts: {view.check_note}.",
        "",
        parameters,
        f"log likelihood {told['log_likelihood']:z,.2f}, AIC {told['aic']:z,.2f}, BIC {told['bic']:z,.2f}",
        "",
        tests,
        *(f"Note: {note}." for note in notes),
    )


def volatility_html(view: VolatilityReportView) -> str:
    """One self-contained page."""
    told, one = view.to_dict(), view.analysis
    level, changes = told["volatility"], told["changes"]
    return page.page(
        f"Volatility of {view.ticker}",
        f"{told['start']} to {told['end']} · {told['bars']:,} split-adjusted daily bars · volatilities are annualized",
        page.cards(
            [
                page.card("expected for the next day", f"{level['next_day']:z.1%}"),
                page.card("expected for 21 days", f"{_at(one, 21):z.1%}"),
                page.card("realized in the past month", f"{level['realized']:z.1%}"),
                page.card("long run", f"{level['long_run']:z.1%}"),
                *(
                    card
                    for row in (() if view.context is None else view.context.beside.maturities)
                    for card in (
                        page.card(f"implied by options, {row.days} days", f"{row.implied:z.1%}"),
                        page.card(f"forecast of these {row.days} days", or_dash(row.forecast, "z.1%")),
                    )
                ),
                *(
                    page.card(f"probability of regime {k + 1} now", f"{regime['probability']:z.0%}")
                    for k, regime in enumerate(told["regimes"])
                ),
                page.card("last change of scale", changes[-1]["day"] if changes else "none"),
            ]
        ),
        page.section(
            "Conditional volatility and regimes",
            page.figure(history_figure(view)),
            page.note(
                "Parameters are fitted to all bars shown. With them, the value of a day rests on the days before it "
                "(conditional volatility) or up to it (realized volatility, regimes, changes); nothing is smoothed."
            ),
            *(page.note(f"{note}.") for note in view.day_notes),
        ),
        _forecast_section(view),
        *realized_section(None if view.context is None else view.context.realized),
        check_section(view.checks, view.check_note),
        *context_section(view.context),
        fit_section(one.summary, one.garch.parameters),
        residual_section(one.summary, one.garch.parameters),
        _regime_section(told),
        page.section(
            "Weights of the forecast's parts",
            page.table(
                ("trading days ahead", *one.hybrid.blend.parts),
                [(days, *(f"{share:z.0%}" for share in parts.values())) for days, parts in told["weights"].items()],
                range(1 + len(one.hybrid.blend.parts)),
            ),
        ),
        *([page.section("Notes", *(page.note(f"{note}.") for note in one.notes))] if one.notes else []),
    )


def _forecast_section(view: VolatilityReportView) -> Html:
    return page.section(
        "Forecast",
        page.figure(cone_figure(view)),
        page.table(
            (
                "trading days ahead",
                "forecast",
                "mean of volatility",
                *(f"{edge} %, {name}" for name in PROXY_NAMES.values() for edge in (5, 95)),
                "usual",
            ),
            _cone_rows(view.analysis.cone),
            range(8),
        ),
        page.note(
            "The hybrid forecast from the last day: the root of mean variance, and the mean of volatility, which "
            "an option at the money is priced at. Nine times out of ten volatility falls into its band: close to "
            "close as hedging once a day realizes it, or of the days' ranges, which is less noisy. Usual is the "
            "median over all past windows of as many days."
        ),
    )


def history_figure(view: VolatilityReportView) -> Figure:
    """Conditional and realized volatility with the changes of scale above, filtered regime probabilities below."""
    one, days = view.analysis, np.datetime_as_string(view.days[1:])
    conditional, realized = 100.0 * one.conditional, 100.0 * one.realized
    data = []
    for values, name, color in ((realized, "realized, 21 days", ORANGE), (conditional, "conditional", BLUE)):
        rows = thinned(values)
        data.append(line_trace(days[rows].tolist(), values[rows], name, color, hover="%{x}<br>%{y:.1f} %", width=1.3))
    for sign, name, symbol in ((1, "scale grew", "triangle-up"), (-1, "scale shrank", "triangle-down")):
        found = np.flatnonzero(one.changes == sign)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": days[found].tolist(),
                "y": np.round(conditional[found], 3).tolist(),
                "marker": {"symbol": symbol, "size": 10, "color": RED if sign > 0 else GREEN},
                "hovertemplate": f"%{{x}}<extra>{name}</extra>",
            }
        )
    layout = layout_of(height=560, xaxis={"type": "date", "hoverformat": "%Y-%m-%d", "title": "trading day"})
    layout["yaxis"] = {"title": "volatility, % a year", "rangemode": "tozero"}
    usual = _MOST_SHOWN * float(np.max(conditional))
    if float(np.nanmax(realized, initial=0.0)) > usual:
        # One false print would leave nothing of all other days to be seen; day_notes name it.
        layout["yaxis"]["range"] = [0.0, usual]
    if one.regimes is not None:
        for k, volatility in enumerate(one.regimes.parameters.volatilities):
            color = REGIME_COLORS[k % len(REGIME_COLORS)]
            trace = line_trace(
                days.tolist(),
                np.round(one.probabilities[:, k], 4),
                f"regime {k + 1} ({volatility:z.0%})",
                color,
                hover="%{x}<br>%{y:.2f}",
                width=0.0,
                yaxis="y2",
                stackgroup="regimes",
            )
            data.append(trace | {"fillcolor": faint(color, 0.6)})
        layout["yaxis"]["domain"] = [0.36, 1.0]
        layout["yaxis2"] = {"title": "probability", "domain": [0.0, 0.28], "range": [0.0, 1.0]}
        layout["xaxis"]["anchor"] = "y2"
    return {"data": data, "layout": layout}


def cone_figure(view: VolatilityReportView) -> Figure:
    """Forecast volatility and the mean of volatility with both bands over the days ahead."""
    cone = view.analysis.cone
    days = [point.days for point in cone]
    percent = {
        name: 100.0 * np.array([math.nan if value is None else value for value in column])
        for name, column in (
            (name, [getattr(point, name) for point in cone])
            for name in ("low", "high", "range_low", "range_high", "volatility", "expected", "usual")
        )
    }
    hover = "%{x} days<br>%{y:.1f} %"
    data = [
        *_band(days, percent["low"], percent["high"], PROXY_NAMES["returns"], BLUE),
        *_band(days, percent["range_low"], percent["range_high"], PROXY_NAMES["range"], VIOLET),
        line_trace(days, percent["volatility"], "forecast", BLUE, hover=hover, width=2.2),
        line_trace(days, percent["expected"], "mean of volatility", GREEN, hover=hover),
        line_trace(days, percent["usual"], "usual", ORANGE, hover=hover),
    ]
    ticks = [1, 2, 5, 10, 21, 42, 63, 126, 252]
    layout = layout_of(height=380, xaxis={"type": "log", "title": "trading days ahead", "tickvals": ticks})
    layout["yaxis"] = {"title": "volatility, % a year", "rangemode": "tozero"}
    return {"data": data, "layout": layout}


def _band(
    days: list[int], low: NDArray[np.float64], high: NDArray[np.float64], name: str, color: str
) -> list[dict[str, Any]]:
    """The two edges of a 90 % band, the area between them filled."""
    hover = "%{x} days<br>%{y:.1f} %"
    return [
        line_trace(days, low, f"5 %, {name}", color, hover=hover, width=0.5, showlegend=False, legendgroup=name),
        line_trace(days, high, f"90 % band, {name}", color, hover=hover, width=0.5, fill="tonexty", legendgroup=name),
    ]


def _check_told(check: HorizonCheck) -> dict[str, Any]:
    """For JSON: figures by proxy, None where there is none."""
    told: dict[str, Any] = {"days": check.days, "count": check.count}
    for name in ("level", "level_error", "inside", "below"):
        told[name] = {measure: or_none(rounded(value)) for measure, value in getattr(check, name).items()}
    return told


def _cone_rows(cone: tuple[ConePoint, ...]) -> list[tuple[str, ...]]:
    return [
        (
            f"{point.days}",
            f"{point.volatility:z.2%}",
            f"{point.expected:z.2%}",
            f"{point.low:z.2%}",
            f"{point.high:z.2%}",
            f"{point.range_low:z.2%}",
            f"{point.range_high:z.2%}",
            or_dash(point.usual, "z.2%"),
        )
        for point in cone
    ]


def _regime_section(told: dict[str, Any]) -> Html:
    if not told["regimes"]:
        return page.section("Regimes", page.note("None could be fitted; see the notes."))
    rows = [
        (
            f"{k + 1}",
            f"{one['volatility']:z.2%}",
            "for good" if one["expected_days"] is None else f"{one['expected_days']:z.0f}",
            f"{one['share_of_days']:z.1%}",
            f"{one['probability']:z.1%}",
        )
        for k, one in enumerate(told["regimes"])
    ]
    columns = ("regime", "volatility", "expected stay, trading days", "share of days", "probability now")
    return page.section("Regimes", page.table(columns, rows, range(5)))


def _rich_table(first: str, *others: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _at(one: VolatilityReport, days: int) -> float:
    return next(point.volatility for point in one.cone if point.days == days)
