"""The tasks of a frame: each reads the state, asks the strategy, writes the state, and returns what is to be journaled.

Nothing is decided here.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from alo_lib.core import overruling
from alo_lib.core.calibrator import Calibrator, PendingCalibration
from alo_lib.core.ingest import ingest
from alo_lib.core.state import State
from alo_lib.executive import Frame
from alo_lib.records import BookMode, Kind, Message, OrderReason, Records, Stage, TargetStage, one_table, records
from alo_lib.strategy.accounting import go_ex
from alo_lib.strategy.basket_scan import index_of, scan_basket
from alo_lib.strategy.carry import follow_carries
from alo_lib.strategy.choice import CHOICES
from alo_lib.strategy.commands import follow_commands, note_decisions
from alo_lib.strategy.edge_costs import Moment
from alo_lib.strategy.event_sizes import events_told, imply_events
from alo_lib.strategy.execution import all_canceled, changes_wanted, orders_toward
from alo_lib.strategy.exits import end_trades
from alo_lib.strategy.exposure import equity, measure, value_chains
from alo_lib.strategy.funnel import count_stops, count_trades, take_new_funnels, widen, widen_by
from alo_lib.strategy.halts import flatten, halt_on_losses
from alo_lib.strategy.limits import new_uses, review
from alo_lib.strategy.market_watch import look_at_markets
from alo_lib.strategy.reports import reports
from alo_lib.strategy.scanner import scan
from alo_lib.strategy.sending import ask, send
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.targets import Target, closed_targets, latest_targets, trade_targets, wanted_targets
from alo_lib.strategy.trade import Trade
from alo_lib.volatility import VolatilityError

__all__ = [
    "Decisions",
    "Work",
    "execute",
    "final_targets",
    "forecast",
    "limit",
    "publish",
    "rank_nothing",
    "signal",
    "take_in",
    "target",
    "value",
]


Decisions = Iterable[tuple[Kind, Records]]
"""What a task decided, in the order in which it is journaled; of an empty table nothing is."""


class Work(NamedTuple):
    """What the tasks of a frame work on."""

    state: State
    waiting: deque[Message]  # the inputs that no frame has taken in
    calibrator: Calibrator
    decided: Sequence[Message] = ()  # in a frame that is followed, what a journal says was decided


def take_in(work: Work, frame: Frame) -> Decisions:
    """Take in what has arrived."""
    state = work.state
    for underlying in state.strategy.underlyings.values():
        underlying.market_news = False
    while work.waiting:
        message = work.waiting.popleft()
        if message.kind is Kind.CALIBRATION:
            _install(work, message)
        else:
            ingest(state, message)
    go_ex(state.strategy, frame.time)
    return ()


def forecast(work: Work, frame: Frame) -> Decisions:
    """Forecast each expiry's volatility, and tell the regimes, once a session and after each calibration."""
    _follow(work, frame.time)
    strategy = work.state.strategy
    made, regimes = [], []
    if strategy.session is None or not strategy.session.is_open(frame.time):
        return ()
    for number, underlying in strategy.underlyings.items():
        intraday = work.state.settings.intraday_forecast
        if not underlying.session_news:
            if intraday and underlying.market_news:
                underlying.forecast_again(frame.time)
            continue
        underlying.session_news = False
        if strategy.calendar:
            underlying.variance_time.set_clock(strategy.calendar)
        imply_events(underlying.variance_time, underlying.book, strategy.rate, frame.time)
        _tell_events(strategy, underlying, frame.time)
        underlying.forecast_expiries(frame.time)
        if intraday:
            underlying.forecast_again(frame.time)
        for expiry, volatility in underlying.forecast.items():
            made.append((number, 0, expiry, volatility, *underlying.band[expiry], underlying.book.spot))
        regimes += [(number, regime, *told) for regime, told in enumerate(underlying.forecaster.regimes)]
    return (
        (Kind.FORECAST, np.array(made, records(Kind.FORECAST, 0).dtype)),
        (Kind.REGIME, np.array(regimes, records(Kind.REGIME, 0).dtype)),
    )


def value(work: Work, frame: Frame) -> Decisions:
    """Look at each market once a session, value the chains, and measure what is held."""
    told = look_at_markets(work.state.strategy, work.state.settings, frame.time)
    value_chains(work.state.strategy, work.state.settings, frame.time)
    measure(work.state.strategy, work.state.settings, frame.time)
    return ((Kind.MARKET_STATE, told),)


def signal(work: Work, frame: Frame) -> Decisions:
    """Rank the structures of every underlying that has news."""
    state, strategy = work.state, work.state.strategy
    stops: list[tuple[int, str]] = []
    scans = [
        scan(
            each.book,
            each.valuation,
            each.screen,
            state.settings,
            Moment(frame.time, strategy.rate, each.band, strategy.learned, equity(strategy)),
        )
        for each in strategy.underlyings.values()
        if each.valuation is not None and each.screen is not None and not strategy.external.decides(Stage.ALPHA)
    ]
    for each in scans:
        widen(strategy, each.funnel)
        stops += each.stops
    found = [each.signals for each in scans]
    index = None if strategy.external.decides(Stage.ALPHA) else index_of(strategy, state.settings)
    if index is not None:
        basket = scan_basket(strategy, state.settings, frame.time)
        widen_by(strategy, index, candidates=basket.candidates, edge=basket.edge)
        stops += basket.stops
        found.append(basket.signals)
    count_stops(strategy, stops)
    state.ranked = True
    state.signals = one_table(Kind.SIGNAL, found)
    return ((Kind.SIGNAL, state.signals),)


def rank_nothing(work: Work, frame: Frame) -> Decisions:
    """In place of :func:`signal`, which saves the time that was lost: the frame opens no risk, whoever would."""
    return ()


def target(work: Work, frame: Frame) -> Decisions:
    """Decide what to hold: which trades end, which are wanted, how many shares hedge them. Told where it changed.

    In a frame whose signals were not made nothing is opened, on insights of the host's models neither: they stand, and
    a later frame acts on them.
    """
    state, strategy = work.state, work.state.strategy
    if strategy.external.decides(Stage.PORTFOLIO):
        state.targets = records(Kind.TARGET, 0)
    else:
        follow_commands(strategy, state.settings, frame.time)
        end_trades(strategy, state.settings, frame.time)
        insights = overruling.signals(state, frame.time) if state.ranked else []
        signals = one_table(Kind.SIGNAL, [*insights, state.signals])
        state.proposals = CHOICES[state.settings.choice](strategy, state.settings, signals, frame.time)
        state.targets = _target_rows(wanted_targets(strategy, state.settings, state.proposals), TargetStage.SIZED)
        strategy.external.forget(state.targets["instrument"].tolist(), frame.time)
    if state.targets.tobytes() == state.told_targets.tobytes():
        return ()
    state.told_targets = state.targets
    return ((Kind.TARGET, state.targets),)


def limit(work: Work, frame: Frame) -> Decisions:
    """Cut proposals that would exceed a limit, or drop them; close the book where it is to be closed.

    Where models of the host alone decide risk, halts alone hold.
    """
    state, strategy = work.state, work.state.strategy
    cut: list[Trade] = []
    if strategy.external.decides(Stage.RISK):
        opened, closed = [] if strategy.halts else state.proposals, flatten(strategy)
        limited = overruling.liquidation(state)
    else:
        halt_on_losses(strategy, state.settings)
        undone = flatten(strategy)
        opened, refused, cut = review(strategy, state.settings, state.proposals, frame.time)
        closed = undone + refused
        limited = overruling.liquidation(state) + overruling.limit_targets(state, frame.time)
    strategy.open_trades(opened)
    count_trades(strategy, state.proposals, opened)
    state.proposals = []
    targets = closed_targets(closed) + trade_targets(cut) + limited
    state.limited = _target_rows(targets, TargetStage.LIMITED)
    return ((Kind.TARGET, state.limited),)


def execute(work: Work, frame: Frame) -> Decisions:
    """Send the orders that the market can fill now, unless somebody else trades what is wanted.

    In a frame in which a person has all orders canceled none is sent.
    """
    state, strategy = work.state, work.state.strategy
    targets = final_targets(state)
    strategy.target_quantities = {target.instrument: target.quantity for target in targets}
    note_decisions(strategy)
    alone = strategy.external.decides(Stage.EXECUTION)
    if strategy.cancel_asked:
        strategy.cancel_asked, alone = False, True
        amended = all_canceled(strategy)
    else:
        amended = [] if alone else changes_wanted(strategy, state.settings, targets, frame.time)
    state.amendments = ask(strategy, amended, frame.time)
    orders = [] if alone else orders_toward(strategy, state.settings, targets, frame.time)
    state.intents = send(strategy, orders, frame.time)
    overruling.settle(state)
    return (Kind.AMENDMENT, state.amendments), (Kind.INTENT, state.intents)


def final_targets(state: State) -> list[Target]:
    """What this frame has come to, one target an instrument: what was put in another's place past risk counts.

    A halted book stays as it is, whoever executes.
    """
    given, past_risk = overruling.targets(state, past_risk=False), overruling.targets(state, past_risk=True)
    targets = [*_targets_of(state.targets), *given, *_targets_of(state.limited), *past_risk]
    latest = latest_targets(targets).values()
    if state.strategy.mode is BookMode.HALTED:
        return [target._replace(quantity=state.strategy.portfolio.quantity(target.instrument)) for target in latest]
    return list(latest)


def publish(work: Work, frame: Frame) -> Decisions:
    """Tell what the book is exposed to, what came of trades, each notice once, and how far structures have come.

    What the market says of carries is taken in for the next frames, once this one's orders are out.
    """
    strategy = work.state.strategy
    follow_carries(strategy, work.state.settings, frame.time)
    exposed = one_table(Kind.EXPOSURE, (underlying.exposure for underlying in strategy.underlyings.values()))
    notices = records(Kind.NOTICE, len(strategy.notices))
    for row, (underlying, text) in zip(notices, strategy.notices, strict=True):
        row["underlying"], row["text"] = underlying, text.encode()
    strategy.notices.clear()
    told = (Kind.NOTICE, notices), (Kind.FUNNEL, take_new_funnels(strategy))
    uses = new_uses(strategy, work.state.settings, frame.time)
    return (Kind.EXPOSURE, exposed), (Kind.LIMIT, uses), *reports(strategy), *told


def _follow(work: Work, time: int) -> None:
    """Follow each underlying's new daily bars, once a session, and ask for the calibrations that are due.

    What a person asks for waits for a calibration that is not in force yet.

    A host that is read while it still tells of the session may have told of its beginning and not of the bars.
    """
    state, strategy = work.state, work.state.strategy
    for number, underlying in strategy.underlyings.items():
        asked = underlying.refit_asked and number not in state.calibrations
        if underlying.session_begun and underlying.new_closes:
            underlying.session_begun = False
            for sentence in (underlying.follow_bars() or "").splitlines():
                strategy.notice(number, f"{underlying.book.ticker}: {sentence}")
        elif not asked:
            continue
        if asked:
            underlying.refit_asked = False
            if problem := underlying.forecaster.ask():
                strategy.notice(number, f"{underlying.book.ticker}: not fitted again, {problem}")
        if underlying.forecaster.due is not None and number not in state.calibrations:
            state.last_calibration += 1
            pending = PendingCalibration(state.last_calibration, time, underlying.forecaster.request())
            state.calibrations[number] = pending
            work.calibrator.begin(pending)


def _tell_events(strategy: StrategyState, underlying: Underlying, time: int) -> None:
    """Tell which events are ahead, whenever that has changed."""
    told = events_told(underlying.variance_time, time)
    if told and told != underlying.variance_time.told:
        strategy.notice(underlying.book.instrument, f"{underlying.book.ticker}: ahead are {told}")
    underlying.variance_time.told = told


def _install(work: Work, message: Message) -> None:
    """Let calibrations count from now on; where one failed, the last good models stay in force."""
    state, strategy = work.state, work.state.strategy
    for number in message.records["underlying"].tolist():
        underlying, pending = strategy.underlyings[number], state.calibrations.pop(number, None)
        if pending is None:
            raise ValueError(f"{underlying.book.ticker} has no calibration that could come into force")
        try:
            result = work.calibrator.take(pending)
            underlying.forecaster.install(result)
        except VolatilityError as error:
            strategy.notice(number, f"{underlying.book.ticker}: {error}")
            continue
        underlying.session_news = True
        if result.note and result.note != underlying.forecast_note:
            what = "without the hybrid" if result.hybrid is None else "the hybrid lacks a part"
            strategy.notice(number, f"{underlying.book.ticker}: forecast {what}, {result.note}")
        if result.garch_note and result.garch_note != underlying.garch_note:
            strategy.notice(number, f"{underlying.book.ticker}: GJR-GARCH, {result.garch_note}")
        if result.regime_note and result.regime_note != underlying.regime_note:
            strategy.notice(number, f"{underlying.book.ticker}: no regimes are told, {result.regime_note}")
        underlying.forecast_note, underlying.garch_note = result.note, result.garch_note
        underlying.regime_note = result.regime_note


def _target_rows(targets: Iterable[Target], stage: int) -> Records:
    rows = [(target.instrument, stage, target.reason, 0, target.quantity) for target in targets]
    return np.array(rows, records(Kind.TARGET, 0).dtype)


def _targets_of(rows: Records) -> list[Target]:
    return [Target(int(row["instrument"]), int(row["quantity"]), OrderReason(row["reason"])) for row in rows]
