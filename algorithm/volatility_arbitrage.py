"""The main job inside LEAN: volatility arbitrage on American options."""

import datetime as dt
import math
import threading
from collections.abc import Iterable
from functools import partial

import numpy as np
from AlgorithmImports import (
    AccountType,
    BrokerageMessageEvent,
    BrokerageName,
    DataNormalizationMode,
    Delistings,
    Dividend,
    Dividends,
    DynamicData,
    Equity,
    FuncTimeRule,
    OptionFilterUniverse,
    OrderEvent,
    Resolution,
    SecurityChanges,
    Slice,
    Split,
    Splits,
    SplitType,
    SubmitOrderRequest,
    Symbol,
    SymbolChangedEvents,
)

from algorithm.framework_algorithm import FrameworkAlgorithm
from alo_lib.core import Settings, TradingCore
from alo_lib.executive import BudgetWatch
from alo_lib.journal import JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import Contract, HostEvent, Kind, Message, Records, records
from alo_lib.runtime import BackgroundCalibrator, RemoteCore, Told, continue_core, reconcile
from alo_lib.runtime.link import Channel, LinkPhase
from alo_lib.strategy import select_contracts
from alo_lib.transport import default_folder
from models import AloOptionPriceModel, AloVolatilityModel, HostEvents, Marshal
from models.marshalling import contract_of, expiry_time, nanoseconds, order_number, utc_datetime, utc_nanoseconds
from models.recovery import (
    Keeper,
    held_names,
    host_orders,
    host_positions,
    option_symbol,
    remove_segments,
    save_segment,
    stored_segments,
    stored_snapshots,
)
from models.volatility_model import split_adjusted_bars

__all__ = ["VolatilityArbitrageAlgorithm"]

_SESSION_START = dt.timedelta(hours=9)
"""After midnight."""
_LIVE_SEGMENT = 1 << 20
"""Bytes: live, the open segment is saved whole after every frame."""
_LIVE_LOOK = dt.timedelta(seconds=1)
_LIVE_AFTER_CLOSE = dt.timedelta(minutes=2)
_DIVIDENDS_LOOKED_BACK = dt.timedelta(days=400)
_RESOLUTIONS = {"minute": Resolution.MINUTE, "hour": Resolution.HOUR}
_CLOSES_REREAD = 10
"""Sessions of history asked for each day, of which those not told yet are told."""


class VolatilityArbitrageAlgorithm(FrameworkAlgorithm):
    """Tells the trading core what LEAN tells it, opens its frames on LEAN's schedule, and sends what it decides."""

    def initialize(self) -> None:
        """Subscribe to the underlyings and their chains, and plug the models in."""
        self.alo = Settings.of({pair.key: pair.value for pair in self.get_parameters()})
        self.set_start_date(self.alo.start.year, self.alo.start.month, self.alo.start.day)
        self.set_end_date(self.alo.end.year, self.alo.end.month, self.alo.end.day)
        self.set_cash(self.alo.cash)
        self.set_brokerage_model(BrokerageName.INTERACTIVE_BROKERS_BROKERAGE, AccountType.MARGIN)
        self._one_at_a_time = threading.RLock()  # live, LEAN calls back on three threads
        self._begun: dt.date | None = None
        self._bars = _RESOLUTIONS[self.alo.resolution]
        self._store = MemoryStore(partial(save_segment, self))
        self._keeper: Keeper | None = None  # of a live core in this process
        self._earlier: list[bytes] = []  # segments of the processes before this one
        self._told = Told()
        self._findings: list[str] = []  # of a recovery, until they are told
        self._core: TradingCore | RemoteCore = self._attach() if self.alo.core_process else self._own_core()
        self._marshal = Marshal()
        self._host = HostEvents(self._remark, lambda: utc_nanoseconds(self.utc_time), self._marshal)
        self._equities: dict[str, Equity] = {}
        self._underlyings: list[Records] = []  # not told to the core yet
        self._selected: dict[str, dict[Contract, Symbol]] = {}
        self._known: dict[int, tuple[Contract, Symbol]] = {}
        self._last_close: dict[str, int] = {}
        self._dividends_told: set[str] = set()
        self._corporate_actions: list[tuple[Kind, Symbol, Records]] = []
        for ticker in self.alo.underlyings:
            self._subscribe(ticker)
        self._marshal.begin_session({number: self._known[number][1] for number in sorted(self._told.today)})
        self.plug_in(self._core, self._marshal)
        self._hours = self._equities[self.alo.underlyings[0]].exchange.hours
        days = self.date_rules.every_day(self._equities[self.alo.underlyings[0]].symbol)
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

    def on_dividends(self, dividends: Dividends) -> None:
        """Keep what goes ex today for the session's beginning."""
        self._host.capture_each(
            HostEvent.DIVIDEND, dividends.values(), lambda each: {"value": float(each.distribution)}
        )
        for dividend in dividends.values():
            self._corporate_actions.append((Kind.DIVIDEND, dividend.symbol, self._dividend_row(dividend)))

    def on_splits(self, splits: Splits) -> None:
        """Keep today's splits, and warnings of the next session's, for the session's beginning."""
        self._host.capture_each(HostEvent.SPLIT, splits.values(), lambda each: {"value": float(each.split_factor)})
        for split in splits.values():
            row = records(
                Kind.SPLIT,
                time=self._open_of(self.time),
                instrument=self._marshal.number(split.symbol),
                warning=split.type == SplitType.WARNING,
                factor=float(split.split_factor),
            )
            self._corporate_actions.append((Kind.SPLIT, split.symbol, row))

    def on_order_event(self, order_event: OrderEvent) -> None:
        """Put in what happened to an order."""
        order = self.transactions.get_order_by_id(order_event.order_id)
        time = utc_nanoseconds(self.utc_time)
        with self._one_at_a_time:
            self._core.accept(self._marshal.order_event(order_event, order.tag, int(order.type), time))

    def on_assignment_order_event(self, assignment_event: OrderEvent) -> None:
        """Journal it; the fill itself comes as an order event."""
        quantity = float(assignment_event.fill_quantity)
        order = assignment_event.order_id
        self._host.capture(HostEvent.ASSIGNMENT, assignment_event.symbol, order=order, quantity=quantity)

    def on_securities_changed(self, changes: SecurityChanges) -> None:
        """Journal which securities came and went; the session's beginning tells the core of its contracts."""
        kind = HostEvent.SECURITIES_CHANGED
        self._host.capture_each(kind, changes.added_securities, lambda each: {"quantity": 1.0})
        self._host.capture_each(kind, changes.removed_securities, lambda each: {"quantity": -1.0})

    def on_delistings(self, delistings: Delistings) -> None:
        """Journal them; LEAN settles what is held."""
        self._host.capture_each(HostEvent.DELISTING, delistings.values(), lambda each: {"text": str(each.type)})

    def on_symbol_changed_events(self, symbols_changed: SymbolChangedEvents) -> None:
        """Journal new names."""
        self._host.capture_each(
            HostEvent.SYMBOL_CHANGED,
            symbols_changed.values(),
            lambda each: {"text": f"{each.old_symbol} is {each.new_symbol}"},
        )

    # The stubs know of no result; LEAN wants the orders to send.
    def on_margin_call(self, requests: list[SubmitOrderRequest]) -> list[SubmitOrderRequest]:  # type: ignore[override]
        """Journal what LEAN is about to sell, and let it."""
        self._host.capture_each(HostEvent.MARGIN_CALL, requests, lambda each: {"quantity": float(each.quantity)})
        return requests

    def on_margin_call_warning(self) -> None:
        """Journal that a margin call is near."""
        self._host.capture(HostEvent.MARGIN_CALL_WARNING)

    def on_end_of_day(self, symbol: Symbol) -> None:
        """Journal the end of an underlying's day."""
        if symbol in [equity.symbol for equity in self._equities.values()]:
            self._host.capture(HostEvent.END_OF_DAY, symbol)

    def on_warmup_finished(self) -> None:
        """Journal that history has been told; a core that went on from its journal now meets LEAN's portfolio."""
        self._host.capture(HostEvent.WARMUP_FINISHED)
        with self._one_at_a_time:
            self._reconcile()

    def on_brokerage_message(self, message_event: BrokerageMessageEvent) -> None:
        """Journal what the broker says."""
        self._host.capture(HostEvent.BROKERAGE_MESSAGE, text=f"{message_event.code} {message_event.message}")

    def on_brokerage_disconnect(self) -> None:
        """Journal that the broker is gone."""
        self._host.capture(HostEvent.BROKERAGE_DISCONNECT)

    def on_brokerage_reconnect(self) -> None:
        """Journal that the broker is back."""
        self._host.capture(HostEvent.BROKERAGE_RECONNECT)

    def on_command(self, data: DynamicData) -> bool:
        """Journal a command; none is obeyed."""
        self._host.capture(HostEvent.COMMAND, text=str(data))
        return False

    def _remark(self, message: Message) -> None:
        with self._one_at_a_time:
            self._core.remark(message)

    def on_end_of_algorithm(self) -> None:
        """Close the journal; it goes to LEAN's object store. A core that keeps its own time outlives its host."""
        if isinstance(self._core, RemoteCore):
            if self.live_mode:
                self._core.stop()
                return
            images = self._core.end()
            for number, data in enumerate(images):
                save_segment(self, number, data)
            self._core.stop()
        else:
            self._host.capture(HostEvent.END_OF_ALGORITHM)
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
            self._told, self._begun = continued.told, continued.told.session
        core.calibrate_with(calibrator)
        core.watch_with(BudgetWatch())
        self._keeper = Keeper(self, core, self._writer)
        return core

    def _keep_journal(self) -> None:
        """Save what a live core has journaled."""
        if self._keeper is not None:
            self._keeper.keep(utc_nanoseconds(self.utc_time))

    def _take_up(self, ticker: str, number: int, equity: Equity) -> None:
        """Know again what an earlier process had told the core of an underlying."""
        self._dividends_told.add(ticker)
        if number in self._told.last_close:
            self._last_close[ticker] = self._told.last_close[number]
        for instrument, (underlying, contract) in sorted(self._told.contracts.items()):
            if underlying == number:
                self._known[instrument] = contract, option_symbol(equity.symbol, contract)

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
            self._begun = self._told.session
            if self._told.underlyings:
                self._findings = [f"the core went on without LEAN; it has journaled {count} messages"]
        return remote

    # Sessions and frames -------------------------------------------------------------------------------------------

    def _subscribe(self, ticker: str) -> None:
        equity = self.add_equity(ticker, self._bars, data_normalization_mode=DataNormalizationMode.RAW)
        equity.set_volatility_model(AloVolatilityModel(self, self.alo))
        option = self.add_option(ticker, self._bars)
        option.set_price_model(AloOptionPriceModel(self))
        option.set_filter(lambda universe: self._select(ticker, universe))
        self._equities[ticker] = equity
        if ticker in self._told.underlyings:
            number = self._told.underlyings[ticker]
            self._take_up(ticker, number, equity)
        else:
            record = self._core.instruments.add_equity(ticker)
            number = int(record["instrument"][0])
            self._underlyings.append(record)
        self._marshal.add_underlying(number, equity.symbol)

    def _select(self, ticker: str, universe: OptionFilterUniverse) -> list[Symbol]:
        """LEAN's filter, once a day: the contracts that the scanner wants to look at."""
        expiries: dict[dt.date, int] = {}
        listed: dict[Contract, Symbol] = {}
        for data in universe:
            expiry = data.symbol.id.date.date()
            if expiry not in expiries:
                expiries[expiry] = expiry_time(self._hours, expiry)
            listed[contract_of(data, expiries[expiry])] = data.symbol
        reference_price = float(universe.underlying.price)
        chosen = select_contracts(self.alo, self.time.date(), reference_price, listed)
        self._selected[ticker] = {contract: listed[contract] for contract in chosen}
        return list(self._selected[ticker].values())

    def _begin_session(self) -> None:
        """Tell the core what holds for the whole session, in the order in which every engine tells it."""
        midnight = dt.datetime.combine(self.time.date(), dt.time())
        close = nanoseconds(self._hours.get_next_market_close(midnight, False))
        date = midnight.year * 10_000 + midnight.month * 100 + midnight.day
        if self._underlyings:
            self._tell(Kind.INSTRUMENT, np.concatenate(self._underlyings))
            self._underlyings = []
        self._tell(Kind.SESSION, records(Kind.SESSION, open=self._open_of(midnight), close=close, date=date))
        rate = self.risk_free_interest_rate_model.get_interest_rate(self.time)
        self._tell(Kind.RATE, records(Kind.RATE, rate=float(rate)))
        for ticker, equity in self._equities.items():
            for kind, rows in self._daily_bars(ticker, equity.symbol):
                self._tell(kind, rows)
            actions = [(kind, row) for kind, symbol, row in self._corporate_actions if symbol == equity.symbol]
            dividends = [row for kind, row in actions if kind is Kind.DIVIDEND]
            self._tell(Kind.DIVIDEND, np.concatenate([self._past_dividends(ticker, equity.symbol), *dividends]))
            for kind, row in actions:
                if kind is Kind.SPLIT:
                    self._tell(kind, row)
        self._corporate_actions = []
        symbols: dict[int, Symbol] = {}
        for ticker in self._equities:
            self._tell(Kind.INSTRUMENT, self._contracts(ticker, symbols))
        self._marshal.begin_session(symbols)
        # Half an hour before the open: what the session needs is prepared, and nothing can be sent.
        if self._core.open_frame(utc_nanoseconds(self.utc_time) + self.alo.frame_nanoseconds):
            self._core.run()

    def _run_frame(self) -> None:
        """Open a frame where something has arrived; LEAN's framework models run it, the last of them to its end.

        Live, LEAN's time may stand still from one event to the next: what has arrived then waits for the one after.
        """
        time = utc_nanoseconds(self.utc_time)
        if self.live_mode and isinstance(self._core, TradingCore) and time <= self._core.last_frame:
            return
        while self._core.open_frame(time):
            self.emit_insights(self.frame_insights(self.current_slice))
            if not (self.live_mode and isinstance(self._core, RemoteCore)):  # which may have answered several
                break

    def _on_time(self) -> None:
        """Begin a session, at the day's first event, or run a frame."""
        with self._one_at_a_time:
            if self._begun != self.time.date():
                self._begun = self.time.date()
                self._begin_session()
            else:
                self._run_frame()
            self._keep_journal()

    def _on_second(self) -> None:
        """Live, LEAN looks at its events once a second, and fills come when they come: a frame may open at each look.

        From the session's beginning until a little after the close, when its last bars and fills are in.
        """
        midnight = dt.datetime.combine(self.time.date(), dt.time())
        close = self._hours.get_next_market_close(midnight, False)
        if midnight + _SESSION_START <= self.time < close + _LIVE_AFTER_CLOSE:
            self._on_time()
            return
        with self._one_at_a_time:
            self._keep_journal()

    def _event_times(self, dates: Iterable[dt.datetime]) -> list[dt.datetime]:
        """In UTC: when sessions begin, and when frames may open, a few in a row after every bar of a session."""
        bar = dt.timedelta(microseconds=self.alo.bar_nanoseconds // 1000)
        frame = dt.timedelta(microseconds=self.alo.frame_nanoseconds // 1000)
        times = []
        for date in dates:
            midnight = dt.datetime.combine(date.date(), dt.time())
            times.append(utc_datetime(midnight + _SESSION_START))
            open_, close = (
                self._hours.get_next_market_open(midnight, False),
                self._hours.get_next_market_close(midnight, False),
            )
            end = midnight + bar * ((open_ - midnight) // bar + 1)
            while end <= close:
                start = utc_datetime(end)
                times += [start + frame * number for number in range(1, self.alo.frames_per_bar + 1)]
                end += bar
        return times

    def _tell(self, kind: Kind, rows: Records) -> None:
        if len(rows):
            self._core.accept(Message(kind, utc_nanoseconds(self.utc_time), rows))

    def _daily_bars(self, ticker: str, symbol: Symbol) -> list[tuple[Kind, Records]]:
        """Daily bars that the core has not been told: ranges, then closes."""
        known = self._last_close.get(ticker)
        count = self.alo.garch_history + 1 if known is None else _CLOSES_REREAD
        bars = [(nanoseconds(time), *prices) for time, prices in split_adjusted_bars(self, symbol, count)]
        fresh = [bar for bar in bars if known is None or bar[0] > known]
        if fresh:
            self._last_close[ticker] = fresh[-1][0]
        number = self._marshal.number(symbol)
        ranges = [(time, number, 0, open_, high, low) for time, open_, high, low, _ in fresh]
        closes = [(time, number, 0, close) for time, *_, close in fresh]
        return [
            (Kind.RANGE, np.array(ranges, records(Kind.RANGE, 0).dtype)),
            (Kind.CLOSE, np.array(closes, records(Kind.CLOSE, 0).dtype)),
        ]

    def _past_dividends(self, ticker: str, symbol: Symbol) -> Records:
        """Dividends of the past year, told in the first session."""
        none = records(Kind.DIVIDEND, 0)
        if ticker in self._dividends_told:
            return none
        self._dividends_told.add(ticker)
        span = (symbol, self.time - _DIVIDENDS_LOOKED_BACK, self.time, Resolution.DAILY)
        today = self.time.date()
        splits = [
            split
            for split in self.history[Split](*span)
            if split.type == SplitType.SPLIT_OCCURRED and split.time.date() < today
        ]
        rows = [self._dividend_row(each, splits) for each in self.history[Dividend](*span) if each.time.date() < today]
        return np.concatenate([none, *rows])

    def _dividend_row(self, dividend: Dividend, later: Iterable[Split] = ()) -> Records:
        """A dividend per share as shares are after the splits that came later."""
        factors = [float(split.split_factor) for split in later if split.time > dividend.time]
        return records(
            Kind.DIVIDEND,
            time=self._open_of(dividend.time),
            instrument=self._marshal.number(dividend.symbol),
            amount=math.prod(factors, start=float(dividend.distribution)),
        )

    def _contracts(self, ticker: str, symbols: dict[int, Symbol]) -> Records:
        """Today's contracts of one underlying: those selected, and those held though not selected any more."""
        number = self._marshal.number(self._equities[ticker].symbol)
        today = dict(self._selected.get(ticker, {}))
        for held in self._core.contracts_open(number):
            contract, symbol = self._known[held]
            if not any(contract.same_as(other) for other in today):
                today[contract] = symbol
        rows = self._core.instruments.add_contracts(ticker, today)
        for contract, row in zip(sorted(today), rows, strict=True):
            symbols[int(row["instrument"])] = today[contract]
            self._known[int(row["instrument"])] = contract, today[contract]
        return rows

    def _open_of(self, day: dt.datetime) -> int:
        """When the session of a day opens."""
        return nanoseconds(self._hours.get_next_market_open(dt.datetime.combine(day.date(), dt.time()), False))
