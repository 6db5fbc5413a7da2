"""Packages that import what they hand on when it is asked for."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT

LAZY = ("alo_lib.records", "alo_lib.pricing", "alo_lib.market")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One with two modules, the first with a function of its own name."""
    folder = tmp_path / "lazy_shapes"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "from alo_lib.exports import export_lazily\n"
        "if TYPE_CHECKING:\n"
        "    from lazy_shapes.circle import area, circle\n"
        "    from lazy_shapes.square import side\n"
        "__all__ = ['area', 'circle', 'side']\n"
        "export_lazily(__name__)\n"
    )
    (folder / "circle.py").write_text("area = 3.0\ndef circle(): return 'round'\n")
    (folder / "square.py").write_text("side = 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("lazy_shapes", "lazy_shapes.circle", "lazy_shapes.square"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "lazy_shapes"


def test_a_name_imports_its_module_alone(package: str) -> None:
    shapes = import_module(package)
    assert not {"lazy_shapes.circle", "lazy_shapes.square"} & sys.modules.keys()
    assert shapes.side == 1.0
    assert "lazy_shapes.circle" not in sys.modules
    assert {"area", "circle", "side"} <= set(dir(shapes))
    with pytest.raises(AttributeError, match="module 'lazy_shapes' has no attribute 'corner'"):
        _ = shapes.corner
    with pytest.raises(ImportError, match="cannot import name 'corner'"):
        exec("from lazy_shapes import corner")


@pytest.mark.parametrize("first", ["import lazy_shapes.circle", "from lazy_shapes import area", "pass"])
def test_a_function_of_its_modules_name_is_handed_on_whatever_is_imported_first(package: str, first: str) -> None:
    exec(first)
    assert import_module(package).circle() == "round"
    exec("import lazy_shapes.circle")
    assert import_module(package).circle() == "round"
    assert import_module("lazy_shapes.circle").area == 3.0


@pytest.mark.parametrize("name", LAZY)
def test_all_that_a_package_of_ours_lists_is_there(name: str) -> None:
    code = f"from {name} import *; import {name} as it; print(len(it.__all__), all(n in globals() for n in it.__all__))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(import_module(name).__all__)} True\n"
