"""A live account that days are played to: LEAN, or LEAN and a core process, under clocks that are steered."""

import datetime as dt
import os
import shutil
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from alo_lib.cli.project import ROOT
from alo_lib.journal import (
    Journal,
    JournalError,
    object_store_key,
    orders_of,
    read_journal,
    segments_in_object_store,
    volume_of,
)
from alo_lib.records import OPTION_MULTIPLIER, Kind
from alo_lib.runtime.link import Channel, channel_folder
from alo_lib.settings import Settings
from alo_lib.transport import default_folder
from tests.live.live_run import PATIENCE, LiveCore, LiveLean
from tests.live.soaked_market import SETTINGS, TICKER, at
from tests.live.steered_clock import SteeredClock
from tests.live.test_restart import all_is_told, at_broker, held

__all__ = ["ALONE", "STRUCK", "SoakedAccount"]

ALONE: Final = "alone"
STRUCK: Final = "struck"
_CREEP: Final = 0.04
"""While LEAN starts: a minute of it must not take a bar."""
_A_DAY: Final = 1200.0
"""Seconds for what takes four minutes on a quiet machine."""
_WHOLE: Final = ("11:00", "12:00", "13:00", "14:30", "16:02")
_SHORT: Final = ("10:00", "10:05", "10:12", "10:17", "10:25")
"""When it is killed, parted, upgraded and damaged, and when the day is told of; New York."""
_SOURCE: Final = Path("alo_lib/strategy/targets.py")
_IDLE: Final = 0.4
"""Share of a processor that LEAN takes at most where it has nothing left to do."""
_LOOK: Final = 0.5
_SPAN: Final = 10
"""Looks of what is compared where it is not idle."""


class SoakedAccount:
    """One account: LEAN lives on it from day to day; where it is struck, four things befall it each day."""

    def __init__(
        self,
        folder: Path,
        market: Path,
        host: str,
        what: str,
        speed: float,
        *,
        short: bool = False,
        store_bytes: int = 0,
    ) -> None:
        """``store_bytes`` are those that LEAN's object store keeps; 0 for LEAN's own limit."""
        self._folder, self._market, self._speed, self._what = folder, market, speed, what
        self._times = _SHORT if short else _WHOLE
        self._place = folder / "account"
        self._place.mkdir(parents=True, exist_ok=True)
        self._channel: Channel | None = None
        begin = at(dt.date.fromisoformat(SETTINGS["start"]), "08:00:00")
        self._clock = SteeredClock(folder, begin, self._limit_of_core)
        self._settings = dict(SETTINGS)
        self._tree = ROOT
        self._core: LiveCore | None = None
        if host == "core":
            name = f"soak_{os.getpid()}_{what}"
            shared = default_folder()  # told, as the program's own bears a mark of its tree, and that is changed
            self._settings |= {"core_process": name, "core_folder": str(shared), "frame_milliseconds": 1000}
            self._channel = Channel(channel_folder(name, shared))
            options = "--folder", str(shared)
            self._core = LiveCore(name, self._place / "journal", self._of_core(), self._clock.environment, *options)
        environment = self._clock.environment | {"ALO_TEST_TICKER": TICKER}
        self._lean = LiveLean(self._place, market, Settings.of(self._settings), environment)
        self._lean.err()
        self._lean.store_bytes = store_bytes
        self._lives = 0
        self._last_bar = 0.0
        self._said: list[str] = []
        self._played = self._took = 0.0  # seconds of the day at full speed, and what they took

    def go_back(self, day: str) -> None:
        """Go back to the end of a day that was kept."""
        shutil.rmtree(self._place)
        shutil.copytree(self._folder / day, self._place)

    def keep(self, day: dt.date) -> None:
        """Keep the account as it is, while nothing happens."""
        self._clock.run(0.0)
        shutil.rmtree(self._folder / str(day), ignore_errors=True)
        shutil.copytree(self._place, self._folder / str(day))
        for earlier in self._folder.glob("20??-??-??"):
            if earlier.name != str(day):
                shutil.rmtree(earlier)

    def close(self) -> None:
        """End what lives, and take away what it shared."""
        self.kill()
        if self._core is not None:
            self._core.remove()
        self._clock.close()

    def kill(self) -> None:
        """End what lives as a power cut would."""
        if self._core is not None:
            self._core.end(signal.SIGKILL)
        self._lean.kill()

    def play(self, day: dt.date) -> dict[str, Any]:
        """Play a day; returns what it came to."""
        began = time.monotonic()
        self._said, self._played, self._took = [], 0.0, 0.0
        self._pass_the_night(day)
        self._last_bar = at(day, "16:00:00")
        if self._what == STRUCK:
            blows = (self._kill, self._part, self._upgrade, self._damage)
            for when, strike in zip(self._times, blows, strict=False):
                self._run_until(at(day, f"{when}:04"))
                self._wait_until_told()
                strike(day)
        self._run_until(at(day, f"{self._times[-1]}:04"))
        self._wait_until_told()
        took = {"seconds": round(time.monotonic() - began, 1), "speed": round(self._played / self._took, 1)}
        return {"day": str(day), **self._outcome(day), **took}

    # What befalls it -----------------------------------------------------------------------------------------------

    def _kill(self, day: dt.date) -> None:
        self._end()
        self._start()

    def _part(self, day: dt.date) -> None:
        """Cut it off from its broker for three minutes."""
        (self._place / "disconnect").touch()
        self._run_until(self._clock.now() + 180)
        (self._place / "disconnect").unlink()
        self._clock.run(self._speed, in_step=True)
        self._lean.wait_for("that the broker is back", lambda: self._logged("the connection is back"))
        assert self._logged("the broker is disconnected")
        self._said.append("parted: 3 minutes")

    def _upgrade(self, day: dt.date) -> None:
        """Go on by another program that decides alike, or under settings that differ in what decides nothing now."""
        self._end()
        if day.toordinal() % 2:
            self._tree = ROOT if self._tree != ROOT else self._other_tree()
        else:
            end = dt.date.fromisoformat(self._settings["end"])
            later = dt.date.fromisoformat(SETTINGS["end"]) + dt.timedelta(days=3)
            self._settings["end"] = SETTINGS["end"] if end == later else str(later)
        self._lean.change(Settings.of(self._settings), self._tree)
        if self._core is not None:
            self._core.change(self._of_core(), self._tree)
        self._start()

    def _damage(self, day: dt.date) -> None:
        """Kill it and damage the segment at work; older damage is refused."""
        self._end()
        segments = self._segments()
        older = bytearray(segments[0])
        older[len(older.rstrip(b"\0")) // 2] ^= 0x40
        try:
            read_journal([bytes(older), *segments[1:]], unfinished=True)
        except JournalError as error:
            self._said.append(f"older damage is refused: {error}")
        else:
            raise AssertionError("damage in the middle of a journal was read as if it were none")
        copies = self._segments_at_work()
        both = bool(day.toordinal() % 2) or len(copies) == 1
        for path in copies if both else copies[:1]:
            content = bytearray(path.read_bytes())
            end = len(content.rstrip(b"\0"))
            content[end - 1 if both else end // 2] ^= 0x40
            path.write_bytes(content)
        self._said.append("damaged: the last entry" if both else "damaged: one of two copies, in its middle")
        self._start()

    # Lives ---------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Begin a life, and return once it has nothing left to do."""
        creep = _CREEP if self._core is None else 2 * _CREEP  # a core waits for its first frames
        self._clock.run(creep)
        if self._core is not None:
            self._core.start()
        self._lean.start()
        self._lives += 1
        self._lean.wait_for("the launch", lambda: self._logged("Launching analysis"), patience=_A_DAY)
        self._clock.run(10 * creep)
        self._lean.wait_for("its first look", lambda: self._clock.is_kept_up_with)
        self._rest()
        found = [line.split("alo recovery: ", 1)[1] for line in self._console() if "alo recovery: " in line]
        self._said += [f"life {self._lives}: {line}" for line in found]

    def _end(self) -> None:
        self._clock.run(0.0)
        self.kill()
        self._clock.forget_limit()

    def _pass_the_night(self, day: dt.date) -> None:
        """Be at work before the session is told; LEAN sees each midnight, and what is between is jumped over."""
        if not self._lives:
            self._clock.jump(at(day, "08:58:00"))
            self._start()
        else:
            self._clock.run(1.0)
            self._clock.jump(at(day - dt.timedelta(days=1), "23:59:40"))
            self._rest()
            self._run_until(at(day, "00:05:00"))
            self._clock.run(1.0)
            self._clock.jump(at(day, "08:58:00"))
            self._rest()

    def _run_until(self, end: float) -> None:
        began, at_first = time.monotonic(), self._clock.now()
        self._clock.run(self._speed, in_step=True)
        self._lean.wait_for("time", lambda: self._clock.now() >= end, patience=3 * _A_DAY, each=0.01)
        self._played += self._clock.now() - at_first
        self._took += time.monotonic() - began

    def _rest(self) -> None:
        """Wait until LEAN is idle, or has taken alike of the processor for a while: then it has begun all it begins."""
        used, end = [self._processor()], time.monotonic() + PATIENCE
        while not (is_idle(used) or is_level(used)):
            assert time.monotonic() < end, "LEAN does not come to rest"
            time.sleep(_LOOK)
            used.append(self._processor())

    def _wait_until_told(self) -> None:
        """Slowly, so that as little as can be passes until the journal has the last bar and all fills, on the disk."""
        self._clock.run(2.0)
        bar = min(self._clock.now() // 60 * 60, self._last_bar)

        def is_told() -> bool:
            journal = self._journal()
            kinds = Kind.QUOTE, Kind.EXPOSURE  # of which a volume that has just begun has the second alone
            times = [] if journal is None else [each.time for each in journal.messages if each.kind in kinds]
            return bool(times) and max(times) >= bar * 1e9 and all_is_told(self._lean, journal)

        self._lean.wait_for("the last bar and all fills", is_told, each=0.1)

    # What it is ----------------------------------------------------------------------------------------------------

    def _outcome(self, day: dt.date) -> dict[str, Any]:
        journal = self._journal()
        assert journal is not None
        numbers = [order.number for order in orders_of(journal.messages) if order.number]
        assert numbers == sorted(set(numbers))
        assert held(journal) == at_broker(self._lean)
        fills = []
        for line in self._lines("fills.txt"):
            when, symbol, quantity, price, tag = line.split("|")
            if when.startswith(str(day)):
                fills.append([symbol, int(float(quantity)), float(price), tag.partition(" ")[0]])
        cash = self._place / "cash.json"
        return {
            "held": at_broker(self._lean),
            "cash": float(cash.read_text()) if cash.exists() else float(SETTINGS["cash"]),
            "journal_cash": round(SETTINGS["cash"] - spent(journal), 2),
            "fills": fills,
            "orders": len(numbers),
            "messages": len(journal.messages),
            "memory": {
                name: resident(process.pid)
                for name, process in (("lean", self._lean), ("core", self._core))
                if process is not None
            },
            "lives": self._lives,
            "said": self._said,
        }

    def _journal(self) -> Journal | None:
        return self._lean.journal if self._core is None else self._core.journal

    def _segments(self) -> list[bytes]:
        if self._core is None:
            return segments_in_object_store(self._place / "store")
        return [path.read_bytes() for path in sorted((self._place / "journal").glob("*.segment"))]

    def _segments_at_work(self) -> list[Path]:
        """The files of the last segment: LEAN's object store has two copies."""
        if self._core is not None:
            return sorted((self._place / "journal").glob("*.segment"))[-1:]
        store, number = self._place / "store", len(self._segments()) - 1
        volume = volume_of(read_journal(self._segments(), unfinished=True).messages).number
        return [store / object_store_key(number, copy=copy, volume=volume) for copy in (False, True)]

    def _limit_of_core(self) -> int:
        """A frame and a half beyond the core's last: after two without a heartbeat its host takes it for late."""
        if self._channel is None or not (frame := int(self._channel.heartbeat.read().value["time"])):
            return 0
        return frame + 1_500_000_000

    def _of_core(self) -> dict[str, str]:
        place = "core_process", "core_folder"
        return {name.replace("_", "-"): str(value) for name, value in self._settings.items() if name not in place}

    def _other_tree(self) -> Path:
        """The program with another text that decides the same."""
        tree = self._folder / "tree"
        if not tree.exists():
            for room in ("algorithm", "models", "alo_lib"):
                shutil.copytree(ROOT / room, tree / room)
            (tree / _SOURCE).write_text((tree / _SOURCE).read_text() + "\nUPGRADED = True\n")
        return tree

    def _logged(self, what: str) -> bool:
        return any(what in line for line in self._console())

    def _console(self) -> list[str]:
        return self._lean.console.read_text(errors="replace").splitlines()

    def _lines(self, name: str) -> list[str]:
        path = self._place / name
        return path.read_text().splitlines() if path.exists() else []

    def _processor(self) -> float:
        """Seconds of processor time that LEAN took so far."""
        fields = Path(f"/proc/{self._lean.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_idle(used: list[float]) -> bool:
    """Whether a process took next to nothing in the last four looks at its seconds of processor time."""
    return len(used) > 4 and used[-1] - used[-5] < 4 * _LOOK * _IDLE


def is_level(used: list[float]) -> bool:
    """Whether it took the same, within a fifth, in the last three spans of them."""
    marks = used[-1 : -2 - 3 * _SPAN : -_SPAN]
    taken = [later - earlier for later, earlier in pairwise(marks)]
    return len(taken) == 3 and max(taken) <= 1.2 * min(taken)


def resident(pid: int) -> int:
    """Resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def spent(journal: Journal) -> float:
    """What the journal's fills cost, with their fees."""
    cost = 0.0
    for order in orders_of(journal.messages):
        if order.filled:
            shares = 1 if order.symbol == TICKER else OPTION_MULTIPLIER
            cost += order.filled * order.price * shares + order.fee
    return cost
