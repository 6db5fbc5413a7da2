"""CRC-32C (Castagnoli), the checksum that x86-64 has an instruction for.

Polynomial 0x1EDC6F41 in reflected form, as in RFC 3720; ``crc32c(b"123456789")`` is 0xE3069283. Kernels take memory as
64-bit little-endian words, one instruction each; machines without the instruction use a table of 256 entries.
"""

import platform
from typing import Any, Final

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel

__all__ = ["HARDWARE", "crc32c", "crc32c_word", "crc32c_words"]

HARDWARE: Final = platform.machine().lower() in ("x86_64", "amd64") and bool(
    llvm.get_host_cpu_features().get("sse4.2", False)
)
"""Whether kernels use the processor's instruction."""

_REFLECTED: Final = 0x82F63B78
_ALL_ONES: Final = 0xFFFFFFFF


def _table() -> NDArray[np.uint64]:
    table = np.zeros(256, np.uint64)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_REFLECTED if value & 1 else 0)
        table[byte] = value
    return table


_TABLE: Final = _table()


def crc32c_word(crc: int | np.uint64, word: int) -> int:
    """The inverted checksum ``crc`` carried over eight more bytes, the least significant one of ``word`` first."""
    crc, word = int(crc), int(word)
    for _ in range(8):
        crc = (crc >> 8) ^ int(_TABLE[(crc ^ word) & 0xFF])
        word >>= 8
    return crc


@intrinsic  # type: ignore[untyped-decorator]
def _instruction(typing: Any, crc: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word_type = ir.IntType(64)
        function = ir.FunctionType(word_type, [word_type, word_type])
        called = builder.module.declare_intrinsic("llvm.x86.sse42.crc32.64.64", (), function)
        return builder.call(called, arguments)

    return types.uint64(types.uint64, types.uint64), generate


@overload(crc32c_word)  # type: ignore[untyped-decorator]
def _compiled(crc: Any, word: Any) -> Any:
    def by_instruction(crc: Any, word: Any) -> Any:
        return _instruction(np.uint64(crc), np.uint64(word))

    def by_table(crc: Any, word: Any) -> Any:
        value, rest = np.uint64(crc), np.uint64(word)
        for _ in range(8):
            value = (value >> np.uint64(8)) ^ _TABLE[np.intp((value ^ rest) & np.uint64(0xFF))]
            rest = rest >> np.uint64(8)
        return value

    return by_instruction if HARDWARE else by_table


@kernel
def crc32c_words(words: NDArray[np.int64], first: int, last: int, crc: int | np.uint64) -> Any:
    """The inverted checksum ``crc`` carried over ``words[first:last]``; no bound is checked."""
    value = np.uint64(crc)
    for place in range(first, last):
        value = np.uint64(crc32c_word(value, words[place]))
    return value


def crc32c(data: bytes) -> int:
    """The checksum of ``data`` followed by zeros up to a multiple of eight bytes.

    >>> hex(crc32c(bytes(32)))
    '0x8a9136aa'
    """
    padded = np.frombuffer(data + bytes(-len(data) % 8), np.int64)
    return int(crc32c_words(padded, 0, len(padded), _ALL_ONES)) ^ _ALL_ONES
