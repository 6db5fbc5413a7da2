"""Kernels in one value of bytes, for where no disk lasts: a host keeps it, such as LEAN its object store.

``ALO_KEEP_KERNELS=object-store`` has a process keep its kernels here instead of on a disk. The value holds machine
code, as a folder of kernels does: who may write it may have anything run.
"""

import hashlib
import io
import os
import pickle
import warnings
import zipfile
from typing import Any, Final, NamedTuple

import numba
from numba.core.serialize import dumps

__all__ = ["ARCHIVE", "ArchiveError", "KernelArchive"]

_VARIABLE: Final = "ALO_KEEP_KERNELS"
_OBJECT_STORE: Final = "object-store"


class ArchiveError(ValueError):
    """A value that is no archive of kernels, or a damaged one."""


class KernelArchive:
    """Compiled kernels by version of numba, package's sources, function, types and processor.

    Of a package whose sources have changed the former kernels are left out when the value is asked for.
    """

    def __init__(self) -> None:
        self._kernels: dict[str, bytes] = {}
        self._identities: dict[str, str] = {}
        self._new = 0

    def __len__(self) -> int:
        return len(self._kernels)

    @property
    def new(self) -> int:
        """How many were compiled since the value was last asked for."""
        return self._new

    def take(self, value: bytes) -> None:
        """Add the kernels of a value to those that are here.

        :raises ArchiveError: for one that is none; nothing of it is taken.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(value)) as archive:
                found = {name: archive.read(name) for name in archive.namelist()}
        except Exception as error:  # a dozen kinds, for as many ways of being damaged
            raise ArchiveError(f"an archive of kernels of {len(value)} bytes cannot be read: {error}") from error
        self._kernels = found | self._kernels

    def value(self) -> bytes:
        """All kernels but those of other sources of the packages that this process has, and of other numbas."""
        self._new = 0
        out, kernels = io.BytesIO(), self._kernels.copy()  # another thread may compile
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(filter(self._is_current, kernels)):
                archive.writestr(zipfile.ZipInfo(name), kernels[name], zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def part(self, identity: str, function: Any) -> "_Part":
        """The kernels of one function; identity: its package's name and a digest of the sources."""
        self._identities[identity.rpartition("_")[0]] = identity
        return _Part(self, f"{numba.__version__}/{identity}/{function.__module__}.{function.__qualname__}")

    def _is_current(self, name: str) -> bool:
        version, _, rest = name.partition("/")
        identity = rest.partition("/")[0]
        return version == numba.__version__ and self._identities.get(identity.rpartition("_")[0], identity) == identity

    def load(self, name: str) -> Any:
        """What was saved by that name, or None; anything that the value has may run."""
        return pickle.loads(self._kernels[name]) if name in self._kernels else None

    def save(self, name: str, kept: bytes) -> None:
        """Add one."""
        self._kernels[name] = kept
        self._new += 1


class _Part(NamedTuple):
    """What numba takes for a function's files on a disk."""

    archive: KernelArchive
    name: str

    def _full(self, key: Any) -> str:
        return f"{self.name}/{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}"

    def load(self, key: Any) -> Any:
        return self.archive.load(self._full(key))

    def save(self, key: Any, data: Any) -> None:
        self.archive.save(self._full(key), dumps(data))


def _archive() -> KernelArchive | None:
    wanted = os.environ.get(_VARIABLE, "")
    if wanted not in ("", _OBJECT_STORE):
        warnings.warn(f"{_VARIABLE} is {wanted!r}; allowed: {_OBJECT_STORE}, or nothing", stacklevel=1)
    return KernelArchive() if wanted == _OBJECT_STORE else None


ARCHIVE: Final = _archive()
"""Of this process; None where its kernels are kept on a disk."""
