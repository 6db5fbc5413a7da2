"""A process that serves core processes to tests, one channel after the other: ``python -m tests.runtime.core_server``.

It takes the folder of the channels, and for each the name, on the command line; every one is paced.
"""

import sys
from pathlib import Path

from alo_lib.executive import RealClock
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.rehearsal import rehearse
from tests.core.seeds import SETTINGS


def main(folder: Path, names: list[str]) -> None:
    rehearse(SETTINGS)
    for name in names:
        process = CoreProcess(
            SETTINGS, Channel(folder / name, slots=1 << 14), folder / name / "journal", paced=True, clock=RealClock(0)
        )
        ending = process.run()
        process.close()
        print(name, ending.frames, ending.slot_trace, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
