"""Eight float64 values side by side, as one value of compiled code: explicit SIMD.

``load`` reads :data:`LANES` neighbours of a table's row into a value that kernels add, multiply and compare like a
float, each lane by itself; ``store`` writes them back. A condition on lanes is a mask: ``select`` chooses by it,
``any_lane`` and ``all_lanes`` end loops. So a kernel that is written once for a float runs eight options at a time,
in registers, whatever the compiler thinks of its loops, and a lane's bits depend neither on its neighbours nor on how
wide the machine's registers are: every operation is IEEE's own, and nothing is summed across lanes.

Uncompiled, lanes are arrays of shape (8,), and the same functions serve floats.
"""

import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, lower_cast, models, overload, register_model

__all__ = [
    "LANES",
    "LaneMask",
    "Lanes",
    "Real",
    "align_stack",
    "all_lanes",
    "any_lane",
    "greatest",
    "is_real",
    "least",
    "load",
    "neighbours",
    "select",
    "square_root",
    "store",
    "table",
]

Array = npt.NDArray[np.float64]
Lanes: TypeAlias = Any
"""LANES floats as kernels see them; numba gives them their operators, which no static type could tell."""
LaneMask: TypeAlias = Any
"""LANES truth values, or one of a float."""
Real: TypeAlias = Any
"""A float, or lanes of them."""

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_MASK = ir.VectorType(ir.IntType(1), LANES)
_INDEX = ir.IntType(32)


class _LanesType(types.Type):  # type: ignore[misc]
    """LANES float64; a float or an integer converts to one with all lanes alike."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")

    def can_convert_from(self, typing_context: Any, other: Any) -> Any:
        return Conversion.safe if isinstance(other, types.Float | types.Integer) else None


class _MaskType(types.Type):  # type: ignore[misc]
    """LANES truth values."""

    def __init__(self) -> None:
        super().__init__(name="LaneMask")

    def can_convert_from(self, typing_context: Any, other: Any) -> Any:
        return Conversion.safe if isinstance(other, types.Boolean) else None


lanes_type, mask_type = _LanesType(), _MaskType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, type_: Any) -> None:
        super().__init__(manager, type_, _VECTOR)


@register_model(_MaskType)
class _MaskModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, type_: Any) -> None:
        super().__init__(manager, type_, _MASK)


def splat(builder: Any, value: Any, vector: Any = _VECTOR) -> Any:
    """LLVM code for a vector with all lanes alike."""
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, _INDEX(0))
    zeros = ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


@lower_cast(types.Float, _LanesType)  # type: ignore[untyped-decorator]
@lower_cast(types.Integer, _LanesType)  # type: ignore[untyped-decorator]
def _cast_number(context: Any, builder: Any, from_type: Any, to_type: Any, value: Any) -> Any:
    return splat(builder, context.cast(builder, value, from_type, types.float64))


@lower_cast(types.Boolean, _MaskType)  # type: ignore[untyped-decorator]
def _cast_truth(context: Any, builder: Any, from_type: Any, to_type: Any, value: Any) -> Any:
    return splat(builder, builder.trunc(value, ir.IntType(1)) if value.type.width > 1 else value, _MASK)


def call_intrinsic(builder: Any, name: str, *arguments: Any) -> Any:
    """LLVM code that calls one of its own functions, on floats or on vectors of them."""
    type_ = arguments[0].type
    suffix = f"v{LANES}f64" if isinstance(type_, ir.VectorType) else "f64"
    function_type = ir.FunctionType(type_, [type_] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, function_type, f"{name}.{suffix}")
    return builder.call(function, arguments)


def is_real(*of: Any) -> bool:
    """Whether these types mix to lanes: at least one of them lanes, the others numbers."""
    number = (types.Float, types.Integer)
    return any(x is lanes_type or x == lanes_type for x in of) and all(
        x == lanes_type or isinstance(x, number) for x in of
    )


def _is_mask(*of: Any) -> bool:
    return any(x == mask_type for x in of) and all(x == mask_type or isinstance(x, types.Boolean) for x in of)


def _operation(
    function: Any, accepts: Callable[..., bool], arguments: Any, result: Any, emit: Callable[..., Any], count: int
) -> None:
    """Teach numba an operator: its types, and LLVM's instruction for it."""

    class Template(AbstractTemplate):  # type: ignore[misc]
        metadata: Final = {"target": "cpu"}  # asked before numba's own dozens, which are for any target

        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == count and not kws and accepts(*args):
                return signature(result, *[arguments] * count)
            return None

    infer_global(function)(Template)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit(builder, *args)

    lower_builtin(function, *[arguments] * count)(lower)


for _function, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
    (operator.iadd, "fadd"),
    (operator.isub, "fsub"),
    (operator.imul, "fmul"),
    (operator.itruediv, "fdiv"),
):
    _operation(
        _function, is_real, lanes_type, lanes_type, lambda builder, a, b, name=_name: getattr(builder, name)(a, b), 2
    )
_operation(operator.neg, is_real, lanes_type, lanes_type, lambda builder, a: builder.fneg(a), 1)
_operation(abs, is_real, lanes_type, lanes_type, lambda builder, a: call_intrinsic(builder, "llvm.fabs", a), 1)
for _function, _name in ((operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.ge, ">="),
                         (operator.eq, "=="), (operator.ne, "!=")):  # fmt: skip
    _ordered = "fcmp_unordered" if _name == "!=" else "fcmp_ordered"
    _operation(
        _function,
        is_real,
        lanes_type,
        mask_type,
        lambda builder, a, b, name=_name, ordered=_ordered: getattr(builder, ordered)(name, a, b),
        2,
    )
_operation(operator.and_, _is_mask, mask_type, mask_type, lambda builder, a, b: builder.and_(a, b), 2)
_operation(operator.or_, _is_mask, mask_type, mask_type, lambda builder, a, b: builder.or_(a, b), 2)
_operation(operator.iand, _is_mask, mask_type, mask_type, lambda builder, a, b: builder.and_(a, b), 2)
_operation(operator.ior, _is_mask, mask_type, mask_type, lambda builder, a, b: builder.or_(a, b), 2)
_operation(operator.invert, _is_mask, mask_type, mask_type, lambda builder, a: builder.not_(a), 1)


def load(rows: Array, i: int) -> Lanes:
    """Row i of a table (m, LANES)."""
    return np.array(rows[i])


def store(rows: Array, i: int, value: Lanes) -> None:
    """Write lanes, or one number for all, into row i of a table (m, LANES)."""
    rows[i] = value


def _pointer(context: Any, builder: Any, table_type: Any, table: Any, i: Any) -> Any:
    array = context.make_array(table_type)(context, builder, table)
    offset = builder.mul(i, ir.Constant(i.type, LANES))
    return builder.bitcast(builder.gep(array.data, [offset]), _VECTOR.as_pointer())


def _is_table(table: Any) -> bool:
    return isinstance(table, types.Array) and table.ndim == 2 and table.layout == "C" and table.dtype == types.float64


def _real_type(*of: Any) -> Any:
    """What these types of numbers become together: lanes, where one of them is, or a float; None where one is none."""
    if is_real(*of):
        return lanes_type
    return types.float64 if all(isinstance(x, types.Float | types.Integer) for x in of) else None


def _as_reals(context: Any, *of: Any) -> Any:
    """Numbers in, all of them lanes or all floats, and one out of the same kind."""
    real = _real_type(*of)
    return real and signature(real, *[real] * len(of))


def direct(function: Callable[..., Any], signature_of: Callable[..., Any] = _as_reals) -> Callable[[Any], Any]:
    """Teach numba a function by its types and LLVM code alone, which takes far less compiling than inlining it.

    signature_of: given numba's typing context and the arguments' types, the signature, to whose types arguments are
    cast, or None. What is decorated emits the code, as numba's ``lower_builtin`` has it.
    """
    count = function.__code__.co_argcount

    class Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            return signature_of(self.context, *args) if len(args) == count and not kws else None

    infer_global(function, types.Function(type(function.__name__, (Template,), {"key": function})))
    return cast("Callable[[Any], Any]", lower_builtin(function, types.VarArg(types.Any)))


def _type_of_load(context: Any, rows: Any, i: Any) -> Any:
    return signature(lanes_type, rows, types.intp) if _is_table(rows) and isinstance(i, types.Integer) else None


def _type_of_store(context: Any, rows: Any, i: Any, value: Any) -> Any:
    fits = _is_table(rows) and isinstance(i, types.Integer) and (value == lanes_type or is_real(lanes_type, value))
    return signature(types.void, rows, types.intp, lanes_type) if fits else None


@direct(load, _type_of_load)
def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.load(_pointer(context, builder, sig.args[0], args[0], args[1]), align=8)


@direct(store, _type_of_store)
def _store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    builder.store(args[2], _pointer(context, builder, sig.args[0], args[0], args[1]), align=8)
    return context.get_dummy_value()


def neighbours(rows: Array, first: Lanes) -> tuple[Lanes, Lanes, Lanes, Lanes]:
    """Of each lane four rows of a table (m, LANES), m >= 4, one after another: from ``first``, cut to an integer, on.

    A first row before the table's, one so late that four would not be inside, or NaN, is held inside.
    """
    top = len(rows) - 4.0
    row = np.minimum(np.where(first > 0.0, first, 0.0), top).astype(np.int64)
    a, b, c, d = (np.asarray(rows)[row + k, np.arange(LANES)] for k in range(4))
    return a, b, c, d


def _type_of_neighbours(context: Any, rows: Any, first: Any) -> Any:
    fits = _is_table(rows) and first == lanes_type
    return signature(types.UniTuple(lanes_type, 4), rows, lanes_type) if fits else None


@direct(neighbours, _type_of_neighbours)
def _neighbours(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    array = context.make_array(sig.args[0])(context, builder, args[0])
    # Zero comes first: what is not a number is no more than it.
    row = _greater(builder, ir.Constant(_VECTOR, [0.0] * LANES), args[1])
    count = builder.sitofp(builder.extract_value(array.shape, 0), ir.DoubleType())
    row = _less(builder, row, splat(builder, builder.fsub(count, ir.DoubleType()(4.0))))
    rows = builder.fptosi(row, ir.VectorType(_INDEX, LANES))
    found = [ir.Constant(_VECTOR, ir.Undefined)] * 4
    for lane in range(LANES):
        which = builder.sext(builder.extract_element(rows, _INDEX(lane)), ir.IntType(64))
        place = builder.gep(array.data, [builder.add(builder.mul(which, ir.IntType(64)(LANES)), ir.IntType(64)(lane))])
        for k in range(4):
            one = builder.load(builder.gep(place, [ir.IntType(64)(k * LANES)]))
            found[k] = builder.insert_element(found[k], one, _INDEX(lane))
    return context.make_tuple(builder, sig.return_type, found)


def table(rows: int) -> Array:
    """Zeros of shape (rows, LANES), each row in one line of the processor's cache."""
    return np.zeros((rows, LANES))


@overload(table, strict=False)  # type: ignore[untyped-decorator]
def _overload_table(rows: Any) -> Any:
    def aligned(rows: int) -> Array:
        buffer = np.zeros((rows + 1) * LANES)
        first = -(buffer.ctypes.data // 8) % LANES
        return buffer[first : first + rows * LANES].reshape(rows, LANES)

    return aligned


def align_stack() -> None:
    """Have the calling kernel's stack aligned to lanes.

    Called first by kernels that hold more lanes than there are registers: those put aside would else lie across two
    lines of the processor's cache, which took a fifth of the pricer's time.
    """


@direct(align_stack, lambda context: signature(types.void))
def _align_stack(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    with builder.goto_entry_block():
        place = builder.alloca(_VECTOR)
        place.align = 8 * LANES
    builder.asm(ir.FunctionType(ir.VoidType(), [_VECTOR.as_pointer()]), "", "r", [place], side_effect=True)
    return context.get_dummy_value()


def select(mask: LaneMask, chosen: Real, other: Real) -> Real:
    """``chosen`` where mask holds, else ``other``; lane by lane, or for floats."""
    if isinstance(mask, np.ndarray):
        return np.where(mask, chosen, other)
    return chosen if mask else other


def _type_of_select(context: Any, mask: Any, chosen: Any, other: Any) -> Any:
    if _is_mask(chosen, other):
        result = mask_type
    elif mask == mask_type or is_real(chosen, other):
        result = lanes_type
    else:
        result = context.unify_types(chosen, other)
    return signature(result, mask if mask == mask_type else types.boolean, result, result)


@direct(select, _type_of_select)
def _select(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.select(*args)


def least(a: Real, b: Real) -> Real:
    """The smaller, as Python's ``min(a, b)``: a unless b is smaller."""
    return select(b < a, b, a)


def greatest(a: Real, b: Real) -> Real:
    """The larger, as Python's ``max(a, b)``: a unless b is larger."""
    return select(b > a, b, a)


def _less(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", b, a), b, a)


def _greater(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", b, a), b, a)


@direct(least)
def _least(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _less(builder, *args)


@direct(greatest)
def _greatest(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _greater(builder, *args)


def any_lane(mask: LaneMask) -> bool:
    """Whether the mask holds in at least one lane."""
    return bool(np.any(mask))


def all_lanes(mask: LaneMask) -> bool:
    """Whether the mask holds in every lane."""
    return bool(np.all(mask))


def _type_of_test(context: Any, mask: Any) -> Any:
    return signature(types.boolean, mask) if mask == mask_type else None


def _bits(builder: Any, mask: Any) -> Any:
    return builder.bitcast(mask, ir.IntType(LANES))


@direct(any_lane, _type_of_test)
def _any_lane(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.icmp_unsigned("!=", _bits(builder, args[0]), ir.IntType(LANES)(0))


@direct(all_lanes, _type_of_test)
def _all_lanes(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.icmp_unsigned("==", _bits(builder, args[0]), ir.IntType(LANES)((1 << LANES) - 1))


def square_root(x: Real) -> Real:
    """Square root of lanes or a float; x >= 0."""
    return np.sqrt(x)


@direct(square_root)
def _square_root(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return call_intrinsic(builder, "llvm.sqrt", args[0])
