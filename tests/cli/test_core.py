import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from alo_lib.cli.commands.core import core
from alo_lib.cli.project import ROOT
from alo_lib.records.processes import is_in_this_container
from alo_lib.runtime.fence import STANDBY, STANDBY_NAME
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.link import HEARTBEAT, Channel, CorePhase, channel_folder
from alo_lib.runtime.process import CoreProcess
from alo_lib.settings.operation import OperationSettings
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


def test_a_second_core_of_a_name_is_one_sentence_that_says_what_to_do(run, tmp_path):
    channel = Channel(channel_folder("core", tmp_path / "shm"))
    first = channel.core_side()  # is kept
    outcome = run("core", "--folder", tmp_path / "shm", "--journal", tmp_path / "journal", "--priority", "0")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.startswith(
        "alo: a core of this name runs already: end that one first, or let this one stand by for it with --standby; "
    )
    assert f"(pid {os.getpid()})" in outcome.err
    assert not (tmp_path / "journal").exists()
    for side in first[:4]:
        side.close()
    channel.remove()


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


ODD = (
    -1,
    4,
    2**31,
    2**62,
    2**63 - 1,
    -(2**63),
    int.from_bytes(b"99999999", "little"),
    int.from_bytes(b"'<i8',(9", "little"),
)


def test_the_status_of_an_altered_heartbeat_is_told_or_refused_at_once(run, beating):
    """Every word of the file in turn, by a value that differs from word to word."""
    path = beating / "core.state"
    image = path.read_bytes()
    ends = {0: 0, 2: 0}
    for place in range(len(image) // 8):
        altered = bytearray(image)
        altered[place * 8 : place * 8 + 8] = ODD[place % len(ODD)].to_bytes(8, "little", signed=True)
        path.write_bytes(altered)
        begin = time.perf_counter()
        outcome = run("core", "desk", "--status")
        assert time.perf_counter() - begin < 2.0, place
        ends[outcome.status] += 1
        if outcome.status:
            assert (outcome.out, outcome.err.count("\n")) == ("", 1), place
            assert str(beating) in outcome.err, place
    assert min(ends.values()) > 20  # the header is checked, and most of the copies are none of the last version


@pytest.mark.parametrize("name", [name for name in HEARTBEAT.names or () if name != "settings"])
def test_a_heartbeat_that_no_core_can_have_told_is_refused(run, beating, name):
    beat = np.zeros(1, HEARTBEAT)
    beat[name] = -1
    SeqLock.open(beating / "core.state").write_as("core", force=True).write(beat)
    outcome = run("core", "desk", "--status")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"core.state is damaged: its {name} is -1; it must be 0 to " in outcome.err


def test_a_heartbeat_is_looked_at_without_anything_that_compiles(beating):
    """A kernel that is not cached takes seconds to compile, and on a busy machine half a minute."""
    program = (
        "import sys; from pathlib import Path; from alo_lib.runtime.link import last_beat; "
        "from alo_lib.transport import kernels; beat, owner = last_beat(Path(sys.argv[1])); "
        "print(int(beat['frame']), owner.pid, kernels.seqlock_read.signatures)"
    )
    command = [sys.executable, "-P", "-c", program, str(beating / "core.state")]
    told = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (told.stdout, told.stderr) == (f"7 {os.getpid()} []\n", "")


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


def test_a_file_gives_the_options_and_the_command_line_wins(run, beating, tmp_path):
    config = tmp_path / "alo.json"
    config.write_text(json.dumps({"core": {"name": "desk", "priority": 3, "processor": 99999}}))
    assert "core desk of " in run("core", "--config", config, "--status").out
    assert "there is no core other" in run("core", "other", "--config", config, "--status").err
    where = ("--folder", tmp_path / "shm", "--journal", tmp_path / "journal", "--config", config)
    assert "--cpu is 99999; this process may run on" in run("core", *where).err
    assert "--cpu is 99998; this process may run on" in run("core", *where, "--cpu", "99998").err


def test_the_option_and_the_file_have_one_default_lease():
    options = {each.name: each for each in core.params}
    assert options["lease"].default == OperationSettings().core.lease


@pytest.mark.parametrize(
    ("content", "more", "sentence"),
    [
        ({"core": {"priority": 100}}, [], "setting core.priority in FILE is 100; allowed: SCHED_FIFO's, from 0 to 99"),
        ({"core": {"budgets": {"value": 9}}}, [], "task 'forecast' cannot be scheduled"),
        ({"core": {"on-overrun": {"valu": "skip"}}}, [], "'valu' is no task; tasks are ingest"),
        ({"settings": {"cash": 5}}, ["--set", "cash=0"], "setting cash is '0'; allowed"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence(run, tmp_path, content, more, sentence):
    config = tmp_path / "alo.json"
    config.write_text(json.dumps(content))
    where = ("--folder", tmp_path / "shm", "--journal", tmp_path / "journal")
    outcome = run("core", *where, "--config", config, *more)
    assert outcome.status == 2
    assert sentence in outcome.err.replace(str(config), "FILE")
    assert outcome.err.count("\n") == 1


def test_budgets_of_a_file_are_added_to_and_overruled(monkeypatch):
    from alo_lib.cli.commands.core import _plans
    from alo_lib.settings.operation import OperationSettings

    config = OperationSettings.of({"core": {"budgets": {"value": 4.5, "limit": 0.1}}}, "file")
    assert _plans(config, ("value=5",), ("value=skip",)) == (("value=4.5", "limit=0.1", "value=5"), ("value=skip",))
    assert _plans(None, ("value=5",), ()) == (("value=5",), ())


def test_health_is_a_status_for_programs(run, beating):
    """A core that beats now, in a process that lives, is well; the same a while later is not."""
    state = SeqLock.open(beating / "core.state")
    beat = np.zeros(1, HEARTBEAT)
    for age, phase, status in ((0, "RUNNING", 0), (5_000_000_000, "RUNNING", 1), (0, "STOPPED", 1), (0, "STARTING", 1)):
        beat["phase"] = list(CorePhase).index(CorePhase[phase])
        beat["monotonic"] = time.monotonic_ns() - age
        writer = state.write_as("core", force=True)
        writer.write(beat)
        outcome = run("core", "desk", "--health")
        writer.close()
        assert outcome.status == status
        assert ("the core desk is not well" in outcome.err) is bool(status)
    assert run("core", "desk", "--status").status == 0
    assert run("core", "nobody", "--health").status == 2


@pytest.mark.parametrize(
    ("core_age", "standby_age", "followed", "ours", "status"),
    [
        (0, None, 0, True, 0),  # it leads
        (60, 0, 7, True, 0),  # it stands by, whatever the other one does
        (60, 0, -1, True, 1),  # it is not warm
        (60, 60, 7, True, 1),  # nor does it look
        (60, None, 0, True, 1),
        (0, 0, 7, False, 1),  # both are of other containers
    ],
)
def test_one_of_two_is_well_as_what_it_is(run, beating, monkeypatch, core_age, standby_age, followed, ours, status):
    monkeypatch.setattr("alo_lib.records.processes.is_in_this_container", lambda pid: pid == os.getpid() and ours)
    beat = np.zeros(1, HEARTBEAT)
    beat["phase"] = list(CorePhase).index(CorePhase.RUNNING)
    beat["monotonic"] = time.monotonic_ns() - core_age * 1_000_000_000
    SeqLock.open(beating / "core.state").write_as("core", force=True).write(beat)
    if standby_age is not None:
        told = np.zeros(1, STANDBY)
        told["monotonic"], told["followed"] = time.monotonic_ns() - standby_age * 1_000_000_000, followed
        SeqLock.ensure(beating / STANDBY_NAME, STANDBY).write_as("standby").write(told)
    outcome = run("core", "desk", "--health", "--standby")
    assert outcome.status == status
    assert ("the core desk of this container is not well" in outcome.err) is bool(status)


def test_a_process_of_another_container_is_told_from_one_of_this():
    assert is_in_this_container(os.getpid())
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as beside:
        assert is_in_this_container(beside.pid)
    assert not is_in_this_container(2**22 + 1)  # no process has it
    apart = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True)
    if apart.returncode:
        pytest.skip("this user may not make a namespace of mounts")
    with subprocess.Popen(["unshare", "--mount", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write(b"x")
        other.stdin.flush()
        assert other.stdout.read(1) == b"x"  # it has become what it is to be
        assert not is_in_this_container(other.pid)
