"""Exponential, logarithm and normal distribution of a float, or of lanes of them: branch-free arithmetic.

Library calls (``math.exp``, ``math.erfc``) take one number at a time and keep a loop from being vectorized. The
exponential and the logarithm are accurate to about one unit in the last place, the distribution function to 1e-15
absolutely. Polynomials are in explicit fused multiply-adds: half the instructions, and the same bits on every machine,
which a compiler's own contraction would not promise.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.lanes import LANES, Real, call_intrinsic, direct, greatest, least, select

__all__ = ["exponential", "fma", "logarithm", "normal_cdf", "normal_cdf_pdf"]

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest integer in the low mantissa bits
_ROUND_BITS = 0x4338000000000000
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
_INV_SQRT_2PI = 0.3989422804014327
_EXPONENT_MIN = -708.0
_EXPONENT_MAX = 709.0


def fma(a: Real, b: Real, c: Real) -> Real:
    """``a * b + c`` rounded once, for finite arguments."""
    if any(isinstance(x, np.ndarray) for x in (a, b, c)):
        return np.array([fma(*each) for each in zip(*np.broadcast_arrays(a, b, c), strict=True)])
    return float(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))


@direct(fma)
def _fma(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return call_intrinsic(builder, "llvm.fma", *args)


def _power_of_two(shifted: Real) -> Real:
    """``2**n`` of ``n + _ROUND``, -1022 <= n <= 1023."""
    return np.ldexp(1.0, np.asarray(shifted - _ROUND).astype(np.int64))


def _exponent(x: Real) -> Real:
    """The n, as a float, for which ``x / 2**n`` is at least the root of 1/2 and less than that of 2; x > 0, normal."""
    mantissa, exponent = np.frexp(x)
    return np.where(mantissa < 0.7071067811865476, exponent - 1.0, exponent * 1.0)


def _integers(type_: Any) -> tuple[Any, Any]:
    """LLVM's type of integers beside a type of floats, and how to make a constant of it."""
    word = ir.IntType(64)
    if isinstance(type_, ir.VectorType):
        vector = ir.VectorType(word, LANES)
        return vector, lambda value: ir.Constant(vector, [value] * LANES)
    return word, lambda value: ir.Constant(word, value)


@direct(_power_of_two)
def _power_of_two_bits(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    whole, constant = _integers(args[0].type)
    bits = builder.add(builder.bitcast(args[0], whole), constant(1023))
    return builder.bitcast(builder.shl(bits, constant(52)), args[0].type)


@direct(_exponent)
def _exponent_bits(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    whole, constant = _integers(args[0].type)
    bits = builder.sub(builder.bitcast(args[0], whole), constant(_ROOT_HALF_BITS))
    shifted = builder.bitcast(builder.add(builder.ashr(bits, constant(52)), constant(_ROUND_BITS)), args[0].type)
    return builder.fsub(shifted, context.cast(builder, ir.DoubleType()(_ROUND), types.float64, sig.return_type))


@kernel
def exponential(x: Real) -> Real:
    """``exp(x)``, with x held inside [-708, 709] so that no infinity or subnormal appears."""
    x = least(greatest(x, _EXPONENT_MIN), _EXPONENT_MAX)
    shifted = fma(x, _LOG2_E, _ROUND)
    n = shifted - _ROUND
    r = fma(-n, _LN2_LOW, fma(-n, _LN2_HIGH, x))
    # The Taylor polynomial of degree 13, in pairs and pairs of pairs (Estrin): a chain of thirteen would be waited for.
    square = r * r
    fourth = square * square
    low = fma(fma(8.333333333333333e-03, r, 4.1666666666666664e-02), square, fma(1.6666666666666666e-01, r, 0.5))
    middle = fma(2.7557319223985893e-06, r, 2.48015873015873e-05)
    middle = fma(middle, square, fma(1.984126984126984e-04, r, 1.388888888888889e-03))
    high = fma(1.6059043836821613e-10, r, 2.08767569878681e-09)
    high = fma(high, square, fma(2.505210838544172e-08, r, 2.755731922398589e-07))
    p = fma(fma(fma(high, fourth, middle), fourth, low), square, r) + 1.0
    return p * _power_of_two(shifted)


@kernel
def logarithm(x: Real) -> Real:
    """``ln(x)`` of a positive, normal float: that of fdlibm (``__ieee754_log``), its polynomial in one piece."""
    n = _exponent(x)
    f = x * _power_of_two(_ROUND - n) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 1.479819860511658591e-01
    r = fma(r, z, 1.531383769920937332e-01)
    r = fma(r, z, 1.818357216161805012e-01)
    r = fma(r, z, 2.222219843214978396e-01)
    r = fma(r, z, 2.857142874366239149e-01)
    r = fma(r, z, 3.999999999940941908e-01)
    r = fma(r, z, 6.666666666666735130e-01)
    half = 0.5 * f * f
    return n * _LN2_HIGH - ((half - fma(s, fma(r, z, half), n * _LN2_LOW)) - f)


@kernel
def normal_cdf_pdf(x: Real) -> tuple[Real, Real]:
    """The standard normal distribution function and density at x.

    Hart's rational approximation 5666 of the tail, in the arrangement of West (2005), "Better approximations to
    cumulative normal functions"; its leading terms keep the right asymptote, so no branch is needed in the far tail.
    """
    z = least(abs(x), 37.0)
    e = exponential(-0.5 * z * z)
    square = z * z
    fourth = square * square
    p = fma(0.0352624965998911, square, fma(0.700383064443688, z, 6.37396220353165))
    low = fma(fma(33.912866078383, z, 112.079291497871), square, fma(221.213596169931, z, 220.206867912376))
    p = fma(p, fourth, low)
    q = fma(fma(0.0883883476483184, z, 1.75566716318264), square, fma(16.064177579207, z, 86.7807322029461))
    low = fma(fma(296.564248779674, z, 637.333633378831), square, fma(793.826512519948, z, 440.413735824752))
    q = fma(q, fourth, low)
    tail = e * (p / q)
    return select(x > 0.0, 1.0 - tail, tail), e * _INV_SQRT_2PI


@kernel
def normal_cdf(x: Real) -> Real:
    """The standard normal distribution function at x."""
    return normal_cdf_pdf(x)[0]
