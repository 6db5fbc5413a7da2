"""A made-up market: reproducible, readable without a fault, free of plain arbitrage, and true to its own volatility."""

import hashlib
import itertools
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import DataError, DataFolder, DataKind, OptionBars, Resolution, SecurityType
from alo_lib.market.bars import CONTRACT
from alo_lib.market.event_files import When, events_file, read_events
from alo_lib.market.generator import TRUTH, MarketTruth, NameTruth, generate_market, read_truth
from alo_lib.market.generator.arbitrage import count_arbitrage
from alo_lib.market.generator.dynamics import Constant
from alo_lib.market.generator.exchange import equity_hours
from alo_lib.market.generator.listing import ListedStrikes, dividend_days, listed_expiries
from alo_lib.market.generator.market import DISCOUNT_RATE
from alo_lib.market.generator.paths import minute_bars, walk_day
from alo_lib.market.generator.planted import Planted
from alo_lib.market.generator.truth import DEFAULT_NAMES, Edge, Event, Halt, Listing, Split
from alo_lib.pricing import implied_volatility
from alo_lib.records import years_between

START, END = date(2024, 1, 10), date(2024, 1, 12)
EX_DATE = date(2024, 1, 19)


def make(folder: Path, **more: object) -> Path:
    arguments = {"seed": 7, "start": START, "end": END, "history_days": 40, "quote_minutes": 30} | more
    generate_market(folder, MarketTruth.model_validate(arguments))
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
    for underlying in DEFAULT_NAMES:
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
    folder = DataFolder(make(tmp_path, end=EX_DATE, quote_minutes=60, names=DEFAULT_NAMES[:1]))
    splits, dividends = folder.events("ALFA")
    assert splits == ()
    assert [(dividend.ex_date, dividend.amount) for dividend in dividends] == [(EX_DATE, 0.72)]
    chain = folder.option_bars("ALFA", EX_DATE - timedelta(days=1), EX_DATE, Resolution.MINUTE)
    spots = folder.bars("ALFA", EX_DATE - timedelta(days=1), EX_DATE, Resolution.MINUTE)
    before, after = (spots["close"][389], spots["close"][390])
    assert abs(after - before + 0.72) < 0.05 * before
    assert len(chain) > 0


def test_a_day_is_brownian_of_its_variance_and_says_what_is_left() -> None:
    generator = np.random.default_rng(2)
    variance, overnight = 1e-4, 0.3
    paths = [walk_day(variance, overnight, 390, generator.standard_normal(1 + 4 * 390)) for _ in range(400)]
    ends = np.array([path.shock[-1] for path in paths])
    assert np.var(ends) == pytest.approx(variance, rel=0.15)
    moves = [np.diff(np.concatenate([[0.0, path.opening], path.logs[:, -1]])) for path in paths]
    assert np.mean([np.sum(move**2) for move in moves]) == pytest.approx(variance, rel=0.03)
    assert np.mean([move[0] ** 2 for move in moves]) == pytest.approx(overnight * variance, rel=0.2)
    left = paths[0].left
    assert left[0] < (1.0 - overnight) * variance
    assert (np.diff(left) < 0.0).all()
    assert left[-1] == 0.0
    later = np.mean([np.sum(move[1 + 196 :] ** 2) for move in moves])
    assert later == pytest.approx(left[195], rel=0.05)
    # Carry aside, the price is a martingale: its mean stays what it was.
    growth = np.exp([path.logs[-1, -1] for path in paths])
    assert abs(growth.mean() - 1.0) < 2.5 * growth.std() / 20.0


def test_bars_go_on_where_the_last_ended() -> None:
    generator = np.random.default_rng(1)
    path = walk_day(1e-4, 0.25, 390, generator.standard_normal(1 + 4 * 390))
    bars = minute_bars(100.0 * float(np.exp(path.opening)), 100.0 * np.exp(path.logs), 0, 1e6, generator)
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
    assert bars["open"][1:].tolist() == bars["close"][:-1].tolist()


def test_what_is_planted_returns_to_its_mean() -> None:
    streams = [np.random.SeedSequence(3, spawn_key=(each,)) for each in range(4)]
    name = NameTruth(ticker="T", edge=Edge(mean=0.02, deviation=0.03, half_life=5.0), skew_edge=Edge(mean=-0.01))
    planted = Planted(name, streams)
    walked = [planted.walk(10) for _ in range(4000)]
    level = np.concatenate([points.level for points in walked])
    assert level.mean() == pytest.approx(0.02, abs=0.004)
    assert level.std() == pytest.approx(0.03, rel=0.1)
    lagged = np.corrcoef(level[:-50], level[50:])[0, 1]
    assert lagged == pytest.approx(0.5, abs=0.05)
    assert (walked[0].skew == -0.01).all()
    volatility = walked[0].planted_in(np.full((10, 1), 0.2), np.array([-0.05]), np.array([0.05]), np.array([0.1]))
    assert volatility[:, 0] == pytest.approx(0.2 + walked[0].level + 0.01)


def test_what_is_planted_moves_no_stock(tmp_path: Path, market: Path) -> None:
    edged = DEFAULT_NAMES[0].model_copy(update={"edge": Edge(mean=0.02)})
    folder, other = DataFolder(make(tmp_path, names=(edged, DEFAULT_NAMES[1]))), DataFolder(market)
    for ticker in ("ALFA", "BRVO"):
        ours = folder.bars(ticker, START, END, Resolution.MINUTE)
        assert ours.tobytes() == other.bars(ticker, START, END, Resolution.MINUTE).tobytes()
    dearer = folder.option_bars("ALFA", END, END, Resolution.MINUTE).bars["ask_close"]
    fair = other.option_bars("ALFA", END, END, Resolution.MINUTE).bars["ask_close"]
    assert (dearer >= fair).all()
    assert (dearer > fair).mean() > 0.5


def test_a_split_divides_prices_and_strikes(tmp_path: Path) -> None:
    name = DEFAULT_NAMES[1].model_copy(update={"splits": (Split(day=date(2024, 1, 11), ratio=3.0),)})
    folder = DataFolder(make(tmp_path, names=(name,)))
    splits, _ = folder.events("BRVO")
    assert [(split.day, split.factor) for split in splits] == [(date(2024, 1, 11), pytest.approx(1.0 / 3.0))]
    bars = folder.bars("BRVO", START, END, Resolution.MINUTE)
    before, after = bars["close"][389], bars["open"][390]
    assert before / after == pytest.approx(3.0, rel=0.05)
    universe = folder.universe("BRVO", date(2024, 1, 11))
    assert universe is not None
    assert universe.underlying is not None
    assert universe.underlying.close == pytest.approx(before / 3.0, abs=0.01)
    assert universe.rows["strike"].min() < after < universe.rows["strike"].max()
    quotes = folder.option_bars("BRVO", date(2024, 1, 11), date(2024, 1, 11), Resolution.MINUTE)
    assert quotes.contracts.tolist() == universe.rows[["expiry", "strike", "right"]].tolist()
    assert not folder.faults


def test_halts_and_early_closes(tmp_path: Path) -> None:
    halt = Halt.model_validate({"day": END, "start": "10:00", "end": "10:45"})
    name = DEFAULT_NAMES[1].model_copy(update={"halts": (halt,)})
    folder = DataFolder(make(tmp_path, names=(name,), early_closes=(date(2024, 1, 11),)))
    assert len(folder.bars("BRVO", date(2024, 1, 11), date(2024, 1, 11), Resolution.MINUTE)) == 210
    session = folder.hours().session(END)
    minutes = (folder.bars("BRVO", END, END, Resolution.MINUTE)["time"] - session.open) // 60_000_000_000
    assert sorted(set(range(1, 391)) - set(minutes.tolist())) == list(range(31, 76))
    quoted = folder.option_bars("BRVO", END, END, Resolution.MINUTE).bars["time"]
    assert sorted(set(((quoted - session.open) // 60_000_000_000).tolist())) == [1, 30, *range(90, 391, 30)]
    assert not folder.faults


def test_events_are_told_and_priced(tmp_path: Path) -> None:
    day = date(2024, 1, 12)
    name = NameTruth(ticker="EVNT", events=(Event(day=day, move=0.08),))
    folder = make(tmp_path, names=(name,))
    (told,) = read_events(events_file(folder, "EVNT"))
    assert (told.day, told.when, told.move) == (day, When.BEFORE, pytest.approx(0.08 * np.sqrt(2.0 / np.pi), abs=1e-6))
    universe = DataFolder(folder).universe("EVNT", date(2024, 1, 11))
    assert universe is not None
    expiry = universe.rows["expiry"]
    near = universe.rows[np.abs(universe.rows["delta"]) < 0.6]
    over = near["implied_volatility"][near["expiry"] == np.datetime64("2024-01-12")]
    assert over.min() > 0.08 * np.sqrt(365.0 / 2.0)
    assert expiry.min() == np.datetime64("2024-01-12")


def test_names_move_with_the_index(tmp_path: Path) -> None:
    plain = Constant(volatility=0.2)
    index = NameTruth(ticker="INDX", correlation=1.0, dynamics=plain)
    names = (index, NameTruth(ticker="ONE", correlation=0.7, dynamics=plain))
    folder = DataFolder(make(tmp_path, names=names, history_days=600))
    closes = [folder.bars(name.ticker, date(2020, 1, 1), END, Resolution.DAILY)["close"] for name in names]
    returns = np.diff(np.log(closes), axis=1)
    assert np.corrcoef(returns)[0, 1] == pytest.approx(0.7, abs=0.08)


def test_quotes_lag(tmp_path: Path) -> None:
    names = (DEFAULT_NAMES[1],)
    chains = [
        DataFolder(make(tmp_path / str(lag), names=names, quote_lag=lag)).option_bars(
            "BRVO", START, START, Resolution.MINUTE
        )
        for lag in (0, 30)
    ]
    asks = [chain.bars["ask_close"].reshape(-1, len(chain.contracts)) for chain in chains]
    np.testing.assert_array_equal(asks[1][2:], asks[0][1:-1])


def test_arbitrage_is_found() -> None:
    contracts = np.zeros(6, CONTRACT)
    contracts["expiry"], contracts["right"] = np.datetime64("2024-01-19"), [-1, 1] * 3
    contracts["strike"] = [95.0, 95.0, 100.0, 100.0, 105.0, 105.0]
    fair = np.array([[1.0, 6.0, 3.0, 3.0, 6.0, 1.0]])
    spot = np.array([100.0])
    assert count_arbitrage(contracts, spot, fair - 0.1, fair + 0.1) == 0
    dear = fair.copy()
    dear[0, 3] = 4.0  # the middle of a butterfly
    assert count_arbitrage(contracts, spot, dear - 0.1, dear + 0.1) == 1
    cheap = fair.copy()
    cheap[0, 1] = 2.0  # below intrinsic value, below the call above it, and the butterfly with it
    assert count_arbitrage(contracts, spot, cheap - 0.1, cheap + 0.1) == 3


def test_no_sure_gain_is_left_after_rounding(tmp_path: Path) -> None:
    made = generate_market(tmp_path, MarketTruth(seed=3, start=START, end=END, history_days=40, quote_minutes=15))
    assert made.quotes > 50_000
    assert made.arbitrage == 0


def test_listed_expiries_and_strikes() -> None:
    hours = equity_hours(2024, 2025)
    expiries = listed_expiries(date(2024, 3, 22), hours, Listing())
    assert expiries[:2] == [date(2024, 3, 28), date(2024, 4, 5)]  # the first is before Good Friday
    assert date(2024, 6, 21) in expiries
    assert all(hours.is_trading_day(day) for day in expiries)
    listing = ListedStrikes(0.3, hours, Listing())
    listing.update(date(2024, 1, 10), 100.0)
    first = listing.contracts()
    listing.update(date(2024, 1, 11), 130.0)
    second = set(listing.contracts())
    assert second >= set(first)
    listing.update(date(2024, 1, 12), 100.0)
    assert min(expiry for expiry, _ in listing.contracts()) > date(2024, 1, 12)


def test_few_strikes_are_those_nearest_to_the_price() -> None:
    hours = equity_hours(2024, 2025)
    listing = ListedStrikes(0.3, hours, Listing(weeklies=0, monthlies=2, strikes=3))
    listing.update(date(2024, 1, 12), 101.0)
    assert listing.contracts() == [
        (date(2024, 1, 19), 97.5), (date(2024, 1, 19), 100.0), (date(2024, 1, 19), 102.5),
        (date(2024, 2, 16), 97.5), (date(2024, 2, 16), 100.0), (date(2024, 2, 16), 102.5),
    ]  # fmt: skip


@pytest.mark.parametrize("counts", [(1, 0), (0, 2)])
def test_the_least_listing_has_an_expiry_each_day(counts: tuple[int, int]) -> None:
    hours = equity_hours(2024, 2025)
    listing = Listing(weeklies=counts[0], monthlies=counts[1])
    days = [session.day for session in hours.sessions(date(2024, 1, 2), date(2024, 12, 31))]
    assert all(listed_expiries(day, hours, listing) for day in days)


def test_dividend_days_are_trading_days_a_quarter_apart() -> None:
    hours = equity_hours(2020, 2025)
    days = dividend_days(START, date(2021, 1, 4), date(2024, 12, 31), hours)
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


def test_the_truth_is_read_back(market: Path, tmp_path: Path) -> None:
    truth = read_truth(market)
    assert truth is not None
    assert (truth.seed, truth.start, truth.tickers) == (7, START, ("ALFA", "BRVO"))
    assert not truth.hidden_edge
    assert any("no edge" in sentence for _, sentence in truth.in_words())
    assert json.loads((market / TRUTH).read_text())["seed"] == 7
    assert read_truth(tmp_path) is None
    (tmp_path / TRUTH).write_text('{"version": 1}')
    assert read_truth(tmp_path) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"start": END, "end": START}, "start must not be after end"),
        ({"start": date(1990, 1, 2)}, "2012 to 2045"),
        ({"history_days": 0}, "history_days is 0"),
        ({"quote_minutes": 61}, "quote_minutes is 61"),
        ({"names": ()}, "at least one"),
        ({"names": DEFAULT_NAMES[:1] * 2}, "only once"),
        ({"start": date(2024, 1, 13), "end": date(2024, 1, 15)}, "no trading day"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path, **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ({"ticker": "../A"}, "no ticker"),
        ({"ticker": "A", "dividend": 6.0}, "below a twentieth"),
        ({"ticker": "A", "dynamics": {"kind": "garch", "beta": 0.95}}, "variance never reverts"),
        ({"ticker": "A", "splits": [{"day": "2024-01-13", "ratio": 2}]}, "no trading day of the market"),
        ({"ticker": "A", "halts": [{"day": START, "start": "11:00", "end": "10:00"}]}, "starts at 11:00"),
    ],
)
def test_names_are_checked(tmp_path: Path, name: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path, names=[name])
    assert list(tmp_path.iterdir()) == []
