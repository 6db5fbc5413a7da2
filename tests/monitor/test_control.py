"""Steering by the monitor's page: by who knows the token alone, as by ``alo command``, confirmed first."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.journal import read_journal
from alo_lib.records import Kind, OperatorCommand
from tests.monitor.live_page import LivePage
from tests.runtime.processes import PATIENCE
from tests.views.browser import BROWSER

pytest.importorskip("uvicorn", reason="uvicorn is in requirements/serve.txt and not installed here")
pytest.importorskip("starlette", reason="starlette is in requirements/serve.txt and not installed here")

from alo_lib.monitor.control import ControlError, token_of
from tests.monitor.test_server import Served, serving

TOKEN = "k" * 40


def test_a_token_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    token = token_of(file)
    assert len(token) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token_of(file) == token
    assert token_of(tmp_path / "other") != token


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (TOKEN, 0o644, "has mode 0644; a token is read by its user alone: 'chmod 600 "),
        (TOKEN, 0o620, "has mode 0620"),
        ("short", 0o600, "must hold a token alone, of 32 to 512 letters, digits and signs"),
        ("", 0o600, "must hold a token alone"),
        ("k" * 513, 0o600, "must hold a token alone"),
        (f"{TOKEN} {TOKEN}", 0o600, "must hold a token alone"),
        (f"{TOKEN}\n{TOKEN}", 0o600, "must hold a token alone"),
        (TOKEN + "\N{EURO SIGN}", 0o600, "must hold a token alone"),
    ],
)
def test_what_is_no_token_is_refused_and_not_shown(tmp_path: Path, content: str, mode: int, sentence: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(ControlError) as refused:
        token_of(file)
    assert sentence in str(refused.value)
    assert not content or content not in str(refused.value)
    assert file.read_text(encoding="utf-8") == content


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path, sentence in ((tmp_path / "pipe", "is no file"), (tmp_path, "cannot be read"), (tmp_path / "a/b", "made")):
        with pytest.raises(ControlError, match=sentence):
            token_of(path)


class Steered:
    """A core, and a monitor that takes commands for it."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "journal"
        common = ["--folder", str(folder / "shm"), "--journal", str(self.journal), "--priority", "0"]
        command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
        self.core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not (folder / "shm" / "one" / "telemetry.state").exists():
            assert self.core.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        token = folder / "token"
        token.write_text(TOKEN + "\n")
        token.chmod(0o600)
        self.served: Served = serving(str(folder / "shm" / "one"), "--control", str(token))
        while self.served.get("ready")[0] != 200:
            assert time.monotonic() < until
            time.sleep(0.1)

    def ask(self, body: Any, token: str | None = TOKEN) -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.served.url + "command", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def commands(self) -> list[tuple[OperatorCommand, str]]:
        """Those that the journal has, with their senders."""
        rows = [
            each.records for each in read_journal(self.journal, unfinished=True).messages if each.kind is Kind.OPERATOR
        ]
        return [(OperatorCommand(int(row["command"][0])), row["sender"][0].decode()) for row in rows]

    def close(self) -> None:
        for process in (self.served.process, self.core):
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    made = Steered(tmp_path_factory.mktemp("steered"))
    yield made
    made.close()


def test_only_who_knows_the_token_is_heard(steered: Steered) -> None:
    before = steered.commands()
    for token in (None, "", TOKEN[:-1], TOKEN + "k", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 40):
        status, told = steered.ask({"command": "pause"}, token)
        assert (status, told["done"]) == (401, False), token
        assert TOKEN not in told["sentence"]
    assert steered.served.get("command")[0] == 405
    assert steered.commands() == before
    with open(f"/proc/{steered.served.process.pid}/cmdline", "rb") as line:
        assert TOKEN.encode() not in line.read()
    for path in ("", "state.json", "monitor.js", "metrics"):
        assert TOKEN.encode() not in steered.served.get(path)[1]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the request is not JSON"),
        (b"\xff", "the request is not UTF-8"),
        ([], "the request must be an object with command, and no more than command, limit, confirm"),
        ({}, "the request must be an object with command"),
        ({"command": "pause", "token": "x"}, "and no more than command, limit, confirm"),
        (b'{"command": "pause", "command": "flatten"}', "an object has 'command' more than once"),
        ({"command": "flaten"}, "no command is 'flaten'; did you mean flatten?"),
        ({"command": 7}, "no command is 7"),
        ({"command": "pause", "confirm": "yes"}, "pause: confirm is 'yes'; it must be true or false"),
        ({"command": "pause", "confirm": 1}, "pause: confirm is 1; it must be true or false"),
        ({"command": "set-limit"}, "set-limit: a limit is NAME=VALUE"),
        (b'{"command": "' + b"p" * 5_000, "a command has at most 4,096 bytes"),
    ],
)
def test_what_is_no_command_is_refused_in_a_sentence(steered: Steered, body: Any, sentence: str) -> None:
    status, told = steered.ask(body)
    assert (status, told["done"]) == (400, False)
    assert sentence in told["sentence"]


def test_commands_are_done_answered_and_journaled(steered: Steered) -> None:
    before = steered.ask({"command": "status"})[1]["undoable"]
    assert steered.ask({"command": "set-limit", "limit": "max-drawdown=10%"})[0] == 200
    status, told = steered.ask({"command": "set-limit", "limit": "max-drawdown=15%"})
    assert (status, told["done"]) == (409, False)
    assert "takes a confirmation" in told["sentence"]
    status, told = steered.ask({"command": "set-limit", "limit": "max-drawdown=15%", "confirm": True})
    assert (status, told["done"], told["core"], told["mode"]) == (200, True, "one", "normal")
    status, told = steered.ask({"command": "status"})
    assert (status, told["undoable"]) == (200, before + 2)
    assert steered.commands()[-2:] == [(OperatorCommand.SET_LIMIT, "alo monitor")] * 2


def test_a_body_that_does_not_come_is_not_waited_for(steered: Steered) -> None:
    with socket.create_connection(("127.0.0.1", steered.served.port), timeout=60) as client:
        head = (
            f"POST /command HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n"
        )
        client.sendall(head.encode())
        assert client.recv(1_000).startswith(b"HTTP/1.1 408")
    assert steered.served.get("health")[0] == 200


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed, which would open the page")
@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_the_page_steers_once_it_is_confirmed(steered: Steered, width: int, dark: bool) -> None:
    before = len(steered.commands())
    with LivePage(steered.served.url, width=width, dark=dark) as page:
        page.wait_for("document.getElementById('name')?.textContent === 'one'")
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        def press(which: str) -> None:
            page.evaluate(f"document.querySelector('{which}').click()")

        press('[data-command="status"]')
        page.wait_for("document.getElementById('answer').textContent.startsWith('the token is missing')")
        page.evaluate(f"document.getElementById('token').value = '{TOKEN}'")
        press('[data-command="pause"]')
        question = page.evaluate("document.getElementById('question').textContent")
        assert question == "pause to one: nothing is ordered, hedges neither"
        press("#no")
        assert len(steered.commands()) == before
        press('[data-command="pause"]')
        press("#yes")
        page.wait_for("document.getElementById('answer').textContent.startsWith('pause: from the next frame on')")
        page.wait_for("document.getElementById('cards').textContent.includes('halted')")
        press('[data-command="resume"]')
        press("#yes")
        page.wait_for("document.getElementById('answer').textContent.startsWith('resume: from the next frame on')")
        assert all("401" in each or "risk.json" in each for each in page.said), page.said
    assert len(steered.commands()) == before + 2


def test_a_page_without_control_has_none_of_it(tmp_path: Path) -> None:
    from alo_lib.monitor.page import page_of, script_of

    assert "control" not in page_of(control=False)
    assert "command" not in script_of(control=False)
    words = [each.word for each in OperatorCommand]
    assert all(f'data-command="{word}"' in page_of(control=True) for word in words)


def test_a_core_that_is_gone_is_said(tmp_path: Path) -> None:
    made = Steered(tmp_path)
    try:
        made.core.kill()
        made.core.wait()
        status, told = made.ask({"command": "pause"})
        assert (status, told["done"]) == (503, False)
        assert "the last one was killed; 'alo core one' starts one" in told["sentence"]
    finally:
        made.close()
