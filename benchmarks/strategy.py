"""Whether the strategy earns an edge that is there, and none that is not: `python -m benchmarks.strategy`.

Markets of one name are made for each seed: fair ones, and on the same path of the stock ones with two points of
implied volatility too many, with a skew that comes and goes, and with a term structure too steep. The embedded engine
trades hourly bars of them, without interest, by the default settings and steps from them, with each structure, with the
truth in the place of the forecast, and by simple rules: always short or always long a straddle, and by the rank of
implied volatility; not to trade earns zero. Profit is divided by what the truth says into edge, costs, and luck, whose
mean is zero (benchmarks/strategy_truth.py). Means have 95 % intervals by the bootstrap over seeds.

Outcomes are kept, by program, settings and seed: a command that was interrupted goes on when it is given again.
"""

import datetime as dt
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.harness import options_of, report
from benchmarks.strategy_kept import Kept
from benchmarks.strategy_markets import NO_EDGE, Task, outcomes, run_all
from benchmarks.strategy_rows import rows_of, table_of
from benchmarks.strategy_ways import DEFAULT, LEVEL, MORE, ROUNDS, tasks_of

__all__ = ["main"]

_FULL_SEEDS, _QUICK_SEEDS = 40, 2
_FULL_END, _QUICK_END = dt.date(2024, 3, 28), dt.date(2024, 1, 31)
_RESULTS: Final = Path("backtests") / "strategy"


def quick_tasks(seeds: range) -> list[Task]:
    """A month of the strategy alone."""
    markets = {NO_EDGE: (DEFAULT,), LEVEL: (DEFAULT, MORE)}
    return [Task(seed, market, _QUICK_END, ways) for seed in seeds for market, ways in markets.items()]


def main() -> int:
    """Command line."""
    parser = options_of(__doc__)
    parser.add_argument("--seeds", type=int, default=None, help=f"markets of each kind, {_FULL_SEEDS} by default")
    parser.add_argument(
        "--only", choices=ROUNDS, action="append", help="a part, again for more; strategy and rivals by default"
    )
    parser.add_argument("--processes", type=int, default=2, help="that trade at once, 2 by default")
    parser.add_argument(
        "--results", type=Path, default=_RESULTS, help=f"where outcomes are kept, {_RESULTS} by default"
    )
    parser.add_argument("--kept", action="store_true", help="trade nothing, report what is kept")
    parser.add_argument("--program", default=None, help="with --kept: the name of another program's outcomes")
    parser.add_argument("--table", action="store_true", help="the table of docs/proof.md")
    options = parser.parse_args()
    if options.program and not options.kept:
        parser.error("--program names outcomes that are read: add --kept")
    if options.quick and options.only:
        parser.error("--quick is two seeds of the strategy alone: leave out --only")
    seeds = range(1, (options.seeds or (_QUICK_SEEDS if options.quick else _FULL_SEEDS)) + 1)
    with tempfile.TemporaryDirectory(prefix="alo-strategy-") as passing:
        # A quick one measures that the benchmark works, so it keeps nothing.
        kept = Kept(Path(passing) if options.quick else options.results, options.program)
        tasks = quick_tasks(seeds) if options.quick else list(tasks_of(seeds, _FULL_END, options.only or ROUNDS[:2]))
        if not options.kept:
            run_all(tasks, kept, options.processes)
        found = outcomes(tasks, kept)
    if options.table:
        print(table_of(found))
        return 0
    return report(rows_of(found), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
