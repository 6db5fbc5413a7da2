"""Days on which not everything is told as it should be: the core goes on, and holds what it means to hold."""

import numpy as np
import pytest

from alo_lib.records import Kind, OrderStatus, OrderType, Records
from tests.core.script import FIRST, NEXT, Script, at, script, tell_order_event


@pytest.mark.parametrize("status", list(OrderStatus))
def test_every_status_of_lean_is_understood(status: OrderStatus) -> None:
    market = script(max_structures=1)
    market.answer = lambda intent, time: None  # type: ignore[method-assign]
    market.bar(10, volatility=0.35)
    before = market.core.orders_working
    number = min(before)
    instrument, wanted = before[number]
    filled = {"quantity": wanted, "price": 1.0} if status is OrderStatus.FILLED else {}
    tell_order_event(market, 10.5, order=number, instrument=instrument, status=status, type=OrderType.MARKET, **filled)
    tell_order_event(market, 10.5, order=99, instrument=1, status=status, type=OrderType.MARKET)  # nobody's
    market.bar(10.6, volatility=0.35)
    done = status in (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID)
    assert (number not in market.core.orders_working) is done
    assert market.core.orders_working.items() >= {other: before[other] for other in before if other != number}.items()


def test_a_fill_after_the_last_frame_is_known_the_next_morning() -> None:
    market = script(max_structures=1)
    answers: list[np.void] = []
    answer = market.answer
    market.answer = lambda intent, time: answers.append(intent.copy())  # type: ignore[method-assign]
    market.bar(15, volatility=0.35)
    wanted = {int(intent["instrument"]): int(intent["quantity"]) for intent in answers}
    for intent in answers:
        answer(intent, at(FIRST, 15.1))  # no frame follows it
    assert market.core.contracts_open(0) == sorted(wanted)
    strategy = market.core.snapshot().state.strategy
    assert (strategy.holdings, market.core.holdings) == ({}, wanted)  # as decided on, and with what waits
    market.answer = answer  # type: ignore[method-assign]
    market.session(NEXT, [100.0])
    assert strategy.holdings == market.core.holdings == wanted
    assert strategy.orders_working == market.core.orders_working == {}
    assert market.core.contracts_open(0) == sorted(wanted)


class Piecemeal(Script):
    """A host that is read while it still tells of a session: a frame after every message."""

    def tell(self, time: int, kind: Kind, rows: Records) -> None:
        super().tell(time, kind, rows)
        if time == at(self.date, 9) and self.core.open_frame(max(time, self.core.last_frame) + 1_000_000):
            assert not len(self.core.run())


def test_a_session_that_is_told_over_several_frames_is_the_same_session() -> None:
    at_once, piecemeal = Script(), Piecemeal()
    for market in (at_once, piecemeal):
        market.session()
        market.bar(10, volatility=0.35)
        market.session(NEXT, [101.0])
        market.bar(10, spot=101, volatility=0.33)
    assert len(piecemeal.decisions(Kind.EXPOSURE)) > len(at_once.decisions(Kind.EXPOSURE))
    for kind in (Kind.FORECAST, Kind.SIGNAL, Kind.INTENT):
        made, expected = piecemeal.decisions(kind), at_once.decisions(kind)
        assert len(expected) > 0
        assert [rows.tobytes() for rows in made] == [rows.tobytes() for rows in expected]
