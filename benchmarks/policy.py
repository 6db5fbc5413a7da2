"""What a decision of a learned hedging policy takes: `python -m benchmarks.policy`.

A decision is features, network and bounds of one position, as a core and a simulation ask for it. First it is seen
whether the kernel has the bits of sums made one by one in NumPy, which is the peer.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.strategy.hedging import Band, HedgedPosition
from alo_lib.strategy.hedging_features import FEATURES, features, inputs
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer, decide_all
from benchmarks.harness import Row, options_of, report
from tests.strategy.kit import POSITION

__all__ = ["decision_rows", "main"]

Array = NDArray[np.float64]

MOST_MICROSECONDS: Final = 2.0
HIDDEN: Final = ((16, 16), (32, 32), (64, 64))


def decision_rows(policy: HedgingPolicy, name: str, paths: int, repeats: int) -> Iterator[Row]:
    """Whether a policy decides as NumPy does, then microseconds of processor time a decision, medians."""
    position = _positions(paths)
    band = policy.base.band(position)
    rows, prepared = inputs(position, band), policy.prepared
    out, known, scratch = np.empty((paths, 2)), np.empty(paths, np.bool_), prepared.scratch()
    ours = _microseconds(lambda: decide_all(rows, *prepared, scratch, out, known), repeats) / paths
    theirs = _in_numpy(policy, position, band)
    same = bool(known.mean() > 0.5 and np.array_equal(out[known], theirs[known]))
    yield Row(f"{name}: as NumPy's sums one by one", float(same), "1: bits", None, "1", same)
    peer = _microseconds(lambda: _in_numpy(policy, position, band), max(repeats // 4, 1)) / paths
    goal = f"at most {MOST_MICROSECONDS:g}"
    yield Row(f"{name}: a decision, among many", ours, "us", peer, goal, ours <= MOST_MICROSECONDS)
    one = HedgedPosition(**{each.name: float(getattr(position, each.name)[0]) for each in fields(position)})
    edge = policy.base.band(one)
    alone = _microseconds(lambda: [policy.adjustment(one, edge) for _ in range(200)], repeats) / 200
    yield Row(f"{name}: a decision, asked by itself from Python", alone, "us")


def _positions(paths: int) -> HedgedPosition:
    """Short and long options at about the money, as many as there are paths."""
    rng = np.random.default_rng(7)
    told = {each.name: getattr(POSITION, each.name) * rng.uniform(0.7, 1.4, paths) for each in fields(POSITION)}
    return HedgedPosition(**(told | {"gamma": told["gamma"] * rng.choice((-1.0, 1.0), paths)}))


def _in_numpy(policy: HedgingPolicy, position: HedgedPosition, band: Band) -> Array:
    """The outputs (n, 2), each sum from its bias on in the order of the inputs."""
    low, high = (np.array([getattr(each, end) for each in FEATURES]) for end in ("low", "high"))
    values = (features(position, band) - 0.5 * (low + high)) / (0.5 * (high - low))
    for number, layer in enumerate(policy.layers):
        values = np.maximum(values, 0.0) if number else values
        total = np.repeat(layer.bias[None], len(values), axis=0)
        for i in range(values.shape[1]):
            total += values[:, i, None] * layer.weight[None, :, i]
        values = total
    return np.asarray(np.array([policy.shift_limit, policy.log_ratio_limit]) * (values / (1.0 + np.abs(values))))


def _microseconds(action: Callable[[], object], repeats: int) -> float:
    """Median of processor time, after once to warm up."""
    action()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        action()
        times.append(time.process_time() - begin)
    return 1e6 * statistics.median(times)


def _random(hidden: tuple[int, ...]) -> HedgingPolicy:
    rng = np.random.default_rng(1)
    widths = (len(FEATURES), *hidden, 2)
    layers = [Layer(rng.normal(size=(m, n)) / np.sqrt(n), rng.normal(size=m)) for n, m in pairwise(widths)]
    return HedgingPolicy(tuple(layers), 4_000.0)


def main() -> int:
    """Command line."""
    options = options_of(__doc__).parse_args()
    paths, repeats = (5_000, 5) if options.quick else (20_000, 21)
    rows = [
        row
        for hidden in HIDDEN
        for row in decision_rows(_random(hidden), f"{' x '.join(map(str, hidden))} hidden", paths, repeats)
    ]
    return report(rows, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
