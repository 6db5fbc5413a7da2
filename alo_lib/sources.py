"""Where the library's own sources are read: in files, or in the bundles that ``alo cloud stage`` makes of them.

A module's place is the same path either way. Where modules are bundled there is no file at it, and the loader of the
package has their sources by these paths.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Final

__all__ = ["has_module", "modules_in", "place_of", "source_of"]

_LIBRARY: Final = __name__.partition(".")[0]


def _bundled(package: str = _LIBRARY) -> Mapping[Path, bytes]:
    """Sources of all modules that are bundled, by their places; none where modules are files."""
    spec = getattr(sys.modules.get(package), "__spec__", None)
    sources: Mapping[Path, bytes] = getattr(getattr(spec, "loader", None), "sources", {})
    return sources


def has_module(place: Path) -> bool:
    """Whether a module is there."""
    return place in _bundled() or place.is_file()


def source_of(place: Path) -> bytes:
    """What a module's source says. OSError where there is none."""
    return found if (found := _bundled().get(place)) is not None else place.read_bytes()


def modules_in(folder: Path) -> tuple[tuple[str, bytes], ...]:
    """Name and source of the modules of a package's folder, in order of name."""
    bundled = ((place.name, source) for place, source in _bundled().items() if place.parent == folder)
    return tuple(sorted(bundled)) or tuple((path.name, path.read_bytes()) for path in sorted(folder.glob("*.py")))


def place_of(function: FunctionType) -> Path:
    """Of the module that a function was defined in; its code names the file that has the lines."""
    if _bundled(function.__module__):
        return Path(str(sys.modules[function.__module__].__file__))
    return Path(function.__code__.co_filename).resolve()
