"""What a volatility forecast means, on every daily series at hand: two proxies, level, and both bands.

A walk through time with models of the past alone (refit every 63 days). Squared returns are what hedging once a day
realizes; the range, with the overnight gap, is at their level by the factor that is known at each refit. Level is mean
forecast over mean realized variance, QLIKE that of the mean daily variance, less that of GARCH(1,1) with normal shocks
fitted by arch to the same days.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from arch.data import nasdaq, sp500, wti
from numpy.typing import NDArray

from alo_lib.market import DataFolder, Resolution
from alo_lib.volatility import DailyHistory, GjrGarch, HybridForecast, ObservationError, Proxy
from alo_lib.volatility.har import future_means
from alo_lib.volatility.variance_distribution import PROXIES
from alo_lib.volatility.verification import level_interval, level_of
from benchmarks.harness import Row

__all__ = ["DAYS", "REFIT_DAYS", "Peer", "diebold_mariano", "every_series", "judge_levels"]

Array = NDArray[np.float64]
Peer = Callable[[Array, Array | None], tuple[GjrGarch, Array]]

DAYS = (1, 5, 21, 63)
REFIT_DAYS = 63
_SAMPLES = 200
_WITHIN = 0.05
_TICKERS = ["AAPL", "AIG", "BAC", "BNO", "EEM", "FB", "GOOG", "GOOGL", "IBM", "IWM", "QQQ", "SPY", "USO", "WM"]
"""Those of LEAN's sample data with 1,500 days or more; three more files hold the days of WM and GOOG again."""


def every_series(folder: DataFolder | None) -> Iterator[tuple[str, Array]]:
    """Name and split-adjusted bars (n, 4)."""
    for name, data in (("S&P 500", sp500), ("NASDAQ", nasdaq)):
        yield name, data.load()[["Open", "High", "Low", "Close"]].to_numpy(dtype=np.float64)
    closes = wti.load().iloc[:, 0].dropna().to_numpy(dtype=np.float64)
    yield "WTI, closes alone", np.repeat(closes[closes > 0.0][:, None], 4, axis=1)
    for ticker in _TICKERS if folder is not None else ():
        assert folder is not None
        rows = folder.bars(ticker, date(1998, 1, 1), date(2021, 3, 31), Resolution.DAILY)
        factors = folder.factor_file(ticker).split_factors(
            rows["time"].astype("datetime64[ns]").astype("datetime64[D]")
        )
        yield ticker, np.stack([rows[name] * factors for name in ("open", "high", "low", "close")], axis=1)


def diebold_mariano(difference: Array, horizon: int) -> float:
    """The t statistic of a mean loss difference, Newey-West with twice the horizon and at least eight lags."""
    lags = max(2 * horizon, 8)
    centred = difference - np.mean(difference)
    variance = float(np.mean(np.square(centred)))
    for lag in range(1, lags + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * float(np.mean(centred[lag:] * centred[:-lag]))
    return float(np.mean(difference)) / math.sqrt(variance / difference.size)


@dataclass(frozen=True)
class _Said:
    """From the day ``first`` on: mean daily variances (m, k) of both models, the hybrid's bands, the range's factor."""

    first: int
    hybrid: Array
    garch: Array
    bands: dict[Proxy, Array]
    scale: Array


def _walked(history: DailyHistory, peer: Peer) -> _Said:
    first = (1000 if len(history) < 3000 else 1500) - 1
    count = len(history) - first
    hybrid, garch = np.empty((2, count, len(DAYS)))
    bands: dict[Proxy, Array] = {proxy: np.empty((count, len(DAYS), 2)) for proxy in PROXIES}
    scale = np.empty(count)
    fitted, warm = None, None
    for begin in range(0, count, REFIT_DAYS):
        known, end = first + begin + 1, min(begin + REFIT_DAYS, count)
        past, so_far = history[:known], history[: first + end]
        fitted = HybridForecast.fit(past, horizons=DAYS, warm_start=fitted)
        other, warm = peer(past.returns, warm)
        garch[begin:end] = other.forecast_path(other.filter(so_far), DAYS)[known - 1 :]
        hybrid[begin:end] = fitted.fitted_variance_path(fitted.filter(so_far))[known - 1 :]
        scale[begin:end] = fitted.range_scale
        state = fitted.filter(past).state
        for row, day in enumerate(history[known : first + end + 1].observations()[: end - begin], begin):
            for proxy in PROXIES:
                bands[proxy][row] = [fitted.band_ratios(state, float(h), proxy=proxy) for h in DAYS]
            state = fitted.update(state, day)
        if end == count:
            for proxy in PROXIES:
                bands[proxy][-1] = [fitted.band_ratios(state, float(h), proxy=proxy) for h in DAYS]
    return _Said(first, hybrid, garch, bands, scale)


def _known_process(name: str, history: DailyHistory, first: int) -> Iterator[Row]:
    """How often a forecast that knows the process has a level within 5 %, over samples as long as the series.

    Of GJR-GARCH with t shocks, as fitted to all days; it forecasts its own simulated days from ``first`` on. Samples
    with a shock that no filter bears, beyond 50 deviations, are left out.
    """
    model = GjrGarch.fit(history, distribution="t")
    levels = []
    for sample in range(_SAMPLES):
        returns, _ = model.simulate(len(history), seed=sample)
        try:
            said = model.forecast_path(model.filter(DailyHistory.from_returns(returns)), DAYS)[first:]
        except ObservationError:
            continue
        came = [future_means(np.square(returns), days)[first:] for days in DAYS]
        levels.append([float(np.mean(said[: one.size, k]) / np.mean(one)) for k, one in enumerate(came)])
    for days, column in zip(DAYS, np.array(levels).T, strict=True):
        within = 100.0 * float(np.mean(np.abs(column - 1.0) <= _WITHIN))
        yield Row(f"{name}, {days} d: samples in which a forecast that knows the process is within 5 %", within, "%")


def judge_levels(name: str, bars: Array, peer: Peer) -> Iterator[Row]:
    """Rows of one series; a level is met within 5 %, or where it is no further than two standard errors from one."""
    history = DailyHistory.from_bars(*bars.T)
    said = _walked(history, peer)
    yield from _known_process(name, history, said.first)
    for k, days in enumerate(DAYS):
        for proxy in PROXIES:
            values = np.square(history.returns) if proxy == "returns" else history.measures
            realized = future_means(values, days)[said.first :]
            if proxy == "range":
                realized = realized * said.scale[: realized.size]
            forecast, garch = said.hybrid[: realized.size, k], said.garch[: realized.size, k]
            what = f"{name}, {days} d, {'squared returns' if proxy == 'returns' else 'range'}"
            # x - log x - 1 with x = realized / forecast, less what does not depend on the forecast: no day may be zero.
            ours, theirs = (realized / said_ + np.log(said_) for said_ in (forecast, garch))
            yield Row(f"{what}: QLIKE of hybrid less GARCH's", float(np.mean(ours - theirs)), "")
            yield Row(f"{what}: Diebold-Mariano of hybrid over GARCH", diebold_mariano(theirs - ours, days), "t")
            level, error = level_of(forecast, realized, days)
            met = abs(level - 1.0) <= max(_WITHIN, 2.0 * error)
            yield Row(f"{what}: level of hybrid", level, "", float(np.mean(garch) / np.mean(realized)))
            low, high = level_interval(forecast, realized, days)
            known, _ = level_interval(np.full_like(realized, np.mean(realized)), realized, days)
            yield Row(f"{what}: level, 95 % from", low, "")
            yield Row(f"{what}: level, 95 % to", high, "", None, "holds 1", low <= 1.0 <= high)
            yield Row(f"{what}: mean realized variance may be higher by", 100.0 * (1.0 / known - 1.0), "%")
            if proxy == "returns":
                yield Row(f"{what}: level off by, in standard errors", (level - 1.0) / error, "", None, "", met)
            edges = said.bands[proxy][: realized.size, k]
            ratio = np.sqrt(realized / forecast)
            share = 100.0 * float(np.mean((edges[:, 0] <= ratio) & (ratio <= edges[:, 1])))
            yield Row(f"{what}: days inside the 90 % band", share, "%")
