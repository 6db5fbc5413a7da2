"""Huge pages that the kernel makes by itself, and what it does at a page fault to make one."""

from typing import Final

from alo_lib.host.finding import Change, Finding
from alo_lib.host.machine import Machine

__all__ = ["defragmentation", "transparent_huge_pages"]

_FOLDER: Final = "sys/kernel/mm/transparent_hugepage"


def transparent_huge_pages(machine: Machine) -> Finding:
    """The core asks for them under its heap; the kernel gives them where it may."""
    cost = "the core's heap lies on pages of 4 KiB: more misses of the address cache"
    return _of(machine, "huge pages, transparent", "enabled", ("madvise", "always"), cost)


def defragmentation(machine: Machine) -> Finding:
    """A page fault that makes a huge page may first have to move other pages."""
    cost = "any process's page fault may move memory around for milliseconds, holding locks that a frame may need"
    return _of(machine, "THP defrag", "defrag", ("madvise", "defer+madvise", "defer", "never"), cost)


def _of(machine: Machine, name: str, file: str, right: tuple[str, ...], cost: str) -> Finding:
    path, wanted = f"{_FOLDER}/{file}", " or ".join(right)
    now = machine.chosen(path)
    if now is None:
        return Finding.absent(name, "the kernel has no transparent huge pages", wanted)
    if now in right:
        return Finding.good(name, now, wanted)
    return Finding.mended_by(name, now, wanted, cost, (Change(path, right[0]),))
