"""The embedded engine: the trading core over LEAN's files, with a simulated broker in LEAN's place."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from alo_lib.core import CoreState, pack, program, unpack
from alo_lib.journal import (
    JOURNAL_FOLDER,
    Durability,
    JournalError,
    JournalFolder,
    SnapshotStore,
    messages_of,
)
from alo_lib.market import ContractKey, DataFindings, DataFolder, FaultLog
from alo_lib.market.calendar import utc_time
from alo_lib.records import CALENDAR_DAY, Kind, Message, Records, Session, sent_together
from alo_lib.runtime import (
    Beginning,
    Continuation,
    HostPosition,
    MarketRecord,
    Teller,
    Timetable,
    begin,
    reconcile,
)
from alo_lib.runtime.policy_file import policy_of_run, require_policy_told
from alo_lib.runtime.showing import Showing
from alo_lib.settings import Settings, SettingsError
from alo_lib.simulation.account import Account
from alo_lib.simulation.bars import BarsEnding
from alo_lib.simulation.broker import Broker, send
from alo_lib.simulation.data_check import require_data
from alo_lib.simulation.feed import Feed, FeedState, require_no_model
from alo_lib.simulation.interest import MarginInterest
from alo_lib.simulation.listing import Listing
from alo_lib.simulation.money import decimal
from alo_lib.simulation.nights import Nights
from alo_lib.simulation.orders import OrderEvent
from alo_lib.simulation.prices import Prices
from alo_lib.simulation.results import Outcome, write_results
from alo_lib.simulation.sampling import Sampler
from alo_lib.simulation.settlement import Settlement
from alo_lib.simulation.statistics import portfolio_statistics, trade_statistics
from alo_lib.simulation.trades import TradeBuilder
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.telemetry import EngineKind, RunPhase

__all__ = ["BacktestResult", "Progress", "run_backtest", "run_program"]

_BARS_A_SNAPSHOT: Final = 30
"""Deciding so many again takes less than a second; keeping a run takes as long as deciding one or two."""
_RUN: Final = ("alo_lib.simulation.engine",)
"""What decides a run: the broker and the account as well as the core."""


Progress = Callable[[dt.date, float], None]
"""Called with the simulated day and the share of the run that is done."""


def run_program() -> str:
    """Names the sources of all that decides a run: the same program, settings and data give the same bytes."""
    return program(_RUN)


@dataclass(frozen=True)
class BacktestResult:
    """What a run says beside the journal and the results in its folder, of which ``views.Run`` tells what it did."""

    folder: Path
    findings: DataFindings
    faults: FaultLog
    recovery: tuple[str, ...] = ()  # what was found in a journal that this run continued, in sentences


def run_backtest(
    settings: Settings,
    data_folder: Path | str,
    results_folder: Path | str,
    *,
    progress: Progress | None = None,
    durability: Durability = Durability.OS,
    resume: bool = False,
    findings: DataFindings | None = None,
    shown: bool = True,
) -> BacktestResult:
    """Run the core over ``data_folder`` and write the journal and LEAN's result files into ``results_folder``.

    The results folder must exist. ``resume`` continues the run whose journal is in it, from its last snapshot; what
    that journal has beyond the snapshot is decided again and compared. ``durability`` says when journal entries are on
    disk. ``findings`` are what :func:`require_data` found; without them the folder is measured here. While it runs, how
    it stands is ``shown`` in the results folder.

    :raises DataError: when the data cannot be used at all.
    :raises JournalError: when the journal cannot be written or continued.
    :raises SettingsError: when it was written under other settings.
    :raises PolicyError: when there is no policy of that name, or it was begun with another.
    :raises DivergenceError: when the run does not come to the same again.
    :raises OSError: when a result file cannot be written.
    """
    if settings.core_process:
        raise SettingsError(
            f"setting core-process is {settings.core_process!r}; only LEAN can attach to a core process, leave it empty"
        )
    require_no_model(settings)
    folder, results = DataFolder(data_folder), Path(results_folder)
    findings = require_data(settings, data_folder) if findings is None else findings
    policy = policy_of_run(settings, results, resume=resume)
    place = JournalFolder(results / JOURNAL_FOLDER, run_program(), durability=durability, fresh=not resume)
    beginning = begin(settings, place)
    if beginning.left_out:
        raise JournalError(
            f"journal {place.name} leaves messages out, which the data of a backtest tell again; 'alo replay' goes on "
            "without them, a backtest cannot"
        )
    journal, hear = results / JOURNAL_FOLDER, beginning.findings.append
    showing = Showing.in_results(results if shown else None, EngineKind.EMBEDDED, settings, journal, hear)
    try:
        require_policy_told(policy, beginning.told.policy, settings.policy)
        run = _Run(settings, folder, findings, beginning, place.snapshots, policy, showing)
        run.run(progress)
    except BaseException:
        try:
            beginning.writer.leave()  # which syncs, and times it
        finally:
            showing.end(RunPhase.FAILED)
        raise
    beginning.writer.close()
    showing.end(RunPhase.STOPPED)
    place.snapshots.clear()  # a finished run needs none
    messages = place.closed().messages
    write_results(results, run.outcome(messages))
    return BacktestResult(results, findings, folder.faults, tuple(beginning.findings))


class _SessionStart(NamedTuple):
    """What was told, feed and faults as they are when a session has begun."""

    told: MarketRecord
    feed: FeedState
    faults: FaultLog


class _State(NamedTuple):
    """A run after one of its bars; what its parts share is stored once, here."""

    session: int
    time: int
    session_start: bytes
    core: CoreState
    listing: Listing
    prices: Prices
    account: Account
    broker: Broker
    settlement: Settlement
    interest: MarginInterest
    trades: TradeBuilder
    midnights: list[int]
    sampler: Sampler


class _Run:
    """One run: everything that changes while it goes on. It begins where the journal's snapshot was taken."""

    def __init__(
        self,
        settings: Settings,
        folder: DataFolder,
        findings: DataFindings,
        beginning: Beginning,
        snapshots: SnapshotStore,
        policy: HedgingPolicy | None,
        showing: Showing,
    ) -> None:
        self._writer, self._snapshots = beginning.writer, snapshots
        # What the feed brings about again is compared with what is recorded, and the rest is journaled.
        self._journal = Continuation(beginning.recorded, beginning.start, beyond=self._writer)
        self._showing = showing
        self._settings = settings
        self._folder = folder
        self._feed = Feed(settings, folder, findings)
        self._timetable = Timetable(settings)
        self._zone = self._feed.hours.exchange_zone
        self._listing, self._prices = Listing(), Prices()
        self._account = Account(settings.cash, self._listing)
        bar = settings.bar_nanoseconds
        self._broker = Broker(self._listing, self._prices, self._account, bar=bar)
        self._nights = Nights(settings, folder)
        histories = {ticker: folder.map_file(ticker) for ticker in settings.underlyings}
        self._settlement = Settlement(
            self._listing,
            self._prices,
            self._account,
            self._broker,
            histories=histories,
            zone=self._zone,
            bar=bar,
        )
        self._interest = MarginInterest(settings, self._prices, self._account)
        self._trades = TradeBuilder(self._listing)
        self._midnights = [
            utc_time(settings.start + n * CALENDAR_DAY, dt.timedelta(), self._zone)
            for n in range((settings.end - settings.start).days + 2)
        ]
        start, end = self._midnights[0], self._midnights[-1]
        self._sampler = Sampler(self._account, self._prices, start=start, end=end)
        self._session = -1  # that is being traded
        self._session_start = b""  # told, feed and faults as of its beginning, packed once for its snapshots
        self._resumed: int | None = None  # the time that a session is gone on after
        self._unsaved = 0  # bars since the last snapshot
        state: _State | None = None
        if beginning.snapshot is not None:
            state = unpack(_State, beginning.snapshot.state, settings=settings, zone=self._zone, histories=histories)
        showing.know(beginning.recorded[: beginning.start])
        sink = showing.sink(self._writer, self._journal)
        self._core = beginning.core(sink, None if state is None else state.core)
        showing.begin(self._core, None)
        showing.run()
        told = None if state is None else self._resume(state)
        self._teller = Teller(settings, self._core, self._feed, told, policy)

    def run(self, progress: Progress | None) -> None:
        """All sessions, one after the other."""
        sessions = self._feed.sessions
        for index, session in enumerate(sessions):
            if index < self._session:
                continue
            if self._resumed is None:
                self._pass_night(sessions[index - 1] if index else None, session)
            self._session = index
            for share in self._trade(session):
                if progress is not None:
                    progress(session.day, (index + share) / len(sessions))
        self._end_run(sessions[-1])
        self._core.stop()
        if progress is not None:
            progress(self._settings.end, 1.0)

    def outcome(self, messages: Sequence[Message]) -> Outcome:
        """What the finished run leaves behind; ``messages`` are its journal's."""
        curves = self._sampler.curves
        notices = [
            (message.time, row["text"].decode(errors="replace"))
            for _, message in messages_of(messages, Kind.NOTICE)
            for row in message.records
        ]
        return Outcome(
            settings=self._settings,
            listing=self._listing,
            histories={ticker: self._folder.map_file(ticker) for ticker in self._settings.underlyings},
            prices=self._prices,
            account=self._account,
            orders=self._broker.orders,
            trades=self._trades.closed,
            curves=curves,
            portfolio=portfolio_statistics(
                curves, self._account.profits, self._account.start, self._folder.interest_rates.rate_at
            ),
            trade_statistics=trade_statistics(self._trades.closed),
            notices=notices,
            zone=self._zone,
        )

    # A session -----------------------------------------------------------------------------------------------------

    def _trade(self, session: Session) -> Iterable[float]:
        """One session, yielding the share of it that is done."""
        time = session.open
        if self._resumed is None:
            self._broker.begin_session(session.open, session.close)
            self._begin(session)
            faults = FaultLog()
            faults.replace_by(self._folder.faults)
            self._session_start = pack(_SessionStart(self._teller.told, self._feed.state, faults))
        else:
            time, self._resumed = self._resumed, None
        after = time
        for step in self._feed.bars(session, self._teller.told).steps():
            if step.time <= after and after > session.open:
                continue
            time = step.time
            self._take(step, session)
            for frame in self._timetable.frames_after(time):
                self._frame(frame)
            self._unsaved += 1
            if self._unsaved >= _BARS_A_SNAPSHOT:
                self._save_snapshot(time)
                self._unsaved = 0
            yield (time - session.open) / (session.close - session.open)
        if time < session.close:  # no bar ends at the close
            self._tell(self._broker.scan(session.close))

    def _save_snapshot(self, time: int) -> None:
        """Keep the run as it is after a bar, unless it still goes through what is recorded."""
        if not self._journal.at_end:
            return
        state = _State(
            self._session,
            time,
            self._session_start,
            self._core.snapshot(),
            self._listing,
            self._prices,
            self._account,
            self._broker,
            self._settlement,
            self._interest,
            self._trades,
            self._midnights,
            self._sampler,
        )
        self._snapshots.save(self._writer.sequence, self._writer.checksum, pack(state))

    def _resume(self, state: _State) -> MarketRecord:
        """Be the run that a snapshot was taken of. Returns what it had told."""
        self._session, self._resumed, self._session_start = state.session, state.time, state.session_start
        told, feed, faults = unpack(_SessionStart, state.session_start)
        self._feed.resume(feed)
        self._folder.faults.replace_by(faults)
        self._listing, self._prices, self._account = state.listing, state.prices, state.account
        self._broker, self._settlement, self._interest = state.broker, state.settlement, state.interest
        self._trades, self._midnights, self._sampler = state.trades, state.midnights, state.sampler
        return told

    def _begin(self, session: Session) -> None:
        core, time = self._core, self._timetable.begin(session)
        for message in self._teller.begin(session, time):
            if message.kind is Kind.INSTRUMENT:
                self._listing.add(message.records)
                self._prices.grow(len(core.instruments))
            elif message.kind is Kind.SPLIT:
                self._split(message.records)
            core.accept(message)
        self._settlement.begin_session(self._teller.told.today)
        if core.open_frame(self._timetable.preparation(time)):
            core.run()

    def _split(self, rows: Records) -> None:
        for row in rows:
            instrument, factor = int(row["instrument"]), float(row["factor"])
            if row["warning"]:
                self._settlement.warn_of_split(instrument)
            else:
                self._settlement.split(instrument, factor)
                self._trades.split(instrument, decimal(factor))

    def _take(self, step: BarsEnding, session: Session) -> None:
        """New bars: first what they do to positions and waiting orders, then the bars themselves, as in LEAN."""
        self._prices.trade(step.time, step.trades, step.trade_bars)
        self._prices.option_trade(step.time, step.option_trades)
        self._trades.follow_traded_options(self._prices)
        self._prices.quote(step.time, step.quotes, step.quote_bars)
        self._trades.follow(self._prices)
        for message in self._interest.scan(self._teller.told, step.time):
            self._core.accept(message)
        self._tell(self._settlement.assign(step.time))
        self._tell(self._settlement.liquidate_before_split(step.time, session.close))
        self._tell(self._broker.scan(step.time))
        for message in step.messages():
            self._core.accept(message)
        self._sampler.observe(step.time)

    def _frame(self, time: int) -> None:
        """A frame, unless nothing has arrived; what it sends goes to the broker."""
        if not self._core.open_frame(time):
            return
        intents = self._core.run()
        self._showing.sent()
        for row in self._core.amendments:
            limit = None if row["cancel"] else float(row["limit"])
            self._tell(self._broker.amend(int(row["order"]), time, limit))
        for sent in sent_together(intents):
            self._tell(send(self._broker, sent, time))

    def _tell(self, events: Iterable[OrderEvent]) -> None:
        for event in events:
            if event.quantity:
                self._trades.fill(event)
            self._core.accept(event.told())
        if self._core.wants_reconciliation:
            self._reconcile()

    def _reconcile(self) -> None:
        """Hold the core against the account, as a live host does."""
        time = self._core.last_frame
        positions = {
            number: HostPosition(each.quantity, float(each.average_price)) for number, each in self._account.held()
        }
        found = reconcile(self._core, positions, self._broker.open_orders(), time)
        for message in [*found.remarks(time), *found.messages]:
            (self._core.remark if message.kind.is_remark else self._core.accept)(message)

    # Between sessions ----------------------------------------------------------------------------------------------

    def _pass_night(self, before: Session | None, after: Session) -> None:
        """What happens between two sessions, or before the first: LEAN's looks at positions, and midnights' samples."""
        looks = set(self._nights.before(after, self._expiries(), self._held()))
        over = None if before is None else self._nights.midnight(before.day + CALENDAR_DAY)
        if before is not None and over is not None and self._nights.after(before, self._expiries(), last=False):
            looks.add(over)
        midnights = [time for time in self._midnights if time <= after.open]
        self._midnights = self._midnights[len(midnights) :]
        for time in sorted(looks.union(midnights)):
            if time in looks:
                self._tell(self._settlement.assign(time))
            if time == over:
                self._tell(self._settlement.expire(time))
            if time in midnights:
                self._sampler.midnight(time)
            if time in looks:
                self._sampler.observe(time)
            if time == self._nights.midnight(after.day):
                self._pay_dividends(after.day)

    def _pay_dividends(self, day: dt.date) -> None:
        """Pay what goes ex on a day, as LEAN does when the day begins, on what was told before and may be held."""
        for ticker, number in self._teller.told.underlyings.items():
            for each in self._feed.dividends(ticker, day, day):
                self._settlement.dividend(number, each.amount)

    def _end_run(self, session: Session) -> None:
        """The last time of a run, at which it is sampled: the midnight after, where data come then, else the close."""
        time = session.close
        if self._nights.after(session, self._expiries(), last=True):
            time = self._nights.midnight(session.day + CALENDAR_DAY)
            self._tell(self._settlement.assign(time))
        self._sampler.midnight(time)

    def _held(self) -> dict[str, list[ContractKey]]:
        """Contracts held, by underlying."""
        found: dict[str, list[ContractKey]] = {}
        for number, _ in self._account.held():
            contract = self._listing[number]
            if contract.is_option:
                key = ContractKey(contract.expiry_date, float(contract.strike), contract.right)
                found.setdefault(self._listing[contract.underlying].symbol, []).append(key)
        return found

    def _expiries(self) -> list[int]:
        """When the last sessions of today's contracts end."""
        return [self._listing[number].expiry for number in self._settlement.securities]
