"""One way to say in a docstring what is raised: a field of its own, which the reference shows as a list."""

import ast
import re
from pathlib import Path

from alo_lib.cli.project import ROOT

PLACES = ("alo_lib", "models", "algorithm", "benchmarks")
IN_PROSE = re.compile(r"\bRaises [A-Z]\w*(Error|Exception)?\b")
FIELD = re.compile(r"^ *:raises \w+: \S", re.MULTILINE)


def docstrings(path: Path) -> list[tuple[str, str]]:
    """Where each docstring of a module stands, and its text."""
    name = path.relative_to(ROOT).as_posix()
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                found.append((f"{name}:{getattr(node, 'lineno', 1)}", text))
    return found


def test_what_is_raised_is_a_field_that_says_when() -> None:
    all_of_them = [
        each for place in PLACES for path in sorted((ROOT / place).rglob("*.py")) for each in docstrings(path)
    ]
    assert len(all_of_them) > 1000
    assert sum(bool(FIELD.search(text)) for _, text in all_of_them) > 100
    assert [where for where, text in all_of_them if IN_PROSE.search(text)] == []
    silent = [where for where, text in all_of_them if re.search(r":raises \w+:\s*($|\n)", text)]
    assert silent == []
