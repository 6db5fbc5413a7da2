"""One trial, run by whichever worker has it: it is in its folder once, whole, however often it is begun."""

import datetime as dt
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from alo_lib.cli.backtesting import BacktestRequest, run_in
from alo_lib.cli.engines import engine_named
from alo_lib.cli.failures import sentence_of
from alo_lib.cli.json_output import json_text
from alo_lib.cli.project import prepare_compilation_cache
from alo_lib.cli.run_folder import RunFolder
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.records.json_reading import json_object_of
from alo_lib.records.spelling import spelled
from alo_lib.records.whole_files import write_whole
from alo_lib.settings import Settings
from alo_lib.simulation.engine import run_program
from alo_lib.sweep import SweepError
from alo_lib.sweep.outcomes import Result
from alo_lib.sweep.plan import Trial
from alo_lib.views.performance import session_returns
from alo_lib.views.run import PARTIAL, Run

__all__ = [
    "TRIAL_FILE",
    "MarketJob",
    "TrialJob",
    "command_of",
    "make_market",
    "read_result",
    "run_trial",
    "trial_in",
]

TRIAL_FILE: Final = "trial.json"
"""In the folder of a trial that has ended: what it was of, and the returns of its sessions."""
_FAILED: Final = ".failed.json"
_AGAIN: Final = "remove {} to run the trial again"


@dataclass(frozen=True)
class TrialJob:
    """What a worker needs to run a trial."""

    trial: Trial
    trials: Path  # the folder of all of them
    data: Path
    program: str


@dataclass(frozen=True)
class MarketJob:
    """What a worker needs to make a market."""

    market: Path  # its folder
    truth: dict[str, Any]


def run_trial(job: TrialJob) -> Result:
    """Run a trial and leave it in its folder, or a file that says why it failed; what is there already is told.

    What is wrong with the worker or its machine is no failure of the trial: it is lost, and run again another time.
    A worker that dies half-way leaves a folder of another name. Of two that run the same trial, the first has it.
    """
    found = read_result(job.trials, job.trial)
    if found is not None:
        return found
    _clear(job.trials / job.trial.name)
    prepare_compilation_cache()
    folder = RunFolder(_aside(job.trials / job.trial.name), job.trials / job.trial.name)
    try:
        if (here := run_program()) != job.program:
            folder.discard()
            return Result(job.trial, "lost", f"its worker has program {here}, the sweep has {job.program}")
        trial_in(folder, job.trial, job.data)
    except OSError as error:  # of the worker's machine, not of the trial
        folder.discard()
        return Result(job.trial, "lost", sentence_of(error) or str(error))
    except Exception as error:
        folder.discard()
        why = sentence_of(error) or f"{type(error).__name__}: {error}"
        content = {"digest": job.trial.digest, "why": why}
        write_whole(job.trials / f"{job.trial.name}{_FAILED}", json_text(content, indent=2) + "\n")
        return Result(job.trial, "failed", why)
    _settle(folder.path, folder.final)
    told = read_result(job.trials, job.trial)
    assert told is not None
    return told


def _clear(final: Path) -> None:
    """Take away a folder that has no file of a trial: what runs again could not be given its name."""
    if final.is_dir() and not (final / TRIAL_FILE).is_file():
        damaged = final.with_name(f"{final.name}.{uuid.uuid4().hex[:12]}{PARTIAL}")
        final.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)


def _aside(final: Path) -> Path:
    """A new folder beside a place, for one attempt."""
    path = final.with_name(f"{final.name}.{uuid.uuid4().hex[:12]}{PARTIAL}")
    path.mkdir(parents=True)
    return path


def _settle(made: Path, final: Path) -> None:
    """Give what an attempt has made its name; where another attempt was first, this one is not needed."""
    try:
        made.rename(final)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        if not final.is_dir():
            raise


def trial_in(folder: RunFolder, trial: Trial, data: Path) -> None:
    """Run a trial over ``data`` in ``folder``, which keeps its name."""
    began = time.perf_counter()
    settings = Settings.of(trial.settings)
    request = BacktestRequest(
        engine="embedded",
        settings=settings,
        data=data,
        default_data=data,
        output=folder.path.parent,
        command=tuple(command_of(trial, data)[1:]),
        page=False,
    )
    run, _ = run_in(folder, engine_named("embedded"), request, data)
    by_session = session_returns(run)
    folder.write_json(
        TRIAL_FILE,
        {
            "trial": trial.number,
            "digest": trial.digest,
            "market": trial.market,
            "point": dict(trial.point),
            "condition": trial.condition.stated(),
            "settings": trial.settings,
            "program": run_program(),
            "data": str(data),
            "days": [str(day) for day in by_session.date.tolist()],
            "returns": (by_session.returns - by_session.hurdle).tolist(),
            "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - began, 3),
        },
    )


def read_result(folder: Path, trial: Trial) -> Result | None:
    """What came of a trial that has ended; None where it has not.

    :raises SweepError: when what has its name is not of this trial, or is damaged.
    """
    path, failed = folder / trial.name, folder / f"{trial.name}{_FAILED}"
    if path.exists() and not path.is_dir():
        raise SweepError(f"{path} is a file, not the folder of trial {trial.number}; {_AGAIN.format('it')}")
    if (path / TRIAL_FILE).is_file():
        told = _told(path / TRIAL_FILE, trial, path)
        run = Run(path)
        provenance = {
            "folder": str(path),
            "program": told.get("program"),
            "data_digest": run.data.get("digest"),
            "seconds": told.get("seconds"),
        }
        return Result(trial, "done", "", run.summary, provenance, *_sessions(told, path))
    if failed.is_file():
        told = _told(failed, trial, failed)
        return Result(trial, "failed", str(told.get("why")))
    return None


def _told(file: Path, trial: Trial, path: Path) -> dict[str, Any]:
    """What a file says of a trial. SweepError when it is damaged, or of another one; ``path`` is what to remove."""
    try:
        told = json_object_of(file, "file of a trial")
    except ValueError as error:
        raise SweepError(f"{error}; {_AGAIN.format(path)}") from None
    if "digest" not in told:
        raise SweepError(f"{file} is no file of a trial: it does not say 'digest'; {_AGAIN.format(path)}")
    if told["digest"] != trial.digest:
        raise SweepError(f"{path} is of another sweep: what was run there is not trial {trial.number} of this one")
    return told


def _sessions(told: dict[str, Any], path: Path) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Days and returns that the file of a trial says. SweepError when they are damaged."""
    days, returns = told.get("days"), told.get("returns")
    if (
        not isinstance(days, list)
        or not isinstance(returns, list)
        or len(days) != len(returns)
        or not all(isinstance(day, str) for day in days)
        or not all(value is None or type(value) in (int, float) for value in returns)
    ):
        raise SweepError(
            f"{path / TRIAL_FILE} is no file of a trial: it does not say days, and a return of each; "
            f"{_AGAIN.format(path)}"
        )
    return tuple(days), tuple(np.nan if value is None else float(value) for value in returns)


def command_of(trial: Trial, data: Path) -> list[str]:
    """The words of the command that runs a trial by itself."""
    settings = dict(trial.settings)
    words = ["alo", "backtest", "--data", str(data)]
    for name, option in (("underlyings", "--underlying"), ("start", "--start"), ("end", "--end")):
        words += [option, settings.pop(name)]
    for name, value in settings.items():
        words += ["--set", f"{spelled(name)}={value}"]
    return words


def make_market(job: MarketJob) -> str:
    """Make a market in its folder, unless it is there; why that is not possible, or nothing."""
    if job.market.is_dir():
        return ""
    prepare_compilation_cache()
    made = _aside(job.market)
    try:
        generate_market(made, MarketTruth.model_validate(job.truth))
    except Exception as error:
        shutil.rmtree(made, ignore_errors=True)
        return sentence_of(error) or str(error)
    _settle(made, job.market)
    return ""
