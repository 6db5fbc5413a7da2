"""Compiled kernels in LEAN's object store, where there is no LEAN."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numba
import pytest

from alo_lib.numerics.kernel_archive import KernelArchive

NAME = f"{numba.__version__}/pricing_{32 * '0'}/function/types"


class Store:
    """LEAN's, with room for so many bytes."""

    max_size, max_files = 1000, 5

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.raises: Exception | None = None
        self.read_bytes, self.contains_key = self.values.__getitem__, self.values.__contains__

    def save_bytes(self, key: str, value: bytes) -> bool:
        if self.raises is not None:
            raise self.raises
        fits = len(value) <= self.max_size
        if fits:
            self.values[key] = value
        return fits


class Run:
    """A process of the algorithm, with an archive of its own."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[str] = []
        self.module: Any = import_module("models.stored_kernels")
        self.archive = KernelArchive()
        monkeypatch.setattr(self.module, "ARCHIVE", self.archive)
        monkeypatch.setattr(self.module, "_taken", set())
        monkeypatch.setattr(self.module, "_seen", 0)
        self._algorithm = SimpleNamespace(project_id=7, object_store=store, log=self.said.append)

    def take(self) -> None:
        self.module.take_kernels(self._algorithm)

    def look(self) -> None:
        self.module.keep_kernels_live(self._algorithm)

    def keep(self) -> None:
        self.module.keep_kernels(self._algorithm)


def test_what_one_run_compiled_the_next_one_takes(lean: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    first = Run(store, monkeypatch)
    first.take()
    first.keep()
    assert first.said == [
        "alo kernels: none are kept yet as alo-kernels-7 in the object store, so this run compiles them"
    ]
    assert store.values == {}  # nothing was compiled
    first.archive.save(NAME, b"1")
    first.keep()
    first.keep()
    assert first.said[1:] == ["alo kernels: 1 more are kept as alo-kernels-7 in the object store, 0.0 MB in all"]
    second = Run(store, monkeypatch)
    second.take()
    second.take()
    second.keep()
    assert second.said == []
    assert len(second.archive) == 1


def test_a_live_run_keeps_what_frames_compile_once_they_are_done(lean: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    run = Run(store, monkeypatch)
    run.look()
    for number in range(3):
        run.archive.save(f"{NAME}{number}", b"1")
        run.look()
        assert store.values == {}
    run.look()
    run.look()
    assert run.said == ["alo kernels: 3 more are kept as alo-kernels-7 in the object store, 0.0 MB in all"]
    run.archive.save(f"{NAME}3", b"1")
    run.look()
    run.look()
    assert len(run.said) == 2
    assert len(store.values) == 1


def test_a_damaged_value_is_told_and_replaced(lean: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    store.values["alo-kernels-7"] = b"half"
    run = Run(store, monkeypatch)
    run.take()
    assert run.said[0].startswith("alo kernels: alo-kernels-7 in the object store is damaged, so this run compiles")
    run.archive.save(NAME, b"1")
    run.keep()
    assert store.values["alo-kernels-7"] != b"half"


@pytest.mark.parametrize("full", [True, False])
def test_a_store_that_does_not_keep_them_is_told(lean: Any, monkeypatch: pytest.MonkeyPatch, full: bool) -> None:
    store = Store()
    if full:
        monkeypatch.setattr(Store, "max_size", 10)
    else:
        store.raises = RuntimeError("no write permission")
    run = Run(store, monkeypatch)
    run.archive.save(NAME, b"1")
    run.keep()
    reason = "; it allows 0.0 MB and 5 files" if full else ": no write permission"
    assert len(run.said) == 1
    assert run.said[0].startswith("alo kernels: LEAN's object store does not keep alo-kernels-7 of ")
    assert run.said[0].endswith(f" bytes{reason}; later runs compile them too")


def test_without_the_word_for_it_nothing_is_asked_of_the_store(lean: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(Store(), monkeypatch)
    monkeypatch.setattr(run.module, "ARCHIVE", None)
    run.take()
    run.keep()
    assert run.said == []
