"""Greeks of every contract in a native LEAN: this price model against LEAN's default.

GOOG, 2015-12-24, minute bars, strikes -40..40, 0-180 days: 206,220 evaluations, each variant in a LEAN of its own. A
contract's time is that of the algorithm's whole reading loop: iterating, LEAN's work, the price model, the crossings
into Python. It is the processor time of LEAN's one algorithm thread, in which all of that runs, so that other work on
the machine does not count; the whole backtest's is the process's. Figures by the wall clock are shown beside them.
LEAN's default is clocked on a part of the slices. Chains of a few contracts and a chain that two threads read at once
are clocked in LEANs of their own. The answers are checked first: quotes of three times against the
pricer's high_precision scheme.
"""

import datetime as dt
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from alo_lib.cli.engines.native import NativeEngine, lean_configuration
from alo_lib.cli.failures import EngineError
from alo_lib.cli.project import ROOT
from alo_lib.pricing import greeks, implied_volatility
from alo_lib.settings import Settings
from benchmarks.harness import Row, options_of, report
from benchmarks.lean_data import add_data_option, data_options

ALGORITHM = Path(__file__).with_name("lean_greeks_algorithm.py")
NEW_YORK = ZoneInfo("America/New_York")
SLICES_BETWEEN_DEFAULTS = 10
REPEATS = 3
FEW = (1, 4, 12)
"""Contracts in a small chain."""
VEGA_THAT_COUNTS = 0.01
"""Of spot, for a volatility of 1.00: a cent of GOOG's quotes is then a thousandth of volatility."""
_ROUNDING = 1e-9
_COMPLETED = re.compile(r"completed in ([\d.]+) seconds")


@dataclass(frozen=True)
class Run:
    """What one LEAN did: seconds of reading and of the whole backtest, by processor and by wall; contracts, rows."""

    seconds: float
    wall: float
    backtest: float
    backtest_wall: float
    contracts: int
    rows: list[dict[str, Any]]
    slices: int
    total: float
    wrong: int

    @property
    def microseconds_a_slice(self) -> float:
        """Reading time a slice."""
        return 1e6 * self.seconds / self.slices

    @property
    def microseconds(self) -> float:
        """Reading time a contract."""
        return 1e6 * self.seconds / self.contracts


def run(
    engine: NativeEngine, data: Path, model: str, read: str, every: int = 1, *, contracts: int = 0, threads: int = 1
) -> Run:
    folder = Path(tempfile.mkdtemp(prefix="alo-benchmark-"))
    (folder / "store").mkdir()
    configuration = lean_configuration(Settings(), data.resolve(), folder, folder / "store")
    configuration |= {"algorithm-location": str(ALGORITHM), "algorithm-type-name": ALGORITHM.stem}
    configuration["parameters"] = {"model": model, "read": read, "every": str(every)}
    configuration["parameters"] |= {"contracts": str(contracts), "threads": str(threads)}
    (folder / "lean-config.json").write_text(json.dumps(configuration))
    engine.launch(folder / "lean-config.json", folder / "console.txt", ROOT)
    result = json.loads((folder / "store" / "result").read_text())
    completed = float(_COMPLETED.findall((folder / "console.txt").read_text())[-1])
    return Run(
        result["seconds"],
        result["wall"],
        result["backtest"],
        completed,
        result["contracts"],
        result["rows"],
        result["slices"],
        result["total"],
        result["different"] + result["failures"],
    )


def years(row: dict[str, Any]) -> float:
    now = dt.datetime.strptime(row["time"], "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)
    early = row["expiry"] == "2015-12-24"
    close = dt.datetime.combine(dt.date.fromisoformat(row["expiry"]), dt.time(13 if early else 16), NEW_YORK)
    return (close.astimezone(dt.UTC) - now.astimezone(dt.UTC)).total_seconds() / (365 * 86_400)


def accuracy(rows: list[dict[str, Any]]) -> Iterator[Row]:
    """Largest differences from the high_precision scheme at the same quotes."""
    priced = [row for row in rows if row["volatility"] > 0.0 and 0.0 < row["bid"] <= row["ask"]]
    names = ("spot", "strike", "rate", "right", "volatility", "delta")
    spot, strike, rate, right, volatility, delta = (np.array([row[name] for row in priced]) for name in names)
    market = np.array([0.5 * (row["bid"] + row["ask"]) for row in priced])
    time = np.array([years(row) for row in priced])
    sigma = implied_volatility(market, spot, strike, rate, 0.0, time, right, scheme="high_precision", invalid="nan")
    at_ours = greeks(spot, strike, rate, 0.0, volatility, time, right, scheme="high_precision")
    at_theirs = greeks(
        spot, strike, rate, 0.0, np.where(np.isnan(sigma), 1.0, sigma), time, right, scheme="high_precision"
    )
    # The others are about their floor, and at the volatility of another contract, which no market price of theirs says.
    known = ~np.isnan(sigma)
    counts = known & (at_theirs.vega > VEGA_THAT_COUNTS * spot)
    for what, error in (
        ("price at the implied volatility, of spot", (np.abs(at_ours.price - market) / spot)[known]),
        ("delta", np.abs(delta - at_theirs.delta)[known]),
        ("implied volatility where vega counts", np.abs(volatility - sigma)[counts]),
    ):
        yield Row(f"largest error: {what}", float(error.max()), "", None, "<= 1e-06", bool(error.max() <= 1e-6))
    yield Row(
        "contracts compared, of those read", len(priced) / len(rows), "", None, ">= 0.8", len(priced) >= 0.8 * len(rows)
    )
    limits = [row for row in rows if row["volatility"] == 0.0 and row["delta"] != 0.0]
    wrong = sum(abs(row["delta"] - row["right"]) > _ROUNDING for row in limits)
    yield Row("options at their limit without volatility, delta not +-1", float(wrong), "", None, "0", wrong == 0)


def measure(engine: NativeEngine, data: Path, quick: bool) -> Iterator[Row]:
    complete = run(engine, data, "ours", "all")
    yield from accuracy(complete.rows)
    default = run(engine, data, "lean", "delta", 4 * SLICES_BETWEEN_DEFAULTS if quick else SLICES_BETWEEN_DEFAULTS)
    ours = run(engine, data, "ours", "delta")
    each = ours.microseconds
    yield Row("delta of every contract", each, "us", default.microseconds, "<= 12", each <= 12.0)
    faster = default.microseconds / each
    wall = 1e6 * ours.wall / ours.contracts
    yield Row("the same by the wall clock", wall, "us", 1e6 * default.wall / default.contracts)
    yield Row("times faster than LEAN's default", faster, "x", None, ">= 40", faster >= 40.0)
    each = complete.microseconds
    yield Row("five greeks and implied volatility", each, "us", None, "<= 20", each <= 20.0)
    for count in FEW[::2] if quick else FEW:
        few, theirs = (run(engine, data, model, "delta", contracts=count) for model in ("ours", "lean"))
        told, default_told = few.microseconds_a_slice, theirs.microseconds_a_slice
        goal = ("<= 200", told <= 200.0) if count == 1 else ("< LEAN", told < default_told)
        yield Row(f"delta of a chain of {count}, a slice", told, "us", default_told, *goal)
    both = run(engine, data, "ours", "delta", threads=2)
    wrong = both.wrong + (both.total != ours.total)
    yield Row("two threads at once, deltas that differ or raise", float(wrong), "", None, "0", wrong == 0)
    yield Row("two threads at once, a delta", both.microseconds / 2, "us", each)
    if not quick:
        # Other work only ever adds to a clock, so the least of a few runs is nearest to the truth.
        withouts = [run(engine, data, "none", "strike") for _ in range(REPEATS)]
        withs = [ours, *(run(engine, data, "ours", "delta") for _ in range(REPEATS - 1))]
        for what, clock in (("processor", "backtest"), ("wall clock", "backtest_wall")):
            seconds, bare = (min(getattr(one, clock) for one in runs) for runs in (withs, withouts))
            what = f"whole backtest, with delta against without, {what}"
            yield Row(what, seconds, "s", bare, "<= 2 x", seconds <= 2.0 * bare)


def main() -> int:
    parser = options_of(__doc__)
    add_data_option(parser)
    options = data_options(parser)
    try:
        engine = NativeEngine.find()
    except EngineError as error:
        parser.error(f"it needs a native LEAN: {error}")
    return report(measure(engine, options.data, options.quick), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
