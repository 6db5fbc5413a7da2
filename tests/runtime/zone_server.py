"""Core processes that stand by in zones: ``python -m tests.runtime.zone_server FOLDER URL SECONDS``.

For each line of its input, ``ZONE JOURNAL``, it forks a process that has everything compiled, enters the zone and
stands by there until it leads, and prints its number. Its channel is ``FOLDER/ZONE``, its lease lasts ``SECONDS``.
"""

import signal
import sys
from pathlib import Path

from alo_lib.core import FRAME_PLAN
from alo_lib.executive import RealClock
from alo_lib.runtime.fence import FencedError
from alo_lib.runtime.follower import Follower
from alo_lib.runtime.leadership import leadership_of
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess, plans_of
from alo_lib.runtime.rehearsal import rehearse
from alo_lib.runtime.standby import Standby
from alo_lib.settings import Settings
from tests.core.seeds import SETTINGS
from tests.runtime.forked import serve
from tests.runtime.zones import enter

SLOTS = 1 << 14


def stand_by(place: Path, journal: Path, settings: Settings) -> int:
    def say(told: str) -> None:
        print(told, flush=True)

    leadership = leadership_of(settings, say, hangs_after=1.0)
    channel = Channel(place, slots=SLOTS, elsewhere=leadership.look, hear=lambda beat: leadership.beat())
    follower = Follower(settings, journal, plans_of(FRAME_PLAN, paced=False), adopts=True, hear=say)
    standby = Standby(channel, follower, lease=0.3, hear=say, may_lead=lambda: leadership.leads)
    leadership.begin()
    process = standby.take_over(
        lambda followed: CoreProcess(settings, channel, followed, clock=RealClock(0)),
    )
    assert process is not None
    signal.signal(signal.SIGTERM, lambda *_: process.stop())
    try:
        process.run()
    except FencedError as error:
        say(str(error))
        return 2
    finally:
        process.close()
        leadership.end()
    return 0


def main(folder: Path, url: str, seconds: int) -> None:
    lease = {"leader_lease": f"trial@{url}", "leader_lease_seconds": seconds, "frame_milliseconds": 20}
    settings = SETTINGS.model_copy(update=lease)

    def run(words: list[str]) -> int:
        zone, journal = words
        enter(zone)
        return stand_by(folder / zone, folder / journal, settings)

    rehearse(settings)
    serve(folder, run)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
