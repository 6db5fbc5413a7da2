"""The main job inside LEAN: volatility arbitrage on American options."""

import datetime as dt
import math
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from AlgorithmImports import (
    AccountType,
    BrokerageName,
    DataNormalizationMode,
    Delistings,
    DynamicData,
    FuncTimeRule,
    Globals,
    OrderEvent,
    Resolution,
    Slice,
)

from algorithm.framework_algorithm import FrameworkAlgorithm
from alo_lib.core.instrument_checks import day_of
from alo_lib.records import CALENDAR_DAY, HaltCause, HostEvent, Kind, Message, OrderStatus, records, remark
from alo_lib.runtime import Answer, Teller, Timetable, command_of, open_core
from alo_lib.runtime.missed import told_late
from alo_lib.runtime.policy_file import policy_of_settings
from alo_lib.runtime.settlements import Listed
from alo_lib.runtime.terms import Terms
from alo_lib.settings import Settings
from models import AloMarginInterestRateModel, AloOptionPriceModel, AloVolatilityModel, HostEvents, LeanHost, Marshal
from models.account_name import account_name
from models.broker_account import BrokerAccount
from models.broker_orders import broker_identifiers
from models.data_on_disk import look_at_data
from models.host_portfolio import look_at_foreign_positions, meet_portfolio
from models.live_results import LiveResults
from models.notifications import Notifications
from models.object_store import LeanObjectStore
from models.stored_kernels import keep_kernels, keep_kernels_live, take_kernels
from models.times import utc_datetime, utc_nanoseconds

__all__ = ["VolatilityArbitrageAlgorithm"]

_LIVE_LOOK = dt.timedelta(seconds=1)
_RESOLUTIONS = {"minute": Resolution.MINUTE, "hour": Resolution.HOUR}


class VolatilityArbitrageAlgorithm(FrameworkAlgorithm):
    """Tells the trading core what LEAN tells it, opens its frames on LEAN's schedule, and sends what it decides."""

    def initialize(self) -> None:
        """Subscribe to the underlyings and their chains, and plug the models in."""
        self.alo = Settings.of({pair.key: pair.value for pair in self.get_parameters()})
        self._notifications = Notifications(self, self.alo.notified if self.live_mode else ())
        take_kernels(self)
        self.set_start_date(self.alo.start.year, self.alo.start.month, self.alo.start.day)
        self.set_end_date(self.alo.end.year, self.alo.end.month, self.alo.end.day)
        self.set_cash(self.alo.cash)
        self.set_brokerage_model(BrokerageName.INTERACTIVE_BROKERS_BROKERAGE, AccountType.MARGIN)
        for sentence in self.alo.warnings if self.live_mode else look_at_data(self.alo):
            self.log(f"alo {sentence}")
        self._one_at_a_time = threading.RLock()  # live, LEAN calls back on three threads
        store = LeanObjectStore(self.object_store)
        account = account_name(self, self.alo.account)
        self._hosted, told, self._findings = open_core(
            self.alo,
            store,
            live=self.live_mode,
            hear=self._hear,
            shown_in=Path(str(Globals.results_destination_folder)).absolute(),
            account=account,
        )
        self._core = self._hosted.core
        self.alo = self._core.settings  # live, those of a core process count
        self._bars = _RESOLUTIONS[self.alo.resolution]
        self._results = LiveResults(self, self._hosted)
        self._marshal = Marshal(Terms(lambda: self._hosted.term, told.terms, told.last_order_before))
        self._broker = BrokerAccount(self, self._marshal)
        self._account = "" if told.account else account  # that the journal has yet to be told
        self._said: Sequence[str] = ()  # of what was found when the core last met the portfolio
        self._begun_before: int | None = None  # when the session before this one opened
        self.host_events = HostEvents(self._remark, lambda: utc_nanoseconds(self.utc_time), self._marshal)
        self._host, self._timetable = LeanHost(self, self.alo), Timetable(self.alo)
        self._teller = Teller(self.alo, self._core, self._host, told, policy_of_settings(self.alo, store.read))
        for ticker in self.alo.underlyings:
            self._subscribe(ticker)
        self._marshal.begin_session(told)
        self.plug_in(self._core, self._marshal, self._hosted.settle, self._one_at_a_time)
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
            if self._hosted.frames_follow_data:
                self._offer_frame()

    def on_order_event(self, order_event: OrderEvent) -> None:
        """Put in what happened to an order; one in a security that the core does not know is journaled alone."""
        order = self.transactions.get_order_by_id(order_event.order_id)
        time = utc_nanoseconds(self.utc_time)
        message = self._marshal.order_event(order_event, order.tag, int(order.type), time)
        if message is None:
            filled, number = float(order_event.fill_quantity), order_event.order_id
            self.host_events.capture(HostEvent.ORDER, order_event.symbol, order=number, quantity=filled)
            return
        self._accept(message)
        number = int(message.records["order"][0])
        if self.live_mode and number and message.records["status"][0] == OrderStatus.SUBMITTED:
            names = ",".join(broker_identifiers(order))
            self.host_events.capture(HostEvent.BROKER_ORDER, order_event.symbol, order=number, text=names)

    def on_brokerage_disconnect(self) -> None:
        """Journal it, and open no risk until both sides have been reconciled."""
        super().on_brokerage_disconnect()
        self._doubt_the_account(self._broker.gone)
        self.log(
            "alo halt, reconciliation: the broker is disconnected; no risk is opened until it is back and reconciled"
        )

    def on_brokerage_reconnect(self) -> None:
        """Journal it; once LEAN's positions are seen to be the broker's, both are reconciled."""
        super().on_brokerage_reconnect()
        self._doubt_the_account(self._broker.back)

    def on_command(self, data: DynamicData) -> bool:
        """Do what a person asks, live: ``{"command": "pause"}``, and the others of :mod:`alo_lib.runtime.steering`."""
        super().on_command(data)
        asked = command_of(*(getattr(data, name, None) for name in ("command", "limit", "confirm")), sender="LEAN")
        with self._one_at_a_time:
            answer = asked if isinstance(asked, Answer) else self._hosted.steer(asked, utc_nanoseconds(self.utc_time))
        self.log(f"alo command {answer.sentence}")
        return answer.done

    def on_delistings(self, delistings: Delistings) -> None:
        """Journal them; of an underlying's last day LEAN warns before its session, which tells the core."""
        super().on_delistings(delistings)
        self._host.note_delistings(delistings.values())

    def on_warmup_finished(self) -> None:
        """Journal that history has been told. A core that went on from its journal may now meet LEAN's portfolio."""
        self.host_events.capture(HostEvent.WARMUP_FINISHED)
        if self._account:
            self.host_events.capture(HostEvent.ACCOUNT, text=self._account)
        with self._one_at_a_time:
            if self._teller.told.session == self.time.date():
                self._meet_portfolio()
            elif self.live_mode and self._teller.told.session is None:
                look_at_foreign_positions(self, self._marshal, take_over=self.alo.take_over)
                if self.alo.take_over and not self._findings:
                    self._findings = ["the journal begins with what the account holds"]

    def log(self, message: Any) -> None:
        """Log, and tell those whom LEAN notifies."""
        super().log(message)
        self._notifications.tell(str(message))

    def _hear(self, sentence: str) -> None:
        """Have it in the log; what an algorithm logs before it is initialized LEAN shows then, and it may stand by."""
        self.log(f"alo {sentence}")
        if not self.get_locked():
            from QuantConnect.Logging import Log  # not among LEAN's AlgorithmImports

            Log.trace(f"alo {sentence}")

    def _accept(self, message: Message) -> None:
        with self._one_at_a_time:
            self._core.accept(message)

    def _remark(self, message: Message) -> None:
        with self._one_at_a_time:
            self._core.remark(message)

    def on_end_of_algorithm(self) -> None:
        """Close the journal; it stays in LEAN's object store. A core that keeps its own time outlives its host."""
        with self._one_at_a_time:
            if not self.live_mode:
                self._run_frames_left()
            for sentence in self._hosted.end(utc_nanoseconds(self.utc_time)):
                self.log(f"alo {sentence}")
            keep_kernels(self)
            self._notifications.send(utc_nanoseconds(self.utc_time), at_once=True)

    # Sessions and frames -------------------------------------------------------------------------------------------

    def _subscribe(self, ticker: str) -> None:
        equity = self.add_equity(ticker, self._bars, data_normalization_mode=DataNormalizationMode.RAW)
        equity.set_volatility_model(AloVolatilityModel(self, self.alo))
        if self.alo.interest and not self.live_mode:  # a live broker books interest by itself
            equity.set_margin_interest_rate_model(
                AloMarginInterestRateModel(self, self.alo, self._teller, self._marshal, self._accept)
            )
        option = self.add_option(ticker, self._bars)
        option.set_price_model(AloOptionPriceModel(self))
        option.set_filter(lambda universe: self._host.select(ticker, universe))
        self._host.add(ticker, equity)
        self._marshal.add_underlying(self._teller.number(ticker), equity.symbol)

    def _doubt_the_account(self, happened: Callable[[], None]) -> None:
        """Halt for a reconciliation, which begins anew where it was under way."""
        with self._one_at_a_time:
            happened()
            halted = records(Kind.HALT, cause=HaltCause.RECONCILIATION, halted=1)
            self._core.accept(Message(Kind.HALT, utc_nanoseconds(self.utc_time), halted))

    def _look_at_the_account(self) -> None:
        """See whether LEAN's positions are the broker's; what was put right in them the core is told by reconciling."""
        wanted = bool(self._findings) or self._core.wants_reconciliation
        found = self._broker.look(utc_nanoseconds(self.utc_time), at_once=wanted)
        if found:
            self._findings = [*self._findings, *found]

    def _meet_portfolio(self) -> None:
        """Hold a core against LEAN's portfolio: one that went on, once told of the day's splits, or that wants it.

        While nobody is sure what the broker holds it waits.
        """
        if self.live_mode:
            self._look_at_the_account()
        if self._broker.is_sure and (self._findings or self._core.wants_reconciliation):
            self._said = meet_portfolio(
                self,
                self._core,
                self._marshal,
                self._findings,
                identifiers=self._teller.told.broker_orders,
                cancels=self.alo.lost_tags == "cancel",
                said=self._said,
                listed=Listed(self._teller.told.contracts, self._close_at, self._paid_since, self._begun_before),
            )
            self._findings = []
            self._hosted.keep(utc_nanoseconds(self.utc_time))

    def _close_at(self, number: int, time: int) -> float:
        return self._host.close_at(self._core.instruments.symbol(number), time)

    def _paid_since(self, number: int, time: int) -> float:
        """Dividends a share of an underlying that have gone ex after the day of a time, up to this session's."""
        day, today = day_of(time), self._teller.told.session
        if today is None or day >= today:
            return 0.0
        found = self._host.dividends(self._core.instruments.symbol(number), day + CALENDAR_DAY, today)
        return math.fsum(each.amount for each in found)

    def _begin_session(self) -> None:
        """Tell the core what holds for the whole session."""
        time, session = utc_nanoseconds(self.utc_time), self._host.session(self.time.date())
        before = self._teller.told.session if self.live_mode else None
        if before is not None:
            self._begun_before = self._host.session(before).open
        for message in self._teller.begin(session, time):
            for sentence in told_late(message, session, before, self._core.instruments, self._core.holdings):
                self._core.remark(remark(HostEvent.RECOVERY, time, sentence))
                self.log(f"alo recovery: {sentence}")
            self._core.accept(message)
        self._marshal.begin_session(self._teller.told)
        self._meet_portfolio()
        if self._core.open_frame(self._timetable.preparation(time)):
            self._run_frame()  # data and fills may have come before, where LEAN began late

    def _offer_frame(self) -> None:
        """Open a frame if something has arrived."""
        self._meet_portfolio()
        for _ in self._hosted.frames(utc_nanoseconds(self.utc_time)):
            self._run_frame()

    def _run_frame(self) -> None:
        """Let LEAN's framework models run the open frame, the last of them to its end, where its orders are sent.

        LEAN asks portfolio construction, risk and execution within the call that emits the insights.
        """
        self.emit_insights(self.frame_insights(self.current_slice))

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
                self._offer_frame()
            self._hosted.keep(utc_nanoseconds(self.utc_time))

    def _on_second(self) -> None:
        """Live, LEAN looks at its events once a second, and fills come when they come: a frame may open at each look.

        From the session's beginning until a little after the close, when its last bars and fills are in.
        """
        if self._timetable.may_open(self._host.session(self.time.date()), utc_nanoseconds(self.utc_time)):
            self._on_time()
            with self._one_at_a_time:
                self._results.show(utc_nanoseconds(self.utc_time))
                self._notifications.send(utc_nanoseconds(self.utc_time))
                keep_kernels_live(self)
            return
        with self._one_at_a_time:
            self._hosted.keep(utc_nanoseconds(self.utc_time))
            self._notifications.send(utc_nanoseconds(self.utc_time))

    def _event_times(self, dates: Iterable[dt.datetime]) -> list[dt.datetime]:
        """In UTC: when sessions begin, and when frames may open. LEAN's dates go on for years after the end."""
        days = takewhile(lambda day: day <= self.alo.end, (date.date() for date in dates))
        return [utc_datetime(time) for day in days for time in self._timetable.events(self._host.session(day))]
