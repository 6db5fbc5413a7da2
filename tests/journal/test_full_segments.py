"""As many segments of full size as a long run has: memory and descriptors are those of one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from alo_lib.journal.writer import DEFAULT_SEGMENT
from tests.transport.peers import ROOT

SEGMENTS = 64
MOST_GROWTH = 24 << 20
"""Bytes of memory more for three times as many segments, a part of one."""


@pytest.mark.slow
def test_sixty_four_segments_of_full_size() -> None:
    folder = Path(tempfile.mkdtemp(prefix="alo-test-"))
    try:
        if shutil.disk_usage(folder).free < 2 * SEGMENTS * DEFAULT_SEGMENT:
            pytest.skip(f"{folder} has no room for {SEGMENTS} segments")
        command = [sys.executable, "-P", "-m", "tests.journal.full_segments", str(folder / "journal"), str(SEGMENTS)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    finally:
        shutil.rmtree(folder)
    found = json.loads(done.stdout)
    for before, after in (("writer_before", "writer"), ("before_recovery", "recovery"), ("reader_before", "reader")):
        assert found[after]["bytes"] - found[before]["bytes"] < MOST_GROWTH, after
    for before, after in (("writer_before", "writer"), ("reader_before", "reader")):
        assert found[after]["descriptors"] <= found[before]["descriptors"], after
    assert found["recovery"]["descriptors"] <= found["before_recovery"]["descriptors"] + SEGMENTS + 2
