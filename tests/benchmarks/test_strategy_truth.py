"""The benchmark of the strategy: what the truth says of a profit, and outcomes that are kept."""

import datetime as dt
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import DataFolder, DataKind, Resolution
from alo_lib.market.generator import MarketTruth, NameTruth, generate_market
from alo_lib.market.generator.quotes import Worth
from alo_lib.market.generator.truth import Edge
from alo_lib.views.run import InstrumentRecord
from benchmarks import strategy_markets
from benchmarks.strategy_kept import Kept, Outcome
from benchmarks.strategy_markets import NO_EDGE, Task, outcomes, run_all
from benchmarks.strategy_truth import Values, Worths
from benchmarks.strategy_ways import LEVEL, RIVALS

START, END = dt.date(2024, 1, 2), dt.date(2024, 1, 9)
TICKER = "TEST"
DEAR = NameTruth(ticker=TICKER, edge=Edge(mean=0.02))
OUTCOME = Outcome(
    profit=1.5, trades=2, luck=1.0, edge=0.75, costs=-0.5, carry=0.25, parts={"vega": 2.0}, returns=(0.1,), seconds=3.0
)


def made(folder: Path, name: NameTruth, *, hours_alone: bool) -> list[Worth]:
    """A market of an hour's bars that end with a quote of their end."""
    seen: list[Worth] = []
    truth = MarketTruth(seed=4, start=START, end=END, history_days=60, quote_minutes=30, names=(name,))
    kinds = (Resolution.HOUR,) if hours_alone else (Resolution.MINUTE, Resolution.HOUR)
    generate_market(folder, truth, watch=seen.append, resolutions=kinds)
    return seen


def test_a_market_of_hours_is_that_of_minutes_without_them(tmp_path: Path) -> None:
    dear, whole = made(tmp_path / "hours", DEAR, hours_alone=True), made(tmp_path / "both", DEAR, hours_alone=False)
    files = {path.relative_to(tmp_path / "both") for path in (tmp_path / "both").rglob("*") if path.is_file()}
    kept = {path.relative_to(tmp_path / "hours") for path in (tmp_path / "hours").rglob("*") if path.is_file()}
    assert {path for path in files - kept if "minute" not in path.parts} == set()
    assert kept == {path for path in files if "minute" not in path.parts}
    assert all((tmp_path / "hours" / path).read_bytes() == (tmp_path / "both" / path).read_bytes() for path in kept)
    assert all((one.market == other.market).all() for one, other in zip(dear, whole, strict=True))


def test_quotes_are_about_what_the_market_says_and_the_fair_value_is_the_fair_markets(tmp_path: Path) -> None:
    dear = made(tmp_path / "dear", DEAR, hours_alone=True)
    fair = made(tmp_path / "fair", NameTruth(ticker=TICKER), hours_alone=True)
    for one, other in zip(dear, fair, strict=True):
        assert (one.contracts == other.contracts).all()
        assert (one.spot == other.spot).all()
        assert (one.fair == other.fair).all()
        assert (other.market == other.fair).all()
    assert np.mean([(one.market > one.fair + 1e-9).mean() for one in dear]) > 0.5
    chain = DataFolder(tmp_path / "dear").option_bars(TICKER, START, END, Resolution.HOUR, DataKind.QUOTE)
    for worth in dear:
        for row, time in enumerate(worth.times.tolist()):
            at = (chain.bars["time"] == time) & (chain.bars["bid_close"] > 0.0)
            column = np.searchsorted(worth.contracts, chain.contracts[chain.contract[at]])
            assert (chain.bars["bid_close"][at] < worth.market[row, column]).all()
            assert (chain.bars["ask_close"][at] > worth.market[row, column]).all()


def worth_of(day: int, spots: list[float]) -> Worth:
    contracts = np.array(
        [(np.datetime64("2024-01-03"), 100.0, 1)], [("expiry", "M8[D]"), ("strike", "f8"), ("right", "i1")]
    )
    times = np.array([(24 * day + 15 + n) * 3_600_000_000_000 for n in range(len(spots))], np.int64)
    values = np.array(spots)[:, None]
    return Worth(contracts, times, np.array(spots) * 10.0, values + 0.5, values)


def test_values_are_those_of_the_last_quotes() -> None:
    worths = Worths()
    first, second = worth_of(19_724, [1.0, 2.0]), worth_of(19_725, [3.0, 4.0])
    worths(first)
    worths(second)
    end = int(second.times[-1])
    call = InstrumentRecord(1, "TEST  240103C00100000", 0, True, 100, 1, 100.0, end)
    stock = InstrumentRecord(0, TICKER, 0, False, 1, 0, 0.0, 0)
    start, close = first.times.tolist()
    assert worths.first == start
    assert worths.at(call, start + 10_000_000) == Values(start, 1.5, 1.0)
    assert worths.at(call, close + 3_600_000_000_000) == Values(close, 2.5, 2.0)  # in the night
    assert worths.at(call, end + 10**15) == Values(end, 4.5, 4.0)  # long expired
    assert worths.at(stock, end) == Values(end, 40.0, 40.0)
    for time in (start - 1, start + 120_000_000_000):
        with pytest.raises(ValueError, match="nothing is quoted at"):
            worths.at(call, time)


def test_outcomes_are_kept_by_program_market_settings_and_seed(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.keep("no edge", "a way", {"setting": 1}, 3, OUTCOME)
    assert Kept(tmp_path).find("no edge", "a way", {"setting": 1}, 3) == OUTCOME
    assert kept.find("no edge", "a way", {"setting": 1}, 4) is None
    assert kept.find("no edge", "a way", {"setting": 2}, 3) is None
    assert kept.find("two points", "a way", {"setting": 1}, 3) is None
    assert Kept(tmp_path, "another").find("no edge", "a way", {"setting": 1}, 3) is None
    assert OUTCOME.financed == 1.25
    assert OUTCOME.without_luck == 0.25


@pytest.mark.slow
def test_parts_sum_to_the_profit_and_what_is_kept_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Profit is the account's, the parts are those of its fills and the truth; files that are read once change none."""
    always_short = RIVALS[0]
    tasks = [Task(1, market, dt.date(2024, 1, 12), (always_short,)) for market in (NO_EDGE, LEVEL)]
    kept = Kept(tmp_path / "one")
    run_all(tasks, kept, 1)
    found = outcomes(tasks, kept)
    for (market, _), of_seeds in found.items():
        outcome = of_seeds[1]
        assert outcome.trades > 0
        assert outcome.luck + outcome.edge + outcome.costs + outcome.carry == pytest.approx(outcome.profit, abs=0.01)
        assert outcome.costs < 0.0
        assert outcome.edge > 0.0 if market == LEVEL else outcome.edge == 0.0
    monkeypatch.setattr(strategy_markets, "read_once", nullcontext)
    other = Kept(tmp_path / "other")
    run_all(tasks[:1], other, 1)
    again = outcomes(tasks[:1], other)[NO_EDGE, always_short.name][1]
    assert again._replace(seconds=0.0) == found[NO_EDGE, always_short.name][1]._replace(seconds=0.0)
    monkeypatch.setattr(strategy_markets, "generate_market", None)  # nothing is left to be run
    run_all(tasks, kept, 1)
