"""The hard cases against an independent method: ``accurate`` to 1e-6 of the strike, ``high_precision`` to 1e-8."""

import numpy as np
import pytest

from alo_lib.pricing import Chain, exercise_boundary, price
from tests.pricing.reference import american
from tests.pricing.robust import cases, read, values

LIMITS = {"accurate": 1e-6, "high_precision": 1e-8}
ROWS = read()
KINDS = sorted({row.kind for row in ROWS})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", list(LIMITS))
def test_hard_cases(scheme: str, kind: str) -> None:
    spot, rate, dividend_yield, volatility, years, value = np.array([row[1:] for row in ROWS if row.kind == kind]).T
    puts = price(spot, 1.0, rate, dividend_yield, volatility, years, -1, scheme=scheme, invalid="nan")
    calls = price(1.0, spot, dividend_yield, rate, volatility, years, +1, scheme=scheme, invalid="nan")
    for found in (puts, calls):
        error = np.where(np.isnan(found), np.inf, np.abs(found - value))
        worst = int(np.argmax(error))
        named = {"spot": spot, "rate": rate, "yield": dividend_yield, "volatility": volatility, "years": years}
        option = ", ".join(f"{name}={column[worst]!r}" for name, column in named.items())
        assert error[worst] <= LIMITS[scheme], f"{option}: {found[worst]:.12g}, not {value[worst]:.12g}"


def test_the_whole_list_is_on_file() -> None:
    asked = {case[1:] for case in cases()}
    assert asked == {(row.rate, row.dividend_yield, row.volatility, row.time) for row in ROWS}
    assert {0.01, 1.0, 100.0} <= {row.spot for row in ROWS}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ((100, 100, 0.05, 0.0, 0.25, 1.0, -1), 7.974482342265),
        pytest.param((100, 100, 0.0, 0.04, 0.25, 1.0, +1), 8.313128961556, marks=pytest.mark.slow),
        pytest.param((100, 100, 0.1, 0.0, 0.01, 30.0, -1), 0.018389374906, marks=pytest.mark.slow),
        pytest.param((100, 100, -0.005, -0.01, 0.2, 1.0, -1), 7.791616996950, marks=pytest.mark.slow),
    ],
)
def test_the_independent_method_agrees_with_published_values(
    option: tuple[float, float, float, float, float, float, int], value: float
) -> None:
    assert american(*option)[0] == pytest.approx(value, abs=2e-12)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, len(cases()), 25))
def test_values_on_file_are_those_of_the_method(number: int) -> None:
    case = cases()[number]
    found = sorted((row.spot, row.value) for row in values(case))
    on_file = sorted((row.spot, row.value) for row in ROWS if row[2:-1] == case[1:])
    assert np.array(on_file) == pytest.approx(np.array(found), abs=1e-11)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ((0.344954758067, 1.0, 0.04482, 0.05367, 0.3786, 31.61267, -1), 0.6608703980848),
        ((0.5, 1.0, 0.04482, 0.05367, 0.3786, 31.61267, -1), 0.56624067623985),
        ((1.0, 1.0, 0.04482, 0.05367, 0.3786, 31.61267, -1), 0.42161605756469),
        ((0.261416388017, 1.0, 0.06, 0.12, 0.6, 20.0, -1), 0.75622721617299),
        ((0.5, 1.0, 0.06, 0.12, 0.6, 20.0, -1), 0.65613377814151),
        ((1.0, 1.0, 0.06, 0.12, 0.6, 20.0, -1), 0.56206244028088),
    ],
)
def test_boundaries_that_settle_late_are_precise(option: tuple[float, ...], value: float) -> None:
    """By the independent method. With 24 nodes alone the error was up to 3e-8; ``accurate`` is within 2e-6 here."""
    assert price(*option, scheme="high_precision") == pytest.approx(value, abs=1e-9)
    assert price(*option) == pytest.approx(value, abs=2e-6)


@pytest.mark.slow
def test_two_boundaries_that_never_meet_settle() -> None:
    """Little volatility, decades: spot drifts into the exercise region from below at a time that is nearly known."""
    options = np.array(
        [
            (8.9195, 100.0, -0.029554, -0.162375, 0.015, 33.7375, -1.0),
            (1.2273, 100.0, -0.223616, -0.654464, 0.0028168, 15.8072, -1.0),
            (1.9257, 100.0, -0.0046823, -0.133131, 0.0066079, 14.2498, -1.0),
            (7.265, 100.0, -0.131504, -0.0028602, 0.0299124, 44.151, 1.0),
        ]
    ).T
    dense = price(*options, scheme=(12, 40, 60, 160))
    assert price(*options) == pytest.approx(dense, abs=1e-4)
    assert price(*options, scheme="high_precision") == pytest.approx(dense, abs=1e-6)
    boundary = exercise_boundary(1.0, -0.029554, -0.162375, 0.015, 33.7375, -1)
    assert boundary.time_to_expiry[-1] == 33.7375
    assert 0.0 < boundary.lower[-1] < boundary.upper[-1] < 1.0


def test_wild_draws_have_a_price() -> None:
    draw = np.random.default_rng(7)
    n = 2000
    rate, dividend_yield = (draw.uniform(-1.0, 1.0, n) * 10.0 ** draw.uniform(-3.0, 0.0, n) for _ in range(2))
    volatility, time = 10.0 ** draw.uniform(-3.0, np.log10(20.0), n), 10.0 ** draw.uniform(-4.0, 2.0, n)
    spot, right = 100.0 * 10.0 ** draw.uniform(-2.0, 2.0, n), np.where(draw.random(n) < 0.5, 1.0, -1.0)
    found = price(spot, 100.0, rate, dividend_yield, volatility, time, right, invalid="nan")
    assert np.isnan(found).sum() <= 1
    priced = ~np.isnan(found)
    assert (found >= np.maximum(right * (spot - 100.0), 0.0))[priced].all()


def test_a_rate_next_to_nothing_prices_as_none_does() -> None:
    chain = Chain([90.0, 100.0, 110.0], [0.5] * 3, [-1.0, -1.0, 1.0])
    for rate in (5e-324, 1e-310, 1e-300):
        for dividend_yield in (0.0, 0.02, 0.5):
            assert np.array_equal(
                chain.price(100.0, rate, dividend_yield, 0.3), chain.price(100.0, 0.0, dividend_yield, 0.3)
            )
