"""Bar archives: real files row for row against a plain parser, and what broken files give."""

import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alo_lib.market import (
    QUOTE_BAR,
    ContractKey,
    DataError,
    DataFolder,
    DataKind,
    FaultKind,
    FaultLog,
    MarketHours,
    OptionBars,
    Resolution,
    SecurityType,
    parsing,
)
from alo_lib.market.bars import Bars, contract_array
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.market.layout import OptionArchive, SecurityArchive
from alo_lib.market.lean_files import read_option_file, read_security_file
from alo_lib.market.parsing import _days_from_civil
from alo_lib.numerics.compilation import python_original

CHRISTMAS_EVE = date(2015, 12, 24)
DAY = date(2024, 1, 3)
MINUTE = 60_000_000_000


def rows_of(chain: OptionBars, key: ContractKey) -> Bars:
    """One contract's rows, in time order."""
    return chain.bars[chain.contracts[chain.contract] == contract_array([key])[0]]


@pytest.fixture(scope="module")
def folder(lean_data: Path) -> DataFolder:
    return DataFolder(lean_data)


@pytest.fixture(scope="module")
def google(folder: DataFolder) -> OptionBars:
    return folder.option_bars("GOOG", CHRISTMAS_EVE, CHRISTMAS_EVE, Resolution.MINUTE)


def test_google_chain_row_by_row(lean_data: Path, google: OptionBars, folder: DataFolder) -> None:
    opening, closing = folder.hours(SecurityType.OPTION).session(CHRISTMAS_EVE)[1:]
    midnight = opening - 34_200_000 * 1_000_000
    rows = 0
    with zipfile.ZipFile(lean_data / "option/usa/minute/goog/20151224_quote_american.zip") as archive:
        for number, name in enumerate(archive.namelist()):
            if number % 16:
                continue
            *_, right, strike, expiry = name.removesuffix(".csv").split("_")
            key = ContractKey(date.fromisoformat(expiry), int(strike) / 10_000, 1 if right == "call" else -1)
            expected = []
            for line in archive.read(name).decode().splitlines():
                cells = [float(cell) if cell else np.nan for cell in line.split(",")]
                time = midnight + int(cells[0]) * 1_000_000 + MINUTE
                if opening < time <= closing:
                    bid = [np.nan] * 4 if not any(x > 0 for x in cells[1:5]) else [x / 10_000.0 for x in cells[1:5]]
                    ask = [np.nan] * 4 if not any(x > 0 for x in cells[6:10]) else [x / 10_000.0 for x in cells[6:10]]
                    expected.append((time, *bid, int(cells[5]), *ask, int(cells[10])))
            assert rows_of(google, key).tobytes() == np.array(expected, dtype=QUOTE_BAR).tobytes()
            rows += len(expected)
    assert rows > 15_000
    assert len(google.contracts) == 2192


def test_google_chain_in_frames(google: OptionBars, folder: DataFolder) -> None:
    frames = list(google.by_time())
    session = folder.hours(SecurityType.OPTION).session(CHRISTMAS_EVE)
    assert [time for time, _ in frames] == list(range(session.open + MINUTE, session.close + 1, MINUTE))
    assert sum(len(frame) for _, frame in frames) == len(google) == 275_387
    assert all((np.diff(frame.contract) > 0).all() for _, frame in frames)
    assert (google.contracts == np.sort(google.contracts)).all()


def test_selected_contracts_only(folder: DataFolder, google: OptionBars) -> None:
    keys = [ContractKey(date(2016, 1, 15), 750.0, 1), ContractKey(date(2016, 1, 15), 1.0, 1)]
    chosen = folder.option_bars("GOOG", CHRISTMAS_EVE, CHRISTMAS_EVE, Resolution.MINUTE, contracts=keys)
    assert chosen.contracts.tolist() == [keys[0]]
    assert chosen.bars.tobytes() == rows_of(google, keys[0]).tobytes()
    assert len(rows_of(google, keys[1])) == 0


def test_hour_and_daily_chains(folder: DataFolder) -> None:
    hours = folder.hours(SecurityType.OPTION)
    friday, monday = date(2014, 6, 6), date(2014, 6, 9)
    daily = folder.option_bars("AAPL", friday, monday, Resolution.DAILY)
    assert np.unique(daily.bars["time"]).tolist() == [hours.session(friday).close, hours.session(monday).close]
    only = folder.option_bars("AAPL", monday, monday, Resolution.DAILY)
    assert only.bars.tobytes() == daily.bars[daily.bars["time"] == hours.session(monday).close].tobytes()
    hourly = folder.option_bars("AAPL", friday, friday, Resolution.HOUR)
    assert hourly.bars["time"].max() == hours.session(friday).close
    interest = folder.option_bars("AAPL", friday, friday, Resolution.DAILY, DataKind.OPEN_INTEREST)
    assert interest.bars["open_interest"].max() > 1000


def test_crossed_quotes_of_the_real_data_are_counted(lean_data: Path) -> None:
    folder = DataFolder(lean_data)
    chain = folder.option_bars("AAPL", date(2014, 6, 6), date(2014, 6, 9), Resolution.HOUR)
    assert folder.faults.counts == {FaultKind.CROSSED: 4}
    assert not (chain.bars["bid_close"] > chain.bars["ask_close"]).any()


def test_history_across_a_change_of_ticker(folder: DataFolder) -> None:
    bars = folder.bars("GOOG", date(2014, 3, 1), date(2014, 4, 10), Resolution.DAILY)
    days = folder.hours().trading_days(date(2014, 3, 27), date(2014, 4, 10))
    assert bars["time"].tolist() == [folder.hours().session(day).close for day in days]


def test_extended_hours_on_request(folder: DataFolder) -> None:
    regular = folder.bars("GOOG", CHRISTMAS_EVE, CHRISTMAS_EVE, Resolution.MINUTE, DataKind.QUOTE)
    extended = folder.bars("GOOG", CHRISTMAS_EVE, CHRISTMAS_EVE, Resolution.MINUTE, DataKind.QUOTE, extended=True)
    assert len(regular) == 209
    assert len(extended) > len(regular)


def test_index_prices_are_not_scaled(folder: DataFolder) -> None:
    bars = folder.bars("SPX", date(2021, 1, 4), date(2021, 1, 4), Resolution.MINUTE, security=SecurityType.INDEX)
    assert bars["open"][0] == 3764.61


def test_ranges_that_end_before_they_start(folder: DataFolder) -> None:
    with pytest.raises(ValueError, match="is after end"):
        folder.bars("GOOG", DAY, DAY - timedelta(days=1), Resolution.DAILY)


def test_no_data_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data folder"):
        DataFolder(tmp_path / "none")


def test_civil_days_are_the_calendars() -> None:
    original = python_original(_days_from_civil)
    for n in range(0, 40_000, 13):
        day = date(1970, 1, 1) + timedelta(days=n)
        assert _days_from_civil(day.year, day.month, day.day) == n
        assert original(day.year, day.month, day.day) == n


# Broken files, made here. Times are milliseconds after midnight: 34,200,000 is the open.
GOOD_ROW = "34200000,100,120,90,110,5,130,140,120,125,6"
ENTRY = "20240103_abc_minute_quote_american_call_1000000_20240119.csv"


@pytest.fixture(scope="module")
def hours(lean_data: Path) -> MarketHours:
    return MarketHoursDatabase.load(lean_data).hours(SecurityType.OPTION)


def option_file(root: Path, entries: dict[str, str]) -> Path:
    path = root / "option" / "usa" / "minute" / "abc" / "20240103_quote_american.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return path


def read(root: Path, hours: MarketHours) -> tuple[OptionBars, FaultLog]:
    faults = FaultLog()
    chain = read_option_file(OptionArchive(root, "abc", DAY, Resolution.MINUTE, DataKind.QUOTE), hours, faults)
    return chain, faults


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("34260000,100,120,90,110,5,130,140,120,125", FaultKind.COLUMNS),
        ("34260000,100,120,90,110,5,130,140,120,125,6,7", FaultKind.COLUMNS),
        ("34260000", FaultKind.COLUMNS),
        ("34260000,100,12x,90,110,5,130,140,120,125,6", FaultKind.NUMBER),
        ("34260000,100,1.2.3,90,110,5,130,140,120,125,6", FaultKind.NUMBER),
        ("34260000,100,-,90,110,5,130,140,120,125,6", FaultKind.NUMBER),
        ("34260000,100,1e5,90,110,5,130,140,120,125,6", FaultKind.NUMBER),
        ("34260000,100,120,90,9999999999999999999,5,130,140,120,125,6", FaultKind.NUMBER),
        ("34260000,100,,90,110,5,130,140,120,125,6", FaultKind.NUMBER),
        ("34260000,100,120,90,110,5.5,130,140,120,125,6", FaultKind.NUMBER),
        ("34260000,100,120,90,110,,130,140,120,125,6", FaultKind.NUMBER),
        (",100,120,90,110,5,130,140,120,125,6", FaultKind.NUMBER),
        ("34260000,100,120,90,-110,5,130,140,120,125,6", FaultKind.NEGATIVE),
        ("34260000,100,120,90,110,5,130,140,120,125,-6", FaultKind.NEGATIVE),
        ("34260000,100,90,120,110,5,130,140,120,125,6", FaultKind.HIGH_BELOW_LOW),
        ("34260000,100,120,90,110,5,130,140,100,105,6", FaultKind.CROSSED),
        ("86400000,100,120,90,110,5,130,140,120,125,6", FaultKind.TIME),
        ("-34260000,100,120,90,110,5,130,140,120,125,6", FaultKind.TIME),
        ("99999999999999999,100,120,90,110,5,130,140,120,125,6", FaultKind.TIME),
        ("34200000,1,1,1,1,1,2,2,2,2,2", FaultKind.DUPLICATE),
        ("34100000,100,120,90,110,5,130,140,120,125,6", FaultKind.OUT_OF_ORDER),
    ],
)
def test_bad_rows_are_left_out_and_counted(tmp_path: Path, hours: MarketHours, row: str, kind: FaultKind) -> None:
    later = "34320000,100,120,90,110,5,130,140,120,125,6"
    option_file(tmp_path, {ENTRY: f"{GOOD_ROW}\n{row}\n\n{later}"})
    chain, faults = read(tmp_path, hours)
    opening = hours.session(DAY).open
    assert chain.bars["time"].tolist() == [opening + MINUTE, opening + 3 * MINUTE]
    assert chain.bars[0].item()[1:] == (0.01, 0.012, 0.009, 0.011, 5, 0.013, 0.014, 0.012, 0.0125, 6)
    assert [(fault.kind, fault.entry, fault.line) for fault in faults] == [(kind, ENTRY, 2)]


@pytest.mark.parametrize("blank", [",,,,,0", ",,,,,", ",0,0,0,0,0", ",0,0,0,0,7"])
def test_a_missing_side_is_no_fault(tmp_path: Path, hours: MarketHours, blank: str) -> None:
    ask = "34200000" + blank + ",130,140,120,125,6"
    bid = "34260000,100,120,90,110,5" + blank
    option_file(tmp_path, {ENTRY: f"{ask}\r\n{bid}\r\n"})
    chain, faults = read(tmp_path, hours)
    assert not faults
    assert np.isnan(chain.bars["bid_close"]).tolist() == [True, False]
    assert np.isnan(chain.bars["ask_close"]).tolist() == [False, True]
    assert chain.bars["bid_size"].tolist() == [0, 5]
    assert chain.bars["ask_size"].tolist() == [6, 0]


@pytest.mark.parametrize(
    "name",
    [
        "readme.txt",
        "20240104_abc_minute_quote_american_call_1000000_20240119.csv",
        "20240103_xyz_minute_quote_american_call_1000000_20240119.csv",
        "20240103_abc_minute_trade_american_call_1000000_20240119.csv",
        "20240103_abc_minute_quote_european_call_1000000_20240119.csv",
        "20240103_abc_minute_quote_american_both_1000000_20240119.csv",
        "20240103_abc_minute_quote_american_call_0_20240119.csv",
        "20240103_abc_minute_quote_american_call_-5_20240119.csv",
        "20240103_abc_minute_quote_american_call_1000000_20240230.csv",
        "20240103_abc_minute_quote_american_call_1000000.csv",
    ],
)
def test_entries_lean_would_not_look_up(tmp_path: Path, hours: MarketHours, name: str) -> None:
    option_file(tmp_path, {name: GOOD_ROW, ENTRY: GOOD_ROW})
    chain, faults = read(tmp_path, hours)
    assert len(chain) == 1
    assert [(fault.kind, fault.entry) for fault in faults] == [(FaultKind.ENTRY_NAME, name)]


def test_repeated_entry(tmp_path: Path, hours: MarketHours) -> None:
    path = option_file(tmp_path, {ENTRY: GOOD_ROW})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(ENTRY, GOOD_ROW.replace("110", "111"))
    chain, faults = read(tmp_path, hours)
    assert chain.bars["bid_close"].tolist() == [0.011]
    assert faults.counts == {FaultKind.DUPLICATE_ENTRY: 1}


def test_corrupt_entry_and_archive(tmp_path: Path, hours: MarketHours) -> None:
    text = "\n".join(f"{34200000 + 60000 * n},100,120,90,110,5,130,140,120,125,6" for n in range(300))
    other = ENTRY.replace("call", "put")
    path = option_file(tmp_path, {ENTRY: text, other: GOOD_ROW})
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)
    chain, faults = read(tmp_path, hours)
    assert chain.contracts["right"].tolist() == [-1]
    assert faults.counts == {FaultKind.CORRUPT_ENTRY: 1}

    path.write_bytes(content[: len(content) // 2])
    chain, faults = read(tmp_path, hours)
    assert len(chain) == 0
    assert faults.counts == {FaultKind.CORRUPT_ARCHIVE: 1}
    path.unlink()
    assert read(tmp_path, hours)[1].counts == {FaultKind.MISSING_FILE: 1}


def test_every_truncation_of_an_archive_is_survived(tmp_path: Path, hours: MarketHours) -> None:
    path = option_file(tmp_path, {ENTRY: GOOD_ROW})
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        chain, faults = read(tmp_path, hours)
        assert len(chain) == 0
        assert len(faults) == 1


def test_daily_rows_on_closed_days_and_bad_dates(tmp_path: Path, lean_data: Path) -> None:
    path = tmp_path / "equity" / "usa" / "daily" / "abc.zip"
    path.parent.mkdir(parents=True)
    rows = ["20240102 00:00", "20240106 00:00", "20241301 00:00", "20240230 00:00", "2024-01-03", "20240103 00:00"]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("abc.csv", "\n".join(f"{time},10000,10000,10000,10000,5" for time in rows))
    faults = FaultLog()
    equity = MarketHoursDatabase.load(lean_data).hours()
    bars = read_security_file(SecurityArchive(tmp_path, "abc", DAY, Resolution.DAILY, DataKind.TRADE), equity, faults)
    assert bars["time"].tolist() == [equity.session(day).close for day in (date(2024, 1, 2), DAY)]
    assert faults.counts == {FaultKind.TIME: 4}


SAMPLE = [
    b"34200000,1,2.5,,-4\n\n 34260000 , 1,2,3,4\r\n34320000,1,2,3\n34380000,x,1,1,1\n86400000,1,1,1,1\n",
    b"",
    b"34200000,1,2,3,123456789012345678",
]
DATED = [b"20240103 09:00,1,2,3,4\n20240230 09:00,1,2,3,4\n20240103T09:00,1,2,3,4\n20241303 09:00,1,2,3,4\n"]


@pytest.mark.parametrize(("contents", "dated"), [(SAMPLE, False), (DATED, True)])
def test_kernels_and_their_originals_agree(contents: list[bytes], dated: bool) -> None:
    text = np.frombuffer(b"".join(contents), dtype=np.uint8)
    bounds = np.concatenate([[0], np.cumsum([len(content) for content in contents])])
    rows = parsing.parse(contents, 4, dated=dated, midnight=0)
    count = python_original(parsing._count_lines)(text, bounds)
    assert count == len(rows.time)
    again = parsing.Rows(
        np.zeros(count, np.int64),
        np.zeros((count, 4)),
        np.zeros(count, np.uint8),
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
    )
    arrays = again.time, again.values, again.status, again.entry, again.line
    python_original(parsing._parse_lines)(text, bounds, dated, 0, *arrays)
    python_original(parsing._mark_disorder)(again.time, again.entry, again.status)
    parsing.mark_disorder(rows)
    for name in ("time", "values", "status", "entry", "line"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rows, name))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text("0123456789,.-: x\n\r", max_size=80).map(str.encode) | st.binary(max_size=80), max_size=3),
    st.booleans(),
)
def test_any_bytes_are_survived(contents: list[bytes], dated: bool) -> None:
    rows = parsing.parse(contents, 4, dated=dated)
    parsing.mark_disorder(rows)
    lines = [line for content in contents for line in content.split(b"\n") if line.strip(b" \r")]
    assert len(rows.time) == len(lines)
    for line, status, values in zip(lines, rows.status.tolist(), rows.values, strict=True):
        wanted = line.removesuffix(b"\r").count(b",") == 4
        assert (status == 1) != wanted
        if status == 0:
            cells = line.removesuffix(b"\r").split(b",")[1:]
            numbers = [float(cell) if cell.strip(b" ") else np.nan for cell in cells]
            np.testing.assert_allclose(values, numbers, rtol=1e-15)


def test_faults_are_counted_beyond_those_kept() -> None:
    faults = FaultLog(keep=2)
    for line in range(5):
        faults.record(FaultKind.NUMBER, "a.csv", line=line + 1, detail="x")
    assert len(faults) == 5
    assert [str(fault) for fault in faults] == ["a.csv:1: not a number (x)", "a.csv:2: not a number (x)"]
    assert str(faults) == "not a number: 5"
    assert str(FaultLog()) == "no faults"
