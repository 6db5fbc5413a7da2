"""Whether periodic tasks of fixed priority meet their deadlines, proven before any of them runs.

Tasks are given highest priority first. Times are integers of any one unit; a deadline is at most the period.

- Liu and Layland (1973): n tasks with implicit deadlines are schedulable when their utilization is at most
  n (2^(1/n) - 1). Without preemption the longest job of lower priority may block, and its share of the period counts as
  utilization (Sha, Rajkumar and Lehoczky 1990). Sufficient, not necessary.
- Response times: with preemption the least fixed point of R = C + sum over higher priorities of ceil(R / T) C (Joseph
  and Pandya 1986); without, the worst start over all jobs of the task's busy period (George, Rivierre and Spuri 1996;
  Davis, Burns, Bril and Lukkien 2007). Exact: some phasing of the tasks reaches each of these times.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, count
from math import ceil, lcm
from typing import Final, NamedTuple

__all__ = [
    "MOST_TERMS",
    "ProofError",
    "Timing",
    "blocking",
    "liu_layland_bound",
    "passes_liu_layland",
    "response_times",
    "utilization",
]

MOST_TERMS: Final = 1_000_000
"""Terms of demand that one proof may add up, less than a second of work. Sets of 3,000 tasks take some 100,000; what
takes more has a load within a hair of 1 over many releases."""


class ProofError(ValueError):
    """The response times of a set take too much work; ``index`` is the place of the task at which it was given up."""

    def __init__(self, index: int) -> None:
        super().__init__(f"the response time of task {index} is not found in {MOST_TERMS:,} terms")
        self.index = index


class Timing(NamedTuple):
    """A task's period, worst-case execution time and relative deadline."""

    period: int
    budget: int
    deadline: int


def utilization(tasks: Sequence[Timing]) -> Fraction:
    """Share of the processor that the tasks need."""
    return sum((Fraction(task.budget, task.period) for task in tasks), Fraction(0))


def liu_layland_bound(tasks: int) -> float:
    """Utilization up to which ``tasks`` tasks with implicit deadlines are always schedulable."""
    return tasks * (2.0 ** (1.0 / tasks) - 1.0) if tasks else 1.0


def blocking(tasks: Sequence[Timing]) -> list[int]:
    """For each task the longest time for which a job of lower priority that has just begun keeps it waiting."""
    longest = accumulate((max(task.budget - 1, 0) for task in reversed(tasks[1:])), max, initial=0)
    return list(longest)[::-1][: len(tasks)]


def passes_liu_layland(tasks: Sequence[Timing], *, preemptive: bool) -> bool:
    """Whether the bound alone proves the set; False where it proves nothing, as for a deadline below the period."""
    if any(task.deadline < task.period for task in tasks):
        return False
    shares = accumulate(Fraction(task.budget, task.period) for task in tasks)
    for number, (task, share, delay) in enumerate(zip(tasks, shares, blocking(tasks), strict=True), 1):
        held = share if preemptive else share + Fraction(delay, task.period)
        if float(held) > liu_layland_bound(number):
            return False
    return True


def response_times(tasks: Sequence[Timing], *, preemptive: bool) -> Iterator[int]:
    """The longest time from release to end of each task over all phasings.

    When one exceeds its deadline, what is returned exceeds it too, but may be less than the true time.

    :raises ProofError: when the set takes more than MOST_TERMS terms.
    """
    higher = _Demand()
    for index, (task, delay) in enumerate(zip(tasks, blocking(tasks), strict=True)):
        try:
            yield _preemptive(task, higher) if preemptive else _non_preemptive(task, delay, higher)
        except _ExhaustedError:
            raise ProofError(index) from None
        higher.add(task)


class _ExhaustedError(Exception):
    """MOST_TERMS were added up."""


class _Demand:
    """What tasks ask for: as many terms as they have different periods, not as many as there are tasks."""

    def __init__(self) -> None:
        self._budgets: dict[int, int] = {}  # by period
        self._terms = 0
        self.share = Fraction(0)

    def add(self, task: Timing) -> None:
        self._budgets[task.period] = self._budgets.get(task.period, 0) + task.budget
        self.share += Fraction(task.budget, task.period)

    @property
    def hyperperiod(self) -> int:
        return lcm(*self._budgets)

    def before(self, time: int) -> int:
        """Of jobs released in [0, time)."""
        self._count()
        return sum(-(-time // period) * budget for period, budget in self._budgets.items())

    def until(self, time: int) -> int:
        """Of jobs released in [0, time]."""
        self._count()
        return sum((time // period + 1) * budget for period, budget in self._budgets.items())

    def least(self, own: int) -> int:
        """A time that no fixed point of ``own`` and the demand lies below: t >= own + share t. The share is below 1."""
        return ceil(own / (1 - self.share))

    def _count(self) -> None:
        self._terms += len(self._budgets)
        if self._terms > MOST_TERMS:
            raise _ExhaustedError


def _preemptive(task: Timing, higher: _Demand) -> int:
    response = max(task.budget, higher.least(task.budget)) if higher.share < 1 else task.budget
    while response <= task.deadline:
        demand = task.budget + higher.before(response)
        if demand == response:
            break
        response = demand
    return response


def _non_preemptive(task: Timing, delay: int, higher: _Demand) -> int:
    """The worst of the jobs in the busy period that the longest lower job opens."""
    start, worst = delay, 0
    for job in _jobs(delay, task, higher):
        ready = delay + job * task.budget
        start = max(start, higher.least(ready) if higher.share < 1 else ready)
        while True:
            response = start + task.budget - job * task.period
            if response > task.deadline:
                return response
            begin = ready + higher.until(start)
            if begin == start:
                break
            start = begin
        worst = max(worst, response)
    return worst


def _jobs(delay: int, task: Timing, higher: _Demand) -> Iterable[int]:
    """Numbers of the jobs of ``task`` in its busy period; without end when they ask for more than there is."""
    share = higher.share + Fraction(task.budget, task.period)
    if share > 1:
        return count()
    if share == 1:  # the busy period never ends; its jobs repeat with the hyperperiod
        return range(lcm(higher.hyperperiod, task.period) // task.period)
    length = max(delay + task.budget + higher.until(0), ceil(delay / (1 - share)))
    while (demand := delay + -(-length // task.period) * task.budget + higher.before(length)) != length:
        length = demand
    return range(max(1, -(-length // task.period)))
