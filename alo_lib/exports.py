"""What a package hands on is imported when it is asked for, so that a program imports what it uses.

A package says what it hands on as any package does, by imports, but below ``if TYPE_CHECKING:``, where they tell type
checkers and readers and are not run; then it calls :func:`export_lazily`::

    if TYPE_CHECKING:
        from shapes.square import Square

    __all__ = ["Square"]
    export_lazily(__name__)
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.abc import InspectLoader
from types import ModuleType
from typing import Any, TypeGuard, cast

__all__ = ["export_lazily", "handed_on", "is_for_checkers"]


class _Package(ModuleType):
    """A package, one of whose names may be a function's and its module's at once: the function is what it hands on."""

    def __setattr__(self, name: str, value: Any) -> None:
        """As the import system does to every package whose module it has imported."""
        its_own = isinstance(value, ModuleType) and _homes(self).get(name) == value.__name__
        super().__setattr__(name, getattr(value, name) if its_own else value)


def export_lazily(package: str) -> None:
    """Import what a package names below ``if TYPE_CHECKING:`` at its first use (PEP 562)."""
    module = sys.modules[package]
    loader = cast("InspectLoader", module.__spec__.loader)  # type: ignore[union-attr]
    homes = handed_on(loader.get_source(package) or "")
    names = vars(module)

    def imported(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        names[name] = found = getattr(import_module(homes[name]), name)
        return found

    names |= {"__getattr__": imported, "__dir__": _listed(names, homes), "_homes": homes}
    module.__class__ = _Package


def _homes(package: ModuleType) -> dict[str, str]:
    homes: dict[str, str] = vars(package)["_homes"]
    return homes


def _listed(names: dict[str, Any], homes: dict[str, str]) -> Callable[[], list[str]]:
    return lambda: sorted({*names, *homes})


def handed_on(source: str) -> dict[str, str]:
    """The names that a package's source hands on lazily, each with its module; none where it imports them itself."""
    blocks = [each for each in ast.parse(source).body if is_for_checkers(each)]
    imports = [line for block in blocks for line in block.body if isinstance(line, ast.ImportFrom)]
    return {each.name: str(line.module) for line in imports for each in line.names}


def is_for_checkers(node: ast.AST) -> TypeGuard[ast.If]:
    """Whether it is an ``if TYPE_CHECKING:``, below which nothing is run."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
