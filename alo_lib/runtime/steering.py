"""A person's commands to a core: how they are written, what comes of each, and the answer.

What is asked becomes one OPERATOR message, an input like any other: journaled, decided again by a replay, kept over a
kill. A mode takes the place of the one before; ``undo`` goes back over the commands that stand, one by one.
"""

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from alo_lib.records import SENDER, BookMode, HaltCause, Kind, Message, OperatorCommand, Records, records
from alo_lib.records.spelling import meant, spelled, unspelled
from alo_lib.settings import Settings, SettingsError
from alo_lib.strategy.steering import ASKED, NO_WAY_BACK, no_limit

if TYPE_CHECKING:
    from alo_lib.core.trading import TradingCore

__all__ = ["COMMANDS", "Answer", "Standing", "command_of", "standing", "steer"]

COMMANDS: Final = (*(each.word for each in OperatorCommand if each is not OperatorCommand.STATUS), "status")

_BY_WORD: Final = {each.word: each for each in OperatorCommand}
_SHOWN: Final = 60
"""Characters of what somebody sent that an answer repeats."""


class Standing(NamedTuple):
    """How a book stands, for programs."""

    mode: BookMode
    halts: tuple[HaltCause, ...]
    undoable: int  # commands

    @property
    def words(self) -> str:
        """Mode and causes, as people read them."""
        causes = f" ({', '.join(cause.words for cause in self.halts)})" if self.halts else ""
        return f"{self.mode.words}{causes}"


class Answer(NamedTuple):
    """What came of a command."""

    done: bool
    sentence: str


def command_of(command: object, limit: object = None, confirm: object = None, *, sender: str) -> Records | Answer:
    """The OPERATOR record of what a person wrote, of a request of its own; the answer to what is no command.

    ``limit`` is NAME=VALUE, as people write settings, for ``set-limit`` alone.
    """
    if not isinstance(command, str) or command not in _BY_WORD:
        return Answer(False, _unknown(command))
    if confirm is not None and not isinstance(confirm, bool):
        return Answer(False, f"{command}: confirm is {_shown(confirm)}; it must be true or false")
    asked = _BY_WORD[command]
    row = records(Kind.OPERATOR, command=asked, confirmed=bool(confirm), request=secrets.randbits(62) + 1)
    row["sender"] = sender.encode()[:SENDER]
    if asked is not OperatorCommand.SET_LIMIT:
        named = limit not in (None, "")
        return Answer(False, f"{command}: it takes no limit, and {_shown(limit)} is given") if named else row
    name, equals, value = limit.partition("=") if isinstance(limit, str) else ("", "", "")
    if not equals:
        given = "none is given" if limit is None else f"not {_shown(limit)}"
        return Answer(False, f"{command}: a limit is NAME=VALUE, as in max-drawdown=10%; {given}")
    name = unspelled(name.strip())
    if wrong := no_limit(name):
        return Answer(False, f"{command}: {wrong}")
    try:
        row["limit"], row["value"] = name.encode(), getattr(Settings.of({name: value}), name)
    except SettingsError as error:
        return Answer(False, f"{command}: {error}")
    return row


def steer(core: "TradingCore", asked: Records, time: int) -> Answer:
    """Do what a person asks, at ``time``, ns UTC; it counts from the next frame on. What cannot be changes nothing.

    A command that would change nothing is done, and nothing is left of it to undo. Whoever drives the core keeps the
    state after a snapshot was asked.
    """
    row = asked[0]
    command, steering = OperatorCommand(row["command"]), core.steering
    if command is OperatorCommand.STATUS:
        return Answer(True, f"status: {_standing(core)}")
    if problem := steering.problem(row, core.settings):
        how = '; say so by --confirm, or "confirm": true' if problem.field == "confirmed" else ""
        return Answer(False, f"{command.word}: {problem.sentence}{how}")
    if _is_so(core, row):
        return Answer(True, f"{command.word}: it is so already; {_standing(core)}")
    undone = steering.before[-1].command if command is OperatorCommand.UNDO else None
    core.accept(Message(Kind.OPERATOR, time, asked))
    if undone in NO_WAY_BACK:
        return Answer(False, f"undo: {undone.word} cannot be undone, {NO_WAY_BACK[undone]}; {_standing(core)}")
    which = "" if undone is None else f"{undone.word} is undone, and "
    told = _TOLD.get(command, "")
    return Answer(True, f"{command.word}: {told or which}from the next frame on {_standing(core)}")


def standing(core: "TradingCore") -> Standing:
    """How the book of a core stands, once what waits is taken in."""
    halts = sorted(core.halts)
    mode = max((cause.mode for cause in halts), default=BookMode.NORMAL)
    return Standing(mode, tuple(halts), _undoable(core))


_TOLD: Final = {
    OperatorCommand.CANCEL_ORDERS: "all orders that work are canceled, once, which cannot be undone; ",
    OperatorCommand.REFIT: "models are fitted again, which cannot be undone, and count once they are made; ",
    OperatorCommand.SNAPSHOT: "the state is kept; ",
}
"""What is answered of commands that change no mode."""


def _is_so(core: "TradingCore", row: np.void) -> bool:
    """Whether a command would change nothing."""
    command, steering = OperatorCommand(row["command"]), core.steering
    if command in ASKED:
        return steering.asked == ASKED[command]
    if command is OperatorCommand.RESET_HALT:
        return core.halts.isdisjoint({HaltCause.DRAWDOWN, HaltCause.DAILY_LOSS})
    if command is OperatorCommand.SET_LIMIT:
        return bool(getattr(steering.in_force(core.settings), row["limit"].decode()) == row["value"])
    return False


def _undoable(core: "TradingCore") -> int:
    return sum(each.command not in NO_WAY_BACK for each in core.steering.before)


def _standing(core: "TradingCore") -> str:
    """Mode and causes of a book, what it has lost of what it may, its limits, and how far back a person can go."""
    stands = standing(core)
    count = stands.undoable
    lost = [
        f"{max(lost, 0.0):,.2f} of the {allowed:,.2f} that {spelled(name)} allows"
        for name, (lost, allowed) in core.losses.items()
    ]
    usual = core.settings
    limits = [
        f"{spelled(name)} is {value:g} in place of {getattr(usual, name):g}"
        for name, value in sorted(core.steering.limits.items())
    ]
    undone = f"{count} command{'' if count == 1 else 's'} can be undone"
    return "; ".join((f"the mode is {stands.words}", f"lost are {' and '.join(lost)}", *limits, undone))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _unknown(command: object) -> str:
    name = meant(command, COMMANDS) if isinstance(command, str) else None
    suggested = f"did you mean {name}? Allowed" if name else "allowed"
    return f"no command is {_shown(command)}; {suggested} are {', '.join(COMMANDS)}"
