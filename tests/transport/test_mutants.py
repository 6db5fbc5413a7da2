"""Altered segments end in a sentence or in what their bytes say: in no other error, in no signal, and soon."""

import subprocess
import sys

import pytest

from tests.transport.peers import ROOT

ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "", "NUMBA_NUM_THREADS": "1"}


def worked_through(arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd=ROOT, env=ENVIRONMENT, check=False, capture_output=True, text=True
    )


def run(seed: int, first: int, count: int) -> None:
    """Work through mutants in a process of their own; on a finding say which it was, so that it can be run again."""
    done = worked_through(["-m", "tests.transport.mutants", str(seed), str(first), str(count)])
    last = (done.stdout.split("\n")[-2:-1] or ["none"])[0]
    assert done.returncode == 0, f"status {done.returncode} from mutant {last} of seed {seed} on: {done.stderr}"
    refused, used = int(last.split()[0]), int(last.split()[2])
    assert refused + used == 2 * count
    assert min(refused, used) > count / 4  # both are met


def test_some_mutants() -> None:
    run(17, 0, 600)


@pytest.mark.slow
@pytest.mark.parametrize(
    "left_out",
    [
        "segment.check_header = lambda path, header, size: SegmentKind(int(header['kind']))",
        "segment.check_positions = inspection.check_positions = lambda *_: None",
        "ring._Consumer.__init__ = lambda self, ring, name, force, check: ring_._Side.__init__(self, ring, 384 // 8, "
        "name, force)",
        "wire._KINDS.update({number: 1 for number in range(1 << 16)})",
    ],
    ids=["header", "positions", "walk", "kinds"],
)
def test_a_check_that_is_left_out_is_missed(left_out: str) -> None:
    """The same mutants with one check taken away, in the process that works through them."""
    rooms = "from alo_lib.transport import inspection, ring, ring as ring_, segment, wire\n"
    start = f"{rooms}from alo_lib.transport.layout import SegmentKind\n{left_out}\n"
    done = worked_through(
        ["-c", f"{start}from tests.transport.mutants import main\nraise SystemExit(main(17, 0, 2000))"]
    )
    assert done.returncode < 0 or "of seed 17" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_a_million_mutants(part: int) -> None:
    run(18, part * 100_000, 100_000)
