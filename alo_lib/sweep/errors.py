"""What can be wrong with a sweep."""

__all__ = ["MissingPackagesError", "SweepError"]


class SweepError(ValueError):
    """A sweep cannot be made or run as it was asked for; the message is one sentence."""


class MissingPackagesError(SweepError):
    """Ray or Optuna is not installed."""
