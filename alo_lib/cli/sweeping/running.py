"""A sweep from beginning to end: markets, trials in batches on Ray, and the tests of what walking forward chose."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from alo_lib.cli.failures import UserError
from alo_lib.cli.sweeping.folder import SweepFolder
from alo_lib.cli.sweeping.trial import MarketJob, TrialJob, make_market, read_result, run_trial
from alo_lib.sweep.cluster import Cluster
from alo_lib.sweep.outcomes import Result, score, verdict
from alo_lib.sweep.plan import Sweep, Trial
from alo_lib.sweep.sampling import batches
from alo_lib.sweep.space import Key, Point, key_of

__all__ = ["Told", "run_sweep"]

Told = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""


@dataclass
class _Running:
    """What has come of the trials so far."""

    sweep: Sweep
    folder: SweepFolder
    start: Callable[[], Cluster]  # Ray, when there is something to run
    tell: Told
    results: list[Result]

    def run(self, trials: Sequence[Trial], what: str) -> list[Result]:
        """Run trials that have not ended yet; results in the order of trials."""
        found = {trial.number: read_result(self.folder.trials, trial) for trial in trials}
        missing = [trial for trial in trials if found[trial.number] is None]
        done = len(trials) - len(missing)
        self.tell(what, done, len(trials))
        if missing:
            cluster = self.start()
            self._make_markets(cluster, missing)
            jobs = (
                TrialJob(each, self.folder.trials, self.folder.data_of(each.condition, self.sweep), self.sweep.program)
                for each in missing
            )
            for each in cluster.done(run_trial, jobs):
                trial = each.job.trial
                found[trial.number] = self._ended(trial, each.result, each.lost)
                done += 1
                self.tell(what, done, len(trials))
        results = [found[trial.number] or Result(trial, "lost", "it has not run") for trial in trials]
        self.results += results
        return results

    def _ended(self, trial: Trial, result: Result | None, lost: str) -> Result:
        """What a worker told, which has to be where it was asked to leave it."""
        if result is None:
            return Result(trial, "lost", f"its worker died each time: {lost}")
        if result.state == "done" and not (self.folder.trials / trial.name).is_dir():
            return Result(trial, "lost", f"its node does not share {self.folder.trials} with this machine")
        return result

    def _make_markets(self, cluster: Cluster, trials: Iterable[Trial]) -> None:
        """Make the markets that trials need and that are not there."""
        seeds = dict.fromkeys(each.condition.seed for each in trials if each.condition.seed is not None)
        jobs = [MarketJob(self.folder.market_of(seed), {**(self.sweep.truth or {}), "seed": seed}) for seed in seeds]
        jobs = [job for job in jobs if not job.market.is_dir()]
        for number, each in enumerate(cluster.done(make_market, jobs), 1):
            if problem := each.lost or each.result:
                raise UserError(f"the market of seed {each.job.truth['seed']} cannot be made: {problem}")
            self.tell("markets", number, len(jobs))


def run_sweep(sweep: Sweep, folder: SweepFolder, start: Callable[[], Cluster], tell: Told) -> list[Result]:
    """Run all that has not been run yet; the results of all trials, in their order.

    ``start`` gives the Ray that runs them, and is called only when something is to be run.

    :raises SweepError: when a folder is of another sweep, or Optuna is not there.
    :raises UserError: when a market cannot be made.
    """
    running = _Running(sweep, folder, start, tell, [])
    by_point: dict[Key, list[Result]] = {}

    def found(point: Point) -> float | None:
        return score(sweep, by_point[key_of(point)])

    tried = 0
    for points in batches(sweep, found):
        what = "trials" if sweep.sampler != "optuna" else f"trials of points {tried + 1:,} to {tried + len(points):,}"
        trials = list(sweep.trials_of(points, len(running.results), sweep.chosen_by))
        for each in running.run(trials, what):
            by_point.setdefault(key_of(each.trial.point), []).append(each)
        tried += len(points)
    for fold in verdict(sweep, running.results).folds:
        if fold.chosen is not None:
            tests = sweep.of_fold(fold.number, "test")
            trials = list(sweep.trials_of([fold.chosen.point], len(running.results), tests))
            running.run(trials, f"what fold {fold.number} chose")
    folder.tidy()
    return running.results
