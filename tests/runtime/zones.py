"""Zones of one machine that can lose sight of each other: network namespaces on one bridge, and etcd beside them."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.runtime.etcd_server import real_etcd

_CLONE_NEWNET: Final = 0x40000000


def enter(zone: str) -> None:
    """Have this process see a zone's network alone. It may have one thread."""
    descriptor = os.open(f"/run/netns/{zone}", os.O_RDONLY)
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"zone {zone} cannot be entered")
    os.close(descriptor)


class Zones:
    """Zones by name, each with a link to the bridge that etcd listens at."""

    def __init__(self, names: list[str], url: str) -> None:
        self.names, self.url = names, url

    def cut(self, zone: str) -> None:
        """Nothing that is sent in a zone arrives, and nothing arrives there; nobody is told."""
        ip("link", "set", f"{zone}-h", "down")

    def heal(self, zone: str) -> None:
        ip("link", "set", f"{zone}-h", "up")


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


@contextmanager
def zones(folder: Path, count: int = 2) -> Iterator[Zones]:
    """Zones, and the real etcd. Skips where either cannot be had: namespaces need root and iproute2."""
    if os.geteuid() or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    mark = f"{os.getpid() % 46_656:x}"
    network = f"10.213.{os.getpid() % 256}"  # tests beside this one have their own
    bridge, names = f"alo{mark}", [f"alo{mark}{letter}" for letter in "abcdefgh"[:count]]
    try:
        try:
            ip("link", "add", bridge, "type", "bridge")
        except OSError as error:
            pytest.skip(f"no bridge can be made: {error}")
        ip("address", "add", f"{network}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for number, name in enumerate(names, 2):
            ip("netns", "add", name)
            ip("link", "add", f"{name}-h", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}-h", "master", bridge, "up")
            ip("-n", name, "address", "add", f"{network}.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        with real_etcd(folder, f"{network}.1") as url:
            yield Zones(names, url)
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)
