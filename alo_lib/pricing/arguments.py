"""Arguments of the array functions: domains as data, validation, broadcasting."""

from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

__all__ = [
    "DOMAINS",
    "STYLES",
    "Invalid",
    "PricingError",
    "Style",
    "Styles",
    "are_american",
    "check_choice",
    "outside",
    "prepare",
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


class PricingError(ValueError):
    """A pricing argument outside its domain, or a price that no volatility explains."""


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise PricingError unless value is one of the allowed words."""
    if value not in allowed:
        raise PricingError(f"{name} is {value!r}; allowed: {', '.join(allowed)}")


def are_american(style: Styles, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which contracts of a shape may be exercised early.

    :raises PricingError: for a word that is no style.
    """
    words = np.asarray(style)
    american = words == "american"
    known = american | (words == "european")
    if not known.all():
        check_choice("style", str(words[~known].flat[0]), STYLES)
    try:
        return np.broadcast_to(american, shape)
    except ValueError:
        raise PricingError(f"style has shape {words.shape}; allowed: one word, or {shape}") from None


def outside(name: str, values: Array) -> npt.NDArray[np.bool_]:
    """Which values of a named argument are beyond its domain; NaN is not."""
    low, high = DOMAINS[name]
    return np.asarray((values < low) | (values > high))


def _bad(name: str, values: Array) -> npt.NDArray[np.bool_]:
    if name == "right":
        return np.asarray((values != 1.0) & (values != -1.0))
    low, high = DOMAINS[name]
    return np.asarray(~((values >= low) & (values <= high)))


def prepare(invalid: Invalid, **arguments: npt.ArrayLike) -> tuple[tuple[int, ...], list[Array]]:
    """Broadcast the named arguments and check their domains.

    Returns the common shape and one contiguous flat float64 array for each argument. Elements outside their domain
    raise PricingError, or with ``invalid="nan"`` become NaN.
    """
    check_choice("invalid", invalid, ("raise", "nan"))
    arrays: list[Array] = []
    for name, value in arguments.items():
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise PricingError(f"{name} is {value!r}; numbers are needed") from error
        bad = _bad(name, array)
        if bad.any():
            if invalid == "raise":
                where = np.argwhere(bad)[0]
                at = f" at {tuple(int(index) for index in where)}" if where.size else ""
                allowed = "+1 (call) or -1 (put)" if name == "right" else "{:g} to {:g}".format(*DOMAINS[name])
                raise PricingError(f"{name} is {array[tuple(where)]:g}{at}; allowed: {allowed}")
            array = np.where(bad, np.nan, array)
        arrays.append(array)
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError as error:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(arguments, arrays, strict=True))
        raise PricingError(f"shapes do not broadcast together: {shapes}") from error
    return shape, [_flat(array, shape) for array in arrays]


def _flat(array: Array, shape: tuple[int, ...]) -> Array:
    """The array broadcast to shape, flat, contiguous and writeable: kernels compile anew for any other kind."""
    if array.shape != shape or not (array.flags.c_contiguous and array.flags.writeable):
        array = np.array(np.broadcast_to(array, shape), order="C")
    return array.reshape(-1)
