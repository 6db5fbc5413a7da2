"""The hard cases against an independent method: ``accurate`` to 1e-6 of the strike, ``high_precision`` to 1e-8."""

import numpy as np
import pytest

from alo_lib.pricing import price
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
        ((100, 100, 0.1, 0.0, 0.01, 30.0, -1), 0.018389374906),
        pytest.param((100, 100, -0.005, -0.01, 0.2, 1.0, -1), 7.791616996950, marks=pytest.mark.slow),
    ],
)
def test_the_independent_method_agrees_with_published_values(option: tuple[float, ...], value: float) -> None:
    assert american(*option)[0] == pytest.approx(value, abs=2e-12)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, len(cases()), 25))
def test_values_on_file_are_those_of_the_method(number: int) -> None:
    case = cases()[number]
    found = sorted((row.spot, row.value) for row in values(case))
    on_file = sorted((row.spot, row.value) for row in ROWS if row[2:-1] == case[1:])
    assert np.array(on_file) == pytest.approx(np.array(found), abs=1e-11)
