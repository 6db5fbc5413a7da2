"""Compiled elementary functions, Chebyshev interpolation, quadrature and root finding."""
