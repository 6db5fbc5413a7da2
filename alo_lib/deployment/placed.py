"""What all that is deployed shares: the settings with every place said, and the commands that run there."""

from typing import Final

from alo_lib.settings.operation import OperationSettings

__all__ = ["CONFIG", "TUNABLES", "core_journal", "placed"]

CONFIG: Final = "/etc/alo/alo.json"
"""Where units and containers find their settings."""

TUNABLES: Final = "glibc.malloc.hugetlb=2"
"""For GLIBC_TUNABLES: the allocator takes explicit huge pages where there are any, ordinary ones where not."""


def core_journal(settings: OperationSettings) -> str:
    """The journal's folder there."""
    return settings.core.journal or f"{settings.deploy.state}/core/{settings.core.name}"


def placed(settings: OperationSettings) -> OperationSettings:
    """The settings with the journal's place said: where the project lies, nothing is written."""
    core = settings.core.model_copy(update={"journal": core_journal(settings)})
    return settings.model_copy(update={"core": core})
