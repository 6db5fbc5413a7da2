"""Parts of the page and the table of one underlying's volatility: the fit, its residuals, what stands beside it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from alo_lib.views import page
from alo_lib.views.page import Html
from alo_lib.views.residual_figures import autocorrelation_figure, quantile_figure
from alo_lib.views.spoken import DASH, or_dash, or_none
from alo_lib.views.volatility_context import CorporateEvent, VolatilityContext
from alo_lib.volatility import FitSummary, GjrParameters, ResidualTest

__all__ = [
    "PARAMETERS",
    "SHOCKS",
    "context_rows",
    "context_section",
    "fit_section",
    "parameter_figures",
    "parameter_rows",
    "residual_section",
    "residual_test_row",
]

PARAMETERS: Final = {
    "mu": "mean daily return",
    "omega": "constant of the daily variance",
    "alpha": "weight of yesterday's squared residual",
    "gamma": "the same, added after a loss",
    "beta": "weight of yesterday's variance",
    "nu": "degrees of freedom of the shocks",
    "skew": "asymmetry of the shocks, in (-1, 1)",
}
SHOCKS: Final = {"normal": "normal", "t": "Student's t", "skewt": "skewed t"}


def parameter_rows(summary: FitSummary, parameters: GjrParameters) -> dict[str, dict[str, Any]]:
    """Every parameter of the model by name, also what was not fitted, for JSON."""
    fitted = {row.name: row._asdict() for row in summary.parameters}
    unfitted: dict[str, Any] = dict.fromkeys(("standard_error", "t", "p_value", "interval")) | {"on_bound": False}
    named = {name: unfitted | fitted.get(name, {}) for name in PARAMETERS}
    for name, row in named.items():
        row.pop("name", None)
        row["value"] = or_none(float(getattr(parameters, name)))
    return named


def fit_section(summary: FitSummary, parameters: GjrParameters) -> Html:
    """Parameters, criteria and what their errors are."""
    told = parameter_rows(summary, parameters)
    columns = ("parameter", "value", "standard error", "t", "p", "95 % interval", "meaning")
    on_bound = ", ".join(name for name, row in told.items() if row["on_bound"])
    bound = f"{on_bound} ended on a bound and is told by the profile of the likelihood." if on_bound else ""
    return page.section(
        f"{summary.model} with {SHOCKS[summary.distribution]} shocks",
        page.table(
            columns, [(name, *parameter_figures(row), PARAMETERS[name]) for name, row in told.items()], range(1, 6)
        ),
        page.facts(
            [
                ("persistence", f"{parameters.persistence:z.4f}"),
                ("half-life of a shock, trading days", f"{parameters.half_life:z.0f}"),
                ("log likelihood", f"{summary.log_likelihood:z,.2f}"),
                ("AIC", f"{summary.akaike:z,.2f}"),
                ("BIC", f"{summary.bayes:z,.2f}"),
            ]
        ),
        page.note(f"Standard errors are robust to shocks of another density; p is two-sided. {bound}"),
        *([page.note(f"{summary.note}.")] if summary.note else []),
    )


def residual_section(summary: FitSummary, parameters: GjrParameters) -> Html:
    """Whether a fit's standardized residuals are what it says they are."""
    return page.section(
        "Standardized residuals",
        page.side_by_side(
            [
                page.figure(quantile_figure(summary.residuals, parameters)),
                page.figure(autocorrelation_figure(summary.residuals)),
            ]
        ),
        page.table(("test", "lags", "statistic", "p"), map(residual_test_row, summary.tests), range(1, 4)),
        page.note(
            "A small p speaks against the hypothesis: Ljung-Box that there is no autocorrelation, ARCH-LM that the "
            "model has taken all clustering, Jarque-Bera that shocks are normal, which other densities are to fail."
        ),
    )


def context_section(context: VolatilityContext | None) -> list[Html]:
    """What options price beside the forecast, and corporate events; nothing where the data are not known."""
    if context is None:
        return []
    events, implied = context.events, context.implied
    rows = [
        (
            f"{one.days}",
            f"{one.implied:z.2%}",
            f"{one.sessions}",
            f"{one.forecast:z.2%}",
            f"{one.implied - one.forecast:z.2%}",
        )
        for one in implied
    ]
    columns = ("days to expiry", "implied at the money", "sessions", "forecast", "implied less forecast")
    beside = page.table(columns, rows, range(5)) if rows else page.note(f"None: {context.implied_note}.")
    told = page.table(
        ("day", "event", "size"),
        [(str(one.day), one.kind, _size(one)) for one in reversed(events)],
        (2,),
    )
    return [
        page.section(
            "What options price, and events",
            beside,
            page.note("Both are variance a calendar year; the forecast is that over the exchange's sessions."),
            told if events else page.note("The data know of no dividend or split."),
        )
    ]


def _size(event: CorporateEvent) -> str:
    return f"{1.0 / event.size:z.4g} for 1" if event.kind == "split" else f"{event.size:z.2f} a share"


def parameter_figures(row: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """Value, standard error, t, p and interval of a parameter."""
    value, interval = row["value"], row["interval"]
    return (
        "∞" if value is None else f"{value:z.4g}",
        or_dash(row["standard_error"], "z.2g"),
        or_dash(row["t"], "z.2f"),
        _probability(row["p_value"]),
        DASH if interval is None else f"{interval[0]:z.3g} to {interval[1]:z.3g}",
    )


def residual_test_row(test: ResidualTest) -> tuple[str, str, str, str]:
    """Name, lags, statistic and p of a test."""
    name = f"{test.name}, squares" if test.of == "squares" else test.name
    lags = DASH if test.lags is None else f"{test.lags}"
    return name, lags, f"{test.statistic:z.2f}", _probability(test.p_value)


def _probability(value: float | None) -> str:
    return "< 0.0001" if value is not None and value < 1e-4 else or_dash(value, "z.4f")


def context_rows(context: VolatilityContext | None) -> Iterator[tuple[str, str, str]]:
    """Implied volatility beside the forecast, and the events of the days and after them."""
    if context is None:
        return
    for one in context.implied:
        beside = f"at the money, {one.days} days; forecast over the same {one.sessions} sessions {one.forecast:z.1%}"
        yield "Implied", f"{one.implied:z.1%}", beside
    if not context.implied:
        yield "Implied", DASH, context.implied_note
    kinds = Counter(one.kind for one in context.events if one.day <= context.last)
    ahead = ", ".join(f"{one.kind} on {one.day}" for one in context.events if one.day > context.last)
    told = f"dividends {kinds['dividend']}, splits {kinds['split']}; ahead: {ahead or 'none known'}"
    yield "Events", f"{kinds.total()}", told
