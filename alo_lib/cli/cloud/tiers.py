"""What QuantConnect's tiers let a project have."""

from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["KILOBYTE", "TIERS", "Tier", "pushed_files"]

KILOBYTE: Final = 1000
"""The smaller of its two meanings, for the documents do not say which."""

_PUSHED: Final = frozenset({".py", ".ipynb", ".css", ".html"})
"""What ``lean cloud push`` sends of a folder."""
_PASSED_OVER: Final = frozenset({".ipynb_checkpoints", "backtests", "bin", "live", "obj", "optimizations"})
"""Folders of a project that it does not send."""


class Tier(NamedTuple):
    """As QuantConnect's documents have it in September 2026."""

    files: int
    """Files of a project."""
    kilobytes: int
    """Of a file."""

    @property
    def bytes_a_file(self) -> int:
        """Of the largest file."""
        return self.kilobytes * KILOBYTE

    def __str__(self) -> str:
        return f"{self.files} files of {self.kilobytes} KB"


TIERS: Final = {
    "free": Tier(25, 32),
    "researcher": Tier(50, 64),
    "team": Tier(75, 128),
    "trading-firm": Tier(100, 256),
    "institution": Tier(250, 256),
}


def pushed_files(folder: Path) -> dict[str, int]:
    """The files of a project that are sent to the cloud, by their paths in it, and their bytes."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix in _PUSHED and path.is_file())
    paths = {path.relative_to(folder): path for path in found}
    return {each.as_posix(): path.stat().st_size for each, path in paths.items() if _PASSED_OVER.isdisjoint(each.parts)}
