"""Runs that go on for long, and what they take of the machine: ``python -m tests.runtime.long_runs frames COUNT``.

``frames`` drives a core process by a clock that jumps: a frame each 10 ms of its time, with news in some, as fast as
they can be released. ``news`` decides frames that all have news. Both print one line of JSON: resident bytes and
descriptors after a quarter of the frames and at the end, and what the run did. 24 hours are 8,640,000 frames.
"""

import gc
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from alo_lib.core import TradingCore
from alo_lib.executive import LogicalClock, Release
from alo_lib.journal import Durability, JournalWriter
from alo_lib.journal.index import read_index
from alo_lib.records import InstrumentTable, Kind, Message, records
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess
from tests.core.script import FIRST, Script, at
from tests.core.seeds import SETTINGS

FRAME = SETTINGS.frame_nanoseconds


def taken() -> tuple[int, int]:
    """Resident bytes and open descriptors of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize(), len(os.listdir("/proc/self/fd"))


class Host:
    """What a script needs of a core, at the other end of a channel."""

    def __init__(self, channel: Channel) -> None:
        self.instruments = InstrumentTable()
        self._inputs, self._answers = channel.host_side()

    def accept(self, message: Message) -> None:
        self._inputs.push(message)

    def open_frame(self, time: int) -> bool:
        """The core opens its frames itself."""
        return False

    def take(self) -> int:
        """How many answers have come."""
        count = 0
        while self._answers.pop() is not None:
            count += 1
        return count

    def close(self) -> None:
        self._inputs.close()
        self._answers.close()


class Jumping(LogicalClock):
    """A clock that is at each deadline at once, and lets ``each`` happen there."""

    def __init__(self, start: int, each: Callable[[int], None]) -> None:
        super().__init__(start)
        self._each, self._count = each, 0

    def wait_until(self, deadline: int) -> Release:
        self._each(self._count)
        self._count += 1
        return super().wait_until(deadline)


def quoted(market: Script) -> None:
    """Begin a market that moves a little and is not forecast: two closes are too few."""
    market.frames = lambda time: []  # type: ignore[method-assign]
    market.session(new_closes=[100.0, 101.0])
    market.bar(10)


def moved(number: int, market: Script, core: Host | TradingCore, time: int) -> None:
    """News: the underlying's trade, and now and then all quotes."""
    core.accept(Message(Kind.TRADE, time, records(Kind.TRADE, close=100 + number % 7 / 100, volume=1)))
    if number % 10 == 0:
        core.accept(Message(Kind.QUOTE, time, market.quotes))


def frames(folder: Path, count: int, every: int = 50) -> dict[str, float]:
    """``count`` frames of a core process with news in each of ``every``: what it takes at a quarter and at the end."""
    channel = Channel(folder / "channel", slots=1 << 12)
    host, market, seen = Host(channel), Script(SETTINGS), dict[str, float]()
    market.core = host  # type: ignore[assignment]
    market.underlying = host.instruments.add_equity("TEST")
    begin = at(FIRST, 10)
    answers = 0

    def each(number: int) -> None:
        nonlocal answers
        if number == 0:
            quoted(market)
        elif number % every == 0:
            moved(number // every, market, host, begin + number * FRAME)
            answers += host.take()
        if number == count // 4:
            seen["bytes_before"], seen["descriptors_before"] = taken()

    clock = Jumping(time.monotonic_ns(), each)
    process = CoreProcess(
        SETTINGS, channel, folder / "journal", durability=Durability.OS, clock=clock, wall=WallClock(lambda: begin)
    )
    started = time.perf_counter()
    ending = process.run(count)
    seconds = time.perf_counter() - started
    seen["bytes"], seen["descriptors"] = taken()
    process.close()
    host.close()
    channel.remove()
    seen |= {"frames": ending.frames, "news": ending.run, "answers": answers, "missed": ending.missed}
    return seen | {"seconds": seconds, "speed": count * FRAME / 1e9 / seconds}


def news(folder: Path, count: int) -> dict[str, float]:
    """``count`` frames of a core, each with news, on a journal of many small segments."""
    market, seen = Script(SETTINGS), dict[str, float]()
    writer = JournalWriter.create(folder / "journal", settings=b"{}", segment_bytes=1 << 18)
    market.writer, market.core = writer, TradingCore(SETTINGS, writer)
    market.underlying = market.core.instruments.add_equity("TEST")
    quoted(market)
    begin, started = at(FIRST, 10), time.perf_counter()
    for number in range(1, count + 1):
        moved(number, market, market.core, begin + number * FRAME)
        assert market.core.open_frame(begin + number * FRAME + FRAME // 2)
        market.core.run()
        if number == count // 4:
            seen["bytes_before"], seen["descriptors_before"] = taken()
    seen["bytes"], seen["descriptors"] = taken()
    seen |= {"frames": count, "messages": writer.sequence, "seconds": time.perf_counter() - started}
    market.core.stop()
    writer.close()
    segments = read_index(folder / "journal")
    return seen | {"segments": len(segments), "growth_a_frame": (seen["bytes"] - seen["bytes_before"]) / (0.75 * count)}


def main(what: str, count: int) -> int:
    with tempfile.TemporaryDirectory(prefix="alo-test-") as place:
        found = {"frames": frames, "news": news}[what](Path(place), count)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
