"""An hourly run earns nothing from quotes that lag, in markets where nothing is to be gained."""

import datetime as dt
from pathlib import Path

import pytest

from alo_lib.core import Settings
from alo_lib.market.generator import generate_market
from alo_lib.market.generator.surface import Mispricing
from alo_lib.simulation import BacktestResult, run_backtest
from tests.simulation.lagging import delay_hour_quotes

START, END = dt.date(2024, 1, 2), dt.date(2024, 1, 31)
TICKERS = ("ALFA", "BRVO")


def hourly(root: Path, results: Path) -> BacktestResult:
    results.mkdir()
    month = {"underlyings": TICKERS, "start": START, "end": END, "resolution": "hour"}
    return run_backtest(Settings.of(month), root, results)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_an_hourly_run_earns_nothing_from_a_lag(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options are quoted at the true volatility, and half an hour late; before, +5,013 came of seed 1's market."""
    fair = type(Mispricing.LEVEL)(mean=0.0, deviation=0.0, half_life=5.0)
    for name in ("LEVEL", "EXPIRY", "SKEW"):
        monkeypatch.setattr(Mispricing, name, fair)
    root = tmp_path / "data"
    generate_market(root, seed=seed, start=START, end=END, history_days=800, quote_minutes=30)
    delay_hour_quotes(root, TICKERS, START, END, minutes=0)
    in_step = hourly(root, tmp_path / "in-step")
    delay_hour_quotes(root, TICKERS, START, END, minutes=30)
    lagging = hourly(root, tmp_path / "lagging")
    assert len(in_step.orders) > 20
    assert len(lagging.orders) < len(in_step.orders) / 10
    assert lagging.net_profit < 200.0
