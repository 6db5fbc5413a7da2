"""What the account did: equity, profit, returns by session, and the headline figures of a run."""

import datetime as dt
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import CALENDAR_DAY, NEW_YORK, SECOND, TRADING_DAYS, Kind
from alo_lib.views.blotter import marked_at_trades, positions
from alo_lib.views.margin import margin_used
from alo_lib.views.run import Run, RunError, once_a_run
from alo_lib.views.sharpe import LEAST_SESSIONS, Interval, bootstrap_interval, sharpe_ratio

__all__ = [
    "Drawdown",
    "EquityCurve",
    "LeanFigures",
    "MonthReturn",
    "Performance",
    "RollingFigures",
    "SessionReturns",
    "WorstDay",
    "deepest_drawdowns",
    "drawdowns",
    "equity_curve",
    "lean_figures",
    "monthly",
    "performance",
    "rolling_figures",
    "session_drawdowns",
    "session_returns",
]

_HIDDEN: Final = 0.5e-9  # a fall or a part that rounding left


class EquityCurve(NamedTuple):
    """Equity over time (ns UTC)."""

    time: NDArray[np.int64]
    equity: NDArray[np.float64]


class SessionReturns(NamedTuple):
    """One row a session: its date (datetime64[D]), and what came of it and of the night before it.

    ``equity`` is that of the session's close, settlements of its evening included. ``hurdle`` is the risk-free return
    of a session, from the rate in force (continuously compounded) over 252; NaN where no rate was told. ``last`` is the
    equity curve's last point of the session or, without one, of those before; -1 where there is none.
    """

    date: NDArray[np.datetime64]
    equity: NDArray[np.float64]
    profit: NDArray[np.float64]
    returns: NDArray[np.float64]
    hurdle: NDArray[np.float64]
    last: NDArray[np.intp]


class MonthReturn(NamedTuple):
    """The sessions of a month (``yyyy-mm``), and the deepest fall in it, from the highest point of the curve so far."""

    month: str
    sessions: int
    profit: float
    returned: float
    drawdown: float


class RollingFigures(NamedTuple):
    """Figures of the last :data:`alo_lib.views.sharpe.LEAST_SESSIONS` sessions, at each session that has as many.

    ``sharpe`` is NaN where returns do not vary or no rate was told.
    """

    date: NDArray[np.datetime64]
    volatility: NDArray[np.float64]  # of returns, annualized decimal
    sharpe: NDArray[np.float64]


class Drawdown(NamedTuple):
    """A fall of the equity curve from a high; days are sessions' dates."""

    since: dt.date | None  # the session of the high; None for the money at the start
    deepest: dt.date
    recovered: dt.date | None  # None where it goes on to the end
    depth: float  # 0.02 for 2 %
    sessions: int  # in which it was under the high


class WorstDay(NamedTuple):
    """The session that lost most."""

    date: dt.date
    profit: float
    returned: float


class Performance(NamedTuple):
    """The headline. Money in the account's currency, ratios as decimals; None where there is no figure."""

    start_equity: float
    end_equity: float
    net_profit: float  # what the equity gained, with what is held at its last mark
    unrealized_profit: float  # of it, what is held gained against its average price
    drawdown: float  # the deepest fall from a high of the equity curve, 0.02 for 2 %
    sessions: int
    sharpe: float | None
    sharpe_interval: Interval | None
    hurdle: float | None  # mean risk-free rate that the ratio deducts, a year
    worst_day: WorstDay | None
    largest_margin: float
    return_on_margin: float | None  # net profit over the largest margin


class LeanFigures(NamedTuple):
    """What the engine's own results state under names that sound like ours; None where they do not."""

    realized_profit: str | None  # "Net Profit" of its runtime statistics: what was closed, and dividends, less all fees
    sharpe: float | None
    drawdown: float | None


def equity_curve(results: dict[str, Any]) -> EquityCurve:
    """The closes of LEAN's ``Strategy Equity`` candles. RunError when the results have none."""
    try:
        values = results["charts"]["Strategy Equity"]["series"]["Equity"]["values"]
        points = [(int(point[0]), float(point[-1])) for point in values if point[-1] is not None]
    except (KeyError, TypeError, IndexError, ValueError):
        raise RunError("the results have no chart 'Strategy Equity' with a series 'Equity'") from None
    return EquityCurve(
        np.array([point[0] for point in points], np.int64) * SECOND,
        np.array([point[1] for point in points], np.float64),
    )


def drawdowns(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """At each point the fall from the highest equity before it, as a decimal of zero or below."""
    if not len(equity):
        return equity
    highest = np.maximum.accumulate(equity)
    return np.asarray(equity / highest - 1.0, np.float64)


@once_a_run
def session_returns(run: Run) -> SessionReturns:
    """Returns by session, from the last equity that the results know before the midnight that ends its day.

    Nights, weekends and holidays count to the session after them: there is no return without a session.
    """
    start, _ = _stated_equity(run.results)
    curve = equity_curve(run.results)
    rates, days = run.table(Kind.RATE), [session.day for session in run.sessions]
    closes = np.array([session.close for session in run.sessions], np.int64)
    ends = np.array([_midnight_after(day) for day in days], np.int64)
    known = np.concatenate([[start], curve.equity])
    last = np.searchsorted(curve.time, ends, "right") - 1
    equity = known[last + 1]
    before = np.concatenate([[start], equity])[:-1]
    in_force = np.searchsorted(rates.time, closes, "right") - 1
    told = np.concatenate([rates.records["rate"], [np.nan]])[in_force]  # -1: none told yet
    return SessionReturns(
        date=np.array(days, "datetime64[D]"),
        equity=equity,
        profit=equity - before,
        returns=equity / before - 1.0,
        hurdle=np.expm1(told / TRADING_DAYS),
        last=last,
    )


def session_drawdowns(by_session: SessionReturns, equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """The deepest fall within each session (0.02 for 2 %), from the highest point of the curve ``equity`` so far."""
    if not len(equity):
        return np.zeros(len(by_session.date))
    fall, ends = drawdowns(equity), by_session.last
    # A session without a point of its own is where the one before has left off.
    begins = np.minimum(np.append(0, ends[:-1] + 1), np.maximum(ends, 0))
    spans = zip(begins.tolist(), ends.tolist(), strict=True)
    return np.array([_plain(-float(fall[first : end + 1].min(initial=0.0))) for first, end in spans])


def monthly(by_session: SessionReturns, equity: NDArray[np.float64]) -> list[MonthReturn]:
    """The sessions of each month together; ``equity`` is the curve that they were taken from."""
    months, falls = by_session.date.astype("datetime64[M]"), session_drawdowns(by_session, equity)
    found = []
    for month in np.unique(months):
        rows = months == month
        found.append(
            MonthReturn(
                str(month),
                int(rows.sum()),
                float(by_session.profit[rows].sum()),
                float(np.prod(1.0 + by_session.returns[rows])) - 1.0,
                float(falls[rows].max()),
            )
        )
    return found


def rolling_figures(by_session: SessionReturns) -> RollingFigures:
    """Volatility and Sharpe ratio over the sessions that lie behind each one; none in a run of fewer."""
    count = len(by_session.date) - LEAST_SESSIONS + 1
    if count < 1:
        return RollingFigures(by_session.date[:0], np.zeros(0), np.zeros(0))
    windows = np.lib.stride_tricks.sliding_window_view(by_session.returns, LEAST_SESSIONS)
    excess = np.lib.stride_tricks.sliding_window_view(by_session.returns - by_session.hurdle, LEAST_SESSIONS)
    ratios = [sharpe_ratio(one) if np.isfinite(one).all() else None for one in excess]
    return RollingFigures(
        by_session.date[-count:],
        np.sqrt(TRADING_DAYS) * windows.std(axis=1, ddof=1),
        np.array([np.nan if ratio is None else ratio for ratio in ratios]),
    )


def deepest_drawdowns(by_session: SessionReturns, equity: NDArray[np.float64], count: int = 5) -> list[Drawdown]:
    """The deepest falls of the curve ``equity`` that the sessions were taken from, deepest first."""
    if not len(by_session.date):
        return []
    fall = drawdowns(equity)
    session = np.minimum(np.searchsorted(by_session.last, np.arange(len(fall))), len(by_session.date) - 1)
    dates: list[dt.date] = by_session.date[session].tolist()
    edges = np.flatnonzero(np.diff((fall < -_HIDDEN).astype(np.int8), prepend=0, append=0))
    found = []
    for first, end in edges.reshape(-1, 2).tolist():
        lowest = first + int(fall[first:end].argmin())
        since = dates[first - 1] if equity[first - 1] > equity[0] else None
        recovered = dates[end] if end < len(dates) else None
        sessions = int(session[end - 1] - session[first]) + 1
        found.append(Drawdown(since, dates[lowest], recovered, -float(fall[lowest]), sessions))
    return sorted(found, key=lambda one: -one.depth)[:count]


def performance(run: Run) -> Performance:
    """The headline figures. RunError when the results do not state them.

    The table, ``--json`` and the page show these and no others; LEAN's own figures stay in LEAN's files.
    """
    start, end = _stated_equity(run.results)
    by_session = session_returns(run)
    excess = by_session.returns - by_session.hurdle
    has_hurdle = bool(len(excess)) and bool(np.isfinite(excess).all())
    ratio = sharpe_ratio(excess) if has_hurdle else None
    curve = equity_curve(run.results)
    unrealized = sum(position.unrealized_profit for position in positions(run)) + marked_at_trades(run, end - start)
    largest = float(np.fmax.reduce(margin_used(run).margin, initial=0.0))
    return Performance(
        start_equity=start,
        end_equity=end,
        net_profit=end - start,
        unrealized_profit=unrealized,
        drawdown=_plain(-float(drawdowns(curve.equity).min(initial=0.0))),
        sessions=len(by_session.date),
        sharpe=ratio,
        sharpe_interval=bootstrap_interval(excess) if has_hurdle else None,
        hurdle=float(np.log1p(by_session.hurdle).mean()) * TRADING_DAYS if has_hurdle else None,
        worst_day=_worst(by_session),
        largest_margin=largest,
        return_on_margin=(end - start) / largest if largest else None,
    )


def lean_figures(results: dict[str, Any]) -> LeanFigures:
    """What LEAN's results say of themselves, so that a page can tell how it differs. RunError for what is no figure."""
    try:
        stated = results.get("totalPerformance", {}).get("portfolioStatistics", {})
        ratio, fall = (float(stated[name]) if name in stated else None for name in ("sharpeRatio", "drawdown"))
        profit = results.get("runtimeStatistics", {}).get("Net Profit")
    except (AttributeError, TypeError, ValueError):
        raise RunError("the results state no figures in totalPerformance or runtimeStatistics as LEAN does") from None
    # LEAN states zero where it has too few days for a ratio.
    return LeanFigures(None if profit is None else str(profit), ratio or None, fall)


def _stated_equity(results: dict[str, Any]) -> tuple[float, float]:
    try:
        stated = results["totalPerformance"]["portfolioStatistics"]
        return float(stated["startEquity"]), float(stated["endEquity"])
    except (KeyError, TypeError, ValueError):
        raise RunError("the results state no equity in totalPerformance") from None


def _midnight_after(day: dt.date) -> int:
    """The New York midnight that ends a day, ns UTC."""
    midnight = dt.datetime.combine(day + CALENDAR_DAY, dt.time(), NEW_YORK)
    return int(midnight.timestamp()) * SECOND


def _worst(by_session: SessionReturns) -> WorstDay | None:
    if not len(by_session.date):
        return None
    row = int(by_session.profit.argmin())
    return WorstDay(by_session.date[row].item(), float(by_session.profit[row]), float(by_session.returns[row]))


def _plain(value: float) -> float:
    """Zero for what rounding left of it, without a sign."""
    return 0.0 if abs(value) < _HIDDEN else value
