"""Going on in another volume of the journal, where the one that is written has become too long for its place.

What fills a journal are quotes and what each frame makes of them. Of the past ones the other volume has the last of
what is held; the account's books are told again in it whole: orders, fills, trades with their profit, dividends and
interest, commands, and what the book measured at the end of each session. So reports and blotters reach back to the
account's beginning.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.core.adoption import adoption
from alo_lib.core.deciding import program
from alo_lib.core.trading import Sink, TradingCore
from alo_lib.journal import (
    Journal,
    JournalWriter,
    LiveObjectStoreJournal,
    StoreFullError,
    Volume,
    places_of,
    volume_begins,
    volume_of,
)
from alo_lib.records import DAY, HostEvent, InstrumentKind, Kind, Message
from alo_lib.records.legs import LEGS
from alo_lib.strategy.halts import losses_told

__all__ = ["Turning", "told_again"]

_WHOLE: Final = (
    *(Kind.SESSION, Kind.RATE, Kind.INTEREST, Kind.DIVIDEND, Kind.SPLIT, Kind.ACTION, Kind.HALT, Kind.OPERATOR),
    *(Kind.TAKEOVER, Kind.INTENT, Kind.AMENDMENT, Kind.ORDER_EVENT, Kind.ENTRY, Kind.EXIT, Kind.EXTERNAL_STAGE),
)
"""Kinds that are told again message by message: what was ordered, filled and booked, and when."""
_OF_SESSION: Final = (Kind.CALENDAR, Kind.CURVE, Kind.ANNOUNCED, Kind.SCHEDULED, Kind.POLICY)
"""Kinds of which the last message counts, and all of the last session."""
_LAST_ROWS: Final = {
    Kind.CLOSE: ("instrument",),
    Kind.ATTRIBUTION: ("underlying", "trade"),
    Kind.COMMAND: ("trade",),
}
"""Kinds of which the last record counts, by the fields that tell whose it is."""
_EVENTS: Final = (HostEvent.BROKER_ORDER, HostEvent.ACCOUNT)
_MEASURES: Final = (Kind.EXPOSURE, Kind.MARKET_STATE, Kind.LIMIT)
"""Kinds of which the last message of each underlying before the next session counts, and the last of all.

So do POSITION messages. A frame tells positions and markets of those underlyings alone that it had news of.
"""
_KNOWN_AFTER_EXPIRY: Final = 7 * DAY
"""How long a contract is known after it expired."""


class Turning:
    """Begins another volume where a journal's place wants one.

    ``sink`` is what a core writes to in the place of a journal's writer; ``hear`` hears of it, in a sentence.
    """

    def __init__(
        self,
        core: TradingCore,
        place: LiveObjectStoreJournal,
        sink: Callable[[JournalWriter], Sink],
        hear: Callable[[str], None],
    ) -> None:
        self._core, self._place, self._sink, self._hear = core, place, sink, hear
        self._said = False  # that no volume can begin

    def look(self, writer: JournalWriter) -> JournalWriter:
        """The journal's writer from now on: of another volume where one is wanted, and the core can leave this one.

        One that the place has no room for is put off.

        :raises JournalError: where another process has gone on from the journal.
        """
        if not self._place.is_full:
            return writer
        if not self._core.at_rest:
            if self._place.is_overfull and not self._said:
                self._said = True
                self._hear(
                    "the journal takes three quarters of the object store, and no other volume can begin while orders "
                    "work or the broker's word is in doubt: end them (cancel-orders), or the run ends when it is full"
                )
            return writer
        self._said = False
        state, journal = self._core.snapshot(), self._place.so_far()
        volume = Volume(volume_of(journal.messages).number + 1, state.state.strategy.last_order)
        again = told_again(journal, self._core.holdings, self._core.last_frame)
        first = min((each.time for each in again), default=self._core.last_frame)
        begins = volume_begins(volume, first, len(journal.messages))
        try:
            new = self._place.turn(writer, [begins, *again, adoption(state, self._core.last_frame)], program())
        except StoreFullError as error:
            self._hear(
                f"volume {volume.number} of the journal cannot be begun yet ({error.why}): the one before is gone on "
                "with, and the run ends when it fills the store; remove what others keep there"
            )
            return writer
        self._core.journal_to(self._sink(new))
        self._hear(begins.records["text"][0].decode())
        return new


def told_again(journal: Journal, held: Iterable[int], time: int) -> list[Message]:
    """What another volume has of a journal at ``time``, ns UTC, when the instruments ``held`` are; in order.

    What the journal leaves out is told no more, and what came before it counts in its place.
    """
    messages, held = journal.messages, {*held}
    void = np.array(sorted(journal.left_out), np.int64)

    def places(*kinds: Kind) -> NDArray[np.int64]:
        return np.setdiff1d(places_of(messages, *kinds), void)

    def tables(kind: Kind) -> dict[int, Message]:
        return {place: messages[place] for place in places(kind).tolist()}

    sessions = places(Kind.SESSION)
    wanted = {*places(*_WHOLE).tolist()}
    for kind in _OF_SESSION:
        found = places(kind)
        wanted.update(found[found > sessions.max(initial=-1)].tolist(), found[-1:].tolist())
    instruments = tables(Kind.INSTRUMENT)
    underlying_of = _underlying_of(instruments.values())
    for kind in _MEASURES:
        wanted |= _last_measures(tables(kind), sessions)
    wanted |= _last_positions(messages, places(Kind.POSITION), sessions, underlying_of, held)
    kept = {place: messages[place] for place in wanted}
    for kind in (Kind.TRADE, Kind.QUOTE):
        kept.update(_last_prices(messages, places(kind), held.union(underlying_of.get(each, each) for each in held)))
    for place, message in tables(Kind.EVENT).items():
        kept[place] = _rows_of(message, np.isin(message.records["event"], _EVENTS))
    named = {number for message in kept.values() for number in _instruments_of(message)}.union(held)
    kept |= dict(_instruments(instruments, named, time))
    for kind, fields in _LAST_ROWS.items():
        kept.update(_last_rows(messages, places(kind).tolist(), fields))
    return [kept[place] for place in sorted(kept) if len(kept[place].records)]


def _underlying_of(told: Iterable[Message]) -> dict[int, int]:
    """The underlying of each instrument by its number, by INSTRUMENT messages."""
    found = dict[int, int]()
    for message in told:
        found.update(zip(message.records["instrument"].tolist(), message.records["underlying"].tolist(), strict=True))
    return found


def _last_measures(tables: Mapping[int, Message], sessions: NDArray[np.int64]) -> set[int]:
    """The places of a kind's messages that measure something last before the next of ``sessions``.

    Beside them count those that tell of more lost than is allowed: by that the book was halted.
    """
    last, found = dict[tuple[int, int], int](), set[int]()
    for place, message in tables.items():
        session, rows = int(np.searchsorted(sessions, place)), message.records
        if message.kind is Kind.LIMIT:
            last[session, 0] = place
            if any(lost > allowed for lost, allowed in losses_told(rows).values()):
                found.add(place)
        else:
            last.update(((session, number), place) for number in rows["underlying"].tolist())
    return found.union(last.values())


def _last_positions(
    messages: Sequence[Message],
    places: NDArray[np.int64],
    sessions: NDArray[np.int64],
    underlying_of: Mapping[int, int],
    held: set[int],
) -> set[int]:
    """The places of the POSITION messages that tell of an underlying last before the next of ``sessions``.

    Beside them count the last that know the implied volatility of the contracts that are ``held``.
    """
    unknown = {number for number in held if underlying_of.get(number, number) != number}
    found, session, untold = set[int](), -1, set[int]()
    for place in reversed(places.tolist()):  # a frame tells as much as all that comes before it, as a rule
        at = int(np.searchsorted(sessions, place))
        if at != session:
            session, untold = at, {*underlying_of.values()}
        if not (untold or unknown):
            continue
        rows = messages[place].records
        told = {underlying_of.get(number, -1) for number in rows["instrument"].tolist()}
        known = {*rows["instrument"][np.isfinite(rows["implied_volatility"])].tolist()}
        if not (told.isdisjoint(untold) and known.isdisjoint(unknown)):
            found.add(place)
            untold -= told
            unknown -= known
    return found


def _last_prices(
    messages: Sequence[Message], places: NDArray[np.int64], wanted: set[int]
) -> Iterator[tuple[int, Message]]:
    """The messages with the last price alone of each instrument that is ``wanted``: by it what is held is marked."""
    for place in reversed(places.tolist()):
        if not wanted:
            return
        message = messages[place]
        rows = message.records
        chosen = np.isin(rows["instrument"], [*wanted])
        if message.kind is Kind.QUOTE:
            chosen &= (rows["bid"] > 0.0) | (rows["ask"] > 0.0)
        if chosen.any():
            wanted = wanted.difference(rows["instrument"][chosen].tolist())
            yield place, _rows_of(message, chosen)


def _instruments(told: Mapping[int, Message], named: Collection[int], time: int) -> Iterator[tuple[int, Message]]:
    """The INSTRUMENT messages, each with its place, of those that live or are ``named``.

    Of each the first record is told, since what was told of it needs that, and the last.
    """
    places = [(place, row) for place, message in told.items() for row in range(len(message.records))]
    first, last = dict[int, tuple[int, int]](), dict[int, tuple[int, int]]()
    for place, row in places:
        number = int(told[place].records["instrument"][row])
        first.setdefault(number, (place, row))
        last[number] = place, row
    ends = {*first.values(), *last.values()}
    for place, message in told.items():
        rows = message.records
        lives = (rows["kind"] == InstrumentKind.EQUITY) | (rows["expiry"] >= time - _KNOWN_AFTER_EXPIRY)
        is_end = np.array([(place, row) in ends for row in range(len(rows))], np.bool_)
        yield place, _rows_of(message, is_end & (lives | np.isin(rows["instrument"], [*named])))


def _last_rows(
    messages: Sequence[Message], places: Sequence[int], fields: Sequence[str]
) -> Iterator[tuple[int, Message]]:
    """The messages of a kind's ``places``, with the records alone that none of the same ``fields`` follows."""
    seen = set[tuple[int, ...]]()
    for place in reversed(places):
        message = messages[place]
        keys = zip(*(message.records[name].tolist() for name in fields), strict=True)
        last = {key: row for row, key in enumerate(keys) if key not in seen}
        seen.update(last)
        yield place, _rows_of(message, sorted(last.values()))


def _rows_of(message: Message, chosen: NDArray[np.bool_] | list[int]) -> Message:
    return message._replace(records=message.records[chosen])


def _instruments_of(message: Message) -> Iterator[int]:
    """The instruments that a message is about."""
    for name in ("instrument", *LEGS):
        if name in (message.records.dtype.names or ()):
            yield from message.records[name].tolist()
