"""What can be wrong with a sweep."""

__all__ = ["ClusterLostError", "MissingPackagesError", "SweepError"]


class SweepError(ValueError):
    """A sweep cannot be made or run as it was asked for; the message is one sentence."""


class ClusterLostError(SweepError):
    """Ray ended while trials ran."""


class MissingPackagesError(SweepError):
    """What only sweeps need is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"{package} is not installed; ./alo sweep installs requirements/sweep.txt")
