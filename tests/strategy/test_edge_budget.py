"""What an entry may pay at most: the scanner's edge at the quotes, whatever it is net of, however much is missing."""

import numpy as np
import pytest

from alo_lib.records import Kind, leg_columns, records
from alo_lib.settings import Settings
from alo_lib.strategy.edge_costs import Moment
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.execution import orders_toward
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.limit_prices import most_for
from alo_lib.strategy.scanner import scan
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import trade_targets
from alo_lib.strategy.trade import Trade
from tests.strategy.kit import CALLS, DAY, NOW, PUTS, RATE, signal_of, state_of

CALL, PUT = CALLS[2], PUTS[2]
PATIENT = Settings(order_type="limit")
QUOTES, ALL = {"edge_costs": "quotes"}, {"edge_costs": "all", "band_penalty": 0.5}


def bid_ask(state: StrategyState, leg: int) -> tuple[float, float]:
    quote = state.underlyings[0].book.quote_of(leg)
    return float(quote["bid"]), float(quote["ask"])


def opened(state: StrategyState, call: int = 1, put: int = 1, direction: int = -1, quantity: int = 3) -> Trade:
    signal = signal_of(direction=direction)
    for name, column in leg_columns((CALL, PUT), (call, put)).items():
        signal[name] = column
    trade = new_trade(state, signal[0], quantity, NOW)
    state.open_trades([trade])
    return trade


def spare(state: StrategyState, settings: Settings, call: int, put: int, direction: int) -> float:
    """By hand, a share: worth less touch, half of the spread, two fees a contract, and entry-edge on gross vega."""
    values = state.underlyings[0].valuation
    assert values is not None
    total = 0.0
    for leg, count in ((CALL, call), (PUT, put)):
        row, (bid, ask) = state.underlyings[0].book.row(leg), bid_ask(state, leg)
        paid = ask if direction > 0 else bid
        total += count * direction * (float(values.at_forecast.price[row]) - paid)
        total -= count * (0.5 * (ask - bid) + 2.0 * settings.fee_per_contract / 100.0)
        total -= count * settings.entry_edge * float(values.at_forecast.vega[row])
    return total


def touch(state: StrategyState, leg: int, count: int) -> float:
    bid, ask = bid_ask(state, leg)
    return count * (ask if count > 0 else bid)


@pytest.mark.parametrize("direction", [-1, 1])
@pytest.mark.parametrize(("call", "put"), [(1, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("edge", [0.0, 0.09, 0.12])
def test_a_unit_may_cost_its_touch_and_the_edge_to_spare_of_the_structures_it_opens(
    direction: int, call: int, put: int, edge: float
) -> None:
    state = state_of() if direction < 0 else state_of(volatility=0.2, forecast=0.3)
    settings = PATIENT.model_copy(update={"entry_edge": edge})
    trade = opened(state, call, put, direction)
    left = spare(state, settings, call, put, direction)
    assert (left > 0.0) is (edge < 0.1)  # ten points of volatility, less costs
    for unit, structures in (
        ({CALL: call, PUT: put}, 1.0),
        ({CALL: 1}, 1 / call),
        ({PUT: 1}, 1 / put),
        ({CALL: call, PUT: 3 * put}, 3.0),  # of two the calls are filled
        ({CALL: 2 * call, PUT: put}, 2.0),
    ):
        signed = {leg: direction * count for leg, count in unit.items()}
        expected = sum(touch(state, leg, count) for leg, count in signed.items()) + structures * left
        assert most_for(state, settings, trade, signed, NOW) == pytest.approx(expected)
    assert most_for(state, settings, trade, {CALL: -direction}, NOW) == np.inf  # back


@pytest.mark.parametrize("costs", [QUOTES, ALL])
def test_at_the_most_that_it_may_cost_the_scanner_counts_entry_edge(costs: dict[str, object]) -> None:
    settings = Settings(order_type="limit", direction="short", **costs)
    state = state_of()
    underlying, book = state.underlyings[0], state.underlyings[0].book
    underlying.band = {NOW + 45 * DAY: (0.15, 0.27)}
    most = most_for(state, settings, opened(state), {CALL: -1, PUT: -1}, NOW)
    assert most is not None
    shift = 0.5 * (most - sum(touch(state, leg, -1) for leg in (CALL, PUT)))
    quotes = book.quotes[[book.row(CALL), book.row(PUT)]].copy()
    quotes["bid"] -= shift
    quotes["ask"] -= shift
    book.take_quotes(quotes, NOW)
    valuation, screen = screen_chain(book, underlying.forecast_rows(), settings, RATE, NOW, [CALL, PUT])
    told = scan(book, valuation, screen, settings, Moment(NOW, RATE, underlying.band, None, equity(state))).signals
    (row,) = told[told["leg1"] == CALL]
    assert row["edge_volatility"] == pytest.approx(settings.entry_edge, abs=1e-9)


def test_hedging_and_a_wide_band_leave_less_to_pay() -> None:
    state = state_of()
    underlying = state.underlyings[0]
    underlying.band = {NOW + 45 * DAY: (0.15, 0.27)}
    trade, unit = opened(state), {CALL: -1, PUT: -1}
    quotes, net = (most_for(state, Settings(**each), trade, unit, NOW) for each in (QUOTES, ALL))
    assert quotes is not None
    assert net is not None
    settings = Settings(direction="short", **ALL)
    valuation, screen = underlying.valuation, underlying.screen
    assert valuation is not None
    assert screen is not None
    told = scan(
        underlying.book, valuation, screen, settings, Moment(NOW, RATE, underlying.band, None, equity(state))
    ).signals
    (row,) = told[told["leg1"] == CALL]
    vega = sum(float(valuation.at_forecast.vega[underlying.book.row(leg)]) for leg in (CALL, PUT))
    assert row["hedging_cost"] > 0.0
    assert quotes - net == pytest.approx(float(row["hedging_cost"]) / 100.0 + 0.5 * 0.06 * vega)
    underlying.band = {}
    assert most_for(state, Settings(**ALL), trade, unit, NOW) is None


@pytest.mark.parametrize("excess", [-1e-6, 1e-6])
def test_a_leg_of_several_contracts_is_taken_at_the_touch_only_while_the_edge_is_left(excess: float) -> None:
    state = state_of()
    values, book = state.underlyings[0].valuation, state.underlyings[0].book
    assert values is not None
    call, put = (float(values.at_forecast.vega[book.row(leg)]) for leg in (CALL, PUT))
    gross = call + 2.0 * put
    edge = spare(state, PATIENT.model_copy(update={"entry_edge": 0.0}), 1, 2, -1) / gross
    settings = PATIENT.model_copy(update={"entry_edge": edge + excess})
    trade = opened(state, 1, 2)
    state.portfolio.fill(CALL, -3, 4.0, 100, 0.0)
    state.impatient[PUT] = -1
    orders = orders_toward(state, settings, trade_targets([trade]), NOW)
    assert [(order.instrument, order.quantity, order.limit) for order in orders] == (
        [(PUT, -6, None)] if excess < 0.0 else []
    )


@pytest.mark.parametrize(("ratios", "filled"), [((1, 2), (0, 0)), ((1, 1), (-2, 0)), ((2, 3), (-1, -2))])
@pytest.mark.parametrize("order_type", ["limit", "combo"])
def test_what_is_missing_of_an_entry_waits_at_its_mid(
    ratios: tuple[int, int], filled: tuple[int, int], order_type: str
) -> None:
    state, settings = state_of(), Settings(order_type=order_type)
    trade = opened(state, *ratios)
    mids = {leg: 0.5 * sum(bid_ask(state, leg)) for leg in (CALL, PUT)}
    for leg, quantity in zip((CALL, PUT), filled, strict=True):
        state.portfolio.fill(leg, quantity, 4.0, 100, 0.0)
    orders = orders_toward(state, settings, trade_targets([trade]), NOW)
    missing = {leg: -3 * ratio - had for leg, ratio, had in zip((CALL, PUT), ratios, filled, strict=True)}
    assert {order.instrument: order.quantity for order in orders} == missing
    if order_type == "combo":
        units = int(np.gcd.reduce(list(missing.values())))
        cost = sum(count // units * mids[leg] for leg, count in missing.items())
        assert [order.limit for order in orders] == pytest.approx([np.floor(cost * 100.0) / 100.0] * 2)
    else:
        for order in orders:
            assert order.limit == pytest.approx(np.ceil(mids[order.instrument] * 100.0) / 100.0)


def test_a_leg_without_a_quote_of_two_sides_leaves_no_price_for_the_others() -> None:
    state = state_of()
    trade = opened(state)
    state.underlyings[0].book.take_quotes(records(Kind.QUOTE, instrument=PUT, bid=np.nan, ask=4.0), NOW)
    assert most_for(state, PATIENT, trade, {CALL: -1}, NOW) is None
