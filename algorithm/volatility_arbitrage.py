"""The main job inside LEAN: volatility arbitrage on American options."""

import datetime as dt
import threading
from collections.abc import Iterable
from functools import partial
from itertools import takewhile

from AlgorithmImports import (
    AccountType,
    BrokerageName,
    DataNormalizationMode,
    FuncTimeRule,
    OrderEvent,
    Resolution,
    Slice,
)

from alo_lib.core import Settings, TradingCore
from alo_lib.executive import BudgetWatch
from alo_lib.journal import JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import HostEvent, Message
from alo_lib.runtime import BackgroundCalibrator, RemoteCore, Teller, Timetable, Told, continue_core, reconcile
from alo_lib.runtime.link import Channel, LinkPhase
from alo_lib.transport import default_folder
from models import (
    AloOptionPriceModel,
    AloVolatilityModel,
    GreeksRiskManagementModel,
    HostEvents,
    JournaledAlgorithm,
    LeanHost,
    Marshal,
    TouchExecutionModel,
    VegaBudgetPortfolioConstructionModel,
    VolatilityAlphaModel,
)
from models.marshalling import order_number, utc_datetime, utc_nanoseconds
from models.recovery import (
    Keeper,
    held_names,
    host_orders,
    host_positions,
    remove_segments,
    save_segment,
    stored_segments,
    stored_snapshots,
)

__all__ = ["VolatilityArbitrageAlgorithm"]

_LIVE_SEGMENT = 1 << 20
"""Bytes: live, the open segment is saved whole after every frame."""
_LIVE_LOOK = dt.timedelta(seconds=1)
_RESOLUTIONS = {"minute": Resolution.MINUTE, "hour": Resolution.HOUR}


class VolatilityArbitrageAlgorithm(JournaledAlgorithm):
    """Tells the trading core what LEAN tells it, opens its frames on LEAN's schedule, and sends what it decides."""

    def initialize(self) -> None:
        """Subscribe to the underlyings and their chains, and plug the models in."""
        self.alo = Settings.of({pair.key: pair.value for pair in self.get_parameters()})
        self.set_start_date(self.alo.start.year, self.alo.start.month, self.alo.start.day)
        self.set_end_date(self.alo.end.year, self.alo.end.month, self.alo.end.day)
        self.set_cash(self.alo.cash)
        self.set_brokerage_model(BrokerageName.INTERACTIVE_BROKERS_BROKERAGE, AccountType.MARGIN)
        self._one_at_a_time = threading.RLock()  # live, LEAN calls back on three threads
        self._bars = _RESOLUTIONS[self.alo.resolution]
        self._store = MemoryStore(partial(save_segment, self))
        self._keeper: Keeper | None = None  # of a live core in this process
        self._earlier: list[bytes] = []  # segments of the processes before this one
        self._told = Told()
        self._findings: list[str] = []  # of a recovery, until they are told
        self._core: TradingCore | RemoteCore = self._attach() if self.alo.core_process else self._own_core()
        self._marshal = Marshal()
        self.host_events = HostEvents(self._remark, lambda: utc_nanoseconds(self.utc_time), self._marshal)
        self._host, self._timetable = LeanHost(self, self.alo), Timetable(self.alo)
        self._teller = Teller(self.alo, self._core, self._host, self._told)
        for ticker in self.alo.underlyings:
            self._subscribe(ticker)
        self._marshal.begin_session(self._told)
        self._alpha = VolatilityAlphaModel(self._core, self._marshal)
        self.set_alpha(self._alpha)
        self.set_portfolio_construction(VegaBudgetPortfolioConstructionModel(self._core, self._marshal))
        self.set_risk_management(GreeksRiskManagementModel(self._core, self._marshal))
        self.set_execution(TouchExecutionModel(self._core, self._marshal))
        days = self.date_rules.every_day(self._marshal.symbol(self._teller.number(self.alo.underlyings[0])))
        if self.live_mode:  # its days have no end: LEAN makes these times as they come
            self.schedule.on(days, self.time_rules.every(_LIVE_LOOK), self._on_second)
        else:
            # One event: LEAN runs all that is past of one before the next, which would part sessions from frames.
            self.schedule.on(days, FuncTimeRule("frames", self._event_times), self._on_time)

    # What LEAN tells -----------------------------------------------------------------------------------------------

    def on_data(self, slice: Slice) -> None:
        """Put the slice's new bars in."""
        with self._one_at_a_time:
            for message in self._marshal.messages(slice, utc_nanoseconds(self.utc_time)):
                self._core.accept(message)
            if self.live_mode and isinstance(self._core, RemoteCore):  # scheduled events come late when live
                self._run_frame()

    def on_order_event(self, order_event: OrderEvent) -> None:
        """Put in what happened to an order."""
        order = self.transactions.get_order_by_id(order_event.order_id)
        time = utc_nanoseconds(self.utc_time)
        with self._one_at_a_time:
            self._core.accept(self._marshal.order_event(order_event, order.tag, int(order.type), time))

    def on_warmup_finished(self) -> None:
        """Journal that history has been told; a core that went on from its journal now meets LEAN's portfolio."""
        self.host_events.capture(HostEvent.WARMUP_FINISHED)
        with self._one_at_a_time:
            self._reconcile()

    def _remark(self, message: Message) -> None:
        with self._one_at_a_time:
            self._core.remark(message)

    def on_end_of_algorithm(self) -> None:
        """Close the journal; it goes to LEAN's object store. A core that keeps its own time outlives its host."""
        if not self.live_mode:
            self._run_frames_left()
        if isinstance(self._core, RemoteCore):
            if self.live_mode:
                self._core.stop()
                return
            images = self._core.end()
            for number, data in enumerate(images):
                save_segment(self, number, data)
            self._core.stop()
        else:
            self.host_events.capture(HostEvent.END_OF_ALGORITHM)
            self.log(f"alo slot trace {self._core.slot_trace.digest}")
            self._core.stop()
            self._writer.close()
            images = [*self._earlier, *self._store.images()]
        self.log(f"alo journal digest {message_digest(read_journal(images).messages)}")

    def _own_core(self) -> TradingCore:
        """A core in this process.

        Live it goes on from its journal, its tasks are held against their budgets, and its models are fitted beside it.
        """
        if not self.live_mode:
            remove_segments(self)
            self._writer = JournalWriter(self._store, settings=self.alo.model_dump_json().encode())
            return TradingCore(self.alo, self._writer)
        calibrator = BackgroundCalibrator(self.alo.calibration_nanoseconds)
        self._earlier = stored_segments(self)
        if not self._earlier:
            settings = self.alo.model_dump_json().encode()
            self._writer = JournalWriter(self._store, settings=settings, segment_bytes=_LIVE_SEGMENT)
            core = TradingCore(self.alo, self._writer)
        else:
            continued = continue_core(
                self.alo, self._earlier, self._store, segment_bytes=_LIVE_SEGMENT, snapshots=stored_snapshots(self)
            )
            core, self._writer, self._findings = continued.core, continued.writer, continued.findings
            self._told = continued.told
        core.calibrate_with(calibrator)
        core.watch_with(BudgetWatch())
        self._keeper = Keeper(self, core, self._writer)
        return core

    def _keep_journal(self) -> None:
        """Save what a live core has journaled."""
        if self._keeper is not None:
            self._keeper.keep(utc_nanoseconds(self.utc_time))

    def _reconcile(self) -> None:
        """Hold a core that goes on, or went on alone, against LEAN's portfolio and open orders; say what was found."""
        if not self._findings:
            for name in held_names(self) if self.live_mode else ():
                self.log(f"alo: LEAN holds {name}, which no journal tells of; it is left alone")
            return
        time = utc_nanoseconds(self.utc_time)
        positions, others = host_positions(self, self._marshal)
        found = reconcile(self._core, positions, host_orders(self), time)
        found.findings[:0] = self._findings
        found.findings += [f"LEAN holds {name}, which the core knows nothing of" for name in others]
        for remark, finding in zip(found.remarks(time), found.findings, strict=True):
            self._core.remark(remark)
            self.log(f"alo recovery: {finding}")
        for message in found.messages:
            self._core.accept(message)
        for order in self.transactions.get_open_orders(lambda each: order_number(each.tag) in found.to_cancel):
            self.transactions.cancel_order(order.id)
        self._findings = []
        self._keep_journal()

    def _attach(self) -> RemoteCore:
        """The core process that decides for this one; a backtest tells it the time, live it keeps its own."""

        def hear(phase: LinkPhase, sentence: str) -> None:
            self.log(f"alo core {phase.value}: {sentence}")

        channel = Channel(default_folder() / self.alo.core_process)
        remote = RemoteCore(self.alo, channel, told=not self.live_mode, hear=hear)
        remote.attach()
        if self.live_mode:
            self._told, count = remote.catch_up()
            if self._told.underlyings:
                self._findings = [f"the core went on without LEAN; it has journaled {count} messages"]
        return remote

    # Sessions and frames -------------------------------------------------------------------------------------------

    def _subscribe(self, ticker: str) -> None:
        equity = self.add_equity(ticker, self._bars, data_normalization_mode=DataNormalizationMode.RAW)
        equity.set_volatility_model(AloVolatilityModel(self, self.alo))
        option = self.add_option(ticker, self._bars)
        option.set_price_model(AloOptionPriceModel(self))
        option.set_filter(lambda universe: self._host.select(ticker, universe))
        self._host.add(ticker, equity)
        self._marshal.add_underlying(self._teller.number(ticker), equity.symbol)

    def _begin_session(self) -> None:
        """Tell the core what holds for the whole session."""
        time = utc_nanoseconds(self.utc_time)
        for message in self._teller.begin(self._host.session(self.time.date()), time):
            self._core.accept(message)
        self._marshal.begin_session(self._teller.told)
        if self._core.open_frame(self._timetable.preparation(time)):
            self._core.run()

    def _run_frame(self) -> None:
        """Open a frame where something has arrived; LEAN's framework models run it, the last of them to its end.

        Live, LEAN's time may stand still from one event to the next: what has arrived then waits for the one after.
        """
        time = utc_nanoseconds(self.utc_time)
        if self.live_mode and isinstance(self._core, TradingCore) and time <= self._core.last_frame:
            return
        while self._core.open_frame(time):
            self.emit_insights(self._alpha.update(self, self.current_slice))
            if not (self.live_mode and isinstance(self._core, RemoteCore)):  # which may have answered several
                break

    def _run_frames_left(self) -> None:
        """Run the frames that were to follow the last bar: LEAN's time ends with its data. Nothing can be sent."""
        if self._teller.told.session is None:
            return
        now = utc_nanoseconds(self.utc_time)
        for time in self._timetable.events(self._host.session(self._teller.told.session)):
            if time > now and self._core.open_frame(time):
                self._core.run()

    def _on_time(self) -> None:
        """Begin a session, at the day's first event, or run a frame."""
        with self._one_at_a_time:
            if self._teller.told.session != self.time.date():
                self._begin_session()
            else:
                self._run_frame()
            self._keep_journal()

    def _on_second(self) -> None:
        """Live, LEAN looks at its events once a second, and fills come when they come: a frame may open at each look.

        From the session's beginning until a little after the close, when its last bars and fills are in.
        """
        if self._timetable.is_live(self._host.session(self.time.date()), utc_nanoseconds(self.utc_time)):
            self._on_time()
            return
        with self._one_at_a_time:
            self._keep_journal()

    def _event_times(self, dates: Iterable[dt.datetime]) -> list[dt.datetime]:
        """In UTC: when sessions begin, and when frames may open. LEAN's dates go on for years after the end."""
        days = takewhile(lambda day: day <= self.alo.end, (date.date() for date in dates))
        return [utc_datetime(time) for day in days for time in self._timetable.events(self._host.session(day))]
