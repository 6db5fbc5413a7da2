"""The images: the core and the monitor, and LEAN's with this project in it."""

from alo_lib.deployment.placed import TUNABLES, core_arguments
from alo_lib.settings.operation import OperationSettings

__all__ = ["BILL", "USER", "command", "dockerfile", "dockerignore", "health_check"]

USER = 10001
"""Of every process: no host's user."""

BILL = "bom.json"
"""The image's bill of materials, in the project's folder there."""

_CODE = ("alo_lib", "models", "algorithm")
_FILES = ("main.py", "config.json", "lean.json", "pyproject.toml", "alo")


def command(settings: OperationSettings) -> list[str]:
    """How the project's command is run in a container: without its launcher, which would set an environment up."""
    return [f"{settings.deploy.project}/.venv/bin/python", "-P", "-m", "alo_lib.cli"]


def health_check(settings: OperationSettings, *, standby: bool = False) -> list[str]:
    """What ends with status 0 while the core lives and releases frames; with a standby, of either's own container."""
    return [*command(settings), *core_arguments(standby=standby), "--health"]


def dockerfile(settings: OperationSettings) -> str:
    """Two targets: ``core``, the last and default one, and ``lean``. Built in the project's folder."""
    of, words = settings.deploy, ", ".join
    owned = f"RUN install -d -o {USER} -g {USER} -m 0750 {of.state}"
    commanded, given = command(settings), core_arguments(standby=False)
    quoted, asked, checked = ([f'"{word}"' for word in each] for each in (commanded, given, health_check(settings)))
    return "\n".join(
        (
            "# Built in the project's folder: docker build -f deploy/docker/Dockerfile .",
            f"ARG BASE={of.base_image}",
            f"ARG LEAN={of.lean_image}",
            "",
            "FROM ${BASE} AS build",
            f"WORKDIR {of.project}",
            "COPY requirements.txt requirements.txt",
            "COPY requirements requirements",
            "RUN python3 -m venv .venv && .venv/bin/pip install --no-cache-dir -r requirements/serve.txt",
            "# The bill of materials: what is installed there, as CycloneDX tells it.",
            "RUN python3 -m venv /bom && /bom/bin/pip install --no-cache-dir -r requirements/bom.txt \\",
            f"    && /bom/bin/cyclonedx-py environment --output-reproducible -o {BILL} .venv/bin/python",
            *(f"COPY {folder} {folder}" for folder in _CODE),
            f"COPY {' '.join(_FILES)} ./",
            "# Kernels are compiled here, so that no container waits for it or needs to write them.",
            f"RUN PYTHONPATH={of.project} .venv/bin/python -P -m alo_lib.cli.carry {of.project}/kernels",
            "",
            "FROM ${LEAN} AS lean",
            f"COPY --from=build {of.project} {of.project}",
            f"ENV ALO_KERNELS={of.project}/kernels PYTHONDONTWRITEBYTECODE=1",
            owned,
            f"USER {USER}:{USER}",
            "",
            "FROM ${BASE} AS core",
            f"COPY --from=build {of.project} {of.project}",
            "# One environment for all: the kernels of the image, no files beside sources, explicit huge pages where",
            "# the host has any.",
            f"ENV PYTHONPATH={of.project} ALO_KERNELS={of.project}/kernels PYTHONDONTWRITEBYTECODE=1 \\",
            f"    NUMBA_CACHE_DIR=/tmp/numba GLIBC_TUNABLES={TUNABLES}",
            "# A volume that is mounted there first has this owner.",
            f"{owned} {settings.logs.folder}",
            f"USER {USER}:{USER}",
            f"WORKDIR {of.state}",
            "HEALTHCHECK --interval=10s --timeout=8s --start-period=120s --retries=3 \\",
            f"    CMD [{words(checked)}]",
            f"ENTRYPOINT [{words(quoted)}]",
            f"CMD [{words(asked)}]",
            "",
        )
    )


def dockerignore() -> str:
    """What is never sent to the daemon: results, data, environments, and whatever else a tree gathers."""
    kept = ("requirements.txt", "requirements", *_CODE, *_FILES)
    return "\n".join(("*", *(f"!{name}" for name in kept), "**/__pycache__", ""))
