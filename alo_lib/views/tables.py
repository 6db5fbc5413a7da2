"""The tables of a run's folder that its page is drawn from, for programs and spreadsheets."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from alo_lib.records.whole_files import write_whole
from alo_lib.views.attribution import STATED_PARTS, stated_by_session
from alo_lib.views.performance import equity_curve, rolling_figures, session_drawdowns, session_returns
from alo_lib.views.regimes import regimes_over_time
from alo_lib.views.run import Run, exchange_moment, exchange_time, expiry_dates
from alo_lib.views.spoken import cents, decimal_cell
from alo_lib.views.volatility import MATURITIES, forecast_outcomes, refits, volatility_view

__all__ = ["FORECASTS_FILE", "REGIMES_FILE", "SESSIONS_FILE", "VOLATILITIES_FILE", "write_tables"]

SESSIONS_FILE: Final = "sessions.csv"
"""Money, returns, rolling figures and parts of the profit, which sum to it, a row a session.

``drawdown`` is the deepest fall of the equity curve within the session: the largest of them is the run's.
"""
VOLATILITIES_FILE: Final = "volatilities.csv"
"""Implied, forecast and realized volatility, a row a time and maturity or expiry; and when models were fitted anew."""
FORECASTS_FILE: Final = "forecasts.csv"
"""Forecasts whose expiry the run reached, their band, and whether they were traded on, against what was realized.

``implied`` is the market's volatility at the money for the same expiry, the first that was taken in that session.
"""
REGIMES_FILE: Final = "regimes.csv"
"""Volatility and probability of each regime, a row a time and regime, the calmest first."""

Cell = str | int


def write_tables(run: Run) -> None:
    """Write them. Times are New York's, volatilities annualized decimals, money the account's; empty is not known."""
    _write(run.folder / SESSIONS_FILE, *_sessions(run))
    _write(run.folder / VOLATILITIES_FILE, *_volatilities(run))
    _write(run.folder / FORECASTS_FILE, *_forecasts(run))
    _write(run.folder / REGIMES_FILE, *_regimes(run))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_whole(path, table.getvalue())


def _sessions(run: Run) -> tuple[Sequence[str], list[Sequence[Cell]]]:
    by_session = session_returns(run)
    profits = dict(zip(by_session.date.tolist(), by_session.profit.tolist(), strict=True))
    parts = stated_by_session(run, profits)
    rolling = rolling_figures(by_session)
    before = len(by_session.date) - len(rolling.date)
    falls = session_drawdowns(by_session, equity_curve(run.results).equity)
    columns = (
        *("date", "equity", "profit", "return", "hurdle", "drawdown", "rolling_volatility", "rolling_sharpe"),
        *STATED_PARTS,
    )
    rows: list[Sequence[Cell]] = []
    for row, date in enumerate(by_session.date.tolist()):
        late = [float(values[row - before]) if row >= before else math.nan for values in rolling[1:]]
        rows.append(
            (
                str(date),
                decimal_cell(by_session.equity[row], 2),
                f"{cents(profits[date]):z.2f}",
                *(decimal_cell(values[row], 8) for values in (by_session.returns, by_session.hurdle, falls)),
                *(decimal_cell(value, 6) for value in late),
                *(f"{value:z.2f}" for value in parts[date].values()),
            )
        )
    return columns, rows


def _volatilities(run: Run) -> tuple[Sequence[str], list[Sequence[Cell]]]:
    rows: list[Sequence[Cell]] = []
    for underlying in run.underlyings:
        view, maturities = volatility_view(run, underlying), [str(days) for days in MATURITIES]
        since = max(int(np.searchsorted(view.realized_time, view.implied_time[:1].sum(), "right")) - 1, 0)
        expiries = expiry_dates(run, view.expiries)
        for name, time, values, columns, is_expiry in (
            ("implied", view.implied_time, view.implied, maturities, False),
            ("implied", view.implied_time, view.implied_by_expiry, expiries, True),
            ("forecast", view.forecast_time[:-1], view.forecast, maturities, False),
            ("forecast", view.forecast_time[:-1], view.forecast_by_expiry, expiries, True),
            ("realized_of_closes_before", view.realized_time[since:], view.realized[since:], maturities, False),
        ):
            for moment, told in zip(exchange_time(time), values.tolist(), strict=False):
                for column, value in zip(columns, told, strict=True):
                    if math.isfinite(value):
                        place = ("", column) if is_expiry else (column, "")
                        rows.append((underlying.symbol, name, moment, *place, decimal_cell(value, 6)))
        rows += [(underlying.symbol, "refit", time, "", "", "") for time in exchange_time(refits(run, underlying))]
    return ("underlying", "what", "new_york_time", "days", "expiry", "volatility"), rows


def _forecasts(run: Run) -> tuple[Sequence[str], list[Sequence[Cell]]]:
    rows: list[Sequence[Cell]] = []
    for underlying in run.underlyings:
        for one in forecast_outcomes(run, underlying):
            figures = (one.forecast, one.band_low, one.band_high, one.implied, one.realized)
            told = (decimal_cell(value, 6) for value in figures)
            rows.append(
                (
                    underlying.symbol,
                    exchange_moment(one.time),
                    one.expiry_date,
                    one.sessions,
                    *told,
                    str(one.traded).lower(),
                )
            )
    columns = ("underlying", "made", "expiry", "sessions", "forecast", "band_low", "band_high")
    return (*columns, "implied", "realized_close_to_close", "traded"), rows


def _regimes(run: Run) -> tuple[Sequence[str], list[Sequence[Cell]]]:
    rows: list[Sequence[Cell]] = []
    for underlying in run.underlyings:
        view = regimes_over_time(run, underlying)
        told = zip(exchange_time(view.time), view.volatility.tolist(), view.probability.tolist(), strict=True)
        rows += [
            (underlying.symbol, moment, regime, decimal_cell(volatility, 6), decimal_cell(probability, 6))
            for moment, volatilities, probabilities in told
            for regime, (volatility, probability) in enumerate(zip(volatilities, probabilities, strict=True), 1)
            if math.isfinite(probability)
        ]
    return ("underlying", "new_york_time", "regime", "volatility", "probability"), rows
