"""Trainings of several seeds, on Ray where they run side by side, each going on from its checkpoint."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.checkpoints import load_checkpoint, save_checkpoint
from alo_lib.learning.courses import Course, Lessons, episodes_for, lessons_of
from alo_lib.learning.errors import LearningError
from alo_lib.learning.training import Trainer
from alo_lib.runtime.policy_file import save_policy
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.sweep.cluster import RETRIES, cluster

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


@dataclass(frozen=True)
class _Seed:
    """What a worker needs to train one."""

    course: Course
    lessons: Lessons
    seed: int
    folder: Path


def train_seeds(course: Course, seeds: Sequence[int], folder: Path, workers: int, tell: Tell) -> list[Trained]:
    """Train each seed, ``workers`` at a time, and leave its checkpoint and its policy in ``folder``, which is there.

    One at a time they are trained in this process, more on a Ray that is started on this machine. One whose worker dies
    goes on from its checkpoint in another.

    :raises LearningError: for a seed out of range, a checkpoint of another training, one that diverges, or one whose
        worker died each time.
    :raises alo_lib.sweep.MissingPackagesError: for more than one at a time without Ray.
    :raises OSError: where files cannot be written.
    """
    lessons = lessons_of(course, tell)
    jobs = [_Seed(course, lessons, seed, folder.resolve()) for seed in seeds]
    if min(workers, len(jobs)) < 2:
        return [_train_job(job, tell) for job in jobs]
    trained: dict[int, Trained] = {}
    with cluster(None, min(workers, len(jobs))) as ray:
        for done in ray.done(_train_job, jobs, hear=tell):
            if done.lost:
                raise LearningError(f"the worker of seed {done.job.seed} died {RETRIES + 1} times: {done.lost}")
            trained[done.job.seed] = done.result
    return [trained[seed] for seed in seeds]


def _train_job(job: _Seed, tell: Tell) -> Trained:
    return _train_seed(job.course, job.lessons, job.seed, job.folder, tell)


def _train_seed(course: Course, lessons: Lessons, seed: int, folder: Path, tell: Tell) -> Trained:
    began = time.perf_counter()
    tell(f"Seed {seed}: making the paths ...")
    pool = episodes_for(lessons, course.paths, seed)
    apart = episodes_for(lessons, min(course.paths, _MOST_APART), None)
    trainer = Trainer(seed, course, lessons.untrained, pool, apart)
    drawn = course.batch * len(pool)
    del pool
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
