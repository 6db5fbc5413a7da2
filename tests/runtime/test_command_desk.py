"""A core process takes a person's commands: answered, journaled, each once whatever is killed, by its user alone."""

import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.journal import read_journal
from alo_lib.records import BookMode, HaltCause, Kind, OperatorCommand, Records
from alo_lib.runtime import Answer, command_of, replay
from alo_lib.runtime.command_rings import REQUEST, CommandRings, NoAnswerError, Outcome, ask_core
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.steering import COMMANDS
from alo_lib.transport import NotOwnerError
from tests.core.killing import Killed, Slow
from tests.runtime.processes import by_hand, killed, quotes_in, started_again

LATER = 2**62


def asked(word: str, limit: str | None = None, /, **fields: object) -> Records:
    row = command_of(word, limit, sender="test")
    assert not isinstance(row, Answer), row.sentence
    for name, value in fields.items():
        row[name] = value
    return row


def put(process: CoreProcess, row: Records, until: int = LATER) -> None:
    request = np.zeros(1, REQUEST)
    for name in row.dtype.names or ():
        request[name] = row[name]
    request["until"] = until
    with process._channel.commands.requests.produce("command") as side:
        side.push(request)


def answers(process: CoreProcess) -> list[Outcome]:
    with process._channel.commands.answers.consume("command") as side:
        return [Outcome.of(row) for row in side.pop()]


def commands(folder: Path) -> list[str]:
    """What is journaled of commands."""
    journal = read_journal(folder / "journal", unfinished=True)
    return [OperatorCommand(m.records["command"][0]).word for m in journal.messages if m.kind is Kind.OPERATOR]


def test_commands_are_answered_journaled_and_kept_for_the_process_after_a_kill(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    quotes_in(remote)
    for row in (asked("pause"), asked("set-limit", "max-vega=0.1%"), asked("status"), asked("flatten"), asked("undo")):
        put(process, row)
    process.run(1)
    outcomes = answers(process)
    assert [each.done for each in outcomes] == [True] * 5
    assert [each.mode for each in outcomes] == [BookMode.HALTED] * 3 + [BookMode.FLATTEN, BookMode.HALTED]
    assert (outcomes[-1].halts, outcomes[-1].undoable) == ((HaltCause.OPERATOR,), 2)
    assert outcomes[2].sentence.startswith("status: the mode is halted (operator); lost are 0.00 of the 200,000.00")
    assert "max-vega is 0.001 in place of 0.003" in outcomes[2].sentence
    assert process.core.intents.size == 0  # the dear market is left alone
    process.close()
    assert commands(tmp_path) == ["pause", "set-limit", "flatten", "undo"]
    again = started_again(tmp_path)
    assert again.core.halts == {HaltCause.OPERATOR}
    put(again, asked("undo", confirmed=1))
    put(again, asked("undo"))
    put(again, asked("undo"))
    again.run(1)
    assert [each.done for each in answers(again)] == [True, True, False]
    assert again.core.halts == set()
    again.close()
    remote.stop()
    assert replay(read_journal(tmp_path / "journal", unfinished=True)).divergence is None


def test_a_command_is_done_once_where_the_core_is_killed_before_it_gives_its_place_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    put(process, asked("pause"))
    put(process, asked("flatten"))
    row = asked("undo")
    put(process, row)
    left = [2]  # requests that are given back before the kill

    def dying(side: Any, count: int) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        advance(side, count)

    kind = type(process._desk._requests)
    advance = kind.advance
    monkeypatch.setattr(kind, "advance", dying)
    with pytest.raises(Killed):
        process.run(1)
    killed(process)
    monkeypatch.setattr(kind, "advance", advance)
    assert commands(tmp_path) == ["pause", "flatten", "undo"]
    again = started_again(tmp_path)
    again.run(1)
    assert again.core.halts == {HaltCause.OPERATOR}
    assert [each.sentence for each in answers(again)][-1] == "undo: it was done already, by the process before this one"
    again.close()
    assert commands(tmp_path) == ["pause", "flatten", "undo"]
    remote.stop()


def test_a_request_that_is_taken_late_is_not_done(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    put(process, asked("resume"), until=0)
    put(process, asked("flatten"), until=1)
    process.run(1)
    assert [each.sentence for each in answers(process)] == [
        f"{word}: it was not taken in time, and is not done" for word in ("resume", "flatten")
    ]
    assert commands(tmp_path) == []
    process.close()
    remote.stop()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"command": 99}, "no command: command is 99; it must be one of 0 STATUS, 1 PAUSE"),
        ({"confirmed": 7}, "no command: confirmed is 7"),
        ({"command": OperatorCommand.SET_LIMIT, "limit": b"\xff\xfe"}, "set-limit: no limit is"),
        ({"command": OperatorCommand.SET_LIMIT, "limit": b"cash", "value": 1.0}, "set-limit: no limit is 'cash'"),
        ({"command": OperatorCommand.SET_LIMIT, "limit": b"max_vega", "value": np.nan}, "value is nan"),
        ({"command": OperatorCommand.SET_LIMIT, "limit": b"max_vega", "value": 9.0}, "max-vega is 9"),
        ({"command": OperatorCommand.UNDO}, "undo: no command stands"),
    ],
)
def test_what_is_no_command_is_answered_and_the_core_goes_on(
    tmp_path: Path, fields: dict[str, object], sentence: str
) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    put(process, asked("pause", **fields))
    put(process, asked("status"))
    process.run(1)
    refused, status = answers(process)
    assert (refused.done, status.done) == (False, True)
    assert sentence in refused.sentence
    assert commands(tmp_path) == []
    process.close()
    remote.stop()


def test_who_asks_and_waits_for_nothing_stops_nobody(tmp_path: Path) -> None:
    """Answers that nobody takes fill their ring; later ones are dropped, and the commands are done."""
    process, remote = by_hand(tmp_path, paced=False)
    for _ in range(16):
        put(process, asked("status"))
    process.run(1)
    process.close()
    again = started_again(tmp_path)
    put(again, asked("pause"))
    again.run(1)
    assert again.core.halts == {HaltCause.OPERATOR}
    assert len(answers(again)) == 16
    again.close()
    remote.stop()


def test_a_snapshot_is_answered_once_it_is_kept(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    process.core.watch_with(None)
    quotes_in(remote)
    put(process, asked("snapshot"))
    process.run(2)
    (outcome,) = answers(process)
    assert outcome.sentence.startswith("snapshot: the state is kept as of message ")
    assert process._snapshots.latest(read_journal(tmp_path / "journal", unfinished=True)) is not None
    process.close()
    remote.stop()


def test_a_snapshot_that_has_to_wait_for_an_overrun_says_so(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    process.core.watch_with(Slow({"signal"}))
    quotes_in(remote)
    put(process, asked("snapshot"))
    process.run(2)
    (outcome,) = answers(process)
    assert "after the next frame with news" in outcome.sentence
    process.close()
    remote.stop()


def test_the_rings_are_their_users_alone(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    folder = tmp_path / "channel"
    for name in ("commands.ring", "command-answers.ring"):
        assert stat.S_IMODE(os.stat(folder / name).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    with pytest.raises(NotOwnerError):  # a second core
        CommandRings.ensure(folder).requests.consume("core")
    process.close()
    remote.stop()


def test_whoever_asks_gets_its_own_answer_and_others_wait(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    told: dict[str, Outcome] = {}

    def ask(command: str) -> None:
        told[command] = ask_core(tmp_path / "channel", asked(command), patience=60.0)

    words = [word for word in COMMANDS if word not in ("undo", "set-limit", "snapshot")]
    threads = [threading.Thread(target=ask, args=[word]) for word in words]
    for thread in threads:
        thread.start()
    core = threading.Thread(target=process.run)
    core.start()
    for thread in threads:
        thread.join()
    process.stop()
    core.join()
    assert sorted(told) == sorted(words)
    assert all(told[word].sentence.startswith(f"{word}: ") for word in words)
    process.close()
    remote.stop()


@pytest.mark.parametrize(("grace", "least", "most"), [(0.0, 0.01, 0.9), (1.0, 1.01, 60.0)])
def test_an_answer_is_waited_for_as_long_as_is_said(tmp_path: Path, grace: float, least: float, most: float) -> None:
    CommandRings.ensure(tmp_path)
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        ask_core(tmp_path, asked("status"), patience=0.01, grace=grace)
    assert least <= time.monotonic() - began < most


def test_a_core_that_answers_nothing_does_nothing_later(tmp_path: Path) -> None:
    process, remote = by_hand(tmp_path, paced=False)
    with pytest.raises(NoAnswerError, match=r"gave no answer within 0\.01 s"):
        ask_core(tmp_path / "channel", asked("flatten"), patience=0.01)
    process._clock.now = lambda: time.monotonic_ns()  # type: ignore[method-assign]
    process.run(1)
    assert process.core.halts == set()
    process.close()
    remote.stop()
