"""A model of the host ends what the core is closing already, without its patience."""

from alo_lib.core import FrameTask
from alo_lib.records import Kind, OrderReason
from tests.core.test_overruling import once, pipeline, sell_all


def test_a_target_of_zero_takes_the_place_of_an_edge_that_is_gone() -> None:
    market = pipeline()
    market.bar(10, volatility=0.35)
    market.size = 0  # nobody closes what the edge would
    market.bar(11, volatility=0.15)
    assert {trade.undone_by for trade in market.core.snapshot().state.strategy.trades} == {OrderReason.EXIT_EDGE}
    market.hooks, market.size = {FrameTask.TARGET: once(sell_all)}, 50
    market.bar(12, volatility=0.15)
    market.bar(13, volatility=0.15)
    ended = [OrderReason(row["reason"]) for table in market.decisions(Kind.EXIT) for row in table]
    assert ended
    assert set(ended) == {OrderReason.EXTERNAL}
    market.check_replay()
