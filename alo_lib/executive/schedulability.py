"""Whether periodic tasks of fixed priority meet their deadlines, proven before any of them runs.

Tasks are given highest priority first. Times are integers of any one unit; a deadline is at most the period.

- Liu and Layland (1973): n tasks with implicit deadlines are schedulable when their utilization is at most
  n (2^(1/n) - 1). Without preemption the longest job of lower priority may block, and its share of the period counts as
  utilization (Sha, Rajkumar and Lehoczky 1990). Sufficient, not necessary.
- Response times: with preemption the least fixed point of R = C + sum over higher priorities of ceil(R / T) C (Joseph
  and Pandya 1986); without, the worst start over all jobs of the task's busy period (George, Rivierre and Spuri 1996;
  Davis, Burns, Bril and Lukkien 2007). Exact: some phasing of the tasks reaches each of these times.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import count
from math import lcm
from typing import NamedTuple

__all__ = ["Timing", "blocking", "liu_layland_bound", "passes_liu_layland", "response_time", "utilization"]


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


def blocking(tasks: Sequence[Timing], index: int) -> int:
    """The longest time for which a job of lower priority that has just begun keeps a task waiting."""
    return max((task.budget - 1 for task in tasks[index + 1 :] if task.budget), default=0)


def passes_liu_layland(tasks: Sequence[Timing], *, preemptive: bool) -> bool:
    """Whether the bound alone proves the set; False where it proves nothing, as for a deadline below the period."""
    if any(task.deadline < task.period for task in tasks):
        return False
    for index, task in enumerate(tasks):
        share = utilization(tasks[: index + 1])
        if not preemptive:
            share += Fraction(blocking(tasks, index), task.period)
        if float(share) > liu_layland_bound(index + 1):
            return False
    return True


def response_time(tasks: Sequence[Timing], index: int, *, preemptive: bool) -> int:
    """The longest time from release to end of a task over all phasings.

    When it exceeds the deadline, what is returned exceeds it too, but may be less than the true time.
    """
    return _preemptive(tasks, index) if preemptive else _non_preemptive(tasks, index)


def _preemptive(tasks: Sequence[Timing], index: int) -> int:
    task, higher = tasks[index], tasks[:index]
    response = task.budget
    while response <= task.deadline:
        demand = task.budget + sum(-(-response // other.period) * other.budget for other in higher)
        if demand == response:
            break
        response = demand
    return response


def _non_preemptive(tasks: Sequence[Timing], index: int) -> int:
    """The worst of the jobs in the busy period that the longest lower job opens."""
    task, higher = tasks[index], tasks[:index]
    start = delay = blocking(tasks, index)
    worst = 0
    for job in _jobs(delay, task, higher):
        ready = delay + job * task.budget
        start = max(start, ready)
        while True:
            response = start + task.budget - job * task.period
            if response > task.deadline:
                return response
            begin = ready + sum((start // other.period + 1) * other.budget for other in higher)
            if begin == start:
                break
            start = begin
        worst = max(worst, response)
    return worst


def _jobs(delay: int, task: Timing, higher: Sequence[Timing]) -> Iterable[int]:
    """Numbers of the jobs of ``task`` in its busy period; without end when they ask for more than there is."""
    tasks = (*higher, task)
    share = utilization(tasks)
    if share > 1:
        return count()
    if share == 1:  # the busy period never ends; its jobs repeat with the hyperperiod
        return range(lcm(*(each.period for each in tasks)) // task.period)
    length = delay + sum(each.budget for each in tasks)
    while (demand := delay + sum(-(-length // each.period) * each.budget for each in tasks)) != length:
        length = demand
    return range(max(1, -(-length // task.period)))
