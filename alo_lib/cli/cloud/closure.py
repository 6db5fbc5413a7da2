"""The modules of this tree that a program needs: those that it imports, those that they import, and so on."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from symtable import symtable
from typing import Final

from alo_lib.cli.failures import UserError
from alo_lib.cli.project import ROOT
from alo_lib.exports import handed_on, is_for_checkers

__all__ = ["PACKAGES", "modules_needed"]

PACKAGES: Final = ("algorithm", "alo_lib", "models")
"""What a program can take from this tree."""
_WITH_STATEMENTS: Final = (ast.stmt, ast.excepthandler, ast.match_case)


def modules_needed(sources: Mapping[str, str]) -> list[str]:
    """Paths of the modules that sources need, by their files' names; relative to the tree, in order of name.

    What a package hands on lazily counts where it is asked for by name, or the package as a whole. An import counts
    wherever it stands, within a function too.

    :raises UserError: naming the file, and a module of ours or a name in one that it imports and that there is not.
    """
    needed: set[str] = set()
    new = [name for file, source in sources.items() for name in _imports(file, source)]
    while new:
        name = new.pop()
        if name not in needed:
            needed.add(name)
            new += [*_parents(name), *_imports(name, _source(name))]
    return sorted(_file(name).relative_to(ROOT).as_posix() for name in needed)


def _parents(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


def _file(name: str) -> Path:
    path = ROOT / name.replace(".", "/")
    return package if (package := path / "__init__.py").is_file() else path.with_suffix(".py")


@cache
def _source(name: str) -> str:
    return _file(name).read_text(encoding="utf-8")


@cache
def _bound(module: str) -> frozenset[str]:
    """The names that a module binds itself, wherever at its level they stand."""
    symbols = symtable(_source(module), module, "exec").get_symbols()
    return frozenset(each.get_name() for each in symbols if each.is_local())


@cache
def _handed_on(module: str) -> dict[str, str]:
    return handed_on(_source(module))


def _imports(file: str, source: str) -> Iterator[str]:
    """Our modules that a file's source imports."""
    for node in _run(ast.parse(source)):
        if isinstance(node, ast.Import):
            for each in node.names:
                if _is_ours(each.name):
                    yield from _taken(file, each.name, ["*"])
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            yield from _taken(file, str(node.module), [each.name for each in node.names])


def _run(module: ast.Module) -> Iterator[ast.stmt]:
    """All statements, in no order, but those that only type checkers see."""
    ahead: list[ast.AST] = [module]
    while ahead:
        node = ahead.pop()
        below = node.orelse if is_for_checkers(node) else ast.iter_child_nodes(node)
        ahead += [each for each in below if isinstance(each, _WITH_STATEMENTS)]
        if isinstance(node, ast.stmt):
            yield node


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def _taken(file: str, module: str, names: list[str]) -> Iterator[str]:
    """The modules that names come from, where a file imports them from one; ``*`` is all that it hands on."""
    if not _file(module).is_file():
        raise UserError(f"{file} imports {module}, which is no module of this project")
    yield module
    lazy = _handed_on(module)
    for name in lazy if names == ["*"] else names:
        if name in lazy:
            yield lazy[name]
        elif _file(f"{module}.{name}").is_file():
            yield from _taken(file, f"{module}.{name}", ["*"])
        elif name not in _bound(module) and not name.startswith("__"):
            raise UserError(f"{file} imports {name} from {module}, which has no such name")
