"""What models of the host decide in the place of the core's own: taken in, limited, and left behind.

LEAN hands what its framework's models decide from stage to stage. What a stage of the core is given and has not decided
itself comes as EXTERNAL messages; the tasks then act on it. Where nothing is swapped there are none.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from alo_lib.core.state import State
from alo_lib.records import (
    OPTION_MULTIPLIER,
    Kind,
    Message,
    OrderReason,
    Records,
    Stage,
    leg_columns,
    legs_and_ratios,
    records,
)
from alo_lib.settings import Settings
from alo_lib.strategy.external import INSIGHT, ExternalInsight, ExternalTarget
from alo_lib.strategy.limits import BookRisk, exceeded_limit, risk_with
from alo_lib.strategy.margin import short_margin
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import Target
from alo_lib.strategy.valuation import leg_greeks

__all__ = [
    "limit_targets",
    "liquidation",
    "settle",
    "signals",
    "take_insights",
    "take_stages",
    "take_targets",
    "targets",
]


# What comes in ------------------------------------------------------------------------------------------------------


def take_stages(state: State, message: Message) -> None:
    """Leave stages to models of the host, or take them back.

    A portfolio that somebody else constructs has no trades of the core's; what they hold stays until it decides on it.
    """
    strategy = state.strategy
    strategy.external.assign(message.records)
    if Stage.PORTFOLIO in message.records["stage"]:
        for trade in strategy.trades:
            trade.undo(OrderReason.EXTERNAL)
        strategy.drop_trades(strategy.trades)
        state.proposals, strategy.external.targets = [], {}


def take_insights(state: State, message: Message) -> None:
    """Let insights stand until they end; a later one takes the place of an earlier one on the same legs.

    A trade in the legs that goes another way, or any when they are to be left, is undone.
    """
    external = state.strategy.external
    for row in message.records:
        legs, ratios = legs_and_ratios(row)
        direction = int(row["direction"])
        kept = [each for each in external.insights if not each.is_on(legs)]
        if direction:
            magnitude, until = float(row["magnitude"]), int(row["until"])
            kept.append(ExternalInsight(int(row["underlying"]), legs, ratios, direction, magnitude, until))
        external.insights = kept
        wanted = dict(zip(legs, [direction * ratio for ratio in ratios], strict=True))
        for trade in state.strategy.trades:
            if set(trade.legs) == set(legs) and dict(zip(trade.legs, trade.signed_ratios, strict=True)) != wanted:
                trade.undo(OrderReason.EXTERNAL)


def take_targets(state: State, message: Message) -> None:
    """Let targets stand in the place of the core's own.

    A target of nothing in a leg of a trade ends the trade for good, and its underlying is left alone for the session.
    """
    for row in message.records:
        instrument, quantity = int(row["instrument"]), int(row["quantity"])
        target = ExternalTarget(quantity, bool(row["stage"] >= Stage.RISK))
        state.strategy.external.targets[instrument] = target
        if quantity == 0:
            _end(state, instrument, message)


def _end(state: State, instrument: int, message: Message) -> None:
    """End the trade with a leg, or drop the proposal; its other legs are not to be held either, unless told."""
    strategy = state.strategy
    targets = strategy.external.targets
    trade = next((each for each in strategy.trades + state.proposals if instrument in each.legs), None)
    if trade is None or trade.undone_by is not None:
        return
    told = message.records["instrument"].tolist()
    for leg in trade.legs:
        if leg not in told:
            targets[leg] = ExternalTarget(0, targets[instrument].past_risk)
    state.proposals = [proposal for proposal in state.proposals if proposal is not trade]
    trade.undo(OrderReason.EXTERNAL)
    strategy.block_entries(trade.underlying)
    ticker = strategy.underlyings[trade.underlying].book.ticker
    strategy.notice(trade.underlying, f"{ticker}: a model of the host ends a trade; nothing is opened today")


# What the tasks make of it ------------------------------------------------------------------------------------------


def signals(state: State, time: int) -> list[Records]:
    """A SIGNAL record for the legs of each insight in force whose underlying has news, in the order in which they came.

    An insight that does not say how much it expects counts as just worth an entry.
    """
    made = []
    for insight in state.strategy.external.insights:
        underlying = state.strategy.underlyings[insight.underlying]
        book, valuation, legs = underlying.book, underlying.valuation, insight.legs
        if not underlying.market_news or valuation is None or not all(map(book.lists, legs)) or time >= insight.until:
            continue
        vegas = [float(valuation.at_forecast.vega[book.row(leg)]) for leg in legs]
        vega = sum(abs(ratio) * each for ratio, each in zip(insight.ratios, vegas, strict=True)) * OPTION_MULTIPLIER
        edge = state.settings.entry_edge if math.isnan(insight.magnitude) else insight.magnitude
        row = records(Kind.SIGNAL, underlying=insight.underlying, **leg_columns(legs, insight.ratios))
        row["structure"], row["direction"], row["vega"] = INSIGHT, insight.direction, vega
        row["edge_volatility"], row["edge"] = edge, edge * vega
        made.append(row)
    return made


def targets(state: State, *, past_risk: bool) -> list[Target]:
    """Targets to which limits apply, or do not apply any more."""
    return [
        Target(instrument, target.quantity, OrderReason.EXTERNAL)
        for instrument, target in state.strategy.external.targets.items()
        if target.past_risk is past_risk
    ]


def limit_targets(state: State, time: int) -> list[Target]:
    """What limits put in the place of targets that would open risk in options, in ascending order.

    In that order each goes as far from what is held as the limits leave room; not at all where its vega at the forecast
    cannot be told.
    """
    strategy, settings, given = state.strategy, state.settings, state.strategy.external.targets
    if not given:
        return []
    before = risk_with(strategy, settings, [])
    cut: list[Target] = []
    allowed = {instrument: strategy.portfolio.quantity(instrument) for instrument in sorted(given)}
    vega = {instrument: _vega(strategy, instrument, time) for instrument in allowed}
    for instrument, held in allowed.items():
        target = given[instrument]
        reduces = min(held, 0) <= target.quantity <= max(held, 0)
        if target.past_risk or reduces or instrument in strategy.underlyings:
            allowed[instrument] = target.quantity
            continue
        step, low = (1 if target.quantity > held else -1), 0
        high = abs(target.quantity - held) if math.isfinite(vega[instrument]) else 0
        while low < high:
            middle = (low + high + 1) // 2
            risk = _risk_holding(strategy, settings, before, allowed | {instrument: held + step * middle}, vega)
            low, high = (middle, high) if exceeded_limit(risk, settings) is None else (low, middle - 1)
        allowed[instrument] = held + step * low
        if allowed[instrument] != target.quantity:
            target.quantity = allowed[instrument]
            cut.append(Target(instrument, target.quantity, OrderReason.EXIT_RISK))
    return cut


def _vega(state: StrategyState, instrument: int, time: int) -> float:
    """Vega of one contract at its forecast, money per 1.00; NaN where it cannot be told, 0 for shares."""
    if instrument in state.underlyings:
        return 0.0
    underlying = state.underlyings[state.underlying_of[instrument]]
    if not underlying.book.lists(instrument):
        return math.nan
    row, valuation = underlying.book.row(instrument), underlying.valuation
    if valuation is not None and math.isfinite(valuation.at_forecast.vega[row]):
        return float(valuation.at_forecast.vega[row]) * OPTION_MULTIPLIER
    forecast = underlying.forecast.get(int(underlying.book.contracts["expiry"][row]), math.nan)
    if not (math.isfinite(forecast) and underlying.book.spot > 0.0):
        return math.nan
    greeks = leg_greeks(underlying.book, np.array([row], np.intp), np.array([forecast]), state.rate, time)
    return float(greeks.vega[0]) * OPTION_MULTIPLIER


def _risk_holding(
    state: StrategyState, settings: Settings, before: BookRisk, wanted: Mapping[int, int], vega: Mapping[int, float]
) -> BookRisk:
    """The book's risk once what is wanted is held; options outside of trades take margin on the greater short side."""
    changes = {instrument: wanted[instrument] - state.portfolio.quantity(instrument) for instrument in sorted(wanted)}
    total = before.vega + sum(change * vega[instrument] for instrument, change in changes.items() if change)
    margin = before.margin
    for number, underlying in state.underlyings.items():
        short = {1: 0, -1: 0}
        for instrument in sorted({*wanted, *state.contracts_held(number)}):
            outside = state.underlying_of[instrument] == number and state.trade_with(instrument) is None
            if outside and underlying.book.lists(instrument):
                right = int(underlying.book.contracts["right"][underlying.book.row(instrument)])
                short[right] += max(-wanted.get(instrument, state.portfolio.quantity(instrument)), 0)
        if structures := max(short.values()):
            margin += short_margin(underlying.book.spot, structures, settings)
    return replace(before, vega=total, margin=margin)


def liquidation(state: State) -> list[Target]:
    """Nothing, in all that is held, where the book is halted and somebody else constructs the portfolio."""
    strategy = state.strategy
    if not (strategy.halted and strategy.external.decides(Stage.PORTFOLIO)):
        return []
    strategy.external.targets = {}
    return [Target(instrument, 0, OrderReason.EXIT_RISK) for instrument in strategy.portfolio.held()]


def settle(state: State) -> None:
    """End a frame: targets that were reached, and those in instruments with an own target, stand no longer."""
    strategy, own = state.strategy, set(state.targets["instrument"].tolist())
    working = strategy.instruments_working()
    strategy.external.targets = {
        instrument: replace(target, fresh=False)
        for instrument, target in strategy.external.targets.items()
        if instrument not in own
        and (target.quantity != strategy.portfolio.quantity(instrument) or instrument in working)
    }
