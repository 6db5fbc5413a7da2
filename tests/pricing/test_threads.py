"""Threads that share chains: the same bits as alone, and no kernel that reads another thread's tables.

Threads run in a process of their own, which a kernel that reads beyond its tables would kill.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from alo_lib.pricing import Chain, Contracts, MarketTerms, QuotedChain, greeks, price
from alo_lib.pricing.chain_panels import ChainPanels
from alo_lib.pricing.scheme import ACCURATE
from alo_lib.pricing.terms import Options

Array = npt.NDArray[np.float64]

CALLS = 96
STRIKES = np.tile(np.linspace(80.0, 120.0, 20), 3)
YEARS = np.repeat([0.1, 0.4, 1.3], 20)
RIGHTS = np.where(np.arange(60) % 2, 1.0, -1.0)


def _chain() -> Chain:
    return Chain(STRIKES, YEARS, RIGHTS)


def _call(chain: Chain, number: int) -> Array:
    """One of the calls: rates, yields and volatilities that differ, and with them the panels that are needed."""
    rate, dividend_yield = 0.01 + 0.001 * (number % 41), (0.0, 0.02, 0.07)[number % 3]
    volatility = (0.1, 0.23, 0.47, 0.9, 1.9)[number % 5]
    if number % 4 == 3:
        return chain.implied_volatility(_quotes()[number % 5], 100.0, rate, dividend_yield)
    if number % 4 == 1:
        return np.stack(chain.greeks(100.0, rate, dividend_yield, volatility))
    return chain.price(100.0, rate, dividend_yield, volatility)


def _quotes() -> Array:
    intrinsic = np.maximum(RIGHTS * (100.0 - STRIKES), 0.0)
    return intrinsic + np.array([[0.5], [1.0], [2.0], [4.0], [8.0]])


def _at_once(work: Callable[[int], Any], threads: int, calls: int) -> list[Any]:
    """Results of the calls, made by threads that start together."""
    begin = threading.Barrier(threads)

    def run(first: int) -> list[Any]:
        begin.wait()
        return [work(number) for number in range(first, calls, threads)]

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(run, range(threads)))
    found = [None] * calls
    for first, part in enumerate(parts):
        found[first::threads] = part
    return found


def _wrong(found: list[Any], expected: list[Any]) -> int:
    return sum(not np.array_equal(*pair, equal_nan=True) for pair in zip(found, expected, strict=True))


def share_a_chain(threads: int) -> int:
    """How many calls of threads that share a chain give other bits than a chain of their own."""
    alone, wrong = [_call(_chain(), number) for number in range(CALLS)], 0
    for _ in range(6):
        wrong += _wrong(_at_once(partial(_call, _chain()), threads, CALLS), alone)
    return wrong


def _quoted() -> QuotedChain:
    contracts = Contracts(STRIKES, YEARS, RIGHTS)
    return QuotedChain(contracts, MarketTerms(100.0, 0.03, 0.01), _quotes()[2], np.zeros(60, np.int8)).with_parity()


def _asked(quoted: QuotedChain, number: int) -> Array:
    return (
        quoted.status.astype(float),
        quoted.implied_volatility,
        np.stack(quoted.greeks),
        quoted.price_at(0.1 + 0.01 * number),
        np.array(quoted.at_the_money(YEARS == 0.4)),
    )[number % 5]


def share_a_quoted_chain(threads: int) -> int:
    """The same of a chain of quotes, which nothing has been asked of before."""
    alone = [_asked(_quoted(), number) for number in range(20)]
    shared = _quoted()
    return _wrong(_at_once(lambda number: _asked(shared, number), threads, 20), alone)


def first_calls(threads: int) -> int:
    """The same of calls at once in a process that has compiled nothing."""
    found = _at_once(lambda number: price(100.0, 90.0 + number, 0.05, 0.02, 0.25, 1.0, -1), threads, threads)
    return _wrong(found, [price(100.0, 90.0 + number, 0.05, 0.02, 0.25, 1.0, -1) for number in range(threads)])


def _in_a_process(function: str, threads: int, **environment: str) -> int:
    code = (
        f"import sys; sys.setswitchinterval(1e-5); from tests.pricing import test_threads as t; "
        f"print(t.{function}({threads}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the process died: {done.returncode} {done.stderr}"
    return int(done.stdout)


@pytest.mark.parametrize("threads", [4, pytest.param(8, marks=pytest.mark.slow)])
def test_a_shared_chain_gives_the_bits_of_one_alone(threads: int) -> None:
    assert _in_a_process("share_a_chain", threads) == 0


def test_a_shared_chain_of_quotes_gives_the_bits_of_one_alone() -> None:
    assert _in_a_process("share_a_quoted_chain", 8) == 0


@pytest.mark.slow
def test_the_first_calls_may_come_from_threads_at_once(tmp_path: Path) -> None:
    assert _in_a_process("first_calls", 8, NUMBA_CACHE_DIR=str(tmp_path)) == 0


def test_what_a_chain_was_asked_before_changes_no_bit() -> None:
    """A boundary that settles in its panel is good enough for a search on its way, and for nothing else."""
    contract, terms = ([100.0], [3.0], [-1.0]), (100.0, 0.1, 0.001)
    fresh = np.stack(Chain(*contract).greeks(*terms, 0.1))
    chain = Chain(*contract)
    (found,) = chain.implied_volatility(fresh[0], *terms)
    assert found == pytest.approx(0.1, abs=1e-6)
    assert np.array_equal(np.stack(chain.greeks(*terms, 0.1)), fresh)


def test_a_chain_keeps_its_contracts_whatever_becomes_of_the_arrays_it_was_made_of() -> None:
    strikes, years, rights = STRIKES.copy(), YEARS.copy(), RIGHTS.copy()
    chain = Chain(strikes, years, rights)
    before = np.stack(chain.greeks(100.0, 0.03, 0.01, 0.3))
    strikes[:], years[:], rights[:] = 50.0, 3.0, 1.0
    assert np.array_equal(np.stack(chain.greeks(100.0, 0.03, 0.01, 0.3)), before)
    assert np.array_equal(chain.strike, STRIKES)
    for column in (chain.strike, chain.time_to_expiry, chain.right):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1.0


def test_no_kernel_reads_a_column_of_another_length() -> None:
    panels = ChainPanels(YEARS, RIGHTS, ACCURATE)
    full, short = np.full(60, 100.0), np.full(59, 100.0)
    options = Options(full, STRIKES, 0.0005 * full, 0.0001 * full, YEARS, RIGHTS)
    with pytest.raises(ValueError, match="chain of 60 contracts"):
        panels.values(options._replace(spot=short), 0.003 * full, 1)
    with pytest.raises(ValueError, match="chain of 60 contracts"):
        panels.implied(short, options)
    expected = greeks(100.0, STRIKES, 0.05, 0.01, 0.3, YEARS, RIGHTS)
    found = panels.values(options, 0.003 * full, 10)
    assert found is not None
    assert found[0] == pytest.approx(expected.price, abs=1e-4)
