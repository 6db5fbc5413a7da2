"""What is written is read again, to the last bit, and the same content gives the same bytes."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import (
    CONTRACT,
    OPEN_INTEREST,
    QUOTE_BAR,
    TRADE_BAR,
    UNIVERSE_ROW,
    ContractKey,
    DataFolder,
    DataKind,
    FaultLog,
    InterestRates,
    MapFile,
    MarketHours,
    OptionBars,
    OptionUniverse,
    Resolution,
    SecurityType,
    UnderlyingRow,
    contract_array,
)
from alo_lib.market.factor_files import FactorFile, FactorRow
from alo_lib.market.generator.exchange import equity_hours, option_hours
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.market.layout import OptionArchive, SecurityArchive, factor_file_path
from alo_lib.market.map_files import MapRow
from alo_lib.market.writer import (
    write_factor_file,
    write_interest_rates,
    write_map_file,
    write_market_hours,
    write_option_file,
    write_security_file,
    write_universe,
    write_zip,
)
from alo_lib.records.exchange_holidays import early_closes, holidays

DAY = date(2024, 7, 3)  # closes early
HOURS = equity_hours(2020, 2025)
OPTION_HOURS = option_hours(2020, 2025)
MINUTE = 60_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    index: dict[tuple[SecurityType, str | None], MarketHours] = {
        (SecurityType.EQUITY, None): HOURS,
        (SecurityType.OPTION, None): OPTION_HOURS,
    }
    write_market_hours(tmp_path, index)
    return tmp_path


def random_bars(dtype: np.dtype[np.void], times: np.ndarray, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    bars = np.zeros(len(times), dtype)
    bars["time"] = times
    sides = {TRADE_BAR: [("", 100_000)], QUOTE_BAR: [("bid_", 90_000), ("ask_", 110_000)]}.get(dtype, [])
    for prefix, level in sides:
        prices = np.sort(generator.integers(level, level + 9_000, (len(times), 4)), axis=1) / 10_000.0
        for column, name in enumerate(("low", "open", "close", "high")):
            bars[prefix + name] = prices[:, column]
    for name in dtype.names or ():
        if name in ("volume", "bid_size", "ask_size", "open_interest"):
            bars[name] = generator.integers(0, 10**9, len(times))
    return bars


def end_times(resolution: Resolution) -> np.ndarray:
    session = HOURS.session(DAY)
    if resolution is Resolution.MINUTE:
        return np.arange(session.open + MINUTE, session.close + 1, MINUTE)
    if resolution is Resolution.HOUR:
        return np.array([session.open + (30 + 60 * n) * MINUTE for n in range(4)])
    return np.array([HOURS.session(day).close for day in HOURS.trading_days(date(2024, 3, 1), DAY)])


@pytest.mark.parametrize("resolution", list(Resolution))
@pytest.mark.parametrize("kind", [DataKind.TRADE, DataKind.QUOTE])
def test_equity_bars(root: Path, resolution: Resolution, kind: DataKind) -> None:
    bars = random_bars(TRADE_BAR if kind is DataKind.TRADE else QUOTE_BAR, end_times(resolution), seed=3)
    write_security_file(SecurityArchive(root, "ABC", DAY, resolution, kind), bars, HOURS)
    folder = DataFolder(root)
    found = folder.bars("abc", date(2024, 3, 1), DAY, resolution, kind) if resolution is not Resolution.MINUTE else None
    found = folder.bars("abc", DAY, DAY, resolution, kind) if found is None else found
    assert found.tobytes() == bars.tobytes()
    assert not folder.faults


@pytest.mark.parametrize("resolution", list(Resolution))
@pytest.mark.parametrize("kind", list(DataKind))
def test_option_bars(root: Path, resolution: Resolution, kind: DataKind) -> None:
    dtype = {DataKind.TRADE: TRADE_BAR, DataKind.QUOTE: QUOTE_BAR, DataKind.OPEN_INTEREST: OPEN_INTEREST}[kind]
    times = end_times(resolution)
    keys = [ContractKey(date(2024, 7, 19), strike, right) for strike in (9.5, 99.29, 100.0) for right in (-1, 1)]
    bars = random_bars(dtype, np.repeat(times, len(keys)), seed=4)
    if kind is DataKind.QUOTE:
        for side, rows in (("bid", slice(0, None, 7)), ("ask", slice(3, None, 11))):
            for name in ("open", "high", "low", "close"):
                bars[f"{side}_{name}"][rows] = np.nan
            bars[f"{side}_size"][rows] = 0
    chain = OptionBars(contract_array(keys), np.tile(np.arange(len(keys), dtype=np.int32), len(times)), bars)
    write_option_file(OptionArchive(root, "ABC", DAY, resolution, kind), chain, OPTION_HOURS)
    folder = DataFolder(root)
    first = DAY if resolution is Resolution.MINUTE else date(2024, 3, 1)
    found = folder.option_bars("ABC", first, DAY, resolution, kind)
    assert found.bars.tobytes() == bars.tobytes()
    assert found.contract.tolist() == chain.contract.tolist()
    assert found.contracts.tolist() == chain.contracts.tolist()
    assert not folder.faults


def test_prices_must_be_whole_deci_cents(root: Path) -> None:
    bars = random_bars(TRADE_BAR, end_times(Resolution.MINUTE), seed=5)
    bars["close"][1] = 1.00005
    with pytest.raises(ValueError, match=r"price 1\.00005 is not a whole number of deci-cents"):
        write_security_file(SecurityArchive(root, "ABC", DAY, Resolution.MINUTE, DataKind.TRADE), bars, HOURS)
    with pytest.raises(ValueError, match="whole milliseconds of 2024-07-05"):
        write_security_file(
            SecurityArchive(root, "ABC", date(2024, 7, 5), Resolution.MINUTE, DataKind.TRADE), bars[:1], HOURS
        )


def test_index_prices_keep_their_decimals(root: Path) -> None:
    hours = equity_hours(2024, 2024)
    write_market_hours(root, {(SecurityType.EQUITY, None): hours, (SecurityType.INDEX, None): hours})
    bars = random_bars(TRADE_BAR, end_times(Resolution.MINUTE), seed=6)
    bars["high"] = 3769.987654
    write_security_file(
        SecurityArchive(root, "SPX", DAY, Resolution.MINUTE, DataKind.TRADE, security=SecurityType.INDEX), bars, hours
    )
    found = DataFolder(root).bars("SPX", DAY, DAY, Resolution.MINUTE, security=SecurityType.INDEX)
    assert found.tobytes() == bars.tobytes()


def test_market_hours(root: Path) -> None:
    late = replace(HOURS, late_opens={date(2024, 7, 8): timedelta(hours=11, seconds=5)})
    write_market_hours(root, {(SecurityType.EQUITY, None): HOURS, (SecurityType.EQUITY, "abc"): late})
    assert MarketHoursDatabase.load(root).hours() == HOURS
    assert MarketHoursDatabase.load(root).hours(symbol="ABC") == late


def test_universe(root: Path) -> None:
    rows = np.zeros(4, UNIVERSE_ROW)
    rows["expiry"] = np.datetime64("2024-07-19")
    rows["strike"] = [99.29, 99.29, 100.0, 100.0]
    rows["right"] = [-1, 1, -1, 1]
    rows["open_interest"] = [5, 0, 7, 10**7]
    rows["close"] = [1.25, np.nan, 0.0001, 3.0]
    rows["implied_volatility"] = [0.1234567, np.nan, 0.0, 2.0]
    universe = OptionUniverse(DAY, UnderlyingRow(1.0, 2.0, 0.5, 1.5, 1000), rows)
    path = write_universe(root, "ABC", universe)
    faults = FaultLog()
    found = OptionUniverse.load(path, faults)
    assert (found.day, found.underlying) == (universe.day, universe.underlying)
    assert found.rows.tobytes() == rows.tobytes()
    assert not faults


def test_auxiliary_files(root: Path) -> None:
    faults = FaultLog()
    history = MapFile("ABC", (MapRow(date(2020, 1, 2), "OLD", "Q"), MapRow(date(2050, 12, 31), "ABC", "Q")))
    assert MapFile.load(write_map_file(root, history), faults) == history
    rates = {date(2020, 1, 2): 0.0525, date(2023, 7, 27): 0.055}
    write_interest_rates(root, rates)
    found = InterestRates.load(root, faults)
    assert dict(zip(found.days, found.rates, strict=True)) == rates
    one = Decimal(1)
    rows = (
        FactorRow(date(2024, 1, 2), Decimal("0.9912345"), Decimal("0.14285714"), Decimal("645.57")),
        FactorRow(date(2050, 12, 31), one, one, Decimal(0)),
    )
    write_factor_file(root, "ABC", rows)
    assert FactorFile.load(factor_file_path(root, "usa", "ABC"), faults).rows == rows
    assert not faults


def test_archives_depend_on_their_content_alone(tmp_path: Path) -> None:
    entries = {"b.csv": "2\n", "a.csv": "1\n"}
    for number, order in enumerate((list(entries), sorted(entries))):
        write_zip(tmp_path / f"{number}.zip", {name: entries[name] for name in order})
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()


def test_the_exchanges_rules_are_kept(lean_data: Path) -> None:
    actual = MarketHoursDatabase.load(lean_data).hours()
    for year in range(2012, 2027):
        exceptional = {date(2012, 10, 29), date(2012, 10, 30), date(2018, 12, 5), date(2025, 1, 9)}
        weekdays = {day for day in actual.holidays if day.year == year and day.weekday() < 5}
        assert set(holidays(year)) == weekdays - exceptional
        closes = {day: time for day, time in actual.early_closes.items() if day.year == year and day.weekday() < 5}
        assert early_closes(year) == closes


def test_contract_arrays_sort_as_keys_do() -> None:
    keys = [ContractKey(date(2024, 7, 19), 100.0, 1), ContractKey(date(2024, 7, 12), 110.0, -1)]
    assert np.sort(contract_array(keys)).tolist() == sorted(keys)
    assert contract_array([]).dtype == CONTRACT
