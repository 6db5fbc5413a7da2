"""What a session begins with, and its bars in order."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import (
    QUOTE_BAR,
    TRADE_BAR,
    DataFolder,
    DataKind,
    OptionBars,
    Resolution,
    SecurityType,
    contract_array,
)
from alo_lib.market.layout import OptionArchive, universe_directory
from alo_lib.market.writer import write_option_file
from alo_lib.records import InstrumentKind, InstrumentTable, Kind, Message, Records
from alo_lib.runtime import Teller, Timetable
from alo_lib.simulation import Feed, require_data
from alo_lib.simulation.bars import SessionBars
from tests.simulation import tiny


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tiny.write(tmp_path)


class Listener:
    """A core's part in being told, over a feed: numbers, and what it holds."""

    def __init__(self, folder: DataFolder, start: dt.date = tiny.FIRST) -> None:
        settings = tiny.settings(start=start, min_coverage=0)
        self.instruments = InstrumentTable()
        self.held: list[int] = []
        self.findings = require_data(settings, folder.root)
        self.feed, self.timetable = Feed(settings, folder, self.findings), Timetable(settings)
        self.teller = Teller(settings, self, self.feed)

    def contracts_open(self, underlying: int) -> list[int]:
        return self.held

    def begin(self, index: int) -> list[Message]:
        session = self.feed.sessions[index]
        return list(self.teller.begin(session, self.timetable.begin(session)))

    def bars(self, index: int) -> SessionBars:
        return self.feed.bars(self.feed.sessions[index], self.teller.told)


def of_kind(messages: list[Message], kind: Kind) -> list[Records]:
    return [message.records for message in messages if message.kind is kind]


def test_the_first_session(root: Path) -> None:
    core = Listener(DataFolder(root))
    messages = core.begin(0)
    session = tiny.HOURS.session(tiny.FIRST)
    assert {message.time for message in messages} == {session.open - 30 * tiny.MINUTE}
    equities, contracts = of_kind(messages, Kind.INSTRUMENT)
    assert equities["symbol"].tolist() == [b"TINY"]
    assert equities["kind"].tolist() == [InstrumentKind.EQUITY]
    assert contracts["instrument"].tolist() == [1, 2, 3, 4, 5, 6]
    assert contracts["symbol"][0] == b"TINY  240419P00095000"
    assert set(contracts["expiry"].tolist()) == {tiny.OPTION_HOURS.expiry_time(tiny.EXPIRY)}
    assert set(contracts["open_interest"].tolist()) == {100}
    (told,) = of_kind(messages, Kind.SESSION)
    assert told[["open", "close", "date"]].tolist() == [(session.open, session.close, 20240314)]
    (rate,) = of_kind(messages, Kind.RATE)
    assert rate["rate"].tolist() == [0.03]
    (closes,) = of_kind(messages, Kind.CLOSE)
    assert len(closes) == 301
    assert closes["time"][-1] == tiny.HOURS.session(tiny.BEFORE).close
    assert closes["close"][-1] == tiny.CLOSE
    assert of_kind(messages, Kind.DIVIDEND) == []  # it goes ex tomorrow


def test_the_second_session_tells_what_is_new(root: Path) -> None:
    core = Listener(DataFolder(root))
    core.begin(0)
    messages = core.begin(1)
    (closes,) = of_kind(messages, Kind.CLOSE)
    assert closes["close"].tolist() == [tiny.last_spot()]
    (dividends,) = of_kind(messages, Kind.DIVIDEND)
    assert dividends["amount"].tolist() == [tiny.DIVIDEND]
    assert dividends["time"].tolist() == [tiny.HOURS.session(tiny.SECOND).open]
    (contracts,) = of_kind(messages, Kind.INSTRUMENT)
    assert contracts["instrument"].tolist() == [1, 2, 3, 4, 5, 6]


def test_past_dividends_come_with_the_first_session(root: Path) -> None:
    core = Listener(DataFolder(root), tiny.SECOND)
    (dividends,) = of_kind(core.begin(0), Kind.DIVIDEND)
    assert dividends["amount"].tolist() == [tiny.DIVIDEND]


def test_a_held_contract_stays_though_it_is_not_selected(root: Path) -> None:
    root = tiny.write(root, split=True)  # strikes halve on the second day
    core = Listener(DataFolder(root))
    core.begin(0)
    core.held = [2]
    messages = core.begin(1)
    (contracts,) = of_kind(messages, Kind.INSTRUMENT)
    assert contracts["strike"].tolist() == [47.5, 47.5, 50.0, 50.0, 52.5, 52.5, 95.0]
    assert contracts["instrument"].tolist() == [7, 8, 9, 10, 11, 12, 2]


def test_without_a_universe_file_the_selection_stays(root: Path) -> None:
    folder = DataFolder(root)
    (universe_directory(root, SecurityType.OPTION, "usa", "tiny") / f"{tiny.FIRST:%Y%m%d}.csv").unlink()
    core = Listener(folder)
    core.begin(0)
    (contracts,) = of_kind(core.begin(1), Kind.INSTRUMENT)
    assert contracts["instrument"].tolist() == [1, 2, 3, 4, 5, 6]
    assert sum(folder.faults.counts.values()) == 1


def test_bars_come_by_time_then_instrument(root: Path) -> None:
    core = Listener(DataFolder(root))
    core.begin(0)
    bars, session = core.bars(0), core.feed.sessions[0]
    steps = list(bars.steps())
    assert [step.time for step in steps] == list(range(session.open + tiny.MINUTE, session.close + 1, tiny.MINUTE))
    empty, full = steps[0], steps[4]
    assert list(empty.messages()) == []
    trade, quote = full.messages()
    assert (trade.kind, quote.kind) == (Kind.TRADE, Kind.QUOTE)
    assert trade.records["close"].tolist() == [tiny.spots(tiny.FIRST, 78)[0]]
    assert quote.records["instrument"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert quote.records["bid_size"].tolist() == [400, 7, 7, 7, 7, 7, 7]
    assert sum(len(step.quotes) for step in steps) == 78 * 7 == len(bars) - 78


def write_chain(root: Path, day: dt.date, rows: list[tuple[int, float, float]]) -> None:
    """Quotes of the first contract: (minutes after the open, bid, ask); a last one is the second contract's."""
    rows = [*rows, (25, 2.0, 2.2)]
    chain = np.zeros(len(rows), QUOTE_BAR)
    for bar, (minutes, bid, ask) in zip(chain, rows, strict=True):
        bar["time"] = tiny.HOURS.session(day).open + minutes * tiny.MINUTE
        for name in ("open", "high", "low", "close"):
            bar[f"bid_{name}"], bar[f"ask_{name}"] = bid, ask
        bar["bid_size"], bar["ask_size"] = 3 * (bid == bid), 4 * (ask == ask)
    contract = np.append(np.zeros(len(rows) - 1, np.int32), np.int32(1))
    bars = OptionBars(contract_array(tiny.KEYS[:2]), contract, chain)
    write_option_file(OptionArchive(root, "TINY", day, Resolution.MINUTE, DataKind.QUOTE), bars, tiny.OPTION_HOURS)


def option_quotes(core: Listener, index: int) -> list[tuple[float, float, int, int]]:
    rows = core.bars(index).quotes
    return rows[rows["instrument"] == 1][["bid", "ask", "bid_size", "ask_size"]].tolist()


def test_trades_of_options_come_with_their_bars_and_are_not_told(root: Path) -> None:
    trades = np.zeros(2, TRADE_BAR)
    trades["time"] = tiny.HOURS.session(tiny.FIRST).open + np.array([5, 7]) * tiny.MINUTE
    for name in ("open", "high", "low", "close"):
        trades[name] = 1.5, 1.6
    bars = OptionBars(contract_array(tiny.KEYS[1:2]), np.zeros(2, np.int32), trades)
    archive = OptionArchive(root, "TINY", tiny.FIRST, Resolution.MINUTE, DataKind.TRADE)
    write_option_file(archive, bars, tiny.OPTION_HOURS)
    core = Listener(DataFolder(root))
    core.begin(0)
    steps = [step for step in core.bars(0).steps() if len(step.option_trades)]
    assert [step.option_trades[["instrument", "close"]].tolist() for step in steps] == [[(2, 1.5)], [(2, 1.6)]]
    assert [step.time for step in steps] == trades["time"].tolist()
    assert [message.kind for message in steps[0].messages()] == [Kind.TRADE, Kind.QUOTE]
    assert list(steps[1].messages()) == []  # between the underlying's bars


def test_a_missing_side_is_carried_while_the_contract_is_subscribed(root: Path) -> None:
    nan = float("nan")
    write_chain(root, tiny.FIRST, [(5, nan, 1.2), (10, 1.0, 1.3), (15, nan, 1.4), (20, 1.1, nan)])
    write_chain(root, tiny.SECOND, [(5, nan, 1.6), (10, nan, 1.05)])
    core = Listener(DataFolder(root))
    core.begin(0)
    first = option_quotes(core, 0)
    assert np.isnan(first[0][0])
    assert first[1:] == [(1.0, 1.3, 3, 4), (1.0, 1.4, 0, 4), (1.1, 1.4, 3, 0)]
    core.begin(1)
    assert option_quotes(core, 1) == [(1.1, 1.6, 0, 4), (1.1, 1.05, 0, 4)]
    crossed = [step for step in core.bars(1).steps() if len(step.quotes)][1]
    told = [message.records["instrument"].tolist() for message in crossed.messages() if message.kind is Kind.QUOTE]
    assert told == [[0]]  # the core is not told of a quote that a carried side crosses


def test_nothing_is_carried_into_a_new_subscription(root: Path) -> None:
    nan = float("nan")
    write_chain(root, tiny.FIRST, [(10, 1.0, 1.3)])
    write_chain(root, tiny.SECOND, [(5, nan, 1.6), (10, 1.2, 1.6)])
    core = Listener(DataFolder(root), tiny.SECOND)
    core.begin(0)
    first, second = option_quotes(core, 0)
    assert np.isnan(first[0])
    assert second[0] == 1.2
