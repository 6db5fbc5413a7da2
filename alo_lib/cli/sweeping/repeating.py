"""A trial that is run again from its folder alone, and compared to the byte."""

import tempfile
from pathlib import Path
from typing import Any, Final

from alo_lib.cli.failures import UserError
from alo_lib.cli.run_folder import RunFolder
from alo_lib.cli.sweeping.trial import TRIAL_FILE, trial_in
from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.records.json_reading import json_object_of
from alo_lib.simulation.engine import run_program
from alo_lib.sweep.conditions import Condition
from alo_lib.sweep.plan import Trial
from alo_lib.views.run import PARTIAL

__all__ = ["Repeated", "repeat"]

Repeated = dict[str, Any]

_COMPARED: Final = (
    "orders.csv",
    "trades.csv",
    "settings.json",
    "main.json",
    "main-order-events.json",
    "main-summary.json",
)
"""What a run leaves beside its journal that tells of neither the machine nor the time."""


def repeat(path: Path) -> Repeated:
    """Run the trial in a folder again, elsewhere, and say which of its files are the same, byte by byte.

    :raises UserError: when the folder is no trial's, or its data are gone.
    """
    trial, data, program = _told(path)
    with tempfile.TemporaryDirectory(prefix="alo-repeat-") as place:
        again = Path(place) / f"again{PARTIAL}"
        again.mkdir()
        trial_in(RunFolder(again, Path(place) / "again"), trial, data)
        parts = [*(path / JOURNAL_FOLDER).glob("*.segment"), *(again / JOURNAL_FOLDER).glob("*.segment")]
        names = sorted({f"{JOURNAL_FOLDER}/{each.name}" for each in parts}) + list(_COMPARED)
        files = {name: _bytes(path / name) == _bytes(again / name) for name in names}
    here = run_program()
    return {
        "trial": trial.number,
        "folder": str(path),
        "same": all(files.values()),
        "files": files,
        "program": program,
        "program_now": here,
    }


def _told(path: Path) -> tuple[Trial, Path, str]:
    """The trial that was run in a folder, over which data, and by which program."""
    file = path / TRIAL_FILE
    if not file.is_file():
        raise UserError(f"{path} is no folder of a trial; name one below the trials/ of a sweep")
    try:
        told = json_object_of(file, "file of a trial")
    except ValueError as error:
        raise UserError(str(error)) from None
    try:
        trial = Trial(
            number=told["trial"],
            point=told["point"],
            condition=Condition.of(told["condition"]),
            settings=told["settings"],
            market=told["market"],
        )
        data, program = Path(told["data"]), told["program"]
    except KeyError as error:
        raise UserError(f"{file} is no file of a trial: it does not say {error}") from None
    except (TypeError, ValueError) as error:
        raise UserError(f"{file} is no file of a trial: {error}") from None
    if not data.is_dir():
        raise UserError(f"the data of the trial in {path} are gone: there is no folder {data}")
    return trial, data, program


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
