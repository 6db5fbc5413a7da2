"""Patient orders: from mid to the touch in steps, within the edge, then taken or given up."""

import math

import pytest

from alo_lib.records import Kind, OrderReason, OrderStatus, OrderType, records
from alo_lib.settings import Settings
from alo_lib.strategy.accounting import book_order_event
from alo_lib.strategy.commands import follow_commands
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.execution import changes_wanted, orders_toward
from alo_lib.strategy.exposure import measure
from alo_lib.strategy.external import ExternalInsight
from alo_lib.strategy.limit_prices import UnitCost, limit_of, share_of_way, unit_cost
from alo_lib.strategy.sending import Amendment, Order, ask, send
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import Target, wanted_targets
from alo_lib.strategy.trade import Trade
from tests.strategy.kit import CALLS, NOW, PUTS, hold, signal_of, state_of

SECOND = 10**9
CALL, PUT = CALLS[2], PUTS[2]
LIMIT = Settings(order_type="limit", limit_patience=600.0, limit_steps=4)
COMBO = Settings(order_type="combo", limit_patience=600.0, limit_steps=4)
PRICES = {CALL: (4.10, 4.30), PUT: (3.90, 4.06)}


def quoted(state: StrategyState, time: int = NOW, prices: dict[int, tuple[float, float]] = PRICES) -> None:
    book = state.underlyings[0].book
    rows = records(Kind.QUOTE, len(prices), instrument=list(prices), bid_size=50, ask_size=50)
    rows["bid"], rows["ask"] = zip(*prices.values(), strict=True)
    book.take_quotes(rows, time)
    book.take_quotes(records(Kind.QUOTE, instrument=0, bid=99.96, ask=100.04, bid_size=500, ask_size=500), time)


@pytest.fixture
def state() -> StrategyState:
    state = state_of()
    quoted(state)
    return state


def sold(state: StrategyState, quantity: int = 3) -> Trade:
    trade = new_trade(state, signal_of()[0], quantity, NOW)
    state.open_trades([trade])
    return trade


def tell(state: StrategyState, number: int, status: OrderStatus, quantity: int = 0, price: float = 0.0) -> None:
    event = records(Kind.ORDER_EVENT, order=number, instrument=state.working[number].instrument, status=status)
    event["quantity"], event["price"] = quantity, price
    book_order_event(state, event[0], NOW)


def frame(state: StrategyState, settings: Settings, time: int) -> tuple[list[Amendment], list[Order]]:
    """What a frame asks for and sends."""
    follow_commands(state, settings, time)
    targets = wanted_targets(state, settings, [])
    changes = changes_wanted(state, settings, targets, time)
    ask(state, changes, time)
    orders = orders_toward(state, settings, targets, time)
    send(state, orders, time)
    return changes, orders


def test_legs_are_offered_at_mid_and_go_to_the_touch_in_steps(state: StrategyState) -> None:
    sold(state)
    assert frame(state, LIMIT, NOW) == (
        [],
        [
            Order(PUT, -3, OrderReason.ENTRY, OrderType.LIMIT, 3.98),
            Order(CALL, -3, OrderReason.ENTRY, OrderType.LIMIT, 4.2),
        ],
    )
    told = []
    for seconds in range(0, 600, 50):
        quoted(state, NOW + seconds * SECOND)
        changes, orders = frame(state, LIMIT, NOW + seconds * SECOND)
        assert orders == []
        for change in changes:
            told.append((seconds, change.order, change.limit))
            tell(state, change.order, OrderStatus.UPDATE_SUBMITTED)
    # The put's half-spread of 8 cents in four steps, the call's of 10; a sale is rounded up to the cent.
    assert told == [
        (150, 1, 3.96), (150, 2, 4.18), (300, 1, 3.94), (300, 2, 4.15), (450, 1, 3.92), (450, 2, 4.13)
    ]  # fmt: skip


def test_after_its_patience_what_is_left_of_an_entry_is_taken_where_that_leaves_the_edge(state: StrategyState) -> None:
    sold(state)
    frame(state, LIMIT, NOW)
    tell(state, 1, OrderStatus.FILLED, -3, 3.98)
    late = NOW + 600 * SECOND
    quoted(state, late)
    assert frame(state, LIMIT, late)[0] == [Amendment(2)]
    assert frame(state, LIMIT, late + SECOND)[0] == []  # asked for, and not answered yet
    tell(state, 2, OrderStatus.CANCELED)
    assert Order(CALL, -3, OrderReason.ENTRY) in frame(state, LIMIT, late + 2 * SECOND)[1]


def test_an_entry_whose_edge_is_gone_waits_below_it_and_is_then_undone(state: StrategyState) -> None:
    trade = sold(state)
    price = state.underlyings[0].valuation.at_forecast.price  # type: ignore[union-attr]
    worth = {leg: float(price[state.underlyings[0].book.row(leg)]) for leg in trade.legs}
    cheap = {leg: (round(worth[leg] - 0.3, 2), round(worth[leg] + 0.3, 2)) for leg in trade.legs}
    quoted(state, NOW, cheap)
    orders = frame(state, LIMIT, NOW)[1]
    assert all(order.limit is not None and order.limit > worth[order.instrument] for order in orders)
    late = NOW + 600 * SECOND
    quoted(state, late, cheap)
    assert frame(state, LIMIT, late)[0] == [Amendment(1), Amendment(2)]
    for number in (1, 2):
        tell(state, number, OrderStatus.CANCELED)
    assert frame(state, LIMIT, late + SECOND)[1] == []
    assert trade.undone_by is OrderReason.REBALANCE


def test_no_price_is_made_of_a_stale_crossed_or_one_sided_market(state: StrategyState) -> None:
    sold(state)
    book = state.underlyings[0].book
    for bid, ask_ in ((4.3, 4.1), (math.nan, 4.3)):
        quoted(state, NOW, {CALL: (bid, ask_), PUT: PRICES[PUT]})
        assert unit_cost(book, {CALL: -1}, LIMIT, NOW) is None
        assert frame(state, LIMIT, NOW) == ([], [])  # nor of the put: the edge is that of both
    quoted(state, NOW)
    settings, old = LIMIT.model_copy(update={"max_quote_age": 60.0}), NOW + 200 * SECOND
    assert unit_cost(book, {CALL: -1}, settings, old) is None
    frame(state, settings, NOW)
    assert frame(state, settings, old)[0] == []  # what works stays as it is, a step later


@pytest.mark.parametrize(
    ("reason", "type_"),
    [
        (OrderReason.EXIT_STOP, OrderType.MARKET),
        (OrderReason.EXIT_EXPIRY, OrderType.MARKET),
        (OrderReason.REBALANCE, OrderType.MARKET),
        (OrderReason.EXIT_EDGE, OrderType.LIMIT),
        (OrderReason.EXIT_TIME, OrderType.LIMIT),
    ],
)
def test_exits_that_cannot_wait_do_not(state: StrategyState, reason: OrderReason, type_: OrderType) -> None:
    hold(state).undo(reason)
    legs = frame(state, LIMIT, NOW)[1]
    assert [order.type for order in legs] == [type_, type_]
    assert all((order.limit is None) is (type_ is OrderType.MARKET) for order in legs)


def test_an_exit_that_waited_long_enough_is_taken_and_none_waits_into_the_close(state: StrategyState) -> None:
    hold(state).undo(OrderReason.EXIT_EDGE)
    frame(state, LIMIT, NOW)
    late = NOW + 600 * SECOND
    quoted(state, late)
    assert frame(state, LIMIT, late)[0] == [Amendment(1), Amendment(2)]
    for number in (1, 2):
        tell(state, number, OrderStatus.CANCELED)
    assert {order.type for order in frame(state, LIMIT, late + SECOND)[1]} == {OrderType.MARKET}


def test_no_exit_waits_into_the_close(state: StrategyState) -> None:
    assert state.session is not None
    for seconds, type_ in ((601, OrderType.LIMIT), (600, OrderType.MARKET)):
        state.session = state.session._replace(close=NOW + seconds * SECOND)
        (order,) = orders_toward(state, LIMIT, [Target(CALL, 1, OrderReason.EXIT_EDGE)], NOW)
        assert order.type is type_


def test_an_order_that_is_not_wanted_any_more_or_adds_risk_in_a_halt_is_canceled(state: StrategyState) -> None:
    trade = sold(state)
    frame(state, LIMIT, NOW)
    trade.undo(OrderReason.EXIT_RISK)
    assert changes_wanted(state, LIMIT, wanted_targets(state, LIMIT, []), NOW) == [Amendment(1), Amendment(2)]
    assert changes_wanted(state, LIMIT, [], NOW) == [Amendment(1), Amendment(2)]


@pytest.mark.parametrize(("share", "type_"), [(1.5, OrderType.LIMIT), (2.5, OrderType.MARKET)])
def test_a_hedge_waits_within_twice_its_band(state: StrategyState, share: float, type_: OrderType) -> None:
    hold(state, direction=1)
    measure(state, LIMIT, NOW)
    delta = abs(float(state.underlyings[0].exposure["delta"][0]))
    settings = LIMIT.model_copy(update={"hedge": "delta_band", "hedge_band": delta / share / 1000.0})
    (order,) = orders_toward(state, settings, wanted_targets(state, settings, [])[2:], NOW)
    assert (order.instrument, order.type, order.reason) == (0, type_, OrderReason.HEDGE)
    assert order.limit == (100.0 if type_ is OrderType.LIMIT else None)


def test_a_trades_legs_go_together_where_combinations_are_wanted(state: StrategyState) -> None:
    sold(state)
    _, orders = frame(state, COMBO, NOW)
    assert [(each.instrument, each.quantity, each.type, each.limit) for each in orders] == [
        (CALL, -3, OrderType.COMBO_LIMIT, -8.18), (PUT, -3, OrderType.COMBO_LIMIT, -8.18)
    ]  # fmt: skip
    assert [order.group for order in state.working.values()] == [1, 1]
    quoted(state, NOW + 150 * SECOND)
    assert frame(state, COMBO, NOW + 150 * SECOND)[0] == [Amendment(1, -8.14)]  # a quarter of 18 cents, rounded up
    assert all(order.asked_limit == -8.14 for order in state.working.values())
    tell(state, 1, OrderStatus.UPDATE_SUBMITTED)
    assert all(order.limit == -8.14 for order in state.working.values())


def test_a_combination_whose_first_order_is_done_is_canceled_by_the_lowest_that_works(state: StrategyState) -> None:
    sold(state)
    frame(state, COMBO, NOW)
    tell(state, 1, OrderStatus.FILLED, -3, 4.2)
    assert [state.leads(number) for number in state.working] == [True]
    soon = NOW + 60 * SECOND
    quoted(state, soon)
    assert frame(state, COMBO, soon)[0] == [Amendment(2)]  # its limit is one for a call and a put together
    tell(state, 2, OrderStatus.CANCELED)
    assert state.combinations == {}
    assert frame(state, COMBO, soon + SECOND)[1] == [Order(PUT, -3, OrderReason.ENTRY, OrderType.LIMIT, 3.98)]


def test_a_combination_whose_legs_came_to_two_trades_is_canceled(state: StrategyState) -> None:
    first = sold(state)
    frame(state, COMBO, NOW)
    state.trades = []
    for leg, expiry in zip(first.legs, first.expiries, strict=True):
        state.trades.append(Trade(0, "single", (leg,), (1,), (expiry,), -1, 3, NOW))
    assert changes_wanted(state, COMBO, wanted_targets(state, COMBO, []), NOW + 150 * SECOND) == [Amendment(1)]


@pytest.mark.parametrize(("call", "put", "changes"), [(-1, -1, [Amendment(1, -8.14)]), (-2, -1, [Amendment(1)])])
def test_a_combination_waits_on_as_long_as_its_orders_are_filled_alike(
    state: StrategyState, call: int, put: int, changes: list[Amendment]
) -> None:
    sold(state)
    frame(state, COMBO, NOW)
    for number, quantity in ((1, call), (2, put)):
        tell(state, number, OrderStatus.PARTIALLY_FILLED, quantity, 4.0)
    quoted(state, NOW + 150 * SECOND)
    assert frame(state, COMBO, NOW + 150 * SECOND)[0] == changes


@pytest.mark.parametrize("settings", [LIMIT, COMBO])
@pytest.mark.parametrize("wide", [False, True])
def test_an_entry_that_waits_into_the_close_is_canceled_once_and_then_taken_or_given_up(
    state: StrategyState, settings: Settings, wide: bool
) -> None:
    assert state.session is not None
    state.session = state.session._replace(close=NOW + 700 * SECOND)
    trade, changes, orders = sold(state), [], []
    prices = {CALL: (3.2, 5.2), PUT: (2.98, 4.98)} if wide else PRICES  # the same mids: the edge is gone at the touch
    for seconds in range(0, 600, 50):
        quoted(state, NOW + seconds * SECOND, prices)
        asked, sent = frame(state, settings, NOW + seconds * SECOND)
        changes += [change for change in asked if change.limit is None]
        orders += sent
        for change in asked:
            status = OrderStatus.CANCELED if change.limit is None else OrderStatus.UPDATE_SUBMITTED
            together = [n for n, o in state.working.items() if n == change.order or o.group == change.order]
            for number in together:
                tell(state, number, status)
    assert len(orders) == (2 if wide else 4)
    assert all(order.limit is not None for order in orders[:2])
    assert all(order.limit is None for order in orders[2:])
    assert len(changes) == (1 if settings is COMBO else 2)
    assert trade.undone_by is (OrderReason.REBALANCE if wide else None)


def test_no_leg_is_ordered_of_a_trade_that_another_gave_up(state: StrategyState) -> None:
    trade = sold(state)
    quoted(state, NOW, {CALL: (3.2, 5.2), PUT: PRICES[PUT]})
    state.impatient[CALL] = -1
    assert frame(state, LIMIT, NOW) == ([], [])
    assert trade.undone_by is OrderReason.REBALANCE


def test_what_is_undone_leaves_no_impatience_to_the_next_trade_in_its_legs(state: StrategyState) -> None:
    trade = sold(state)
    state.impatient[CALL] = -1
    state.drop_trades([trade])
    sold(state)
    assert {order.type for order in frame(state, LIMIT, NOW)[1]} == {OrderType.LIMIT}


def test_a_trade_that_an_insight_backs_waits_and_is_taken_without_an_edge_of_ours() -> None:
    state = state_of(volatility=0.3, forecast=0.4)  # by the core's own count it is sold far too cheap
    quoted(state)
    trade = sold(state)
    state.external.insights = [ExternalInsight(0, trade.legs, (1, 1), -1, 0.05, NOW + 3600 * SECOND)]
    for settings, limits in ((LIMIT, [3.98, 4.2]), (COMBO, [-8.18, -8.18])):
        targets = wanted_targets(state, settings, [])
        assert [order.limit for order in orders_toward(state, settings, targets, NOW)] == limits
    frame(state, LIMIT, NOW)
    tell(state, 1, OrderStatus.FILLED, -3, 3.98)
    late = NOW + 600 * SECOND
    quoted(state, late)
    assert frame(state, LIMIT, late)[0] == [Amendment(2)]
    tell(state, 2, OrderStatus.CANCELED)
    assert Order(CALL, -3, OrderReason.ENTRY) in frame(state, LIMIT, late + SECOND)[1]
    assert trade.undone_by is None
    state.external.insights = []
    assert not [order for order in frame(state, LIMIT, late + 2 * SECOND)[1] if order.instrument == CALL]


@pytest.mark.parametrize("graver", [OrderReason.EXIT_RISK, OrderReason.EXIT_STOP, OrderReason.EXTERNAL])
def test_an_exit_that_waits_does_so_no_longer_for_a_graver_reason(state: StrategyState, graver: OrderReason) -> None:
    trade = hold(state)
    trade.undo(OrderReason.EXIT_EDGE)
    frame(state, LIMIT, NOW)
    assert [order.type for order in state.working.values()] == [OrderType.LIMIT] * 2
    assert trade.undo(graver)
    assert frame(state, LIMIT, NOW)[0] == [Amendment(1), Amendment(2)]
    for number in (1, 2):
        tell(state, number, OrderStatus.CANCELED)
    legs = frame(state, LIMIT, NOW + SECOND)[1]
    assert [(order.reason, order.type) for order in legs] == [(graver, OrderType.MARKET)] * 2
    assert not trade.undo(OrderReason.EXIT_TIME)
    assert trade.ended_by is graver


@pytest.mark.parametrize(
    ("cost", "share", "most", "direction", "limit"),
    [
        (UnitCost(2.05, 0.05), 0.0, math.inf, 1, 2.05),
        (UnitCost(2.05, 0.05), 0.5, math.inf, 1, 2.07),  # a purchase down to the cent
        (UnitCost(-2.05, 0.05), 0.5, math.inf, -1, 2.03),  # and a sale up
        (UnitCost(2.05, 0.05), 1.0, 2.0, 1, 2.0),
        (UnitCost(0.004, 0.0), 0.0, math.inf, 1, None),
    ],
)
def test_limits_are_made_of_ticks_for_the_better(
    cost: UnitCost, share: float, most: float, direction: int, limit: float | None
) -> None:
    assert limit_of(cost, share, most, direction) == limit


def test_steps_are_whole_and_end_at_the_touch() -> None:
    shares = [share_of_way(NOW, LIMIT, NOW + second * SECOND) for second in (0, 149, 150, 449, 450, 600, 9000)]
    assert shares == [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
