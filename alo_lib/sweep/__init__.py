"""Many runs to choose settings by: what is varied, on what it is tried, who runs it, and how far a best can be trusted.

Ray runs the trials (:mod:`alo_lib.sweep.cluster`) and Optuna proposes some (:mod:`alo_lib.sweep.sampling`); both are of
requirements/sweep.txt and imported when they are asked for. Everything else needs NumPy and SciPy alone.
"""

from alo_lib.sweep.errors import MissingPackagesError, SweepError

__all__ = ["MissingPackagesError", "SweepError"]
