"""Units of systemd: the machine's tuning, the core with a watchdog, and the monitor."""

import json
from collections.abc import Sequence
from typing import Final

from alo_lib.deployment.placed import (
    CONFIG,
    TUNABLES,
    core_channel,
    core_journal,
    monitor_arguments,
    placed,
    stays_here,
)
from alo_lib.deployment.units import Directive, Unit
from alo_lib.settings.operation import STARTING_MINUTES, OperationSettings

__all__ = ["systemd_files"]

_PRIVATE: Final = "localhost link-local 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"
"""Whom a monitor that listens to more than loopback answers."""

_SEALED: Final = (
    Directive("NoNewPrivileges", "yes"),
    Directive("CapabilityBoundingSet", "", "limits below grant what a capability would"),
    Directive("AmbientCapabilities", ""),
    Directive("ProtectSystem", "strict"),
    Directive("ProtectHome", "yes"),
    Directive("ProtectClock", "yes"),
    Directive("ProtectHostname", "yes"),
    Directive("ProtectKernelLogs", "yes"),
    Directive("ProtectKernelModules", "yes"),
    Directive("ProtectKernelTunables", "yes"),
    Directive("ProtectControlGroups", "yes"),
    Directive(
        "ProtectProc", "invisible", "of one's own user processes stay visible: core and host look for each other"
    ),
    Directive("PrivateDevices", "yes"),
    Directive("PrivateTmp", "yes"),
    Directive("DevicePolicy", "closed"),
    Directive("LockPersonality", "yes"),
    Directive("RestrictNamespaces", "yes"),
    Directive("RestrictSUIDSGID", "yes"),
    Directive("SystemCallArchitectures", "native"),
    Directive("SystemCallErrorNumber", "EPERM"),
    Directive("UMask", "0077"),
    Directive("KeyringMode", "private"),
)
"""Of every process that needs no right of its own."""


def systemd_files(settings: OperationSettings) -> dict[str, str]:
    """The files by name, for /etc/systemd/system, /etc/sysusers.d, /etc/tmpfiles.d and /etc/alo."""
    of, channel = settings.deploy, core_channel(settings)
    held = dict.fromkeys((of.state, core_journal(settings), settings.logs.folder))
    return {
        "alo.target": _target(settings).text(),
        "alo-host.service": _host(settings).text(),
        "alo-core.service": _core(settings).text(),
        **({"alo-standby.service": _core(settings, standby=True).text()} if of.standby else {}),
        "alo-monitor.service": _monitor(settings).text(),
        "alo.sysusers": f'u {of.user} - "volatility arbitrage" {of.state}\n',
        "alo.tmpfiles": "".join(
            f"d {folder} {mode} {of.user} {of.user} -\n"
            for folder, mode in (*((each, "0750") for each in held), *([(channel, "0700")] if channel else []))
        ),
        "alo.json": json.dumps(placed(settings).as_object(), indent=1) + "\n",
    }


def _manual(settings: OperationSettings) -> Directive:
    return Directive("Documentation", f"file:{settings.deploy.project}/docs/operations.md")


def _target(settings: OperationSettings) -> Unit:
    standby = "alo-standby.service " if settings.deploy.standby else ""
    wants = Directive("Wants", f"alo-host.service alo-core.service {standby}alo-monitor.service")
    return Unit(
        (
            ("Unit", (Directive("Description", "alo: trading core and monitor"), _manual(settings), wants)),
            ("Install", (Directive("WantedBy", "multi-user.target"),)),
        )
    )


def _unit(settings: OperationSettings, description: str, *more: Directive) -> tuple[str, Sequence[Directive]]:
    part = Directive("PartOf", "alo.target")
    return "Unit", (Directive("Description", description), _manual(settings), part, *more)


def _install() -> tuple[str, Sequence[Directive]]:
    return "Install", (Directive("WantedBy", "alo.target"),)


def _host(settings: OperationSettings) -> Unit:
    """What the machine is tuned by; as root, once, and taken back at the end."""
    doctor = f"{settings.deploy.project}/alo doctor --config {CONFIG} --book {settings.deploy.state}/doctor.json"
    return Unit(
        (
            _unit(settings, "alo: what the machine offers to real time", Directive("Before", "alo-core.service")),
            (
                "Service",
                (
                    Directive("Type", "oneshot"),
                    Directive("RemainAfterExit", "yes"),
                    Directive("ExecStart", f"{doctor} --fix"),
                    Directive("ExecStop", f"{doctor} --undo"),
                    Directive("CapabilityBoundingSet", "CAP_DAC_OVERRIDE CAP_SYS_NICE", "of root, what tuning needs"),
                    Directive("NoNewPrivileges", "yes"),
                    Directive(
                        "ProtectSystem", "strict", "what it tunes lies below /sys and /proc, which stay writable"
                    ),
                    Directive("ReadWritePaths", settings.deploy.state),
                    Directive("ProtectHome", "yes"),
                    Directive("ProtectClock", "yes"),
                    Directive("ProtectHostname", "yes"),
                    Directive("ProtectKernelLogs", "yes"),
                    Directive("ProtectKernelModules", "yes"),
                    Directive("PrivateNetwork", "yes"),
                    Directive("PrivateDevices", "yes"),
                    Directive("PrivateTmp", "yes"),
                    Directive("IPAddressDeny", "any"),
                    Directive("RestrictAddressFamilies", "AF_UNIX"),
                    Directive("RestrictNamespaces", "yes"),
                    Directive("RestrictRealtime", "yes"),
                    Directive("RestrictSUIDSGID", "yes"),
                    Directive("LockPersonality", "yes"),
                    Directive("SystemCallArchitectures", "native"),
                    Directive("SystemCallFilter", "@system-service"),
                    Directive("UMask", "0077"),
                ),
            ),
            _install(),
        )
    )


def _places(settings: OperationSettings) -> list[str]:
    """What the core writes and the monitor reads: state, memory, and what settings place elsewhere."""
    elsewhere = (core_journal(settings), core_channel(settings))
    places = [settings.deploy.state, "/dev/shm"]
    return [*places, *(each for each in elsewhere if each and not each.startswith(tuple(f"{one}/" for one in places)))]


def _core(settings: OperationSettings, *, standby: bool = False) -> Unit:
    """The core. Of two each stands by for the other: which one leads is whoever came first, or is left."""
    of, core = settings.deploy, settings.core
    ready = "ready with its first frame" + (", or once it stands by" if of.standby else "")
    service = (
        Directive("Type", "notify", ready),
        Directive("NotifyAccess", "main"),
        Directive("User", of.user),
        Directive("ExecStart", f"{of.project}/alo core --config {CONFIG}{' --standby' if of.standby else ''}"),
        Directive(
            "WatchdogSec", f"{core.watchdog}s", "told by its frames, and while it takes inputs in: else it is killed"
        ),
        Directive("WatchdogSignal", "SIGKILL", "it goes on from its journal as after any kill"),
        Directive(
            "TimeoutStartSec",
            f"{STARTING_MINUTES}min",
            "before its first frame it decides the rest of its journal again",
        ),
        Directive("TimeoutStopSec", "30s"),
        Directive("Restart", "always"),
        Directive("RestartSec", "200ms"),
        Directive("RestartPreventExitStatus", "2", "a setting or clock that is wrong stays so until somebody mends it"),
        Directive("Environment", f"GLIBC_TUNABLES={TUNABLES}", "explicit huge pages, where there are any"),
        Directive("Environment", "NUMBA_CACHE_DIR=%C/alo"),
        Directive("CacheDirectory", "alo"),
        Directive("CacheDirectoryMode", "0700"),
        Directive("ReadWritePaths", " ".join(_places(settings))),
        Directive("LimitRTPRIO", "99", "SCHED_FIFO without a capability"),
        Directive("LimitMEMLOCK", "infinity"),
        Directive("LimitNOFILE", str(settings.limits.open_files)),
        Directive("LimitCORE", "0", "a core's memory holds the book"),
        Directive("MemoryMax", f"{settings.limits.memory}M"),
        Directive("MemorySwapMax", "0"),
        Directive("OOMScoreAdjust", "-900"),
        Directive("NUMAPolicy", "local"),
        *_SEALED,
        Directive("RestrictRealtime", "no", "it takes SCHED_FIFO"),
        Directive("MemoryDenyWriteExecute", "no", "kernels are compiled"),
        Directive("PrivateNetwork", "yes", "it talks to its host by shared memory alone"),
        Directive("IPAddressDeny", "any"),
        Directive("RestrictAddressFamilies", "AF_UNIX", "for sd_notify"),
        Directive("SystemCallFilter", "@system-service perf_event_open"),
        Directive("SystemCallFilter", "~@privileged"),
    )
    start = (
        Directive("Wants", "alo-host.service"),
        Directive(
            "After", f"alo-host.service local-fs.target time-sync.target{' alo-core.service' if standby else ''}"
        ),
        Directive("StartLimitIntervalSec", "60s"),
        Directive("StartLimitBurst", "10"),
    )
    description = "alo: the trading core that stands by" if standby else "alo: the trading core"
    return Unit((_unit(settings, description, *start), ("Service", service), _install()))


def _monitor(settings: OperationSettings) -> Unit:
    of = settings.deploy
    service = (
        Directive("Type", "exec"),
        Directive("User", of.user),
        Directive("ExecStart", " ".join((f"{of.project}/alo", *monitor_arguments(settings)))),
        Directive("Restart", "always"),
        Directive("RestartSec", "1s"),
        Directive("Environment", "NUMBA_CACHE_DIR=%C/alo-monitor"),
        Directive("CacheDirectory", "alo-monitor"),
        Directive("CacheDirectoryMode", "0700"),
        Directive("ReadOnlyPaths", " ".join(_places(settings)), "it only looks"),
        Directive("ReadWritePaths", settings.logs.folder, "but for its log"),
        Directive("Nice", "5", "never before the core or its host"),
        Directive("MemoryMax", "1G"),
        Directive("LimitNOFILE", "4096"),
        *_SEALED,
        Directive("RestrictRealtime", "yes"),
        Directive("MemoryDenyWriteExecute", "no", "kernels are compiled"),
        Directive("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        Directive("IPAddressDeny", "any"),
        Directive("IPAddressAllow", "localhost" if stays_here(settings.monitor.listen) else _PRIVATE),
        Directive("SystemCallFilter", "@system-service"),
        Directive("SystemCallFilter", "~@privileged @resources"),
    )  # fmt: skip
    start = (Directive("After", "alo-core.service"),)
    return Unit((_unit(settings, "alo: monitor, metrics and health", *start), ("Service", service), _install()))
