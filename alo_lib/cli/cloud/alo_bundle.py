"""Imports modules out of bundles: each is a Python file that holds the sources of several, one below the other.

A line ``# ==== alo_lib/pricing/chain.py ====`` begins the source of ``alo_lib.pricing.chain``, which goes on to the
next such line or to the end. The files are those beside this one that are named ``alo_bundle_*.py``. What is in them
may be read and changed like any module, and tracebacks name their lines. ``alo cloud stage`` writes them, and a file
such as ``alo_lib.py`` for each package, so that ``from alo_lib.pricing import price`` is written as ever.
"""

import importlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final, NamedTuple

__all__ = ["BUNDLES", "Section", "heading", "sections_of", "take_over"]

BUNDLES: Final = "alo_bundle_*.py"
_HEADING: Final = re.compile(r"^# ==== ([\w/]+\.py) ====\n", re.MULTILINE)


class Section(NamedTuple):
    """A module's part of a bundle."""

    path: str
    """Of the module's own file, where it is one."""
    source: str
    line: int
    """Of the bundle, where the source begins."""


class Bundles(MetaPathFinder, InspectLoader):
    """Finds and loads the modules of a folder's bundles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, tuple[Path, Section]] = {}
        for file in sorted(folder.glob(BUNDLES)):
            for section in sections_of(file.read_text(encoding="utf-8")):
                self._found[_module(section.path)] = file, section
        self._roots = {name.partition(".")[0] for name in self._found}

    @cached_property
    def sources(self) -> Mapping[Path, bytes]:
        """What each module's source says, by the path that its own file would have."""
        return {self._folder / section.path: section.source.encode() for _, section in self._found.values()}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As the import system asks. ModuleNotFoundError for one of our packages' modules that was not staged."""
        if fullname.partition(".")[0] not in self._roots:
            return None
        if fullname not in self._found:
            reason = f"no module named {fullname!r} is in {BUNDLES}; alo cloud stage writes what main.py imports"
            raise ModuleNotFoundError(reason, name=fullname)
        place = self._folder / self._found[fullname][1].path
        package = self.is_package(fullname)
        spec = ModuleSpec(fullname, self, origin=str(place), is_package=package)
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [str(place.parent)]
        return spec

    def is_package(self, fullname: str) -> bool:
        """Whether modules are below it."""
        return self._found[fullname][1].path.endswith("/__init__.py")

    def get_source(self, fullname: str) -> str:
        """The module's part of its bundle."""
        return self._found[fullname][1].source

    def get_code(self, fullname: str) -> CodeType:
        """Compiled with the lines that it has in its bundle."""
        file, section = self._found[fullname]
        return compile("\n" * (section.line - 1) + section.source, str(file), "exec", dont_inherit=True)


def heading(path: str) -> str:
    """The line that begins a module's source."""
    return f"# ==== {path} ====\n"


def sections_of(text: str) -> list[Section]:
    """The modules of a bundle."""
    found = list(_HEADING.finditer(text))
    bounds = [each.start() for each in found] + [len(text)]
    return [
        Section(each[1], text[each.end() : end], text.count("\n", 0, each.end()) + 1)
        for each, end in zip(found, bounds[1:], strict=True)
    ]


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def take_over(package: str, *, keep_kernels: bool = False) -> None:
    """Let a package that is being imported be the one of the bundles beside this file.

    keep_kernels: in LEAN's object store, as alo_lib/numerics/kernel_archive.py has it, unless the environment says.
    """
    if keep_kernels:
        os.environ.setdefault("ALO_KEEP_KERNELS", "object-store")
    if not any(isinstance(each, Bundles) for each in sys.meta_path):
        sys.meta_path.insert(0, Bundles(Path(__file__).resolve().parent))
    del sys.modules[package]
    importlib.import_module(package)  # the import that is under way gives what it finds in sys.modules
