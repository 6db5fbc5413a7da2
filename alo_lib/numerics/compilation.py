"""The one door to numba: how kernels are compiled, cached, and switched off.

Every compiled function of the library goes through :func:`kernel`. The Python original stays callable as
``function.py_func``, so one table of cases can test both; ``NUMBA_DISABLE_JIT=1`` runs everything uncompiled.

Kernels are kept on disk: in the folder that ``NUMBA_CACHE_DIR`` names, beside their source, or with the user. Where
none of them can be written they are compiled in memory, every time anew, and a :class:`CacheWarning` says so once.
"""

import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
import numpy as np
from numba.core import caching
from numba.core.dispatcher import Dispatcher

__all__ = ["CacheWarning", "kernel", "python_original"]

_LIBRARY = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(rf"^[ \t]*from {__package__.partition('.')[0]}\.(\w+)", re.MULTILINE)
_KEPT: Final = 16
"""Versions of a package's sources whose kernels are kept in one place: those that ran last."""
_DIGITS: Final = 32

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _modules(folder: Path) -> tuple[tuple[str, bytes], ...]:
    """Name and content of a package's modules, in order of name."""
    return tuple((path.name, path.read_bytes()) for path in sorted(folder.glob("*.py")))


@cache
def _imported(folder: Path) -> frozenset[Path]:
    """The library's packages that a package's modules name in their imports."""
    names = (name for _, source in _modules(folder) for name in _IMPORT.findall(source.decode()))
    return frozenset(_LIBRARY / name for name in names)


def _reached(folder: Path) -> list[Path]:
    """A package and all of the library that it reaches by imports, in order of name."""
    reached, new = {folder}, {folder}
    while new:
        new = {package for each in new for package in _imported(each)} - reached
        reached |= new
    return sorted(reached, key=lambda package: package.name)


@cache
def _identity(folder: Path) -> str:
    """Names the sources of a package and of all that it reaches, and the NumPy that their constants come from."""
    digest = hashlib.sha256(np.__version__.encode())
    for package in _reached(folder):
        for name, source in _modules(package):
            digest.update(f"\0{package.name}/{name}\0{len(source)}\0".encode() + source)
    return f"{folder.name}_{digest.hexdigest()[:_DIGITS]}"


@cache
def _used(folder: Path) -> None:
    """Note that a folder of kernels is in use, and remove those of its siblings that have not been for longest."""
    try:
        os.utime(folder)
        siblings = folder.parent.glob(f"{folder.name.rpartition('_')[0]}_{'[0-9a-f]' * _DIGITS}")
        for sibling in sorted(siblings, key=lambda path: path.stat().st_mtime_ns)[:-_KEPT]:
            shutil.rmtree(sibling, ignore_errors=True)
    except OSError:  # another process removes the same ones, or this one may not write where it reads
        pass


class _ByContent:
    """A cache locator whose folder is named by the sources: no path and no time of a file counts.

    So a file that is touched or checked out again keeps its kernels, clones that share a folder share the kernels of
    equal sources, and those of different sources stand side by side.
    """

    _py_file: str
    _cache_path: str

    def get_source_stamp(self) -> str:
        return self.get_suitable_cache_subpath(self._py_file)

    def ensure_cache_path(self) -> None:
        super().ensure_cache_path()  # type: ignore[misc]
        _used(Path(self._cache_path))

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        return _identity(Path(py_file).resolve().parent)


class _Chosen(_ByContent, caching._UserProvidedCacheLocator):  # type: ignore[misc]
    """Below NUMBA_CACHE_DIR."""


class _InTree(_ByContent, caching._InTreeCacheLocator):  # type: ignore[misc]
    """Beside the source."""

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)
        self._cache_path = os.path.join(self._cache_path, self.get_suitable_cache_subpath(file))


class _UserWide(_ByContent, caching._UserWideCacheLocator):  # type: ignore[misc]
    """In the user's folder for caches, where the source's folder cannot be written."""


class _Implementation(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Chosen, _InTree, _UserWide, caching._IPythonCacheLocator, caching._ZipCacheLocator)


class CacheWarning(RuntimeWarning):
    """Kernels are compiled in memory: another start compiles them anew."""


class _Cache(caching.FunctionCache):  # type: ignore[misc]
    _impl_class = _Implementation

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """As numba has it, but a folder that cannot be read ends no call."""
        try:
            return super().load_overload(signature, target_context)
        except OSError:
            _tell_of_memory()
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        """As numba has it, but a disk that is full, or has become read-only, ends no call."""
        try:
            super().save_overload(signature, data)
        except OSError:
            _tell_of_memory()


def _cache(function: Any) -> _Cache | None:
    """Where a kernel is kept; None where nothing can be written."""
    try:
        return _Cache(function)
    except RuntimeError:  # numba's answer when no locator has found a folder
        _tell_of_memory()
        return None


@cache
def _tell_of_memory() -> None:
    """Say once that kernels are compiled in memory."""
    text = "the numerical code is compiled in memory, at every start anew, for it can be kept nowhere"
    warnings.warn(f"{text}; set NUMBA_CACHE_DIR to a folder that can be written", CacheWarning, stacklevel=2)


def kernel(function: F | None = None, *, parallel: bool = False, inline: bool = False) -> Any:
    """Compile ``function`` in nopython mode, cached on disk, without fast-math.

    Division follows NumPy (no exception, infinities and NaN as IEEE has them), because kernels settle their domain
    before they divide and a check inside a loop keeps it from being vectorized. The GIL is released.

    ``parallel`` allows ``prange``; the loop's iterations must be independent, so that the bits do not depend on the
    number of threads. ``inline`` inlines the function at numba level where LLVM would not.

    A cached kernel is compiled again when the content of any module of its own package, or of one that this imports,
    has changed.
    """

    def compile_(f: F) -> Any:
        compiled = numba.njit(
            f,
            nogil=True,
            fastmath=False,
            error_model="numpy",
            parallel=parallel,
            inline="always" if inline else "never",
        )
        if isinstance(compiled, Dispatcher) and (kept := _cache(f)) is not None:  # not with NUMBA_DISABLE_JIT
            # What numba's own enable_caching does, with numba's cache: it knows only the kernel's own file, by path
            # and time, so that a changed callee would leave a stale caller cached.
            compiled._cache = kept
        return compiled

    return compile_ if function is None else compile_(function)


def python_original(function: Any) -> Any:
    """The uncompiled Python function behind a kernel (the function itself when compilation is switched off)."""
    return getattr(function, "py_func", function)
