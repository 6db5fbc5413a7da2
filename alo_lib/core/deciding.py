"""What decides: the modules that a decision can come to by imports, and the name of what their sources say.

One definition serves two: a snapshot is taken up only by the program that decides as the one that took it, and the
lint searches what decides for clocks, files and chance. A package's ``__init__`` hands names on; what counts is the
module that a name comes from.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from alo_lib.sources import has_module, source_of

__all__ = ["DECIDING", "modules_reached", "program"]

DECIDING: Final = ("alo_lib.core.trading", "alo_lib.runtime.replay", "alo_lib.runtime.reconcile")
"""Where decisions begin: with what these reach, it is all that a process can run between an input and a decision."""

_SOURCES: Final = Path(__file__).resolve().parents[2]
_LIBRARY: Final = __package__.partition(".")[0]
_IMPORT: Final = re.compile(
    rf"^[ \t]*(?:from[ ]({_LIBRARY}[\w.]*)[ ]import[ ](\([^)]*\)|[^\n]*)|import[ ]({_LIBRARY}[\w.]*))", re.MULTILINE
)
_COMMENT: Final = re.compile(r"#.*")
_DIGITS: Final = 32


@cache
def program(modules: tuple[str, ...] = DECIDING) -> str:
    """Names the sources of all that modules reach, so that no other program takes up the states of this one.

    Every byte counts, a comment's too: to tell what is code takes longer than a run takes to begin.
    """
    digest = hashlib.sha256()
    for name, path in modules_reached(modules).items():
        source = source_of(path)
        digest.update(f"{name}\0{len(source)}\0".encode() + source)
    return digest.hexdigest()[:_DIGITS]


@cache
def modules_reached(modules: tuple[str, ...] = DECIDING) -> dict[str, Path]:
    """Modules of this library and all that they reach by imports, wherever those stand, in order of name."""
    reached: dict[str, Path] = {}
    new = list(modules)
    while new:
        name = new.pop()
        if name not in reached:
            reached[name] = _file(name)
            for source, names in _imports(name):
                new += [source] if names is None else [origin for each in names for origin in _origins(source, each)]
    return dict(sorted(reached.items()))


def _file(module: str) -> Path:
    path = _SOURCES / module.replace(".", "/")
    return package if has_module(package := path / "__init__.py") else path.with_suffix(".py")


@cache
def _imports(module: str) -> tuple[tuple[str, tuple[tuple[str, str], ...] | None], ...]:
    """Modules of the library that a module imports, each with the names taken from it and what it calls them."""
    return tuple(_parsed(source_of(_file(module)).decode()))


def _parsed(source: str) -> Iterator[tuple[str, tuple[tuple[str, str], ...] | None]]:
    for origin, names, whole in _IMPORT.findall(source):
        if whole:
            yield whole, None
            continue
        parts = (part.split() for part in _COMMENT.sub("", names).strip("()").replace("\n", " ").split(","))
        yield origin, tuple((part[0], part[-1]) for part in parts if part)


def _origins(source: str, name: tuple[str, str]) -> Iterator[str]:
    """The modules that a name comes from when it is imported from ``source``."""
    if _file(source).name != "__init__.py":
        yield source
    elif has_module(_file(f"{source}.{name[0]}")):
        yield f"{source}.{name[0]}"
    else:
        handed_on = [(origin, each) for origin, names in _imports(source) for each in names or () if each[1] == name[0]]
        for origin, each in handed_on:
            yield from _origins(origin, each)
        if not handed_on:
            yield source
