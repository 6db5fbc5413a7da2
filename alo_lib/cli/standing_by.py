"""``alo core``: whether it leads, and ``--standby``, until that takes over or is told to end."""

import signal
import time
from collections.abc import Callable
from typing import Any, Final

import click

from alo_lib.cli.console import say
from alo_lib.cli.failures import UserError
from alo_lib.runtime.etcd import EtcdError
from alo_lib.runtime.follower import Follower
from alo_lib.runtime.leadership import Alone, Leadership, leadership_of
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.service import ServiceManager
from alo_lib.runtime.standby import Standby
from alo_lib.settings import Settings

__all__ = ["heard", "leadership_in_life", "require_leading", "stood_by"]

_LEASES: Final = 1.5
"""Leases in which one ends that a killed process has left."""


def leadership_in_life(settings: Settings, lease: float, *, paced: bool) -> Leadership | Alone:
    """The leadership that the settings name, of a core that hangs without a heartbeat for ``lease`` seconds.

    It ends with the command. A core whose time is a backtest's needs none.

    :raises UserError: for what ETCDCTL_CACERT and its like name.
    """
    if paced:
        return Alone()
    try:
        leadership = leadership_of(settings, _say_sentence, hangs_after=lease)
    except EtcdError as error:
        raise UserError(str(error)) from error
    click.get_current_context().call_on_close(leadership.end)
    return leadership


def heard(manager: ServiceManager | None, leadership: Leadership | Alone) -> Callable[[Any], None]:
    """Who hears a core's heartbeats: the manager of services, and from its first frame on who renews its lease."""

    def hear(beat: Any) -> None:
        if manager is not None:
            manager.hear(beat)
        if beat["frame"]:
            leadership.beat()

    return hear


def require_leading(leadership: Leadership | Alone, settings: Settings) -> None:
    """Lead, of all hosts.

    :raises UserError: where another host does.
    """
    leadership.begin()
    if not leadership.wait(_LEASES * settings.leader_lease_seconds):
        raise UserError(f"{leadership.standing}; --standby follows who leads, and takes over")


def stood_by(
    channel: Channel,
    follower: Follower,
    lease: float,
    manager: ServiceManager | None,
    make: Callable[[Follower], CoreProcess],
    leadership: Leadership | Alone,
) -> CoreProcess | None:
    """The core that this process has become; None where it was told to end before it had to.

    Errors as of :meth:`Standby.take_over`.
    """

    def beat(followed: int) -> None:
        if manager is not None:
            manager.stand_by(followed, time.monotonic_ns())

    def made(followed: Follower) -> CoreProcess:
        if manager is not None:
            manager.take_over()
        began = time.perf_counter()
        process = make(followed)
        say(f"Nobody leads any more: this process took over in {(time.perf_counter() - began) * 1e3:z.0f} ms.")
        return process

    standby = Standby(channel, follower, lease=lease, hear=_say_sentence, beat=beat, may_lead=leadership.may_lead)
    leadership.begin()
    ending = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: standby.stop()) for number in ending}
    say(f"Standing by in {channel.folder}; the core that leads has a lease of {lease:g} s.")
    try:
        return standby.take_over(made)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say_sentence(told: str) -> None:
    say(f"{told[:1].upper()}{told[1:]}.")
