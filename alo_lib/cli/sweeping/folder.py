"""The folder of a sweep: what was asked for, its markets, a folder a trial, and the tables and page of all of them."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alo_lib.cli.failures import UserError
from alo_lib.cli.json_output import json_text
from alo_lib.records.json_reading import json_object_of
from alo_lib.records.whole_files import write_whole
from alo_lib.sweep.conditions import Condition
from alo_lib.sweep.plan import Sweep, trial_name
from alo_lib.views.run import PARTIAL

__all__ = ["PAGE_FILE", "SWEEP_FILE", "TABLE_FILE", "SweepFolder", "sweep_around"]

SWEEP_FILE: Final = "sweep.json"
TABLE_FILE: Final = "trials.parquet"
PAGE_FILE: Final = "sweep.html"
_TRIALS: Final = "trials"
_LOCK: Final = ".lock"
_README: Final = """\
sweep.json       what was asked for, and the digests of the program and of it all
sweep.html       the page; it may be sent
trials.parquet   a row a trial: state, settings, digests, every figure, and the returns of its sessions
trials/          a folder a trial, as alo backtest leaves it: alo report draws it, alo sweep --repeat repeats it;
                 NUMBER.failed.json says why one failed, and the trial runs again when that file is removed
markets/         the markets that were generated, by seed
"""


class SweepFolder:
    """Where a sweep is kept; the same sweep goes on in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials = path / _TRIALS
        self.markets = path / "markets"

    @classmethod
    def ready(cls, path: Path, sweep: Sweep) -> "SweepFolder":
        """The folder at ``path``, new, or left by the same sweep. UserError when something else is there."""
        if path.exists() and not path.is_dir():
            raise UserError(f"{path} is a file; name a folder for the sweep")
        found = path / SWEEP_FILE
        if found.is_file():
            _require_same(found, sweep)
        elif path.is_dir() and any(path.iterdir()):
            raise UserError(f"{path} holds something else than a sweep; name an empty or a new folder")
        folder = cls(path.resolve())
        try:
            folder.trials.mkdir(parents=True, exist_ok=True)
            write_whole(path / "README.txt", _README)
            content = {**sweep.stated(), "digest": sweep.digest}
            write_whole(found, json_text(content, indent=2) + "\n")
        except OSError as error:
            raise UserError(f"the sweep cannot be written to {path}: {error.strerror}") from None
        return folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """While this lasts no other command runs the sweep. UserError when one does."""
        with (self.path / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(
                    f"another command is at work in {self.path}; wait for it, or name another folder"
                ) from None
            yield

    def data_of(self, condition: Condition, sweep: Sweep) -> Path:
        """The data that a condition is tried on."""
        if condition.seed is None:
            assert sweep.data is not None
            return Path(sweep.data)
        return self.market_of(condition.seed)

    def market_of(self, seed: int) -> Path:
        """The folder of a generated market."""
        return self.markets / f"seed-{seed}"

    def tidy(self) -> None:
        """Remove what attempts that died have left."""
        for place in (self.trials, self.markets):
            for path in place.glob(f"*{PARTIAL}"):
                shutil.rmtree(path, ignore_errors=True)

    @property
    def shown(self) -> str:
        """Its place as people write it: from here, where that is shorter."""
        return min(str(self.path), os.path.relpath(self.path), key=len)

    def shown_trial(self, number: int) -> str:
        """The folder of a trial, likewise."""
        return f"{self.shown}/{_TRIALS}/{trial_name(number)}"


def sweep_around(path: Path) -> Path | None:
    """The folder of the sweep of which the folder at ``path`` is a trial; None where it is none's."""
    trials = path.resolve().parent
    return trials.parent if trials.name == _TRIALS and (trials.parent / SWEEP_FILE).is_file() else None


def _require_same(found: Path, sweep: Sweep) -> None:
    try:
        told = json_object_of(found, "file of a sweep")
    except ValueError as error:
        raise UserError(str(error)) from None
    if "digest" not in told:
        raise UserError(f"{found} is no sweep's; name another folder")
    if told["digest"] != sweep.digest:
        now = sweep.stated()
        parts = [name for name, value in now.items() if told.get(name) != value]
        raise UserError(
            f"{found.parent} holds another sweep, whose {' and '.join(parts) or 'digest'} "
            f"differ{'s' if len(parts) < 2 else ''}; name another folder"
        )
