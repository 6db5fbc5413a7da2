"""No function with too many parameters or lines, no file too long: the house's limits."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("alo_lib", "models", "algorithm", "benchmarks", "tests", "main.py")
PARAMETERS, KERNEL_PARAMETERS = 8, 10
FUNCTION_LINES, FILE_LINES = 70, 450
KERNELS = ("kernel", "jumped_kernel", "shared_kernel")
COMMAND = "click.command"
"""What a command takes are its options, which nobody passes by place."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _parameters(function: Function, method: bool) -> int:
    """How many arguments a caller may give: all but a method's own receiver."""
    of = function.args
    named = [*of.posonlyargs, *of.args]
    bound = method and not any(ast.unparse(each) == "staticmethod" for each in function.decorator_list)
    return len(named) - bound + len(of.kwonlyargs) + (of.vararg is not None) + (of.kwarg is not None)


def _decorators(function: Function) -> set[str]:
    names = (each.func if isinstance(each, ast.Call) else each for each in function.decorator_list)
    return {ast.unparse(name) for name in names}


def beyond(name: str, text: str) -> Iterator[tuple[str, str]]:
    """What of a module's text is beyond a limit, and how far."""
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield name, f"{lines} lines; {FILE_LINES} are allowed"
    tree = ast.parse(text)
    methods = {id(each) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for each in node.body}
    for node in ast.walk(tree):
        if not isinstance(node, Function):
            continue
        decorators = _decorators(node)
        kernel = not decorators.isdisjoint(KERNELS)
        allowed = KERNEL_PARAMETERS if kernel else PARAMETERS
        count = _parameters(node, id(node) in methods)
        if count > allowed and COMMAND not in decorators:
            yield f"{name}:{node.name}", f"{count} parameters; {allowed} are allowed"
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES and not kernel:
            yield f"{name}:{node.name}", f"{length} lines; {FUNCTION_LINES} are allowed"


def _sources() -> list[Path]:
    places = [ROOT / place for place in PLACES]
    return sorted(path for place in places for path in (place.rglob("*.py") if place.is_dir() else [place]))


def test_functions_and_files_keep_within_the_limits() -> None:
    found = [
        (what, how)
        for path in _sources()
        for what, how in beyond(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    assert len(_sources()) > 100
    assert [f"{what}: {how}" for what, how in found] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(a, b, c, d, e, f, g, h): ...", []),
        ("def f(a, b, c, d, e, f, g, h, i): ...", ["m:f"]),
        ("def f(a, b, c, /, d, e, *f, g, h, **i): ...", ["m:f"]),
        ("class C:\n    def f(self, a, b, c, d, e, f, g, h): ...", []),
        ("class C:\n    @staticmethod\n    def f(a, b, c, d, e, f, g, h, i): ...", ["m:f"]),
        ("@kernel\ndef f(a, b, c, d, e, f, g, h, i, j): ...", []),
        ("@kernel\ndef f(a, b, c, d, e, f, g, h, i, j, k): ...", ["m:f"]),
        ("def f():\n" + "    x = 1\n" * 69, []),
        ("def f():\n" + "    x = 1\n" * 70, ["m:f"]),
        ("@kernel\ndef f():\n" + "    x = 1\n" * 70, []),
        ("class C:\n    async def f(self):\n" + "        x = 1\n" * 70, ["m:f"]),
        ("x = 1\n" * 450, []),
        ("x = 1\n" * 451, ["m"]),
    ],
)
def test_the_limits_are_counted_right(text: str, expected: list[str]) -> None:
    assert [what for what, _ in beyond("m", text)] == expected
