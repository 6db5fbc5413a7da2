"""A person's commands to a core: what each asks of it, and the answer.

What is asked becomes one HALT message, an input like any other: journaled, decided again by a replay, kept over a kill.
A command takes the place of the one before; ``undo`` goes back over the commands that stand, one by one.
"""

from typing import Final, NamedTuple

import numpy as np

from alo_lib.core.protocol import Core
from alo_lib.records import BookMode, HaltCause, Kind, Message, records
from alo_lib.records.spelling import meant, spelled
from alo_lib.strategy.steering import OF_PERSONS

__all__ = ["COMMANDS", "Answer", "steer"]

_ASKED: Final = {
    "pause": {HaltCause.OPERATOR},
    "reduce-only": {HaltCause.OPERATOR_REDUCE_ONLY},
    "flatten": {HaltCause.OPERATOR_FLATTEN},
    "resume": set[HaltCause](),
}
"""What a person asks of the book from a command on."""

_BY_LOSSES: Final = frozenset((HaltCause.DRAWDOWN, HaltCause.DAILY_LOSS))

COMMANDS: Final = (*_ASKED, "reset-halt", "undo", "status")

_SHOWN: Final = 60
"""Characters of what somebody sent that an answer repeats."""


class Answer(NamedTuple):
    """What came of a command."""

    done: bool
    sentence: str


def steer(core: Core, command: object, time: int) -> Answer:
    """Do what a person asks, at ``time``, ns UTC; it counts from the next frame on. What is no command changes nothing.

    A command that would change nothing is done, and nothing is left of it to undo.
    """
    if not isinstance(command, str) or command not in COMMANDS:
        return Answer(False, _unknown(command))
    if command == "status":
        return Answer(True, f"status: {_standing(core, core.halts)}")
    halts, steering = core.halts, core.steering
    if command == "undo" and not steering.before:
        return Answer(False, "undo: no command stands that could be undone")
    if command == "undo":
        rows = records(Kind.HALT, cause=HaltCause.OPERATOR, undo=1)
        after = (halts - steering.asked) | steering.before[-1].asked
    elif command == "reset-halt":
        reset = sorted(halts & _BY_LOSSES)
        rows, after = records(Kind.HALT, len(reset), cause=np.array(reset, "u1")), halts - _BY_LOSSES
    else:
        asked = _ASKED[command]
        changed = sorted(steering.asked ^ asked)
        rows = records(Kind.HALT, len(changed), cause=np.array(changed, "u1"))
        rows["halted"] = [cause in asked for cause in changed]
        after = (halts - set(OF_PERSONS)) | asked
    if not len(rows):
        return Answer(True, f"{command}: it is so already; {_standing(core, halts)}")
    core.accept(Message(Kind.HALT, time, rows))
    return Answer(True, f"{command}: from the next frame on {_standing(core, after)}")


def _standing(core: Core, halts: set[HaltCause]) -> str:
    """Mode and causes of a book, what it has lost of what it may, and how far back a person can go."""
    mode = max((cause.mode for cause in halts), default=BookMode.NORMAL).name.lower().replace("_", "-")
    causes = f" ({', '.join(cause.words for cause in sorted(halts))})" if halts else ""
    lost = [
        f"{max(lost, 0.0):,.2f} of the {allowed:,.2f} that {spelled(name)} allows"
        for name, (lost, allowed) in core.losses.items()
    ]
    count = len(core.steering.before)
    undone = f"{count} command{'' if count == 1 else 's'} can be undone"
    return "; ".join((f"the mode is {mode}{causes}", *([f"lost are {' and '.join(lost)}"] if lost else []), undone))


def _unknown(command: object) -> str:
    shown = repr(command)
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
    name = meant(command, COMMANDS) if isinstance(command, str) else None
    suggested = f"did you mean {name}? Allowed" if name else "allowed"
    return f'no command is {shown}; {suggested} are {", ".join(COMMANDS)}, as in {{"command": "pause"}}'
