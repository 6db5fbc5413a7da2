"""Map files, factor files, interest rates and universes: real files, and made-up broken ones."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import DataFolder, FaultKind, FaultLog, InterestRates, OptionUniverse, SecurityType
from alo_lib.market.factor_files import FactorFile
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.market.layout import interest_rate_path
from alo_lib.market.map_files import MapFile, MapFiles
from alo_lib.records.spelling import check_ticker


@pytest.fixture(scope="module")
def folder(lean_data: Path) -> DataFolder:
    return DataFolder(lean_data)


def test_google_changed_its_ticker(folder: DataFolder) -> None:
    history = folder.map_file("goog")
    assert history.ticker_on(date(2014, 4, 2)) == "GOOCV"
    assert history.ticker_on(date(2014, 4, 3)) == "GOOG"
    spans = history.spans(date(2014, 1, 1), date(2014, 4, 4))
    assert spans == [
        (date(2014, 3, 27), date(2014, 4, 2), "GOOCV"),
        (date(2014, 4, 3), date(2014, 4, 4), "GOOG"),
    ]


def test_tickers_are_resolved_on_a_date(folder: DataFolder) -> None:
    assert folder.map_file("TWX").permtick == "TWX"
    assert folder.map_file("TWX", date(2000, 1, 3)).permtick == "TWX.1"
    assert folder.map_file("AOL").permtick == "TWX"
    assert folder.map_file("NOBODY") == MapFile("NOBODY")
    assert folder.map_file("NOBODY").first_date == date.min


@pytest.mark.parametrize("ticker", ["", "../etc", "A/B", "..", "A B"])
def test_tickers_cannot_leave_the_folder(folder: DataFolder, ticker: str) -> None:
    with pytest.raises(ValueError, match="is no ticker"):
        folder.map_file(ticker)
    with pytest.raises(ValueError, match="is no ticker"):
        check_ticker(ticker)


def test_broken_map_rows_are_left_out(tmp_path: Path) -> None:
    maps = tmp_path / "equity" / "usa" / "map_files"
    maps.mkdir(parents=True)
    (maps / "abc.csv").write_text("20200101,old,Q\nbad,old\n20500101\n20501231,../abc\n\n20501231,abc,Q\n")
    (maps / "xyz.csv").write_text("20501231,abc\n")
    faults = FaultLog()
    files = MapFiles(tmp_path, "usa", faults)
    assert [row.ticker for row in files.resolve("ABC").rows] == ["OLD", "ABC"]
    assert faults.counts == {FaultKind.COLUMNS: 1, FaultKind.DATE: 2, FaultKind.DUPLICATE: 1}


def test_apple_splits_and_dividends(folder: DataFolder) -> None:
    splits, dividends = folder.events("AAPL")
    split = next(split for split in splits if split.day.year == 2014)
    assert (split.day, split.warning_day) == (date(2014, 6, 9), date(2014, 6, 6))
    assert split.factor == pytest.approx(1 / 7, rel=1e-5)
    paid = {dividend.ex_date: dividend.amount for dividend in dividends}
    assert paid[date(2014, 5, 8)] == 3.29
    assert paid[date(2020, 2, 7)] == 0.77
    assert list(paid) == sorted(paid)


def test_factors_by_date(folder: DataFolder) -> None:
    factors = folder.factor_file("AAPL")
    days = np.array(["2014-06-06", "2014-06-09", "2020-08-28", "2020-08-31", "2060-01-01"], dtype="datetime64[D]")
    assert factors.split_factors(days).tolist() == [0.0357143, 0.25, 0.25, 1.0, 1.0]


def test_bad_factor_rows_are_left_out(tmp_path: Path, lean_data: Path) -> None:
    path = tmp_path / "abc.csv"
    path.write_text(
        "20240101,1,0.5,10\n"  # a holiday: LEAN would never raise the event
        "20240102,1,inf,10\n"
        "20231229,0,1,10\n"
        "20240103,0.5,1,0\n"  # no reference price
        "20240104,0.9,1,100\n"
        "20240104,0.8,1,100\n"
        "20240105,-1,1,10\n"
        "20240108,x,1,10\n"
        "2024,1,1,10\n"
        "20240109,1\n"
        "20501231,1,1,0\n"
    )
    faults = FaultLog()
    splits, dividends = FactorFile.load(path, faults).events(MarketHoursDatabase.load(lean_data).hours(), faults)
    assert splits == ()
    assert dividends == ((date(2024, 1, 5), 10.0, 100.0),)
    assert faults.counts == {
        FaultKind.COLUMNS: 1,
        FaultKind.NUMBER: 3,
        FaultKind.DATE: 1,
        FaultKind.NEGATIVE: 1,
        FaultKind.TIME: 1,
        FaultKind.DUPLICATE: 1,
        FaultKind.REFERENCE_PRICE: 1,
    }


def test_interest_rates(folder: DataFolder) -> None:
    rates = folder.interest_rates
    assert rates.rate_at(date(1990, 1, 1)) == 0.0225  # the file's first one
    assert rates.rate_at(date(2003, 6, 25)) == 0.0225
    assert rates.rate_at(date(2003, 6, 26)) == 0.02
    assert rates.rate_at(date(2040, 1, 1)) == 0.055


def test_interest_rate_file_with_faults(tmp_path: Path) -> None:
    faults = FaultLog()
    assert InterestRates.load(tmp_path, faults).rate_at(date(2020, 1, 1)) == 0.01
    path = tmp_path / "alternative" / "interest-rate" / "usa" / "interest-rate.csv"
    path.parent.mkdir(parents=True)
    path.write_text("DATE,PCREDIT8\n1990-01-01,3\n2010-01-01,4\n2011-01-01,nan\n2011-02-01,99999\nsoon,5\n2012-01-01\n")
    rates = InterestRates.load(tmp_path, faults)
    assert [rates.rate_at(date(year, 1, 1)) for year in (1990, 1991, 2009, 2010, 2030)] == [
        0.03,
        0.03,
        0.03,
        0.04,
        0.04,
    ]
    assert faults.counts == {
        FaultKind.MISSING_FILE: 1,
        FaultKind.COLUMNS: 1,
        FaultKind.NUMBER: 2,
        FaultKind.DATE: 1,
    }


def test_universe_of_the_trading_day_before(folder: DataFolder) -> None:
    monday = folder.universe("GOOG", date(2015, 12, 28))
    assert monday is not None
    assert monday.day == date(2015, 12, 24)
    assert monday.underlying is not None
    assert monday.underlying.close == 748.4
    assert len(monday.rows) == 2016
    first = monday.contracts(folder.hours(SecurityType.OPTION))[0]
    assert (first.expiry, first.strike, first.right) == (date(2015, 12, 31), 450.0, -1)
    assert first.expiry_time == folder.hours(SecurityType.OPTION).session(date(2015, 12, 31)).close


def test_universe_without_a_recent_file(folder: DataFolder) -> None:
    before = folder.faults.counts.get(FaultKind.MISSING_FILE, 0)
    late = folder.universe("GOOG", date(2016, 1, 5))
    assert late is not None
    assert late.day == date(2015, 12, 31)
    assert min(late.rows["expiry"].tolist()) >= date(2016, 1, 5)
    assert folder.universe("GOOG", date(2016, 2, 5)) is None
    assert folder.faults.counts[FaultKind.MISSING_FILE] == before + 4


def test_broken_universe_rows_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "20240102.csv"
    path.write_text(
        "#expiry,strike,right,open,high,low,close,volume,open_interest,implied_volatility,delta,gamma,vega,theta,rho\n"
        ",,,1,2,0.5,1.5,100,,,,,,,\n"
        "20240119,100,C,1,1,1,1,5,7,0.2,0.5,0.01,0.1,-0.1,0.1\n"
        "20240119,100,P,1,1,1,1,,\n"
        "20240119,100,C,9,9,9,9,9,9,9,9,9,9,9,9\n"
        "20240119,x,C,1,1,1,1,,\n"
        "20240119,0,C,1,1,1,1,,\n"
        "20240119,-5,C,1,1,1,1,,\n"
        "20240119,105,X,1,1,1,1,,\n"
        "20241399,105,C,1,1,1,1,,\n"
        "20240119,105,C,1,1\n"
        "20240119,105,C,inf,1,1,1,,\n"
    )
    faults = FaultLog()
    universe = OptionUniverse.load(path, faults)
    assert universe.underlying == (1, 2, 0.5, 1.5, 100)
    assert universe.rows[["strike", "right", "open_interest"]].tolist() == [(100.0, -1, 0), (100.0, 1, 7)]
    assert np.isnan(universe.rows["delta"][0])
    assert faults.counts == {
        FaultKind.COLUMNS: 1,
        FaultKind.NUMBER: 4,
        FaultKind.NEGATIVE: 2,
        FaultKind.DUPLICATE: 1,
    }


def test_a_rate_file_without_its_header_is_a_fault(tmp_path: Path) -> None:
    faults, path = FaultLog(), interest_rate_path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("2000-01-01,9\n2010-01-01,4\n")
    rates = InterestRates.load(tmp_path, faults)
    assert rates.rate_at(date(2005, 1, 1)) == 0.04  # LEAN passes over the first line, whatever it is
    assert faults.counts == {FaultKind.COLUMNS: 1}
    assert rates.known
    assert not InterestRates.load(tmp_path / "elsewhere", FaultLog()).known
