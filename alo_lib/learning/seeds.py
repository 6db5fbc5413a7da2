"""Trainings of several seeds, side by side in processes of their own, each going on from its checkpoint."""

import multiprocessing
import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.checkpoints import load_checkpoint, save_checkpoint
from alo_lib.learning.courses import Course, Lessons, episodes_for, lessons_of
from alo_lib.learning.episodes import Episodes
from alo_lib.learning.training import Trainer
from alo_lib.runtime.policy_file import save_policy
from alo_lib.strategy.hedging_policy import HedgingPolicy

__all__ = ["JUDGED_EVERY", "Report", "Trained", "train_seeds"]

Array = NDArray[np.float64]

JUDGED_EVERY: Final = 25
"""Iterations after which the policy is judged on paths kept apart, and the checkpoint is written."""
_MOST_APART: Final = 600


@dataclass(frozen=True)
class Report:
    """What people are told of a training on its way."""

    seed: int
    iteration: int
    of: int
    learned: float  # CVaR over the rule's, less 1, on the last batch
    judged: float  # the same on paths kept apart
    paths_a_second: float


@dataclass(frozen=True)
class Trained:
    """What came of one seed."""

    seed: int
    policy: HedgingPolicy
    curve: Array  # (m, 3): iteration, CVaR over the rule's less 1 on the batch, and on paths kept apart
    seconds: float  # of this run, without what was done before

    @property
    def judged(self) -> float:
        """CVaR over the rule's, less 1, on paths kept apart; the mean over scenarios."""
        return float(self.curve[-1, 2])


Tell = Callable[[Report | str], None]


def train_seeds(course: Course, seeds: Sequence[int], folder: Path, workers: int, tell: Tell) -> list[Trained]:
    """Train each seed, ``workers`` at a time, and leave its checkpoint and its policy in ``folder``, which is there.

    :raises LearningError: for a seed out of range, a checkpoint of another training, or one that diverges.
    :raises OSError: where files cannot be written.
    """
    lessons = lessons_of(course, tell)
    if workers == 1 or len(seeds) == 1:
        return [_train_seed(course, lessons, seed, folder, tell) for seed in seeds]
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    pool = ProcessPoolExecutor(min(workers, len(seeds)), context, _listen, (told,))
    try:
        futures = [pool.submit(_train_told, course, lessons, seed, folder) for seed in seeds]
        while not all(future.done() for future in futures):
            _pass_on(told, tell)
            _first_failure(futures)
        _pass_on(told, tell)
        return [future.result() for future in futures]
    finally:
        _end(pool)


def _train_seed(course: Course, lessons: Lessons, seed: int, folder: Path, tell: Tell) -> Trained:
    began = time.perf_counter()

    def pool(renewal: int) -> list[Episodes]:
        tell(f"Seed {seed}: making the paths ...")
        return episodes_for(lessons, course.paths, seed, renewal)

    apart = episodes_for(lessons, min(course.paths, _MOST_APART), None)
    trainer = Trainer(seed, course, lessons.untrained, pool, apart)
    drawn = course.batch * len(apart)
    checkpoint, identity = folder / f"seed-{seed}.checkpoint.npz", course.identity(seed)
    curve = np.zeros((-(-course.iterations // JUDGED_EVERY), 3))
    if checkpoint.exists():
        state = load_checkpoint(checkpoint, identity, _shapes(trainer, curve))
        curve = state["curve"]
        trainer.restore(state)
    started, since = time.perf_counter(), trainer.iteration
    while trainer.iteration < course.iterations:
        last = trainer.iteration + 1 == course.iterations
        due = last or (trainer.iteration + 1) % JUDGED_EVERY == 0
        progress = trainer.step(judge=due)
        if due:
            curve[-(-trainer.iteration // JUDGED_EVERY) - 1] = trainer.iteration, progress.learned, progress.judged
            save_checkpoint(checkpoint, identity, {**trainer.state(), "curve": curve})
            speed = (trainer.iteration - since) * drawn / (time.perf_counter() - started)
            tell(Report(seed, trainer.iteration, course.iterations, progress.learned, progress.judged, speed))
    policy = trainer.policy()
    save_policy(policy, folder / f"seed-{seed}.json")
    return Trained(seed, policy, curve, time.perf_counter() - began)


def _shapes(trainer: Trainer, curve: Array) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in trainer.state().items()} | {"curve": curve.shape}


_told: Any = None  # in a worker: where it tells of its progress


def _listen(told: Any) -> None:
    global _told
    _told = told


def _train_told(course: Course, lessons: Lessons, seed: int, folder: Path) -> Trained:
    return _train_seed(course, lessons, seed, folder, _told.put)


def _pass_on(told: Any, tell: Tell) -> None:
    """Tell what has come within half a second."""
    try:
        tell(told.get(timeout=0.5))
        while True:
            tell(told.get_nowait())
    except queue.Empty:
        return


def _first_failure(futures: list[Future[Trained]]) -> None:
    for future in futures:
        if future.done():
            future.result()


def _end(pool: ProcessPoolExecutor) -> None:
    """End the workers, whose checkpoints say where they were."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
