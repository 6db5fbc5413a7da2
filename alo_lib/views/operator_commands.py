"""What persons asked of a run, and what came of it."""

from typing import NamedTuple

import numpy as np

from alo_lib.records import Kind, OperatorCommand
from alo_lib.records.spelling import spelled
from alo_lib.views import page
from alo_lib.views.page import Html
from alo_lib.views.run import Run, exchange_time, once_a_run

__all__ = ["GivenCommand", "commands_section", "given_commands"]


class GivenCommand(NamedTuple):
    """A command, as the journal has it."""

    time: int  # ns UTC
    command: OperatorCommand
    limit: str  # NAME=VALUE, of ``set-limit`` alone
    sender: str
    told: tuple[str, ...]  # what the frame that took it in said of it; empty before there is one

    @property
    def words(self) -> str:
        """As it was written."""
        return f"{self.command.word} {self.limit}".rstrip()


@once_a_run
def given_commands(run: Run) -> list[GivenCommand]:
    """All commands, in their order. Notices bear the words of the command that they are of."""
    given: list[GivenCommand] = []
    waiting: list[int] = []
    in_frame: list[int] = []
    for message in run.journal.messages:
        if message.kind is Kind.OPERATOR:
            waiting.append(len(given))
            given += [_given(message.time, row) for row in message.records]
        elif message.kind is Kind.FRAME:
            in_frame, waiting = waiting, []
        elif message.kind is Kind.NOTICE:
            texts = [row["text"].decode(errors="replace") for row in message.records]
            for place in in_frame:
                start = f"{given[place].command.word}: "
                told = tuple(text.removeprefix(start) for text in texts if text.startswith(start))
                given[place] = given[place]._replace(told=told)
    return given


def commands_section(run: Run) -> Html:
    """The commands of a run; nothing of one in which nobody asked anything."""
    given = given_commands(run)
    if not given:
        return Html("")
    times = exchange_time(np.array([one.time for one in given], np.int64))
    rows = [(time, one.words, one.sender, "; ".join(one.told)) for time, one in zip(times, given, strict=True)]
    columns = ("New York time", "command", "sent by", "what came of it")
    return page.section("Commands", page.table(columns, rows))


def _given(time: int, row: np.void) -> GivenCommand:
    command = OperatorCommand(row["command"])
    limit = ""
    if command is OperatorCommand.SET_LIMIT:
        limit = f"{spelled(row['limit'].decode(errors='replace'))}={float(row['value']):zg}"
    return GivenCommand(time, command, limit, row["sender"].decode(errors="replace"), ())
