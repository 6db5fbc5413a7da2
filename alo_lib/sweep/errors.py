"""What can be wrong with a sweep."""

from typing import Final

__all__ = ["ClusterLostError", "MissingPackagesError", "SweepError"]


_INSTALLERS: Final = {"ray": "./alo sweep and ./alo train install it"}
"""By package; others are of sweeps alone."""


class SweepError(ValueError):
    """A sweep cannot be made or run as it was asked for; the message is one sentence."""


class ClusterLostError(SweepError):
    """Ray ended while trials ran."""


class MissingPackagesError(SweepError):
    """What only sweeps need, or what runs beside each other, is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"{package} is not installed; {_INSTALLERS.get(package.lower(), './alo sweep installs it')}")
