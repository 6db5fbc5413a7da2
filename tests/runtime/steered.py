"""A small book that persons steer, for the tests of their commands."""

from alo_lib.records import HaltCause, Kind, records
from alo_lib.runtime import Answer, command_of, steer
from alo_lib.strategy.state import StrategyState
from tests.core.script import Script, at, reasons, script

__all__ = ["FLAT", "PAUSED", "REDUCED", "RICH", "lost", "strategy", "told", "trading"]

RICH = 0.35
"""Implied volatility at which the script's chain is sold."""

PAUSED, REDUCED, FLAT = HaltCause.OPERATOR, HaltCause.OPERATOR_REDUCE_ONLY, HaltCause.OPERATOR_FLATTEN


def told(
    market: Script, command: object, hour: float, *, done: bool = True, limit: object = None, confirm: object = None
) -> str:
    asked = command_of(command, limit, confirm, sender="test")
    answer = asked if isinstance(asked, Answer) else steer(market.core, asked, at(market.date, hour))
    assert answer.done is done, answer.sentence
    return answer.sentence


def strategy(market: Script) -> StrategyState:
    return market.core.snapshot().state.strategy


def trading(**settings: object) -> Script:
    """A book that holds a trade and would open another one at each bar."""
    market = script(**settings)
    assert "ENTRY" in reasons(market.bar(10, volatility=RICH))
    return market


def lost(market: Script, hour: float, amount: float) -> None:
    worth = records(Kind.INTEREST, amount=-amount, instrument=-1)
    market.tell(at(market.date, hour), Kind.INTEREST, worth)
