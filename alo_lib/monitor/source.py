"""What is meant by a name: a core process, a run's folder, or a folder of LEAN's results."""

import os
from dataclasses import dataclass
from pathlib import Path

from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.runtime.link import HEARTBEAT_NAME, JOURNAL_LINK, PROJECT, channel_folder
from alo_lib.telemetry.layout import STATE_NAME
from alo_lib.telemetry.reading import Telemetry, published_in
from alo_lib.transport import TransportError, default_folder
from alo_lib.transport.inspection import Look
from alo_lib.views.run import PARTIAL

__all__ = ["MonitorError", "Source", "find_source"]


class MonitorError(ValueError):
    """There is nothing to be seen; the message is one sentence that says where it was looked for."""


@dataclass(frozen=True)
class Source:
    """Where a run shows how it stands."""

    name: str
    folder: Path  # of the core's channel, of the run, or of LEAN's results
    channel: bool  # whether it is the channel of a core process

    @property
    def published(self) -> Path | None:
        """The folder of its telemetry; a run that ends takes its folder along under another name."""
        for folder in (self.folder, *self._renamed()):
            if (found := published_in(folder)) is not None:
                return found
        return None

    def journal(self, telemetry: Telemetry | None) -> Path:
        """The folder that its journal is in, or will be: what lies beside it first, else what the run itself says."""
        if self.channel:
            return (self.folder / JOURNAL_LINK).resolve()
        for folder in (self.folder, *self._renamed()):
            if (folder / JOURNAL_FOLDER).is_dir():
                return folder / JOURNAL_FOLDER
        told = Path() if telemetry is None else Path(os.fsdecode(bytes(telemetry.state["journal"])))
        return told if told.is_absolute() else self.folder / JOURNAL_FOLDER

    def _renamed(self) -> tuple[Path, ...]:
        return (self.folder.with_suffix(""),) if self.folder.suffix == PARTIAL else ()


def find_source(target: Path | None, backtests: Path) -> Source:
    """What a person means: the name of a core or of a run in ``backtests``, or a folder; None is what runs now.

    That is the one core of this project that lives, else the run in ``backtests`` that shows itself and began last.

    :raises MonitorError: where there is none.
    """
    if target is None:
        return _what_runs(backtests)
    if len(target.parts) == 1 and (channel := channel_folder(str(target))).is_dir():
        return Source(str(target), channel, channel=True)
    for folder in (target, backtests / target, backtests / f"{target}{PARTIAL}"):
        if folder.is_dir() and published_in(folder) is not None:
            return Source(folder.resolve().name, folder.resolve(), channel=(folder / HEARTBEAT_NAME).is_file())
    if target.is_dir():
        raise MonitorError(f"{target} does not show how a run stands: it holds no folder telemetry")
    raise MonitorError(
        f"there is no core {target}, no run of that name in {backtests} and no folder {target}; 'alo core NAME' starts "
        "a core, 'alo runs' lists runs"
    )


def _what_runs(backtests: Path) -> Source:
    mark = channel_folder("x").name.removeprefix("x")
    place = default_folder()
    channels = sorted(place.glob(f"*{mark}")) if place.is_dir() else []
    cores = [each for each in channels if _lives(each)]
    if len(cores) == 1:
        return Source(cores[0].name.removesuffix(mark), cores[0], channel=True)
    if cores:
        names = ", ".join(each.name.removesuffix(mark) for each in cores)
        raise MonitorError(f"there are {len(cores)} cores of {PROJECT}; name one: {names}")
    runs = [each for each in backtests.iterdir() if published_in(each) is not None] if backtests.is_dir() else []
    if not runs:
        raise MonitorError(f"no core of {PROJECT} runs, and no run in {backtests} shows how it stands; start one")
    last = max(runs, key=lambda each: each.name)
    return Source(last.name, last.resolve(), channel=False)


def _lives(channel: Path) -> bool:
    """Whether the process that shows itself in a core's channel lives, or cannot be said not to."""
    place = published_in(channel)
    if place is None:
        return False
    try:
        look = Look(place / STATE_NAME)
    except TransportError:  # removed meanwhile, or of no use to anybody
        return False
    try:
        writer = look.report().writer
    except TransportError:
        return False
    finally:
        look.close()
    return writer.pid != 0 and writer.alive is not False
