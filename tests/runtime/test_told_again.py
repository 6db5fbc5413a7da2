"""What another volume of a journal is told of the one before it, of journals that are written by hand."""

from collections.abc import Iterable

import numpy as np
import pytest

from alo_lib.journal import Journal, JournalWriter, MemoryStore, read_journal
from alo_lib.records import HostEvent, InstrumentKind, Kind, Message, records
from alo_lib.runtime.turning import told_again

LATE = 10**9


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
