"""Kernels that a host keeps as one value: taken by the next process, told apart by their sources."""

import zipfile
from itertools import cycle
from pathlib import Path

import numba
import pytest

from alo_lib.numerics.kernel_archive import ArchiveError, KernelArchive
from tests.numerics.test_carried import compilations
from tests.numerics.test_compilation import clone

_TAKING = (
    "import sys; from pathlib import Path; from alo_lib.numerics.kernel_archive import ARCHIVE\n"
    "value = Path('{place}')\n"
    "if value.exists(): ARCHIVE.take(value.read_bytes())\n"
)
_KEEPING = "value.write_bytes(ARCHIVE.value())\n"


def run(folder: Path, value: Path) -> tuple[int, str]:
    """How many functions a process in a clone compiles that takes and keeps a value, and what it warns of."""
    place = _TAKING.format(place=value)
    return compilations(folder, before=place, after=_KEEPING, ALO_KEEP_KERNELS="object-store")


def names(value: Path) -> set[str]:
    with zipfile.ZipFile(value) as archive:
        return set(archive.namelist())


def test_the_next_process_compiles_nothing_and_nothing_is_written_elsewhere(tmp_path: Path) -> None:
    value, folder = tmp_path / "value", clone(tmp_path / "clone", 3.0)
    count, told = run(folder, value)
    assert (count > 0, told) == (True, "")
    kept = value.read_bytes()
    assert run(clone(tmp_path / "other", 3.0), value) == (0, "")
    assert value.read_bytes() == kept
    assert not list(tmp_path.rglob("*.nbi"))


def test_kernels_of_former_sources_are_left_out(tmp_path: Path) -> None:
    value = tmp_path / "value"
    run(clone(tmp_path / "clone", 3.0), value)
    former = names(value)
    changed = clone(tmp_path / "changed", 3.0)
    (changed / "alo_lib" / "callee" / "more.py").touch()
    assert run(changed, value)[0] > 0
    assert len(names(value)) == len(former)
    assert not names(value) & former


def test_what_is_no_archive_is_refused_whole() -> None:
    archive = KernelArchive()
    archive.save(f"{numba.__version__}/pricing_{32 * '0'}/function/types", b"1")
    for damaged in (b"", b"PK\x03\x04", archive.value()[:-30], archive.value()[30:]):
        with pytest.raises(ArchiveError, match=f"an archive of kernels of {len(damaged)} bytes cannot be read"):
            archive.take(damaged)
    assert len(archive) == 1


@pytest.mark.slow
def test_damaged_kernels_are_told_compiled_and_replaced(tmp_path: Path) -> None:
    value, folder = tmp_path / "value", clone(tmp_path / "clone", 3.0)
    count, _ = run(folder, value)
    kept = names(value)
    with zipfile.ZipFile(value, "w") as archive:
        for name, content in zip(sorted(kept), cycle((b"no kernel", b"\x80\x04K\x01K\x02\x86.")), strict=False):
            archive.writestr(name, content)
    again, told = run(folder, value)
    assert again == count
    for kind in ("UnpicklingError", "TypeError"):
        assert f"a kept kernel cannot be read, and is compiled anew: {kind}: " in told
    assert names(value) == kept
    assert run(folder, value) == (0, "")


def test_another_word_than_the_object_store_is_told(tmp_path: Path) -> None:
    folder = clone(tmp_path / "clone", 3.0)
    count, told = compilations(folder, ALO_KEEP_KERNELS="disk", NUMBA_CACHE_DIR=str(tmp_path / "own"))
    assert count > 0
    assert "ALO_KEEP_KERNELS is 'disk'; allowed: object-store, or nothing" in told
