"""Figures as pages say them."""

from decimal import Decimal

import pytest

from alo_lib.views.spoken import cents, fees_to_the_cent, money, or_dash


@pytest.mark.parametrize(
    ("value", "to_even", "away"),
    [
        (1090.245, "1090.24", "1090.25"),
        (-1090.245, "-1090.24", "-1090.25"),
        (0.015, "0.02", "0.02"),
        (-0.004, "0", "0"),
    ],
)
def test_half_cents_go_to_even_but_those_of_fees_away_from_zero(value: float, to_even: str, away: str) -> None:
    assert cents(value) == Decimal(to_even)
    assert fees_to_the_cent(value) == Decimal(away)


def test_money_has_a_real_minus_sign_and_no_negative_zero() -> None:
    assert money(-1234.5) == "\u2212$1,234.50"
    assert money(-0.001) == "$0.00"


def test_a_figure_that_is_not_there_is_a_dash() -> None:
    assert or_dash(None, "z.2f") == "\u2013"
    assert or_dash(0.5, "z.2f") == "0.50"
