"""The whole engine on a tiny market that the test writes."""

import datetime as dt
import json
import shutil
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER, JournalError, message_digest, read_journal
from alo_lib.journal.format import segment_name
from alo_lib.market import ContractKey, DataError, DataFolder, FaultKind
from alo_lib.market.bars import contract_array
from alo_lib.market.layout import DataKind, OptionArchive, Resolution, SecurityArchive
from alo_lib.records import Kind, OrderStatus, Session
from alo_lib.runtime import replay
from alo_lib.simulation import run_backtest
from alo_lib.simulation.nights import Nights
from alo_lib.views import Run
from tests.simulation import tiny
from tests.simulation.outcome import booked, profit


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(run_backtest(tiny.settings(), data, tmp_path_factory.mktemp("run")).folder)


def read(run: Run, name: str) -> dict:
    return json.loads((run.folder / name).read_text())


def test_it_trades_and_accounts_for_every_cent(run: Run, data: Path) -> None:
    assert {order.symbol[:4] for order in run.orders} == {"TINY"}
    assert any(len(order.symbol) == 21 and order.side == "sell" for order in run.orders)
    assert any(order.symbol == "TINY" for order in run.orders)
    assert all(order.status is OrderStatus.FILLED for order in run.orders)
    folder, value = DataFolder(data), 0.0
    held: dict[str, int] = {}
    for order in run.orders:
        multiplier = 100 if len(order.symbol) == 21 else 1
        value -= order.filled * order.price * multiplier + order.fee
        held[order.symbol] = held.get(order.symbol, 0) + order.filled
    interest, borrow = booked(run)
    assert interest > 0
    value += interest + borrow
    shares_at_ex_date = sum(o.filled for o in run.orders if o.symbol == "TINY" and day_of(o.time) < tiny.SECOND)
    value += shares_at_ex_date * tiny.DIVIDEND
    trades = folder.bars("TINY", tiny.SECOND, tiny.SECOND, Resolution.MINUTE)
    quotes = folder.option_bars("TINY", tiny.SECOND, tiny.SECOND, Resolution.MINUTE)
    for symbol, quantity in held.items():
        if symbol == "TINY":
            value += quantity * trades["close"][-1]
        else:
            key = ContractKey(tiny.EXPIRY, int(symbol[13:]) / 1000.0, 1 if symbol[12] == "C" else -1)
            last = quotes.bars[quotes.contracts[quotes.contract] == contract_array([key])[0]][-1]
            value += quantity * 100 * 0.5 * (last["bid_close"] + last["ask_close"])
    assert profit(run) == pytest.approx(value, abs=1e-4)


def test_the_broker_books_interest_for_the_night(run: Run) -> None:
    messages = read_journal(run.folder / JOURNAL_FOLDER).messages
    cash, shares = 200_000.0, 0
    for order in run.orders:
        if day_of(order.time) < tiny.SECOND:
            cash -= order.filled * order.price * (100 if len(order.symbol) == 21 else 1) + order.fee
            shares += order.filled if order.symbol == "TINY" else 0
    assert shares > 0  # none is borrowed
    cash += shares * tiny.DIVIDEND
    first_bar = tiny.HOURS.session(tiny.SECOND).open + tiny.MINUTE
    assert first_bar < tiny.HOURS.session(tiny.SECOND).open + tiny.STEP  # LEAN goes through the grid, data or not
    interest = round(cash * 0.025 / 360, 2)  # the benchmark, 3 %, less half a percent
    told = [(m.time, *m.records[0].tolist()) for m in messages if m.kind is Kind.INTEREST]
    assert told == [(first_bar, -1, 1, interest, 0.025)]
    assert booked(run) == (interest, 0.0)


def test_a_night_looks_for_what_was_traded_and_is_held(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[dt.date, Any] = {}
    before = Nights.before

    def spied(nights: Nights, session: Session, expiries: Any, held: Any) -> list[int]:
        asked[session.day] = {ticker: sorted(keys) for ticker, keys in held.items()}
        return before(nights, session, expiries, held)

    monkeypatch.setattr(Nights, "before", spied)
    run_backtest(tiny.settings(), data, tmp_path)
    quantities: dict[str, int] = {}
    for order in run.orders:
        if day_of(order.time) == tiny.FIRST and len(order.symbol) == 21:
            quantities[order.symbol] = quantities.get(order.symbol, 0) + order.filled
    keys = [
        ContractKey(tiny.EXPIRY, int(symbol[13:]) / 1000.0, 1 if symbol[12] == "C" else -1)
        for symbol, quantity in quantities.items()
        if quantity
    ]
    assert keys
    assert asked == {tiny.FIRST: {}, tiny.SECOND: {"TINY": sorted(keys)}}


def test_nothing_is_booked_where_interest_is_switched_off(run: Run, data: Path, tmp_path: Path) -> None:
    off = Run(run_backtest(tiny.settings(interest=False), data, tmp_path).folder)
    assert not off.count(Kind.INTEREST)
    assert off.orders == run.orders
    assert profit(run) - profit(off) == pytest.approx(sum(booked(run)), abs=1e-4)


def day_of(time: int) -> dt.date:
    return dt.datetime.fromtimestamp(time // 10**9, dt.UTC).date()


def test_two_runs_write_the_same_bytes(run: Run, data: Path, tmp_path: Path) -> None:
    run_backtest(tiny.settings(), data, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    files = ["journal", "main-log.txt", "main-order-events.json", "main-summary.json", "main.json", "telemetry"]
    assert names == files
    assert [path.name for path in (tmp_path / JOURNAL_FOLDER).iterdir()] == [segment_name(0)]
    for name in [f"{JOURNAL_FOLDER}/{segment_name(0)}", *names[1:-1]]:  # telemetry tells of this run alone
        assert (tmp_path / name).read_bytes() == (run.folder / name).read_bytes()


def test_a_replay_of_its_journal_decides_the_same(run: Run) -> None:
    journal = read_journal(run.folder / JOURNAL_FOLDER)
    replayed = replay(journal)
    assert replayed.divergence is None
    assert replayed.digest == message_digest(journal.messages)


def test_the_journal_begins_in_the_order_that_all_engines_share(run: Run) -> None:
    messages = read_journal(run.folder / JOURNAL_FOLDER).messages
    kinds = [message.kind for message in messages if not message.kind.is_decision and message.kind is not Kind.FRAME]
    assert kinds[:10] == [
        Kind.INSTRUMENT,
        Kind.SESSION,
        Kind.RATE,
        Kind.RANGE,
        Kind.CLOSE,
        Kind.INSTRUMENT,
        Kind.CALENDAR,
        Kind.TRADE,
        Kind.QUOTE,
        Kind.CALIBRATION,  # with the first frame that has news
    ]
    assert len({message.time for message in messages[:7]}) == 1
    times = [message.time for message in messages]
    assert times == sorted(times)


def test_results_have_leans_schema(run: Run) -> None:
    result, events = read(run, "main.json"), read(run, "main-order-events.json")
    expected = {
        "rollingWindow", "charts", "orders", "profitLoss", "statistics", "runtimeStatistics", "state",
        "algorithmConfiguration", "totalPerformance",
    }  # fmt: skip
    assert set(result) == expected
    equity = result["charts"]["Strategy Equity"]["series"]["Equity"]
    assert equity["seriesType"] == 2
    assert all(len(candle) == 5 and candle[3] <= min(candle[1], candle[4]) for candle in equity["values"])
    times = [candle[0] for candle in equity["values"]]
    assert times == sorted(times)
    assert equity["values"][-1][4] == pytest.approx(200_000 + profit(run), abs=1e-4)
    sampled = [value[0] for value in result["charts"]["Strategy Equity"]["series"]["Return"]["values"]]
    # Two midnights, and the last close: without a universe file of the last day, LEAN's time ends there.
    assert np.diff(sampled).tolist() == [86_400, 16 * 3600]
    assert [int(number) for number in result["orders"]] == list(range(1, len(run.orders) + 1))
    first = result["orders"]["1"]
    assert first["symbol"]["underlying"]["value"] == "TINY"
    assert (first["status"], first["type"], first["tag"]) == (3, 0, "entry")
    assert {event["orderId"] for event in events} == {order["id"] for order in result["orders"].values()}
    assert [event["status"] for event in events if event["orderId"] == 1] == ["submitted", "filled"]
    assert result["statistics"]["Total Orders"] == result["state"]["OrderCount"] == str(len(run.orders))
    fees = sum((Decimal(str(order.fee)) for order in run.orders), Decimal(0))
    assert result["statistics"]["Total Fees"] == f"${fees.quantize(Decimal('0.01'), ROUND_HALF_UP)}"
    assert result["algorithmConfiguration"]["parameters"]["underlyings"] == "TINY"
    summary = read(run, "main-summary.json")
    assert summary["statistics"] == result["statistics"]
    trades = result["totalPerformance"]["closedTrades"]
    assert len(trades) == result["totalPerformance"]["tradeStatistics"]["totalNumberOfTrades"]
    assert [trade["id"] for trade in trades] == [str(number) for number in range(1, len(trades) + 1)]
    log = (run.folder / "main-log.txt").read_text().splitlines()
    assert len(log) >= len(events)
    assert log[0].startswith("2024-03-14 ")
    told = [(line[:23], line[24:].startswith("order ")) for line in log]
    assert told == sorted(told)  # by time, and what people are told before what orders do
    assert {order for _, order in told} == {False, True}
    assert sum(order for _, order in told) == len(events)


def test_progress_rises_to_one(data: Path, tmp_path: Path) -> None:
    told: list[tuple[dt.date, float]] = []
    settings = tiny.settings(frames_per_bar=1)
    run_backtest(settings, data, tmp_path, progress=lambda day, share: told.append((day, share)))
    assert told == sorted(told)
    assert told[0][0] == tiny.FIRST
    assert told[-1] == (tiny.SECOND, 1.0)


def test_a_run_whose_last_day_lists_contracts_ends_at_the_midnight_after(data: Path, tmp_path: Path) -> None:
    found = run_backtest(tiny.settings(end=tiny.FIRST), data, tmp_path)
    charts = read(Run(found.folder), "main.json")["charts"]
    sampled = [value[0] for value in charts["Strategy Equity"]["series"]["Return"]["values"]]
    midnight = int(dt.datetime(2024, 3, 15, 4, tzinfo=dt.UTC).timestamp())  # New York's, in summer time
    assert sampled == [midnight - 86_400, midnight]


def test_a_split_passes(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    root = tiny.write(tmp_path_factory.mktemp("split"), split=True)
    found = Run(run_backtest(tiny.settings(), root, tmp_path).folder)
    messages = found.journal.messages
    splits = [message.records[0] for message in messages if message.kind is Kind.SPLIT]
    assert [(row["warning"], row["factor"]) for row in splits] == [(1, 0.5), (0, 0.5)]
    closes = [message.records["close"] for message in messages if message.kind is Kind.CLOSE]
    # Adjusted although the split lies ahead, as LEAN does; the day before the split is told on its morning.
    assert closes[0][-1] == pytest.approx(tiny.CLOSE / 2)
    assert closes[1].tolist() == [pytest.approx(tiny.last_spot() / 2)]
    assert all(day_of(order.time) == tiny.SECOND for order in found.orders)  # nothing is opened before it
    assert all(order.price < 60 for order in found.orders)


def test_faults_are_skipped_and_counted(data: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(data, root)
    archive = OptionArchive(root, "tiny", tiny.SECOND, Resolution.MINUTE, DataKind.QUOTE).path
    archive.write_bytes(archive.read_bytes()[:500])
    (tmp_path / "run").mkdir()
    found = run_backtest(tiny.settings(min_coverage=0.5), root, tmp_path / "run")
    assert found.faults.counts == {FaultKind.CORRUPT_ARCHIVE: 1}
    assert found.findings.coverage[0].without_quotes == (tiny.SECOND,)
    assert all(day_of(order.time) == tiny.FIRST for order in Run(found.folder).orders if len(order.symbol) == 21)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"underlyings": "NONE"}, "NONE has no minute bars from 2024-03-14 to 2024-03-15"),
        ({"resolution": "hour"}, "TINY has no hour bars"),
        ({"start": dt.date(2024, 3, 16), "end": dt.date(2024, 3, 17)}, "the market is closed on every day"),
        ({"start": dt.date(2024, 4, 1), "end": dt.date(2024, 4, 3)}, "TINY has no minute bars"),
    ],
)
def test_unusable_data_is_told_in_one_sentence(
    data: Path, tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        run_backtest(tiny.settings(**changes), data, tmp_path)


def test_an_underlying_without_universes_is_refused(data: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(data, root)
    shutil.rmtree(root / "option" / "usa" / "universes")
    with pytest.raises(DataError, match=r"TINY has no option universe files from .*20240313.csv: missing file"):
        run_backtest(tiny.settings(), root, tmp_path)


def test_no_data_folder_and_no_results_folder(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data folder"):
        run_backtest(tiny.settings(), tmp_path / "nowhere", tmp_path)
    with pytest.raises(JournalError, match="cannot be made: No such file"):
        run_backtest(tiny.settings(), data, tmp_path / "nowhere")


def test_a_missing_quote_file_of_the_stock_leaves_trades(data: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(data, root)
    for day in (tiny.FIRST, tiny.SECOND):
        SecurityArchive(root, "tiny", day, Resolution.MINUTE, DataKind.QUOTE).path.unlink()
    (tmp_path / "run").mkdir()
    found = run_backtest(tiny.settings(), root, tmp_path / "run")
    assert found.faults.counts == {FaultKind.MISSING_FILE: 2}
    hedges = [order for order in Run(found.folder).orders if order.symbol == "TINY"]
    assert hedges
    closes = set(DataFolder(root).bars("TINY", tiny.FIRST, tiny.SECOND, Resolution.MINUTE)["close"].tolist())
    assert {order.price for order in hedges} <= closes
