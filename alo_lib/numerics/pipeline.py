"""What numba does to make a kernel, less what kernels have no use for: a start from nothing pays for each step.

No pass that is left out changes what a kernel computes: they look for what no kernel has. Nor does the one that is put
in: it takes references that are counted in vain.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, NamedTuple

from numba.core import bytecode, codegen, compiler, compiler_machinery, ir, typed_passes, types, untyped_passes

__all__ = ["BorrowArrays", "Jumped", "KernelFlags", "KernelPipeline", "Library", "PartLibrary", "without_collections"]

_LEFT_OUT: Final = {
    untyped_passes.InlineClosureLikes: "kernels define no functions",
    untyped_passes.WithLifting: "kernels have no with-blocks",
    typed_passes.NopythonRewrites: "kernels loop where NumPy has expressions of arrays",
    typed_passes.AnnotateTypes: "nobody reads which type each variable has",
    typed_passes.DumpParforDiagnostics: "kernels are not parallel",
}


_BORROWED: Final = frozenset({"build_tuple", "cast", "exhaust_iter", "getattr", "getitem", "phi", "static_getitem"})
"""numba's names of expressions whose arrays are there already, or parts of those."""


@compiler_machinery.register_pass(mutates_CFG=False, analysis_only=False)
class BorrowArrays(compiler_machinery.FunctionPass):  # type: ignore[misc]
    """A kernel that makes no array counts no references: those that it is handed stay with who calls it.

    numba counts up and down, for all processors to see, wherever a kernel names an array of a tuple: that took most of
    the time of kernels that read few numbers of many arrays.
    """

    _name = "borrow_arrays"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        """Called by numba once types are known."""
        state.targetctx.enable_nrt = self._makes_arrays(state)
        return False

    def _makes_arrays(self, state: Any) -> bool:
        """Whether the kernel returns or calls for one, copies one into another, or has an error to tell of numbers."""

        def counted(name: str) -> bool:
            return bool(state.targetctx.data_model_manager[state.typemap[name]].contains_nrt_meminfo())

        def makes(each: Any) -> bool:
            if isinstance(each, ir.Return | ir.SetItem | ir.StaticSetItem):
                return counted(each.value.name)
            if isinstance(each, ir.DynamicRaise):
                return True
            if not isinstance(each, ir.Assign) or not isinstance(each.value, ir.Expr) or not counted(each.target.name):
                return False
            if each.value.op == "call":
                return not isinstance(state.typemap[each.value.func.name], types.NamedTupleClass)
            one_by_one = each.value.op == "getitem" and counted(each.value.index.name)
            return one_by_one or each.value.op not in _BORROWED

        return any(makes(each) for block in state.func_ir.blocks.values() for each in block.body)


class KernelPipeline(compiler.CompilerBase):  # type: ignore[misc]
    """numba's own, less what is left out, and with :class:`BorrowArrays`."""

    def compile_extra(self, func: Any) -> Any:
        """As numba has it, under the name that the library gives the function, if any: in every process the same."""
        self.state.func_id = bytecode.FunctionIdentity.from_function(func)
        if self.state.library.symbol is not None:
            self.state.func_id.unique_id = self.state.library.symbol
        untyped_passes.ExtractByteCode().run_pass(self.state)
        self.state.lifted, self.state.lifted_from = (), None
        return self._compile_bytecode()

    def define_pipelines(self) -> list[Any]:
        """As numba asks for them."""
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [each for each in passes.passes if each[0] not in _LEFT_OUT]
        passes.add_pass_after(BorrowArrays, typed_passes.NopythonTypeInference)
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


class Jumped(NamedTuple):
    """Stands among the libraries that numba links for one that is jumped to, of which nothing is linked."""

    module: str
    name: str
    args: tuple[Any, ...]

    def load(self) -> None:
        """See to it that its machine code is there: before any that jumps to it is made ready."""
        getattr(import_module(self.module), self.name).jumped(self.args)


class Library(codegen.JITCodeLibrary):  # type: ignore[misc]
    """Code that may jump to other kernels; ``jumps`` are those, and those of what it links.

    symbol: tells its function's name in the process, where others jump to it; by numba's names a process that takes it
    from disk could not find it.
    """

    def __init__(self, codegen: Any, name: str, symbol: str | None = None) -> None:
        super().__init__(codegen, name)
        self.symbol, self.jumps = symbol, dict[Jumped, None]()
        self.enable_object_caching()

    def add_linking_library(self, library: Any) -> None:
        """As numba has it, but for what is jumped to."""
        if isinstance(library, Jumped):
            self.jumps[library] = None
        else:
            self.jumps |= getattr(library, "jumps", {})
            super().add_linking_library(library)


class PartLibrary(Library):
    """Code that others link, never made into machine code by itself.

    It is optimized alone, and then joined by what it calls: numba optimizes that again at every level.
    """

    def finalize(self) -> None:
        """As numba has it, in another order."""
        self._raise_if_finalized()
        self._optimize_final_module()
        for library in dict.fromkeys(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._final_module.verify()
        self._finalize_final_module()

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def serialize_using_object_code(self) -> Any:
        """What is kept: there is no machine code."""
        return self.serialize_using_bitcode()


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
