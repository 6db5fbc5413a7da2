"""Prices and deltas with cash dividends against values on file, which a method of its own gave with their errors."""

from itertools import groupby

import numpy as np
import numpy.typing as npt
import pytest

from alo_lib.pricing import greeks, price
from tests.pricing.dividend_cases import Row, read
from tests.pricing.dividend_grid import Terms

Array = npt.NDArray[np.float64]

LIMITS = {"fast": 1e-4, "accurate": 1e-5, "high_precision": 1e-7}  # of spot
DELTA = 1e-4
KNOWN = {"fast": 1e-6, "accurate": 1e-7, "high_precision": 2e-8}  # errors on file, of spot, that tell what is right
DELTA_KNOWN = 1e-5
BEYOND = {"fast": (0.0, 1e-4), "accurate": (0.0, 1e-5), "high_precision": (0.01, 1.2e-7), "delta": (0.01, 1.2e-3)}
"""The share of a kind's values that are beyond their limits, and how far: dividends that together exceed the spot, and
deltas next to where exercise begins."""
OWN_BEYOND = {
    ("high_precision", "ex-times close together"): (0.06, 5e-7),
    ("delta", "ex-times close together"): (0.02, 2e-4),
}
"""Of a kind of sixty values; the worst has spot next to where exercise begins."""
EVERY = 6  # one of so many of a kind's options is in the sample

CASES = [(terms, list(rows)) for terms, rows in groupby(read(), key=lambda row: row.terms)]
KINDS = sorted({rows[0].kind for _, rows in CASES})


def chosen(kind: str, every: int) -> list[tuple[Terms, list[Row]]]:
    return [case for case in CASES if case[1][0].kind == kind][::every]


def arguments(terms: Terms, rows: list[Row]) -> tuple[Array, float, float, float, float, float, int]:
    spots = np.array([row.spot for row in rows])
    return spots, terms.strike, terms.rate, terms.dividend_yield, terms.volatility, terms.time, terms.right


def check(what: str, cases: list[tuple[Terms, list[Row]]], wrong: list[tuple[float, str]], limit: float) -> None:
    """Values beyond their limit are few, and not far."""
    kind, count = cases[0][1][0].kind, sum(len(rows) for _, rows in cases)
    share, worst = OWN_BEYOND.get((what, kind), BEYOND[what])
    wrong = [each for each in wrong if not each[0] <= limit]
    told = f"{len(wrong)} of {count}, the worst: {max(wrong, default='')}"
    assert len(wrong) <= share * count, told
    assert all(error <= worst for error, _ in wrong), told


def check_prices(scheme: str, cases: list[tuple[Terms, list[Row]]]) -> None:
    errors = []
    for terms, rows in cases:
        found = price(
            *arguments(terms, rows),
            style=terms.style,
            scheme=scheme,
            dividends=(terms.times, terms.amounts),
        )
        for row, value in zip(rows, found.tolist(), strict=True):
            if row.value_error <= KNOWN[scheme] * row.spot:
                error = abs(value - row.value) / row.spot
                errors.append((error, f"{value:.12g} is not {row.value:.12g}: spot {row.spot}, {terms}"))
    check(scheme, cases, errors, LIMITS[scheme])


def check_deltas(cases: list[tuple[Terms, list[Row]]]) -> None:
    errors = []
    for terms, rows in cases:
        found = greeks(*arguments(terms, rows), style=terms.style, dividends=(terms.times, terms.amounts)).delta
        for row, delta in zip(rows, found.tolist(), strict=True):
            if row.delta_error <= DELTA_KNOWN:
                error = abs(delta - row.delta)
                errors.append((error, f"{delta:.9g} is not {row.delta:.9g}: spot {row.spot}, {terms}"))
    check("delta", cases, errors, DELTA)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", list(LIMITS))
def test_prices(scheme: str, kind: str) -> None:
    check_prices(scheme, chosen(kind, EVERY if len(chosen(kind, 1)) > 20 * EVERY else 1))


@pytest.mark.parametrize("kind", KINDS)
def test_deltas(kind: str) -> None:
    check_deltas(chosen(kind, EVERY if len(chosen(kind, 1)) > 20 * EVERY else 1))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", list(LIMITS))
def test_all_prices(scheme: str, kind: str) -> None:
    check_prices(scheme, chosen(kind, 1))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_all_deltas(kind: str) -> None:
    check_deltas(chosen(kind, 1))
