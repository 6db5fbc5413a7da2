"""A chain at one moment, from a small folder made by hand."""

import zipfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import (
    OPEN_INTEREST,
    QUOTE_BAR,
    TRADE_BAR,
    ContractKey,
    DataError,
    DataFolder,
    DataKind,
    MarketHours,
    OptionBars,
    Resolution,
    SecurityType,
    contract_array,
    take_snapshot,
)
from alo_lib.market.event_files import events_file
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.generator.exchange import equity_hours, option_hours
from alo_lib.market.layout import OptionArchive, SecurityArchive
from alo_lib.market.universe import UNIVERSE_ROW, OptionUniverse, UnderlyingRow
from alo_lib.market.writer import (
    write_factor_file,
    write_market_hours,
    write_option_file,
    write_security_file,
    write_universe,
)

DAY = date(2024, 7, 3)  # closes at 13:00
HOURS, OPTION_HOURS = equity_hours(2024, 2025), option_hours(2024, 2025)
OPEN, CLOSE = OPTION_HOURS.session(DAY)[1:]
MINUTE = 60_000_000_000
TODAY, LATER = ContractKey(DAY, 100.0, -1), ContractKey(date(2024, 7, 19), 100.0, 1)
NAN = float("nan")


def _quotes(rows: list[tuple[int, float, float]]) -> np.ndarray:
    bars = np.zeros(len(rows), QUOTE_BAR)
    for bar, (minute, bid, ask) in zip(bars, rows, strict=True):
        bar["time"] = OPEN + minute * MINUTE
        for side, price in (("bid", bid), ("ask", ask)):
            for name in ("open", "high", "low", "close"):
                bar[f"{side}_{name}"] = price
            bar[f"{side}_size"] = 0 if np.isnan(price) else 1
    return bars


@pytest.fixture
def root(tmp_path: Path) -> Path:
    hours: dict[tuple[SecurityType, str | None], MarketHours] = {
        (SecurityType.EQUITY, None): HOURS,
        (SecurityType.OPTION, None): OPTION_HOURS,
    }
    write_market_hours(tmp_path, hours)
    rows = [(1, 1.0, 1.2), (2, 3.0, 3.2), (3, NAN, 1.1), (4, NAN, 2.9), (5, 2.8, NAN), (60, 9.0, 9.1)]
    owner = np.array([0, 1, 0, 1, 1, 1], np.int32)
    chain = OptionBars(contract_array([TODAY, LATER]), owner, _quotes(rows))
    write_option_file(OptionArchive(tmp_path, "ABC", DAY, Resolution.MINUTE, DataKind.QUOTE), chain, OPTION_HOURS)
    trades = np.zeros(2, TRADE_BAR)
    trades["time"] = OPEN + MINUTE * np.array([1, 60])
    for name in ("open", "high", "low", "close"):
        trades[name] = [99.0, 105.0]
    write_security_file(SecurityArchive(tmp_path, "ABC", DAY, Resolution.MINUTE, DataKind.TRADE), trades, HOURS)
    write_factor_file(tmp_path, "ABC", [FactorRow(date(2050, 12, 31), Decimal(1), Decimal(1), Decimal(0))])
    return tmp_path


def _at(minute: int) -> timedelta:
    return timedelta(hours=9, minutes=30 + minute)


def test_each_side_is_its_last_and_nothing_later_is_read(root: Path) -> None:
    folder = DataFolder(root)
    early = take_snapshot(folder, "abc", DAY, at=_at(3))
    assert early.contracts.tolist() == [tuple(TODAY), tuple(LATER)]
    assert early.bid.tolist() == [1.0, 3.0]
    assert early.ask.tolist() == [1.1, 3.2]
    assert (early.spot, early.spot_from, early.resolution) == (99.0, "close of its minute bar", Resolution.MINUTE)
    assert early.quoted.tolist() == [OPEN + 3 * MINUTE, OPEN + 2 * MINUTE]
    assert early.years_to_expiry[0] == pytest.approx((3.5 * 60 - 3) / (365 * 24 * 60), rel=1e-12)
    close = take_snapshot(folder, "ABC", DAY)
    assert close.bid.tolist() == [1.0, 9.0]
    assert (close.spot, close.years_to_expiry[0]) == (105.0, 0.0)
    assert not folder.faults


def test_of_sides_that_cross_the_older_has_gone(root: Path) -> None:
    snapshot = take_snapshot(DataFolder(root), "ABC", DAY, at=_at(4))
    assert np.isnan(snapshot.bid[1])
    assert snapshot.ask[1] == 2.9
    later = take_snapshot(DataFolder(root), "ABC", DAY, at=_at(5))
    assert (later.bid[1], later.ask[1]) == (2.8, 2.9)


def test_the_underlyings_quote_goes_before_its_trades(root: Path) -> None:
    quotes = _quotes([(1, 98.0, 98.5), (2, 97.0, NAN)])
    write_security_file(SecurityArchive(root, "ABC", DAY, Resolution.MINUTE, DataKind.QUOTE), quotes, HOURS)
    found = take_snapshot(DataFolder(root), "ABC", DAY, at=_at(30))
    assert (found.spot, found.spot_from) == (98.25, "mid of its quote")
    assert take_snapshot(DataFolder(root), "ABC", DAY, spot=50.0).spot == 50.0


def test_volume_is_the_days_until_then_and_open_interest_the_last_that_was_known(root: Path) -> None:
    found = take_snapshot(DataFolder(root), "ABC", DAY)
    assert np.isnan(found.volume).all()  # no file says it
    assert np.isnan(found.open_interest).all()
    hours, contracts = OPTION_HOURS, contract_array([TODAY, LATER])
    trades = np.zeros(3, TRADE_BAR)
    trades["time"], trades["volume"] = OPEN + MINUTE * np.array([1, 5, 90]), [3, 4, 50]
    for name in ("open", "high", "low", "close"):
        trades[name] = 2.0
    bought = OptionBars(contracts[1:], np.zeros(3, np.int32), trades)
    write_option_file(OptionArchive(root, "ABC", DAY, Resolution.MINUTE, DataKind.TRADE), bought, hours)
    rows = np.zeros(2, UNIVERSE_ROW)
    for row, key, interest in zip(rows, (TODAY, LATER), (70, 80), strict=True):
        row["expiry"], row["strike"], row["right"], row["open_interest"] = (*key, interest)
    universe = OptionUniverse(date(2024, 7, 2), UnderlyingRow(99.0, 99.0, 99.0, 99.0, 1), rows)
    write_universe(root, "ABC", universe)
    early = take_snapshot(DataFolder(root), "ABC", DAY, at=_at(30))
    assert early.volume.tolist() == [0.0, 7.0]
    assert early.open_interest.tolist() == [70.0, 80.0]
    opened = np.zeros(2, OPEN_INTEREST)
    opened["time"], opened["open_interest"] = OPEN + MINUTE * np.array([0, 60]), [81, 99]
    told = OptionBars(contracts[1:], np.zeros(2, np.int32), opened)
    write_option_file(OptionArchive(root, "ABC", DAY, Resolution.MINUTE, DataKind.OPEN_INTEREST), told, hours)
    folder = DataFolder(root)
    assert take_snapshot(folder, "ABC", DAY, at=_at(30)).open_interest.tolist() == [70.0, 81.0]
    close = take_snapshot(folder, "ABC", DAY)
    assert close.open_interest.tolist() == [70.0, 99.0]
    assert close.volume.tolist() == [0.0, 57.0]
    assert close.where(np.array([False, True])).volume.tolist() == [57.0]
    assert not folder.faults


def test_dividends_ahead_are_for_a_share_of_today(root: Path) -> None:
    rows = [
        FactorRow(date(2024, 7, 8), Decimal("0.9801"), Decimal("0.5"), Decimal(100)),
        FactorRow(date(2024, 7, 10), Decimal("0.99"), Decimal("0.5"), Decimal(100)),
        FactorRow(date(2024, 8, 1), Decimal("0.99"), Decimal("1"), Decimal(50)),
        FactorRow(date(2050, 12, 31), Decimal("1"), Decimal("1"), Decimal(0)),
    ]
    write_factor_file(root, "ABC", rows)
    found = take_snapshot(DataFolder(root), "ABC", DAY).dividends
    days = [date(2024, 7, 9), date(2024, 8, 2)]
    assert [when for when, _ in found] == [HOURS.session(day).open for day in days]
    assert [cash for _, cash in found] == [1.0, 2 * 0.5]  # two shares for one on July 11


def test_announced_dividends_take_the_place_of_the_factor_files(root: Path) -> None:
    write_factor_file(
        root,
        "ABC",
        [
            FactorRow(date(2024, 6, 7), Decimal("0.9801"), Decimal("1"), Decimal(100)),
            FactorRow(date(2024, 7, 9), Decimal("0.99"), Decimal("1"), Decimal(100)),
            FactorRow(date(2050, 12, 31), Decimal("1"), Decimal("1"), Decimal(0)),
        ],
    )
    path = events_file(root, "ABC")
    path.parent.mkdir(parents=True)

    def ahead(*lines: str) -> list[tuple[date, float]]:
        path.write_text("\n".join(lines))
        found = take_snapshot(DataFolder(root), "ABC", DAY).dividends
        days = {HOURS.session(day).open: day for day in HOURS.trading_days(DAY, date(2024, 12, 31))}
        return [(days[when], amount) for when, amount in found]

    paid = (date(2024, 7, 10), 1.0)
    assert ahead() == [paid]
    assert ahead("2024-07-10, before, dividend, 1.10, 2024-07-04") == [paid]  # known only tomorrow
    assert ahead("2024-07-10, before, dividend, 1.10, 2024-07-03") == [(date(2024, 7, 10), 1.1)]
    assert ahead("2024-07-31, before, dividend, 1.10, 2024-07-01") == [(date(2024, 7, 31), 1.1)]  # 21 days from it
    assert ahead("2024-08-01, before, dividend, 1.10, 2024-07-01") == [paid, (date(2024, 8, 1), 1.1)]
    assert ahead("2024-07-10, before, dividend, 0, 2024-07-01") == []
    assert ahead("2024-08-10, before, dividend, 0.4, 2024-05-31") == [paid, (date(2024, 8, 12), 0.4)]  # a Saturday
    # One that has gone ex is of the payment nearest to it, which is no longer ahead: the next one stays.
    assert ahead("2024-06-13, before, dividend, 0.9, 2024-05-31") == [paid]
    with pytest.raises(DataError, match=r"abc\.csv:1: since when the dividend 1\.10 is known is missing"):
        ahead("2024-07-10, before, dividend, 1.10")


def test_an_announced_amount_is_for_a_share_of_the_day(root: Path) -> None:
    rows = [
        FactorRow(date(2024, 6, 28), Decimal("1"), Decimal("0.5"), Decimal(100)),
        FactorRow(date(2050, 12, 31), Decimal("1"), Decimal("1"), Decimal(0)),
    ]
    write_factor_file(root, "ABC", rows)
    path = events_file(root, "ABC")
    path.parent.mkdir(parents=True)
    for known, amount in (("2024-06-28", 0.6), ("2024-07-01", 1.2)):  # two shares for one on July 1
        path.write_text(f"2024-08-01, before, dividend, 1.20, {known}")
        (found,) = take_snapshot(DataFolder(root), "ABC", DAY).dividends
        assert found == (HOURS.session(date(2024, 8, 1)).open, amount)


def test_what_cannot_be_answered_is_said(root: Path) -> None:
    folder = DataFolder(root)
    for day, more, sentence in (
        (date(2024, 7, 4), {}, "the market was closed on 2024-07-04"),
        (DAY, {"at": timedelta(hours=14)}, "the session of 2024-07-03 was from 09:30 to 13:00 in New York"),
        (DAY, {"at": timedelta(hours=9, minutes=30)}, "name a time in it"),
        (DAY, {"resolution": Resolution.HOUR}, "ABC has no hour option quotes on 2024-07-03"),
        (date(2024, 7, 5), {}, "ABC has no option quotes on 2024-07-05"),
    ):
        with pytest.raises(DataError, match=sentence):
            take_snapshot(folder, "ABC", day, **more)
    (root / "equity/usa/minute/abc/20240703_trade.zip").unlink()
    with pytest.raises(DataError, match="ABC has no minute price on 2024-07-03"):
        take_snapshot(folder, "ABC", DAY)


def test_expiries_that_cannot_be_meant_and_torn_entries_are_left_out(root: Path) -> None:
    path = OptionArchive(root, "ABC", DAY, Resolution.MINUTE, DataKind.QUOTE).path
    with zipfile.ZipFile(path, "a") as archive:
        line = "34200000,10000,10000,10000,10000,1,12000,12000,12000,12000,1\n"
        prefix = "20240703_abc_minute_quote_american"
        archive.writestr(f"{prefix}_put_1000000_99991231.csv", line)
        archive.writestr(f"{prefix}_put_1000000_19990115.csv", line)
        archive.writestr(f"{prefix}_put_1000000_20240816.csv", "34200000,torn\n")
        archive.writestr(f"{prefix}_put_1000000_20249999.csv", line)
    folder = DataFolder(root)
    found = take_snapshot(folder, "ABC", DAY, at=_at(3))
    assert found.contracts.tolist() == [tuple(TODAY), tuple(LATER)]
    assert str(folder.faults) == "entry name: 1, wrong column count: 1, not a date: 1"


def test_google_before_christmas(lean_data: Path) -> None:
    found = take_snapshot(DataFolder(lean_data), "GOOG", date(2015, 12, 24), at=timedelta(hours=12, minutes=30))
    assert len(found) == 2192
    assert found.spot == 750.125
    assert (found.bid[np.isfinite(found.bid + found.ask)] <= found.ask[np.isfinite(found.bid + found.ask)]).all()


def test_index_options_are_european_and_priced_on_their_index(lean_data: Path) -> None:
    found = take_snapshot(DataFolder(lean_data), "SPXW", date(2021, 1, 4))
    assert not found.american
    assert found.spot == pytest.approx(3700.65)
