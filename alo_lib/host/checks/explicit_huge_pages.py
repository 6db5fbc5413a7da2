"""Huge pages that are set aside."""

from typing import Final

from alo_lib.executive.isolation import DEFAULT_HEAP
from alo_lib.host.finding import Change, Finding
from alo_lib.host.machine import Machine

__all__ = ["explicit_huge_pages"]

_FOLDER: Final = "sys/kernel/mm/hugepages/hugepages-2048kB"
WANTED: Final = 4 * (DEFAULT_HEAP >> 21)
"""Of 2 MiB: four times the heap that the core touches at its start; one with one underlying took 83 of these 128."""


def explicit_huge_pages(machine: Machine) -> Finding:
    """A process whose allocator is told so takes them for its heap (glibc.malloc.hugetlb=2 in GLIBC_TUNABLES)."""
    name, wanted = "huge pages, explicit", f"at least {WANTED} of 2 MiB, for the core's heap"
    count, free = machine.number(f"{_FOLDER}/nr_hugepages"), machine.number(f"{_FOLDER}/free_hugepages")
    if count is None:
        return Finding.absent(name, "the kernel has none of 2 MiB", wanted)
    found = f"{count}" + (f", {free} free" if free is not None else "")
    if count >= WANTED:
        return Finding.good(name, found, wanted)
    cost = "more misses of the address cache; the heap's pages may be split and moved while a frame runs"
    return Finding.mended_by(name, found, wanted, cost, (Change(f"{_FOLDER}/nr_hugepages", str(WANTED)),))
