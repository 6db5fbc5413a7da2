"""Sixty damaged and odd series, through library, strategy, LEAN's volatility model and command.

Each ends in a right number, by the deviation that it was made with; in a number beside a sentence that says what is
odd; or in a sentence alone. Nothing raises anything else, and what is noted in one place is not silent in another.
"""

import datetime as dt
import json
import math
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.market.writer import write_zip
from alo_lib.settings import Settings
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.volatility import DailyHistory, GjrGarch, VolatilityError, log_returns
from alo_lib.volatility.jumps import condition
from tests.cli.conftest import run, small_market  # noqa: F401
from tests.models.conftest import lean  # noqa: F401
from tests.models.kit import Algorithm, History, equity
from tests.sampled import sampled

Array = NDArray[np.float64]
A_YEAR = math.sqrt(252.0)
ANY = math.inf
STEPS = 20


def bars_at(deviations: Any, count: int = 520, *, seed: int, degrees: float = math.inf, start: float = 100.0) -> Array:
    """Bars (count, 4) whose days have the ``deviations``, of shocks that are a t of so many degrees a day."""
    generator = np.random.default_rng(seed)
    scale = np.broadcast_to(np.asarray(deviations, dtype=np.float64), (count,))
    if math.isfinite(degrees):
        chi = generator.chisquare(degrees, count) / (degrees - 2.0)
        scale = scale / np.sqrt(chi)
    steps = generator.standard_normal((count, STEPS)) * scale[:, None] / math.sqrt(STEPS)
    steps[0] = 0.0
    path = start * np.exp(np.cumsum(steps).reshape(count, STEPS))
    return np.stack([path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1]], axis=1)


def moved(bars: Array, day: int, factor: float) -> Array:
    """From a day on all prices are multiplied."""
    changed = bars.copy()
    changed[day:] *= factor
    return changed


def still(bars: Array, begin: int, end: int) -> Array:
    """A halt: bars from ``begin`` on stand at the close before, and trading goes on from there."""
    changed = bars.copy()
    changed[begin:end] = bars[begin - 1, 3] if begin else bars[0, 0]
    if end < len(bars):
        changed[end:] *= changed[end - 1, 3] / bars[end, 0]
    return changed


def printed(bars: Array, day: int, factor: float) -> Array:
    """One bar is false."""
    changed = bars.copy()
    changed[day] *= factor
    return changed


def ticked(bars: Array, tick: float) -> Array:
    return np.asarray(np.maximum(np.round(bars / tick), 1.0) * tick)


def of_closes(closes: Array) -> Array:
    return np.stack([closes] * 4, axis=1)


def of_returns(returns: Array) -> Array:
    return of_closes(100.0 * np.exp(np.cumsum(np.append(0.0, returns))))


def thinned(bars: Array, share: float, seed: int) -> Array:
    """A ``share`` of days do not move."""
    returns = np.diff(np.log(bars[:, 3]))
    returns[np.random.default_rng(seed).random(returns.size) < share] = 0.0
    return of_returns(returns)


def levels(*parts: tuple[int, float]) -> Array:
    return np.concatenate([np.full(days, deviation) for days, deviation in parts])


def explosive(alpha: float, seed: int) -> Array:
    shocks, returns, variance = np.random.default_rng(seed).standard_normal(600), np.empty(600), 1e-4
    for day, shock in enumerate(shocks):
        returns[day] = math.sqrt(variance) * shock
        variance = 1e-5 + alpha * returns[day] ** 2
    return of_returns(returns)


def spoiled(bars: Array, day: int, column: slice | int, value: float) -> Array:
    changed = bars.copy()
    changed[day, column] = value
    return changed


@dataclass(frozen=True)
class Odd:
    """A series, and what is to come of it."""

    bars: Callable[[], Array]
    truth: float | None
    """Daily deviation to be forecast of the next month; 0 for that of the returns themselves; None: refused."""
    within: float = 0.3
    """Of the truth, relative; infinite where there is none to be known."""
    told: str = ""
    """What a sentence must say, beside the number or in its place."""
    refused: bool = False
    """Whether a sentence may stand in the number's place."""


ALL_NONE = "finite and positive|negative"
JUMP, HALT, NORMAL, PRINT = (
    "is a new level",
    "halts without a move",
    "the shocks are normal",
    "dropped as a false print",
)
SERIES: dict[str, Odd] = {
    "calm index": Odd(lambda: bars_at(0.008, seed=1), 0.008),
    "calm index, hybrid": Odd(lambda: bars_at(0.008, 900, seed=2), 0.008),
    "coin, seven days a week": Odd(lambda: bars_at(0.05, 730, seed=3), 0.05),
    "coin with heavy tails": Odd(lambda: bars_at(0.04, 730, seed=4, degrees=4.0), 0.04, 0.4),
    "currency": Odd(lambda: bars_at(0.004, seed=5, start=1.1), 0.004),
    "pegged currency": Odd(lambda: bars_at(0.0002, seed=6, start=7.8), 0.0002, 0.5),
    "peg that breaks": Odd(
        lambda: moved(bars_at(levels((400, 0.0006), (120, 0.008)), seed=7), 400, 0.85), 0.008, 0.4, JUMP
    ),
    "merger target, deal broken": Odd(
        lambda: moved(bars_at(levels((260, 0.0015), (60, 0.03)), 320, seed=8), 260, 0.7), 0.03, 0.4, JUMP
    ),
    "deal broken yesterday": Odd(
        lambda: moved(bars_at(levels((260, 0.0015), (1, 0.03)), 261, seed=9), 260, 0.7),
        0.03,
        0.6,
        "unless the next close",
    ),
    "deal broken a week ago": Odd(
        lambda: moved(bars_at(levels((260, 0.0015), (6, 0.03)), 266, seed=10), 260, 0.7), 0.03, 0.6, JUMP
    ),
    "merger announced": Odd(
        lambda: moved(bars_at(levels((400, 0.02), (300, 0.002)), 700, seed=11), 400, 1.35), 0.002, 0.6
    ),
    "bankruptcy": Odd(lambda: moved(bars_at(levels((450, 0.025), (70, 0.12)), seed=12), 450, 0.1), 0.12, 0.4, JUMP),
    "trial failed": Odd(lambda: moved(bars_at(levels((450, 0.03), (70, 0.05)), seed=13), 450, 0.08), 0.05, 0.5, JUMP),
    "trial won": Odd(lambda: moved(bars_at(levels((450, 0.02), (70, 0.05)), seed=14), 450, 4.0), 0.05, 0.5, JUMP),
    "halted, then a third": Odd(
        lambda: moved(still(bars_at(levels((400, 0.02), (120, 0.08)), seed=15), 360, 400), 400, 0.3), 0.08, 0.5, JUMP
    ),
    "halt": Odd(lambda: still(bars_at(0.01, seed=16), 200, 250), 0.01, told=HALT),
    "halt at first": Odd(lambda: still(bars_at(0.01, seed=17), 0, 12), 0.01, told=HALT),
    "halt of 150 days": Odd(lambda: still(bars_at(0.01, seed=18), 150, 300), 0.01, told=HALT),
    "halted now": Odd(lambda: still(bars_at(0.01, seed=19), 480, 520), 0.01, 0.5, HALT),
    "halt in a hybrid": Odd(lambda: still(bars_at(0.01, 900, seed=20), 300, 350), 0.01, 0.4, HALT),
    "five short halts": Odd(
        lambda: still(
            still(still(still(still(bars_at(0.01, seed=21), 50, 60), 120, 130), 200, 210), 300, 310), 400, 410
        ),
        0.01,
        told=HALT,
    ),
    "one price for a year, then trade": Odd(lambda: still(bars_at(0.01, 700, seed=22), 0, 300), 0.01, told=HALT),
    "trade, then one price for a year": Odd(lambda: still(bars_at(0.01, 700, seed=23), 450, 700), 0.01, ANY, HALT),
    "one price": Odd(lambda: np.full((520, 4), 50.0), None, told="must vary"),
    "all but one day at one price": Odd(lambda: moved(np.full((520, 4), 50.0), 300, 1.1), None, told="must vary"),
    "half-dollar stock in cents": Odd(lambda: ticked(bars_at(0.01, seed=24, start=0.5), 0.01), 0.0, 0.4, NORMAL),
    "five-dollar stock in cents": Odd(lambda: ticked(bars_at(0.01, seed=25, start=5.0), 0.01), 0.0, 0.3),
    "two-dollar stock in eighths": Odd(lambda: ticked(bars_at(0.01, seed=26, start=10.0), 0.125), 0.0, 0.4, NORMAL),
    "bounce between bid and ask": Odd(
        lambda: of_closes(np.where(np.random.default_rng(27).random(520) < 0.5, 1.00, 1.01)), 0.0, 0.3, NORMAL
    ),
    "illiquid, 15 % still": Odd(lambda: thinned(bars_at(0.01, seed=28), 0.15, 1), 0.0, 0.3),
    "illiquid, 25 % still": Odd(lambda: thinned(bars_at(0.01, seed=29), 0.25, 1), 0.0, 0.3, NORMAL),
    "illiquid, 40 % still": Odd(lambda: thinned(bars_at(0.01, seed=30), 0.40, 1), 0.0, 0.3, NORMAL),
    "illiquid, 70 % still": Odd(lambda: thinned(bars_at(0.01, seed=31), 0.70, 1), 0.0, 0.3, NORMAL),
    "every second day": Odd(lambda: np.repeat(bars_at(0.01, 260, seed=32), 2, axis=0), 0.0, 0.3, NORMAL),
    "split of 20 for 1 missed": Odd(
        lambda: moved(bars_at(0.015, seed=33), 250, 1 / 20), 0.015, 0.4, "split of 20 for 1"
    ),
    "reverse split of 1 for 10 missed": Odd(
        lambda: moved(bars_at(0.02, seed=34), 250, 10.0), 0.02, 0.4, "split of 1 for 10"
    ),
    "split of 2 for 1 missed": Odd(lambda: moved(bars_at(0.008, seed=35), 250, 0.5), 0.008, 0.4, "split of 2 for 1"),
    "split of 3 for 2 missed": Odd(lambda: moved(bars_at(0.005, seed=36), 250, 2 / 3), 0.005, 0.4, "split of 3 for 2"),
    "split of 2 for 1 missed, wild stock": Odd(lambda: moved(bars_at(0.025, seed=37), 250, 0.5), 0.025, 0.4),
    "false print": Odd(lambda: printed(bars_at(0.005, seed=38), 400, 0.6), 0.005, told=PRINT),
    "false print of a lost digit": Odd(lambda: printed(bars_at(0.015, seed=39), 400, 10.0), 0.015, told=PRINT),
    "two false prints": Odd(lambda: printed(printed(bars_at(0.005, seed=40), 200, 0.5), 500, 2.0), 0.005, told=PRINT),
    "false print at the last close": Odd(
        lambda: printed(bars_at(0.005, seed=41), 519, 0.5), 0.005, ANY, "unless the next close"
    ),
    "false print in a hybrid": Odd(lambda: printed(bars_at(0.006, 900, seed=42), 600, 0.5), 0.006, told=PRINT),
    "print, then a jump": Odd(
        lambda: moved(printed(bars_at(levels((400, 0.005), (120, 0.02)), seed=43), 300, 0.5), 400, 0.6),
        0.02,
        0.4,
        PRINT,
    ),
    "three jumps in a row": Odd(
        lambda: moved(moved(moved(bars_at(levels((400, 0.002), (120, 0.02)), seed=44), 400, 0.7), 401, 0.8), 402, 0.7),
        0.02,
        0.6,
        JUMP,
    ),
    "a jump each year": Odd(lambda: moved(moved(bars_at(0.002, 750, seed=45), 250, 1.5), 500, 1.5), 0.002, 0.4, JUMP),
    "negative price": Odd(
        lambda: spoiled(bars_at(0.02, seed=46), 300, slice(None), -37.0), 0.02, told=ALL_NONE, refused=True
    ),
    "zero price": Odd(
        lambda: spoiled(bars_at(0.02, seed=47), 300, slice(None), 0.0), 0.02, told=ALL_NONE, refused=True
    ),
    "a hundred days": Odd(lambda: bars_at(0.01, 100, seed=48), None, told="at least 250 observations"),
    "a year and a day": Odd(lambda: bars_at(0.01, 251, seed=49), 0.01),
    "volatility that grows tenfold": Odd(lambda: bars_at(np.geomspace(0.003, 0.03, 520), seed=50), 0.03, 0.5),
    "volatility that falls to a tenth": Odd(lambda: bars_at(np.geomspace(0.03, 0.003, 520), seed=51), 0.003, 0.6),
    "wild Mondays": Odd(
        lambda: bars_at(np.tile([0.03, 0.01, 0.01, 0.01, 0.01], 104), seed=52), math.sqrt((9 + 4) / 5) * 0.01, 0.35
    ),
    "alpha of 1.5": Odd(
        lambda: explosive(1.5, 53), 0.0, ANY, "long-run|not stationary|standard deviations", refused=True
    ),
    "tails without variance": Odd(lambda: bars_at(0.01, seed=54, degrees=2.2), 0.01, ANY),
    "no ranges": Odd(lambda: of_closes(bars_at(0.01, 900, seed=55)[:, 3]), 0.01, 0.35),
    "half a year missing": Odd(lambda: np.delete(bars_at(0.01, 640, seed=56), np.s_[200:320], axis=0), 0.01),
    "wick of a false minute": Odd(lambda: spoiled(bars_at(0.01, 900, seed=57), 600, 1, 1e4), 0.01, 0.4),
    "almost no move in a halt": Odd(lambda: bars_at(levels((200, 0.01), (50, 1e-7), (270, 0.01)), seed=58), 0.01, 0.5),
    "tenth of a cent, up and down": Odd(
        lambda: of_closes(np.where(np.random.default_rng(59).random(520) < 0.5, 1e-4, 3e-4)),
        None,
        told="must be decimals",
    ),
    "each bar told twice now and then": Odd(
        lambda: bars_at(0.01, seed=60)[np.sort(np.r_[np.arange(520), np.arange(0, 520, 10)])], 0.0, 0.3
    ),
}


def test_there_are_sixty() -> None:
    assert len(SERIES) >= 60


def checked(odd: Odd, number: float | None, sentences: str) -> None:
    """Hold what came of a series against what is to come of it."""
    assert "Traceback" not in sentences
    assert re.search(odd.told, sentences, flags=re.MULTILINE) or not odd.told, sentences
    if odd.truth is None or number is None:
        assert number is None
        assert odd.truth is None or odd.refused, sentences
        return
    closes = odd.bars()[:, 3]
    truth = (odd.truth or float(np.std(np.diff(np.log(closes[closes > 0.0]))))) * A_YEAR
    assert 0.0 < number < ANY
    assert abs(number / truth - 1.0) <= odd.within, (number, truth, sentences)


@pytest.mark.parametrize("name", list(SERIES))
def test_in_the_library(name: str) -> None:
    odd = SERIES[name]
    try:
        conditioned = condition(DailyHistory.from_returns(returns_of(odd.bars())))
        model = GjrGarch.fit(conditioned.history)
        state = model.filter(conditioned.history).state
    except VolatilityError as error:
        checked(odd, None, str(error))
        return
    assert model.calibration is not None
    notes = [str(jump) for jump in conditioned.jumps]
    checked(odd, model.forecast_volatility(state, 21.0), "\n".join([*notes, model.calibration.note]))


def returns_of(bars: Array) -> Array:
    return log_returns(bars[:, 3])


@pytest.mark.parametrize("name", sampled(SERIES, every=3))
def test_in_the_strategy_and_leans_volatility_model(name: str, lean: Any) -> None:  # noqa: F811
    odd = SERIES[name]
    bars = odd.bars()
    forecaster = VolatilityForecaster(Settings())
    told = [forecaster.follow([tuple(bar) for bar in bars.tolist()]), forecaster.calibrate_now()]
    model = forecaster.model
    told += [] if model is None else [model.note, model.garch_note]
    sentences = "\n".join(each for each in told if each)
    number = forecaster.volatility(1.0 / 12.0)
    checked(odd, None if math.isnan(number) else number, sentences)

    lean.Resolution = SimpleNamespace(DAILY="daily")
    lean.DataNormalizationMode = SimpleNamespace(SPLIT_ADJUSTED="adjusted")
    history = History()
    first = dt.datetime(2020, 1, 1, 16)
    history.events[lean.TradeBar] = [
        SimpleNamespace(end_time=first + dt.timedelta(days=n), open=o, high=h, low=lo, close=c)
        for n, (o, h, lo, c) in enumerate(bars.tolist())
    ]
    history.events[lean.Dividend] = []
    algorithm = Algorithm(history=history, debugged=[])
    algorithm.debug = algorithm.debugged.append
    theirs = import_module("models.volatility_model").AloVolatilityModel(algorithm)
    theirs.update(SimpleNamespace(symbol=equity("TINY")), None)
    assert theirs.volatility == pytest.approx(0.0 if math.isnan(number) else number, rel=1e-3)
    assert re.search(odd.told, "\n".join(algorithm.debugged), flags=re.MULTILINE) or not odd.told


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SERIES))
def test_in_the_command(name: str, run: Any, small_market: Path, tmp_path: Path) -> None:  # noqa: F811
    odd = SERIES[name]
    bars = odd.bars()
    folder = tmp_path / "data"
    shutil.copytree(small_market, folder)
    days = np.busday_offset("2015-01-02", np.arange(len(bars)), roll="forward").astype(dt.date)
    rows = [
        ",".join([f"{day:%Y%m%d} 00:00", *(str(round(10_000.0 * price)) for price in bar), "1000"])
        for day, bar in zip(days, bars.tolist(), strict=True)
    ]
    write_zip(folder / "equity/usa/daily/odd.zip", {"odd.csv": "\n".join(rows) + "\n"})
    outcome = run("volatility", "ODD", "--data", folder, "--json")
    assert outcome.status in (0, 2)
    if outcome.status:
        assert outcome.err.count("\n") == 1
        checked(odd, None, outcome.err)
        return
    found = json.loads(outcome.out)
    number = next(point["volatility"] for point in found["forecast"] if point["days"] == 21)
    checked(odd, number, "\n".join([*found["notes"], outcome.err]))
