"""The one door to numba: how kernels are compiled, cached, and switched off.

Every compiled function of the library goes through :func:`kernel`. The Python original stays callable as
``function.py_func``, so one table of cases can test both; ``NUMBA_DISABLE_JIT=1`` runs everything uncompiled.

Kernels are kept on disk: in the folder that ``NUMBA_CACHE_DIR`` names, beside their source, or with the user. Where
none of them can be written they are compiled in memory, every time anew, and a :class:`CacheWarning` says so once.
Those that an image carries (:mod:`alo_lib.numerics.carried`) are taken before any is compiled, and a host may keep
them in one value instead (:mod:`alo_lib.numerics.kernel_archive`).
"""

import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import llvmlite.binding as llvm
import numpy as np
from numba.core import caching, compiler, config, event, sigutils, types, typing
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher

from alo_lib.numerics.carried import CARRIED, take_processor
from alo_lib.numerics.kernel_archive import ARCHIVE
from alo_lib.numerics.pipeline import Jumped, KernelFlags, KernelPipeline, Library, PartLibrary, without_collections
from alo_lib.sources import has_module, modules_in, place_of

__all__ = ["CacheWarning", "jumped_kernel", "kernel", "python_original"]

take_processor()

_LIBRARY = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(rf"^[ \t]*from {__package__.partition('.')[0]}\.(\w+)", re.MULTILINE)
_KEPT: Final = 16
"""Versions of a package's sources whose kernels are kept in one place: those that ran last."""
_DIGITS: Final = 32

F = TypeVar("F", bound=Callable[..., Any])


_modules = cache(modules_in)


@cache
def _imported(folder: Path) -> frozenset[Path]:
    """The library's packages that a package's modules name in their imports."""
    names = (name for _, source in _modules(folder) for name in _IMPORT.findall(source.decode()))
    return frozenset(_LIBRARY / name for name in names if _modules(_LIBRARY / name))


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

    def __init__(self, function: Any, file: str) -> None:
        self._package = place_of(function).parent
        super().__init__(function, file)  # type: ignore[call-arg]

    def get_source_stamp(self) -> str:
        return _identity(self._package)

    def ensure_cache_path(self) -> None:
        super().ensure_cache_path()  # type: ignore[misc]
        _used(Path(self._cache_path))

    def get_suitable_cache_subpath(self, py_file: str) -> str:
        return _identity(self._package)


class _Chosen(_ByContent, caching._UserProvidedCacheLocator):  # type: ignore[misc]
    """Below NUMBA_CACHE_DIR."""


class _InTree(_ByContent, caching._InTreeCacheLocator):  # type: ignore[misc]
    """Beside the source."""

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)
        self._cache_path = os.path.join(self._cache_path, self.get_suitable_cache_subpath(file))


class _UserWide(_ByContent, caching._UserWideCacheLocator):  # type: ignore[misc]
    """In the user's folder for caches, where the source's folder cannot be written."""


class _Carried(_ByContent, caching._UserProvidedCacheLocator):  # type: ignore[misc]
    """Below ALO_KERNELS, where nothing is written."""

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)
        self._cache_path = os.path.join(CARRIED, self.get_suitable_cache_subpath(file))

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        return cls(py_func, py_file)


class _Archived(_ByContent, caching._UserProvidedCacheLocator):  # type: ignore[misc]
    """In this process's archive."""

    def ensure_cache_path(self) -> None:
        """There is no folder."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        return cls(py_func, py_file)


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


class _Within:
    """Stands in numba's tables for the machine code that a kernel compiled for others does not have."""


class _WholeImplementation(_Implementation):
    """What a kernel jumps to is kept beside it."""

    def reduce(self, made: Any) -> Any:
        return super().reduce(made), tuple(made.library.jumps)

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        kept, jumps = payload
        for each in jumps:
            each.load()
        made = self._rebuilt(target_context, kept)
        made.library.jumps = dict.fromkeys(jumps)
        return made

    def _rebuilt(self, target_context: Any, payload: Any) -> Any:
        return super().rebuild(target_context, payload)


_FIELDS: Final = ("fndesc", "environment", "signature", "objectmode", "lifted", "type_annotation", "reload_init")


def _result(target_context: Any, library: Any, known: Iterable[Any]) -> Any:
    """A compilation's result that Python does not call."""
    fields = dict(zip(_FIELDS, known, strict=False)) | {"target_context": target_context, "library": library}
    return compiler.CompileResult(**dict.fromkeys(compiler.CR_FIELDS) | fields)


class _PartImplementation(_WholeImplementation):
    def _rebuilt(self, target_context: Any, payload: Any) -> Any:
        (name, _, bitcode), *rest = payload
        library = PartLibrary(target_context.codegen(), name)
        library._final_module = llvm.parse_bitcode(bitcode)
        library._finalize_final_module()
        return _result(target_context, library, rest)


class _JumpedImplementation(_WholeImplementation):
    def _rebuilt(self, target_context: Any, payload: Any) -> Any:
        code, *rest = payload
        made = _result(target_context, target_context.codegen().unserialize_library(code), rest)
        return _with_environments(made, rest[-1])


def _with_environments(made: Any, found: Iterable[Any]) -> Any:
    """The same, with what its machine code may need of Python, which is told to it."""
    environments = (*found, made.environment)
    for each in environments:
        made.library.codegen.set_env(each.env_name, each)
    return made._replace(referenced_envs=environments)


class _WholeCache(_Cache):
    _impl_class = _WholeImplementation


class _PartCache(_Cache):
    """Beside the machine code of the same kernel, where Python calls it too."""

    _impl_class = _PartImplementation
    _kind = "part"

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), self._kind)


class _JumpedCache(_PartCache):
    _impl_class = _JumpedImplementation
    _kind = "jumped"


def _located(cache: type[_Cache], locator: type[_ByContent], **members: Any) -> type[_Cache]:
    """The same cache elsewhere."""
    implementation = type("_Implementation", (cache._impl_class,), {"_locator_classes": (locator,)})
    return type(cache.__name__, (cache,), {"_impl_class": implementation} | members)


def _archived(cache: type[_Cache]) -> type[_Cache]:
    """The same cache in this process's archive."""

    def begin(self: Any, function: Any) -> None:
        cache.__init__(self, function)  # type: ignore[call-arg]  # numba has no types
        self._cache_file = ARCHIVE.part(self._impl.locator.get_source_stamp(), function)  # type: ignore[union-attr]

    def load(self: Any, signature: Any, target_context: Any) -> Any:
        try:
            return cache.load_overload(self, signature, target_context)
        except Exception as error:  # as many kinds as there are of damage; what is compiled takes its place
            _tell_of_damage(error)
            return None

    return _located(cache, _Archived, __init__=begin, load_overload=load)


_CACHES: Final = (_WholeCache, _PartCache, _JumpedCache)
_CARRIED_CACHES: Final = {cache: _located(cache, _Carried) for cache in _CACHES} if CARRIED else {}
_OWN_CACHES: Final = {cache: cache if ARCHIVE is None else _archived(cache) for cache in _CACHES}


class _Kept:
    """Where a kernel's compiled forms of one kind are: among the carried, and where it can be written, if anywhere."""

    def __init__(self, function: Any, kind: type[_Cache]) -> None:
        self._carried = _CARRIED_CACHES[kind](function) if CARRIED else None
        try:
            self.own: _Cache | None = _OWN_CACHES[kind](function)
        except RuntimeError:  # numba's answer when no locator has found a folder
            self.own = None

    def load(self, args: tuple[Any, ...], target_context: Any) -> Any:
        """What was compiled for these types, or None."""
        for each in (self._carried, self.own):
            if each is not None and (found := each.load_overload(args, target_context)) is not None:
                return found
        return None

    def save(self, args: tuple[Any, ...], made: Any) -> None:
        """Keep it for other processes."""
        if self.own is None:
            _tell_of_memory()
        else:
            self.own.save_overload(args, made)


class _Kernel(CPUDispatcher):  # type: ignore[misc]
    """numba's dispatcher, which compiles for Python to call, as a part of kernels that call it, or for them to jump to.

    numba has only the first way, and so makes machine code of the innermost function once more for every level above
    it, and at every level wrappers for a Python that never calls there: a third of what a first price cost. And numba
    compiles a function again for each literal that it is called with; here the type alone counts.
    """

    def __init__(self, function: Any, *, is_jumped_to: bool = False) -> None:
        options = {"nopython": True, "nogil": True, "fastmath": False, "error_model": "numpy", "boundscheck": None}
        super().__init__(function, targetoptions=options)
        self._is_jumped_to = is_jumped_to
        self._jumped: dict[tuple[Any, ...], Any] = {}
        self._place = place_of(function)
        if has_module(self._place):  # names the sources as they are now, whatever they become until the first call
            _identity(self._place.parent)

    @cached_property
    def _wholes(self) -> _Kept:
        return _Kept(self.py_func, _WholeCache)

    @cached_property
    def _parts(self) -> _Kept:
        return _Kept(self.py_func, _JumpedCache if self._is_jumped_to else _PartCache)

    @property
    def signatures(self) -> list[Any]:
        """Those that are compiled for Python to call."""
        return [args for args, made in self.overloads.items() if not isinstance(made.entry_point, _Within)]

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Called by numba for a kernel that calls this one: a part is compiled, or what is jumped to."""
        signature, args = self._compiler.fold_argument_types(args, kws)
        args = tuple(types.unliteral(each) for each in args)
        if self._is_jumped_to:
            self.jumped(args)
        else:
            self._compiled(args, whole=False)
        name = self.py_func.__name__
        template = typing.make_concrete_template(f"CallTemplate({name})", name, self.nopython_signatures)
        return template, signature, args, {}

    def get_overload(self, sig: Any) -> Any:
        """Called by numba for a kernel that calls this one: what stands for the function in numba's tables."""
        args, _ = sigutils.normalize_signature(sig)
        return self._jumped.get(tuple(args), self.overloads[tuple(args)]).entry_point

    def compile(self, sig: Any) -> Any:
        """Called by numba for Python: the whole is compiled."""
        args, _ = sigutils.normalize_signature(sig)
        return self._compiled(tuple(args), whole=True).entry_point

    def jumped(self, args: tuple[Any, ...]) -> None:
        """See to it that there is machine code for these types, and that it can be jumped to."""
        with global_compiler_lock, self._compiling_counter, without_collections():
            if args in self._jumped:
                return
            made = self._loaded_or_made(args, self._parts, whole=False)._replace(entry_point=_Within())
            place = Jumped(self.py_func.__module__, self.py_func.__name__, args)
            self.targetctx.insert_user_function(made.entry_point, made.fndesc, [place])
            self._jumped[args] = made
            self.overloads.setdefault(args, made)

    def _compiled(self, args: tuple[Any, ...], *, whole: bool) -> Any:
        """The result of compiling for these types, in this process, an earlier one, or now."""
        with global_compiler_lock, self._compiling_counter, without_collections():
            made = self.overloads.get(args)
            if made is not None and not (whole and isinstance(made.entry_point, _Within)):
                return made
            made = self._loaded_or_made(args, self._wholes if whole else self._parts, whole=whole)
            if not whole:
                made = made._replace(entry_point=_Within())
            self.targetctx.insert_user_function(made.entry_point, made.fndesc, [made.library])
            if whole:
                self.add_overload(made)
            self.overloads[args] = made
            return made

    def _loaded_or_made(self, args: tuple[Any, ...], kept: _Kept, *, whole: bool) -> Any:
        made = kept.load(args, self.targetctx)
        if made is None:
            with event.trigger_event("numba:compile", data={"dispatcher": self, "args": args, "return_type": None}):
                made = self._made(args, whole=whole)
            kept.save(args, made)
        return made

    def _made(self, args: tuple[Any, ...], *, whole: bool) -> Any:
        flags = KernelFlags()
        self.targetdescr.options.parse_as_flags(flags, self.targetoptions)
        flags.no_cfunc_wrapper = True
        jumped, kind = self._is_jumped_to and not whole, Library if whole or self._is_jumped_to else PartLibrary
        if not whole:
            flags.no_compile = flags.no_cpython_wrapper = True
        symbol = _identity(self._place.parent) if jumped else None
        made = compiler.compile_extra(
            *(self.typingctx, self.targetctx, self.py_func, args, None, flags, self.locals),
            library=kind(self.targetctx.codegen(), self.py_func.__qualname__, symbol),
            pipeline_class=KernelPipeline,
        )
        if jumped:
            made.library.finalize()
        if whole or jumped:  # what a part may need of Python it finds where it has become machine code
            made = _with_environments(made, made._find_referenced_environments())
        return made


@cache
def _tell_of_memory() -> None:
    """Say once that kernels are compiled in memory."""
    text = "the numerical code is compiled in memory, at every start anew, for it can be kept nowhere"
    warnings.warn(f"{text}; set NUMBA_CACHE_DIR to a folder that can be written", CacheWarning, stacklevel=2)


def _tell_of_damage(error: Exception) -> None:
    """Say that a kernel that a host kept is compiled anew."""
    text = f"a kept kernel cannot be read, and is compiled anew: {type(error).__name__}: {error!s:.80}"
    warnings.warn(text, CacheWarning, stacklevel=2)


def kernel(function: F) -> Any:
    """Compile ``function`` in nopython mode, cached on disk, without fast-math.

    Division follows NumPy (no exception, infinities and NaN as IEEE has them), because kernels settle their domain
    before they divide and a check inside a loop keeps it from being vectorized. The GIL is released.

    A cached kernel is compiled again when the content of any module of its own package, or of one that this imports,
    has changed.
    """
    return function if config.DISABLE_JIT else _Kernel(function)


def jumped_kernel(function: F) -> Any:
    """:func:`kernel` for what is large, and called by several: they jump to one machine code, and link no copy of it.

    It is found by its name in its module.
    """
    return function if config.DISABLE_JIT else _Kernel(function, is_jumped_to=True)


def python_original(function: Any) -> Any:
    """The uncompiled Python function behind a kernel (the function itself when compilation is switched off)."""
    return getattr(function, "py_func", function)
