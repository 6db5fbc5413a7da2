"""How LEAN's result files write numbers, times and statistics."""

import datetime as dt
from dataclasses import fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from alo_lib.records import SECOND, SECONDS_A_DAY
from alo_lib.records.units import CENT
from alo_lib.simulation.money import charted, rounded
from alo_lib.simulation.statistics import PortfolioStatistics, TradeStatistics

__all__ = ["chart", "iso_time", "number", "point", "series", "statistics_object", "summary_of", "time_span"]

_LINE, _BAR = 0, 3
_TIMES: Final = frozenset({"start_date_time", "end_date_time"})
_DECIMALS: Final = 4
_THOUSAND: Final = 1000
_COUNTS_AS_TEXT: Final = frozenset({"drawdown_recovery"})


def iso_time(time: int) -> str:
    """A time, UTC, with the fraction of a second where there is one."""
    return f"{dt.datetime.fromtimestamp(time // SECOND, dt.UTC):%Y-%m-%dT%H:%M:%S}{_fraction(time, 9).rstrip('0')}Z"


def time_span(duration: int) -> str:
    """A .NET time span: ``d.hh:mm:ss.fffffff``, days and fraction only where there are some."""
    days, seconds = divmod(duration // SECOND, SECONDS_A_DAY)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{_fraction(duration, 7)}"
    return f"{days}.{text}" if days else text


def number(value: Decimal) -> float:
    """A chart's value."""
    return float(charted(value))


def point(time: int, *values: Decimal) -> list[float]:
    """A chart's point: whole seconds, then values."""
    return [time // SECOND, *(number(value) for value in values)]


def series(name: str, points: list[list[float]], *, unit: str, index: int = 0, kind: int = _LINE) -> dict[str, Any]:
    """One curve of a chart."""
    return {"name": name, "unit": unit, "index": index, "seriesType": kind, "values": points}


def chart(name: str, *curves: dict[str, Any]) -> dict[str, Any]:
    """A chart of several curves."""
    return {"name": name, "chartType": 0, "series": {curve["name"]: curve for curve in curves}}


def statistics_object(statistics: PortfolioStatistics | TradeStatistics) -> dict[str, Any]:
    """Statistics in LEAN's names: decimals as text, counts as numbers, durations as time spans."""
    return {_camel(field.name): _value(field.name, getattr(statistics, field.name)) for field in fields(statistics)}


def summary_of(statistics: PortfolioStatistics, *, orders: int, fees: Decimal) -> dict[str, str]:
    """The headline statistics as LEAN prints them. The strategy's capacity is not estimated and so not told."""
    s = statistics
    return {
        "Total Orders": str(orders),
        "Average Win": _percent(s.average_win_rate, 2),
        "Average Loss": _percent(s.average_loss_rate, 2),
        "Compounding Annual Return": _percent(s.compounding_annual_return, 3),
        "Drawdown": _percent(s.drawdown, 3),
        "Expectancy": _plain(s.expectancy, 3),
        "Start Equity": _plain(s.start_equity, 2),
        "End Equity": _plain(s.end_equity, 2),
        "Net Profit": _percent(s.total_net_profit, 3),
        "Sharpe Ratio": _double(s.sharpe_ratio),
        "Sortino Ratio": _double(s.sortino_ratio),
        "Probabilistic Sharpe Ratio": _percent(s.probabilistic_sharpe_ratio, 3),
        "Loss Rate": _percent(s.loss_rate, 0),
        "Win Rate": _percent(s.win_rate, 0),
        "Profit-Loss Ratio": _plain(s.profit_loss_ratio, 2),
        "Alpha": _double(s.alpha),
        "Beta": _double(s.beta),
        "Annual Standard Deviation": _double(s.annual_standard_deviation),
        "Annual Variance": _double(s.annual_variance),
        "Information Ratio": _double(s.information_ratio),
        "Tracking Error": _double(s.tracking_error),
        "Treynor Ratio": _double(s.treynor_ratio),
        "Total Fees": f"${fees.quantize(CENT, ROUND_HALF_UP)}",
        "Portfolio Turnover": _percent(s.portfolio_turnover, 2),
        "Drawdown Recovery": str(s.drawdown_recovery),
    }


def _fraction(time: int, digits: int) -> str:
    """The part of a second as a point and digits; empty when there is none."""
    part = time % SECOND
    return f".{part:09d}"[: digits + 1] if part else ""


def _value(name: str, value: Any) -> Any:
    if name in _TIMES:
        return None if value is None else iso_time(value)
    if name.endswith("duration"):
        return time_span(value)
    if isinstance(value, Decimal):
        return _plain(value, _DECIMALS)
    return str(value) if name in _COUNTS_AS_TEXT else value


def _plain(value: Decimal, decimals: int) -> str:
    """A decimal as .NET rounds and writes it: zeros stay where they come from, a zero has no sign."""
    shown = rounded(value, decimals)
    return f"{shown if shown else abs(shown):f}"


def _percent(value: Decimal, decimals: int) -> str:
    return f"{_plain(100 * value, decimals)}%"


def _double(value: Decimal) -> str:
    """A figure that LEAN's summary rounds to three decimals as a double; a negative zero keeps its sign."""
    shown = round(float(value) * _THOUSAND) / _THOUSAND
    return f"{-0.0 if shown == 0 and value < 0 else shown:.15g}"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join({"mae": "MAE", "mfe": "MFE"}.get(part, part.capitalize()) for part in rest)
