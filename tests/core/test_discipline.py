"""The core reads no clock, draws nothing at random and follows no hash order: its source is searched for it.

What is searched is what decides: every module that a core process can execute between an input and a decision. Names
are resolved through imports, so that ``from time import time as t`` is found as well.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "alo_lib"
DECIDING = (
    *sorted((ROOT / "strategy").glob("*.py")),
    *sorted((ROOT / "volatility").glob("*.py")),
    *sorted((ROOT / "pricing").glob("*.py")),
    *(ROOT / "core" / name for name in ("ingest.py", "state.py", "tasks.py", "trading.py", "settings.py")),
    *(ROOT / "core" / name for name in ("snapshot.py", "frame_plan.py", "calibrator.py", "external.py")),
    *(ROOT / "executive" / name for name in ("cyclic.py", "schedule.py", "table.py", "plan.py", "lifecycle.py")),
    *(ROOT / "executive" / name for name in ("schedulability.py", "trace.py")),
    *sorted((ROOT / "records").glob("*.py")),
    *(ROOT / "runtime" / name for name in ("replay.py", "reconcile.py", "logical.py")),
    *(ROOT / "journal" / name for name in ("digest.py", "format.py", "kernels.py", "orders.py", "reader.py")),
    *(ROOT / "transport" / name for name in ("wire.py",)),
)

CLOCKS = {
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")),
    *(f"time.{name}" for name in ("process_time", "localtime", "gmtime", "ctime", "strftime", "sleep")),
    *(f"datetime.{kind}.{name}" for kind in ("datetime", "date") for name in ("now", "today", "utcnow")),
}
RANDOM = ("random", "secrets", "uuid", "numpy.random", "os.urandom")
SEEDED = ("numpy.random.Generator", "numpy.random.default_rng", "numpy.random.SeedSequence")
ORDERLESS = ("set", "frozenset")
SET_METHODS = ("union", "intersection", "difference", "symmetric_difference")
IN_ANY_ORDER = ("sorted", "len", "min", "max", "any", "all", "set", "frozenset", "bool", "numpy.unique")
"""What gives the same for every order of its argument. A sum does not: it rounds."""
IDENTITY = ("id", "hash")


def faults(source: str) -> Iterator[str]:
    """What a module does that could decide otherwise in another process."""
    tree = ast.parse(source)
    names = dict(_imports(tree))
    sets = set(_names_of_sets(tree))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and not isinstance(parents.get(node), ast.Attribute):
            path = _path(node, names)
            if path in CLOCKS:
                yield f"line {node.lineno}: {path} reads a clock"
            elif path.startswith(RANDOM) and not path.startswith(SEEDED) and path.split(".")[0] in _modules(names):
                yield f"line {node.lineno}: {path} draws at random"
        if isinstance(node, ast.Call):
            path = _path(node.func, names)
            if path == "numpy.random.default_rng" and not (node.args or node.keywords):
                yield f"line {node.lineno}: a generator without a seed"
            if path in IDENTITY:
                yield f"line {node.lineno}: {path}() differs from process to process"
            if path in ("list", "tuple", "enumerate", "iter", "sum", "zip", "map", "next", "dict.fromkeys"):
                for argument in node.args:
                    if _is_set(argument, sets, names):
                        yield f"line {node.lineno}: {path}() follows the order of a set"
            method = node.func if isinstance(node.func, ast.Attribute) else None
            if method and method.attr == "join" and node.args and _is_set(node.args[0], sets, names):
                yield f"line {node.lineno}: join() follows the order of a set"
            if method and method.attr == "pop" and not node.args and _is_set(method.value, sets, names):
                yield f"line {node.lineno}: pop() takes any element of a set"
        loops = [node] if isinstance(node, ast.For) else getattr(node, "generators", [])
        for loop in loops:
            if _is_set(loop.iter, sets, names) and not _in_any_order(node, parents, names):
                yield f"line {node.lineno}: a loop follows the order of a set"


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _modules(names: dict[str, str]) -> set[str]:
    return {path.split(".")[0] for path in names.values()}


def _path(node: ast.AST, names: dict[str, str]) -> str:
    """The dotted name that an expression is, through the module's imports; empty for any other expression."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        before = _path(node.value, names)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _names_of_sets(tree: ast.AST) -> Iterator[str]:
    """Variables, attributes and parameters that are given a set, or annotated as one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_set(node.value, set(), {}):
            yield from (_last(target) for target in node.targets)
        elif isinstance(node, ast.AnnAssign) and _annotates_set(node.annotation):
            yield _last(node.target)
        elif isinstance(node, ast.arg) and node.annotation is not None and _annotates_set(node.annotation):
            yield node.arg
        elif isinstance(node, ast.FunctionDef) and node.returns is not None and _annotates_set(node.returns):
            yield f"{node.name}()"


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _annotates_set(node: ast.AST) -> bool:
    base = node.value if isinstance(node, ast.Subscript) else node
    return _last(base).lower() in ("set", "frozenset", "abstractset", "mutableset")


def _is_set(node: ast.AST, sets: set[str], names: dict[str, str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Name | ast.Attribute):
        return _last(node) in sets
    if isinstance(node, ast.Call):
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        made = _path(node.func, names) in ORDERLESS or f"{_last(node.func)}()" in sets
        return made or (method in SET_METHODS and not _path(node.func, names).startswith("numpy."))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return _is_set(node.left, sets, names) or _is_set(node.right, sets, names)
    if isinstance(node, ast.IfExp):
        return _is_set(node.body, sets, names) or _is_set(node.orelse, sets, names)
    return False


def _in_any_order(node: ast.AST, parents: dict[ast.AST, ast.AST], names: dict[str, str]) -> bool:
    """Whether a comprehension's order is of no account: it makes a set, or goes to what sorts or counts it."""
    parent = parents.get(node)
    called = isinstance(parent, ast.Call) and _path(parent.func, names) in IN_ANY_ORDER
    return isinstance(node, ast.SetComp) or called


@pytest.mark.parametrize("path", DECIDING, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_decides_reads_what_a_replay_does_not_have(path: Path) -> None:
    allowed = ALLOWED.get(str(path.relative_to(ROOT)), ())
    assert [fault for fault in faults(path.read_text()) if not fault.endswith(allowed)] == []


ALLOWED: dict[str, tuple[str, ...]] = {}
"""Faults that are none, by module, each with its reason."""


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import time\nx = time.time()", "time.time reads a clock"),
        ("from time import monotonic_ns as now\nx = now()", "time.monotonic_ns reads a clock"),
        ("import datetime as dt\nx = dt.datetime.now()", "datetime.datetime.now reads a clock"),
        ("from datetime import date\nx = date.today()", "datetime.date.today reads a clock"),
        ("import time\nf = time.perf_counter", "time.perf_counter reads a clock"),
        ("import random\nx = random.random()", "random.random draws at random"),
        ("import numpy as np\nx = np.random.normal()", "numpy.random.normal draws at random"),
        ("import numpy as np\nx = np.random.default_rng()", "a generator without a seed"),
        ("import uuid\nx = uuid.uuid4()", "uuid.uuid4 draws at random"),
        ("for x in {1, 2}:\n    pass", "a loop follows the order of a set"),
        ("s = set()\nfor x in s:\n    pass", "a loop follows the order of a set"),
        ("def f(s: set[int]):\n    return [x for x in s]", "a loop follows the order of a set"),
        ("def f(a, b):\n    return [x for x in set(a) | b]", "a loop follows the order of a set"),
        (
            "class A:\n    s: set[int]\n    def f(self):\n        return list(self.s)",
            "list() follows the order of a set",
        ),
        ("def g() -> set[int]: ...\nfor x in g():\n    pass", "a loop follows the order of a set"),
        ("x = sum({0.1, 0.2})", "sum() follows the order of a set"),
        ("s = {1}\ns.pop()", "pop() takes any element of a set"),
        ("x = ','.join({'a', 'b'})", "join() follows the order of a set"),
        ("def key(x):\n    return id(x)", "id() differs from process to process"),
        ("x = hash('a')", "hash() differs from process to process"),
    ],
)
def test_each_fault_is_found(source: str, fault: str) -> None:
    assert any(found.endswith(fault) for found in faults(source)), list(faults(source))


@pytest.mark.parametrize(
    "source",
    [
        "s = {1, 2}\nx = sorted(s), len(s), 1 in s",
        "x = sorted(y for y in {1, 2})",
        "x = {y + 1 for y in {1, 2}}",
        "import numpy as np\nx = np.random.default_rng(7).normal()",
        "d = {1: 2}\nfor x in d:\n    pass",
        "x = min({1, 2})",
    ],
)
def test_what_is_no_fault_is_none(source: str) -> None:
    assert list(faults(source)) == []
