"""Gauss-Legendre rules, and rules in an angle that remove square-root ends."""

import numpy as np
import numpy.typing as npt

__all__ = ["front_rule", "gauss_legendre", "sine_squared_rule"]

Array = npt.NDArray[np.float64]


def gauss_legendre(n: int) -> tuple[Array, Array]:
    """Nodes and weights of the n-point Gauss-Legendre rule on [0, 1].

    :raises ValueError: when n < 1 or when the weights fail their identities (sum 1, first moment 1/2).
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


def front_rule(n: int) -> tuple[Array, Array, Array]:
    """``(sin a, cos a, weight)`` as :func:`sine_squared_rule`, its points crowded where ``cos(a)`` is small.

    For integrands with a front: a step at an unknown, perhaps very small value of ``cos(a)``, as the early-exercise
    integral of an option near its boundary has. With Gauss-Legendre in the cube root of the angle from that end, n
    points resolve fronts down to about ``1 / n**3`` instead of ``1 / n``.
    """
    t, w = gauss_legendre(n)
    angle = 0.5 * np.pi * t**3
    sine, cosine = np.cos(angle), np.sin(angle)
    return sine, cosine, 3.0 * np.pi * w * t**2 * sine * cosine
