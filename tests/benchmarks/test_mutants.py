"""Mutation testing: what is changed, what is left alone, and which tests are asked."""

import sys
from types import SimpleNamespace

import pytest

from benchmarks.mutants import Reach, _marked
from benchmarks.mutations import Mutant, emptied, mutants_of

SOURCE = b'''"""Text."""
__all__ = ["f"]
LIMIT: int = 3


class C:
    """Text."""

    def f(self, x: int, y: int = 2) -> int:
        """Text."""
        assert x != 5
        if x > y and not y:
            raise ValueError(f"{x + 1} is beyond")
        self.total = g(x, y)
        return abs(x - y)


def g(x, y):
    yield x
'''


def made(source: bytes) -> dict[str, set[str]]:
    """What stands in place of what."""
    found: dict[str, set[str]] = {}
    for mutant in mutants_of("m.py", source):
        compile(mutant.applied(source), "m.py", "exec")
        found.setdefault(mutant.old, set()).add(mutant.new)
    return found


def test_each_operator_changes_its_nodes_and_nothing_that_cannot_be_noticed() -> None:
    assert made(SOURCE) == {
        "3": {"4"},
        "2": {"3"},
        "x > y": {"(x >= y)"},
        "x > y and not y": {"(x > y or not y)", "(not (x > y and (not y)))"},
        'raise ValueError(f"{x + 1} is beyond")': {"pass"},
        "self.total = g(x, y)": {"pass"},
        "g(x, y)": {"(g(y, x))"},
        "return abs(x - y)": {"return None"},
        "abs(x - y)": {"(x - y)"},
        "x - y": {"(x + y)"},
    }


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("a[0] += b", {"a[0] -= b", "pass", "1"}),
        ("a //= -b", {"a *= -b", "pass", "(b)"}),
        ("x = [i for i in a if i in b]", {"(i not in b)", "(not (i in b))"}),
        ("del a[b]", {"pass"}),
        ("f(*a, int(b))", {"pass"}),
        ("log(a + b)", set()),
        ("x = a if b else True", {"(not (b))", "False"}),
        ("x = zip(a, b, strict=True)", {"(zip(b, a, strict=True))"}),
        ("x: 'a | b' = min(a, b)", set()),
        ("if TYPE_CHECKING: f(a)", set()),
    ],
)
def test_a_statement_has_these_changes(line: str, changes: set[str]) -> None:
    assert set().union(*made(line.encode()).values()) == changes


def test_what_runs_on_import_belongs_to_no_statement_of_a_function() -> None:
    source = b"""class C:
    a = b + c

    def f(self, x=1 + 2):
        if x:
            return x + 4
"""
    lines = {mutant.old: mutant.statement for mutant in mutants_of("m.py", source)}
    assert lines == {"b + c": 0, "1 + 2": 0, "1": 0, "2": 0, "x": 5, "return x + 4": 6, "x + 4": 6, "4": 6}


def test_an_emptied_function_keeps_its_signature_and_its_kind() -> None:
    mutants = emptied("m.py", SOURCE)
    assert [(m.function, m.line, m.statement, m.new) for m in mutants] == [
        ("C.f", 11, 11, "return None"),
        ("g", 19, 19, "return; yield"),
    ]
    scope: dict = {}
    exec(mutants[1].applied(SOURCE), scope)
    assert list(scope["g"](1, 2)) == []
    exec(mutants[0].applied(SOURCE), scope)
    assert scope["C"]().f(5) is None
    assert scope["C"].f.__doc__ == "Text."


def test_marks_tell_the_statements_that_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setitem(sys.modules, "mutants_marks", SimpleNamespace(mark=told.append))
    scope: dict = {}
    exec(_marked("m.py", SOURCE), scope)
    assert scope["C"]().f(1, 2) == 1
    assert told == ["m.py:11", "m.py:12", "m.py:14", "m.py:15"]  # g, a generator, was not begun
    list(scope["g"](1, 2))
    assert told[4:] == ["m.py:19"]
    assert scope["C"].f.__doc__ == scope["__doc__"] == "Text."


def test_the_tests_that_reach_a_statement_run_those_of_its_module_first_and_quick_ones_before_slow_ones() -> None:
    reach = Reach(
        {"a/test_m.py::slow": 2.0, "a/test_m.py::quick": 1.0, "a/test_n.py::one": 0.1, "a/test_n.py::no": 0.1}
    )
    reach.tests["a/m.py:7"] = {"a/test_n.py::one", "a/test_m.py::slow", "a/test_m.py::quick"}
    mutant = Mutant("a/m.py", 7, "f", "constant", "1", "2", begin=0, end=1, statement=7)
    assert reach.of(mutant) == ["a/test_m.py::quick", "a/test_m.py::slow", "a/test_n.py::one"]
    on_import = Mutant("a/m.py", 1, "", "constant", "1", "2", begin=0, end=1, statement=0)
    assert set(reach.of(on_import)) == set(reach.times)
    nowhere = Mutant("a/m.py", 8, "f", "constant", "1", "2", begin=0, end=1, statement=8)
    assert reach.of(nowhere) == []
