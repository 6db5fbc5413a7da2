"""The link: what a host knows of its core from the heartbeat alone."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.executive import Lifecycle, LifecycleError
from alo_lib.runtime.link import _EDGES as LINK_EDGES
from alo_lib.runtime.link import CorePhase, Link, LinkPhase, channel_folder
from alo_lib.runtime.process import _EDGES as PROCESS_EDGES
from alo_lib.transport import SeqLock, default_folder
from tests.runtime.processes import FRAME, Watched


def test_a_late_core_is_noticed_after_two_frames_and_heard_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.link.look() is LinkPhase.WAITING
    watched.beat()
    assert watched.link.look() is LinkPhase.ATTACHED
    watched.now += 2 * FRAME
    assert watched.link.look() is LinkPhase.ATTACHED
    watched.now += 1
    assert watched.link.look() is LinkPhase.LATE
    watched.beat()
    assert watched.link.look() is LinkPhase.ATTACHED
    watched.beat(CorePhase.STOPPED)
    assert watched.link.look() is LinkPhase.GONE
    watched.beat()
    assert watched.link.look() is LinkPhase.ATTACHED
    watched.link.close()
    assert watched.link.look() is LinkPhase.CLOSED
    assert [phase for phase, _ in watched.heard] == [
        *(LinkPhase.ATTACHED, LinkPhase.LATE, LinkPhase.ATTACHED, LinkPhase.GONE, LinkPhase.ATTACHED)
    ]
    assert watched.heard[1][1] == "no heartbeat for 20.0 ms; no risk is opened"


def test_what_was_lost_is_heard_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for refused, conflated, undelivered in ((0, 0, 0), (2, 0, 0), (2, 0, 0), (5, 0, 1), (0, 7, 0)):
        watched.beat(refused=refused, conflated=conflated, undelivered=undelivered)
        watched.link.look()
    told = [sentence for _, sentence in watched.heard[1:]]
    assert told == [
        "2 messages of this host were refused by the core",
        "3 messages of this host were refused by the core",
        "1 answers found no room because this host took none; their orders count as refused",
        "7 quotes and trades came faster than the core takes them, and later ones superseded them",  # of a new process
    ]
    assert {phase for phase, _ in watched.heard} == {LinkPhase.ATTACHED}


def test_a_dead_process_is_noticed_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; import numpy as np; from alo_lib.transport import SeqLock;"
        "from alo_lib.runtime.link import HEARTBEAT; v = np.zeros(1, HEARTBEAT); v['phase'] = 1; v['length'] = 10**15;"
        "SeqLock.ensure(Path(sys.argv[1]), HEARTBEAT).write_as('core').write(v); print('beat', flush=True);"
        "time.sleep(60)"
    )
    state = tmp_path / "core.state"
    child = subprocess.Popen([sys.executable, "-c", script, str(state)], cwd=ROOT, stdout=subprocess.PIPE)
    child.stdout.readline()  # type: ignore[union-attr]
    link = Link(SeqLock.open(state), lambda *heard: None)
    assert link.look() is LinkPhase.ATTACHED
    child.kill()
    child.communicate()
    assert link.look() is LinkPhase.GONE


def test_a_channel_is_of_one_name_and_one_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders = set()
    for project in (ROOT, Path("/one/checkout"), Path("/another/checkout")):
        monkeypatch.setattr("alo_lib.runtime.link.PROJECT", project)
        for name in ("core", "desk"):
            found = channel_folder(name)
            assert (found, found.parent) == (channel_folder(name), default_folder())
            assert channel_folder(name, tmp_path) == tmp_path / name
            assert found.name.partition("-")[0] == name
            folders.add(found)
    assert len(folders) == 6


@pytest.mark.parametrize(("edges", "steps"), [(LINK_EDGES, 4), (PROCESS_EDGES, 3)], ids=["link", "process"])
def test_every_edge_of_the_lifecycles(edges: "dict[tuple[Any, str], Any]", steps: int) -> None:
    phases, names = list(type(next(iter(edges))[0])), sorted({step for _, step in edges})  # type: ignore[call-overload]
    assert len(names) == steps
    for phase in phases:
        for step in names:
            lifecycle = Lifecycle("it", phase, edges)
            if (phase, step) in edges:
                assert lifecycle.move(step) is edges[phase, step]
            else:
                with pytest.raises(LifecycleError, match=f"it cannot {step}: it is {phase.value}"):
                    lifecycle.move(step)
    ended = [phase for phase in phases if not any(start is phase for start, _ in edges)]
    assert {phase.name for phase in ended} <= {"CLOSED", "STOPPED", "FAILED"}
    assert ended
