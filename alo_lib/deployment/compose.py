"""The containers of one machine: core, standby, LEAN with a paper account, monitor, Prometheus and Alertmanager."""

from typing import Any, Final

from alo_lib.deployment.dockerfile import USER, command, health_check
from alo_lib.deployment.placed import CONFIG, core_arguments, monitor_arguments
from alo_lib.deployment.yaml_text import Because
from alo_lib.settings.operation import OperationSettings

__all__ = ["compose"]

_SEALED: Final[dict[str, Any]] = {
    "user": f"{USER}:{USER}",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "restart": "unless-stopped",
    "logging": {"driver": "json-file", "options": {"max-size": "50m", "max-file": "4"}},
}
_PID: Final = Because(
    "host", "core, host and monitor look whether each other's process lives; a shared one would end with its container"
)
_SHARED: Final = f"shared:/dev/shm/alo-{USER}"
"""The memory that core, host and monitor share, where each looks for it."""
_AFTER_CORE: Final = {"core": {"condition": "service_started"}}
_NOBODY: Final = "65534:65534"
"""The user of Prometheus's own images."""


def compose(settings: OperationSettings) -> dict[str, Any]:
    """The compose file; its folder is ``deploy/docker`` of the project."""
    return {
        "services": {
            "core": {**_core(settings), "build": _built(settings, "core")},
            **({"standby": {**_core(settings), "depends_on": _AFTER_CORE}} if settings.deploy.standby else {}),
            "lean": _lean(settings),
            "monitor": _monitor(settings),
            "prometheus": _prometheus(settings),
            "alertmanager": _alertmanager(settings),
        },
        "volumes": {
            "state": {},
            "log": {},
            "shared": {"driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": f"size=1g,mode=0700,uid={USER}"}},
            "prometheus": {},
            "alertmanager": {},
        },
    }


def _built(settings: OperationSettings, target: str) -> dict[str, Any]:
    return {"context": "../..", "dockerfile": "deploy/docker/Dockerfile", "target": target}


def _core(settings: OperationSettings) -> dict[str, Any]:
    # By limits, because a capability is no good to a process that is not root.
    real_time = {"rtprio": 99, "memlock": -1} if settings.limits.real_time else {}
    return {
        "image": settings.deploy.image,
        **_SEALED,
        **(_in_turn(settings) if settings.deploy.standby else {}),
        "network_mode": Because("none", "it talks to its host by shared memory alone"),
        "pid": _PID,
        "tmpfs": ["/tmp:size=512m,mode=1777"],
        "volumes": [f"state:{settings.deploy.state}", _SHARED, f"./alo.json:{CONFIG}:ro"],
        "mem_limit": f"{settings.limits.memory}m",
        "ulimits": {"nofile": settings.limits.open_files, "core": 0, **real_time},
        "stop_grace_period": "30s",
    }


def _in_turn(settings: OperationSettings) -> dict[str, Any]:
    """How one of two cores is run, of which either leads, and how it is asked for its health as what it is then."""
    return {
        "command": Because(core_arguments(standby=True), "it stands by where the other one leads, and leads where not"),
        "healthcheck": {
            "test": ["CMD", *health_check(settings, standby=True)],
            "interval": "10s",
            "timeout": "8s",
            "retries": 3,
            "start_period": "120s",
        },
    }


def _lean(settings: OperationSettings) -> dict[str, Any]:
    of = settings.deploy
    return {
        "image": f"{of.image}-lean",
        "build": _built(settings, "lean"),
        **_SEALED,
        "depends_on": _AFTER_CORE,
        "pid": _PID,
        "working_dir": "/Lean/Launcher/bin/Debug",
        "entrypoint": ["dotnet", "QuantConnect.Lean.Launcher.dll", "--config", "/etc/alo/lean.json"],
        "environment": {"HOME": "/tmp", "DOTNET_TieredPGO": "0", "DOTNET_CLI_TELEMETRY_OPTOUT": "1"},
        "tmpfs": ["/tmp:size=1g,mode=1777"],
        "volumes": [f"state:{of.state}", _SHARED, "./lean.json:/etc/alo/lean.json:ro", f"{of.data}:{of.data}:ro"],
        "stop_grace_period": "60s",
    }


def _monitor(settings: OperationSettings) -> dict[str, Any]:
    host, _, port = settings.monitor.listen.rpartition(":")
    asks = (
        f"import sys, urllib.request as r; sys.exit(r.urlopen('http://{host}:{port}/health', timeout=5).status != 200)"
    )
    return {
        "image": settings.deploy.image,
        **_SEALED,
        "depends_on": _AFTER_CORE,
        "command": monitor_arguments(settings),
        "network_mode": Because("host", "it listens on loopback, where Prometheus asks it"),
        "pid": _PID,
        "tmpfs": ["/tmp:size=512m,mode=1777"],
        "volumes": [
            f"state:{settings.deploy.state}:ro",
            f"{_SHARED}:ro",
            f"log:{settings.logs.folder}",
            f"./alo.json:{CONFIG}:ro",
        ],
        "mem_limit": "1g",
        "healthcheck": {
            "test": ["CMD", command(settings)[0], "-c", asks],
            "interval": "10s",
            "timeout": "8s",
            "retries": 3,
            "start_period": "30s",
        },
    }


def _prometheus(settings: OperationSettings) -> dict[str, Any]:
    listen = settings.alerts.prometheus
    return {
        "image": settings.deploy.prometheus_image,
        **_SEALED,
        "user": _NOBODY,
        "network_mode": "host",
        "command": [
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=30d",
            f"--web.listen-address={listen}",
        ],
        "volumes": ["prometheus:/prometheus", "../prometheus:/etc/prometheus:ro"],
        "healthcheck": _asked(f"http://{listen}/-/healthy"),
    }


def _alertmanager(settings: OperationSettings) -> dict[str, Any]:
    listen = settings.alerts.alertmanager
    return {
        "image": settings.deploy.alertmanager_image,
        **_SEALED,
        "user": _NOBODY,
        "network_mode": "host",
        "command": [
            "--config.file=/etc/alertmanager.yml",
            "--storage.path=/alertmanager",
            f"--web.listen-address={listen}",
            "--cluster.listen-address=",
        ],
        "volumes": ["alertmanager:/alertmanager", "../prometheus/alertmanager.yml:/etc/alertmanager.yml:ro"],
        "healthcheck": _asked(f"http://{listen}/-/healthy"),
    }  # fmt: skip


def _asked(url: str) -> dict[str, Any]:
    return {"test": ["CMD", "wget", "-q", "-O", "/dev/null", url], "interval": "15s", "timeout": "5s", "retries": 3}
