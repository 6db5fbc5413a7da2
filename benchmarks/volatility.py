"""Volatility: are forecasts right, better than GARCH out of sample, and fast? Against arch and hmmlearn, in one run.

Out of sample: expanding window, refit every 21 days, on the S&P 500 that ships with arch (2004 to 2018) and on SPY and
AAPL of a LEAN data folder; then both proxies, level and bands on every daily series (``volatility_levels``). Proxies
are squared returns and the range measure with the overnight gap, its false prints limited, brought to the level of
squared returns by the factor of the days before the first forecast. Losses are of the mean daily variance over 1, 5 and
21 days, beside GARCH(1,1) with normal shocks, fitted by arch (``volatility_losses``).
"""

import logging
import math
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_args

import numpy as np
from arch import arch_model
from arch.data import sp500
from arch.univariate.base import ARCHModel
from hmmlearn.hmm import GaussianHMM
from numpy.typing import NDArray
from scipy.stats import chi2

from alo_lib.market import DataFolder, Resolution
from alo_lib.volatility import (
    ChangeDetector,
    DailyHistory,
    DailyObservation,
    Distribution,
    GjrGarch,
    GjrParameters,
    HarModel,
    HybridForecast,
    RegimeModel,
    RegimePath,
    log_returns,
    range_variance,
)
from alo_lib.volatility.innovations import sample_shocks, shock_quantile
from benchmarks.curve import curve_svg
from benchmarks.harness import Row, best_time, options_of, report
from benchmarks.lean_data import add_data_option
from benchmarks.volatility_bands import judge_bands
from benchmarks.volatility_intraday import judge_intraday
from benchmarks.volatility_levels import every_series, judge_levels
from benchmarks.volatility_losses import PEER, judge_range, judge_squared_returns

Array = NDArray[np.float64]

HORIZONS = (1, 5, 21)
REFIT_DAYS, QUICK_REFIT_DAYS = 21, 63


@dataclass(frozen=True)
class Series:
    """Bars (n, 4), split-adjusted, and the index of the first return that is out of sample."""

    name: str
    bars: Array
    start: int
    goals: tuple[float, float] | None = None
    """QLIKE of the hybrid relative to GARCH that must be reached at 1 and at 21 days."""


# --- data


def load_sp500() -> Series:
    frame = sp500.load()
    bars = frame[["Open", "High", "Low", "Close"]].to_numpy(dtype=np.float64)
    start = int(np.searchsorted(frame.index.to_numpy(), np.datetime64("2004-01-01"))) - 1
    return Series("S&P 500", bars, start, (0.879, 0.926))


def load_equity(folder: DataFolder, ticker: str, first: date, out_of_sample: date) -> Series:
    rows = folder.bars(ticker, first, date(2021, 3, 31), Resolution.DAILY)
    days = rows["time"].astype("datetime64[ns]").astype("datetime64[D]")
    factors = folder.factor_file(ticker).split_factors(days)
    bars = np.stack([rows[name] * factors for name in ("open", "high", "low", "close")], axis=1)
    return Series(ticker, bars, int(np.searchsorted(days, np.datetime64(out_of_sample))) - 1)


# --- answers


def simulated(parameters: GjrParameters, days: int = 5000) -> Array:
    return GjrGarch(parameters).simulate(days, seed=1)[0]


TRUTH = GjrParameters(2e-6, 0.02, 0.12, 0.90, 1e-4, mu=3e-4, nu=6.0)


def check_answers() -> Iterator[Row]:
    """Our filter and forecasts against arch's at the same parameters and the same backcast."""
    returns, p = simulated(TRUTH), TRUTH
    model = GjrGarch(p)
    peer = arch_model(100 * returns, p=1, o=1, q=1, dist="t", rescale=False)
    peer.volatility.backcast = lambda resids: 1e4 * p.backcast
    fixed = peer.fix([100 * p.mu, 1e4 * p.omega, p.alpha, p.gamma, p.beta, p.nu])
    history = DailyHistory.from_returns(returns)
    path = model.filter(history)
    ours, theirs = path.conditional_variance, np.asarray(fixed.conditional_volatility) ** 2 / 1e4
    worst = float(np.max(np.abs(ours / theirs - 1.0)))
    yield Row("conditional variance against arch", worst, "relative", None, "<= 1e-10", worst <= 1e-10)
    log_likelihood = float(fixed.loglikelihood) + returns.size * math.log(100.0)
    worst = abs(path.state.log_likelihood / log_likelihood - 1.0)
    yield Row("log likelihood against arch", worst, "relative", None, "<= 1e-10", worst <= 1e-10)
    days = np.arange(1, 64)
    forecast = np.cumsum(fixed.forecast(horizon=63).variance.to_numpy()[-1] / 1e4) / days
    worst = float(np.max(np.abs(model.forecast(path.state, days) / forecast - 1.0)))
    yield Row("forecasts to 63 days against arch", worst, "relative", None, "<= 1e-8", worst <= 1e-8)
    state = model.start()
    for observation in history.observations():
        state = model.update(state, observation)
    worst = abs(state.variance / path.state.variance - 1.0)
    yield Row("streaming against batch filter", worst, "relative", None, "<= 1e-12", worst <= 1e-12)


# --- speed


def measure_speed(repeats: int) -> Iterator[Row]:
    """Streaming and refitting, ours against arch warm-started, on the same 5,000 returns."""
    returns = simulated(TRUTH, 5021)
    earlier, fresh = DailyHistory.from_returns(returns[:5000]), DailyHistory.from_returns(returns[21:])
    model = GjrGarch(TRUTH)
    per_update = best_time(lambda: model.filter(fresh), repeats) / len(fresh) * 1e9
    yield Row("one streaming update, compiled", per_update, "ns", None, "<= 1000", per_update <= 1000.0)
    state, day = model.filter(earlier).state, DailyObservation(0.01)
    called = best_time(lambda: [model.update(state, day) for _ in range(1000)], repeats) / 1000 * 1e9
    yield Row("one streaming update, called from Python", called, "ns")
    for distribution in get_args(Distribution):
        yield from measure_refit(distribution, earlier, fresh, repeats)


def measure_refit(
    distribution: Distribution, earlier: DailyHistory, fresh: DailyHistory, repeats: int
) -> Iterator[Row]:
    """Both fitted to ``earlier``, then on ``fresh`` from there: 21 days later, as in a walk through time."""

    def peer_model(history: DailyHistory) -> ARCHModel:
        return arch_model(100 * history.returns, p=1, o=1, q=1, dist=distribution, rescale=False)

    warm = GjrGarch.fit(earlier, distribution=distribution)
    peer_warm = peer_model(earlier).fit(disp="off").params.to_numpy()

    def ours() -> GjrGarch:
        return GjrGarch.fit(fresh, distribution=distribution, warm_start=warm)

    def theirs() -> float:
        return float(peer_model(fresh).fit(disp="off", starting_values=peer_warm).loglikelihood)

    refit, peer_refit = 1e3 * best_time(ours, repeats), 1e3 * best_time(theirs, repeats)
    what = f"warm refit of 5,000 returns, {distribution}"
    yield Row(what, refit, "ms", peer_refit, "<= 10", refit <= 10.0)
    yield Row(f"{what}: times faster than arch", peer_refit / refit, "x", 1.0, ">= 5", peer_refit >= 5.0 * refit)
    calibration = ours().calibration
    assert calibration is not None
    gap = theirs() + len(fresh) * math.log(100.0) - calibration.log_likelihood
    yield Row(f"{what}: log likelihood below arch's", gap, "", None, "<= 1e-3", gap <= 1e-3)


# --- out of sample


def garch_peer(past: Array, warm: Array | None) -> tuple[GjrGarch, Array]:
    """GARCH(1,1) with normal shocks fitted by arch, as a filter."""
    fit = arch_model(100 * past, p=1, o=0, q=1, rescale=False).fit(disp="off", starting_values=warm)
    mu, omega, alpha, beta = (float(value) for value in fit.params)
    beta = min(beta, 0.99999 - alpha)
    return GjrGarch(
        GjrParameters(omega / 1e4, alpha, 0.0, beta, float(np.var(past)), mu=mu / 100)
    ), fit.params.to_numpy()


@dataclass(frozen=True)
class Forecasts:
    """What was said on each of n days out of sample, NaN before."""

    means: dict[str, Array]
    """Mean daily variance over each horizon, (n, 3)."""
    quantiles: dict[str, Array]
    """Of the next return at 1 % and 5 %, (n, 2)."""


def forecast_out_of_sample(series: Series, refit_days: int) -> Forecasts:
    """Each model's forecasts, refitted every ``refit_days`` on all that was known."""
    bars, start = series.bars, series.start
    history = DailyHistory.from_bars(*bars.T)
    returns, count = history.returns, len(history)
    gjr: dict[Distribution, GjrGarch | None] = dict.fromkeys(get_args(Distribution))
    names = (PEER, "EWMA", *(f"GJR {each}" for each in gjr), "log-HAR with leverage", "hybrid")
    forecasts = {name: np.full((count, len(HORIZONS)), np.nan) for name in names}
    quantiles = {f"GJR {each}": np.full((count, 2), np.nan) for each in gjr}
    smoothed = np.mean(np.square(returns[:250]))
    for t in range(count):
        smoothed = 0.94 * smoothed + 0.06 * returns[t] ** 2
        forecasts["EWMA"][t] = smoothed
    peer_warm, hybrid = None, None
    for known in range(start, count, refit_days):
        past, so_far = history[:known], history[: min(known + refit_days - 1, count)]
        peer, peer_warm = garch_peer(past.returns, peer_warm)
        models = {PEER: peer}
        for distribution, earlier in gjr.items():
            models[f"GJR {distribution}"] = gjr[distribution] = GjrGarch.fit(
                past, distribution=distribution, warm_start=earlier
            )
        hybrid = HybridForecast.fit(past, horizons=HORIZONS, warm_start=hybrid)
        har = hybrid.parts[HarModel.name]
        assert isinstance(har, HarModel)
        origin = slice(known - 1, len(so_far))
        for name, model in models.items():
            path = model.filter(so_far)
            forecasts[name][origin] = model.forecast_path(path, HORIZONS)[origin]
            if name in quantiles:
                quantiles[name][origin] = value_at_risk(model.parameters, path.next_variance[origin])
        forecasts["log-HAR with leverage"][origin] = har.forecast_path(har.filter(so_far), HORIZONS)[origin]
        forecasts["hybrid"][origin] = hybrid.fitted_variance_path(hybrid.filter(so_far))[origin]
    return Forecasts(forecasts, quantiles)


def value_at_risk(p: GjrParameters, variance: Array) -> Array:
    """Quantiles of the next return at 1 % and 5 %, (n,) to (n, 2)."""
    z = np.array([shock_quantile(level, p.nu, p.skew) for level in (0.01, 0.05)])
    return np.asarray(p.mu + np.sqrt(variance)[:, None] * z)


def coming_mean(values: Array, horizon: int) -> Array:
    """Mean over the days after each, (n,), NaN where they are not complete."""
    means = np.full(values.size, np.nan)
    sums = np.cumsum(np.insert(values, 0, 0.0))
    means[: values.size - horizon] = (sums[horizon + 1 :] - sums[1 : values.size - horizon + 1]) / horizon
    return means


def evaluate(series: Series, replications: int, refit_days: int = REFIT_DAYS) -> Iterator[Row]:
    """Losses, tests and value-at-risk of one series."""
    said = forecast_out_of_sample(series, refit_days)
    forecasts, quantiles = said.means, said.quantiles
    returns, measures = log_returns(series.bars[:, 3]), range_variance(*series.bars.T)
    scale = float(np.mean(np.square(returns[: series.start])) / np.mean(measures[: series.start]))
    for k, horizon in enumerate(HORIZONS):
        use, what = slice(series.start - 1, returns.size - horizon), f"{series.name}, {horizon} d"
        means = {name: values[use, k] for name, values in forecasts.items()}
        goal = None if series.goals is None else {1: series.goals[0], 21: series.goals[1]}.get(horizon)
        ranges, squares = (coming_mean(values, horizon)[use] for values in (scale * measures, np.square(returns)))
        yield from judge_range(what, horizon, ranges, means, replications, goal)
        yield from judge_squared_returns(what, horizon, squares, means, replications)
    for name, bound in quantiles.items():
        hits = returns[series.start :, None] < bound[series.start - 1 : -1]
        for column, level in enumerate((0.01, 0.05)):
            for test, p_value in coverage(hits[:, column], level).items():
                must = series.goals is not None and name == "GJR skewt"
                yield Row(
                    f"{series.name}: value-at-risk {level:.0%} of {name}, {test}",
                    p_value,
                    "p",
                    None,
                    ">= 0.05" if must else "",
                    p_value >= 0.05 if must else None,
                )


def coverage(hits: NDArray[np.bool_], level: float) -> dict[str, float]:
    """P values of Kupiec (1995), the right number of hits, and Christoffersen (1998), and independent ones."""

    def log_likelihood(p: float, yes: int, no: int) -> float:
        return (yes * math.log(p) if yes else 0.0) + (no * math.log1p(-p) if no else 0.0)

    total = int(np.count_nonzero(hits))
    share = total / hits.size
    unconditional = 2.0 * (
        log_likelihood(share, total, hits.size - total) - log_likelihood(level, total, hits.size - total)
    )
    before, after = hits[:-1], hits[1:]
    alone = 0.0
    for state in (False, True):
        yes, no = int(np.sum(after[before == state])), int(np.sum(~after[before == state]))
        if yes + no:
            alone += log_likelihood(yes / (yes + no), yes, no)
    again = int(np.count_nonzero(after))
    independence = 2.0 * (alone - log_likelihood(again / after.size, again, after.size - again))
    return {
        "Kupiec": float(chi2.sf(unconditional, 1)),
        "Christoffersen": float(chi2.sf(unconditional + independence, 2)),
    }


# --- regimes and changes


def look_ahead_bias(series: Series) -> Iterator[Row]:
    """How much better smoothed regimes look than filtered ones: QLIKE of the variance they give the same day."""
    history = DailyHistory.from_bars(*series.bars.T)
    returns, measures = history.returns, history.measures
    model = RegimeModel.fit(history[: series.start], restarts=4)
    p = model.parameters
    logging.getLogger("hmmlearn").setLevel(logging.ERROR)  # it tells of its own last step on standard error
    peer = GaussianHMM(n_components=2, covariance_type="diag")
    peer.startprob_, peer.transmat_ = p.stationary, np.array(p.transition)
    peer.means_, peer.covars_ = np.array(p.means)[:, None], np.array(p.variances)[:, None]
    path = model.filter(history)
    smoothed = RegimePath(peer.predict_proba(returns[:, None]), path.state)
    scale = float(np.mean(np.square(returns[: series.start])) / np.mean(measures[: series.start]))
    coming = scale * coming_mean(measures, 1)[series.start - 1 : -1]

    def loss(known: RegimePath) -> float:
        f = model.forecast_path(known, (1,))[series.start - 1 : -1, 0]
        return float(np.mean(coming / f - np.log(coming / f) - 1.0))

    honest, flattered = loss(path), loss(smoothed)
    yield Row(f"{series.name}: next-day QLIKE of filtered regimes, hmmlearn's smoothed as peer", honest, "", flattered)
    differ = float(np.mean((path.probabilities[:, 1] > 0.5) != (smoothed.probabilities[:, 1] > 0.5)))
    yield Row(f"{series.name}: days whose likeliest regime hindsight changes", 100.0 * differ, "%")


def detection_curve(paths: int, curve: Path | None) -> Iterator[Row]:
    """Mean days to find a volatility half as high again, for false alarms a year; the peer is the normal CUSUM.

    That is the cumulative sum of squared residuals, as it is optimal for normal shocks. ``curve`` gets the picture.
    """
    lines: dict[str, list[tuple[float, float]]] = {"this detector": [], "CUSUM of squared residuals": []}
    p = TRUTH
    shocks = sample_shocks(1000 * 252, p.nu, p.skew, np.random.default_rng(5))
    changed = [1.5 * sample_shocks(2000, p.nu, p.skew, np.random.default_rng(100 + i)) for i in range(paths)]

    def delay(test: ChangeDetector) -> float:
        found = [np.flatnonzero(test.watch(z) == 1) for z in changed]
        return float(np.mean([alarms[0] + 1 if alarms.size else 2000 for alarms in found]))

    for rate in (0.25, 0.5, 1.0, 2.0, 4.0):
        ours = ChangeDetector.design(p, false_alarms_per_year=rate)
        low, high = 0.1, 100.0
        for _ in range(18):
            middle = 0.5 * (low + high)
            alarms = np.count_nonzero(ChangeDetector(math.inf, 0.0, 1.5, middle).watch(shocks))
            low, high = (middle, high) if alarms > rate * 1000 else (low, middle)
        measured = np.count_nonzero(ours.watch(shocks)) / 1000
        yield Row(
            f"false alarms, {rate:g} a year designed",
            measured,
            "a year",
            None,
            "within 12 %",
            abs(measured / rate - 1.0) <= 0.12,
        )
        mine, theirs = delay(ours), delay(ChangeDetector(math.inf, 0.0, 1.5, high))
        for points, days in zip(lines.values(), (mine, theirs), strict=True):
            points.append((rate, days))
        yield Row(
            f"days to detect 1.5 x volatility at {rate:g} false alarms a year",
            mine,
            "d",
            theirs,
            "<= peer",
            mine <= theirs,
        )

    if curve is not None:
        title = "Finding that volatility has grown by half"
        text = curve_svg(title, "false alarms a year", "mean delay, trading days", lines)
        curve.write_text(text, encoding="utf-8")


# --- the run


def all_levels(folder: Path | None, names: list[str]) -> Iterator[Row]:
    """Both proxies, level and bands on every daily series, or on those named."""
    for name, bars in every_series(None if folder is None else DataFolder(folder)):
        if not names or name in names:
            yield from judge_levels(name, bars, garch_peer)
            yield from judge_intraday(None if folder is None else DataFolder(folder), name)


def run(folder: Path | None, quick: bool, curve: Path | None) -> Iterator[Row]:
    yield from check_answers()
    yield from measure_speed(5 if quick else 20)
    index = load_sp500()
    yield from look_ahead_bias(index)
    yield from detection_curve(100 if quick else 500, curve)
    yield from evaluate(index, 200, QUICK_REFIT_DAYS) if quick else evaluate(index, 1000)
    if folder is None or quick:
        return
    data = DataFolder(folder)
    # SPY's bars before 2007 hold prints of after hours, a range of three times the daily variance.
    yield from evaluate(load_equity(data, "SPY", date(2007, 1, 3), date(2011, 1, 3)), 1000)
    yield from evaluate(load_equity(data, "AAPL", date(1998, 1, 2), date(2004, 1, 2)), 1000)
    yield from all_levels(folder, [])


def main() -> int:
    parser = options_of(__doc__)
    add_data_option(parser)
    parser.add_argument("--curve", type=Path, help="file to write the delay against false alarms to, as SVG")
    parser.add_argument("--levels", nargs="*", metavar="SERIES", help="only both proxies, level and bands, of these")
    parser.add_argument("--bands", type=int, metavar="MARKETS", help="only how often bands hold, on so many markets")
    options = parser.parse_args()
    folder: Path | None = options.data
    if not options.quick and (folder is None or not folder.is_dir()):
        print(f"no data folder at {folder}: SPY and AAPL are left out", file=sys.stderr)
        folder = None
    with warnings.catch_warnings():
        # arch reports doubts about its own fits as warnings; its likelihoods are compared here.
        warnings.simplefilter("ignore")
        if options.bands is not None:
            rows = judge_bands(options.bands)
        elif options.levels is not None:
            rows = all_levels(folder, options.levels)
        else:
            rows = run(folder, options.quick, options.curve)
        return report(rows, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
