"""The blotter tells what persons asked, and what came of it."""

from pathlib import Path

from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.records import Kind, Message, OperatorCommand, records
from alo_lib.views.operator_commands import commands_section, given_commands
from tests.views import kit


def notice(time: int, *texts: str) -> Message:
    rows = records(Kind.NOTICE, len(texts))
    rows["text"] = [text.encode() for text in texts]
    return Message(Kind.NOTICE, time, rows)


def asked(time: int, command: OperatorCommand, **fields: object) -> Message:
    return Message(Kind.OPERATOR, time, records(Kind.OPERATOR, command=command, sender=b"alo <command>", **fields))


def test_commands_stand_with_what_their_frame_said_of_them(tmp_path: Path) -> None:
    frame = kit.OPEN + 2 * kit.MINUTE
    messages = [
        *kit.quiet_messages(),
        asked(frame - 1, OperatorCommand.SET_LIMIT, limit=b"max_drawdown", value=0.05),
        asked(frame - 1, OperatorCommand.PAUSE),
        Message(Kind.FRAME, frame, records(Kind.FRAME, frame=2)),
        notice(
            frame, "set-limit: max-drawdown is 0.05 <from> now on; it was 0.2", "ALFA: pause: nothing", "pause: halted"
        ),
        asked(frame + 1, OperatorCommand.UNDO),
    ]
    run = kit.run_of(tmp_path, messages)
    limit, pause, undo = given_commands(run)
    assert (limit.words, limit.told) == (
        "set-limit max-drawdown=0.05",
        ("max-drawdown is 0.05 <from> now on; it was 0.2",),
    )
    assert (pause.words, pause.sender, pause.told) == ("pause", "alo <command>", ("halted",))
    assert (undo.words, undo.told) == ("undo", ())
    section = str(commands_section(run))
    assert "alo &lt;command&gt;" in section
    assert "2024-01-02 09:31:59.999" in section
    assert "&lt;from&gt;" in section


def test_a_run_in_which_nobody_asked_anything_has_no_such_section(tmp_path: Path) -> None:
    run = kit.run_of(tmp_path, kit.quiet_messages())
    assert (run.folder / JOURNAL_FOLDER).is_dir()
    assert commands_section(run).text == ""
