"""Calling a C function by its address from compiled code, so that a thread can wait for the disk without Python."""

import ctypes
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

__all__ = ["ERRNO_LOCATION", "USLEEP", "address_of", "call", "errno_at"]

_LIBC: Final = ctypes.CDLL(None)


def address_of(name: str) -> int:
    """Where the C library has a function."""
    return ctypes.cast(getattr(_LIBC, name), ctypes.c_void_p).value or 0


USLEEP: Final = address_of("usleep")
ERRNO_LOCATION: Final = address_of("__errno_location")


def call(address: int, argument: int) -> int:
    """The result of the C function ``int f(int)`` at ``address``."""
    return int(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(address)(argument))


def errno_at(location: int) -> int:
    """The ``errno`` of this thread; ``location`` is the address of ``__errno_location``."""
    return int(ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_int))(location)().contents.value)


@intrinsic  # type: ignore[untyped-decorator]
def _call(typing: Any, address: Any, argument: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(32)
        function = ir.FunctionType(integer, [integer]).as_pointer()
        pointer = builder.inttoptr(arguments[0], function)
        return builder.sext(builder.call(pointer, [builder.trunc(arguments[1], integer)]), ir.IntType(64))

    return types.int64(types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def _errno_at(typing: Any, location: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(32)
        function = ir.FunctionType(integer.as_pointer(), []).as_pointer()
        where = builder.call(builder.inttoptr(arguments[0], function), [])
        return builder.sext(builder.load(where), ir.IntType(64))

    return types.int64(types.int64), generate


@overload(call)  # type: ignore[untyped-decorator]
def _compiled_call(address: Any, argument: Any) -> Any:
    def compiled(address: Any, argument: Any) -> Any:
        return _call(address, argument)

    return compiled


@overload(errno_at)  # type: ignore[untyped-decorator]
def _compiled_errno(location: Any) -> Any:
    def compiled(location: Any) -> Any:
        return _errno_at(location)

    return compiled
