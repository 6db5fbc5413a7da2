"""Statistics of a run, computed as LEAN's ``PortfolioStatistics``, ``TradeStatistics`` and ``Statistics`` do.

Ratios, rates and returns are decimals, not percent. LEAN drops the first day's return and the benchmark's, so that
orders at the open do not shift one against the other.
"""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from alo_lib.records import DAY, DAYS_A_YEAR, SECOND, SECONDS_A_DAY
from alo_lib.simulation.account import ProfitRecord
from alo_lib.simulation.sampling import Curves
from alo_lib.simulation.trades import ClosedTrade

__all__ = ["PortfolioStatistics", "TradeStatistics", "portfolio_statistics", "trade_statistics"]

TRADING_DAYS: Final = 252
_RATIO_WITHOUT_LOSS: Final = 10.0
_LEAST_RETURNS: Final = 2
_LEAST_FOR_KURTOSIS: Final = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PortfolioStatistics:
    """LEAN's portfolio statistics, in its names."""

    average_win_rate: float = 0.0
    average_loss_rate: float = 0.0
    profit_loss_ratio: float = 0.0
    win_rate: float = 0.0
    loss_rate: float = 0.0
    expectancy: float = 0.0
    start_equity: float = 0.0
    end_equity: float = 0.0
    compounding_annual_return: float = 0.0
    drawdown: float = 0.0
    total_net_profit: float = 0.0
    sharpe_ratio: float = 0.0
    probabilistic_sharpe_ratio: float = 0.0
    sortino_ratio: float = 0.0
    alpha: float = 0.0
    beta: float = 0.0
    annual_standard_deviation: float = 0.0
    annual_variance: float = 0.0
    information_ratio: float = 0.0
    tracking_error: float = 0.0
    treynor_ratio: float = 0.0
    portfolio_turnover: float = 0.0
    value_at_risk99: float = 0.0
    value_at_risk95: float = 0.0
    drawdown_recovery: int = 0


@dataclass(frozen=True)
class TradeStatistics:
    """LEAN's statistics of closed trades, in its names; durations in nanoseconds, times ns UTC, None without trades."""

    start_date_time: int | None = None
    end_date_time: int | None = None
    total_number_of_trades: int = 0
    number_of_winning_trades: int = 0
    number_of_losing_trades: int = 0
    total_profit_loss: float = 0.0
    total_profit: float = 0.0
    total_loss: float = 0.0
    largest_profit: float = 0.0
    largest_loss: float = 0.0
    average_profit_loss: float = 0.0
    average_profit: float = 0.0
    average_loss: float = 0.0
    average_trade_duration: int = 0
    average_winning_trade_duration: int = 0
    average_losing_trade_duration: int = 0
    median_trade_duration: int = 0
    median_winning_trade_duration: int = 0
    median_losing_trade_duration: int = 0
    max_consecutive_winning_trades: int = 0
    max_consecutive_losing_trades: int = 0
    profit_loss_ratio: float = 0.0
    win_loss_ratio: float = 0.0
    win_rate: float = 0.0
    loss_rate: float = 0.0
    average_mae: float = 0.0
    average_mfe: float = 0.0
    largest_mae: float = 0.0
    largest_mfe: float = 0.0
    maximum_closed_trade_drawdown: float = 0.0
    maximum_intra_trade_drawdown: float = 0.0
    profit_loss_standard_deviation: float = 0.0
    profit_loss_downside_deviation: float = 0.0
    profit_factor: float = 0.0
    sharpe_ratio: float = 0.0
    sortino_ratio: float = 0.0
    profit_to_max_drawdown_ratio: float = 0.0
    maximum_end_trade_drawdown: float = 0.0
    average_end_trade_drawdown: float = 0.0
    maximum_drawdown_duration: int = 0
    total_fees: float = 0.0


def portfolio_statistics(
    curves: Curves, profits: Sequence[ProfitRecord], start: Decimal, rate_at: Callable[[dt.date], float]
) -> PortfolioStatistics:
    """Statistics of sampled curves and of the profits of closing fills; ``rate_at`` gives the risk-free rate of a day.

    With fewer than two daily returns after the first there are no ratios, as in LEAN: only equity, profit and turnover.
    """
    end = curves.equity[-1].close if curves.equity else start
    turnover = float(sum(value for _, value in curves.turnover) / len(curves.turnover)) if curves.turnover else 0.0
    returns = np.array([float(value) / 100.0 for _, value in curves.returns[2:]])
    levels = np.array([float(value) for _, value in curves.benchmark])
    if len(returns) < _LEAST_RETURNS or not start:
        return PortfolioStatistics(
            start_equity=float(start),
            end_equity=float(end),
            total_net_profit=float(end / start - 1) if start else 0.0,
            portfolio_turnover=turnover,
        )
    benchmark = np.divide(np.diff(levels), levels[:-1], out=np.zeros(len(levels) - 1), where=levels[:-1] != 0.0)[1:]
    dates = [dt.datetime.fromtimestamp(candle.time // SECOND, dt.UTC).date() for candle in curves.equity]
    riskless = float(np.mean([rate_at(date) for date in dates]))
    years = (curves.equity[-1].time - curves.equity[0].time) / SECOND / (DAYS_A_YEAR * SECONDS_A_DAY)
    annual, benchmark_annual = _annual_return(returns), _annual_return(benchmark)
    variance = _variance(returns) * TRADING_DAYS
    deviation = math.sqrt(variance)
    downside = math.sqrt(_variance(returns[returns < 0.0]) * TRADING_DAYS)
    benchmark_variance = _variance(benchmark)
    beta = float(np.cov(returns, benchmark)[0, 1]) / benchmark_variance if benchmark_variance else 0.0
    tracking = math.sqrt(_variance(returns - benchmark) * TRADING_DAYS)
    wins = _wins(profits, start)
    fall, recovery = _drawdown(curves)
    return PortfolioStatistics(
        average_win_rate=wins.average_win,
        average_loss_rate=wins.average_loss,
        profit_loss_ratio=wins.ratio,
        win_rate=wins.win_rate,
        loss_rate=wins.loss_rate,
        expectancy=wins.win_rate * wins.ratio - wins.loss_rate,
        start_equity=float(start),
        end_equity=float(end),
        compounding_annual_return=float(end / start) ** (1.0 / years) - 1.0 if years and end > 0 else 0.0,
        drawdown=fall,
        total_net_profit=float(end / start - 1),
        sharpe_ratio=(annual - riskless) / deviation if deviation else 0.0,
        probabilistic_sharpe_ratio=_probabilistic_sharpe(returns, riskless / TRADING_DAYS),
        sortino_ratio=(annual - riskless) / downside if downside else 0.0,
        alpha=annual - (riskless + beta * (benchmark_annual - riskless)) if beta else 0.0,
        beta=beta,
        annual_standard_deviation=deviation,
        annual_variance=variance,
        information_ratio=(annual - benchmark_annual) / tracking if tracking else 0.0,
        tracking_error=tracking,
        treynor_ratio=(annual - riskless) / beta if beta else 0.0,
        portfolio_turnover=turnover,
        value_at_risk99=_value_at_risk(returns, 0.99),
        value_at_risk95=_value_at_risk(returns, 0.95),
        drawdown_recovery=recovery,
    )


def trade_statistics(trades: Sequence[ClosedTrade]) -> TradeStatistics:
    """Statistics of closed trades, in the order in which they closed."""
    if not trades:
        return TradeStatistics()
    profits = np.array([float(trade.profit) for trade in trades])
    # By profit, as money is summed; an exercise may lose money and still count as won.
    gains, losses = profits[profits > 0.0], profits[profits <= 0.0]
    won = np.array([trade.is_win or trade.profit > 0 for trade in trades])
    durations = np.array([trade.exit_time - trade.entry_time for trade in trades])
    total = np.cumsum(profits)
    peaks = np.maximum(np.maximum.accumulate(total), 0.0)
    before = np.concatenate([[0.0], peaks[:-1]])
    entered = np.concatenate([[0.0], total[:-1]])
    worst, best = (np.array([float(getattr(trade, name)) for trade in trades]) for name in ("worst", "best"))
    average, deviation = float(profits.mean()), math.sqrt(_variance(profits))
    downside = math.sqrt(_variance(losses))
    closed_fall = float(np.minimum((total - before)[profits <= 0.0], 0.0).min(initial=0.0))
    winners, losers = int(won.sum()), int((~won).sum())
    mean_loss = float(losses.mean()) if len(losses) else 0.0
    return TradeStatistics(
        start_date_time=min(trade.entry_time for trade in trades),
        end_date_time=max(trade.exit_time for trade in trades),
        total_number_of_trades=len(trades),
        number_of_winning_trades=winners,
        number_of_losing_trades=losers,
        total_profit_loss=float(profits.sum()),
        total_profit=float(gains.sum()),
        total_loss=float(losses.sum()),
        largest_profit=float(gains.max(initial=0.0)),
        largest_loss=float(losses.min(initial=0.0)),
        average_profit_loss=average,
        average_profit=float(gains.mean()) if len(gains) else 0.0,
        average_loss=mean_loss,
        average_trade_duration=_mean(durations),
        average_winning_trade_duration=_mean(durations[profits > 0.0]),
        average_losing_trade_duration=_mean(durations[profits <= 0.0]),
        median_trade_duration=_median(durations),
        median_winning_trade_duration=_median(durations[profits > 0.0]),
        median_losing_trade_duration=_median(durations[profits <= 0.0]),
        max_consecutive_winning_trades=_longest(won),
        max_consecutive_losing_trades=_longest(~won),
        profit_loss_ratio=float(gains.mean()) / abs(mean_loss) if mean_loss and len(gains) else 0.0,
        win_loss_ratio=winners / losers if losers else _RATIO_WITHOUT_LOSS,
        win_rate=winners / len(trades),
        loss_rate=1.0 - winners / len(trades),
        average_mae=float(worst.mean()),
        average_mfe=float(best.mean()),
        largest_mae=float(worst.min(initial=0.0)),
        largest_mfe=float(best.max(initial=0.0)),
        maximum_closed_trade_drawdown=closed_fall,
        maximum_intra_trade_drawdown=_intra_trade_fall(entered, worst, best),
        profit_loss_standard_deviation=deviation,
        profit_loss_downside_deviation=downside,
        profit_factor=_factor(float(gains.sum()), float(losses.sum())),
        sharpe_ratio=average / deviation if deviation else 0.0,
        sortino_ratio=average / downside if downside else 0.0,
        profit_to_max_drawdown_ratio=_factor(float(total[-1]), closed_fall),
        maximum_end_trade_drawdown=max(float(trade.drawdown) for trade in trades),
        average_end_trade_drawdown=average - float(best.mean()),
        maximum_drawdown_duration=_longest_fall(trades, total),
        total_fees=float(sum(trade.fees for trade in trades)),
    )


@dataclass(frozen=True, slots=True)
class _Wins:
    average_win: float
    average_loss: float
    ratio: float
    win_rate: float
    loss_rate: float


def _wins(profits: Sequence[ProfitRecord], start: Decimal) -> _Wins:
    """Wins and losses relative to the capital of the moment."""
    capital = float(start)
    gains: list[float] = []
    losses: list[float] = []
    for record in profits:
        profit = float(record.profit)
        (gains if profit > 0.0 else losses).append(profit / capital)
        capital += profit
    average_win = sum(gains) / len(gains) if gains else 0.0
    average_loss = sum(losses) / len(losses) if losses else 0.0
    won = sum(record.is_win for record in profits)
    return _Wins(
        average_win,
        average_loss,
        average_win / abs(average_loss) if average_loss else 0.0,
        won / len(profits) if profits else 0.0,
        (len(profits) - won) / len(profits) if profits else 0.0,
    )


def _annual_return(returns: Floats) -> float:
    return float((returns.mean() + 1.0) ** TRADING_DAYS - 1.0)


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def _probabilistic_sharpe(returns: Floats, daily_rate: float) -> float:
    """Probability that the Sharpe ratio exceeds one, after Bailey and López de Prado, with LEAN's sample moments."""
    count, deviation = len(returns), math.sqrt(_variance(returns))
    if deviation == 0.0 or count < _LEAST_FOR_KURTOSIS:
        return 0.0
    observed = (float(returns.mean()) - daily_rate) / deviation
    deviations = returns - returns.mean()
    m2, m3, m4 = (float(np.mean(deviations**power)) for power in (2, 3, 4))
    skewness = math.sqrt(count * (count - 1.0)) / (count - 2.0) * m3 / m2**1.5
    kurtosis = (count - 1.0) / ((count - 2.0) * (count - 3.0)) * ((count + 1.0) * m4 / m2**2 - 3.0 * (count - 1.0))
    error = 1.0 - skewness * observed + (kurtosis - 1.0) / 4.0 * observed**2
    if error < 0.0:
        return 0.0
    scale = math.sqrt(error / (count - 1.0))
    return float(ndtr((observed - 1.0 / math.sqrt(TRADING_DAYS)) / scale if scale else 0.0))


def _value_at_risk(returns: Floats, confidence: float) -> float:
    """The normal quantile of the last year's daily returns."""
    last = returns[-TRADING_DAYS:]
    return round(float(last.mean() + math.sqrt(_variance(last)) * float(ndtri(1.0 - confidence))), 3)


def _drawdown(curves: Curves) -> tuple[float, int]:
    """The deepest fall from a peak, rounded as LEAN does, and the most days that a recovery took."""
    peak, peak_time, falling_since = curves.equity[0].close, curves.equity[0].time, None
    deepest, longest = Decimal(0), 0
    for candle in curves.equity:
        if candle.close >= peak:
            if falling_since is not None:
                longest = max(longest, candle.time - falling_since)
                falling_since = None
            peak, peak_time = candle.close, candle.time
        fall = candle.close / peak - 1
        if fall < 0:
            deepest = min(deepest, fall)
            falling_since = peak_time if falling_since is None else falling_since
    return abs(round(float(deepest), 3)), longest // DAY


def _mean(durations: NDArray[np.int64]) -> int:
    return int(durations.mean()) if len(durations) else 0


def _median(durations: NDArray[np.int64]) -> int:
    """The middle one, the longer of two in the middle, as LEAN takes it."""
    return int(np.sort(durations)[len(durations) // 2]) if len(durations) else 0


def _longest(flags: NDArray[np.bool_]) -> int:
    """The longest run of true values."""
    longest = current = 0
    for flag in flags.tolist():
        current = current + 1 if flag else 0
        longest = max(longest, current)
    return longest


def _factor(gain: float, loss: float) -> float:
    if gain == 0.0:
        return 0.0
    return gain / abs(loss) if loss < 0.0 else _RATIO_WITHOUT_LOSS


def _intra_trade_fall(entered: Floats, worst: Floats, best: Floats) -> float:
    """The deepest fall of the summed profit within a trade, from the highest it ever was within one."""
    highest = np.maximum(np.maximum.accumulate(entered + best), 0.0)
    return float(np.minimum(entered + worst - highest, 0.0).min())


def _longest_fall(trades: Sequence[ClosedTrade], total: Floats) -> int:
    """The longest time from a peak of the summed profit to the next higher one."""
    peak, peak_time, longest, falling = 0.0, trades[0].entry_time, 0, False
    for trade, level in zip(trades, total.tolist(), strict=True):
        if trade.profit > 0:
            if level > peak:
                if falling:
                    longest = max(longest, trade.exit_time - peak_time)
                peak, peak_time, falling = level, trade.exit_time, False
        else:
            falling = True
    return longest
