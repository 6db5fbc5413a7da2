"""How a run stands at one moment, put together of shared memory and journal: what terminal, page and metrics show."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from alo_lib.journal import JournalError
from alo_lib.monitor.book import FOLLOWED, BookFollowed
from alo_lib.monitor.journal_tail import JournalTail
from alo_lib.monitor.source import MonitorError, Source
from alo_lib.records import PROFIT_PARTS, WHOLE_BOOK, BookMode, Kind, OrderStatus, halts_of
from alo_lib.records.spelling import spelled
from alo_lib.runtime.fence import OLDEST_LOOK, STANDBY, STANDBY_NAME
from alo_lib.runtime.last_state import last_state
from alo_lib.runtime.link import FRAMES_LATE, HEARTBEAT_NAME, RINGS, CorePhase, last_beat
from alo_lib.telemetry.layout import (
    COUNTERS,
    MOST_LIMITS,
    MOST_UNDERLYINGS,
    NOT_SUPPORTED,
    OVERRUN_CAUSES,
    UNKNOWN_HALTS,
    EngineKind,
    RunPhase,
)
from alo_lib.telemetry.reading import Telemetry, TelemetryFiles
from alo_lib.telemetry.usage import Usage
from alo_lib.transport import HistogramReading, Owner, TransportError
from alo_lib.transport.histogram import largest_of
from alo_lib.transport.inspection import Look
from alo_lib.views.run import exchange_moment
from alo_lib.views.spoken import or_none
from alo_lib.views.units import PEOPLES

__all__ = ["NOT_SEEN", "QUANTILES", "Monitor", "Seen"]

NOT_SEEN: Final = (MonitorError, TransportError, JournalError, OSError)
"""Why a look may find nothing, for a while: a core that is started again makes its files anew."""

QUANTILES: Final = {"min": 0.0, "median": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999, "max": 1.0}
"""What is told of a histogram."""

KILLED: Final = "killed"
"""The phase of a run whose process is gone without having said so."""

GREEKS: Final = ("delta", "gamma", "vega", "theta")
_BARS: Final = 4
"""Bars a doubling, of a histogram as it is drawn."""
_SHORTEST: Final = 0.001
"""Seconds of a frame at the least, for who looks as often as there are frames."""
_AT_WORK: Final = (RunPhase.STARTING.value, RunPhase.RUNNING.value)


@dataclass(frozen=True)
class Seen:
    """A run at one moment."""

    told: dict[str, Any]  # as ``alo monitor --json`` prints it
    telemetry: Telemetry


class Monitor:
    """Looks at a run. Nothing of it is written to, and it waits for nobody.

    :raises MonitorError: where the run shows nothing.
    :raises SegmentError: where what it shows is of another version, or damaged.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._files = self._opened()
        self._follow_anew(Path())
        self._frame_seconds = _SHORTEST

    def look(self, *, journal: bool = True) -> Seen:
        """How the run stands now; without its ``journal`` from shared memory alone, which takes a millisecond.

        What it raises (NOT_SEEN) may pass, so who follows looks again.

        :raises MonitorError: where the run shows nothing any more.
        :raises TransportError: where what it shows cannot be read.
        :raises JournalError: where its journal is damaged.
        """
        if not self._files.in_place:  # a core that was started again may have made them anew
            opened = self._opened()
            self._files.close()
            self._files = opened
        telemetry = self._files.read()
        state = telemetry.state
        self._frame_seconds = max(int(state["length"]) / 1e9, _SHORTEST)
        beat = last_beat(self.source.folder / HEARTBEAT_NAME) if self.source.channel else None
        standing = self._standing(telemetry, beat)
        told = {
            "name": self.source.name,
            "engine": list(EngineKind)[int(state["engine"])].value,
            **standing,
            **_times(state, paced=beat is not None and bool(beat[0]["paced"])),
            "frames": _frames(state),
            "latency": {name: _latency(each) for name, each in telemetry.histograms.items()},
            "queues": self._queues(),
            "standby": self._standby(int(state["sequence"])),
            "journal": _journal(state, self.source.journal(telemetry)),
            "orders": {status.name.lower(): int(state["orders"][status]) for status in OrderStatus},
            **_book(state),
            "process": _process(state),
        }
        if journal:
            told |= self._followed(telemetry)
        return Seen(told, telemetry)

    @property
    def alive(self) -> bool | None:
        """Whether the run's process lives now; None where it cannot be told. It costs some microseconds."""
        return self._files.owner.alive

    @property
    def frame_seconds(self) -> float:
        """How long a frame is."""
        return self._frame_seconds

    def close(self) -> None:
        """Look no more."""
        self._files.close()

    def _opened(self) -> TelemetryFiles:
        place = self.source.published
        if place is None:
            raise MonitorError(f"{self.source.folder} does not show how a run stands any more")
        return TelemetryFiles(place)

    def _standing(self, telemetry: Telemetry, beat: "tuple[np.void, Owner] | None") -> dict[str, Any]:
        """Phase, process and heartbeat: a process that was killed cannot say so."""
        state, owner = telemetry.state, telemetry.owner
        phase, beaten = list(RunPhase)[int(state["phase"])].value, int(state["published"])
        length = int(state["length"])
        if beat is not None:
            phase, beaten, owner = list(CorePhase)[int(beat[0]["phase"])].value, int(beat[0]["monotonic"]), beat[1]
        age = (time.monotonic_ns() - beaten) / 1e9 if beaten else None
        gone = owner.alive is False
        if phase in _AT_WORK and gone:
            phase = KILLED
        late = age is None or (self.source.channel and age > FRAMES_LATE * length / 1e9)
        return {
            "phase": phase,
            "up": phase == RunPhase.RUNNING.value and not late,
            "late": phase == RunPhase.RUNNING.value and late,
            "pid": owner.pid or None,
            "heartbeat_age": age,
        }

    def _follow_anew(self, folder: Path) -> None:
        self._tail, self._book = JournalTail(folder, FOLLOWED), BookFollowed()

    def _queues(self) -> list[dict[str, Any]]:
        found = []
        for ring, name in RINGS.items() if self.source.channel else ():
            look = Look(self.source.folder / name)
            try:
                report = look.report()
                lag = None if report.lag is None else report.lag / 1e9
                found.append({"ring": ring, "waiting": report.depth, "capacity": report.capacity, "lag": lag})
            finally:
                look.close()
        return found

    def _standby(self, journaled: int) -> dict[str, Any] | None:
        """How the standby of a core stands; None where the core has never had one."""
        path = self.source.folder / STANDBY_NAME
        found = last_state(path, STANDBY, "state of the standby") if self.source.channel and path.exists() else None
        if found is None or not found[0]["monotonic"]:
            return None
        told, owner = found
        age = (time.monotonic_ns() - int(told["monotonic"])) / 1e9
        followed = int(told["followed"])
        return {
            "up": owner.pid != 0 and owner.alive is not False and age <= OLDEST_LOOK,
            "pid": owner.pid or None,
            "warm": followed >= 0,
            "behind": max(0, journaled - followed) if followed >= 0 else None,
            "lease": int(told["lease"]) / 1e9,
        }

    def _followed(self, telemetry: Telemetry) -> dict[str, Any]:
        folder = self.source.journal(telemetry)
        self._tail.folder = folder
        messages = self._tail.new()
        if messages is None:
            self._follow_anew(folder)
            messages = self._tail.new()
        for message in messages or ():
            self._book.take(message)
        book = self._book
        return {
            "positions": book.positions,
            "blotter": book.orders,
            "decisions": book.decisions,
            "notices": book.notices,
            "equity_curve": book.equity,
        }


def _times(state: "np.void", *, paced: bool) -> dict[str, Any]:
    """``paced`` says that a host tells a core process the time, which is then not the machine's."""
    time_, opens, closes = (int(state[name]) for name in ("time", "session_open", "session_close"))
    now = time.time_ns() if state["real"] and not paced else time_
    data = int(state["data_at"])
    return {
        "real_time": bool(state["real"]),
        "started": int(state["started"]) / 1e9,
        "frame_length": int(state["length"]) / 1e9,
        "time": exchange_moment(time_) if time_ else None,
        "session": [exchange_moment(opens), exchange_moment(closes)] if closes else None,
        "session_open": bool(opens <= now < closes),
        "data_age": (time.monotonic_ns() - data) / 1e9 if data else None,
        "broker_connected": bool(state["broker"]),
    }


def _frames(state: "np.void") -> dict[str, Any]:
    tasks = [name.decode() for name in state["tasks"].tolist() if name]
    overruns = {
        task: {
            "budget": int(state["budgets"][place]) / 1e9,
            **{cause.name.lower(): int(state["overruns"][place][which]) for which, cause in enumerate(OVERRUN_CAUSES)},
            "degraded": int(state["degraded"][place]),
            "skipped": int(state["skipped"][place]),
        }
        for place, task in enumerate(tasks)
    }
    counts = ("released", "run", "missed", "late", "refused", "conflated", "undelivered")
    return {"number": int(state["frame"]), **{name: int(state[name]) for name in counts}, "tasks": overruns}


def _latency(reading: HistogramReading) -> dict[str, Any]:
    """Seconds; ``histogram`` has upper ends and counts, of as many bars as there are from first to last."""
    told = dict(zip(QUANTILES, (reading.quantiles(list(QUANTILES.values())) / 1e9).tolist(), strict=True))
    step = 128 // _BARS
    used = np.flatnonzero(reading.counts)
    bars = []
    if len(used):
        for first in range(int(used[0]) // step * step, int(used[-1]) + 1, step):
            end = min(first + step, len(reading.counts)) - 1
            bars.append([largest_of(end) / 1e9, int(reading.counts[first : end + 1].sum())])
    sums = {"count": reading.count, "sum": reading.total / 1e9}
    return {**sums, **{name: or_none(value) for name, value in told.items()}, "histogram": bars}


def _journal(state: "np.void", folder: Any) -> dict[str, Any]:
    appended, durable = int(state["sequence"]), int(state["durable"])
    kinds = {kind.name.lower(): int(state["messages"][kind]) for kind in Kind if state["messages"][kind]}
    room = shutil.disk_usage(folder) if os.path.isdir(folder) else None
    return {
        "folder": str(folder),
        "messages": appended,
        "durable": durable,
        "lag": appended - durable,
        "kinds": kinds,
        "disk_free": None if room is None else room.free,
        "disk_size": None if room is None else room.total,
    }


def _book(state: "np.void") -> dict[str, Any]:
    names = {}
    greeks = []
    for place in range(min(int(state["exposures_told"]), MOST_UNDERLYINGS)):
        row, symbol = state["exposures"][place], state["symbols"][place].decode(errors="replace")
        names[int(row["underlying"])] = symbol
        figures = {
            name: or_none(float(row[name]) * PEOPLES[name].scale) for name in ("delta", "gamma", "vega", "theta")
        }
        counts = {"structures": int(row["structures"]), "shares": int(row["shares"])}
        money = {name: or_none(float(row[name])) for name in ("spot", "value", "equity")}
        greeks.append({"underlying": symbol, **figures, **counts, **money})
    limits = [_limit(state["limits"][place], names) for place in range(min(int(state["limits_told"]), MOST_LIMITS))]
    known = int(state["halts"]) != UNKNOWN_HALTS
    halts = halts_of(int(state["halts"])) if known else ()
    mode = max((cause.mode for cause in halts), default=BookMode.NORMAL).name.lower()
    return {
        "equity": greeks[-1]["equity"] if greeks else None,
        "greeks": greeks,
        "limits": limits,
        "profit": {part: float(state["profit"][place]) for place, part in enumerate(PROFIT_PARTS)},
        "trades_open": int(state["trades_open"]),
        "halts": [cause.name.lower() for cause in halts] if known else None,
        "mode": mode if known else None,
        "left_out": {
            "underlyings": max(0, int(state["exposures_told"]) - MOST_UNDERLYINGS),
            "limits": max(0, int(state["limits_told"]) - MOST_LIMITS),
        },
    }


def _limit(row: "np.void", names: dict[int, str]) -> dict[str, Any]:
    used, allowed = float(row["used"]), float(row["allowed"])
    whole = row["underlying"] == WHOLE_BOOK
    return {
        "limit": spelled(row["limit"].decode(errors="replace")),
        "underlying": "book" if whole else names.get(int(row["underlying"]), str(row["underlying"])),
        "days": "all" if row["days"] == WHOLE_BOOK else str(row["days"]),
        "used": or_none(used),
        "allowed": or_none(allowed),
        "ratio": or_none(used / allowed) if allowed > 0.0 else None,
    }


def _process(state: "np.void") -> dict[str, Any]:
    usage = Usage(*state["usage"].tolist())
    counters = {
        name: None if state["counters"][place] == NOT_SUPPORTED else int(state["counters"][place])
        for place, name in enumerate(COUNTERS)
    }
    return {
        "user_seconds": usage.user / 1e9,
        "system_seconds": usage.system / 1e9,
        "switches": {"voluntary": usage.voluntary, "involuntary": usage.involuntary},
        "faults": {"minor": usage.minor, "major": usage.major},
        "resident": usage.resident,
        "counters": counters,
    }
