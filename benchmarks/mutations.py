"""The faults that mutation testing puts into a module: one small change each, by operators on its syntax tree.

Not made are changes that nothing can notice: of docstrings, texts, annotations, ``__all__``, assertions, decorators, of
what is logged, of conversions to a type and of arguments that only state a style or a check (``strict`` of a zip).
"""

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Function", "Mutant", "emptied", "mutants_of"]

CONVERSIONS: Final = {"int", "float", "bool", "str", "tuple", "list", "set", "frozenset", "dict", "iter"}
SYMMETRIC: Final = {"max", "min", "maximum", "minimum", "isinstance", "partial", "field", "cast", "TypeVar"}
STYLE: Final = {"strict", "repr", "slots", "frozen", "kw_only", "daemon", "name"}
LOGS: Final = {"log", "debug", "error"}
_PAIRS: Final[tuple[tuple[type, type], ...]] = (
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn)),
    *((ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.BitAnd, ast.BitOr), (ast.LShift, ast.RShift)),
)
SWAPPED: Final[dict[type, Any]] = {
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitXor: ast.BitAnd,
    **dict(_PAIRS),
    **{other: one for one, other in _PAIRS},
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the bytes from ``begin`` to ``end`` become ``new``."""

    path: str
    line: int
    function: str
    operator: str
    old: str
    new: str
    begin: int = field(compare=False)
    end: int = field(compare=False)
    statement: int = field(compare=False)
    """Line of the statement in a function that it changes; 0 for what runs on import."""

    def applied(self, source: bytes) -> bytes:
        """The file with the change."""
        return source[: self.begin] + self.new.encode() + source[self.end :]


# Operators: from a node to what may stand in its place ------------------------------------------------------------


def _changed(node: ast.AST, name: str, value: object) -> str:
    other = copy.copy(node)
    setattr(other, name, value)
    return f"({ast.unparse(other)})"


def _comparison(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            yield _changed(node, "ops", [*node.ops[:at], SWAPPED[type(operator)](), *node.ops[at + 1 :]])


def _arithmetic(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in SWAPPED:
        text = _changed(node, "op", SWAPPED[type(node.op)]())
        yield text if isinstance(node, ast.BinOp) else text[1:-1]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Invert):
        yield f"({ast.unparse(node.operand)})"


def _boolean(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.BoolOp):
        yield _changed(node, "op", SWAPPED[type(node.op)]())


def _constant(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        yield str(not node.value if isinstance(node.value, bool) else node.value + 1)


def _condition(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not _of_types(node):
        yield f"(not ({ast.unparse(node.test)}))"
    elif isinstance(node, ast.comprehension):
        yield from (f"(not ({ast.unparse(test)}))" for test in node.ifs)


def _removed(node: ast.AST) -> Iterator[str]:
    stored = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    kept = any(isinstance(each, ast.Attribute | ast.Subscript) for each in stored)
    if kept or isinstance(node, ast.Raise | ast.Delete | ast.Continue | ast.Break | ast.AugAssign):
        yield "pass"


def _returned(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield "return None"


def _swapped(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and _called(node) not in SYMMETRIC:
        for at, (one, two) in enumerate(zip(node.args, node.args[1:], strict=False)):
            if not isinstance(one, ast.Starred) and not isinstance(two, ast.Starred):
                yield _changed(node, "args", [*node.args[:at], two, one, *node.args[at + 2 :]])


def _dropped(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "pass"
    elif isinstance(node, ast.Call) and len(node.args) == 1 and _called(node) not in CONVERSIONS:
        (argument,) = node.args
        if not isinstance(argument, ast.Starred | ast.GeneratorExp):
            yield f"({ast.unparse(argument)})"


def _of_types(node: ast.AST) -> bool:
    """Whether it is what a checker of types alone reads."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


OPERATORS: Final[dict[str, Callable[[ast.AST], Iterator[str]]]] = {
    "comparison": _comparison,
    "arithmetic": _arithmetic,
    "boolean": _boolean,
    "constant": _constant,
    "negated condition": _condition,
    "removed statement": _removed,
    "returned value": _returned,
    "swapped argument": _swapped,
    "dropped call": _dropped,
}


# What is sampled ---------------------------------------------------------------------------------------------------


@dataclass
class _Module:
    """One source file, and where in its bytes a node stands."""

    path: str
    source: bytes

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.source)
        self._starts = [0]
        for line in self.source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def mutant(self, where: tuple[str, int], operator: str, nodes: Sequence[Any], new: str) -> Mutant:
        """The mutant with ``new`` in place of some nodes that follow each other."""
        begin = self._starts[nodes[0].lineno - 1] + nodes[0].col_offset
        end = self._starts[nodes[-1].end_lineno - 1] + nodes[-1].end_col_offset
        old = self.source[begin:end].decode()
        return Mutant(self.path, nodes[0].lineno, where[0], operator, old, new, begin, end, where[1])


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node whose change can be noticed."""
    if isinstance(node, Function):
        yield from (each for each in [*node.args.defaults, *node.args.kw_defaults] if each is not None)
        yield from node.body
    elif isinstance(node, ast.ClassDef):
        yield from node.body
    elif isinstance(node, ast.AnnAssign):
        yield from [node.value] if node.value is not None else []
    elif isinstance(node, ast.Call):
        yield from (node.func, *node.args)
        yield from (each.value for each in node.keywords if each.arg not in STYLE)
    elif _of_types(node):
        yield from getattr(node, "orelse", [])
    elif not isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr):
        yield from ast.iter_child_nodes(node)


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """All mutants of a module that are sampled from."""
    module = _Module(path, source)
    found: dict[Mutant, None] = {}

    def visit(node: ast.AST, name: str, statement: int | None) -> None:
        if statement is not None and isinstance(node, ast.stmt):
            statement = node.lineno
        here = name, statement or 0
        logs = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _called(node.value) in LOGS
        if logs or "__all__" in [ast.unparse(each) for each in getattr(node, "targets", [])]:
            return
        for operator, mutate in OPERATORS.items():
            for new in mutate(node):
                at = node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", node)]
                mutant = module.mutant(here, operator, at if operator == "negated condition" else [node], new)
                found.setdefault(mutant)
        for part in _parts(node):
            if isinstance(node, Function) and part in node.body:
                visit(part, _inner(name, node), 0)
            elif isinstance(node, ast.ClassDef):
                visit(part, _inner(name, node), None)
            else:
                visit(part, name, statement)

    visit(module.tree, "", None)
    return list(found)


def _inner(name: str, node: Any) -> str:
    return f"{name}.{node.name}" if name else str(node.name)


def _left(function: Function) -> list[ast.stmt]:
    """A function's body without its docstring; empty where that is all."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return [] if all(isinstance(each, ast.Pass) or ast.unparse(each) == "..." for each in body) else body


def emptied(path: str, source: bytes) -> list[Mutant]:
    """Each function of a module with nothing left of it."""
    module = _Module(path, source)
    found = []

    def visit(node: ast.AST, name: str) -> None:
        for part in ast.iter_child_nodes(node):
            named = isinstance(part, Function | ast.ClassDef)
            inner = _inner(name, part) if named else name
            if isinstance(part, Function) and (body := _left(part)):
                yields = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(part))
                new = "return; yield" if yields else "return None"
                if [ast.unparse(each) for each in body] != [new]:
                    found.append(module.mutant((inner, body[0].lineno), "emptied function", body, new))
            visit(part, inner)

    visit(module.tree, "")
    return found
