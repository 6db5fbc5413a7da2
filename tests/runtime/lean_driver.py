"""An algorithm that lets LEAN's scheduled events drive cores over journals that others left, one frame an event.

``alo-journals`` names a folder of journals. Their days are moved to days for which LEAN has data, and every
core sees its journal's own times. What came of each is written to the object store.
"""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path

from AlgorithmImports import FuncTimeRule, QCAlgorithm, Resolution

from alo_lib.core import TradingCore
from alo_lib.journal import Journal, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import Kind, Message
from alo_lib.settings import Settings
from tests.core.logical import inputs_of

DAY = dt.date(2015, 12, 23)
EPOCH = dt.datetime(1970, 1, 1)


class Driven:
    """One core and its journal's inputs, taken in by time."""

    def __init__(self, journal: Journal) -> None:
        self.settings = Settings.of(json.loads(journal.settings))
        self.store = MemoryStore()
        writer = JournalWriter(self.store, segment_bytes=1 << 22, settings=journal.settings)
        self.core = TradingCore(self.settings, writer)
        self.inputs: list[Message] = list(inputs_of(journal.messages))
        length = self.settings.frame_nanoseconds
        opened = [message.time for message in journal.messages if message.kind is Kind.FRAME]
        self.frames = {time + number * length for time in opened for number in range(4)}  # some of them without news

    def frame(self, time: int) -> None:
        if time not in self.frames:
            return
        while self.inputs and self.inputs[0].time < time:
            self.core.accept(self.inputs.pop(0))
        if self.core.open_frame(time):
            self.core.run()

    def ended(self) -> dict[str, str]:
        for message in self.inputs:
            self.core.accept(message)
        journal = read_journal(self.store.images(), unfinished=True)
        return {"slots": self.core.slot_trace.digest, "digest": message_digest(journal.messages)}


class LeanDriver(QCAlgorithm):
    """One scheduled event for all frames of all journals."""

    def initialize(self) -> None:
        folder = Path(self.get_parameter("alo-journals"))
        self.driven = {path.name: Driven(read_journal(path)) for path in sorted(folder.iterdir())}
        first = min(min(driven.frames) for driven in self.driven.values())
        day = (EPOCH + dt.timedelta(microseconds=first // 1000)).date()
        self.moved = dt.datetime.combine(DAY, dt.time()) - dt.datetime.combine(day, dt.time())
        self.set_start_date(DAY.year, DAY.month, DAY.day)
        self.set_end_date(2015, 12, 28)
        spy = self.add_equity("SPY", Resolution.DAILY).symbol
        self.times = self.frame_times()
        self.schedule.on(self.date_rules.every_day(spy), FuncTimeRule("frames", self.times_of), self.on_frame)

    def frame_times(self) -> list[dt.datetime]:
        """The frames of all journals, in LEAN's time, UTC."""
        times = set[int]().union(*(driven.frames for driven in self.driven.values()))
        return [EPOCH + dt.timedelta(microseconds=time // 1000) + self.moved for time in sorted(times)]

    def times_of(self, dates: Iterable[dt.datetime]) -> list[dt.datetime]:
        days = {date.date() for date in dates}
        return [time for time in self.times if time.date() in days]

    def on_frame(self) -> None:
        moved = self.utc_time.replace(tzinfo=None) - self.moved - EPOCH
        time = (moved // dt.timedelta(microseconds=1)) * 1000
        for driven in self.driven.values():
            driven.frame(time)

    def on_end_of_algorithm(self) -> None:
        self.object_store.save("driven", json.dumps({name: each.ended() for name, each in self.driven.items()}))
