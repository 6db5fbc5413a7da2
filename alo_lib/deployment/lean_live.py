"""LEAN's configuration for a live paper account whose decisions a core of its own makes."""

from collections.abc import Mapping
from typing import Any, Final

from alo_lib.settings import Settings
from alo_lib.settings.operation import OperationSettings

__all__ = ["lean_live"]

_LIVE: Final = "live-paper"
_STANDS_BY: Final = 31_536_000
"""Seconds, a year: LEAN initializes until its host leads."""


def lean_live(base: Mapping[str, Any], settings: OperationSettings) -> dict[str, Any]:
    """The project's own configuration (``lean.json``) with what LEAN's command line would add for ``lean live``."""
    of, decides = settings.deploy, Settings.of(settings.settings)
    return {
        **{key: value for key, value in base.items() if not key.startswith("ib-")},  # a paper account has no password
        "environment": _LIVE,
        "algorithm-type-name": "main",
        "algorithm-language": "Python",
        "algorithm-location": f"{of.project}/main.py",
        "parameters": {
            **decides.as_parameters(),
            "core-process": settings.core.name,
            "core-folder": settings.core.folder or "",
        },
        "data-folder": f"{of.data}/",
        "results-destination-folder": f"{of.state}/lean",
        "object-store-root": f"{of.state}/store",
        "close-automatically": False,
        **({"initialization-timeout": _STANDS_BY} if decides.leader_lease else {}),
        "job-user-id": "0",
        "api-access-token": "",
        "job-organization-id": "",
        "environments": {_LIVE: _paper(base["environments"][_LIVE], of.data_queue)},
    }  # fmt: skip


def _paper(environment: Mapping[str, Any], data_queue: str) -> dict[str, Any]:
    """The project's paper account with a source of data; settings are those of the core, so it has none of its own."""
    given = {key: value for key, value in environment.items() if key != "parameters"}
    return given | {"data-queue-handler": [data_queue]}
