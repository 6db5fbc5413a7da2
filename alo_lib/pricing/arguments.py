"""Arguments of the array functions: domains as data, validation, broadcasting.

Here is what kernels may rely on: columns are contiguous float64 arrays of one length, with values in their domains or
NaN. What is no real number is refused, whatever type it comes in.
"""

import math
import numbers
import reprlib
from decimal import Decimal
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel

__all__ = [
    "DOMAINS",
    "STYLES",
    "Invalid",
    "PricingError",
    "Style",
    "Styles",
    "are_american",
    "check_choice",
    "check_threads",
    "checked",
    "outside",
    "prepare",
    "real_numbers",
    "spread",
]

Array = npt.NDArray[np.float64]
Style = Literal["american", "european"]
"""When a contract may be exercised: at any time, or at expiry alone."""
STYLES: Final[tuple[str, ...]] = get_args(Style)
Styles = Style | npt.NDArray[np.str_]
"""One style for all contracts, or one a contract."""
Invalid = Literal["raise", "nan"]
"""What becomes of an argument outside its domain: :class:`PricingError`, or NaN in its place of the result."""

DOMAINS: Final[dict[str, tuple[float, float]]] = {
    "spot": (1e-12, 1e12),
    "strike": (1e-12, 1e12),
    "rate": (-1.0, 1.0),
    "dividend_yield": (-1.0, 1.0),
    "volatility": (0.0, 20.0),
    "time_to_expiry": (0.0, 100.0),
    "price": (0.0, 1e12),
}
"""Closed ranges of valid values by argument, read by validation, documentation and test generators."""
_WORDS: Final = {"call": 1.0, "put": -1.0}
_NO_NUMBERS: Final[tuple[type, ...]] = (bool, np.bool_, np.timedelta64)
"""Types that Python or NumPy count among the integers."""
_EXACT: Final = 2**53  # below which a whole number is a float
_INVALID: Final[tuple[str, ...]] = get_args(Invalid)


class PricingError(ValueError):
    """A pricing argument outside its domain, or a price that no volatility explains."""


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise PricingError unless value is one of the allowed words."""
    if not (isinstance(value, str) and value in allowed):
        raise PricingError(f"{name} is {_told(value)}; allowed: {', '.join(allowed)}")


def check_threads(threads: object) -> None:
    """Raise PricingError unless it is None or a whole number of threads."""
    if threads is None:
        return
    if isinstance(threads, _NO_NUMBERS) or not isinstance(threads, numbers.Integral) or threads < 1:
        raise PricingError(f"threads is {_told(threads)}; allowed: a whole number, at least 1")


def are_american(style: Styles, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which contracts of a shape may be exercised early.

    :raises PricingError: for a word that is no style.
    """
    if isinstance(style, str):
        check_choice("style", style, STYLES)
        return np.full(shape, style == "american")
    words = _as_array(style)
    if words.dtype.kind != "U":
        words = words.astype(object)
    american = np.asarray(words == "american", dtype=np.bool_)
    known = american | np.asarray(words == "european", dtype=np.bool_)
    if not known.all():
        check_choice("style", words[~known].flat[0], STYLES)
    try:
        return np.broadcast_to(american, shape)
    except ValueError:
        raise PricingError(f"style has shape {words.shape}; allowed: one word, or {shape}") from None


def outside(name: str, values: Array) -> npt.NDArray[np.bool_]:
    """Which values of a named argument are beyond its domain; NaN is not."""
    low, high = DOMAINS[name]
    return np.asarray((values < low) | (values > high))


def _told(value: object) -> str:
    """A value as a sentence names it, however long it is."""
    return " ".join(reprlib.repr(value).split())


def _allowed(name: str) -> str:
    if name == "right":
        return "+1 (call) or -1 (put)"
    return "{:g} to {:g}".format(*DOMAINS[name]) if name in DOMAINS else "real numbers"


def _refusal(name: str, value: object, where: tuple[int, ...]) -> PricingError:
    at = f" at {where}" if where else ""
    return PricingError(f"{name} is {value}{at}; allowed: {_allowed(name)}")


def _as_array(value: Any) -> npt.NDArray[Any]:
    """An array of what type suits it, of objects with None for what is masked."""
    array = np.asarray(value)
    if isinstance(value, np.ma.MaskedArray):
        array = array.astype(object)
        array[np.ma.getmaskarray(value)] = None  # type: ignore[no-untyped-call]
    return array


def real_numbers(name: str, value: npt.ArrayLike) -> Array:
    """A named argument as float64, in its own shape; NaN where it is masked or None. Itself where that is what it is.

    The words "call" and "put" are numbers of a ``right``: +1 and -1.

    :raises PricingError: for what is no real number: other words, truth values, dates, complex numbers, ragged lists.
    """
    if type(value) is np.ndarray and value.dtype == np.float64:
        return value
    if type(value) is float or (type(value) is int and abs(value) < _EXACT):
        return np.array(float(value))
    try:
        array = _as_array(value)
    except (TypeError, ValueError) as error:
        raise PricingError(f"{name} is {_told(value)}; allowed: {_allowed(name)}") from error
    if isinstance(value, list | tuple) and _holds_truth(value):
        array = np.array(value, dtype=object)
    if array.dtype.kind in "fiu":
        if array.dtype.itemsize <= 8:
            return array.astype(np.float64)
        with np.errstate(over="ignore"):  # a longer float beyond all domains
            return array.astype(np.float64)
    if name == "right" and array.dtype.kind == "U" and np.isin(array, list(_WORDS)).all():
        return np.where(array == "call", 1.0, -1.0)
    out = np.empty(array.shape)
    for where in np.ndindex(array.shape):
        out[where] = _real_number(name, array[where], where)
    return out


def _holds_truth(values: list[Any] | tuple[Any, ...]) -> bool:
    """Whether there is a truth value in a list, or in one inside it: NumPy takes it for a number beside others."""
    types = set(map(type, values))
    if not types.isdisjoint(_NO_NUMBERS):
        return True
    nested = not types.isdisjoint((list, tuple))
    return nested and any(_holds_truth(each) for each in values if isinstance(each, list | tuple))


def _real_number(name: str, value: Any, where: tuple[int, ...]) -> float:
    if value is None or value is np.ma.masked:
        return math.nan
    if name == "right" and isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    if isinstance(value, numbers.Real | Decimal) and not isinstance(value, _NO_NUMBERS):
        try:
            return float(value)
        except (OverflowError, ValueError):
            pass
    raise _refusal(name, _told(value), where)


@kernel
def _first_outside(values: Array, low: float, high: float, signed: bool) -> int:
    """Where the first of values (n,) is that is not from low to high, or its size not if it is signed; -1 for none."""
    for i in range(values.size):
        value = abs(values[i]) if signed else values[i]
        if not low <= value <= high:
            return i
    return -1


def _within(invalid: Invalid, name: str, array: Array) -> Array:
    """The array where all of it is in the argument's domain, with NaN for what is not where that is asked for."""
    signed = name == "right"
    low, high = (1.0, 1.0) if signed else DOMAINS[name]
    if array.ndim == 0:
        value = abs(float(array)) if signed else float(array)
        if low <= value <= high:
            return array
        where: tuple[int, ...] = ()
    else:
        if not array.flags.carray:
            array = np.array(array, order="C")
        first = _first_outside(array.reshape(-1), low, high, signed)
        if first < 0:
            return array
        where = tuple(int(index) for index in np.unravel_index(first, array.shape))
    if invalid == "raise":
        raise _refusal(name, f"{array[where]:g}", where)
    size = np.abs(array) if signed else array
    return np.where((size >= low) & (size <= high), array, np.nan)


def checked(invalid: Invalid, **arguments: npt.ArrayLike) -> list[Array]:
    """The named arguments as float64, in their own shapes and their domains.

    Elements outside their domain raise PricingError, or with ``invalid="nan"`` become NaN.
    """
    return [_within(invalid, name, real_numbers(name, value)) for name, value in arguments.items()]


def prepare(
    invalid: Invalid, beside: tuple[int, ...] = (), /, **arguments: npt.ArrayLike
) -> tuple[tuple[int, ...], list[Array]]:
    """Broadcast the named arguments and check their domains.

    Returns the common shape and one contiguous flat float64 array for each argument. Elements outside their domain
    raise PricingError, or with ``invalid="nan"`` become NaN. beside: the shape of the dividends' schedules, which
    broadcast with them.
    """
    check_choice("invalid", invalid, _INVALID)
    arrays = checked(invalid, **arguments)
    shapes = {beside, *(array.shape for array in arrays)} - {()}
    if len(shapes) > 1:
        try:
            shapes = {np.broadcast_shapes(*shapes)}
        except ValueError as error:
            listed = ", ".join(f"{name} {array.shape}" for name, array in zip(arguments, arrays, strict=True))
            listed += f", dividends {beside}" if beside else ""
            raise PricingError(f"shapes do not broadcast together: {listed}") from error
    (shape,) = shapes or {()}
    return shape, [spread(array, shape) for array in arrays]


def spread(array: Array, shape: tuple[int, ...]) -> Array:
    """The array broadcast to shape, flat, contiguous and writeable: kernels compile anew for any other kind."""
    if array.shape == shape and array.flags.carray:
        return array.reshape(-1)
    out = np.empty(shape)
    out[...] = array
    return out.reshape(-1)
