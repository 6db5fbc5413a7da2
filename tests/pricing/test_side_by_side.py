"""Eight options are computed side by side: none may know which others, on the easiest batch or among the hardest."""

import hashlib
import os
import platform
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from alo_lib.pricing import greeks, implied_volatility, price
from tests.pricing.robust import cases

Array = npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def _mixed() -> list[Array]:
    """Arguments spot .. right, shuffled: hard cases of all kinds, no volatility, no time, easy ones."""
    rows = [(spot, 1.0, *case[1:], -1.0) for case in cases()[::5] for spot in (0.8, 1.0, 1.1)]
    rows += [(100.0, strike, 0.03, 0.01, 0.2, 0.5, right) for strike in range(60, 145, 5) for right in (-1.0, 1.0)]
    rows += [(50.0, 100.0, 0.05, 0.0, 0.0, 1.0, -1.0), (50.0, 100.0, 0.05, 0.0, 0.3, 0.0, -1.0)]
    table = np.array(rows)
    return list(np.random.default_rng(11).permutation(table).T.copy())


@pytest.mark.parametrize("scheme", ["fast", "accurate"])
def test_a_value_has_the_same_bits_alone_and_in_any_company(scheme: str) -> None:
    options = _mixed()
    together = np.stack(greeks(*options, scheme=scheme, invalid="nan"))
    assert np.isfinite(together[0]).mean() > 0.99
    order = np.random.default_rng(12).permutation(options[0].size)
    shuffled = np.stack(greeks(*(column[order] for column in options), scheme=scheme, invalid="nan"))
    np.testing.assert_array_equal(shuffled, together[:, order])
    for i in range(0, options[0].size, 7):
        alone = np.stack(greeks(*(column[i] for column in options), scheme=scheme, invalid="nan"))
        np.testing.assert_array_equal(alone, together[:, i])
    np.testing.assert_array_equal(price(*options, scheme=scheme, invalid="nan")[:40], together[0, :40])


def test_an_implied_volatility_has_the_same_bits_alone_and_in_any_company() -> None:
    options = _mixed()
    quotes = price(*options, invalid="nan")
    contracts = [*options[:4], *options[5:]]
    together = implied_volatility(quotes, *contracts, invalid="nan")
    assert np.isfinite(together).sum() > 50
    for size in (1, 3, 8, 13):
        parts = [
            implied_volatility(quotes[i : i + size], *(column[i : i + size] for column in contracts), invalid="nan")
            for i in range(0, quotes.size, size)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), together)


@pytest.mark.parametrize("broken", [(1.0, 1.0, 0.9, -1.0, 19.0, 99.0, -1.0), (np.nan, 1.0, 0.1, 0.1, 0.2, 1.0, -1.0)])
def test_a_neighbour_that_cannot_be_valued_leaves_the_others_as_they_are(broken: tuple[float, ...]) -> None:
    options = np.array([(1.0, k, 0.05, q, 0.3, 1.0, -1.0) for k in (0.9, 1.1) for q in (0.0, 0.02, 0.08)])
    with_it = np.insert(options, 2, broken, axis=0)
    expected = price(*options.T)
    np.testing.assert_array_equal(np.delete(price(*with_it.T, invalid="nan"), 2), expected)


def test_strikes_that_share_a_boundary_are_worth_what_they_are_alone() -> None:
    """Nine runs of five strikes: more runs than are solved at once, more contracts than are integrated at once."""
    strikes, volatilities = np.tile(np.linspace(90.0, 110.0, 5), 9), np.repeat(np.linspace(0.2, 0.5, 9), 5)
    together = price(100.0, strikes, 0.04, 0.01, volatilities, 1.0, -1)
    alone = [float(price(100.0, k, 0.04, 0.01, v, 1.0, -1)) for k, v in zip(strikes, volatilities, strict=True)]
    np.testing.assert_array_equal(together, alone)


def _digest() -> str:
    values = np.stack(greeks(*(column[:64] for column in _mixed()), invalid="nan"))
    return hashlib.sha256(values.tobytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="it compiles for an older x86-64 processor")
def test_a_machine_with_narrower_vectors_gives_the_same_bits(tmp_path: Path) -> None:
    older = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2,+sse4.2"}
    code = "from tests.pricing.test_side_by_side import _digest; print(_digest())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | older | {"NUMBA_CACHE_DIR": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == _digest()
