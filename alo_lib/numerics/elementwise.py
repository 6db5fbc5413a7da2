"""Logarithm, exponential and power of arrays with the same bits for the same number, wherever it lies.

NumPy picks a routine by processor and by memory layout: the logarithm of a column of a matrix may differ from that of
a copy of it in the last bit, and on another machine again. A stream that must repeat a batch, and decisions that must
repeat on another machine, call these instead; each element goes through the C library by itself.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.compilation import kernel

__all__ = ["exp", "log", "power"]

Array = NDArray[np.float64]


@kernel
def _log(x: Array, out: Array) -> None:
    for i in range(x.shape[0]):
        out[i] = math.log(x[i])


@kernel
def _exp(x: Array, out: Array) -> None:
    for i in range(x.shape[0]):
        out[i] = math.exp(x[i])


@kernel
def _power(base: float, x: Array, out: Array) -> None:
    for i in range(x.shape[0]):
        out[i] = math.pow(base, x[i])


def log(x: ArrayLike) -> Array:
    """Natural logarithm of positive numbers, any shape."""
    flat, out = _prepared(x)
    _log(flat, out.reshape(-1))
    return out


def exp(x: ArrayLike) -> Array:
    """Exponential, any shape."""
    flat, out = _prepared(x)
    _exp(flat, out.reshape(-1))
    return out


def power(base: float, exponent: ArrayLike) -> Array:
    """``base`` > 0 to each exponent, any shape."""
    flat, out = _prepared(exponent)
    _power(float(base), flat, out.reshape(-1))
    return out


def _prepared(x: ArrayLike) -> tuple[Array, Array]:
    """The elements in order, writable so that kernels see one type of array, and an array for the result."""
    array = np.array(x, dtype=np.float64, order="C")
    return array.reshape(-1), np.empty(array.shape)
