"""What dividends are priced against is right itself: peers that share nothing agree, and so do the values on file."""

import math
import re

import numpy as np
import numpy.typing as npt
import pytest
import QuantLib as ql  # noqa: N813

from alo_lib.pricing import price
from benchmarks.pricing import CASH
from tests.pricing.dividend_cases import cases, read, values
from tests.pricing.dividend_grid import Terms, converged, merged
from tests.pricing.dividend_quadrature import Last, black_scholes, nested

Array = npt.NDArray[np.float64]

SPOTS = np.array([80.0, 100.0, 120.0])
ROWS = read()


def without_dividends(terms: Terms) -> Last:
    """The last stretch by the boundary method, which is good to 1e-8 of strike."""

    def value(spot: Array, time: float) -> Array:
        option = (spot, terms.strike, terms.rate, terms.dividend_yield, terms.volatility, time, terms.right)
        return price(*option, scheme="high_precision")

    return value


# Strike, rate, yield, volatility, time, right, American, ex-times, amounts; the quadrature's panels.
EXACT = {
    "one": (Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, False, (0.5,), (3.0,)), 14),
    "two, a large one": (Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, False, (0.3, 0.7), (3.0, 40.0)), 14),
    "most of spot": (Terms(91.787, 0.066, 0.0, 0.1401, 441 / 365, -1, False, (30 / 365,), (80.0,)), 14),
    "a high yield, little volatility": (Terms(100.0, 0.05, 0.2, 0.03, 1.0, 1, False, (0.3, 0.7), (3.0, 5.0)), 14),
    "at the ends": (Terms(100.0, 0.05, 0.02, 0.8, 2.0, -1, False, (0.0001, 1.99), (30.0, 20.0)), 60),
    "call": (Terms(100.0, 0.05, 0.0, 0.25, 1.0, 1, True, (0.5,), (3.0,)), 14),
    "call, two": (Terms(100.0, 0.05, 0.0, 0.25, 1.0, 1, True, (0.3, 0.8), (3.0, 3.0)), 14),
    "call, two, little volatility": (Terms(100.0, 0.02, 0.0, 0.05, 1.0, 1, True, (0.3, 0.8), (3.0, 3.0)), 14),
    "call, next to each other": (Terms(100.0, 0.05, 0.0, 0.6, 1.0, 1, True, (0.5, 0.501), (3.0, 20.0)), 14),
    "put that waits": (Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (0.5,), (3.0,)), 400),
    "put that waits, little volatility": (Terms(100.0, 0.05, 0.0, 0.1, 1.0, -1, True, (0.5,), (3.0,)), 400),
    "put that waits twice": (Terms(100.0, 0.05, 0.0, 0.25, 1.0, -1, True, (0.2, 0.6), (3.0, 4.0)), 30),
}


@pytest.mark.slow
@pytest.mark.parametrize(("terms", "panels"), EXACT.values(), ids=EXACT.keys())
def test_grid_agrees_with_quadrature(terms: Terms, panels: int) -> None:
    last = without_dividends(terms) if terms.american and terms.right < 0 else black_scholes(terms)
    value, delta = nested(SPOTS, terms, last, panels)
    found = converged(SPOTS, terms)
    assert found.value == pytest.approx(value, abs=5e-9 * 100.0)
    assert found.delta == pytest.approx(delta, abs=5e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "option",
    [(100.0, 0.05, 0.02, 0.25, 1.0, -1), (107.0, 0.05, 0.0, 0.08, 1.0, -1), (100.0, 0.05, 0.02, 1.0, 2.0, -1),
     (100.0, 0.02, 0.2, 0.05, 1.0, 1), (100.0, 0.1, 0.0, 0.03, 2.0, -1), (100.0, -0.01, 0.05, 0.2, 1.0, 1)],
)  # fmt: skip
def test_grid_without_dividends_agrees_with_the_boundary_method(
    option: tuple[float, float, float, float, float, int],
) -> None:
    found = converged(SPOTS, Terms(*option, True, (), ()))
    error = np.abs(found.value - price(SPOTS, *option, scheme="high_precision"))
    assert (error <= found.value_error + 1e-8 * 100.0).all()
    assert (found.value_error <= 2e-7 * 100.0).all()


def quantlib(spot: float, terms: Terms, size: int) -> float:
    """QuantLib's finite differences; ex-times and expiry are on whole days."""
    today = ql.Date(2, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    day_count = ql.Actual365Fixed()

    def flat(value: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, value, day_count))

    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)),
        flat(terms.dividend_yield),
        flat(terms.rate),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), terms.volatility, day_count)),
    )
    paid = merged(terms)
    schedule = ql.DividendVector([today + round(365 * time) for time, _ in paid], [amount for _, amount in paid])
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if terms.right > 0 else ql.Option.Put, terms.strike)
    end = today + round(365 * terms.time)
    option = ql.VanillaOption(payoff, ql.AmericanExercise(today, end) if terms.american else ql.EuropeanExercise(end))
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, schedule, size, size, 2))
    return float(option.NPV())


def on_whole_days(terms: Terms) -> bool:
    times = [time for time, _ in merged(terms)]
    return bool(times) and all(abs(365 * time - round(365 * time)) < 1e-9 for time in (*times, terms.time))


@pytest.mark.slow
def test_values_on_file_are_quantlibs() -> None:
    """Two of its grids extrapolated, since its error falls with time's steps; not where it is lost.

    Its grid is 1e-4 off for amounts of spot's size, and for next to no volatility against drift.
    """
    known = [row for row in ROWS if on_whole_days(row.terms) and row.terms.volatility >= 0.08]
    known = [row for row in known if sum(row.terms.amounts) <= 30.0]
    known = known[:: len(known) // 60]
    theirs = [2.0 * quantlib(row.spot, row.terms, 800) - quantlib(row.spot, row.terms, 400) for row in known]
    error = [abs(found - row.value) / row.spot for found, row in zip(theirs, known, strict=True)]
    assert max(error) <= 1e-5, known[int(np.argmax(error))]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, len(cases(40, 20)), 23))
def test_values_on_file_are_those_of_the_method(number: int) -> None:
    case = cases(40, 20)[number]
    for row in values(case):
        (on_file,) = (each for each in ROWS if (each.spot, each.terms) == (row.spot, row.terms))
        assert on_file.value == pytest.approx(row.value, abs=1e-9 * row.spot)
        assert on_file.delta == pytest.approx(row.delta, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("strike", "value", "vega"), CASH[::3])
def test_values_of_the_benchmark_are_those_of_the_method(strike: float, value: float, vega: float) -> None:
    terms = Terms(strike, 0.05, 0.0, 0.25, 1.0, -1, True, (60 / 365, 150 / 365, 240 / 365), (1.0, 1.5, 2.0))
    assert converged(100.0, terms).value == pytest.approx(value, abs=1e-6)
    up, down = (converged(100.0, terms._replace(volatility=0.25 + step)).value for step in (1e-3, -1e-3))
    assert (up - down) / 2e-3 == pytest.approx(vega, abs=1e-3)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ((100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (182 / 365,), (150.0,)), 97.438),
        ((100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (11 / 365,), (100.0,)), 98.07),
        ((100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (182 / 365,), (50.0,)), 47.529),
        ((100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (182 / 365,), (40.0,)), 38.127),
        ((91.787, 0.066, 0.0, 0.1401, 441 / 365, -1, False, (30 / 365,), (80.0,)), 64.32),
    ],
)
def test_values_on_file_are_those_once_found_by_others(option: tuple, value: float) -> None:
    (row,) = (row for row in ROWS if row.terms == Terms(*option))
    assert row.value == pytest.approx(value, abs=5.1 * 10.0 ** -(len(str(value).partition(".")[2]) + 1))


def _to_twelve_digits(spot: float, terms: Terms) -> str:
    """A case, whatever processor drew it: NumPy's powers differ in the last bit."""
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.12g}", repr((spot, terms)))


def test_every_kind_is_on_file_with_its_error() -> None:
    kinds = {case.kind for case in cases(1, 1)}
    assert {row.kind for row in ROWS} == kinds
    asked = {_to_twelve_digits(case.spots[0], case.terms) for case in cases(200, 60)}
    assert asked <= {_to_twelve_digits(row.spot, row.terms) for row in ROWS}
    errors = np.array([(row.value_error / row.spot, row.delta_error) for row in ROWS])
    assert (errors < [1e-6, 1e-4]).all()
    assert math.isclose(float((errors[:, 0] < 1e-8).mean()), 1.0, abs_tol=0.05)
