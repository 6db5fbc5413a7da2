"""Builds the wheel: ``pip wheel . --no-deps``. pip calls it (PEP 517); it needs no package, so no network either.

The wheel holds ``alo_lib`` and ``models`` as they are in the tree. The same tree gives the same bytes.
"""

import base64
import hashlib
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

__all__ = ["PACKAGES", "UnsupportedOperation", "build_sdist", "build_wheel"]

PACKAGES: Final = ("alo_lib", "models")
_TREE: Final = Path(__file__).resolve().parents[3]
_TAG: Final = "py3-none-any"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The time that the format gives a file at the earliest: none of its own."""


class UnsupportedOperation(Exception):  # noqa: N818 - the name that PEP 517 gives it
    """What pip is to be told where a source distribution is asked for."""


def build_wheel(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Write the wheel; its file's name."""
    project = tomllib.loads(_text("pyproject.toml"))["project"]
    stem = f"{project['name']}-{project['version']}"
    information = f"{stem}.dist-info"
    content = dict(_modules()) | {
        f"{information}/METADATA": _metadata(project).encode(),
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nGenerator: alo\nRoot-Is-Purelib: true\nTag: {_TAG}\n".encode(),
        f"{information}/licenses/LICENSE": _text("LICENSE").encode(),
    }
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in content.items()]
    content[f"{information}/RECORD"] = "\n".join([*lines, f"{information}/RECORD,,\n"]).encode()
    name = f"{stem}-{_TAG}.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in content.items():
            entry = zipfile.ZipInfo(path, _EARLIEST)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)
    return name


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    """Refuse: the tree itself is what is built from."""
    raise UnsupportedOperation("no source distribution is made; build a wheel from a checkout: pip wheel . --no-deps")


def _modules() -> Iterator[tuple[str, bytes]]:
    for package in PACKAGES:
        for path in sorted((_TREE / package).rglob("*")):
            if path.suffix in (".py", ".typed"):
                yield path.relative_to(_TREE).as_posix(), path.read_bytes()


def _metadata(project: dict[str, Any]) -> str:
    fields = [
        ("Metadata-Version", "2.1"),
        ("Name", project["name"]),
        ("Version", project["version"]),
        ("Summary", project["description"]),
        ("License", project["license"]),
        ("Requires-Python", project["requires-python"]),
        *(("Requires-Dist", each) for each in project["dependencies"]),
        ("Description-Content-Type", "text/markdown"),
    ]
    return "".join(f"{name}: {value}\n" for name, value in fields) + f"\n{_text(project['readme'])}"


def _text(name: str) -> str:
    return (_TREE / name).read_text(encoding="utf-8")


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
