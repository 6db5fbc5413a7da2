"""Compiled kernels in LEAN's object store, for the cloud and containers, where no disk outlasts a run."""

from typing import Final

from AlgorithmImports import QCAlgorithm

from alo_lib.numerics.kernel_archive import ARCHIVE, ArchiveError
from models.object_store import LeanObjectStore

__all__ = ["keep_kernels", "keep_kernels_live", "take_kernels"]

_KEY: Final = "alo-kernels"
_taken: set[str] = set()
_seen = 0
"""How many were new when a live run looked last."""


def _key(algorithm: QCAlgorithm) -> str:
    """A project's own: the store is the whole organization's, and projects have sources of their own."""
    return f"{_KEY}-{algorithm.project_id}"


def take_kernels(algorithm: QCAlgorithm) -> None:
    """Take those that an earlier run of the project kept, once in a process, before any is compiled.

    Nothing is done where kernels are kept on a disk; see :mod:`alo_lib.numerics.kernel_archive`.
    """
    if ARCHIVE is None or (key := _key(algorithm)) in _taken:
        return
    _taken.add(key)
    value = LeanObjectStore(algorithm.object_store).read(key)
    if value is None:
        algorithm.log(f"alo kernels: none are kept yet as {key} in the object store, so this run compiles them")
        return
    try:
        ARCHIVE.take(value)
    except ArchiveError as error:
        algorithm.log(f"alo kernels: {key} in the object store is damaged, so this run compiles them anew: {error}")


def keep_kernels(algorithm: QCAlgorithm) -> None:
    """Keep for later runs of the project those that were compiled since, if any."""
    if ARCHIVE is None or not ARCHIVE.new:
        return
    new, key, value = ARCHIVE.new, _key(algorithm), ARCHIVE.value()
    try:
        LeanObjectStore(algorithm.object_store).save(key, value)
    except OSError as error:
        algorithm.log(f"alo kernels: {error}; later runs compile them too")
    else:
        size = f"{len(value) / 1e6:.1f} MB in all"
        algorithm.log(f"alo kernels: {new} more are kept as {key} in the object store, {size}")


def keep_kernels_live(algorithm: QCAlgorithm) -> None:
    """Keep them in a run that may be killed at any time; looked at once a second.

    Once none was compiled between two looks: the first frames compile for seconds, and all are kept together then.
    """
    global _seen
    if ARCHIVE is not None and ARCHIVE.new == _seen:
        keep_kernels(algorithm)
    _seen = 0 if ARCHIVE is None else ARCHIVE.new
