"""What all that is deployed shares: the settings with every place said, and the commands that run there."""

from pathlib import PurePosixPath
from typing import Final

from alo_lib.settings import SettingsError
from alo_lib.settings.operation import OperationSettings

__all__ = [
    "CONFIG",
    "TUNABLES",
    "check_contained",
    "core_arguments",
    "core_channel",
    "core_journal",
    "monitor_arguments",
    "placed",
    "stays_here",
]

CONFIG: Final = "/etc/alo/alo.json"
"""Where units and containers find their settings."""

TUNABLES: Final = "glibc.malloc.hugetlb=2"
"""For GLIBC_TUNABLES: the allocator takes explicit huge pages where there are any, ordinary ones where not."""


def monitor_arguments(settings: OperationSettings) -> list[str]:
    """The monitor's: which core it watches, and where it listens, it reads where the core reads it."""
    return ["monitor", "--config", CONFIG, "--serve", "--log", settings.logs.folder]


def core_arguments(*, standby: bool) -> list[str]:
    """The core's; of two each stands by for the other, and leads where nobody does."""
    return ["core", "--config", CONFIG, *(["--standby"] if standby else [])]


def core_journal(settings: OperationSettings) -> str:
    """The journal's folder there."""
    return settings.core.journal or f"{settings.deploy.state}/core/{settings.core.name}"


def core_channel(settings: OperationSettings) -> str | None:
    """The folder that the core and its monitor meet in there; None for the project's own in shared memory."""
    return None if settings.core.folder is None else f"{settings.core.folder}/{settings.core.name}"


def stays_here(listen: str) -> bool:
    """Whether only the machine itself reaches an address."""
    return listen.startswith(("127.", "localhost:", "[::1]:"))


def check_contained(settings: OperationSettings) -> None:
    """Check that containers, which share one volume of memory and one of state, can do what the settings name.

    :raises SettingsError: for a place elsewhere, which LEAN or the next container would not find.
    """
    of, state = settings.core, PurePosixPath(settings.deploy.state)
    if of.folder is not None:
        raise SettingsError(
            f"setting core.folder is {of.folder!r}; allowed in containers: null, because LEAN looks for the core in "
            "the project's own place in shared memory"
        )
    if state not in PurePosixPath(core_journal(settings)).parents:
        raise SettingsError(
            f"setting core.journal is {of.journal!r}; allowed in containers: null or a folder below deploy.state, "
            f"which is {settings.deploy.state!r}, because they keep nothing else"
        )


def placed(settings: OperationSettings) -> OperationSettings:
    """The settings with the journal's place said: where the project lies, nothing is written."""
    core = settings.core.model_copy(update={"journal": core_journal(settings)})
    return settings.model_copy(update={"core": core})
