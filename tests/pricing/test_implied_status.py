"""Why a price has no implied volatility: by arithmetic on what an option is worth at once and at most."""

import math

import numpy as np
import pytest

from alo_lib.pricing import (
    Contracts,
    ContractStatus,
    MarketTerms,
    PricingError,
    QuotedChain,
    implied_volatility,
    implied_with_status,
    price,
)

S = ContractStatus
DISCOUNT = math.exp(-0.05)
# price, spot, right, style, and why: strike 100, a year, rate 5 %, no yield.
CASES = [
    (20.0, 80.0, -1, "american", S.EXERCISED),
    (19.99, 80.0, -1, "american", S.BELOW_FLOOR),
    (21.0, 80.0, -1, "american", S.PRICED),
    (100.0, 80.0, -1, "american", S.ABOVE_BOUND),  # a put is never worth its strike
    (250.0, 80.0, -1, "american", S.ABOVE_BOUND),
    (0.0, 120.0, -1, "american", S.BELOW_FLOOR),
    (0.5, 120.0, -1, "american", S.PRICED),
    (120.0 - 100.0 * DISCOUNT, 120.0, +1, "american", S.BELOW_FLOOR),  # a call that is held is worth its forward
    (120.0 - 100.0 * DISCOUNT + 0.01, 120.0, +1, "american", S.PRICED),
    (20.0, 120.0, +1, "american", S.BELOW_FLOOR),
    (120.0, 120.0, +1, "american", S.ABOVE_BOUND),
    (100.0 * DISCOUNT - 80.0, 80.0, -1, "european", S.BELOW_FLOOR),
    (100.0 * DISCOUNT - 79.99, 80.0, -1, "european", S.PRICED),
    (100.0 * DISCOUNT, 80.0, -1, "european", S.ABOVE_BOUND),
]


@pytest.mark.parametrize(("quote", "spot", "right", "style", "status"), CASES)
def test_the_reason_is_where_the_price_lies(quote: float, spot: float, right: int, style, status: S) -> None:
    arguments = (quote, spot, 100.0, 0.05, 0.0, 1.0, right)
    found = implied_with_status(*arguments, style=style)
    assert (found.volatility.shape, found.status.shape) == ((), ())
    assert S(int(found.status)) is status
    assert np.isnan(found.volatility) == (status is not S.PRICED)
    contracts = Contracts(np.array([100.0]), np.ones(1), np.array([float(right)]), style)
    quoted = QuotedChain(contracts, MarketTerms(spot, 0.05), np.array([quote]), np.zeros(1, np.int8))
    assert quoted.status.tolist() == [status]
    if status is S.PRICED:
        assert price(spot, 100.0, 0.05, 0.0, found.volatility, 1.0, right, style=style) == pytest.approx(
            quote, abs=1e-7
        )
        assert implied_volatility(*arguments, style=style) == found.volatility
    else:
        with pytest.raises(
            PricingError, match=rf"no volatility up to 20 explains it \({status.words}\); allowed: above"
        ):
            implied_volatility(*arguments, style=style)


def test_the_sentence_names_what_is_allowed() -> None:
    with pytest.raises(PricingError) as refused:
        implied_volatility([8.0, 12.0], [95.0, 80.0], 100.0, 0.05, 0.0, 1.0, -1)
    least, most = str(refused.value).rpartition("above ")[2].split(" and below ")
    assert str(refused.value).startswith(
        "price is 12 for spot=80, strike=100, time_to_expiry=1, right=-1: no volatility"
    )
    assert float(least) == 20.0
    # At 2,000 % a year a put that never expires is worth all but the same, which is in closed form (Merton 1973).
    power = 2.0 * 0.05 / 20.0**2
    boundary = 100.0 * power / (1.0 + power)
    assert float(most) == pytest.approx((100.0 - boundary) * (80.0 / boundary) ** -power, abs=1e-3)


def test_what_is_missing_or_bad_has_a_status_where_nan_is_asked_for() -> None:
    quotes, spots, years = [np.nan, -1.0, 9.0, 9.0, 9.0], [100.0, 100.0, -1.0, 100.0, 100.0], [1.0, 1.0, 1.0, 0.0, 1.0]
    found = implied_with_status(quotes, spots, 100.0, 0.05, 0.0, years, -1, invalid="nan")
    assert found.status.tolist() == [S.NO_QUOTE, S.NO_QUOTE, S.OUT_OF_DOMAIN, S.EXPIRED, S.PRICED]
    assert np.isnan(found.volatility).tolist() == [True, True, True, True, False]
    with pytest.raises(PricingError, match=r"price is nan at \(0,\)"):
        implied_with_status(quotes, spots, 100.0, 0.05, 0.0, years, -1)
    with pytest.raises(PricingError, match=r"explains it \(expired\)"):
        implied_volatility(9.0, 100.0, 100.0, 0.05, 0.0, 0.0, -1)


def test_statuses_have_the_arguments_shape() -> None:
    found = implied_with_status(np.full((2, 3), 12.0), [80.0, 90.0, 100.0], 100.0, 0.05, 0.0, 1.0, -1)
    assert found.status.tolist() == [[S.BELOW_FLOOR, S.PRICED, S.PRICED]] * 2
    assert implied_with_status(np.empty((0, 3)), 100.0, 100.0, 0.05, 0.0, 1.0, -1).status.shape == (0, 3)
