"""A market at one moment is what a backtest decides there; the days before are what their last quotes say."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER, read_journal
from alo_lib.market import DataError, DataFolder, Resolution, take_snapshot
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.records import Kind
from alo_lib.settings import Settings
from alo_lib.simulation import run_backtest
from alo_lib.simulation.moment import finest_resolution, market_at
from alo_lib.simulation.past_markets import past_markets
from alo_lib.views.chain import chain_view

FIRST, SECOND = dt.date(2024, 1, 2), dt.date(2024, 1, 3)
NOON = dt.timedelta(hours=12)
EARLY = dt.timedelta(hours=9, minutes=35)
"""When entry-delay is over."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moment") / "data"
    generate_market(folder, MarketTruth(start=FIRST, end=SECOND, history_days=300, quote_minutes=30))
    return folder


def settings(day: dt.date, **others: object) -> Settings:
    return Settings.of({"underlyings": "ALFA", "start": day, "end": day, "min_coverage": 0.0, **others})


@pytest.mark.parametrize("fair_smile", ["flat", "market"])
@pytest.mark.parametrize("carry", ["rate", "quotes"])
def test_it_is_what_a_backtest_decides(data: Path, tmp_path: Path, fair_smile: str, carry: str) -> None:
    chosen = settings(SECOND, fair_smile=fair_smile, carry=carry)
    run_backtest(chosen, data, tmp_path)
    messages = read_journal(tmp_path / JOURNAL_FOLDER).messages
    ((first, told),) = [(each.time, each.records) for each in messages if each.kind is Kind.MARKET_STATE]
    assert first == market_at(chosen, DataFolder(data), EARLY).frame
    early = market_at(chosen, DataFolder(data), EARLY)
    for name in set(told.dtype.names or ()) - {"days", "rank", "percentile", "skew_score", "term_score"}:
        np.testing.assert_array_equal(early.market[name], told[name], err_msg=name)
    # At noon the run has the smiles of its first look, and a scan those of noon.
    moment = early if fair_smile == "market" else market_at(chosen, DataFolder(data), NOON)
    (ranked,) = [each.records for each in messages if each.kind is Kind.SIGNAL and each.time == moment.frame]
    assert len(ranked) > 0
    assert moment.signals.tobytes() == ranked.tobytes()


def test_the_days_before_are_their_last_quotes(data: Path) -> None:
    folder = DataFolder(data)
    (day,) = past_markets(folder, "ALFA", settings(SECOND), SECOND)
    assert day.time == folder.hours().session(FIRST).close
    rate = folder.interest_rates.rate_at(FIRST)
    # A dividend goes ex ahead of most expiries: by the yield alone calls and puts part, by parity they do not.
    view = chain_view(take_snapshot(folder, "ALFA", FIRST), rate=rate, carry="parity")
    expiries = [each for each in view.expiries() if 14 <= each.days <= 120]
    days, levels = ([getattr(each, name) for each in expiries] for name in ("days", "at_the_money"))
    assert day.implied == pytest.approx(np.interp(30.0, days, levels), abs=0.006)
    assert day.term_slope == pytest.approx(np.interp(90.0, days, levels) - np.interp(30.0, days, levels), abs=0.01)
    assert past_markets(folder, "ALFA", settings(FIRST), FIRST) == []


def test_a_moment_knows_nothing_of_what_comes_after(data: Path, tmp_path: Path) -> None:
    moment = market_at(settings(FIRST), DataFolder(data), NOON)
    other = tmp_path / "data"
    generate_market(other, MarketTruth(start=FIRST, end=FIRST, history_days=300, quote_minutes=30))
    again = market_at(settings(FIRST), DataFolder(other), NOON)
    assert again.market.tobytes() == moment.market.tobytes()
    assert again.signals.tobytes() == moment.signals.tobytes()
    book = moment.underlying.book
    assert max(int(book.quote_time.max()), book.spot_time) <= moment.time


def test_before_entry_delay_a_market_is_looked_at_all_the_same(data: Path) -> None:
    late = market_at(settings(SECOND, entry_delay=3.0 * 3600), DataFolder(data), dt.timedelta(hours=10))
    assert len(late.market) == 1
    assert len(late.underlying.smiles) == int(late.market["smiles"][0]) > 0


def test_days_without_data_and_times_outside_are_refused(data: Path) -> None:
    folder = DataFolder(data)
    assert finest_resolution(folder, "ALFA", FIRST) is Resolution.MINUTE
    with pytest.raises(DataError, match="the market was closed on 2024-01-06; name a trading day"):
        finest_resolution(folder, "ALFA", dt.date(2024, 1, 6))
    with pytest.raises(DataError, match="ALFA has no minute or hour option quotes on 2024-01-08"):
        finest_resolution(folder, "ALFA", dt.date(2024, 1, 8))
    with pytest.raises(DataError, match=r"was from 09:30 to 16:00 in New York; name a time in it"):
        market_at(settings(FIRST), folder, dt.timedelta(hours=16))
