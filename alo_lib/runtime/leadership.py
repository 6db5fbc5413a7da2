"""Leadership across hosts: the right to decide and to send for an account, which one process has at a time.

It is a key of etcd that ends with a lease. Whoever has it renews the lease; whoever cannot leads no more, by its own
clock, before etcd gives the key to another: what it counts from is when it asked, not when it was answered, and of what
was granted it takes nine tenths. A process that is stopped in between, and woken, finds out before it writes or sends;
what it was sending just then its orders' terms tell (:mod:`alo_lib.runtime.terms`).
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from alo_lib.records import MINUTE, SECOND
from alo_lib.runtime.etcd import Etcd, EtcdError, Held
from alo_lib.runtime.fence import FencedError
from alo_lib.settings import Settings
from alo_lib.settings.operation import STARTING_MINUTES

__all__ = ["Alone", "Leadership", "leadership_of"]

_KEY: Final = "alo/leader/"
_LOOKS: Final = 20
"""Looks at who leads, for one who waits, in the time of a lease."""
_RENEWALS: Final = 3
"""Renewals, and tries of them, in that time."""
_LEAVING: Final = 2.0
"""Seconds in which a process that leads no more may end, and for which one that ends waits for etcd."""
_LONGEST: Final = 5.0
"""Seconds for an answer of etcd, at the most."""
_SHARE: Final = 0.9
"""Of what etcd grants. The rest is for clocks that run at other speeds, and for acting on what was looked at."""


class _HungError(Exception):
    """The process that leads does nothing."""


def since_boot() -> int:
    """Nanoseconds, those included in which the machine slept: a lease goes on meanwhile."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Leadership:
    """What a process knows of who leads under a name; one thread asks etcd, and nobody else waits for it.

    ``hear`` hears on that thread, in sentences, who leads and what is wrong. Where ``hangs_after`` seconds are given, a
    process that does not :meth:`beat` for so long has hung: the lease is not renewed, so another one may take over, and
    where it does not :meth:`end` when it leads no more it is killed.
    """

    def __init__(
        self,
        etcd: Etcd,
        name: str,
        seconds: int,
        *,
        hear: Callable[[str], None],
        hangs_after: float | None = None,
        clock: Callable[[], int] = since_boot,
    ) -> None:
        self._etcd, self._name, self._seconds = etcd, name, seconds
        self._hear, self._clock = hear, clock
        self._hangs_after = None if hangs_after is None else round(hangs_after * SECOND)
        self._key = _KEY + name
        self._own = f"process {os.getpid()} on host {socket.gethostname()}"
        self._lease = 0
        self._until = 0  # when this process leads no more, unless the lease is renewed
        self._alive_until = 0
        self._lost = ""  # why it leads no more
        self._unheard = ""  # what etcd answered last that was no answer
        self._leader = ""
        self._said = ""
        self._led = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alo-leadership", daemon=True)

    @property
    def leads(self) -> bool:
        """Whether this process does, now."""
        return self._led.is_set() and not self._lost and self._clock() < self._until

    @property
    def standing(self) -> str:
        """Who leads as far as is known, in words."""
        if self._unheard:
            return f"etcd does not tell who leads '{self._name}': {self._unheard}"
        return f"{self._leader} leads '{self._name}'" if self._leader else f"nobody leads '{self._name}'"

    def begin(self) -> None:
        """Try to lead from now on, until this is ended."""
        self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until this process leads, or so long. Returns whether it does."""
        return self._led.wait(seconds) and self.leads

    def may_lead(self) -> bool:
        """Whether this process leads by now.

        :raises FencedError: where it has led, and does no more: it never will again.
        """
        if self._led.is_set():
            self.look()
        return self._led.is_set()

    def beat(self) -> None:
        """Say that this process does what it is there for; from the first time on it has to."""
        if self._hangs_after is not None:
            self._alive_until = self._clock() + self._hangs_after

    def look(self) -> None:
        """Nothing, where this process leads.

        :raises FencedError: where it does not, or not any more.
        """
        if self.leads:
            return
        why = self._lost or self._not_renewed
        raise FencedError(
            f"this process leads '{self._name}' no more: {why}; another host may, and what this one had not journaled "
            "or sent by then it leaves to that one. Start it again to stand by"
        )

    def end(self) -> None:
        """Lead no more, and let another do so at once, or when the lease ends where etcd does not answer soon."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(_LEAVING)
        self._lost = self._lost or "it has ended"
        if not self._lease:
            return
        try:
            if self._thread.is_alive():  # a server that is found slowly, or answers bit by bit, may keep it for minutes
                raise EtcdError("etcd does not answer")
            self._etcd.revoke(self._lease)
        except EtcdError as error:
            self._say(f"the lease of '{self._name}' ends by itself within {self._seconds} s: {error}")

    # The thread ------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not (self._ending.is_set() or self._lost):
            try:
                pause = self._renew() if self._led.is_set() else self._try()
                self._unheard = ""
            except Exception as error:  # whatever it is: without this thread a process would wait or hang for ever
                known = isinstance(error, EtcdError | _HungError)
                self._unheard, pause = str(error) if known else f"{type(error).__name__}: {error}", 1.0 / _LOOKS
                self._say(self._what_is_wrong())
            self._ending.wait(pause * self._seconds)
        if self._hangs_after is not None and not self._ending.wait(_LEAVING):
            self._say(f"{self._own} did not leave, and kills itself")
            os.kill(os.getpid(), signal.SIGKILL)  # nobody else could take the journal over

    def _what_is_wrong(self) -> str:
        if not self._led.is_set():
            return self.standing
        if self._clock() < self._until:
            return f"the lease of '{self._name}' is not renewed: {self._unheard}"
        self._lost = self._not_renewed
        return f"{self._own} leads '{self._name}' no more: {self._lost}"

    @property
    def _not_renewed(self) -> str:
        return f"its lease was not renewed: {self._unheard or 'this process was stopped, or etcd has not answered'}"

    def _try(self) -> float:
        """Lead, if nobody does. Returns after what share of a lease's time to go on."""
        held = self._etcd.read(self._key)
        asked = self._clock()
        if held is not None and held.lease == self._lease and self._lease:  # the answer to it was lost
            seconds, held = self._renewed()
            if held is not None and held.lease == self._lease:
                self._leads_for(seconds, asked)
        elif held is None:
            granted = self._etcd.grant(self._seconds)
            self._lease = granted.lease
            if self._etcd.create(self._key, self._own, granted.lease):
                self._leads_for(granted.seconds, asked)
            else:
                self._etcd.revoke(granted.lease)
                self._lease = 0
        else:
            self._leader = held.value or "somebody"
            self._say(self.standing)
        return 1.0 / (_RENEWALS if self._led.is_set() else _LOOKS)

    def _leads_for(self, seconds: int, asked: int) -> None:
        self._until = asked + round(seconds * _SHARE * SECOND)
        if self._clock() >= self._until:
            return
        self._alive_until = self._clock() + STARTING_MINUTES * MINUTE
        self._leader = self._own
        self._say(f"{self._own} leads '{self._name}' now")
        self._led.set()

    def _renew(self) -> float:
        asked = self._clock()
        if self._hangs_after is not None and asked > self._alive_until:
            raise _HungError(f"this process gave no sign of life for {self._hangs_after / SECOND:g} s")
        seconds, held = self._renewed()
        if not seconds:
            self._lost = "its lease has ended"
        elif held is None or held.lease != self._lease:
            self._lost = f"its key was taken away{f', and {held.value} has it' if held else ''}"
        else:
            self._until = asked + round(seconds * _SHARE * SECOND)
            if self._unheard:
                self._say(f"the lease of '{self._name}' is renewed again")
            return 1.0 / _RENEWALS
        self._say(f"{self._own} leads '{self._name}' no more: {self._lost}")
        return 0.0

    def _renewed(self) -> tuple[int, Held | None]:
        """Seconds for which the lease is renewed, and who has the key after that, which a majority says."""
        return self._etcd.keep_alive(self._lease), self._etcd.read(self._key)

    def _say(self, sentence: str) -> None:
        if sentence == self._said:
            return
        self._said = sentence
        with suppress(Exception):  # who leads does not depend on whether anybody can be told
            self._hear(sentence)


class Alone:
    """Of a host beside which there is none: it leads."""

    leads = True
    standing = "this host is alone"

    def begin(self) -> None:
        """Nothing."""

    def wait(self, seconds: float | None = None) -> bool:
        """True."""
        return True

    def may_lead(self) -> bool:
        """True."""
        return True

    def beat(self) -> None:
        """Nothing."""

    def look(self) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


def leadership_of(
    settings: Settings, hear: Callable[[str], None], *, hangs_after: float | None = None
) -> Leadership | Alone:
    """The leadership that the settings name.

    :raises EtcdError: for files of https that cannot be read.
    """
    if not settings.leader_lease:
        return Alone()
    name, _, endpoints = settings.leader_lease.partition("@")
    urls = endpoints.split(",")
    seconds = settings.leader_lease_seconds
    timeout = seconds / (_RENEWALS * 2 * len(urls))  # a try of all of them, two questions each, is over by the next
    timeout = min(timeout, _LONGEST)
    return Leadership(Etcd(urls, timeout, os.environ), name, seconds, hear=hear, hangs_after=hangs_after)
