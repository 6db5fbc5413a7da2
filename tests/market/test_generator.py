"""A made-up market: reproducible, readable without a fault, free of plain arbitrage, and true to its own volatility."""

import hashlib
import itertools
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import DataError, DataFolder, DataKind, OptionBars, Resolution, SecurityType
from alo_lib.market.generator import MANIFEST, UNDERLYINGS, MarketUnderlying, generate_market, read_manifest
from alo_lib.market.generator.exchange import equity_hours
from alo_lib.market.generator.market import DISCOUNT_RATE
from alo_lib.market.generator.paths import minute_bars, walk_day
from alo_lib.market.generator.surface import Mispricing, expected_volatility
from alo_lib.market.generator.underlyings import ListedStrikes, dividend_days, listed_expiries
from alo_lib.pricing import implied_volatility
from alo_lib.records import years_between
from alo_lib.volatility import DailyObservation, GjrGarch, GjrState

START, END = date(2024, 1, 10), date(2024, 1, 12)
EX_DATE = date(2024, 1, 19)


def make(folder: Path, **more: object) -> Path:
    arguments = {"seed": 7, "start": START, "end": END, "history_days": 40, "quote_minutes": 30} | more
    generate_market(folder, **arguments)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def chain(market: Path) -> OptionBars:
    return DataFolder(market).option_bars("ALFA", START, START, Resolution.MINUTE)


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


def test_same_seed_same_bytes(market: Path, tmp_path: Path) -> None:
    assert digest(make(tmp_path / "again")) == digest(market)
    assert digest(make(tmp_path / "other", seed=8)) != digest(market)


def test_everything_is_read_without_a_fault(market: Path) -> None:
    folder = DataFolder(market)
    for underlying in UNDERLYINGS:
        ticker = underlying.ticker
        daily = folder.bars(ticker, date(2020, 1, 1), END, Resolution.DAILY)
        assert len(daily) == 43
        for day in folder.hours().trading_days(START, END):
            universe = folder.universe(ticker, day)
            quotes = folder.option_bars(ticker, day, day, Resolution.MINUTE)
            interest = folder.option_bars(ticker, day, day, Resolution.MINUTE, DataKind.OPEN_INTEREST)
            assert universe is not None
            assert universe.day == folder.hours().previous_trading_day(day)
            listed = universe.rows[["expiry", "strike", "right"]].tolist()
            assert listed == quotes.contracts.tolist() == interest.contracts.tolist()
            assert interest.bars["open_interest"].tolist() == universe.rows["open_interest"].tolist()
            minute = folder.bars(ticker, day, day, Resolution.MINUTE)
            both = folder.bars(ticker, day, day, Resolution.MINUTE, DataKind.QUOTE)
            assert (both["bid_close"] <= minute["close"]).all()
            assert (both["ask_close"] > minute["close"]).all()
            bar = daily[daily["time"] == folder.hours().session(day).close][0]
            assert (bar["open"], bar["close"]) == (minute["open"][0], minute["close"][-1])
            assert (bar["high"], bar["low"]) == (minute["high"].max(), minute["low"].min())
    assert not folder.faults


def test_hours_are_made_of_minutes(market: Path, chain: OptionBars) -> None:
    folder = DataFolder(market)
    session = folder.hours().session(START)
    minute = folder.bars("ALFA", START, START, Resolution.MINUTE)
    hour = folder.bars("ALFA", START, START, Resolution.HOUR)
    assert hour["time"].tolist() == [session.open + (30 + 60 * n) * 60_000_000_000 for n in range(7)]
    assert hour["close"].tolist() == [minute["close"][29 + 60 * n] for n in range(7)]
    assert hour["high"][1] == minute["high"][30:90].max()
    assert hour["volume"].sum() == minute["volume"].sum()
    hourly = folder.option_bars("ALFA", START, START, Resolution.HOUR)
    last = chain.bars["time"] == session.close
    at_close = hourly.bars["time"] == session.close
    assert hourly.contracts.tolist() == chain.contracts.tolist()
    for name in ("bid_close", "ask_close", "bid_size", "ask_size"):
        np.testing.assert_array_equal(hourly.bars[name][at_close], chain.bars[name][last])
    assert not folder.faults


def test_quotes_are_free_of_plain_arbitrage(market: Path, chain: OptionBars) -> None:
    spots = DataFolder(market).bars("ALFA", START, START, Resolution.MINUTE)
    spot_at = dict(zip(spots["time"].tolist(), spots["close"].tolist(), strict=True))
    assert len(list(chain.by_time())) == 14
    for time, frame in chain.by_time():
        keys, bars = frame.contracts[frame.contract], frame.bars
        intrinsic = np.maximum(keys["right"] * (spot_at[time] - keys["strike"]), 0.0)
        assert (bars["ask_close"] >= intrinsic).all()
        assert (bars["bid_close"] < bars["ask_close"])[~np.isnan(bars["bid_close"])].all()
        for expiry in np.unique(keys["expiry"]):
            for right in (-1, 1):
                here = (keys["expiry"] == expiry) & (keys["right"] == right)
                bid = np.nan_to_num(bars["bid_close"][here])
                ask = bars["ask_close"][here]
                # No vertical spread is bought for less than nothing.
                dearer, cheaper = (ask[:-1], bid[1:]) if right > 0 else (ask[1:], bid[:-1])
                assert (dearer >= cheaper).all()


def test_ticks_and_missing_sides(chain: OptionBars) -> None:
    bars = chain.bars
    for side in ("bid", "ask"):
        cents = bars[f"{side}_close"] * 100.0
        quoted = ~np.isnan(cents)
        assert np.allclose(cents[quoted], np.rint(cents[quoted]))
        assert (bars[f"{side}_size"][quoted] >= 1).all()
        assert (bars[f"{side}_size"][~quoted] == 0).all()
    assert np.isnan(bars["bid_close"]).any()
    assert not np.isnan(bars["ask_close"]).any()
    dear = bars["bid_close"] >= 3.1
    assert np.allclose(bars["bid_close"][dear] * 20.0, np.rint(bars["bid_close"][dear] * 20.0))


def test_implied_volatility_is_near_the_filed_one(market: Path) -> None:
    folder = DataFolder(market)
    chain = folder.option_bars("BRVO", END, END, Resolution.MINUTE)
    time, frame = list(chain.by_time())[-1]
    spot = float(folder.bars("BRVO", END, END, Resolution.MINUTE)["close"][-1])
    keys, bars = frame.contracts[frame.contract], frame.bars
    universe = folder.universe("BRVO", END + timedelta(days=3))
    assert universe is not None
    filed = dict(
        zip(universe.rows[["expiry", "strike", "right"]].tolist(), universe.rows["implied_volatility"], strict=True)
    )
    ends = np.array([folder.hours(SecurityType.OPTION).expiry_time(day) for day in keys["expiry"].tolist()])
    years = years_between(time, ends)
    near = (np.abs(keys["strike"] / spot - 1.0) < 0.05) & (years > 0.04)
    mid = 0.5 * (bars["bid_close"] + bars["ask_close"])[near]
    implied = implied_volatility(
        mid, spot, keys["strike"][near], DISCOUNT_RATE, 0.0, years[near], keys["right"][near].astype(float)
    )
    expected = np.array([filed[key] for key in keys[near].tolist()])
    assert near.sum() > 20
    assert np.abs(implied - expected).max() < 0.02
    assert 0.15 < expected.min() < expected.max() < 0.8


def test_dividends_are_given_back(tmp_path: Path) -> None:
    folder = DataFolder(make(tmp_path, end=EX_DATE, quote_minutes=60, underlyings=UNDERLYINGS[:1]))
    splits, dividends = folder.events("ALFA")
    assert splits == ()
    assert [(dividend.ex_date, dividend.amount) for dividend in dividends] == [(EX_DATE, 0.72)]
    chain = folder.option_bars("ALFA", EX_DATE - timedelta(days=1), EX_DATE, Resolution.MINUTE)
    spots = folder.bars("ALFA", EX_DATE - timedelta(days=1), EX_DATE, Resolution.MINUTE)
    before, after = (spots["close"][389], spots["close"][390])
    assert abs(after - before + 0.72) < 0.05 * before
    assert len(chain) > 0


def test_expected_volatility_is_the_models_forecast() -> None:
    model = GjrGarch(UNDERLYINGS[0].volatility)
    returns = np.array([0.0, 0.01, -0.02])
    elapsed = np.array([0.0, 0.5, 1.0])
    found = expected_volatility(model, 1.5e-4, returns, elapsed, np.array([0.0, 20.0]))
    assert found[0, 0] == pytest.approx(np.sqrt(252 * 1.5e-4))
    closed = model.update(GjrState(1.5e-4, 0.0, 1), DailyObservation(-0.02))
    assert found[2, 1] == pytest.approx(model.expected_volatility(closed, 20.0))
    assert found[2, 1] < model.forecast_volatility(closed, 20.0)


def test_the_day_ends_where_its_return_says() -> None:
    generator = np.random.default_rng(1)
    path = walk_day(100.0, 0.02, 1e-4, 390, generator)
    assert path.prices[-1, -1] == pytest.approx(100.0 * np.exp(0.02), rel=1e-12)
    bars = minute_bars(path, 0, 1e6, generator)
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
    assert bars["open"][1:].tolist() == bars["close"][:-1].tolist()


def test_intraday_variance_is_the_days() -> None:
    generator = np.random.default_rng(2)
    variance, squares = 1e-4, []
    for daily in np.sqrt(variance) * generator.standard_normal(400):
        path = walk_day(100.0, daily, variance, 390, generator)
        moves = np.diff(np.log(np.concatenate([[100.0, path.opening], path.prices[:, -1]])))
        squares.append(float(np.sum(moves**2)))
    assert np.mean(squares) == pytest.approx(variance, rel=0.03)


def test_mispricing_returns_to_its_mean() -> None:
    mispricing = Mispricing(np.random.default_rng(3))
    smile = mispricing.walk([END], np.array([0.0]), 78 * 2000)
    levels = smile.level[:, 0]
    assert np.mean(levels) == pytest.approx(0.04, abs=0.02)
    assert np.std(levels) == pytest.approx(np.hypot(0.12, 0.04), rel=0.1)
    assert np.mean(smile.skew) == pytest.approx(-0.07, abs=0.003)


def test_listed_expiries_and_strikes() -> None:
    hours = equity_hours(2024, 2025)
    expiries = listed_expiries(date(2024, 3, 22), hours)
    assert expiries[:2] == [date(2024, 3, 28), date(2024, 4, 5)]  # the first is before Good Friday
    assert date(2024, 6, 21) in expiries
    assert all(hours.is_trading_day(day) for day in expiries)
    listing = ListedStrikes(0.3, hours)
    listing.update(date(2024, 1, 10), 100.0)
    first = listing.contracts()
    listing.update(date(2024, 1, 11), 130.0)
    second = set(listing.contracts())
    assert second >= set(first)
    listing.update(date(2024, 1, 12), 100.0)
    assert min(expiry for expiry, _ in listing.contracts()) > date(2024, 1, 12)


def test_dividend_days_are_trading_days_a_quarter_apart() -> None:
    hours = equity_hours(2020, 2025)
    days = dividend_days(UNDERLYINGS[0], START, date(2021, 1, 4), date(2024, 12, 31), hours)
    assert EX_DATE in days
    assert all(hours.is_trading_day(day) for day in days)
    assert {(after - before).days for before, after in itertools.pairwise(days)} <= set(range(88, 95))


def test_other_data_is_never_overwritten(market: Path, tmp_path: Path) -> None:
    before = digest(market)
    with pytest.raises(DataError, match="holds other market data"):
        make(market, seed=9)
    assert digest(make(market)) == before
    hours = tmp_path / "market-hours" / "market-hours-database.json"
    hours.parent.mkdir()
    hours.write_text("{}")
    with pytest.raises(DataError, match="holds other market data"):
        make(tmp_path)


def test_manifest(market: Path, tmp_path: Path) -> None:
    manifest = read_manifest(market)
    assert manifest is not None
    assert (manifest.seed, manifest.start, manifest.tickers) == (7, "2024-01-10", ("ALFA", "BRVO"))
    assert json.loads((market / MANIFEST).read_text())["seed"] == 7
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"start": END, "end": START}, "start must not be after end"),
        ({"start": date(1990, 1, 2)}, "2012 to 2045"),
        ({"history_days": 0}, "history_days is 0"),
        ({"quote_minutes": 61}, "quote_minutes is 61"),
        ({"underlyings": ()}, "at least one"),
        ({"underlyings": UNDERLYINGS[:1] * 2}, "only once"),
        ({"start": date(2024, 1, 13), "end": date(2024, 1, 15)}, "no trading day"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_underlyings_are_checked() -> None:
    with pytest.raises(ValueError, match="no ticker"):
        MarketUnderlying("../A", 100.0, UNDERLYINGS[0].volatility)
    with pytest.raises(ValueError, match="below a twentieth"):
        MarketUnderlying("A", 100.0, UNDERLYINGS[0].volatility, dividend=6.0)
