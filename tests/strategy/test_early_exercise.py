"""What is exercised instead of sold: by counting what each brings, and through a core whose market pays no parity."""

import numpy as np
import pytest

from alo_lib.records import Kind, OrderReason, OrderStatus, OrderType, Records, records
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.strategy.early_exercise import EXERCISE, contracts_exercised
from alo_lib.strategy.execution import orders_toward
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import Target
from tests.brief import BRIEF
from tests.core.script import Script
from tests.core.test_attribution import closes_to_the_cent
from tests.strategy.kit import CALLS, HOUR, NOW, PUTS, state_of

BELOW = Settings(exercise="below_parity", max_quote_age=86_400)
CALL, PUT = CALLS[0], PUTS[4]
"""Of strike 90 and 110, ten in the money."""


def long_in_the_money(leg: int = CALL, contracts: int = 3, shares: int = -290, bid: float = 9.9) -> StrategyState:
    """Contracts to be closed, hedged, and bid below what exercise gives at 99.99 to 100.01: 9.99 either way."""
    state = state_of()
    book = state.underlyings[0].book
    book.trade_price, book.trade_time = 100.0, NOW
    state.portfolio.fill(leg, contracts, 10.0, 100, 0.0)
    if shares:
        state.portfolio.fill(0, shares, 100.0, 1, 0.0)
    book.quotes["bid"][book.row(leg)] = bid
    return state


def exercised(state: StrategyState, leg: int = CALL, contracts: int = 3, settings: Settings = BELOW) -> int:
    return contracts_exercised(state, settings, leg, -contracts, set(), {}, NOW)


@pytest.mark.parametrize(("leg", "sign"), [(CALL, -1), (PUT, 1)])
def test_what_nobody_pays_parity_for_is_exercised_against_its_hedge(leg: int, sign: int) -> None:
    assert exercised(long_in_the_money(leg, 3, sign * 290), leg) == -3
    assert exercised(long_in_the_money(leg, 3, sign * 290, bid=np.nan), leg) == -3  # nobody bids
    assert exercised(long_in_the_money(leg, 3, sign * 290, bid=9.985), leg) == -3
    assert exercised(long_in_the_money(leg, 3, sign * 290, bid=9.99), leg) == 0


@pytest.mark.parametrize(("shares", "count"), [(0, 0), (290, 0), (-40, 0), (-50, -1), (-149, -2), (-150, -3)])
def test_no_more_shares_are_held_than_before(shares: int, count: int) -> None:
    assert exercised(long_in_the_money(shares=shares)) == count
    if count:
        assert abs(shares - 100 * count) <= abs(shares)


def test_what_is_not_known_or_not_allowed_is_sold() -> None:
    assert exercised(long_in_the_money(), settings=Settings(max_quote_age=86_400)) == 0
    assert exercised(long_in_the_money(), contracts=4) == 0  # beyond what is held
    assert contracts_exercised(long_in_the_money(), BELOW, CALL, -3, {0}, {}, NOW) == 0  # an order for shares works
    assert contracts_exercised(long_in_the_money(), BELOW, CALL, -3, set(), {0: 290}, NOW) == 0  # they are gone already
    assert contracts_exercised(long_in_the_money(), BELOW, CALL, 3, set(), {}, NOW) == 0
    for name, value in (
        ("quote_at", NOW - 48 * HOUR),
        ("trade_time", NOW - 48 * HOUR),
        ("trade_price", 99.8),
        ("trade_price", np.nan),
        ("trade_price", np.inf),
    ):
        state = long_in_the_money(bid=9.9)
        setattr(state.underlyings[0].book, name, value)
        assert exercised(state) == 0, (name, value)
    european = long_in_the_money()
    european.underlyings[0].book.contracts["american"][:] = 0
    assert exercised(european) == 0


def test_where_it_was_refused_it_is_sold_off_the_same_quote() -> None:
    state = long_in_the_money()
    target = [Target(CALL, 0, OrderReason.EXIT_TIME)]
    (order,) = orders_toward(state, BELOW, target, NOW)
    assert (order.type, order.quantity) == (OrderType.OPTION_EXERCISE, -3)
    state.underlyings[0].book.refused.add((CALL, EXERCISE))
    (order,) = orders_toward(state, BELOW, target, NOW)
    assert (order.type, order.quantity) == (OrderType.MARKET, -3)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(("working", "left"), [(0, 3), (1, 3), (2, 1), (3, 0)])
def test_shares_that_an_exercise_brings_end_no_second_hedge_while_it_works(
    working: int, left: int, *, listed: bool
) -> None:
    """Of 290 shares short a contract ends 100: what is left, 190, 90 or none, takes three others, one or none."""
    state, first, second = long_in_the_money(CALLS[1], bid=4.9), CALL, CALLS[1]  # at 95, worth 4.99 exercised
    state.portfolio.fill(first, 3, 10.0, 100, 0.0)
    if working:
        state.new_order(first, -working, type=OrderType.OPTION_EXERCISE, time=NOW)
    book = state.underlyings[0].book
    if not listed:
        book.list_contracts(book.contracts[book.contracts["instrument"] != first])
        book.quotes["bid"][book.row(second)], book.quote_time[book.row(second)] = 4.9, NOW
    (order,) = orders_toward(state, BELOW, [Target(second, 0, OrderReason.EXIT_TIME)], NOW + 1)
    if left:
        assert (order.instrument, order.quantity, order.type) == (second, -left, OrderType.OPTION_EXERCISE)
    else:
        assert (order.instrument, order.quantity, order.type) == (second, -3, OrderType.MARKET)


class NoParity(Script):
    """Bids of options that are far in the money are a tenth below what exercise gives; exercises are LEAN's."""

    refusals = 0

    def tell(self, time: int, kind: Kind, rows: Records) -> None:
        if kind is Kind.QUOTE and len(rows) > 1:
            for row in rows:
                strike, right = self.terms(int(row["instrument"]))
                spot = rows["bid" if right > 0 else "ask"][0]
                if right * (spot - strike) > 8.0:
                    row["bid"] = right * (spot - strike) - 0.10
        super().tell(time, kind, rows)

    def terms(self, number: int) -> tuple[float, int]:
        if number == 0:
            return 0.0, 0
        contract = sorted(self.chain())[number - 1]
        return contract.strike, contract.right

    def answer(self, intent: np.void, time: int) -> None:
        if intent["type"] != OrderType.OPTION_EXERCISE:
            super().answer(intent, time)
            return
        event = records(Kind.ORDER_EVENT, order=intent["order"], instrument=intent["instrument"])
        event["type"], event["status"] = OrderType.OPTION_EXERCISE, OrderStatus.SUBMITTED
        self.tell(time, Kind.ORDER_EVENT, event.copy())
        strike, right = self.terms(int(intent["instrument"]))
        if self.refusals:
            self.refusals -= 1
            event["status"] = OrderStatus.INVALID
            self.tell(time, Kind.ORDER_EVENT, event)
            return
        event["status"], event["quantity"] = OrderStatus.FILLED, intent["quantity"]
        self.tell(time, Kind.ORDER_EVENT, event.copy())
        event["order"], event["instrument"], event["price"] = 0, 0, strike
        event["quantity"] = -right * 100 * int(intent["quantity"])
        self.tell(time, Kind.ORDER_EVENT, event)


def run(refusals: int = 0, **settings: object) -> NoParity:
    """A straddle is bought, the spot rises by a tenth, and it is closed for the time that it was held."""
    asked = {
        **BRIEF,
        "underlyings": "TEST",
        "direction": "long",
        "max_holding_days": 0.2,
        "exit_edge": -1.0,
        "stop_loss": 10.0,
    }
    market = NoParity(Settings.of(asked | {"max_structures": 1, "max_moneyness": 0.2} | settings))
    market.refusals = refusals
    market.session()
    market.bar(10.0, volatility=0.15)
    for hour, spot in ((11.0, 104.0), (12.0, 108.0), (13.0, 110.0), (15.5, 110.0), (15.6, 110.0), (15.7, 110.0)):
        market.bar(hour, spot, volatility=0.15)
    return market


def test_a_core_exercises_and_is_left_with_nothing() -> None:
    sold, market = run(), run(exercise="below_parity")
    exercise, delivery = [order for order in market.orders if order.type is OrderType.OPTION_EXERCISE]
    assert (exercise.tag, exercise.filled, delivery.symbol, delivery.filled) == ("exit time", -17, "TEST", 1_700)
    assert not [order for order in sold.orders if order.type is OrderType.OPTION_EXERCISE]
    money = []
    for each in (sold, market):
        state = each.core.snapshot().state.strategy
        assert list(state.portfolio.held()) == []
        assert not state.trades
        assert not each.notices()
        money.append(state.portfolio.cash)
    closes_to_the_cent(market)
    assert replay(market.journal).divergence is None
    # The last orders of the one: 17 calls at 9.89 and 1,600 shares at 110.01, a dollar each; of the other: 1,700 shares
    # at the strike, for nothing, and a hundred that are too many at 109.99.
    sale = 1_700 * 9.89 - 1.0 - 1_600 * 110.01 - 1.0
    assert money[1] - money[0] == pytest.approx(-1_700 * 100.0 + 100 * 109.99 - 1.0 - sale)
    (ended,) = market.decisions(Kind.EXIT)
    assert ended["reason"] == OrderReason.EXIT_TIME  # exercise is how, not why


def test_a_core_whose_exercise_is_refused_sells() -> None:
    market = run(1, exercise="below_parity")
    tried = [order for order in market.orders if order.type is OrderType.OPTION_EXERCISE]
    assert [order.status for order in tried] == [OrderStatus.INVALID]
    state = market.core.snapshot().state.strategy
    assert list(state.portfolio.held()) == []
    assert not state.trades
