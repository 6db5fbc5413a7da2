"""What the core attributes against the profit that the engine's own account, in exact decimals, has made."""

import datetime as dt
from pathlib import Path

import pytest

from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.market.generator.truth import DEFAULT_NAMES
from alo_lib.records import PROFIT_PARTS, Kind
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.simulation import BacktestResult, run_backtest
from alo_lib.views import Run
from alo_lib.views.attribution import attribution_by_trade, stated_attribution
from tests.simulation import tiny
from tests.simulation.outcome import profit

UNEXPLAINED = 0.02
"""Of the sum of absolute parts. A step that greeks do not explain is priced anew: nothing is left where volatilities
explain the marks, and cents a share where a mark is below every volatility's price, as a call's before an ex-date."""

FIRST, LAST = dt.date(2024, 1, 2), dt.date(2024, 1, 9)


def check(result: BacktestResult) -> dict[str, float]:
    """The parts, the engine's marks included, come to the account's profit before the rest is called unexplained."""
    run = Run(result.folder)
    made, fees = round(profit(run), 2), sum(order.fee for order in run.orders)
    stated = stated_attribution(run, made)
    parts: dict[str, float] = stated["parts"]
    messages = run.journal.messages
    last = max(place for place, message in enumerate(messages) if message.kind is Kind.FRAME)
    late = sum(message.records["fee"].sum() for message in messages[last:] if message.kind is Kind.ORDER_EVENT)
    assert parts["fees"] == pytest.approx(late - fees, abs=0.011)  # what came after the last frame is in the marks
    unexplained = sum(each["unexplained"] for each in attribution_by_trade(run).values())
    assert parts["unexplained"] == pytest.approx(unexplained, abs=0.06)
    assert round(sum(parts.values()), 2) == made
    assert replay(run.journal).divergence is None
    return parts


@pytest.mark.parametrize("split", [False, True])
def test_a_dividend_and_a_split_close_to_the_cent(split: bool, tmp_path: Path) -> None:
    data = tiny.write(tmp_path, split=split)
    (tmp_path / "run").mkdir()
    parts = check(run_backtest(tiny.settings(), data, tmp_path / "run"))
    assert parts["spread"] < 0.0
    assert {name for name, money in parts.items() if money} >= {"delta", "gamma", "vega", "theta", "slippage", "fees"}


def generated(seed: int, folder: Path) -> None:
    """A week quoted each half hour, so that no hour bar ends with a quote older than the underlying's price."""
    for name in ("data", "run"):
        (folder / name).mkdir()
    stock = DEFAULT_NAMES[seed % 2]
    week = {"start": FIRST, "end": LAST, "history_days": 300, "quote_minutes": 30}
    generate_market(folder / "data", MarketTruth(seed=seed, names=(stock,), **week))
    wanted = {
        "underlyings": stock.ticker,
        "start": FIRST,
        "end": LAST,
        "resolution": "hour",
        "garch_history": 300,
        "garch_minimum": 100,
        "entry_edge": 0.0,
        "direction": ["both", "long", "short"][seed % 3],
        "structures": ["straddle", "strangle"][seed // 3 % 2],
        "frames_per_bar": 1 + 4 * (seed % 2),
        "min_days_to_expiry": 2,
        "exit_days_to_expiry": 1,
        "max_spread": 1.0,
    }
    parts = check(run_backtest(Settings.of(wanted), folder / "data", folder / "run"))
    gross = sum(abs(parts[name]) for name in PROFIT_PARTS)
    assert gross > 0.0
    assert abs(parts["unexplained"]) < UNEXPLAINED * gross


def test_a_generated_market_closes_to_the_cent(tmp_path: Path) -> None:
    generated(1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 51))
def test_many_generated_markets_close_to_the_cent(seed: int, tmp_path: Path) -> None:
    generated(seed, tmp_path)
