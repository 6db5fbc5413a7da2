"""The models without LEAN: what they translate can be tested where there is none."""

import sys
from collections.abc import Iterator
from enum import IntEnum
from importlib import import_module
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest

from alo_lib.cli.project import ROOT

NET = (
    "clr",
    "System",
    "System.Linq.Expressions",
    "System.Reflection",
    "System.Reflection.Emit",
    "System.Runtime.InteropServices",
)
"""The modules of .NET that the border imports."""


class Lean(ModuleType):
    """In place of LEAN's names: each is an empty class, which a model may derive from, or what a test sets."""

    OptionRight = IntEnum("OptionRight", {"CALL": 0, "PUT": 1})
    OptionStyle = IntEnum("OptionStyle", {"AMERICAN": 0, "EUROPEAN": 1})
    InsightType = IntEnum("InsightType", {"PRICE": 0, "VOLATILITY": 1})
    InsightDirection = IntEnum("InsightDirection", {"DOWN": -1, "FLAT": 0, "UP": 1})
    SecurityType = IntEnum(
        "SecurityType", {"BASE": 0, "EQUITY": 1, "OPTION": 2, "FUTURE_OPTION": 8, "INDEX_OPTION": 10}
    )
    SplitType = IntEnum("SplitType", {"WARNING": 0, "SPLIT_OCCURRED": 1})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (), {})
        setattr(self, name, made)
        return made


@pytest.fixture
def lean() -> Iterator[Any]:
    """Stands for LEAN; each module of ``models`` and ``algorithm`` that a test imports is made anew with it."""

    def ours() -> list[str]:
        return [name for name in sys.modules if name.partition(".")[0] in ("models", "algorithm", "AlgorithmImports")]

    kept = {name: sys.modules.pop(name) for name in ours()}
    package = ModuleType("models")  # without what the package itself imports, some of which needs .NET
    package.__path__ = [str(ROOT / "models")]
    sys.modules.update(models=package, AlgorithmImports=Lean("AlgorithmImports"))
    yield sys.modules["AlgorithmImports"]
    for name in ours():
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.fixture
def border(lean: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the border to .NET: its columns' names are true, what it builds there is nothing."""
    for name in NET:
        monkeypatch.setitem(sys.modules, name, MagicMock())
    return import_module("models.compiled_border")
