"""Targets of the host that close one contract and open another: limits count both until the first is closed."""

import numpy as np

from alo_lib.core import FrameTask
from alo_lib.records import Kind, Message, Stage, records
from tests.core.test_overruling import Pipeline, constructed, once


def test_what_its_targets_close_counts_until_it_is_closed() -> None:
    market, option = constructed(50_000, max_margin=1.0)
    other = market.number(105.0, 1)
    market.bar(10, volatility=0.35)
    (held,) = market.options().values()  # all that max-vega allows

    def roll(market: Pipeline, time: int) -> None:
        columns = {
            "instrument": np.array([option, other]),
            "quantity": np.array([0, held // 2]),
            "stage": Stage.PORTFOLIO,
        }
        market.core.overrule(Message(Kind.EXTERNAL_TARGET, time, records(Kind.EXTERNAL_TARGET, 2, **columns)))

    market.hooks = {FrameTask.TARGET: once(roll)}
    market.bar(11, volatility=0.35)
    assert market.options() == {}  # what was to be opened did not fit beside what was to be closed
    market.hooks = {FrameTask.TARGET: once(lambda market, time: market.target(other, held // 2, time, Stage.PORTFOLIO))}
    market.bar(12, volatility=0.35)
    assert list(market.options().values()) == [held // 2]
    market.check_replay()
