"""Core processes that stand by for each other: ``python -m tests.runtime.standby_server FOLDER LEASE``.

For each line of its input, ``CHANNEL``, it forks a process that has everything compiled and stands by at that channel,
and prints its number; a process that has ended its run in good order ends with status 0.
"""

import sys
from pathlib import Path

from alo_lib.core import FRAME_PLAN
from alo_lib.executive import RealClock
from alo_lib.journal import JournalError
from alo_lib.runtime.fence import FencedError
from alo_lib.runtime.follower import Follower
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess, plans_of
from alo_lib.runtime.rehearsal import rehearse
from alo_lib.runtime.standby import Standby
from tests.core.seeds import SETTINGS
from tests.runtime.forked import serve

SLOTS = 1 << 14


def stand_by(place: Path, lease: float) -> int:
    plans = plans_of(FRAME_PLAN, paced=True)
    follower = Follower(SETTINGS, place / "journal", plans, adopts=False, hear=lambda sentence: print(sentence))
    channel = Channel(place, slots=SLOTS)
    standby = Standby(channel, follower, lease=lease)
    try:
        process = standby.take_over(
            lambda followed: CoreProcess(SETTINGS, channel, followed, paced=True, clock=RealClock(0))
        )
    except JournalError as error:
        return 0 if "of a run that has ended" in str(error) else 1
    assert process is not None
    try:
        process.run()
    except FencedError:
        return 2
    finally:
        process.close()
    return 0


def main(folder: Path, lease: float) -> None:
    rehearse(SETTINGS)
    serve(folder, lambda words: stand_by(folder / words[0], lease))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
