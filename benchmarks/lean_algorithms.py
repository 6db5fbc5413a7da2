"""LEAN's own option algorithms with and without the one line, each in a native LEAN of its own.

The algorithms are read from LEAN's repository where the engine was built, and subclassed as they are
(``lean_algorithms_probe.py``): each run reads the delta of every contract of every chain, once the algorithm is done
with it. Whether LEAN's orders are the same is told by its hash over them. Zeros are deltas of 0 of contracts with a
two-sided quote; microseconds a contract are the reading loop's, by the processor time of LEAN's algorithm thread;
seconds are the process's from ``initialize`` to the end, and memory is the most that it held.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from alo_lib.cli.engines.native import NativeEngine, lean_configuration
from alo_lib.cli.failures import EngineError
from alo_lib.cli.project import ROOT
from alo_lib.settings import Settings
from benchmarks.harness import options_of
from benchmarks.lean_data import add_data_option, data_options

__all__ = ["ALGORITHMS", "Outcome", "algorithms_of", "run_theirs"]

ALGORITHMS: Final = {
    "equity options by the minute": (
        "BasicTemplateOptionsAlgorithm",
        "BasicTemplateOptionsFilterUniverseAlgorithm",
        "BasicTemplateOptionTradesAlgorithm",
        "OptionChainProviderAlgorithm",
        "OptionChainConsistencyRegressionAlgorithm",
        "OptionChainFullDataRegressionAlgorithm",
        "OptionOpenInterestRegressionAlgorithm",
        "OptionRenameRegressionAlgorithm",
    ),
    "by the hour and the day": (
        "BasicTemplateOptionsDailyAlgorithm",
        "BasicTemplateOptionsHourlyAlgorithm",
    ),
    "combinations": (
        "BasicTemplateOptionStrategyAlgorithm",
        "BasicTemplateOptionEquityStrategyAlgorithm",
        "NullBuyingPowerOptionBullCallSpreadAlgorithm",
    ),
    "exercise and assignment": (
        "OptionExerciseAssignRegressionAlgorithm",
        "OptionAssignmentRegressionAlgorithm",
        "CustomOptionExerciseModelRegressionAlgorithm",
        "NullOptionAssignmentRegressionAlgorithm",
    ),
    "universes and framework": (
        "AddOptionContractExpiresRegressionAlgorithm",
        "AddOptionContractFromUniverseRegressionAlgorithm",
        "CoarseFineOptionUniverseChainRegressionAlgorithm",
        "OptionChainedUniverseSelectionModelRegressionAlgorithm",
        "BasicTemplateOptionsFrameworkAlgorithm",
    ),
    "history": ("OptionUniverseHistoryRegressionAlgorithm",),
    "index options": (
        "BasicTemplateIndexOptionsAlgorithm",
        "BasicTemplateSPXWeeklyIndexOptionsAlgorithm",
        "IndexOptionBuySellCallIntradayRegressionAlgorithm",
        "IndexOptionCallITMExpiryRegressionAlgorithm",
        "IndexOptionPutITMExpiryRegressionAlgorithm",
    ),
    "options on futures": (
        "FutureOptionCallITMExpiryRegressionAlgorithm",
        "FutureOptionDailyRegressionAlgorithm",
        "AddFutureOptionContractDataStreamingRegressionAlgorithm",
    ),
}
_MAIN: Final = """\
import sys
from pathlib import Path

sys.path[:0] = [{theirs!r}]
import {name} as theirs
from benchmarks.lean_algorithms_probe import probed

Probed = probed(theirs.{name}, __name__, with_line={with_line}, written=Path({written!r}))
"""
_UNLOADS: Final = "PythonInitializer.Shutdown(): start"
_FAULT: Final = re.compile(r"ERROR:: (?!StopSafely).*|Runtime Error:.*|Traceback.*")
"""LEAN's own threads that are slow to stop, on a busy machine, are none of the algorithm's."""


@dataclass(frozen=True)
class Outcome:
    """What one run of an algorithm told: LEAN's hash over its orders, what it called errors, and what was read.

    models: the classes of the price models that its options had at the end.
    """

    order_list_hash: str | None
    faults: list[str]
    contracts: int
    zeros: int
    quoted: int
    quoted_zeros: int
    reading: float
    processor: float
    wall: float
    memory: float
    unpriced: dict[str, int]
    models: list[str]


def algorithms_of(engine: NativeEngine) -> Path:
    """The folder of LEAN's own Python algorithms, beside the engine. EngineError where there is none."""
    folder = engine.lean.parents[2] / "Algorithm.Python"
    if not folder.is_dir():
        raise EngineError(f"LEAN's own algorithms are not in {folder}; the engine must lie in LEAN's repository")
    return folder


def run_theirs(engine: NativeEngine, name: str, data: Path, folder: Path, *, with_line: bool) -> Outcome:
    """Run one of LEAN's algorithms, in an empty ``folder``."""
    (folder / "store").mkdir()
    written, main = folder / "told.json", folder / "lean_algorithms_main.py"
    theirs = str(algorithms_of(engine))
    main.write_text(_MAIN.format(theirs=theirs, name=name, with_line=with_line, written=str(written)))
    configuration = lean_configuration(Settings(), data.resolve(), folder, folder / "store")
    configuration |= {"algorithm-location": str(main), "algorithm-type-name": main.stem, "parameters": {}}
    (folder / "lean-config.json").write_text(json.dumps(configuration))
    output = engine.launch(folder / "lean-config.json", folder / "console.txt", ROOT)
    lines = "\n".join(output.lines).partition(_UNLOADS)[0]
    faults = _FAULT.findall(lines)
    told: dict[str, Any] = json.loads(written.read_text()) if written.is_file() else {}
    if not told:
        raise EngineError(f"{name} ended before its end: {faults[:1]}; its log is {folder / 'console.txt'}")
    return Outcome(output.order_list_hash, faults, **told)


def measure(engine: NativeEngine, data: Path, names: list[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        row: dict[str, Any] = {"algorithm": name}
        for key, with_line in (("lean", False), ("ours", True)):
            folder = Path(tempfile.mkdtemp(prefix="alo-benchmark-"))
            try:
                row[key] = asdict(run_theirs(engine, name, data, folder, with_line=with_line))
            except EngineError as error:
                row[key] = {"failed": str(error)}
        yield row


def _line(row: dict[str, Any]) -> str:
    """A row of the table in docs/greeks.md."""
    lean, ours = row["lean"], row["ours"]
    if "failed" in lean or "failed" in ours:
        return f"| {row['algorithm']} | {lean.get('failed', 'runs')} | {ours.get('failed', 'runs')} |"
    same = "same" if lean["order_list_hash"] == ours["order_list_hash"] else "DIFFERENT"
    each = [1e6 * one["reading"] / one["contracts"] if one["contracts"] else 0.0 for one in (lean, ours)]
    cells = [
        row["algorithm"],
        same,
        f"{len(ours['faults'])} / {len(lean['faults'])}",
        f"{ours['quoted']:,}",
        f"{ours['quoted_zeros']:,} / {lean['quoted_zeros']:,}",
        f"{each[1]:,.0f} / {each[0]:,.0f}",
        f"{ours['processor']:.1f} / {lean['processor']:.1f}",
        f"{ours['memory']:,.0f} / {lean['memory']:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = options_of(__doc__)
    add_data_option(parser)
    parser.add_argument("--only", action="append", help="an algorithm's name; may be repeated")
    options = data_options(parser)
    try:
        engine = NativeEngine.find()
        algorithms_of(engine)
    except EngineError as error:
        parser.error(f"it needs a native LEAN in its repository: {error}")
    every = [name for names in ALGORITHMS.values() for name in names]
    missed = False
    if not options.json:
        print("| algorithm | orders | errors | quoted | zeros | us a contract | processor, s | memory, MB |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in measure(engine, options.data, options.only or (every[:3] if options.quick else every)):
        print(json.dumps(row) if options.json else _line(row), flush=True)
        missed |= "failed" in row["ours"] or row["ours"]["order_list_hash"] != row["lean"].get("order_list_hash")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
