"""Each example of CONTRIBUTING.md, applied to a copy of the tree: it is linted, and its test passes there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from alo_lib.cli.project import ROOT, prepare_compilation_cache

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FOLDERS = ("alo_lib", "models", "tests", "docs")
FILES = ("pyproject.toml", "config.json")

CONTRACT = ("tests/volatility/test_contract.py", "-k", "EWMA")
REASONS = ("tests/strategy/test_parts.py", "tests/docs/test_documents.py", "-k", "reasons")
UNCOMPILED = {"NUMBA_DISABLE_JIT": "1"}


class Block(NamedTuple):
    """A code block: whether it is a new file or a change of one, its path, its lines."""

    change: bool
    path: str
    lines: list[str]


def example(title: str) -> list[Block]:
    """The blocks below a heading of the third level."""
    section = TEXT.split(f"### {title}\n", 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]
    found = re.findall(r"^```(python|diff)\n# (\S+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return [Block(kind == "diff", path, text.splitlines()) for kind, path, text in found]


def changed(text: str, lines: list[str]) -> str:
    """A file's text after the hunks of a change, each of which must stand there once."""
    hunks: list[list[str]] = [[]]
    for line in lines:
        if line == "@@":
            hunks.append([])
        else:
            hunks[-1].append(line)
    for hunk in hunks:
        before = "".join(f"{line[1:]}\n" for line in hunk if line[:1] != "+")
        after = "".join(f"{line[1:]}\n" for line in hunk if line[:1] != "-")
        assert text.count(before) == 1, f"these lines stand there {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    return text


def run(folder: Path, *arguments: str, **environment: str) -> None:
    prepare_compilation_cache()
    done = subprocess.run(
        [sys.executable, "-P", "-m", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


EXAMPLES = [
    pytest.param("A structure to trade", 3, ("tests/strategy/test_entries.py",), {}, id="structure"),
    pytest.param("An exit reason", 4, REASONS, {}, id="exit reason"),
    pytest.param("A volatility model", 2, CONTRACT, UNCOMPILED, id="volatility"),
    pytest.param("A fee or fill model", 2, ("tests/simulation/test_margin.py",), {}, id="fees and fills"),
    pytest.param("A data source", 2, ("tests/market/test_volatility_files.py",), {}, id="data"),
    pytest.param("A LEAN model", 1, (), {}, id="LEAN"),
    pytest.param("A command", 2, (), {}, id="command"),
]


def test_every_example_is_run() -> None:
    titles = re.findall(r"^### (.+)$", TEXT.split("## How to add something\n")[1], re.MULTILINE)
    assert titles == [each.values[0] for each in EXAMPLES]


@pytest.mark.slow
@pytest.mark.parametrize(("title", "touched", "others", "environment"), EXAMPLES)
def test_the_example_works(
    title: str, touched: int, others: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    blocks = example(title)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    for block in blocks:
        path = tmp_path / block.path
        assert path.exists() is block.change
        text = "".join(f"{line}\n" for line in block.lines)
        path.write_text(changed(path.read_text("utf-8"), block.lines) if block.change else text, encoding="utf-8")
    paths = [block.path for block in blocks]
    tests = [path for path in paths if path.startswith("tests/")]
    assert len(tests) == 1
    assert len(paths) - len(tests) == touched
    programs = [path for path in paths if path.endswith(".py")]
    run(tmp_path, "ruff", "check", "--no-cache", *programs)
    run(tmp_path, "ruff", "format", "--no-cache", "--check", *programs)
    run(tmp_path, "pytest", "-q", *tests, **environment)
    if others:
        run(tmp_path, "pytest", "-q", "-m", "not slow", *others, **environment)
