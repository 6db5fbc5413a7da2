import os
import re
import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from alo_lib.numerics.compilation import python_original
from alo_lib.transport import atomics
from alo_lib.transport.atomics import (
    Words,
    compare_exchange,
    cycles,
    fence_acquire,
    fence_release,
    fetch_add,
    load_acquire,
    load_relaxed,
    pause,
    shared_kernel,
    store_relaxed,
    store_release,
)
from tests.transport.peers import ROOT, acquire_spin, plain_spin

compiled_here = pytest.mark.skipif(
    not (atomics.SUPPORTED and hasattr(acquire_spin, "py_func")), reason="kernels are not compiled here"
)


@shared_kernel
def everything(words: Words, value: int) -> int:
    store_release(words, 0, value)
    fence_release()
    store_relaxed(words, 1, load_acquire(words, 0) + 1)
    fence_acquire()
    before = fetch_add(words, 2, value)
    pause()
    if compare_exchange(words, 3, 0, value) and not compare_exchange(words, 3, 0, -1):
        return load_relaxed(words, 1) * 1000 + before
    return -1


@pytest.mark.parametrize("function", [everything, python_original(everything)], ids=["compiled", "original"])
def test_each_does_what_it_says_compiled_and_not(function):
    words = np.array([0, 0, 7, 0, 99], np.int64)
    assert function(words, 5) == 6007
    assert words.tolist() == [5, 6, 12, 5, 99]


@shared_kernel
def two_readings() -> tuple[int, int]:
    return cycles(), cycles()


@pytest.mark.parametrize("function", [two_readings, python_original(two_readings)], ids=["compiled", "original"])
def test_the_cycle_counter_goes_on(function):
    one, two = function()
    assert one <= two


def machine_independent_code(function: Any, *arguments: object) -> str:
    """LLVM's code after its optimizations; compiled here, because a kernel from the cache does not show its own."""
    compiled = numba.njit(python_original(function))
    compiled(*arguments)
    (code,) = compiled.inspect_llvm().values()
    return str(code)


@compiled_here
def test_they_are_single_atomic_instructions():
    code = machine_independent_code(everything, np.zeros(4, np.int64), 1)
    for instruction in (
        r"store atomic i64 .* release",
        r"store atomic i64 .* monotonic",
        r"load atomic i64.* acquire",
        r"load atomic i64.* monotonic",
        r"atomicrmw add .* acq_rel",
        r"cmpxchg .* acq_rel acquire",
        r"fence acquire",
        r"fence release",
    ):
        assert re.search(instruction, code), instruction


@compiled_here
def test_a_spin_loop_loads_the_word_each_time():
    plain, acquire = (machine_independent_code(f, np.zeros(1, np.int64), 0, 1) for f in (plain_spin, acquire_spin))
    assert "load atomic i64" in acquire
    assert "load atomic i64" not in plain


@compiled_here
@pytest.mark.parametrize(
    "words",
    [np.zeros(8, np.int64)[::2], np.zeros(8, np.int32), np.zeros((2, 4), np.int64), np.zeros(8)],
    ids=["strided", "int32", "two dimensions", "float64"],
)
def test_other_arrays_are_refused(words):
    with pytest.raises(TypingError, match="must be a writable, aligned, C-contiguous int64 array"):
        everything(words, 1)


@compiled_here
def test_read_only_words_are_refused():
    words = np.zeros(8, np.int64)
    words.flags.writeable = False
    with pytest.raises(TypingError, match="must be a writable"):
        everything(words, 1)


def test_other_processors_are_refused_kernels_and_use_the_structures(folder):
    done = subprocess.run(
        [sys.executable, "-m", "tests.transport.peers", "other processor", str(folder / "words.ring")],
        cwd=ROOT,
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "ready\n"


def test_on_other_processors_kernels_stay_python(monkeypatch):
    monkeypatch.setattr(atomics, "SUPPORTED", False)

    def function(words: Words) -> int:
        return load_acquire(words, 0)

    assert shared_kernel(function) is function
