"""Dispersion in the core: opened and closed as one, decided again by a replay, after a kill, and in another era."""

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pytest

from alo_lib.core import TradingCore, program
from alo_lib.journal import LiveObjectStoreJournal, message_digest
from alo_lib.pricing import Chain
from alo_lib.records import YEAR, Contract, Kind, OrderReason, Records, one_table, records
from alo_lib.runtime import begin, replay
from alo_lib.settings import Settings
from tests.brief import BRIEF
from tests.core.script import DAY, FIRST, RATE, Script, at, calendar_ahead, closes, reasons
from tests.journal.on_disk import OnDisk

NAMES = {"INDX": 0.2, "ALFA": 0.25, "BRVO": 0.35}
"""With the volatility of their daily closes, and so of their forecasts, nearly."""
BASE = {
    **BRIEF,
    "underlyings": "INDX,ALFA,BRVO",
    "structures": "dispersion",
    "basket": "INDX=ALFA:0.6,BRVO:0.4",
    "vega_budget": 0.002,
    "max_structures": 1,
    "stop_loss": 10,
    "direction": "long",
}
DEAR, CHEAP = (0.38, 0.25, 0.35), (0.12, 0.25, 0.35)
"""Implied volatilities: of an index above its members, and below."""


class Desk(Script):
    """Drives a core with an index and its members, all at 100, each with a chain of three strikes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.core = TradingCore(self.settings, self.writer)  # that knows of no TEST

    def session(self, date: dt.date = FIRST, new_closes: list[float] | None = None) -> None:
        self.date, start, first = date, at(date, 9), not self.told
        table = self.core.instruments
        if first:
            self.equities = [table.add_equity(ticker) for ticker in NAMES]
            for each in self.equities:
                self.tell(start, Kind.INSTRUMENT, each)
            self.told = True
        day = int(f"{date:%Y%m%d}")
        self.tell(start, Kind.SESSION, records(Kind.SESSION, open=at(date, 9.5), close=at(date, 16), date=day))
        self.tell(start, Kind.RATE, records(Kind.RATE, rate=RATE))
        for equity, volatility in zip(self.equities, NAMES.values(), strict=True):
            told = closes(volatility=volatility) if first else []
            times = [start - (len(told) - place) * DAY for place in range(len(told))]
            ended = records(Kind.CLOSE, len(told), time=times, instrument=equity["instrument"], close=told)
            self.tell(start, Kind.CLOSE, ended)
        self.chains = [table.add_contracts(ticker, self.chain()) for ticker in NAMES]
        for rows in self.chains:
            self.tell(start, Kind.INSTRUMENT, rows)
        self.tell(start, Kind.CALENDAR, calendar_ahead(date, self.days + 5))
        if self.core.open_frame(start + self.settings.frame_nanoseconds):
            self.core.run()

    def chain(self) -> list[Contract]:
        expiry = FIRST + dt.timedelta(days=self.days)
        return [Contract(expiry, strike, right, at(expiry, 16), 500) for strike in (95, 100, 105) for right in (-1, 1)]

    def market(self, hour: float, implied: tuple[float, ...]) -> list[Records]:
        """Quote all at their implied volatilities, run the frames that follow, fill."""
        time, quotes = at(self.date, hour), []
        for equity, rows, volatility in zip(self.equities, self.chains, implied, strict=True):
            years = (int(rows["expiry"][0]) - time) / YEAR
            mid = Chain(rows["strike"], years, rows["right"].astype(float)).price(100.0, RATE, 0.0, volatility)
            told = records(Kind.QUOTE, len(mid) + 1, instrument=np.append(equity["instrument"], rows["instrument"]))
            told["bid"] = np.append(99.99, np.round(mid - self.spread / 2, 2))
            told["ask"] = np.append(100.01, np.round(mid + self.spread / 2, 2))
            told["bid_size"] = told["ask_size"] = np.append(self.shares_shown, np.full(len(mid), self.size))
            self.tell(time, Kind.TRADE, records(Kind.TRADE, instrument=equity["instrument"], close=100.0, volume=100))
            quotes.append(told)
        self.quotes = one_table(Kind.QUOTE, quotes)
        self.tell(time, Kind.QUOTE, self.quotes)
        return self.frames(time)


def desk(**changes: object) -> Desk:
    made = Desk(Settings.of(BASE | changes))
    made.session()
    return made


def options_held(market: Desk) -> list[int]:
    return [quantity for symbol, quantity in market.held.items() if symbol not in NAMES]


def test_it_is_opened_as_one_and_closed_as_one_and_decided_again() -> None:
    market = desk()
    market.market(10, DEAR)
    entries = np.concatenate(market.decisions(Kind.ENTRY))
    assert entries["structure"].tolist() == [b"dispersion"] * 3
    assert entries["direction"].tolist() == [-1, 1, 1]
    held = options_held(market)
    assert sorted(held) == sorted((entries["direction"] * entries["quantity"]).tolist() * 2)
    sent = market.market(11, CHEAP)
    assert "EXIT_EDGE" in reasons(sent)
    market.market(11.1, CHEAP)
    assert options_held(market) == []
    exits = np.concatenate(market.decisions(Kind.EXIT))
    assert exits["reason"].tolist() == [OrderReason.EXIT_EDGE] * 3
    assert replay(market.journal).divergence is None


def test_chosen_for_the_whole_book_it_comes_before_what_earns_less_in_its_place_and_is_decided_again() -> None:
    """A member is cheap by itself, and its straddle would have the place that a basket needs."""
    for choice, structures in (("in_turn", {b"straddle"}), ("whole_book", {b"dispersion"})):
        market = desk(structures="straddle,dispersion", choice=choice)
        market.market(10, (0.38, 0.22, 0.35))
        entries = np.concatenate(market.decisions(Kind.ENTRY))
        assert {bytes(each) for each in entries["structure"]} == structures
        market.market(11, CHEAP)
        market.market(11.1, CHEAP)
        assert replay(market.journal).divergence is None


def test_a_refused_leg_of_a_member_undoes_the_index_too() -> None:
    plain = desk()
    plain.market(10, DEAR)
    last = np.concatenate(plain.decisions(Kind.ENTRY))[-1]
    market = desk()
    market.refuse.add(plain.core.instruments.symbol(int(last["leg2"])))
    market.market(10, DEAR)
    market.market(10.1, DEAR)
    market.market(10.2, DEAR)
    assert options_held(market) == []
    exits = np.concatenate(market.decisions(Kind.EXIT))
    assert exits["reason"].tolist() == [OrderReason.REBALANCE] * 3
    assert replay(market.journal).divergence is None


@pytest.mark.parametrize("name", [program(), "another"])
def test_a_kill_or_another_program_keeps_it_together(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same program decides again what it did, another one follows what the journal says."""
    (tmp_path / "store").mkdir()
    store = OnDisk(tmp_path / "store")
    market = Desk(Settings.of(BASE))
    place = LiveObjectStoreJournal(store, program())
    beginning = begin(market.settings, place, adopts=True)
    market.core, market.writer = beginning.decided_again(), beginning.writer
    market.session()
    market.market(10, DEAR)
    before = _baskets(market.core)
    place.keep(market.writer)
    market.writer.abandon()
    for module in ("alo_lib.runtime.resumption", "alo_lib.runtime.replay"):
        monkeypatch.setattr(sys.modules[module], "program", lambda: name)
    place = LiveObjectStoreJournal(store, name)
    beginning = begin(market.settings, place, adopts=True)
    market.core, market.writer = beginning.decided_again(), beginning.writer
    assert _baskets(market.core) == before == ([1, 1, 1], 1)
    market.market(11, CHEAP)
    market.market(11.1, CHEAP)
    place.keep(market.writer)
    journal = place.so_far()
    exits = np.concatenate([each.records for each in journal.messages if each.kind is Kind.EXIT])
    assert exits["reason"].tolist() == [OrderReason.EXIT_EDGE] * 3
    if name == program():
        never = desk()
        for hour, implied in ((10, DEAR), (11, CHEAP), (11.1, CHEAP)):
            never.market(hour, implied)
        assert message_digest(never.journal.messages) == message_digest(journal.messages)


def _baskets(core: TradingCore) -> tuple[list[int], int]:
    strategy = core.last_state().state.strategy
    return [trade.basket for trade in strategy.trades], strategy.last_basket
