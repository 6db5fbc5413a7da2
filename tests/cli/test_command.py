"""``alo command`` to a core that ``alo core`` runs: answered, obeyed, kept over a kill, refused where it cannot be."""

import json
import signal
import subprocess
import sys

import pytest

from alo_lib.cli.project import CONFIG, ROOT
from alo_lib.journal import read_journal
from alo_lib.records import Kind, OperatorCommand, OrderReason
from alo_lib.runtime import replay
from alo_lib.runtime.link import Channel, CorePhase
from alo_lib.runtime.remote import RemoteCore
from alo_lib.settings import Settings
from tests.core.script import NEXT, Script, at

PATIENCE = 300.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a/b", "pause"], "name 'a/b' must be up to 32 letters, digits and underscores"),
        (["desk", "pause"], "there is no core desk at "),
        (["desk", "flaten"], "no command is 'flaten'; did you mean flatten? Allowed are pause, reduce-only, flatten,"),
        (["desk", "set-limit"], "set-limit: a limit is NAME=VALUE, as in max-drawdown=10%; none is given"),
        (["desk", "set-limit", "max-vegas=1"], "set-limit: no limit is 'max-vegas'; did you mean max-vega?"),
        (["desk", "set-limit", "max-vega=9"], "setting max-vega is '9'; allowed: a number above 0 up to 0.5"),
        (["desk", "pause", "max-vega=1"], "pause: it takes no limit"),
        (["desk"], "Missing argument 'COMMAND'"),
    ],
)
def test_bad_use_is_one_sentence(run, tmp_path, arguments, sentence):
    outcome = run("command", *arguments, "--folder", tmp_path / "shm")
    assert (outcome.status, outcome.out) == (2, "")
    assert sentence in outcome.err
    assert not (tmp_path / "shm").exists()


def test_the_help_says_of_each_command_what_the_page_says(run):
    lines = run("command", "--help").out.splitlines()
    for command in OperatorCommand:
        assert any(line.split(maxsplit=1) == [command.word, command.meaning] for line in lines), command


@pytest.mark.parametrize(
    ("phase", "sentence"),
    [
        (CorePhase.RUNNING, "the last one was killed; 'alo core desk' starts one"),
        (CorePhase.STOPPED, "the last one stopped; 'alo core desk' starts one"),
        (CorePhase.FAILED, "the last one failed"),
    ],
)
def test_a_core_that_is_gone_is_not_asked(run, tmp_path, phase, sentence):
    beating = (
        "import os, sys, numpy; from pathlib import Path; from alo_lib.runtime.link import HEARTBEAT; "
        "from alo_lib.transport import SeqLock; beat = numpy.zeros(1, HEARTBEAT); beat['phase'] = int(sys.argv[2]); "
        "side = SeqLock.ensure(Path(sys.argv[1]), HEARTBEAT).write_as('core'); side.write(beat); os._exit(0)"
    )
    place = tmp_path / "desk" / "core.state"
    subprocess.run([sys.executable, "-c", beating, place, str(list(CorePhase).index(phase))], cwd=ROOT, check=True)
    outcome = run("command", "desk", "pause", "--folder", tmp_path)
    assert (outcome.status, outcome.out) == (2, "")
    assert f"no core desk runs at {tmp_path / 'desk'}: {sentence}" in outcome.err


class Desk:
    """``alo core desk``, paced by a market of the test."""

    def __init__(self, folder):
        self.folder = folder
        self.start()

    def start(self):
        words = ("desk", "--paced", "--priority", "0", "--folder", self.folder, "--journal", self.folder / "journal")
        command = [sys.executable, "-m", "alo_lib.cli", "core", *map(str, words), "--set", "underlyings=TEST"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.kill()


def ordered(sent):
    return [OrderReason(row["reason"]).name for intents in sent for row in intents]


def test_a_core_is_flat_within_two_frames_of_quotes_stays_so_over_a_kill_and_trades_when_resumed(run, desk):
    settings = Settings.of(Settings.parameters_of(CONFIG), {"underlyings": "TEST"})
    remote = RemoteCore(settings, Channel(desk.folder / "desk"), paced=True, patience=PATIENCE)
    remote.attach(PATIENCE)
    market = Script(settings)
    market.core = remote  # type: ignore[assignment]
    remote.instruments.add_equity("TEST")

    def asked(*words, status=0):
        outcome = run("command", "desk", *words, "--folder", desk.folder)
        assert outcome.status == status, outcome.err
        return outcome.out if status == 0 else outcome.err

    market.session()
    assert "ENTRY" in ordered(market.bar(10, volatility=0.35))
    assert remote.holdings
    assert asked("status").startswith("status: the mode is normal")
    assert asked("flatten").startswith("flatten: from the next frame on the mode is flatten (operator flatten)")
    with_orders = [intents for intents in market.bar(11, volatility=0.35) if len(intents)]
    assert len(with_orders) <= 2
    assert set(ordered(with_orders)) <= {"EXIT_RISK", "HEDGE"}
    assert not any(remote.holdings.values())
    assert asked("set-limit", "max-drawdown=10%").startswith("set-limit: ")
    assert "takes a confirmation" in asked("set-limit", "max-drawdown=15%", status=2)
    desk.kill()
    desk.start()
    for hour in (12, 13):
        assert ordered(market.bar(hour, volatility=0.35)) == []
    told = json.loads(asked("status", "--json"))
    assert (told["done"], told["mode"], told["halts"], told["undoable"]) == (True, "flatten", ["operator_flatten"], 2)
    assert "max-drawdown is 0.1 in place of 0.2" in told["sentence"]
    market.session(NEXT, [100.0])
    assert ordered(market.bar(10, volatility=0.35)) == []
    asked("resume")
    assert "ENTRY" in ordered(market.bar(11, volatility=0.35))
    journal = read_journal(remote.end(at(NEXT, 12)))
    remote.stop()
    given = [message.records for message in journal.messages if message.kind is Kind.OPERATOR]
    assert [int(row["command"][0]) for row in given] == [3, 8, 4]
    assert {row["sender"][0] for row in given} == {b"alo command"}
    assert replay(journal).divergence is None
