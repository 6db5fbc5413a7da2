"""Dispersion in the choice for the whole book: against every book there is, ties, limits, and what it tells."""

from itertools import product

import numpy as np
import pytest

from alo_lib.records import ENTRY_LIMITS, Kind, Records, Stage, legs_of, records
from alo_lib.settings import Settings
from alo_lib.strategy.basket_scan import scan_basket
from alo_lib.strategy.baskets import least_size, quantities_at
from alo_lib.strategy.book_risk import Holdings, holdings_with
from alo_lib.strategy.choice import chosen_trades, trades_in_turn
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.limits import Limits, limits_of, review
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade
from tests.strategy import basket_kit as kit
from tests.strategy.kit import NOW
from tests.strategy.test_choice import ROOMY

LEGS = ("leg1", "leg2")


def settings_of(**changes: object) -> Settings:
    baskets = {"structures": "straddle,dispersion", "vega_budget": 0.0003, "max_structures": 5}
    return kit.settings_of(**ROOMY | baskets | changes)


def basket_of(state: StrategyState, settings: Settings) -> Records:
    return scan_basket(state, settings, NOW).signals


def straddle(state: StrategyState, settings: Settings, name: int, strike: float, **changes: float) -> Records:
    """A straddle of one of the kit's underlyings, of which the vega budget pays for two."""
    row, (number, underlying) = basket_of(state, settings)[[name]].copy(), list(state.underlyings.items())[name]
    contracts = underlying.book.contracts
    first = contracts[(contracts["strike"] == strike) & (contracts["expiry"] == contracts["expiry"].min())]
    row["underlying"], row["structure"], row["edge_volatility"] = number, b"straddle", 0.03
    row["leg1"], row["leg2"] = (first["instrument"][first["right"] == right][0] for right in (1, -1))
    row["vega"] = settings.vega_budget * 1e6 * 100 / 2.0
    for column, value in changes.items():
        row[column] = value
    return row


def told(trades: list[Trade]) -> list[tuple[str, int, int]]:
    return [(trade.structure, trade.underlying, trade.quantity) for trade in trades]


def worth(trades: list[Trade]) -> float:
    return sum(float(trade.signal["edge"][0]) * trade.quantity for trade in trades)


# The best of all ----------------------------------------------------------------------------------------------------


def test_it_is_the_best_book_of_which_every_part_keeps_the_limits_themselves() -> None:
    assert is_best_of_all(1)[0]


@pytest.mark.slow
def test_it_is_the_best_of_more_books() -> None:
    found = [is_best_of_all(seed) for seed in range(2, 12)]
    assert sum(binds for binds, _ in found) > 5
    assert {size for _, size in found} > {0}  # a dispersion in some of them, not in all


def is_best_of_all(seed: int) -> tuple[bool, int]:
    """Ask the limits as review asks them, of every combination, without the linear rows.

    Returns whether they bind, and the size of the dispersion that is chosen.
    """
    draw = np.random.default_rng(seed)
    settings = settings_of(
        max_vega=float(draw.uniform(0.0001, 0.0004)),
        max_gamma=float(draw.uniform(0.01, 0.05)),
        max_stress_loss=float(draw.uniform(0.005, 0.03)),
        max_structures=2,
        max_book_structures=4,
    )
    state = kit.state_of(settings)
    basket = basket_of(state, settings)
    whole = [trade.quantity for trade in trades_in_turn(state, settings, basket, NOW)]
    sides = draw.choice([-1, 1], 3).tolist()
    edges = draw.uniform(20, 300, 3).round(2).tolist()
    places = [(0, 100.0), (int(draw.integers(0, 3)), 95.0), (1, 105.0)]  # the first is the index's own
    alone = [
        straddle(state, settings, *place, direction=side, edge=edge)
        for place, side, edge in zip(places, sides, edges, strict=True)
    ]
    signals = np.concatenate([*alone, basket])
    limits = limits_of(state, settings, {leg for signal in signals for leg in legs_of(signal)}, NOW)
    sizes = [(0,) * len(whole), *(quantities_at(size, whole) for size in range(least_size(whole), max(whole) + 1))]
    books = list(product(product(range(3), repeat=3), range(len(sizes))))

    def trades_of(counts: tuple[int, ...], size: int) -> list[Trade]:
        quantities = [*counts, *sizes[size]]
        return [new_trade(state, row, q, NOW) for row, q in zip(signals, quantities, strict=True) if q]

    kept = {book: keeps(limits, settings, state, trades_of(*book)) for book in books}
    parts = {book: product(product(*(range(q + 1) for q in book[0])), {0, book[1]}) for book in books}
    best = max(worth(trades_of(*book)) for book in books if all(kept[part] for part in parts[book]))
    trades = chosen_trades(state, settings, signals, NOW)
    assert worth(trades) == pytest.approx(best, abs=0.2)
    assert review(state, settings, trades, NOW) == (trades, [], [])
    return not all(kept.values()), max((t.quantity for t in trades if t.basket), default=0)


def keeps(limits: Limits, settings: Settings, state: StrategyState, trades: list[Trade]) -> bool:
    legs = [leg for trade in trades for leg in trade.legs]
    numbers = [trade.underlying for trade in trades]
    few = all(numbers.count(number) <= settings.max_structures for number in numbers)
    return few and len(set(legs)) == len(legs) and limits.exceeded(holdings_with(state, trades)) is None


# Beside the others --------------------------------------------------------------------------------------------------


def test_what_is_worth_more_of_a_dispersion_and_a_straddle_in_its_way_is_opened() -> None:
    """One structure an underlying: in turn the straddle comes first, whatever the dispersion is worth."""
    settings = settings_of(max_structures=1)
    for edge, whole, in_turn in ((10.0, ["dispersion"] * 3, ["straddle"]), (1e5, ["straddle"], ["straddle"])):
        state = kit.state_of(settings)
        signals = np.concatenate([straddle(state, settings, 0, 95.0, edge=edge), basket_of(state, settings)])
        assert [name for name, _, _ in told(chosen_trades(state, settings, signals, NOW))] == whole
        assert [name for name, _, _ in told(trades_in_turn(state, settings, signals, NOW))] == in_turn


def test_alone_it_is_what_is_proposed_in_turn() -> None:
    settings = settings_of(vega_budget=0.001)
    state = kit.state_of(settings)
    basket = basket_of(state, settings)
    trades = chosen_trades(state, settings, basket, NOW)
    assert told(trades) == told(trades_in_turn(state, settings, basket, NOW))
    assert [trade.basket for trade in trades] == [1, 1, 1]


def test_a_limit_of_one_member_cuts_all_of_it_to_the_largest_size_that_keeps_it() -> None:
    wide = settings_of(vega_budget=0.001)
    state = kit.state_of(wide)
    basket = basket_of(state, wide)
    whole = trades_in_turn(state, wide, basket, NOW)
    limits = limits_of(state, wide, {leg for trade in whole for leg in trade.legs}, NOW)
    needed = limits.risk.margin(whole[0].underlying, Holdings(_contracts(whole[0]), {})) / limits.equity
    settings = wide.model_copy(update={"max_margin": 1.0, "max_underlying_share": 0.55 * needed})
    trades = chosen_trades(state, settings, basket, NOW)
    asked = [trade.quantity for trade in whole]
    size = max(trade.quantity for trade in trades)
    assert [trade.quantity for trade in trades] == list(quantities_at(size, asked))
    assert review(state, settings, trades, NOW) == (trades, [], [])
    larger = [new_trade(state, row, q, NOW) for row, q in zip(basket, quantities_at(size + 1, asked), strict=True)]
    assert limits_of(state, settings, (), NOW).settings is settings
    assert _exceeds(state, settings, larger)


def _contracts(trade: Trade) -> dict[int, int]:
    return {leg: trade.wanted(leg) for leg in trade.legs}


def _exceeds(state: StrategyState, settings: Settings, trades: list[Trade]) -> bool:
    limits = limits_of(state, settings, {leg for trade in trades for leg in trade.legs}, NOW)
    return limits.exceeded_by_trades(holdings_with(state, trades)) is not None


def test_of_many_sizes_one_within_a_fortieth_of_the_largest_is_taken() -> None:
    settings = settings_of(vega_budget=0.02)
    state = kit.state_of(settings, shown=100_000)
    basket = basket_of(state, settings)
    whole = [trade.quantity for trade in trades_in_turn(state, settings, basket, NOW)]
    assert max(whole) > 200
    limits = limits_of(state, settings, {leg for signal in basket for leg in legs_of(signal)}, NOW)
    every = [new_trade(state, row, q, NOW) for row, q in zip(basket, whole, strict=True)]
    used = limits.risk.of(holdings_with(state, every)).stress_loss / limits.equity
    tight = settings.model_copy(update={"max_stress_loss": 0.5 * used})
    size = max(trade.quantity for trade in chosen_trades(state, tight, basket, NOW))
    assert 0.5 - 1 / 40 < size / max(whole) < 0.51


# Ties, and what it tells --------------------------------------------------------------------------------------------


def test_equal_worth_goes_by_identifiers_in_whichever_order_signals_come() -> None:
    """A straddle against the dispersion, of which only one fits: the lower leg first."""
    settings = settings_of(max_book_structures=3)
    state = kit.state_of(settings)
    basket = basket_of(state, settings)
    edge, budget = round(worth(trades_in_turn(state, settings, basket, NOW)), 2), settings.vega_budget * 1e6 * 100
    for strike, first in ((95.0, "straddle"), (105.0, "dispersion")):
        dear = straddle(state, settings, 0, strike, edge=edge, vega=budget)  # one of it
        low = straddle(state, settings, 0, 110.0, edge=0.5)
        basket["leg1"][0], basket["leg2"][0] = (straddle(state, settings, 0, 100.0)[leg][0] for leg in LEGS)
        assert bool(dear["leg1"][0] < basket["leg1"][0]) == (first == "straddle")
        for order in ([0, 1], [1, 0]):
            signals = np.concatenate([np.concatenate([dear, low])[order], basket])
            trades = chosen_trades(state, settings.model_copy(update={"max_structures": 1}), signals, NOW)
            assert trades[0].structure == first


def stops_of(state: StrategyState) -> dict[int, list[str]]:
    return {
        place: named
        for place, each in enumerate(state.underlyings.values())
        if (named := [name for name in ENTRY_LIMITS if each.funnel[name]])
    }


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"max_book_structures": 2}, "max_book_structures"),
        ({"max_stress_loss": 1e-7}, "max_stress_loss"),
        ({"max_vega": 1e-9}, "max_vega"),
        ({"max_margin": 1e-6}, "max_margin"),
        ({"vega_budget": 1e-6}, "vega_budget"),
        ({"participation": 0.01}, "participation"),
    ],
)
def test_what_stops_it_is_counted_once_for_its_index(changes: dict[str, object], limit: str) -> None:
    settings = settings_of(**changes)
    state = kit.state_of(settings)
    assert chosen_trades(state, settings, basket_of(state, settings), NOW) == []
    assert stops_of(state) == {0: [limit]}


def test_a_leg_of_it_that_another_trade_has_stops_one_of_the_two() -> None:
    settings = settings_of()
    state = kit.state_of(settings)
    basket = basket_of(state, settings)
    dear = straddle(state, settings, 1, 100.0, edge=1e5)
    for leg in LEGS:
        dear[leg] = basket[leg][1]
    trades = chosen_trades(state, settings, np.concatenate([dear, basket]), NOW)
    assert [trade.structure for trade in trades] == ["straddle"]
    assert stops_of(state) == {0: ["leg_held"]}


def test_where_a_host_decides_risk_no_limit_of_the_book_is_asked() -> None:
    settings = settings_of(max_vega=1e-9, max_margin=1e-6, max_book_structures=1)
    state = kit.state_of(settings)
    state.external.assign(records(Kind.EXTERNAL_STAGE, stage=Stage.RISK, external=1))
    assert len(chosen_trades(state, settings, basket_of(state, settings), NOW)) == 3


def test_less_edge_than_is_asked_for_opens_nothing() -> None:
    settings = settings_of(entry_edge=0.2)
    state = kit.state_of(settings)
    assert chosen_trades(state, settings, basket_of(state, settings), NOW) == []
    assert stops_of(state) == {}
