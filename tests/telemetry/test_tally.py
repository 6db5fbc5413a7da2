"""What messages add up to, against counting them anew."""

import statistics
import time

import numpy as np
import pytest

from alo_lib.records import PROFIT_PARTS, HostEvent, Kind, Message, OrderStatus, records, remark
from alo_lib.telemetry.tally import Tally


def attributed(trades: list[int], values: np.ndarray) -> Message:
    rows = records(Kind.ATTRIBUTION, len(trades), underlying=1, trade=trades)
    for place, part in enumerate(PROFIT_PARTS):
        rows[part] = values[:, place]
    return Message(Kind.ATTRIBUTION, 5, rows)


def test_orders_and_profit_are_what_counting_them_anew_gives() -> None:
    generator, tally = np.random.default_rng(3), Tally(())
    parts: dict[int, np.ndarray] = {}
    statuses: dict[int, int] = {}
    for _ in range(400):
        trades = sorted(set(generator.integers(0, 1_500, 8).tolist()))
        values = generator.normal(0.0, 1e6, (len(trades), len(PROFIT_PARTS)))
        tally.take(attributed(trades, values))
        parts.update(zip(trades, values, strict=True))
        orders = generator.integers(1, 500, 6)
        tally.take(Message(Kind.INTENT, 5, records(Kind.INTENT, 6, order=orders)))
        statuses.update(dict.fromkeys(orders.tolist(), OrderStatus.NEW))
        heard, status = generator.integers(0, 500, 9), generator.choice([1, 2, 3, 5], 9)
        tally.take(Message(Kind.ORDER_EVENT, 5, records(Kind.ORDER_EVENT, 9, order=heard, status=status)))
        statuses.update((order, now) for order, now in zip(heard.tolist(), status.tolist(), strict=True) if order)
    assert tally.orders.tolist() == np.bincount(list(statuses.values()), minlength=max(OrderStatus) + 1).tolist()
    assert len(parts) > 1_000
    assert tally.profit == pytest.approx(np.sum(list(parts.values()), axis=0), rel=1e-12)


def test_profit_does_not_drift_and_forgets_what_was_not_a_number() -> None:
    tally = Tally(())
    for value in (1e17, np.nan, np.inf, 0.25):
        tally.take(attributed([7], np.full((1, len(PROFIT_PARTS)), value)))
        tally.take(attributed([8], np.full((1, len(PROFIT_PARTS)), 0.5)))
        assert tally.profit == pytest.approx(np.full(len(PROFIT_PARTS), value + 0.5), nan_ok=True)
    assert tally.profit.tolist() == [0.75] * len(PROFIT_PARTS)


def test_what_is_published_costs_as_much_after_years_of_trades() -> None:
    def cost(trades: int) -> float:
        tally, taken = Tally(()), []
        tally.take(attributed(list(range(trades)), np.ones((trades, len(PROFIT_PARTS)))))
        tally.take(Message(Kind.INTENT, 5, records(Kind.INTENT, trades, order=np.arange(1, trades + 1))))
        for _ in range(21):
            tally.take(attributed([3], np.ones((1, len(PROFIT_PARTS)))))
            began = time.thread_time_ns()
            for _ in range(5):
                assert tally.orders[OrderStatus.NEW] == tally.profit[0] == trades
            taken.append(time.thread_time_ns() - began)
        return statistics.median(taken)

    assert cost(20_000) < 20 * cost(100)  # it walked all of them before: some 200 times


def test_an_answer_that_is_not_delivered_counts_once_and_records_by_their_number() -> None:
    tally = Tally(())
    for event, quantity in ((HostEvent.UNDELIVERED, 5), (HostEvent.UNDELIVERED, 0), (HostEvent.REFUSED, 3)):
        tally.take(remark(event, 5, "told", quantity=quantity))
    tally.take(remark(HostEvent.FLOOD, 5, "told", quantity=4))
    assert tally.counts == {"late": 0, "refused": 3, "conflated": 4, "undelivered": 2}


def test_of_an_earlier_process_the_connection_is_known_and_nothing_counted() -> None:
    tally = Tally(())
    for event in (HostEvent.REFUSED, HostEvent.FLOOD, HostEvent.UNDELIVERED, HostEvent.BROKERAGE_DISCONNECT):
        tally.know(remark(event, 5, "told", quantity=3))
    assert not tally.broker
    assert not any(tally.counts.values())
    assert not tally.messages.any()
    tally.know(remark(HostEvent.BROKERAGE_RECONNECT, 5, "told"))
    assert tally.broker
