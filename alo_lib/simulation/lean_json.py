"""How LEAN's result files write numbers, times and statistics."""

import datetime as dt
from dataclasses import fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from alo_lib.records import SECOND, SECONDS_A_DAY
from alo_lib.simulation.money import decimal
from alo_lib.simulation.statistics import PortfolioStatistics, TradeStatistics

__all__ = ["chart", "iso_time", "number", "point", "series", "statistics_object", "summary_of", "time_span"]

_LARGE: Final = 1000
_DIGITS: Final = 7
_LINE, _BAR = 0, 3
_TIMES: Final = frozenset({"start_date_time", "end_date_time"})
_DECIMALS: Final = 4
_CENT: Final = Decimal("0.01")


def iso_time(time: int) -> str:
    """A time, UTC, with the fraction of a second where there is one."""
    return f"{dt.datetime.fromtimestamp(time // SECOND, dt.UTC):%Y-%m-%dT%H:%M:%S}{_fraction(time, 9).rstrip('0')}Z"


def time_span(duration: int) -> str:
    """A .NET time span: ``d.hh:mm:ss.fffffff``, days and fraction only where there are some."""
    days, seconds = divmod(duration // SECOND, SECONDS_A_DAY)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{_fraction(duration, 7)}"
    return f"{days}.{text}" if days else text


def number(value: Decimal | float) -> float:
    """A chart's value: seven digits below a thousand, four decimals above."""
    plain = float(value)
    return round(plain, 4) if abs(plain) >= _LARGE else float(f"{plain:.{_DIGITS}g}")


def point(time: int, *values: Decimal | float) -> list[float]:
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
        "Average Win": f"{_plain(100 * s.average_win_rate, 2)}%",
        "Average Loss": f"{_plain(100 * s.average_loss_rate, 2)}%",
        "Compounding Annual Return": f"{_plain(100 * s.compounding_annual_return, 3)}%",
        "Drawdown": f"{100 * s.drawdown:.3f}%",
        "Expectancy": _plain(s.expectancy, 3),
        "Start Equity": _plain(s.start_equity, 2),
        "End Equity": _plain(s.end_equity, 2),
        "Net Profit": f"{_plain(100 * s.total_net_profit, 3)}%",
        "Sharpe Ratio": _plain(s.sharpe_ratio, 3),
        "Sortino Ratio": _plain(s.sortino_ratio, 3),
        "Probabilistic Sharpe Ratio": f"{_plain(100 * s.probabilistic_sharpe_ratio, 3)}%",
        "Loss Rate": f"{_plain(100 * s.loss_rate, 0)}%",
        "Win Rate": f"{_plain(100 * s.win_rate, 0)}%",
        "Profit-Loss Ratio": _plain(s.profit_loss_ratio, 2),
        "Alpha": _plain(s.alpha, 3),
        "Beta": _plain(s.beta, 3),
        "Annual Standard Deviation": _plain(s.annual_standard_deviation, 3),
        "Annual Variance": _plain(s.annual_variance, 3),
        "Information Ratio": _plain(s.information_ratio, 3),
        "Tracking Error": _plain(s.tracking_error, 3),
        "Treynor Ratio": _plain(s.treynor_ratio, 3),
        "Total Fees": f"${fees.quantize(_CENT, ROUND_HALF_UP)}",
        "Portfolio Turnover": f"{_plain(100 * s.portfolio_turnover, 2)}%",
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
    return value if isinstance(value, int) else _plain(value, _DECIMALS)


def _plain(value: float, decimals: int) -> str:
    """A number rounded to even, as .NET rounds, without trailing zeros and without a minus before zero."""
    text = f"{round(decimal(value), decimals):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join({"mae": "MAE", "mfe": "MFE"}.get(part, part.capitalize()) for part in rest)
