"""The core machine with the core in a process of its own: the same steps, and the same that must hold of both sides.

Besides, nothing that was told is lost, whatever is killed; and the host believes what the core believes.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
from hypothesis.stateful import initialize, invariant, precondition, rule

from alo_lib.journal import JournalWriter
from alo_lib.records import Kind, Message, OperatorCommand, Records
from alo_lib.runtime.command_rings import REQUEST
from alo_lib.runtime.frame_clock import ClockError, WallClock
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.remote import RemoteCore
from alo_lib.settings import Settings
from tests.core.broker import Word
from tests.core.chains import SETTINGS
from tests.core.hearing_machine import HearingMachine
from tests.core.killing import Fuse, Killed, Place
from tests.core.script import FIRST, at
from tests.runtime.stepping import FusedChannel, FusedPlace, Naps, Running, Stepped, Time

__all__ = ["NAPS", "ProcessMachine", "Told"]

SLOTS = 1 << 12
PATIENCE = 0.05
"""Seconds of a machine's time: five frames."""
LONGEST = 200
"""Frames for which a core may be dead, or busy with what it was told."""
NAPS = Naps()
"""What hosts have for a clock, in the place of ``alo_lib.runtime.remote.clocks``."""


class Told(RemoteCore):
    """A host's side that tells what it has told."""

    hear_of: Callable[[Message], None]

    def accept(self, message: Message) -> None:
        self.hear_of(message._replace(records=message.records.copy()))
        super().accept(message)


class ProcessMachine(HearingMachine):
    """One run of a core process with its kills and its hosts."""

    sequences = 0

    @initialize(
        settings=st.sampled_from(SETTINGS),
        trading=st.sampled_from([True, True, False]),
        keeping=st.sampled_from([True, True, True, False]),
        paced=st.booleans(),
    )
    def begin(self, settings: Settings, trading: bool, keeping: bool, paced: bool) -> None:
        self.paced = paced
        self.folder = tempfile.TemporaryDirectory(prefix="alo-test-")
        self.channel = FusedChannel(Path(self.folder.name), slots=SLOTS)
        self.clock = NAPS.time = Time(at(FIRST, 9))
        NAPS.nap = self.step
        self.running: Running | None = None
        self.down = 0  # frames that a process stays dead for
        self.asked = -1
        self.takes_old = False
        super().begin(settings, trading, keeping)

    def new_place(self) -> Place:
        NAPS.place = FusedPlace(self.fused)
        return NAPS.place

    def fused(self, writer: JournalWriter) -> Fuse:
        self.channel.fuse = super().fused(writer)
        return self.channel.fuse

    # Both sides -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a process, and kill the one that runs."""
        self.bury()
        clock = Stepped(self.clock)
        process = CoreProcess(
            self.settings,
            self.channel,
            Path(self.folder.name) / "journal",
            paced=self.paced,
            clock=clock,
            wall=WallClock(clock.now, takes_old=self.takes_old),
        )
        process.core.watch_with(None)
        self.core = process.core
        self.running = Running(process, clock)
        if not hasattr(self, "host"):
            self.begin_host()

    def begin_host(self) -> None:
        self.host = Told(self.settings, self.channel, paced=self.paced, patience=PATIENCE, clock=lambda: self.clock.now)
        self.host.hear_of = self.heard
        self.host.attach(PATIENCE)

    def bury(self) -> None:
        """Leave everything as a process does that is killed where it stands."""
        if self.running is not None:
            self.fuse.left = 0  # it does nothing more that others see
            self.running.end()
        self.running = None
        self.channel.bury()

    def step(self) -> None:
        """A frame's time passes; a process that is dead is started again when its time has come."""
        if self.running is None:
            self.clock.now += self.settings.frame_nanoseconds
            self.down -= 1
            self.rise()
            return
        try:
            self.running.step()
        except Killed:
            self.bury()
            self.rise()
        except ClockError:  # it has said why it does not run; people look, and let it take what is old
            self.bury()
            self.takes_old = True
            self.rise()

    def rise(self) -> None:
        if self.down > 0:
            return
        try:
            self.restart()
        except Killed:
            self.bury()

    def settled(self) -> set[Word]:
        """Wait until both sides have heard all; what the core had to make of the order events among it."""
        words = set[Word]()
        while True:
            for _ in range(LONGEST):
                self.step()
                if self.running is not None and not self.host._inputs.waiting:
                    break
            else:
                raise AssertionError("the core takes nothing in")
            self.step()  # which tells the host how it stands
            words |= self.look()
            if not self.paced:
                self.open_frames(self.time)
            elif self.host._answers.waiting:  # of a frame that it waited for no longer
                self.asked += self.settings.frame_nanoseconds
                self.open_frames(self.asked)
            if not (self.pending or self.host._inputs.waiting or self.host._answers.waiting):
                return words

    def put_in(self, message: Message, *, true: bool) -> set[Word]:
        self.pass_to(self.time)
        self.host.accept(message)
        words = self.settled()
        if not true and Word.BELIEVED in words:
            self.apart = True
        return words

    def give(self, row: Records) -> None:
        """By the ring that people ask by; whatever is killed, it is done once at the most."""
        request = np.zeros(1, REQUEST)
        for name in row.dtype.names or ():
            request[name] = row[name]
        request["until"] = 2**62
        rings = self.channel.commands
        with rings.requests.produce("command") as requests, rings.answers.consume("command") as answers:
            requests.push(request)
            self.settled()
            while requests.waiting:
                self.step()
            self.look()
            done = [each for each in answers.pop() if each["request"] == row["request"][0]]
        journaled = [each for each in self.written if each.kind is Kind.OPERATOR]
        assert sum(each.records["request"][0] == row["request"][0] for each in journaled) <= 1
        assert len(done) <= 1 + (row["command"][0] == OperatorCommand.SNAPSHOT)

    def remark(self, message: Message) -> None:
        self.host.remark(message)
        self.settled()

    # Frames -----------------------------------------------------------------------------------------------------------

    def pass_to(self, time: int) -> None:
        """The machine's time is at least so late, where the core keeps its own."""
        if not self.paced and self.clock.now < time:
            self.clock.now = time
            self.step()

    def open_frames(self, time: int, between: Callable[[], None] = lambda: None) -> None:
        """Let the host open what the core has decided, and send it."""
        while self.host.open_frame(time):
            between()
            for intent in self.host.run():
                self.broker.receive(intent)
            if self.paced:
                return

    def a_frame(self, gap: int, between: Callable[[], None] = lambda: None) -> None:
        if self.left_in_frame is not None:
            self.fuse.left, self.left_in_frame = self.left_in_frame, None
        self.asked = max(self.time, self.asked, self.core.last_frame) + gap * self.settings.frame_nanoseconds
        self.pass_to(self.asked)
        self.open_frames(self.asked, between)
        self.settled()

    def be_late(self, missed: int) -> None:
        self.clock.now += missed * self.settings.frame_nanoseconds

    # Kills ------------------------------------------------------------------------------------------------------------

    @rule(left=st.integers(0, 60), in_frame=st.booleans(), down=st.sampled_from([0, 0, 1, 4, 20]))
    def kill_later(self, left: int, in_frame: bool, down: int) -> None:
        self.down = down
        super().kill_later(left, in_frame)

    @precondition(lambda self: self.restarted != (len(self.written), self.place.snapshot))
    @rule()
    def kill(self) -> None:
        super().kill()
        self.settled()

    def ask_what_was_lost(self) -> None:
        """Nothing: what the host has told waits for the next process."""

    @rule()
    def reconcile(self) -> None:
        """Once more where the core is killed meanwhile: who begins it has to end it with the same one."""
        begun: Fuse | None = None
        while begun is not self.fuse:
            begun = self.fuse
            super().reconcile()

    @precondition(lambda self: not self.paced)
    @rule()
    def new_host(self) -> None:
        """The host is killed; the one after it knows what it had told."""
        self.host.stop()
        self.begin_host()
        self.host.catch_up()
        self.reconcile()

    @invariant()
    def the_host_believes_what_the_core_believes(self) -> None:
        if hasattr(self, "host"):
            assert self.host.holdings == self.core.holdings
            assert self.host.orders_working == self.core.orders_working
            assert self.host.wants_reconciliation is self.core.wants_reconciliation
            if not self.core._waiting:  # it decides by them from its next frame on
                assert self.host.external.stages == self.core.external.stages

    def teardown(self) -> None:
        if not hasattr(self, "host"):
            return
        super().teardown()
        self.bury()
        self.host.stop()
        self.channel.remove()
        self.folder.cleanup()
