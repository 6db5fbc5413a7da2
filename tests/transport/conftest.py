import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def folder():
    """Where segments of a test lie: in memory where the system has a folder for that."""
    memory = Path("/dev/shm")
    found = Path(tempfile.mkdtemp(prefix="alo-test-", dir=memory if memory.is_dir() else None))
    yield found
    shutil.rmtree(found)


@pytest.fixture(params=[True, False], ids=["compiled", "locked"])
def compiled(request):
    """Each structure is tested as kernels and as their Python originals under the file lock."""
    from alo_lib.transport.atomics import SUPPORTED

    if request.param and not SUPPORTED:
        pytest.skip("kernels on shared memory are compiled for x86-64 only")
    return request.param
