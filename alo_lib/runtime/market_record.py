"""The one record of what a core was told of its market."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from alo_lib.journal import Journal, messages_of, volume_of
from alo_lib.records import Contract, InstrumentKind, Kind, Message, Session, osi_expiry
from alo_lib.runtime.order_matching import identifiers_of
from alo_lib.runtime.terms import terms_of
from alo_lib.runtime.whose_account import account_of

__all__ = ["MarketRecord", "market_record_of", "record_of_journal"]

_OF_MARKET: Final = (Kind.SESSION, Kind.RATE, Kind.CLOSE, Kind.INSTRUMENT, Kind.POLICY)


@dataclass
class MarketRecord:
    """What an engine has told its core: from here it goes on telling."""

    underlyings: dict[str, int] = field(default_factory=dict)  # number by ticker
    contracts: dict[int, tuple[int, Contract]] = field(default_factory=dict)  # underlying and contract by number
    today: set[int] = field(default_factory=set)  # contracts of the last session
    last_close: dict[int, int] = field(default_factory=dict)  # time of the last close told, by underlying
    session: dt.date | None = None  # the last that was begun
    rate: float = 0.0  # in force since then
    policy: str = ""  # digest of the learned policy
    broker_orders: dict[str, int] = field(default_factory=dict)  # our number by the identifier that a broker gave
    terms: dict[int, int] = field(default_factory=dict)  # in which an order was decided, by its number
    account: str = ""  # that the journal is of; empty where nobody said
    last_order_before: int = 0  # of the journal's volumes before, whose terms are not told

    def record(self, message: Message) -> None:
        """Take note of an input that is told."""
        rows = message.records
        if message.kind is Kind.SESSION:
            self.session = Session.of_record(rows[0]).day
            self.today = set()
        elif message.kind is Kind.RATE:
            self.rate = float(rows["rate"][0])
        elif message.kind is Kind.POLICY:
            self.policy = rows["digest"][0].decode()
        elif message.kind is Kind.CLOSE:
            self.last_close.update(zip(rows["instrument"].tolist(), rows["time"].tolist(), strict=True))
        elif message.kind is Kind.INSTRUMENT:
            for row in rows:
                number, symbol = int(row["instrument"]), row["symbol"].decode()
                if row["kind"] == InstrumentKind.EQUITY:
                    self.underlyings[symbol] = number
                    continue
                self.today.add(number)
                strike, right = float(row["strike"]), int(row["right"])
                terms = (int(row["expiry"]), int(row["open_interest"]), bool(row["american"]))
                self.contracts[number] = int(row["underlying"]), Contract(osi_expiry(symbol), strike, right, *terms)


def market_record_of(messages: Sequence[Message]) -> MarketRecord:
    """What the inputs in a journal tell of the engine that put them in."""
    told = MarketRecord()
    for _, message in messages_of(messages, *_OF_MARKET):
        told.record(message)
    told.broker_orders, told.account = identifiers_of(messages), account_of(messages)
    return told


def record_of_journal(journal: Journal) -> MarketRecord:
    """The same of a journal, and in which terms its orders were decided."""
    told = market_record_of(journal.messages)
    told.terms, told.last_order_before = terms_of(journal), volume_of(journal.messages).last_order_before
    return told
