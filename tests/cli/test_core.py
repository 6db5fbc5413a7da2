import json
from pathlib import Path

import numpy as np
import pytest

from alo_lib.cli.project import ROOT
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.link import HEARTBEAT, CorePhase, channel_folder
from alo_lib.runtime.process import CoreProcess
from alo_lib.transport import SeqLock


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a/b"], "name 'a/b' must be up to 32 letters, digits and underscores"),
        (["../x", "--status"], "name '../x' must be up to 32 letters"),
        (["", "--status"], "name '' must be up to 32 letters"),
        (["a\nb", "--status"], "name 'a\\nb' must be up to 32 letters"),
        (["a\x07", "--status"], "name 'a\\x07' must be up to 32 letters"),
        (["é", "--status"], "name 'é' must be up to 32 letters"),
        (["1a", "--status"], "name '1a' must be up to 32 letters"),
        (["a" * 33, "--status"], f"name '{'a' * 33}' must be up to 32 letters"),
        (["--status"], "there is no core core at "),
        (["--set", "underlying=X"], "unknown setting 'underlying'"),
        (["--set", "underlying"], "'underlying' is not NAME=VALUE"),
        (["--budget", "value=9"], "task 'forecast' cannot be scheduled"),
        (
            ["--on-overrun", "value=degrade"],
            "task 'value' needs a degraded form if, and only if, its policy is to degr",
        ),
        (["--priority", "100"], "'--priority': '100' is out of range; allowed: from 0 to 99"),
        (["--spin", "10,001"], "'10,001' is out of range; allowed: from 0 to 10,000"),
        (["--frames", "0"], "'--frames': '0' is out of range; allowed: at least 1"),
        (["--cpu", "99999"], "--cpu is 99999; this process may run on processor "),
    ],
)
def test_bad_use_is_one_sentence(run, tmp_path, arguments, sentence):
    where = ["--folder", tmp_path / "shm", "--journal", tmp_path / "journal"]
    outcome = run("core", *where, *arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.fixture
def beating(monkeypatch, tmp_path):
    """A place of shared memory in which the core "desk" of this checkout has told its seventh frame."""
    monkeypatch.setattr("alo_lib.runtime.link.default_folder", lambda: tmp_path / "memory")
    beat = np.zeros(1, HEARTBEAT)
    beat["phase"], beat["frame"] = list(CorePhase).index(CorePhase.RUNNING), 7
    beat["refused"], beat["conflated"], beat["undelivered"] = 8, 9, 10
    SeqLock.ensure(channel_folder("desk") / "core.state", HEARTBEAT).write_as("core").write(beat)
    return channel_folder("desk")


def test_the_status_says_whose_core_it_is(run, beating):
    first, *rest = run("core", "desk", "--status").out.splitlines()
    assert first == f"core desk of {ROOT}, at {beating}"
    assert rest[1].startswith("frame 7, ")
    assert rest[3] == "8 messages of the host refused, 9 quotes and trades conflated, 10 answers undelivered"
    told = json.loads(run("core", "desk", "--status", "--json").out)
    assert (told["folder"], told["project"], told["frame"]) == (str(beating), str(ROOT), 7)
    assert (told["refused"], told["conflated"], told["undelivered"]) == (8, 9, 10)
    beating.rename(beating.with_name("desk"))  # as a folder that was given holds it, whoever runs it
    given = ("core", "desk", "--status", "--folder", beating.parent)
    assert run(*given).out.splitlines()[0] == f"core desk, at {beating.parent / 'desk'}"
    assert json.loads(run(*given, "--json").out)["project"] is None


def test_another_checkouts_core_is_not_taken_for_ones_own(run, beating, monkeypatch):
    monkeypatch.setattr("alo_lib.runtime.link.PROJECT", Path("/another/checkout"))
    outcome = run("core", "desk", "--status")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == (
        f"alo: there is no core desk of /another/checkout at {channel_folder('desk')}; 'alo core desk' starts one\n"
    )


def test_a_heartbeat_of_another_version_is_one_sentence(run, monkeypatch, tmp_path):
    monkeypatch.setattr("alo_lib.runtime.link.default_folder", lambda: tmp_path / "memory")
    SeqLock.ensure(channel_folder("desk") / "core.state", np.dtype([("frame", "<i8")]))
    outcome = run("core", "desk", "--status")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.endswith(f" at {channel_folder('desk')} is of another version of this program\n")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("told", [-5, 946_684_799 * 10**9, 2_556_144_000 * 10**9, 2**62])
def test_an_absurd_clock_is_one_sentence_and_nothing_is_journaled(run, monkeypatch, tmp_path, told):
    assert CoreProcess.__init__.__annotations__["wall"] == WallClock | None  # the command asks for the clock itself
    wall = WallClock(lambda: told)
    monkeypatch.setattr("alo_lib.runtime.frame_clock.WallClock", lambda takes_old: wall)
    outcome = run("core", "--folder", tmp_path / "shm", "--journal", tmp_path / "journal", "--set", "underlyings=TEST")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("alo: the machine's clock says ")
    assert outcome.err.endswith("; set it, no core runs outside of 2000 to 2050\n")
    assert not (tmp_path / "journal").exists()
