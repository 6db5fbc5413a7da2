import io
import json
import sys

import structlog

from alo_lib.telemetry import LogOutput, open_log


def test_each_output_has_its_own_style_and_level():
    people, programs = io.StringIO(), io.StringIO()
    log = open_log(LogOutput(lambda: people, level="warning"), LogOutput(lambda: programs, "json"))

    log.info("session opened", day="2024-01-02")
    log.warning("rows left out", rows=3)

    assert "session opened" not in people.getvalue()
    assert "rows left out" in people.getvalue()
    assert "rows=3" in people.getvalue()
    lines = [json.loads(line) for line in programs.getvalue().splitlines()]
    assert [(line["log.level"], line["message"]) for line in lines] == [
        ("info", "session opened"),
        ("warning", "rows left out"),
    ]
    assert lines[0]["day"] == "2024-01-02"
    assert lines[0]["@timestamp"].endswith("Z")
    assert lines[0]["ecs.version"] == "8.11.0"


def test_an_output_follows_a_replaced_stream(capsys):
    log = open_log(LogOutput(lambda: sys.stderr))
    log.error("gone wrong")
    assert "gone wrong" in capsys.readouterr().err


def test_opening_a_log_configures_nothing_globally():
    before = structlog.get_config()
    open_log(LogOutput(io.StringIO))
    assert structlog.get_config() == before


def test_debug_lines_are_left_out_unless_asked_for():
    usual, curious = io.StringIO(), io.StringIO()
    log = open_log(LogOutput(lambda: usual), LogOutput(lambda: curious, level="debug"))
    log.debug("detail")
    assert usual.getvalue() == ""
    assert "detail" in curious.getvalue()


def test_exceptions_are_told_whole():
    out = io.StringIO()
    log = open_log(LogOutput(lambda: out))
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        log.exception("division")
    assert "ZeroDivisionError" in out.getvalue()
