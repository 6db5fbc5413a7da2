"""Kernels that an image carries: taken where the processor can run them, never written, and compiled anew elsewhere."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import llvmlite.binding as llvm
import pytest
from numba.core.registry import cpu_target

from alo_lib.numerics import carried
from alo_lib.numerics.carried import PROCESSOR, CarriedWarning, take_processor
from tests.numerics.test_compilation import clone

_COUNTING = (
    "from numba.core import event; record = event.RecordingListener()\n"
    "with event.install_listener('numba:compile', record):\n"
    "    from alo_lib.caller.caller import twice\n"
    "    assert twice(3.0) == 18.0\n"
    "print(sum(item.is_start for _, item in record.buffer))"
)


def compilations(folder: Path, *, before: str = "", after: str = "", **environment: str) -> tuple[int, str]:
    """How many functions a process in this clone compiles, and what it warns of; before, after: code around that."""
    ours = (*PROCESSOR, "ALO_KERNELS", "ALO_KEEP_KERNELS")
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"{before}{_COUNTING}\n{after}"],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout), done.stderr


def listing(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path.relative_to(folder)), path.stat().st_mtime_ns) for path in folder.rglob("*"))


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    """Those of a clone, compiled as for an image."""
    folder = tmp_path / "kernels"
    assert compilations(clone(tmp_path / "built", 3.0), NUMBA_CACHE_DIR=str(folder), **PROCESSOR)[0] > 0
    return folder


@pytest.mark.skipif(carried._hindrance() == "they are for x86-64", reason="carried kernels are for x86-64")
def test_carried_kernels_are_taken_and_nothing_is_written(kernels: Path, tmp_path: Path) -> None:
    before = listing(kernels)
    folder, own = clone(tmp_path / "image", 3.0), tmp_path / "own"
    assert compilations(folder, ALO_KERNELS=str(kernels), NUMBA_CACHE_DIR=str(own)) == (0, "")
    # And where nothing can be written: files stand where folders for kernels would.
    for path in (own, *(folder / "alo_lib" / package / "__pycache__" for package in ("callee", "caller"))):
        path.touch()
    nowhere = {"NUMBA_CACHE_DIR": str(own), "HOME": str(own), "XDG_CACHE_HOME": str(own)}
    assert compilations(folder, ALO_KERNELS=str(kernels), PYTHONDONTWRITEBYTECODE="1", **nowhere) == (0, "")
    assert listing(kernels) == before


@pytest.mark.skipif(carried._hindrance() == "they are for x86-64", reason="carried kernels are for x86-64")
def test_kernels_of_other_sources_or_processors_are_compiled(kernels: Path, tmp_path: Path) -> None:
    before = listing(kernels)
    own = {"NUMBA_CACHE_DIR": str(tmp_path / "own")}
    chosen = {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": "+avx2,+fma"}
    assert compilations(clone(tmp_path / "same", 3.0), ALO_KERNELS=str(kernels), **own, **chosen)[0] > 0
    changed = clone(tmp_path / "changed", 3.0)
    (changed / "alo_lib" / "callee" / "more.py").touch()
    assert compilations(changed, ALO_KERNELS=str(kernels), **own)[0] > 0
    assert listing(kernels) == before


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    folder, own = clone(tmp_path / "image", 3.0), tmp_path / "own"
    count, told = compilations(folder, ALO_KERNELS=str(tmp_path / "none"), NUMBA_CACHE_DIR=str(own))
    assert count > 0
    assert f"the kernels in {tmp_path / 'none'} are not taken" in told
    assert "there is no such folder" in told


def test_a_processor_or_a_process_that_cannot_take_them_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROCESSOR:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(carried, "CARRIED", str(tmp_path))
    has = dict.fromkeys(carried._FEATURES, True)
    monkeypatch.setattr(llvm, "get_process_triple", lambda: "x86_64-unknown-linux-gnu")
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: has | {"avx2": False})
    with pytest.warns(CarriedWarning, match=r"this processor lacks avx2$"):
        take_processor()
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: has)
    assert cpu_target.target_context is not None  # as after the first kernel
    with pytest.warns(CarriedWarning, match="numba has begun to compile in this process"):
        take_processor()
    monkeypatch.setattr(llvm, "get_process_triple", lambda: "aarch64-unknown-linux-gnu")
    with pytest.warns(CarriedWarning, match="they are for x86-64$"):
        take_processor()
    assert not PROCESSOR.keys() & os.environ.keys()
    monkeypatch.setattr(carried, "CARRIED", "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        take_processor()
