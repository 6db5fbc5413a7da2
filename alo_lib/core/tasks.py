"""The tasks of a frame, from forecast to orders: each reads the state, and leaves its result there."""

from typing import Final

import numpy as np

from alo_lib.core import external
from alo_lib.core.calibrator import Calibrator, PendingCalibration
from alo_lib.core.state import State, Underlying, WorkingOrder
from alo_lib.numerics.fixed_order import dot
from alo_lib.records import (
    OPTION_MULTIPLIER,
    SECOND,
    Kind,
    Message,
    OrderReason,
    OrderType,
    Records,
    Stage,
    records,
    years_between,
)
from alo_lib.strategy.exits import TradeView, exit_reason
from alo_lib.strategy.hedging import shares_wanted
from alo_lib.strategy.risk import BookRisk, drawdown_exceeded, exceeded_limit, short_margin
from alo_lib.strategy.scanner import rank, tradable
from alo_lib.strategy.sizing import displayed, structures_for
from alo_lib.strategy.trade import Trade
from alo_lib.strategy.valuation import leg_greeks, quote_volatility, value_chain
from alo_lib.volatility import VolatilityError

__all__ = [
    "equity",
    "execute",
    "exposures",
    "follow",
    "forecast",
    "install",
    "limit",
    "notices",
    "signal",
    "target",
    "value",
    "wanted",
]

_SIZED: Final = 0
_LIMITED: Final = 1


def follow(state: State, time: int, calibrator: Calibrator) -> None:
    """Follow each underlying's new daily bars, once a session, and ask for the calibrations that are due.

    A host that is read while it still tells of the session may have told of its beginning and not of the bars.
    """
    for number, underlying in state.underlyings.items():
        if not (underlying.session_begun and underlying.new_closes):
            continue
        underlying.session_begun = False
        problem = underlying.forecaster.follow(underlying.take_bars())
        if problem:
            state.notice(number, f"{underlying.book.ticker}: {problem}")
        if underlying.forecaster.due is not None and underlying.calibration is None:
            state.last_calibration += 1
            pending = PendingCalibration(state.last_calibration, time, underlying.forecaster.request())
            underlying.calibration = pending
            calibrator.begin(pending)


def install(state: State, message: Message, calibrator: Calibrator) -> None:
    """Let calibrations count from now on; where one failed, the last good models stay in force."""
    for number in message.records["underlying"].tolist():
        underlying = state.underlyings[number]
        pending, underlying.calibration = underlying.calibration, None
        if pending is None:
            raise ValueError(f"{underlying.book.ticker} has no calibration that could come into force")
        try:
            result = calibrator.take(pending)
            underlying.forecaster.install(result)
        except VolatilityError as error:
            state.notice(number, f"{underlying.book.ticker}: {error}")
            continue
        underlying.session_news = True
        if result.note and result.note != underlying.forecast_note:
            what = "without the hybrid" if result.hybrid is None else "the hybrid lacks a part"
            state.notice(number, f"{underlying.book.ticker}: forecast {what}, {result.note}")
        underlying.forecast_note = result.note


def forecast(state: State, time: int) -> Records:
    """Forecast each expiry's volatility, once a session and after each calibration. Returns new FORECAST records."""
    made = []
    if state.session is None or not state.session.is_open(time):
        return records(Kind.FORECAST, 0)
    for number, underlying in state.underlyings.items():
        if not underlying.session_news:
            continue
        underlying.session_news = False
        expiries = np.unique(underlying.book.contracts["expiry"]).tolist()
        underlying.forecast = {
            expiry: underlying.forecaster.volatility(float(years_between(time, expiry)))
            for expiry in expiries
            if expiry > time
        }
        for expiry, volatility in underlying.forecast.items():
            made.append((number, 0, expiry, volatility, underlying.book.spot))
    return np.array(made, records(Kind.FORECAST, 0).dtype)


def value(state: State, time: int) -> None:
    """Price what can be traded or is held of every chain that has news, and measure what is held."""
    for number, underlying in state.underlyings.items():
        book = underlying.book
        if underlying.market_news and book.spot > 0.0:
            forecast = underlying.forecast_rows()
            wanted = tradable(book, forecast, state.settings, time)
            wanted[[book.row(leg) for leg in state.legs(number) if book.lists(leg)]] = True
            underlying.valuation = value_chain(book, forecast, state.rate, time, wanted)
        underlying.exposure = _exposure(state, number, underlying, time)
    total = equity(state)
    state.peak_equity = max(state.peak_equity, total)
    for underlying in state.underlyings.values():
        underlying.exposure["equity"] = total


def equity(state: State) -> float:
    """Cash and everything held at mid."""
    return state.portfolio.cash + float(sum(u.exposure["value"][0] for u in state.underlyings.values()))


def signal(state: State, time: int) -> None:
    """Rank the pairs of every underlying that has news."""
    ranked = [
        rank(underlying.book, underlying.valuation, state.settings, state.rate, time)
        for underlying in state.underlyings.values()
        if underlying.market_news and underlying.valuation is not None and not state.external.decides(Stage.ALPHA)
    ]
    state.signals = np.concatenate(ranked) if ranked else records(Kind.SIGNAL, 0)


def target(state: State, time: int) -> None:
    """Decide what to hold: which trades end, which are wanted, how many shares hedge them."""
    if state.external.decides(Stage.PORTFOLIO):
        state.targets = _table([])
        return
    _end_trades(state, time)
    state.proposals = _wanted_trades(state, time)
    rows = [_target(leg, trade.wanted, trade.reason) for trade in state.trades + state.proposals for leg in trade.legs]
    rows += [
        _target(number, _hedge(state, number, underlying), OrderReason.HEDGE)
        for number, underlying in state.underlyings.items()
        if state.portfolio.quantity(number) or state.contracts_held(number)
    ]
    external.forget(state, [row[0] for row in rows], time)
    state.targets = _table(rows)


def limit(state: State, time: int) -> None:
    """Drop proposals that would exceed a limit; flatten the book after too deep a fall."""
    if state.external.decides(Stage.RISK):
        state.trades += state.proposals
        state.proposals, state.limited = [], _table([])
        return
    rows = []
    total = equity(state)
    if not state.halted and drawdown_exceeded(total, state.peak_equity, state.settings):
        state.halted = True
        for trade in state.trades:
            trade.undo(OrderReason.EXIT_RISK)
            rows += [_target(leg, 0, OrderReason.EXIT_RISK, _LIMITED) for leg in trade.legs]
        lowest = next(iter(state.underlyings))
        state.notice(lowest, f"equity {total:.2f} is below the allowed drawdown: everything is closed, nothing opened")
    accepted: list[Trade] = []
    for proposal in state.proposals:
        problem = "the book is halted" if state.halted else _exceeded(state, [*accepted, proposal], total)
        if problem is None:
            accepted.append(proposal)
            continue
        _tell_limit(state, proposal.underlying, problem)
        rows += [_target(leg, 0, OrderReason.EXIT_RISK, _LIMITED) for leg in proposal.legs]
    state.trades += accepted
    state.proposals = []
    if state.halted:
        rows += [_target(held, 0, OrderReason.EXIT_RISK, _LIMITED) for held in external.liquidation(state)]
    cut = external.limit_targets(state, _book_risk(state, [], total), time) if state.external.targets else {}
    rows += [_target(instrument, cut[instrument], OrderReason.EXIT_RISK, _LIMITED) for instrument in sorted(cut)]
    state.limited = _table(rows)


def execute(state: State, time: int) -> None:
    """Turn the distance between what is held and what is wanted into orders that the market can fill now.

    Options go first. The hedge of an underlying whose options are traded in this frame waits for the next one, which
    their fills bring: it would be sized for a position that is about to change.
    """
    rows: list[tuple[int, int, int, int, int, int]] = []
    targets = wanted(state)
    state.wanted = {instrument: quantity for instrument, (quantity, _) in targets.items()}
    is_open = state.session is not None and state.session.is_open(time)
    if is_open and not state.external.decides(Stage.EXECUTION):
        busy = state.instruments_working()
        traded: set[int] = set()
        for instrument in sorted(targets, key=lambda number: (number in state.underlyings, number)):
            quantity, reason = targets[instrument]
            distance = quantity - state.portfolio.quantity(instrument)
            if (
                instrument not in busy
                and instrument not in traded
                and (size := _fillable(state, instrument, distance, time))
            ):
                state.last_order += 1
                rows.append((state.last_order, instrument, OrderType.MARKET, reason, 0, size))
                state.working[state.last_order] = WorkingOrder(instrument, size)
                traded.add(state.underlying_of[instrument])
    state.intents = np.array(rows, records(Kind.INTENT, 0).dtype)
    if state.external.targets:
        external.settle(state, state.targets["instrument"].tolist())


def wanted(state: State) -> dict[int, tuple[int, int]]:
    """Quantity and reason by instrument that this frame has come to: as constructed, and past risk in its place."""
    result = _quantities(state.targets) | external.targets(state, past_risk=False)
    return result | _quantities(state.limited) | external.targets(state, past_risk=True)


def exposures(state: State) -> Records:
    """What the book is exposed to, one record an underlying."""
    return np.concatenate([records(Kind.EXPOSURE, 0), *(u.exposure for u in state.underlyings.values())])


def notices(state: State) -> Records:
    """What people should know of this frame; each notice is told once."""
    table = records(Kind.NOTICE, len(state.notices))
    for row, (underlying, text) in zip(table, state.notices, strict=True):
        row["underlying"], row["text"] = underlying, text.encode()
    state.notices.clear()
    return table


def _exposure(state: State, number: int, underlying: Underlying, time: int) -> Records:
    book, portfolio = underlying.book, state.portfolio
    held = [instrument for instrument in state.contracts_held(number) if book.lists(instrument)]
    shares = portfolio.quantity(number)
    spot = book.spot if np.isfinite(book.spot) else 0.0
    exposure = records(Kind.EXPOSURE, underlying=number, spot=spot, shares=shares, delta=shares, value=shares * spot)
    exposure["structures"] = len(state.trades_in(number))
    if not held or spot <= 0.0:
        return exposure
    if underlying.market_news or not underlying.implied.keys() >= set(held):
        _imply(underlying, held, state.rate, time)
    # A host may say that it holds what nobody has looked at yet: that is measured once it has a price or a forecast.
    held = [instrument for instrument in held if instrument in underlying.implied]
    if not held:
        return exposure
    rows = np.array([book.row(instrument) for instrument in held], np.intp)
    volatility = np.array([underlying.implied[instrument] for instrument in held])
    at_implied = leg_greeks(book, rows, volatility, state.rate, time)
    units = np.array([portfolio.quantity(instrument) for instrument in held], np.float64) * OPTION_MULTIPLIER
    mid = book.mid()[rows]
    marks = np.where(np.isfinite(mid), mid, at_implied.price)
    for name in ("delta", "gamma", "vega", "theta"):
        exposure[name] += dot(units, getattr(at_implied, name))
    exposure["value"] += dot(units, marks)
    if underlying.market_news:
        for trade in state.trades_in(number):
            own = [instrument in trade.legs for instrument in held]
            trade.follow(spot, dot(units[own], at_implied.delta[own]))
    return exposure


def _imply(underlying: Underlying, held: list[int], rate: float, time: int) -> None:
    """Refresh the implied volatility of held legs; where the quote has none, the last one or the forecast stays."""
    rows = np.array([underlying.book.row(instrument) for instrument in held], np.intp)
    implied = quote_volatility(underlying.book, rows, rate, time)
    expiries = underlying.book.contracts["expiry"][rows].tolist()
    for instrument, expiry, volatility in zip(held, expiries, implied.tolist(), strict=True):
        if np.isfinite(volatility):
            underlying.implied[instrument] = volatility
        elif expiry in underlying.forecast:
            underlying.implied.setdefault(instrument, underlying.forecast[expiry])


def _end_trades(state: State, time: int) -> None:
    state.trades = [trade for trade in state.trades if not trade.finished(state.portfolio, state.instruments_working())]
    for trade in state.trades:
        underlying = state.underlyings[trade.underlying]
        view = _view(state, trade, underlying, time)
        if trade.undone_by is None and view is not None:
            reason = exit_reason(trade, view, underlying.book, state.settings, time)
            if reason is OrderReason.EXIT_EDGE and external.backs(state, trade, time):
                reason = None
            if reason is not None:
                trade.undo(reason)
                if state.session is not None and reason is not OrderReason.EXIT_EDGE:
                    underlying.book.blocked_until = state.session.close


def _view(state: State, trade: Trade, underlying: Underlying, time: int) -> TradeView | None:
    """What the market says of a trade; None while it says nothing new, NaN for what a stale spot cannot tell."""
    book = underlying.book
    if not underlying.market_news or underlying.valuation is None or not all(map(book.lists, trade.legs)):
        return None
    values = underlying.valuation.at_forecast
    rows = [book.row(leg) for leg in trade.legs]
    held = np.array([state.portfolio.quantity(leg) for leg in trade.legs], np.float64)
    mid, worth, vega = book.mid()[rows], values.price[rows], float(np.sum(values.vega[rows]))
    edge = trade.direction * float(np.sum(worth - mid)) / vega if vega > 0.0 else np.nan
    held_value = dot(held, np.where(np.isfinite(mid), mid, worth)) * OPTION_MULTIPLIER
    fresh = time - book.spot_time <= state.settings.max_quote_age * SECOND
    result, edge = (trade.result(held_value), edge) if fresh else (np.nan, np.nan)
    return TradeView(result, edge, float(book.contracts["strike"][rows[0]]))


def _wanted_trades(state: State, time: int) -> list[Trade]:
    settings, session = state.settings, state.session
    if session is None or state.halted:
        return []
    if session.seconds_since_open(time) < settings.entry_delay:
        return []
    if session.seconds_to_close(time) <= settings.entry_cutoff:
        return []
    total = equity(state)
    wanted: list[Trade] = []
    for row in (*external.signals(state, time), *state.signals):
        number = int(row["underlying"])
        book = state.underlyings[number].book
        taken = {leg for trade in state.trades_in(number) + wanted for leg in trade.legs}
        count = len(state.trades_in(number)) + sum(trade.underlying == number for trade in wanted)
        quantity = structures_for(row, book, settings, total)
        if (
            row["edge_volatility"] < settings.entry_edge
            or quantity < 1
            or count >= settings.max_structures
            or book.split_pending
            or time < book.blocked_until
            or {int(row["call"]), int(row["put"])} & taken
        ):
            continue
        expiry = int(book.contracts["expiry"][book.row(int(row["call"]))])
        wanted.append(Trade(number, int(row["call"]), int(row["put"]), int(row["direction"]), quantity, time, expiry))
    return wanted


def _hedge(state: State, number: int, underlying: Underlying) -> int:
    held = state.contracts_held(number)
    contracts = sum(abs(state.portfolio.quantity(instrument)) for instrument in held)
    shares = state.portfolio.quantity(number)
    option_delta = float(underlying.exposure["delta"][0]) - shares
    return shares_wanted(shares, option_delta, contracts, state.settings)


def _exceeded(state: State, proposals: list[Trade], total: float) -> str | None:
    return exceeded_limit(_book_risk(state, proposals, total), state.settings)


def _book_risk(state: State, proposals: list[Trade], total: float) -> BookRisk:
    """What the book would risk with proposals in it."""
    vega = float(sum(underlying.exposure["vega"][0] for underlying in state.underlyings.values()))
    vega += sum(_vega_to_come(state, trade) for trade in state.trades + proposals)
    margin = 0.0
    for number, underlying in state.underlyings.items():
        book = underlying.book
        margin += 0.5 * abs(state.portfolio.quantity(number)) * max(underlying.exposure["spot"][0], 0.0)
        for trade in state.trades_in(number) + [p for p in proposals if p.underlying == number]:
            if trade.direction < 0:
                margin += short_margin(book.spot, trade.quantity, state.settings)
    return BookRisk(vega, margin, total)


def _tell_limit(state: State, number: int, problem: str) -> None:
    """Tell why nothing more is opened in an underlying, once a session."""
    underlying = state.underlyings[number]
    if state.session is not None and underlying.limit_told_on != state.session.date:
        underlying.limit_told_on = state.session.date
        state.notice(number, f"{underlying.book.ticker}: not opened, {problem}")


def _vega_to_come(state: State, trade: Trade) -> float:
    """Vega of what a trade wants and does not hold yet."""
    underlying = state.underlyings[trade.underlying]
    if underlying.valuation is None or trade.undone_by is not None:
        return 0.0
    legs = [leg for leg in trade.legs if underlying.book.lists(leg)]
    missing = np.array([trade.wanted - state.portfolio.quantity(leg) for leg in legs], np.float64)
    rows = [underlying.book.row(leg) for leg in legs]
    return dot(missing, underlying.valuation.at_forecast.vega[rows]) * OPTION_MULTIPLIER


def _fillable(state: State, instrument: int, distance: int, time: int) -> int:
    """The signed part of ``distance`` that the last quote can fill now."""
    if distance == 0:
        return 0
    direction = 1 if distance > 0 else -1
    underlying = state.underlyings[state.underlying_of[instrument]]
    book, settings = underlying.book, state.settings
    oldest = time - int(settings.max_quote_age * SECOND)
    if (instrument, direction) in book.refused:
        return 0
    if instrument != book.instrument:
        if not book.lists(instrument):
            return 0
        quoted_at = int(book.quote_time[book.row(instrument)])
    elif book.quote_at < book.trade_time:  # bars of trades alone show no size
        return distance if book.trade_time >= oldest else 0
    else:
        quoted_at = book.quote_at
    if quoted_at < oldest:
        return 0
    return direction * min(abs(distance), displayed(book, instrument, direction, settings))


def _quantities(rows: Records) -> dict[int, tuple[int, int]]:
    return {int(row["instrument"]): (int(row["quantity"]), int(row["reason"])) for row in rows}


def _target(instrument: int, quantity: int, reason: OrderReason, stage: int = _SIZED) -> tuple[int, int, int, int, int]:
    return instrument, stage, reason, 0, quantity


def _table(rows: list[tuple[int, int, int, int, int]]) -> Records:
    return np.array(rows, records(Kind.TARGET, 0).dtype)
