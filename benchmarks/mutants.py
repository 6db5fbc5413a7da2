"""Mutation testing: which small faults in a room the tests of that room notice.

Works on copies of the tree, never on the checkout. First every test of the room runs once with marks in the room's
functions, which tell what statements it reaches. Then each mutant (:mod:`benchmarks.mutations`) is run against the
tests that reach it, those of the file that mirrors its module first, until one fails.

``--emptied`` takes, in place of a sample, every function with nothing left of it but its signature. ``--again`` takes
the survivors of an earlier output. The exit status is 1 when fewer than 85 % of a room's mutants die.
"""

import argparse
import ast
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.mutations import Function, Mutant, emptied, mutants_of

__all__ = ["main"]

ROOT: Final = Path(__file__).resolve().parents[1]
GOAL: Final = 0.85
ROOMS: Final = {
    "core": ("alo_lib/core", ("tests/core",)),
    "strategy": ("alo_lib/strategy", ("tests/strategy",)),
    "simulation": ("alo_lib/simulation", ("tests/simulation",)),
    "models": ("models", ("tests/models", "tests/algorithm")),
}
BELOW: Final = ("settings", "executive", "journal", "transport", "market", "volatility", "pricing")
"""What is imported once and shared by all runs: rooms of the library below those that are mutated."""


# What the tests reach ----------------------------------------------------------------------------------------------

_MARKS: Final = """\
import os
seen = set()
_file = os.open({file!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def tell(text):
    os.write(_file, text.encode() + b"\\n")
def mark(at):
    if at not in seen:
        seen.add(at)
        tell(at)
"""


def _marked(path: str, source: bytes) -> str:
    """A module that tells each statement of a function that it comes to, once."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    inside = {id(node): node for function in functions for node in ast.walk(function)}
    for node in inside.values():
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and not isinstance(node, ast.ClassDef):
                head = 1 if isinstance(node, Function) and ast.get_docstring(node) is not None else 0
                marks = [ast.parse(f"__mark__({f'{path}:{each.lineno}'!r})").body[0] for each in block]
                told = [each for pair in zip(marks, block, strict=True) for each in pair]
                setattr(node, name, block[:head] + told[2 * head :])
    head = 1 if ast.get_docstring(tree) is not None else 0
    tree.body.insert(head, ast.parse("from mutants_marks import mark as __mark__").body[0])
    return ast.unparse(ast.fix_missing_locations(tree))


class _Selected:
    """A plugin of pytest: runs the selected tests in their order, and says what each of them reached.

    A test that takes much longer than its time, which is in ``times``, ends the process.
    """

    def __init__(self, selected: Sequence[str] | None, times: dict[str, float], told: Path | None = None) -> None:
        self._order = None if selected is None else {test: place for place, test in enumerate(selected)}
        self._usual, self._told = times, told
        self.times: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self._order is not None:
            order = self._order
            items[:] = sorted((each for each in items if each.nodeid in order), key=lambda each: order[each.nodeid])

    def _turn(self, test: str) -> None:
        if self._told is not None:
            marks = __import__("mutants_marks")
            marks.seen.clear()
            marks.tell(f"= {test}")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._turn("")  # what fixtures reach counts for every test of the file
        if nodeid in self._usual:
            signal.alarm(60 + round(5 * self._usual[nodeid]))

    def pytest_pyfunc_call(self, pyfuncitem: Any) -> None:
        self._turn(pyfuncitem.nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.times[report.nodeid] += report.duration
        if report.when == "call":
            self._turn("")
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        if self._told is not None:
            self._told.write_text(json.dumps({"times": self.times, "failed": sorted(self.failed)}))


@dataclass
class Reach:
    """What is known of a room's tests: the time that each takes, and those that reach a statement."""

    times: dict[str, float] = field(default_factory=dict)
    tests: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def of(self, mutant: Mutant) -> list[str]:
        """Tests that reach what a mutant changes, those of the file that mirrors its module first."""
        reaching = set(self.times)
        if mutant.statement:
            reaching &= self.tests[f"{mutant.path}:{mutant.statement}"]
        mirror = f"/test_{Path(mutant.path).stem}.py"
        return sorted(reaching, key=lambda test: (mirror not in test, self.times[test], test))


# Runs --------------------------------------------------------------------------------------------------------------


def _prepare(folders: "multiprocessing.SimpleQueue[str]", marks: str) -> None:
    """Make this process one that works in a copy of the tree, and runs the tests with some marks there."""
    folder = folders.get()
    os.chdir(folder)
    os.environ.update(PYTHONPATH=folder, PYTEST_ADDOPTS=f"-m '{marks}'")
    sys.path[:] = [folder, *(each for each in sys.path if each and Path(each).resolve() != ROOT)]
    for room in BELOW:
        __import__(f"alo_lib.{room}")


def _pytest(files: Sequence[str], plugin: _Selected, limit: float, *, first: bool) -> int | None:
    """Exit status of pytest in a process of its own; None when it took longer than ``limit`` seconds."""
    process = os.fork()
    if process == 0:
        os.setsid()
        out = os.open("mutants.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        import pytest

        flags = ["-q", "-p", "no:randomly", f"--basetemp={Path.cwd()}-temporary", *["-x"] * first]
        status = pytest.main([*flags, *files], plugins=[plugin])
        sys.stdout.flush()
        os._exit(status)
    end, done, status = time.monotonic() + limit, 0, 0
    while not done and time.monotonic() < end:
        time.sleep(0.02)
        done, status = os.waitpid(process, os.WNOHANG)
    with suppress(ProcessLookupError):  # what it started and left
        os.killpg(process, signal.SIGKILL)
    if not done:
        os.waitpid(process, 0)
        return None
    return os.waitstatus_to_exitcode(status)


def _reached_by(sources: dict[str, str], file: str) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Times of the tests in a file, and what each reaches.

    :raises RuntimeError: when one fails as it is.
    """
    folder = Path.cwd()
    told, results = folder / "mutants-told.txt", folder / "mutants-results.json"
    kept = {path: Path(path).read_bytes() for path in sources}
    told.write_text("")
    Path("mutants_marks.py").write_text(_MARKS.format(file=str(told)))
    for path, text in sources.items():
        _write(path, text.encode())
    status = _pytest([file], _Selected(None, {}, results), 1800, first=False)
    for path, source in kept.items():
        _write(path, source)
    found = json.loads(results.read_text())
    if status and found["failed"]:  # a test of the sources themselves, perhaps
        status = _pytest([file], _Selected(found["failed"], {}), 600, first=False)
    if status not in (0, 5):
        raise RuntimeError(f"{file} fails without a mutant: {Path('mutants.log').read_text()[-2000:]}")
    reached: dict[str, set[str]] = defaultdict(set)
    test = ""
    for line in told.read_text().splitlines():
        if line.startswith("="):
            test = line[2:]
        else:
            reached[line].update([test] if test else found["times"])
    return found["times"], {at: sorted(tests) for at, tests in reached.items()}


def _write(path: str, source: bytes) -> None:
    """Write a module anew; what was compiled of it goes."""
    Path(path).write_bytes(source)
    for compiled in Path(path).parent.glob(f"__pycache__/{Path(path).stem}.*.pyc"):
        compiled.unlink()


def _fate(reach: Reach, mutant: Mutant) -> str:
    """How a mutant ended: a word, and for one that died how many tests were selected."""
    tests, source = reach.of(mutant), Path(mutant.path).read_bytes()
    if ast.dump(ast.parse(mutant.applied(source))) == ast.dump(ast.parse(source)):
        return "equivalent: it says the same"
    if not tests:
        return "survived: no test reaches it"
    try:
        _write(mutant.path, mutant.applied(source))
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        limit = 120.0 + 5.0 * sum(reach.times[test] for test in tests)
        status = _pytest(files, _Selected(tests, reach.times), limit, first=True)
    finally:
        _write(mutant.path, source)
    if status == 0:
        return f"survived: {len(tests)} tests reach it"
    return "killed: out of time" if status in (None, -signal.SIGALRM) else f"killed: status {status}"


def _copies(place: Path, count: int) -> list[str]:
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "data", "backtests", "site")
    folders = [place / f"tree-{number}" for number in range(count)]
    for folder in folders:
        shutil.copytree(ROOT, folder, ignore=lambda at, names: ignored(at, names) if Path(at) == ROOT else set())
    return [str(folder) for folder in folders]


def _chosen(options: argparse.Namespace) -> dict[str, list[Mutant]]:
    """The mutants to try, by room."""
    names = [field.name for field in fields(Mutant) if field.compare]
    find = emptied if options.emptied else mutants_of
    every = {}
    for room in ROOMS:
        paths = sorted((ROOT / ROOMS[room][0]).glob("*.py"))
        every[room] = [each for path in paths for each in find(str(path.relative_to(ROOT)), path.read_bytes())]
    if options.again:
        earlier = json.loads(options.again.read_text())
        alive = {tuple(each[name] for name in names if name != "line") for each in earlier if not each["killed"]}
        for room, mutants in every.items():
            every[room] = [m for m in mutants if tuple(getattr(m, n) for n in names if n != "line") in alive]
    elif not options.emptied:
        total = sum(map(len, every.values()))
        for room, mutants in every.items():
            share = round(options.count * len(mutants) / total)
            every[room] = random.Random(options.seed).sample(mutants, share)
    return {room: every[room] for room in options.room or ROOMS}


def _try(room: str, mutants: Sequence[Mutant], pool: Any) -> Iterator[dict[str, Any]]:
    """Run a room's mutants. Yields what became of each."""
    folder, places = ROOMS[room]
    files = sorted(str(path.relative_to(ROOT)) for place in places for path in (ROOT / place).glob("test_*.py"))
    sources = {str(path.relative_to(ROOT)): path.read_bytes() for path in sorted((ROOT / folder).glob("*.py"))}
    marked = {path: _marked(path, source) for path, source in sources.items()}
    reach = Reach()
    for times, reached in pool.imap_unordered(partial(_reached_by, marked), files):
        reach.times.update(times)
        for at, tests in reached.items():
            reach.tests[at].update(tests)
    print(f"{room}: {len(reach.times)} tests, {len(mutants)} mutants", file=sys.stderr, flush=True)
    functions = [each for path, source in sources.items() for each in emptied(path, source)]
    missed = [f"{each.path}:{each.line} {each.function}" for each in functions if not reach.of(each)]
    print("reached by no test:", *missed, sep="\n  ", file=sys.stderr, flush=True)
    for mutant, fate in zip(mutants, pool.imap(partial(_fate, reach), mutants), strict=True):
        yield {"room": room, **asdict(mutant), "fate": fate, "killed": fate.startswith("killed")}


def main() -> int:
    """Run it; see the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--room", action="append", choices=list(ROOMS), help="may be given again; all without")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200, help="over all rooms, in proportion to their mutants")
    parser.add_argument("--emptied", action="store_true", help="every function emptied, in place of a sample")
    parser.add_argument("--again", type=Path, metavar="OUTPUT", help="the survivors of an earlier run")
    parser.add_argument("--output", type=Path, help="what became of each mutant, as JSON")
    parser.add_argument("--marks", default="not slow", help="of the tests that are run, as pytest's -m")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        context = multiprocessing.get_context("spawn")
        folders = context.SimpleQueue()
        for folder in _copies(Path(place), options.workers):
            folders.put(folder)
        with context.Pool(options.workers, _prepare, (folders, options.marks)) as pool:
            for room, mutants in _chosen(options).items():
                for result in _try(room, mutants, pool):
                    results.append(result)
                    if not result["killed"]:
                        print("{path}:{line} {operator}: {old!r:.80} > {new!r:.80} {fate}".format(**result), flush=True)
                    if options.output:
                        options.output.write_text(json.dumps(results, indent=1))
    return _report(results)


def _report(results: Sequence[dict[str, Any]]) -> int:
    """Print how many died in each room. Returns the exit status."""
    missed = False
    for room in dict.fromkeys(each["room"] for each in results):
        fates = Counter(each["fate"].partition(":")[0] for each in results if each["room"] == room)
        share = fates["killed"] / max(fates["killed"] + fates["survived"], 1)
        missed |= share < GOAL
        told = ", ".join(f"{fates[fate]} {fate}" for fate in ("killed", "survived", "equivalent"))
        print(f"{room:10} {fates.total()} mutants: {told}; {share:.1%} of those that differ died")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
