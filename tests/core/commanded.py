"""What a person's commands leave, counted from what was journaled of them alone."""

from collections.abc import Iterable

from alo_lib.records import HaltCause, Kind, Message, OperatorCommand

__all__ = ["MODES", "commanded"]

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
