"""What another volume of a journal is told of the one before it, of journals that are written by hand."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import Journal, JournalWriter, MemoryStore, read_journal
from alo_lib.records import HostEvent, InstrumentKind, Kind, Message, OrderStatus, records
from alo_lib.runtime.turning import told_again
from alo_lib.views.blotter import positions
from alo_lib.views.journaled_run import JournaledRun

LATE = 10**9


def positions_of(journal: Journal) -> list[tuple[int, float]]:
    return [(each.quantity, each.profit) for each in positions(JournaledRun(Path("run"), journal))]


def journal_of(told: Iterable[Message]) -> Journal:
    store = MemoryStore()
    writer = JournalWriter(store, segment_bytes=1 << 16, settings=b"{}")
    for message in told:
        writer.append(message)
    return read_journal(store.images(), unfinished=True)


def message(kind: Kind, time: int, /, **columns: object) -> Message:
    count = max((len(value) for value in columns.values() if isinstance(value, list)), default=1)
    return Message(kind, time, records(kind, count, **columns))


def left_out(sequence: int, time: int) -> Message:
    return message(Kind.EVENT, time, event=HostEvent.LEFT_OUT, instrument=-1, order=sequence, text=b"without it")


INSTRUMENTS = message(
    Kind.INSTRUMENT,
    1,
    instrument=[0, 1, 2, 3],
    underlying=[0, 1, 0, 1],
    kind=[*[InstrumentKind.EQUITY] * 2, *[InstrumentKind.OPTION] * 2],
    symbol=[b"ONE", b"TWO", b"ONE   240419C00100000", b"TWO   240419C00100000"],
    expiry=[0, 0, LATE, LATE],
    multiplier=[1, 1, 100, 100],
)
"""Two underlyings with a contract each."""


def told(journal: Journal, kind: Kind, held: Iterable[int] = ()) -> list[Message]:
    return [each for each in told_again(journal, held, LATE) if each.kind is kind]


@pytest.mark.parametrize("kind", [Kind.CLOSE, Kind.CALENDAR, Kind.RATE])
def test_what_is_left_out_does_not_stand_for_what_came_before_it(kind: Kind) -> None:
    counts, void = ((message(kind, time)) for time in (3, 4))
    journal = journal_of([INSTRUMENTS, message(Kind.SESSION, 2), counts, void, left_out(3, 5)])
    assert [each.time for each in told(journal, kind)] == [3]


def test_a_session_that_is_left_out_begins_none() -> None:
    curve = message(Kind.CURVE, 3)
    again = [message(Kind.CURVE, 3), message(Kind.CURVE, 4)]
    journal = journal_of([message(Kind.SESSION, 2), curve, *again, message(Kind.SESSION, 5), left_out(4, 6)])
    assert [each.time for each in told(journal, Kind.CURVE)] == [3, 3, 4]
    assert [each.time for each in told(journal, Kind.SESSION)] == [2]


def position(time: int, instrument: int, implied: float = 0.2) -> Message:
    return message(Kind.POSITION, time, instrument=instrument, quantity=1, implied_volatility=implied)


def test_what_is_held_of_an_underlying_without_news_is_told_again() -> None:
    journal = journal_of(
        [INSTRUMENTS, message(Kind.SESSION, 2), position(3, 3), position(4, 2), position(5, 3), position(6, 2)]
    )
    assert [(each.time, each.records["instrument"].tolist()) for each in told(journal, Kind.POSITION)] == [
        (5, [3]),
        (6, [2]),
    ]


def test_the_last_implied_volatility_of_what_is_held_is_told_again() -> None:
    messages = [INSTRUMENTS, message(Kind.SESSION, 2), position(3, 2), position(4, 2), position(5, 2, np.nan)]
    journal = journal_of(messages)
    assert [each.time for each in told(journal, Kind.POSITION, held=[2])] == [4, 5]
    assert [each.time for each in told(journal, Kind.POSITION)] == [5]


def test_the_market_of_each_underlying_is_told_again_of_each_session() -> None:
    told_of = [(2, None), (3, 0), (4, 1), (5, None), (6, 1), (7, 0), (8, 0)]
    messages = [
        message(Kind.SESSION, time) if number is None else message(Kind.MARKET_STATE, time, underlying=number)
        for time, number in told_of
    ]
    assert [each.time for each in told(journal_of([INSTRUMENTS, *messages]), Kind.MARKET_STATE)] == [3, 4, 6, 8]


def test_that_more_was_lost_than_is_allowed_is_told_again() -> None:
    limits = [
        message(Kind.LIMIT, time, limit=b"max_drawdown", underlying=-1, days=-1, used=used, allowed=10.0)
        for time, used in ((3, 5.0), (4, 11.0), (5, 9.0))
    ]
    assert [each.time for each in told(journal_of([message(Kind.SESSION, 2), *limits]), Kind.LIMIT)] == [4, 5]


def test_a_fraction_that_a_split_left_is_paid_at_what_a_share_was_worth() -> None:
    bought = message(Kind.ORDER_EVENT, 3, instrument=0, quantity=5, price=40.0, status=OrderStatus.FILLED)
    split = message(Kind.SPLIT, 6, instrument=0, factor=2.0)
    prices = [
        message(Kind.TRADE, time, instrument=0, close=close) for time, close in ((3, 40.0), (4, 50.0), (8, 105.0))
    ]
    spots = [message(Kind.EXPOSURE, time, underlying=0, spot=spot) for time, spot in ((3, 40.0), (5, 50.0), (9, 105.0))]
    held = message(Kind.POSITION, 9, instrument=0, quantity=2, mark=105.0)
    before = [INSTRUMENTS, message(Kind.SESSION, 2), bought, *prices[:2], *spots[:2]]
    journal = journal_of([*before, message(Kind.SESSION, 6), split, prices[2], spots[2], held])
    assert positions_of(journal) == [(2, 2 * 105.0 + 50.0 - 5 * 40.0)]
    assert positions_of(journal_of(told_again(journal, [0], LATE))) == positions_of(journal)


def test_the_last_price_of_what_is_held_is_told_again() -> None:
    def quote(time: int, bid: float, ask: float, *numbers: int) -> Message:
        return message(Kind.QUOTE, time, instrument=[*numbers], bid=bid, ask=ask)

    messages = [INSTRUMENTS, quote(2, 1.0, 2.0, 0, 1, 2, 3), quote(3, 0.0, 2.0, 2), quote(4, 0.0, 0.0, 2, 3)]
    journal = journal_of([*messages, message(Kind.TRADE, 5, instrument=0, close=9.0)])
    again = told(journal, Kind.QUOTE, held=[2])
    assert [(each.time, each.records["instrument"].tolist()) for each in again] == [(2, [0]), (3, [2])]
    assert [each.time for each in told(journal, Kind.TRADE, held=[2])] == [5]
    assert not told(journal, Kind.QUOTE)
