"""What every benchmark is made of: rows, a stopwatch, and the table or the JSON at the end."""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Row", "best_time", "best_times", "options_of", "report"]


@dataclass(frozen=True)
class Row:
    """One line of the table; ``goal`` is empty where a figure is only shown."""

    what: str
    value: float
    unit: str
    peer: float | None = None
    goal: str = ""
    holds: bool | None = None


def best_time(action: Callable[[], object], repeats: int) -> float:
    """Least wall time of ``repeats`` calls after one to warm up, seconds."""
    action()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return min(times)


def best_times(actions: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Least processor time of each of some actions, in seconds: in turn, so that what slows one slows the others."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(repeats + 1):
        for action, taken in zip(actions, times, strict=True):
            begin = time.process_time()
            action()
            taken.append(time.process_time() - begin)
    return [min(taken[1:]) for taken in times]


def options_of(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, done within 40 s")
    parser.add_argument("--json", action="store_true", help="a list of objects on standard output")
    return parser


def report(rows: Iterable[Row], *, as_json: bool) -> int:
    """Print the rows, ratios as ours over the peer's. Returns the exit status: 1 when a goal is missed."""
    table = list(rows)
    if as_json:
        keys = ("what", "value", "unit", "goal", "holds")
        print(json.dumps([{key: getattr(row, key) for key in keys} for row in table], indent=1))
    else:
        width = max(len(row.what) for row in table) + 2
        print(f"{'what':{width}}{'ours':>10} {'peer':>10} {'ratio':>8}  {'unit':10} {'goal':12} holds")
        for row in table:
            peer = "" if row.peer is None else f"{row.peer:.4g}"
            ratio = "" if not row.peer else f"{row.value / row.peer:.3g}"
            holds = "" if row.holds is None else "yes" if row.holds else "NO"
            print(f"{row.what:{width}}{row.value:10.4g} {peer:>10} {ratio:>8}  {row.unit:10} {row.goal:12} {holds}")
    return 1 if any(row.holds is False for row in table) else 0
