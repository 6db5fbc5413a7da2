"""The one door to numba: how kernels are compiled, cached, and switched off.

Every compiled function of the library goes through :func:`kernel`. The Python original stays callable as
``function.py_func``, so one table of cases can test both; ``NUMBA_DISABLE_JIT=1`` runs everything uncompiled.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

__all__ = ["kernel", "python_original"]

_LIBRARY = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(rf"^from {__package__.partition('.')[0]}\.(\w+)", re.MULTILINE)

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _modules(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, modification time and size of a package's modules, in order of name."""
    stats = ((path.name, path.stat()) for path in sorted(folder.glob("*.py")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


@cache
def _imported(folder: Path) -> frozenset[Path]:
    """The library's packages that a package's modules name in their imports."""
    names = (name for path in folder.glob("*.py") for name in _IMPORT.findall(path.read_text(encoding="utf-8")))
    return frozenset(_LIBRARY / name for name in names)


@cache
def _sources(folder: Path) -> tuple[object, ...]:
    """The modules of a package and of all of the library that it reaches by imports, in order of name."""
    reached, new = {folder}, {folder}
    while new:
        new = {package for each in new for package in _imported(each)} - reached
        reached |= new
    return tuple((package.name, _modules(package)) for package in sorted(reached))


def kernel(function: F | None = None, *, parallel: bool = False, inline: bool = False) -> Any:
    """Compile ``function`` in nopython mode, cached on disk, without fast-math.

    Division follows NumPy (no exception, infinities and NaN as IEEE has them), because kernels settle their domain
    before they divide and a check inside a loop keeps it from being vectorized. The GIL is released.

    ``parallel`` allows ``prange``; the loop's iterations must be independent, so that the bits do not depend on the
    number of threads. ``inline`` inlines the function at numba level where LLVM would not.

    A cached kernel is compiled again when any module of its own package, or of one that this imports, has changed.
    """

    def compile_(f: F) -> Any:
        compiled = numba.njit(
            f,
            cache=True,
            nogil=True,
            fastmath=False,
            error_model="numpy",
            parallel=parallel,
            inline="always" if inline else "never",
        )
        cache_file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
        if cache_file is not None:
            # numba checks the stamp of the kernel's own file only; a changed callee would leave a stale caller cached.
            own_package = Path(f.__code__.co_filename).resolve().parent
            cache_file._source_stamp = (cache_file._source_stamp, _sources(own_package))
        return compiled

    return compile_ if function is None else compile_(function)


def python_original(function: Any) -> Any:
    """The uncompiled Python function behind a kernel (the function itself when compilation is switched off)."""
    return getattr(function, "py_func", function)
