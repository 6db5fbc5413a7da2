"""The core machine with LEAN's driver: the algorithm, its host and its models over an embedded core, live.

What was appended since the journal was kept dies with its process, so a process that goes on believes something else
until it has met the broker's portfolio.
"""

import datetime as dt
from collections.abc import Callable
from importlib import import_module
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis.stateful import initialize, rule

from alo_lib.core import TradingCore, pack
from alo_lib.core.frame_plan import FrameTask
from alo_lib.journal import Journal, read_journal
from alo_lib.journal.stored_segments import segments_of
from alo_lib.records import Kind, Message, records
from alo_lib.runtime.replay import Continuation
from alo_lib.settings import Settings
from tests.algorithm.lean_world import Algorithm, World
from tests.core.broker import Believed, Word
from tests.core.chains import SETTINGS, TICKERS, chain, quotes
from tests.core.hearing_machine import HearingMachine
from tests.core.killing import Fuse
from tests.core.odd import OF_HOSTS, odd_messages
from tests.core.script import closes
from tests.models.kit import equity

__all__ = ["LeanMachine"]

ODD_TAGS = (None, "", "entry", "Liquidated #3", "entry #0", "entry #7", "hedge #99999999999999999999", "exit #-1")
ODD = odd_messages([kind for kind in OF_HOSTS if kind is not Kind.INSTRUMENT])
"""Instruments are numbered by who tells of them; LEAN's teller does, and does so again after a kill."""


class InStore:
    """A journal in LEAN's object store, with what the process that runs has appended."""

    snapshot = None

    def __init__(self, world: World) -> None:
        self.world = world
        self.earlier: list[bytes] = []
        self.writer: Any = None

    def journal(self) -> Journal:
        return read_journal([*self.earlier, self.writer.image[1]], unfinished=True)


class LeanMachine(HearingMachine):
    """One run of the algorithm with its kills."""

    sequences = 0

    @initialize(settings=st.sampled_from(SETTINGS), trading=st.sampled_from([True, True, False]))
    def begin(self, settings: Settings, trading: bool) -> None:
        self.fuse: Any = None
        self.world = Algorithm.world = World({**settings.model_dump(), "underlyings": ",".join(TICKERS)}, self.tick)
        super().begin(settings, trading, keeping=False)

    def tick(self) -> None:
        """LEAN is called, of which others hear: the process may die before, once it has begun."""
        if self.fuse is not None:
            self.fuse.tick()

    def new_place(self) -> Any:
        return InStore(self.world)

    def start(self) -> None:
        """Start LEAN with its algorithm, which goes on from what was kept."""
        self.broker, self.fuse = self.world.broker, None
        self.world.now = self.time
        self.world.store.begin_process()
        self.place.earlier = segments_of(lambda key: self.world.store.values.get(key))
        self.algorithm = import_module("algorithm.volatility_arbitrage").VolatilityArbitrageAlgorithm()
        self.algorithm.initialize()
        core: TradingCore = self.algorithm._core
        self.place.writer = self.algorithm._hosted._writer
        self.written = list(self.place.journal().messages)
        self.fuse = Fuse(self.place.writer, self.written)
        core.journal_to(self.fuse)
        accept = core.accept

        def heard(message: Message) -> None:
            self.heard(message._replace(records=message.records.copy()))
            accept(message)

        core.accept = heard  # type: ignore[method-assign]
        self.host = self.core = core
        self.world.know((number, equity(ticker)) for number, ticker in enumerate(TICKERS))
        self.world.know((number, symbol) for number, symbol in self.algorithm._marshal._symbol.items())
        self.believed = Believed.of(self.written)
        self.pending, self.seen, self.doubted = [], len(self.written), core.wants_reconciliation
        self.unkilled, self.replayed = TradingCore(self.settings, Continuation(())), 0

    def number_underlyings(self) -> None:
        """Nothing: the algorithm's teller has."""

    # The host ---------------------------------------------------------------------------------------------------------

    def put_in(self, message: Message, *, true: bool) -> set[Word]:
        self.world.now = self.time
        told = False
        with self.surviving():
            self.deliver(message)
            told = True
        if not told:  # what was done with it is as the journal says, as far as it was kept
            return set()
        words = self.look()
        if not true and Word.BELIEVED in words:
            self.apart = True
        return words

    def deliver(self, message: Message) -> None:
        """As LEAN does where it can; anything else comes to the core as it is."""
        event = None
        if message.kind is Kind.ORDER_EVENT and len(message.records) == 1 and message.time == self.time:
            event = self.world.event(message.records[0])
        if event is None:
            self.algorithm._accept(message)
        else:
            self.algorithm.on_order_event(event)

    def a_session(self, *, first: bool, contracts: list[bool]) -> None:
        self.world.now = self.time
        for ticker, listed in zip(TICKERS, contracts, strict=True):
            told = closes(130) if first else [self.spot[ticker]]
            times = [self.world.local - dt.timedelta(days=back) for back in range(len(told), 0, -1)]
            bars = self.world.closes.setdefault(ticker, [])
            bars += [(time, (close, close, close, close)) for time, close in zip(times, told, strict=True)]
            universe = self.world.universe(equity(ticker), chain() if listed else [], self.spot[ticker])
            self.algorithm._host.select(ticker, universe)
        self.a_frame(1)
        self.hour = 9.4

    def a_bar(self, ticker: str, change: float, volatility: float, size: int, hours: float) -> None:
        self.hour += hours
        self.spot[ticker] = float(np.clip(self.spot[ticker] * change, 50.0, 200.0))
        self.world.now = self.time
        trades = records(Kind.TRADE, instrument=self.owner(ticker), close=self.spot[ticker], volume=100)
        rows = quotes(self.host.instruments, ticker, self.spot[ticker], self.time, volatility, size)
        with self.surviving():
            self.algorithm.on_data(self.world.slice(trades, rows))
        self.look()
        self.a_frame(1)

    def a_frame(self, gap: int, between: Callable[[], None] = lambda: None) -> None:
        """LEAN looks at its schedule."""
        if self.left_in_frame is not None:
            self.fuse.left, self.left_in_frame = self.left_in_frame, None
        self.hour += gap / 3600
        self.lean_calls(lambda: self.algorithm._on_second())

    def lean_calls(self, call: Callable[[], None]) -> None:
        """LEAN calls back, and the algorithm may meet the portfolio, which puts all right."""
        self.world.now, killed = self.time, self.fuse
        asked = self.unmet
        with self.surviving():
            call()
        self.look()
        self.world.know(self.algorithm._marshal._symbol.items())
        if self.fuse is killed and asked and not self.unmet:
            self.apart = False

    @property
    def unmet(self) -> bool:
        """Whether the algorithm is yet to meet the portfolio."""
        return self.core.wants_reconciliation or bool(self.algorithm._findings)

    @rule(tasks=st.lists(st.sampled_from(list(FrameTask)), max_size=3))
    def frame_with_models(self, tasks: list[FrameTask]) -> None:
        self.a_frame(len(tasks))

    @rule(message=ODD, now=st.booleans())
    def odd(self, message: Message, now: bool) -> None:
        super().odd(message, now)

    @rule(
        data=st.data(),
        tag=st.sampled_from(ODD_TAGS),
        status=st.sampled_from([0, 3, 9, 300, -1]),
        sizes=st.tuples(*[st.sampled_from([0.0, 1.0, -0.5, 1e12, -1e30, float("nan"), float("inf")])] * 3),
    )
    def odd_event(self, data: st.DataObject, tag: str | None, status: int, sizes: tuple[float, float, float]) -> None:
        """LEAN tells of an order of somebody else's, or of none that there can be."""
        instrument = data.draw(st.sampled_from(sorted(self.world.symbols)))
        event = self.world.odd_event(instrument, tag, status, sizes)
        self.apart = True
        self.lean_calls(lambda: self.algorithm.on_order_event(event))

    def be_late(self, missed: int) -> None:
        self.hour += missed / 3600

    # Kills ------------------------------------------------------------------------------------------------------------

    @rule()
    def snapshot(self) -> None:
        with self.surviving():
            self.algorithm._hosted.keep(self.time)

    @rule()
    def kill(self) -> None:
        kept = self.algorithm._hosted._place._volume._kept == self.place.writer.sequence and not self.core.owes
        kept = kept and self.world.store.on_disk == self.world.store.values
        before = pack(self.core.snapshot().state) if kept else b""
        self.start()
        if before:
            assert pack(self.core.snapshot().state) == before
        self.meet()

    def restart(self) -> None:
        """Go on from what was kept, and meet the portfolio."""
        self.start()
        self.hold_against_unkilled(self.place.journal())
        self.meet()

    def meet(self) -> None:
        self.apart = True
        self.lean_calls(lambda: self.algorithm.on_warmup_finished())

    @rule()
    def reconcile(self) -> None:
        """LEAN's algorithm meets the portfolio where its core wants it, or has gone on."""
        self.lean_calls(lambda: self.algorithm._meet_portfolio())
