"""What models of the host decide in the place of the core's own: taken in, limited, and left behind.

LEAN hands what its framework's models decide from stage to stage. What a stage of the core is given and has not decided
itself comes as EXTERNAL messages; the tasks then act on it. Where nothing is swapped there are none.
"""

import math
from dataclasses import replace

from alo_lib.core.state import State
from alo_lib.records import (
    OPTION_MULTIPLIER,
    BookMode,
    Kind,
    Message,
    OrderReason,
    Records,
    Stage,
    leg_columns,
    legs_and_ratios,
    records,
)
from alo_lib.strategy.book_risk import holdings_with
from alo_lib.strategy.external import INSIGHT, ExternalInsight, ExternalTarget
from alo_lib.strategy.limits import Use, largest_kept, limits_of
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import Target, leads_away

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
        direction, magnitude, until = int(row["direction"]), float(row["magnitude"]), int(row["until"])
        told = ExternalInsight(int(row["underlying"]), legs, ratios, direction, magnitude, until)
        kept = [each for each in external.insights if not each.is_on(legs)]
        external.insights = [*kept, told] if direction else kept
        for trade in state.strategy.trades:
            if told.is_on(trade.legs) and trade.unit != told.unit:
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
    if trade is None or not trade.undo(OrderReason.EXTERNAL):
        return
    told = message.records["instrument"].tolist()
    for leg in trade.legs:
        if leg not in told:
            targets[leg] = ExternalTarget(0, targets[instrument].past_risk)
    state.proposals = [
        proposal
        for proposal in state.proposals
        if proposal is not trade and not (trade.basket and proposal.basket == trade.basket)
    ]
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

    In that order each goes as far from what is held as the limits leave room, while what other targets close is still
    held and once it is not; not at all where its risk cannot be told.
    """
    strategy, given = state.strategy, state.strategy.external.targets
    opening = [instrument for instrument in sorted(given) if _opens_risk(strategy, instrument)]
    if not opening:
        return []
    limits = limits_of(strategy, state.settings, given, time)
    base = holdings_with(strategy, ())
    allowed = dict(base.quantity) | {number: each.quantity for number, each in given.items() if number not in opening}
    closing = [n for n in sorted(given) if not (n in opening or n in strategy.underlyings or given[n].past_risk)]
    still_held = {number: strategy.portfolio.quantity(number) for number in closing}
    cut: list[Target] = []
    for instrument in opening:
        held, target = strategy.portfolio.quantity(instrument), given[instrument]
        step = 1 if target.quantity > held else -1

        def exceeded(size: int, instrument: int = instrument, held: int = held, step: int = step) -> Use | None:
            wanted = allowed | {instrument: held + step * size}
            books = [wanted, wanted | still_held] if still_held else [wanted]
            stops = (limits.exceeded(base._replace(quantity=book)) for book in books)
            return next((use for use in stops if use is not None), None)

        size, _ = largest_kept(abs(target.quantity - held), exceeded)
        allowed[instrument] = held + step * size
        if allowed[instrument] != target.quantity:
            target.quantity = allowed[instrument]
            cut.append(Target(instrument, target.quantity, OrderReason.EXIT_RISK))
    return cut


def _opens_risk(state: StrategyState, instrument: int) -> bool:
    """Whether a target that limits apply to leads away from holding nothing of an option, or beyond it."""
    target = state.external.targets[instrument]
    opens = leads_away(state.portfolio.quantity(instrument), target.quantity)
    return opens and not (target.past_risk or instrument in state.underlyings)


def liquidation(state: State) -> list[Target]:
    """Nothing, in all that is held, where the book is to be closed and somebody else constructs the portfolio."""
    strategy = state.strategy
    if not (strategy.mode is BookMode.FLATTEN and strategy.external.decides(Stage.PORTFOLIO)):
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
