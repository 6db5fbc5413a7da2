"""A person's commands to a core that is driven with anything, and what they leave, by what was journaled of them."""

from collections.abc import Iterable
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alo_lib.core import TradingCore
from alo_lib.records import HaltCause, Kind, Message, OperatorCommand, Records, records

__all__ = ["Commanding", "commanded"]

MODES = {
    OperatorCommand.PAUSE: HaltCause.OPERATOR,
    OperatorCommand.REDUCE_ONLY: HaltCause.OPERATOR_REDUCE_ONLY,
    OperatorCommand.FLATTEN: HaltCause.OPERATOR_FLATTEN,
    OperatorCommand.RESUME: None,
}
_STACKED = {*MODES, OperatorCommand.RESET_HALT, OperatorCommand.CANCEL_ORDERS, OperatorCommand.SET_LIMIT}
_STACKED.add(OperatorCommand.REFIT)


def commanded(written: Iterable[Message]) -> tuple[HaltCause | None, dict[str, float]]:
    """The mode's cause that a person wants, and the limits that one has set: those of the commands that stand."""
    standing: list[tuple[OperatorCommand, str, float]] = []
    for message in written:
        if message.kind is Kind.OPERATOR:
            (row,) = message.records
            command = OperatorCommand(row["command"])
            if command is OperatorCommand.UNDO:
                standing.pop()
            elif command in _STACKED:
                standing.append((command, row["limit"].decode(), float(row["value"])))
    mode = next((MODES[command] for command, *_ in reversed(standing) if command in MODES), None)
    return mode, {limit: value for command, limit, value in standing if command is OperatorCommand.SET_LIMIT}


LIMITS = st.sampled_from([b"", b"cash", b"max_vega", b"max_drawdown", b"max_book_structures"])


class Commanding(RuleBasedStateMachine):
    """The part of a machine that gives commands to its core."""

    core: TradingCore
    written: list[Message]
    requests = 0

    def tell(self, kind: Kind, rows: Records) -> Any:
        """Tell the core something."""
        raise NotImplementedError

    @rule(
        command=st.sampled_from([*OperatorCommand, OperatorCommand.UNDO]),
        limit=LIMITS,
        value=st.sampled_from([0.0, 1e-5, 0.05, 0.3, 2.0, 5000.0]),
        confirmed=st.booleans(),
        again=st.sampled_from([False, False, False, True]),
    )
    def command(self, command: OperatorCommand, limit: bytes, value: float, confirmed: bool, again: bool) -> None:
        """A person asks for something, or the last request comes again."""
        self.requests += not again
        row = records(Kind.OPERATOR, command=command, limit=limit, value=value, request=self.requests)
        row["confirmed"] = confirmed
        self.give(row)

    def give(self, row: Records) -> None:
        self.tell(Kind.OPERATOR, row)

    @invariant()
    def it_is_asked_what_the_commands_that_stand_ask(self) -> None:
        if hasattr(self, "core"):
            cause, limits = commanded(self.written)
            assert self.core.steering.asked == ({cause} if cause else set())
            assert self.core.steering.limits == limits
