"""What decides, found by imports: the same as Python's own parser finds, and nothing that only shows."""

import ast
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import alo_lib
from alo_lib.core import deciding
from alo_lib.core.deciding import DECIDING, _parsed, modules_reached, program

LIBRARY = Path(alo_lib.__file__).parent
MODULES = sorted(LIBRARY.rglob("*.py"))
ENGINE = ("alo_lib.simulation.engine",)


def imports(source: str) -> Iterator[tuple[str, tuple[tuple[str, str], ...] | None]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "modules of the library are imported by their whole names"
            if (node.module or "").partition(".")[0] == "alo_lib":
                yield str(node.module), tuple((name.name, name.asname or name.name) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((name.name, None) for name in node.names if name.name.partition(".")[0] == "alo_lib")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_are_those_that_python_finds(path: Path) -> None:
    source = path.read_text()
    assert sorted(_parsed(source), key=str) == sorted(imports(source), key=str)


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=str)
def test_a_package_does_nothing_but_name(path: Path) -> None:
    """What stands in one is reached by the names that are taken from it."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.If):  # what is handed on lazily
            assert ast.unparse(node.test) == "TYPE_CHECKING"
            assert all(isinstance(line, ast.ImportFrom) for line in node.body)
            continue
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        names = is_text or isinstance(node, ast.ImportFrom | ast.Assign | ast.AnnAssign)
        assert names or ast.unparse(node) == "export_lazily(__name__)", ast.unparse(node)


def test_what_decides_is_reached_and_what_only_shows_is_not() -> None:
    rooms = {name.split(".")[1] for name in modules_reached()}
    assert rooms >= {"core", "executive", "numerics", "pricing", "records", "strategy", "volatility"}
    assert not rooms & {"cli", "learning", "simulation", "telemetry", "views"}
    assert {"alo_lib.strategy.sizing", "alo_lib.pricing.boundary"} <= modules_reached().keys()
    run = modules_reached(ENGINE)
    assert {"alo_lib.simulation.broker", "alo_lib.strategy.sizing", "alo_lib.market.calendar"} <= run.keys()
    assert not any(name.startswith(("alo_lib.views", "alo_lib.cli", "alo_lib.market.generator")) for name in run)


def test_programs_have_names_of_their_own() -> None:
    assert program() == program(DECIDING)
    assert len({program(), program(ENGINE), hashlib.sha256().hexdigest()[:32]}) == 3


@pytest.mark.parametrize(
    ("module", "counts"), [("strategy/sizing.py", True), ("core/trading.py", True), ("views/page.py", False)]
)
def test_a_change_counts_where_it_can_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, counts: bool
) -> None:
    shutil.copytree(LIBRARY, tmp_path / "alo_lib", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(deciding, "_SOURCES", tmp_path)

    def fresh() -> str:
        for cached in (deciding._imports, modules_reached, program):
            cached.cache_clear()
        return program()

    before = fresh()
    path = tmp_path / "alo_lib" / module
    path.touch()
    assert fresh() == before
    path.write_text(path.read_text() + "# a remark\n")
    assert (fresh() != before) == counts
    monkeypatch.undo()
    assert fresh() == before
