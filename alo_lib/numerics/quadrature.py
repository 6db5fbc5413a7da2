"""Gauss-Legendre rules, and the rule in the angle that removes square-root ends."""

import numpy as np
import numpy.typing as npt

__all__ = ["gauss_legendre", "sine_squared_rule"]

Array = npt.NDArray[np.float64]


def gauss_legendre(n: int) -> tuple[Array, Array]:
    """Nodes and weights of the n-point Gauss-Legendre rule on [0, 1].

    Raises ValueError when n < 1 or when the weights fail their identities (sum 1, first moment 1/2).
    """
    if n < 1:
        raise ValueError(f"n is {n}; at least 1 is needed")
    x, w = np.polynomial.legendre.leggauss(n)  # type: ignore[no-untyped-call]
    x, w = 0.5 * (x + 1.0), 0.5 * w
    if abs(w.sum() - 1.0) > 1e-13 or abs((w * x).sum() - 0.5) > 1e-13:
        raise ValueError(f"the {n}-point Gauss-Legendre rule failed its identities")
    return x, w


def sine_squared_rule(n: int) -> tuple[Array, Array, Array]:
    """``(sin a, cos a, weight)`` with ``sum(weight * f(sin(a)**2))`` close to the integral of f over [0, 1].

    With ``u = sin(a)**2`` both ``sqrt(u)`` and ``sqrt(1 - u)`` are smooth in the angle, so an integrand with a
    square-root end on either side converges as fast as a smooth one under Gauss-Legendre in ``a``.
    """
    t, w = gauss_legendre(n)
    angle = 0.5 * np.pi * t
    sine, cosine = np.sin(angle), np.cos(angle)
    return sine, cosine, np.pi * w * sine * cosine
