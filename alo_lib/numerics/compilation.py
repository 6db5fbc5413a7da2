"""The one door to numba: how kernels are compiled, cached, and switched off.

Every compiled function of the library goes through :func:`kernel`. The Python original stays callable as
``function.py_func``, so one table of cases can test both; ``NUMBA_DISABLE_JIT=1`` runs everything uncompiled.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["kernel", "python_original"]

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F | None = None, *, parallel: bool = False, inline: bool = False) -> Any:
    """Compile ``function`` in nopython mode, cached on disk, without fast-math.

    Division follows NumPy (no exception, infinities and NaN as IEEE has them), because kernels settle their domain
    before they divide and a check inside a loop keeps it from being vectorized. The GIL is released.

    ``parallel`` allows ``prange``; the loop's iterations must be independent, so that the bits do not depend on the
    number of threads. ``inline`` inlines the function at numba level where LLVM would not.
    """

    def compile_(f: F) -> Any:
        return numba.njit(
            f,
            cache=True,
            nogil=True,
            fastmath=False,
            error_model="numpy",
            parallel=parallel,
            inline="always" if inline else "never",
        )

    return compile_ if function is None else compile_(function)


def python_original(function: Any) -> Any:
    """The uncompiled Python function behind a kernel (the function itself when compilation is switched off)."""
    return getattr(function, "py_func", function)
