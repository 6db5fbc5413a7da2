"""Atomic loads, stores and fences on shared words, for kernels: the one module that speaks LLVM.

A kernel that reads memory which another process writes cannot use plain loads: the compiler may keep the first value
in a register for ever (it does so in a spin loop), and may move loads and stores past each other. These functions
become single LLVM atomic instructions with the ordering that their name says; on x86-64 an acquire load and a release
store are ordinary moves, so they cost nothing but the freedom that the compiler must not have.

``words`` is always a one-dimensional, aligned, C-contiguous int64 array and ``index`` counts its elements from 0; no
bound is checked. Each function is also plain Python, so that a kernel's original can be called uncompiled; there the
processor's own order is all there is, which suffices on x86-64 and nowhere else. So kernels are refused elsewhere, and
the structures of this package take a file lock around each step instead (:mod:`alo_lib.transport.segment`).
"""

import platform
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel

__all__ = [
    "SUPPORTED",
    "Words",
    "compare_exchange",
    "cycles",
    "fence_acquire",
    "fence_release",
    "fetch_add",
    "load_acquire",
    "load_relaxed",
    "pause",
    "shared_kernel",
    "store_relaxed",
    "store_release",
]

SUPPORTED: Final = platform.machine().lower() in ("x86_64", "amd64")
"""Whether kernels on shared memory are compiled here."""

REFUSAL: Final = (
    f"kernels on shared memory are compiled for x86-64 only, and this machine is {platform.machine() or 'unknown'}; "
    "use the structures of alo_lib.transport, which work uncompiled here"
)

Words = NDArray[np.int64]
"""Shared memory as kernels see it."""

F = TypeVar("F", bound=Callable[..., Any])

_WORD_BYTES: Final = 8

_intrinsic: Callable[[F], Any] = intrinsic


def shared_kernel(function: F) -> Any:
    """:func:`alo_lib.numerics.compilation.kernel` where atomics are supported; elsewhere the Python function itself."""
    return kernel(function) if SUPPORTED else function


# Uncompiled ------------------------------------------------------------------------------------------------------


def load_acquire(words: Words, index: int) -> int:
    """The word; what its writer stored before releasing it is visible after this."""
    return int(words[index])


def load_relaxed(words: Words, index: int) -> int:
    """The word as it is now, never torn and never remembered; orders nothing else."""
    return int(words[index])


def store_release(words: Words, index: int, value: int) -> None:
    """Set the word; whoever acquires it sees everything stored before this."""
    words[index] = value


def store_relaxed(words: Words, index: int, value: int) -> None:
    """Set the word in one piece; orders nothing else."""
    words[index] = value


def fence_acquire() -> None:
    """No load or store after this moves before a load that precedes it."""


def fence_release() -> None:
    """No load or store before this moves after a store that follows it."""


def fetch_add(words: Words, index: int, value: int) -> int:
    """Add to the word in one step with full ordering; returns what it was. Uncompiled it is not atomic: lock first."""
    before = int(words[index])
    words[index] = before + value
    return before


def compare_exchange(words: Words, index: int, expected: int, value: int) -> bool:
    """Set the word to ``value`` if it is ``expected``, in one step with full ordering. Uncompiled: lock first."""
    if words[index] != expected:
        return False
    words[index] = value
    return True


def pause() -> None:
    """Tell the processor that this is a spin loop."""


def cycles() -> int:
    """The processor's time-stamp counter, read when all before it is done; when uncompiled, monotonic nanoseconds."""
    return time.monotonic_ns()


# Compiled --------------------------------------------------------------------------------------------------------


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Address of ``words[index]``, the first two arguments of an intrinsic."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    index = context.cast(builder, arguments[1], signature.args[1], types.intp)
    return builder.gep(array.data, [index], inbounds=True)


def _value(context: Any, builder: Any, signature: Any, arguments: Any, place: int) -> Any:
    return context.cast(builder, arguments[place], signature.args[place], types.int64)


def _check(words: Any, *integers: Any) -> None:
    """Refuse other machines and other arrays when a kernel is typed."""
    if not SUPPORTED:
        raise TypingError(REFUSAL)
    is_words = isinstance(words, types.Array) and words.dtype == types.int64 and words.ndim == 1
    if not (is_words and words.layout == "C" and words.aligned and words.mutable):
        raise TypingError(f"shared words must be a writable, aligned, C-contiguous int64 array, not {words}")
    for integer in integers:
        if not isinstance(integer, types.Integer | types.IntegerLiteral):
            raise TypingError(f"indices and values of shared words must be integers, not {integer}")


def _load(ordering: str) -> Any:
    @_intrinsic
    def load(typing: Any, words: Any, index: Any) -> Any:
        _check(words, index)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.load_atomic(_pointer(context, builder, signature, arguments), ordering, _WORD_BYTES)

        return types.int64(words, index), generate

    return load


def _store(ordering: str) -> Any:
    @_intrinsic
    def store(typing: Any, words: Any, index: Any, value: Any) -> Any:
        _check(words, index, value)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            where = _pointer(context, builder, signature, arguments)
            builder.store_atomic(_value(context, builder, signature, arguments, 2), where, ordering, _WORD_BYTES)
            return context.get_dummy_value()

        return types.void(words, index, value), generate

    return store


def _fence(ordering: str) -> Any:
    @_intrinsic
    def fence(typing: Any) -> Any:
        if not SUPPORTED:
            raise TypingError(REFUSAL)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            builder.fence(ordering)
            return context.get_dummy_value()

        return types.void(), generate

    return fence


_load_acquire = _load("acquire")
_load_relaxed = _load("monotonic")
_store_release = _store("release")
_store_relaxed = _store("monotonic")
_fence_acquire = _fence("acquire")
_fence_release = _fence("release")


@_intrinsic
def _fetch_add(typing: Any, words: Any, index: Any, value: Any) -> Any:
    _check(words, index, value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where = _pointer(context, builder, signature, arguments)
        return builder.atomic_rmw("add", where, _value(context, builder, signature, arguments, 2), "acq_rel")

    return types.int64(words, index, value), generate


@_intrinsic
def _compare_exchange(typing: Any, words: Any, index: Any, expected: Any, value: Any) -> Any:
    _check(words, index, expected, value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where = _pointer(context, builder, signature, arguments)
        old, new = (_value(context, builder, signature, arguments, place) for place in (2, 3))
        return builder.extract_value(builder.cmpxchg(where, old, new, "acq_rel", "acquire"), 1)

    return types.boolean(words, index, expected, value), generate


@_intrinsic
def _pause(typing: Any) -> Any:
    if not SUPPORTED:
        raise TypingError(REFUSAL)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        instruction = ir.FunctionType(ir.VoidType(), [])
        builder.call(builder.module.declare_intrinsic("llvm.x86.sse2.pause", (), instruction), [])
        return context.get_dummy_value()

    return types.void(), generate


@_intrinsic
def _cycles(typing: Any) -> Any:
    if not SUPPORTED:
        raise TypingError(REFUSAL)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # The processor would read its counter early, while what is measured still goes on.
        wait = ir.FunctionType(ir.VoidType(), [])
        builder.call(builder.module.declare_intrinsic("llvm.x86.sse2.lfence", (), wait), [])
        counter = ir.FunctionType(ir.IntType(64), [])
        return builder.call(builder.module.declare_intrinsic("llvm.readcyclecounter", (), counter), [])

    return types.int64(), generate


# numba compares the two parameter lists, annotations included: hence functions that have none.
overload(load_acquire)(lambda words, index: lambda words, index: _load_acquire(words, index))
overload(load_relaxed)(lambda words, index: lambda words, index: _load_relaxed(words, index))
overload(store_release)(lambda words, index, value: lambda words, index, value: _store_release(words, index, value))
overload(store_relaxed)(lambda words, index, value: lambda words, index, value: _store_relaxed(words, index, value))
overload(fence_acquire)(lambda: lambda: _fence_acquire())
overload(fence_release)(lambda: lambda: _fence_release())
overload(fetch_add)(lambda words, index, value: lambda words, index, value: _fetch_add(words, index, value))
overload(compare_exchange)(
    lambda words, index, expected, value: (
        lambda words, index, expected, value: _compare_exchange(words, index, expected, value)
    )
)
overload(pause)(lambda: lambda: _pause())
overload(cycles)(lambda: lambda: _cycles())
