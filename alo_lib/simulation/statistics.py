"""Statistics of a run, computed as LEAN's ``PortfolioStatistics``, ``TradeStatistics`` and ``Statistics`` do.

Ratios, rates and returns are decimals, not percent. What LEAN counts in decimals is counted in decimals here, in its
order, so that every digit that is written is LEAN's. LEAN drops the first day's return and the benchmark's, so that
orders at the open do not shift one against the other.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from alo_lib.records import DAY, DAYS_A_YEAR, SECOND, TRADING_DAYS
from alo_lib.simulation.account import ProfitRecord
from alo_lib.simulation.money import EXACT, ZERO, decimal, fitted, of_double, rounded
from alo_lib.simulation.sampling import Curves
from alo_lib.simulation.trades import ClosedTrade

__all__ = ["PortfolioStatistics", "TradeStatistics", "portfolio_statistics", "trade_statistics"]

_RATIO_WITHOUT_LOSS: Final = Decimal(10)
_ONE: Final = Decimal(1)
_LEAST_RETURNS: Final = 2
_LEAST_FOR_KURTOSIS: Final = 4
_RISK_DECIMALS: Final = 3
_TICK: Final = 100  # ns: .NET counts durations in them

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PortfolioStatistics:
    """LEAN's portfolio statistics, in its names."""

    average_win_rate: Decimal = ZERO
    average_loss_rate: Decimal = ZERO
    profit_loss_ratio: Decimal = ZERO
    win_rate: Decimal = ZERO
    loss_rate: Decimal = ZERO
    expectancy: Decimal = ZERO
    start_equity: Decimal = ZERO
    end_equity: Decimal = ZERO
    compounding_annual_return: Decimal = ZERO
    drawdown: Decimal = ZERO
    total_net_profit: Decimal = ZERO
    sharpe_ratio: Decimal = ZERO
    probabilistic_sharpe_ratio: Decimal = ZERO
    sortino_ratio: Decimal = ZERO
    alpha: Decimal = ZERO
    beta: Decimal = ZERO
    annual_standard_deviation: Decimal = ZERO
    annual_variance: Decimal = ZERO
    information_ratio: Decimal = ZERO
    tracking_error: Decimal = ZERO
    treynor_ratio: Decimal = ZERO
    portfolio_turnover: Decimal = ZERO
    value_at_risk99: Decimal = ZERO
    value_at_risk95: Decimal = ZERO
    drawdown_recovery: int = 0


@dataclass(frozen=True)
class TradeStatistics:
    """LEAN's statistics of closed trades, in its names; durations in nanoseconds, times ns UTC, None without trades."""

    start_date_time: int | None = None
    end_date_time: int | None = None
    total_number_of_trades: int = 0
    number_of_winning_trades: int = 0
    number_of_losing_trades: int = 0
    total_profit_loss: Decimal = ZERO
    total_profit: Decimal = ZERO
    total_loss: Decimal = ZERO
    largest_profit: Decimal = ZERO
    largest_loss: Decimal = ZERO
    average_profit_loss: Decimal = ZERO
    average_profit: Decimal = ZERO
    average_loss: Decimal = ZERO
    average_trade_duration: int = 0
    average_winning_trade_duration: int = 0
    average_losing_trade_duration: int = 0
    median_trade_duration: int = 0
    median_winning_trade_duration: int = 0
    median_losing_trade_duration: int = 0
    max_consecutive_winning_trades: int = 0
    max_consecutive_losing_trades: int = 0
    profit_loss_ratio: Decimal = ZERO
    win_loss_ratio: Decimal = ZERO
    win_rate: Decimal = ZERO
    loss_rate: Decimal = ZERO
    average_mae: Decimal = ZERO
    average_mfe: Decimal = ZERO
    largest_mae: Decimal = ZERO
    largest_mfe: Decimal = ZERO
    maximum_closed_trade_drawdown: Decimal = ZERO
    maximum_intra_trade_drawdown: Decimal = ZERO
    profit_loss_standard_deviation: Decimal = ZERO
    profit_loss_downside_deviation: Decimal = ZERO
    profit_factor: Decimal = ZERO
    sharpe_ratio: Decimal = ZERO
    sortino_ratio: Decimal = ZERO
    profit_to_max_drawdown_ratio: Decimal = ZERO
    maximum_end_trade_drawdown: Decimal = ZERO
    average_end_trade_drawdown: Decimal = ZERO
    maximum_drawdown_duration: int = 0
    total_fees: Decimal = ZERO


def portfolio_statistics(
    curves: Curves, profits: Sequence[ProfitRecord], start: Decimal, rate_at: Callable[[dt.date], float]
) -> PortfolioStatistics:
    """Statistics of sampled curves and of the profits of closing fills; ``rate_at`` gives the risk-free rate of a day.

    With fewer than two daily returns after the first there are no ratios, as in LEAN: only equity and turnover.
    """
    end = curves.equity[-1].close if curves.equity else start
    turnover = _mean([value for _, value in curves.turnover])
    returns = np.array([float(value / 100) for _, value in curves.returns[2:]])
    levels = np.array([float(value) for _, value in curves.benchmark])
    if len(returns) < _LEAST_RETURNS or not start:
        return PortfolioStatistics(start_equity=start, end_equity=end, portfolio_turnover=turnover)
    benchmark = np.divide(np.diff(levels), levels[:-1], out=np.zeros(len(levels) - 1), where=levels[:-1] != 0.0)[1:]
    dates = [dt.datetime.fromtimestamp(candle.time // SECOND, dt.UTC).date() for candle in curves.equity]
    riskless = _mean([decimal(rate_at(date)) for date in dates])
    days = of_double((curves.equity[-1].time - curves.equity[0].time) / DAY)
    annual, benchmark_annual = _annual_return(returns), _annual_return(benchmark)
    variance = of_double(_variance(returns) * TRADING_DAYS)
    deviation = of_double(math.sqrt(variance))
    downside = of_double(math.sqrt(_variance(returns[returns < 0.0]) * TRADING_DAYS))
    benchmark_variance = _variance(benchmark)
    covariance = float(np.cov(returns, benchmark)[0, 1]) if benchmark_variance else 0.0
    beta = of_double(covariance / benchmark_variance) if benchmark_variance else ZERO
    tracking = of_double(math.sqrt(_variance(returns - benchmark) * TRADING_DAYS))
    wins = _wins(profits, start)
    fall, recovery = _drawdown(curves)
    return PortfolioStatistics(
        average_win_rate=wins.average_win,
        average_loss_rate=wins.average_loss,
        profit_loss_ratio=wins.ratio,
        win_rate=wins.win_rate,
        loss_rate=wins.loss_rate,
        expectancy=wins.win_rate * wins.ratio - wins.loss_rate,
        start_equity=start,
        end_equity=end,
        compounding_annual_return=_compound(start, end, days / DAYS_A_YEAR),
        drawdown=fall,
        total_net_profit=end / start - 1,
        sharpe_ratio=_sharpe(annual, riskless, deviation),
        probabilistic_sharpe_ratio=of_double(_probabilistic_sharpe(returns, float(riskless) / TRADING_DAYS)),
        sortino_ratio=_sharpe(annual, riskless, downside),
        alpha=annual - (riskless + beta * (benchmark_annual - riskless)) if beta else ZERO,
        beta=beta,
        annual_standard_deviation=deviation,
        annual_variance=variance,
        information_ratio=of_double(float(annual) - float(benchmark_annual)) / tracking if tracking else ZERO,
        tracking_error=tracking,
        treynor_ratio=of_double(float(annual) - float(riskless)) / beta if beta else ZERO,
        portfolio_turnover=turnover,
        value_at_risk99=_value_at_risk(returns, 0.99),
        value_at_risk95=_value_at_risk(returns, 0.95),
        drawdown_recovery=recovery,
    )


def trade_statistics(trades: Sequence[ClosedTrade]) -> TradeStatistics:
    """Statistics of closed trades, in the order in which they closed.

    Gains and losses go by profit, as money is summed; an exercise may lose money and still count as won.
    """
    if not trades:
        return TradeStatistics()
    gains = [trade for trade in trades if trade.profit > 0]
    losses = [trade for trade in trades if trade.profit <= 0]
    profits = [trade.profit for trade in trades]
    total, profit, loss = _sum(profits), _sum(t.profit for t in gains), _sum(t.profit for t in losses)
    average, variance = _running(profits)
    mean_gain, _ = _running([trade.profit for trade in gains])
    mean_loss, losses_variance = _running([trade.profit for trade in losses])
    mean_best, _ = _running([trade.best for trade in trades])
    deviation, downside = of_double(math.sqrt(variance)), of_double(math.sqrt(losses_variance))
    won = [trade.is_win or trade.profit > 0 for trade in trades]
    winners, losers = won.count(True), won.count(False)
    closed_fall, intra_fall = _falls(trades)
    win_rate = Decimal(winners) / len(trades)
    return TradeStatistics(
        start_date_time=min(trade.entry_time for trade in trades),
        end_date_time=max(trade.exit_time for trade in trades),
        total_number_of_trades=len(trades),
        number_of_winning_trades=winners,
        number_of_losing_trades=losers,
        total_profit_loss=total,
        total_profit=profit,
        total_loss=loss,
        largest_profit=max([ZERO, *profits]),
        largest_loss=min([ZERO, *profits]),
        average_profit_loss=average,
        average_profit=mean_gain,
        average_loss=mean_loss,
        average_trade_duration=_mean_duration(trades),
        average_winning_trade_duration=_mean_duration(gains),
        average_losing_trade_duration=_mean_duration(losses),
        median_trade_duration=_median_duration(trades),
        median_winning_trade_duration=_median_duration(gains),
        median_losing_trade_duration=_median_duration(losses),
        max_consecutive_winning_trades=_longest(won),
        max_consecutive_losing_trades=_longest([not each for each in won]),
        profit_loss_ratio=mean_gain / abs(mean_loss) if mean_loss else ZERO,
        win_loss_ratio=Decimal(winners) / losers if losers else _RATIO_WITHOUT_LOSS,
        win_rate=win_rate,
        loss_rate=1 - win_rate,
        average_mae=_running([trade.worst for trade in trades])[0],
        average_mfe=mean_best,
        largest_mae=min([ZERO, *(trade.worst for trade in trades)]),
        largest_mfe=max([ZERO, *(trade.best for trade in trades)]),
        maximum_closed_trade_drawdown=closed_fall,
        maximum_intra_trade_drawdown=intra_fall,
        profit_loss_standard_deviation=deviation,
        profit_loss_downside_deviation=downside,
        profit_factor=_factor(profit, loss),
        sharpe_ratio=average / deviation if deviation else ZERO,
        sortino_ratio=average / downside if downside else ZERO,
        profit_to_max_drawdown_ratio=_factor(total, closed_fall),
        maximum_end_trade_drawdown=max([ZERO, *(trade.drawdown for trade in trades)]),
        average_end_trade_drawdown=fitted(EXACT.subtract(average, mean_best)),
        maximum_drawdown_duration=_longest_fall(trades),
        total_fees=_sum(trade.fees for trade in trades),
    )


@dataclass(frozen=True, slots=True)
class _Wins:
    average_win: Decimal
    average_loss: Decimal
    ratio: Decimal
    win_rate: Decimal
    loss_rate: Decimal


def _wins(profits: Sequence[ProfitRecord], start: Decimal) -> _Wins:
    """Wins and losses relative to the capital of the moment."""
    capital = start
    gains: list[Decimal] = []
    losses: list[Decimal] = []
    for record in profits:
        (gains if record.profit > 0 else losses).append(record.profit / capital)
        capital += record.profit
    average_win, average_loss = _mean(gains), _mean(losses)
    won, count = sum(record.is_win for record in profits), len(profits)
    return _Wins(
        average_win,
        average_loss,
        average_win / abs(average_loss) if average_loss else ZERO,
        Decimal(won) / count if count else ZERO,
        Decimal(count - won) / count if count else ZERO,
    )


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)


def _mean(values: Sequence[Decimal]) -> Decimal:
    return _sum(values) / len(values) if values else ZERO


def _running(values: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Mean and variance, as they are brought up to date value by value, the mean as .NET's decimals round it."""
    mean = squares = ZERO
    for count, value in enumerate(values, 1):
        step = fitted(EXACT.divide(fitted(EXACT.subtract(value, mean)), Decimal(count)))
        before, mean = mean, fitted(EXACT.add(mean, step))
        squares += (value - before) * (value - mean)
    return mean, squares / (len(values) - 1) if len(values) > 1 else ZERO


def _compound(start: Decimal, end: Decimal, years: Decimal) -> Decimal:
    """The annual return that turns ``start`` into ``end``; 0 where there is none."""
    if not years or end <= 0:
        return ZERO
    try:
        return of_double((float(end) / float(start)) ** (1.0 / float(years)) - 1.0)
    except OverflowError:
        return ZERO


def _annual_return(returns: Floats) -> Decimal:
    return of_double(float((returns.mean() + 1.0) ** TRADING_DAYS - 1.0))


def _sharpe(annual: Decimal, riskless: Decimal, deviation: Decimal) -> Decimal:
    return of_double((float(annual) - float(riskless)) / float(deviation)) if deviation else ZERO


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


def _value_at_risk(returns: Floats, confidence: float) -> Decimal:
    """The normal quantile of the last year's daily returns."""
    last = returns[-TRADING_DAYS:]
    quantile = float(last.mean()) + math.sqrt(_variance(last)) * float(ndtri(1.0 - confidence))
    return rounded(of_double(quantile), _RISK_DECIMALS)


def _drawdown(curves: Curves) -> tuple[Decimal, int]:
    """The deepest fall from a peak, rounded as LEAN does, and the most days that a recovery took."""
    peak, peak_time, falling_since = curves.equity[0].close, curves.equity[0].time, None
    deepest, longest = ZERO, 0
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
    return rounded(abs(deepest), _RISK_DECIMALS), longest // DAY


def _mean_duration(trades: Sequence[ClosedTrade]) -> int:
    """Mean duration in ns, brought up to date trade by trade in .NET's time spans, which hold seconds in ticks."""
    ticks = 0
    for count, trade in enumerate(trades, 1):
        seconds = ((trade.exit_time - trade.entry_time) / SECOND - ticks * _TICK / SECOND) / count
        ticks += int(seconds * (SECOND // _TICK))
    return ticks * _TICK


def _median_duration(trades: Sequence[ClosedTrade]) -> int:
    """The middle one, the longer of two in the middle, as LEAN takes it."""
    durations = sorted(trade.exit_time - trade.entry_time for trade in trades)
    return durations[len(durations) // 2] if durations else 0


def _longest(flags: Sequence[bool]) -> int:
    """The longest run of true values."""
    longest = current = 0
    for flag in flags:
        current = current + 1 if flag else 0
        longest = max(longest, current)
    return longest


def _factor(gain: Decimal, loss: Decimal) -> Decimal:
    if not gain:
        return ZERO
    return gain / abs(loss) if loss < 0 else _RATIO_WITHOUT_LOSS


def _falls(trades: Sequence[ClosedTrade]) -> tuple[Decimal, Decimal]:
    """The deepest falls of the summed profit: from its highest close, and within trades from the highest within one."""
    total = highest = highest_within = closed = within = ZERO
    for trade in trades:
        highest_within = max(highest_within, total + trade.best)
        within = min(within, total + trade.worst - highest_within)
        total += trade.profit
        highest = max(highest, total)
        closed = min(closed, total - highest)
    return closed, within


def _longest_fall(trades: Sequence[ClosedTrade]) -> int:
    """The longest time from a peak of the summed profit to the next higher one, ns."""
    level = peak = ZERO
    peak_time, longest, falling = trades[0].entry_time, 0, False
    for trade in trades:
        level += trade.profit
        if trade.profit <= 0:
            falling = True
        elif level > peak:
            if falling:
                longest = max(longest, trade.exit_time - peak_time)
            peak, peak_time, falling = level, trade.exit_time, False
    return longest
