"""Kubernetes: a core and its standby with their journal, LEAN and the monitor in one pod, which makes room for none."""

import json
from collections.abc import Mapping
from typing import Any, Final

from alo_lib.deployment.dockerfile import USER, command, health_check
from alo_lib.deployment.lean_live import lean_live
from alo_lib.deployment.placed import core_arguments, monitor_arguments, placed, stays_here
from alo_lib.deployment.yaml_text import Because
from alo_lib.settings.operation import OperationSettings

__all__ = ["kubernetes_documents"]

_LABELS: Final = {"app.kubernetes.io/name": "alo", "app.kubernetes.io/component": "core"}
_SEALED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def kubernetes_documents(base: Mapping[str, Any], settings: OperationSettings) -> list[dict[str, Any]]:
    """The objects in the order in which they are made; ``base`` is the project's own configuration of LEAN."""
    settings = _in_a_pod(settings)
    where = {"namespace": settings.deploy.namespace}
    named = {"name": "alo", **where, "labels": _LABELS}
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": settings.deploy.namespace,
                "labels": {"pod-security.kubernetes.io/warn": "baseline"},
            },
        },
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "alo-trading", "labels": _LABELS},
            "value": 1_000_000,
            "globalDefault": False,
            "description": "A core that trades: others are evicted for it, and it for none of them.",
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named, "automountServiceAccountToken": False},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": named,
            "data": {
                "alo.json": json.dumps(placed(settings).as_object(), indent=1),
                "lean.json": json.dumps(lean_live(base, settings), indent=1),
            },
        },
        _service(named, settings),
        _stateful_set(named, settings),
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": named,
            "spec": {
                "maxUnavailable": Because(
                    0, "a node is drained when the market is closed: delete the pod by hand then"
                ),
                "selector": {"matchLabels": _LABELS},
            },
        },
        _network_policy(named, settings),
    ]


def _in_a_pod(settings: OperationSettings) -> OperationSettings:
    """Where the monitor would answer its own machine alone it listens at the pod's address: others ask it there."""
    if not stays_here(settings.monitor.listen):
        return settings
    there = settings.monitor.model_copy(update={"listen": f"0.0.0.0:{_port(settings)}"})
    return settings.model_copy(update={"monitor": there})


def _port(settings: OperationSettings) -> int:
    """That the monitor listens on."""
    return int(settings.monitor.listen.rpartition(":")[2])


def _service(named: dict[str, Any], settings: OperationSettings) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": named,
        "spec": {
            "clusterIP": Because("None", "a stateful set's pods are found by name"),
            "selector": _LABELS,
            "ports": [{"name": "metrics", "port": _port(settings), "targetPort": "metrics"}],
        },
    }


def _stateful_set(named: dict[str, Any], settings: OperationSettings) -> dict[str, Any]:
    storage = {"requests": {"storage": f"{settings.deploy.storage}Gi"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": named,
        "spec": {
            "serviceName": "alo",
            "replicas": Because(1, "one core trades an account; two would trade it twice"),
            "selector": {"matchLabels": _LABELS},
            "updateStrategy": {"type": Because("OnDelete", "a new version begins when somebody deletes the pod")},
            "template": {
                "metadata": {"labels": _LABELS, "annotations": {"prometheus.io/scrape": "true"}},
                "spec": _pod(settings),
            },
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "state"},
                    "spec": {"accessModes": ["ReadWriteOncePod"], "resources": storage},
                }
            ],
        },
    }


def _pod(settings: OperationSettings) -> dict[str, Any]:
    cores = ("core", "standby") if settings.deploy.standby else ("core",)
    apart = {"labelSelector": {"matchLabels": _LABELS}}
    return {
        "serviceAccountName": "alo",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "priorityClassName": "alo-trading",
        "terminationGracePeriodSeconds": 60,
        "shareProcessNamespace": Because(True, "core, host and monitor look whether the others' processes live"),
        "securityContext": {"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER, "runAsNonRoot": True},
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{**apart, "topologyKey": "kubernetes.io/hostname"}],
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 100, "podAffinityTerm": {**apart, "topologyKey": "topology.kubernetes.io/zone"}}
                ],
            }
        },
        "containers": [*(_core(each, settings) for each in cores), _lean(settings), _monitor(settings)],
        "volumes": [
            {"name": "shared", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
            *({"name": f"{name}-tmp", "emptyDir": {"sizeLimit": "1Gi"}} for name in (*cores, "lean", "monitor")),
            {"name": "settings", "configMap": {"name": "alo"}},
            {"name": "data", "hostPath": {"path": settings.deploy.data, "type": "Directory"}},
        ],
    }


def _resources(cpu: int, memory: str) -> Because:
    amount = {"cpu": str(cpu), "memory": memory}
    why = "equal and whole: class Guaranteed, so the CPU manager's static policy gives processors of their own"
    return Because({"requests": amount, "limits": amount}, why)


def _mounts(name: str, settings: OperationSettings, *, read_only: bool = False) -> list[dict[str, Any]]:
    held = {"readOnly": True} if read_only else {}
    return [
        {"name": "state", "mountPath": settings.deploy.state, **held},
        {"name": "shared", "mountPath": "/dev/shm", **held},
        {"name": f"{name}-tmp", "mountPath": "/tmp"},
        {"name": "settings", "mountPath": "/etc/alo", "readOnly": True},
    ]


def _core(name: str, settings: OperationSettings) -> dict[str, Any]:
    """A core; of two each stands by for the other, and a kill of either one's container leaves the other one."""
    two = settings.deploy.standby
    beats = {"exec": {"command": health_check(settings, standby=two)}, "timeoutSeconds": 8}
    alive: Any = {**beats, "periodSeconds": 10, "failureThreshold": 90 if two else 3}
    if two:
        alive = Because(alive, "who takes over may have a journal to decide; a core that is silent its standby ends")
    return {
        "name": name,
        "image": settings.deploy.image,
        "args": core_arguments(standby=two),
        "securityContext": _SEALED,
        "resources": _resources(settings.limits.processors, f"{settings.limits.memory}Mi"),
        "startupProbe": Because(
            {**beats, "periodSeconds": 10, "failureThreshold": 90},
            "before its first frame it decides its journal again",
        ),
        "livenessProbe": alive,
        "readinessProbe": {**beats, "periodSeconds": 10},
        "volumeMounts": _mounts(name, settings),
    }


def _lean(settings: OperationSettings) -> dict[str, Any]:
    data = {"name": "data", "mountPath": settings.deploy.data, "readOnly": True}
    return {
        "name": "lean",
        "image": f"{settings.deploy.image}-lean",
        "command": ["dotnet", "QuantConnect.Lean.Launcher.dll"],
        "args": ["--config", "/etc/alo/lean.json"],
        "workingDir": "/Lean/Launcher/bin/Debug",
        "env": [{"name": "HOME", "value": "/tmp"}, {"name": "DOTNET_TieredPGO", "value": "0"}],
        "securityContext": _SEALED,
        "resources": _resources(2, "8Gi"),
        "volumeMounts": [*_mounts("lean", settings), data],
    }


def _monitor(settings: OperationSettings) -> dict[str, Any]:
    def asked(path: str) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": "metrics"}, "periodSeconds": 10, "timeoutSeconds": 5}

    log = {"name": "state", "mountPath": settings.logs.folder, "subPath": "log"}
    return {
        "name": "monitor",
        "image": settings.deploy.image,
        "command": command(settings),
        "args": monitor_arguments(settings),
        "ports": [{"name": "metrics", "containerPort": _port(settings)}],
        "securityContext": _SEALED,
        "resources": _resources(1, "1Gi"),
        "livenessProbe": {**asked("/health"), "initialDelaySeconds": 30},
        "readinessProbe": asked("/ready"),
        "volumeMounts": [*_mounts("monitor", settings, read_only=True), log],
    }


def _network_policy(named: dict[str, Any], settings: OperationSettings) -> dict[str, Any]:
    scraper = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    resolver = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": named,
        "spec": {
            "podSelector": {"matchLabels": _LABELS},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [scraper], "ports": [{"protocol": "TCP", "port": _port(settings)}]}],
            "egress": [
                {"to": [resolver], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
                Because(
                    {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"protocol": "TCP", "port": 443}]},
                    "LEAN's data and broker; name their addresses here instead",
                ),
            ],
        },
    }
