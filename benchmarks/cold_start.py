"""Processor time of a start from nothing and from kept kernels.

To a first price, to all that greeks in LEAN need before the first slice, and through frames with every task.

``nothing`` is an empty folder of kernels, as in the cloud and in a new container; ``kept`` the next start with the same
folder; ``carried`` a start with kernels compiled for x86-64-v3 that are only read (``python -m alo_lib.cli.carry``).
The answers are compared first: all bits of a chain's values must agree. The unit that machines share is the time numba
takes for one fixed function in the same run.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alo_lib.cli.carry import carry
from benchmarks.harness import Row, options_of, report

GOAL_PRICE, GOAL_GREEKS, GOAL_FRAME = 6.0, 10.0, 12.0

_PRICE: Final = "from alo_lib.pricing import price; print(float(price(100, 100, 0.05, 0.02, 0.25, 1.0, -1)).hex())"
_GREEKS: Final = (  # the chain that the price model prices when it is made, in models/chain_pricing.py
    "import numpy as np; from alo_lib.pricing import Contracts, MarketTerms, QuotedChain, market_price;"
    "market, status = market_price([1e-9, 60.0, 5.0, 5.0] * 2, [1e-9, 60.0, 5.2, 5.2] * 2, 0.0);"
    "styles = np.repeat(['american', 'european'], 4);"
    "contracts = Contracts(50.0 * np.ones(8), np.ones(8), np.tile([1.0, -1.0], 4), styles);"
    "chain = QuotedChain(contracts, MarketTerms(50.0, 0.05, 0.01), market, status);"
    "print(np.stack([*chain.greeks, chain.price_at(0.2)]).tobytes().hex()[:512]);"
    "from alo_lib.pricing.plain_chain import plain_values; from alo_lib.pricing.scheme import ACCURATE;"
    "from alo_lib.pricing.quoted_chain import method_without_cash;"
    "quotes, method = np.array([[5.0, 5.2, 0.0, 50.0]]), method_without_cash('american', ACCURATE, False);"
    "print(plain_values(np.array([[50.0], [1.0]]), np.ones(1), quotes, 0.05, 0.01, 0, method).tobytes().hex())"
)
_FRAME: Final = (
    "from alo_lib.runtime.warm_up import warm_up; from alo_lib.settings import Settings;"
    "print(len(warm_up(Settings.of({'underlyings': 'GOOG'}))))"
)
_BITS: Final = (
    "import hashlib; import numpy as np; from alo_lib.pricing import Chain;"
    "strikes = np.tile(np.arange(60.0, 140.0, 4.0), 4); years = np.repeat([0.05, 0.3, 1.0, 2.0], 20);"
    "chain = Chain(strikes, years, np.tile([-1.0, 1.0], 40)); seen = chain.greeks(100.0, 0.04, 0.01, 0.3);"
    "seen = [seen.price, seen.delta, seen.gamma, seen.vega, chain.implied_volatility(seen.price, 100.0, 0.04, 0.01)];"
    "print(hashlib.sha256(np.stack(seen).tobytes()).hexdigest())"
)
_REFERENCE: Final = """
import time
import numba
import numpy as np

def fixed(a, b, n):
    total = 0.0
    for i in range(n):
        x = a[i] * b[i]
        if x > 0.5:
            total += np.sqrt(x)
        elif x < -1.0:
            total -= np.exp(x)
        else:
            total += np.sin(x) * np.cos(x)
        for j in range(3):
            a[i] = a[i] * 0.5 + b[(i + j) % n]
    table = np.empty((n, 3))
    table[:] = total
    return table.sum() + np.median(a)

took = []
for _ in range(4):
    begin = time.process_time()
    numba.njit(fixed)(np.ones(5), np.ones(5), 5)
    took.append(time.process_time() - begin)
print(min(took[1:]))
"""


def start(code: str, **kernels: str) -> tuple[float, str]:
    """Processor seconds of a new process, and what it printed; kernels: NUMBA_CACHE_DIR, ALO_KERNELS."""
    taken = ("NUMBA_", "ALO_KERNELS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(taken)} | kernels
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout.strip()


def measure(quick: bool) -> Iterator[Row]:
    unit = float(start(_REFERENCE)[1])
    yield Row("one fixed function compiled by numba", unit, "s")
    wanted = [("price", _PRICE, GOAL_PRICE)]
    if not quick:
        wanted += [("greeks", _GREEKS, GOAL_GREEKS), ("frames", _FRAME, GOAL_FRAME)]
    answers: dict[str, set[str]] = {name: set() for name, _, _ in wanted}
    with tempfile.TemporaryDirectory(prefix="alo-cold-") as place:
        rooms = {name: Path(place) / name for name, _, _ in wanted}
        for name, code, goal in wanted:
            seconds, answer = start(code, NUMBA_CACHE_DIR=str(rooms[name]))
            answers[name].add(answer)
            yield Row(f"{name}, from nothing", seconds, "s", None, f"<= {goal:g}", seconds <= goal)
            yield Row(f"{name}, from nothing, in fixed functions", seconds / unit, "")
            seconds, answer = start(code, NUMBA_CACHE_DIR=str(rooms[name]))
            answers[name].add(answer)
            yield Row(f"{name}, kept", seconds, "s")
        if not quick:
            carried = Path(place) / "carried"
            carry(carried)
            for name, code, _ in wanted:
                empty = Path(place) / f"empty-{name}"
                seconds, answer = start(code, ALO_KERNELS=str(carried), NUMBA_CACHE_DIR=str(empty))
                answers[name].add(answer)
                yield Row(f"{name}, carried", seconds, "s")
                compiled = sum(1 for _ in empty.rglob("*.nbc"))
                yield Row(f"{name}, carried: kernels compiled all the same", compiled, "", None, "0", compiled == 0)
            bits = {start(_BITS, NUMBA_CACHE_DIR=str(rooms["frames"]))[1]}
            bits.add(start(_BITS, ALO_KERNELS=str(carried), NUMBA_CACHE_DIR=str(Path(place) / "empty-bits"))[1])
            yield Row("chains whose bits depend on the processor", len(bits) - 1, "", None, "0", len(bits) == 1)
    different = sum(len(each) - 1 for each in answers.values())
    yield Row("answers that differ", different, "", None, "0", different == 0)


if __name__ == "__main__":
    options = options_of(__doc__).parse_args()
    sys.exit(report(measure(options.quick), as_json=options.json))
