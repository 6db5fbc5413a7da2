"""What orders cost beyond mid, at decision, arrival and fill."""

import pytest

from alo_lib.records import Kind, Message, OrderReason, OrderType, records
from alo_lib.views import Run
from alo_lib.views.slippage import order_slippages, stated_slippage
from tests.views import kit


def test_slippage_is_counted_by_hand_at_the_three_mids(tmp_path) -> None:
    """Two puts bought at 3.10 a bar after they were ordered at a mid of 3.00; the next quote's mid is 2.80."""
    messages = [message for message in kit.traded_messages(bars=5) if message.kind is not Kind.INTENT]
    messages = [message for message in messages if message.kind is not Kind.ORDER_EVENT]
    put = 1
    at = [place for place, message in enumerate(messages) if message.kind is Kind.QUOTE]
    intent = records(Kind.INTENT, order=1, instrument=put, quantity=2, type=OrderType.LIMIT, limit=3.1)
    intent["reason"] = OrderReason.ENTRY
    sent = messages[at[0]].time + 1
    messages.insert(at[2], Message(Kind.ORDER_EVENT, sent + kit.MINUTE, kit.order_event(1, put, 2, 3.1, 1.0)))
    messages.insert(at[0] + 1, Message(Kind.INTENT, sent, intent))
    run = kit.run_of(tmp_path / "run", messages)
    (told,) = order_slippages(run).values()
    mids = [3.0 - share / 5 for share in (1, 2, 2)]  # decided after the first bar, arrived and filled after the second
    assert tuple(told) == pytest.approx([2 * 100 * (3.1 - mid) for mid in mids])
    assert stated_slippage(run) == {
        "unit": "$", "decision": 60.0, "decision_orders": 1, "arrival": 100.0, "arrival_orders": 1,
        "fill": 100.0, "fill_orders": 1,
    }  # fmt: skip


def test_what_was_not_filled_has_none_and_orders_that_wait_are_told_by_a_dash(quiet: Run) -> None:
    assert order_slippages(quiet) == {}
    assert stated_slippage(quiet)["decision_orders"] == 0
