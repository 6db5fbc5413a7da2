"""What numba does to make a kernel, less what kernels have no use for: a start from nothing pays for each step.

No pass that is left out changes what a kernel computes: they look for what no kernel has.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from numba.core import compiler, typed_passes, untyped_passes

__all__ = ["KernelFlags", "KernelPipeline", "without_collections"]

_LEFT_OUT: Final = {
    untyped_passes.InlineClosureLikes: "kernels define no functions",
    untyped_passes.WithLifting: "kernels have no with-blocks",
    typed_passes.NopythonRewrites: "kernels loop where NumPy has expressions of arrays",
    typed_passes.AnnotateTypes: "nobody reads which type each variable has",
    typed_passes.DumpParforDiagnostics: "kernels are not parallel",
}


class KernelPipeline(compiler.CompilerBase):  # type: ignore[misc]
    """numba's own, less what is left out."""

    def define_pipelines(self) -> list[Any]:
        """As numba asks for them."""
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [each for each in passes.passes if each[0] not in _LEFT_OUT]
        passes.finalize()
        return [passes]


class KernelFlags(compiler.Flags):  # type: ignore[misc]
    """numba's flags of a compilation, which it compares some thousand times for each, with fewer steps."""

    _HASH: Final[int] = compiler.Flags().__hash__()  # of the options' names alone, which are the same for all

    __slots__ = ()

    def __hash__(self) -> int:
        return self._HASH

    def __eq__(self, other: object) -> bool:
        if isinstance(other, compiler.Flags) and self._values == other._values:
            return True
        return bool(super().__eq__(other))


@contextmanager
def without_collections() -> Iterator[None]:
    """Python's search for cycles is off: numba makes objects by the million, and most of them last."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
