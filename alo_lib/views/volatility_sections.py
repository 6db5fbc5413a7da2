"""Parts of the page and the table of one underlying's volatility: the fit, its residuals, what stands beside it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from alo_lib.views import page
from alo_lib.views.implied_beside import ExpiryBeside, MaturityBeside
from alo_lib.views.kept_events import CorporateEvent, KeptEvent
from alo_lib.views.page import Html
from alo_lib.views.realized_beside import MEASURE_NAMES
from alo_lib.views.residual_figures import autocorrelation_figure, quantile_figure
from alo_lib.views.spoken import DASH, or_dash, or_none
from alo_lib.views.volatility_context import VolatilityContext
from alo_lib.volatility import FitSummary, GjrParameters, HorizonCheck, Proxy, ResidualTest
from alo_lib.volatility.variance_distribution import PROXIES
from alo_lib.volatility.verification import Measure

__all__ = [
    "PARAMETERS",
    "PROXY_NAMES",
    "SHOCKS",
    "check_columns",
    "check_rows",
    "check_section",
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
PROXY_NAMES: Final[dict[Proxy, str]] = {proxy: MEASURE_NAMES[proxy] for proxy in PROXIES}
UNKNOWN: Final = "size unknown"
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


def check_section(checks: Sequence[HorizonCheck], note: str) -> Html:
    """Level and coverage of forecasts like the one shown, made on past days; or the ``note`` why there are none."""
    title = "What past forecasts were worth"
    if not checks:
        return page.section(title, page.note(f"Not known: {note}."))
    columns = ("trading days ahead", "days judged", "realized", "level", "± s.e.", "inside its band", "below it")
    rows = [
        (f"{one.days}", f"{one.count:,}", MEASURE_NAMES[measure], *_check_figures(one, measure))
        for one in checks
        for measure in one.level
    ]
    return page.section(
        title,
        page.table(columns, rows, (0, 1, 3, 4, 5, 6)),
        page.note(
            "Each day's forecast was made by models of the days before it, fitted anew every half year. Level is mean "
            "forecast over mean realized variance: 1 is unbiased. Of ten days nine should lie inside a band, of twenty "
            "one below it. Windows overlap: of a horizon, days judged over days ahead are independent. Within the day "
            "those days count whose whole future has hourly bars."
        ),
    )


def _check_figures(check: HorizonCheck, measure: Measure) -> tuple[str, str, str, str]:
    """Level, its error, shares inside the band and below it; there are bands of the two proxies alone."""
    level = f"{check.level[measure]:z.2f}", or_dash(check.level_error[measure], "z.2f")
    if measure == "intraday":
        return *level, DASH, DASH
    return *level, f"{check.inside[measure]:z.1%}", f"{check.below[measure]:z.1%}"


def check_columns(checks: Sequence[HorizonCheck]) -> list[str]:
    """What :func:`check_rows` tells after the days ahead."""
    columns = ["level, close", "in band", "level, range", "in band"]
    return [*columns, "level, hours"] if _is_within_known(checks) else columns


def check_rows(checks: Sequence[HorizonCheck]) -> Iterator[tuple[str, ...]]:
    """Days ahead, then level with its error and share inside the band on either proxy, and the level within the day."""
    for one in checks:
        told = [_check_figures(one, proxy) for proxy in PROXIES]
        row = [text for level, error, inside, _ in told for text in (f"{level} ± {error}", inside)]
        if _is_within_known(checks):
            level, error, *_ = _check_figures(one, "intraday") if "intraday" in one.level else (DASH, DASH)
            row.append(DASH if level == DASH else f"{level} ± {error}")
        yield f"{one.days}", *row


def _is_within_known(checks: Sequence[HorizonCheck]) -> bool:
    return any("intraday" in one.level for one in checks)


def context_section(context: VolatilityContext | None) -> list[Html]:
    """What options price beside the forecast, and events; nothing where the data are not known."""
    if context is None:
        return []
    beside = context.beside
    rows = [
        (one.expiry, f"{one.days:z.1f}", f"{one.trading_days:z.1f}", *_beside_figures(one)) for one in beside.expiries
    ]
    rows += [(DASH, f"{one.days}", DASH, *_beside_figures(one)) for one in beside.maturities]
    columns = ("expiry", "days", "trading days", "implied at the money", "forecast", "implied less forecast")
    parts = [page.table(columns, rows, range(1, 6))] if rows else []
    if beside.note:
        parts.append(page.note(f"None: {beside.note}."))
    if rows:
        parts.append(
            page.note(
                "Variance a calendar year, as options quote it. The forecast is the mean of volatility, which an "
                "option at the money is priced at, over the trading days of the variance clock: sessions, nights and "
                "weekends by what they have had; with the events that the life holds. Rows without an expiry lie "
                "between two."
            )
        )
    return [page.section("What options price", *parts), page.section("Events", *_event_parts(context))]


def _beside_figures(row: ExpiryBeside | MaturityBeside) -> tuple[str, str, str]:
    return f"{row.implied:z.2%}", or_dash(row.forecast, "z.2%"), or_dash(row.implied - row.forecast, "z.2%")


def _event_parts(context: VolatilityContext) -> list[Html]:
    """Coming events above past ones: those kept in the user's file, and dividends and splits."""
    corporate, kept = context.corporate, context.kept
    parts = []
    if kept:
        told = [(str(one.day), one.name, *_kept_figures(one)) for one in reversed(kept)]
        parts.append(
            page.table(("day it moves", "event", "move of that day", "move expected", "told by"), told, (2, 3))
        )
    else:
        parts.append(page.note("None are kept in alternative/alo/events of the data folder."))
    if corporate:
        rows = [(str(one.day), one.kind, _size(one)) for one in reversed(corporate)]
        parts.append(page.table(("day", "event", "size"), rows, (2,)))
    else:
        parts.append(page.note("The data know of no dividend or split."))
    return parts


def _kept_figures(event: KeptEvent) -> tuple[str, str, str]:
    return or_dash(event.made, "z.2%"), or_dash(event.size, "z.2%"), event.tells or (UNKNOWN if event.ahead else DASH)


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
    for one in context.beside.maturities:
        forecast = or_dash(one.forecast, "z.1%")
        yield "Implied", f"{one.implied:z.1%}", f"at the money, {one.days} days; forecast of the same life {forecast}"
    if not context.beside.maturities:
        yield "Implied", DASH, context.beside.note
    kinds = Counter(one.kind for one in context.corporate if one.day <= context.last)
    ahead = ", ".join(f"{one.kind} on {one.day}" for one in context.corporate if one.day > context.last)
    paid, left = kinds["dividend"] + kinds["extra dividend"], kinds["spin-off"]
    changed = f"spin-offs and special dividends {left}, " if left else ""
    told = f"dividends {paid}, {changed}splits {kinds['split']}; ahead: {ahead or 'none known'}"
    yield "Events", f"{kinds.total()}", told
    past = [one for one in context.kept if not one.ahead]
    if context.kept:
        coming = [f"{one.name} by {one.day} ({_expected(one)})" for one in context.kept if one.ahead]
        last = [f"last {past[-1].name} on {past[-1].day} ({or_dash(past[-1].made, 'z.1%')})"] if past else []
        yield "Kept events", f"{len(past)}", "; ".join([*last, f"ahead: {', '.join(coming) or 'none known'}"])


def _expected(event: KeptEvent) -> str:
    return f"{event.size:z.1%} by {event.tells}" if event.tells else UNKNOWN
