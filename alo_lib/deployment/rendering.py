"""The files of each kind of deployment, by their path below the folder that they are written to."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from alo_lib.deployment.alerts import alertmanager, alerts, recordings, scrape
from alo_lib.deployment.compose import compose
from alo_lib.deployment.dockerfile import dockerfile, dockerignore
from alo_lib.deployment.kibana import saved_objects
from alo_lib.deployment.kubernetes import kubernetes_documents
from alo_lib.deployment.lean_live import lean_live
from alo_lib.deployment.log_shipping import index_template, rsyslog
from alo_lib.deployment.placed import check_contained, placed
from alo_lib.deployment.systemd import systemd_files
from alo_lib.deployment.yaml_text import yaml_text
from alo_lib.settings.operation import OperationSettings

__all__ = ["KINDS", "render"]


def _docker(base: Mapping[str, Any], settings: OperationSettings) -> dict[str, str]:
    check_contained(settings)
    return {
        "Dockerfile": dockerfile(settings),
        "Dockerfile.dockerignore": dockerignore(),
        "compose.yaml": yaml_text(compose(settings)),
        "alo.json": _json(placed(settings).as_object()),
        "lean.json": _json(lean_live(base, settings)),
    }


def _kubernetes(base: Mapping[str, Any], settings: OperationSettings) -> dict[str, str]:
    check_contained(settings)
    return {"alo.yaml": yaml_text(*kubernetes_documents(base, settings))}


def _systemd(_: Mapping[str, Any], settings: OperationSettings) -> dict[str, str]:
    return systemd_files(settings)


def _prometheus(_: Mapping[str, Any], settings: OperationSettings) -> dict[str, str]:
    return {
        "prometheus.yml": yaml_text(scrape(settings)),
        "recordings.yml": yaml_text(recordings()),
        "alerts.yml": yaml_text(alerts(settings)),
        "alertmanager.yml": yaml_text(alertmanager(settings)),
    }


def _logging(_: Mapping[str, Any], settings: OperationSettings) -> dict[str, str]:
    return {
        "rsyslog.conf": rsyslog(settings),
        "index-template.json": index_template(settings),
        "kibana.ndjson": saved_objects(settings),
    }


KINDS: Final[dict[str, Callable[[Mapping[str, Any], OperationSettings], dict[str, str]]]] = {
    "docker": _docker,
    "kubernetes": _kubernetes,
    "systemd": _systemd,
    "prometheus": _prometheus,
    "logging": _logging,
}


def render(kind: str, base: Mapping[str, Any], settings: OperationSettings) -> dict[str, str]:
    """The files of a kind; ``base`` is the project's own configuration of LEAN (``lean.json``).

    :raises SettingsError: for a setting that this kind cannot have.
    """
    return KINDS[kind](base, settings)


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"
