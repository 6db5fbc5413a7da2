"""The keywords that the array functions share: what is so unless told, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing import ACCURATE, PricingError, greeks, implied_volatility, price
from alo_lib.pricing.options import Method
from alo_lib.pricing.terms import Options

CASE = (100.0, 100.0, 0.05, 0.02, 0.25, 1.0, -1)
QUOTE = (8.0, 100.0, 100.0, 0.05, 0.02, 1.0, -1)
FUNCTIONS = ((price, CASE), (greeks, CASE), (implied_volatility, QUOTE))


@pytest.mark.parametrize(("function", "arguments"), FUNCTIONS)
@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"shceme": "fast"}, TypeError, "shceme"),
        ({"style": "bermudan"}, PricingError, "style is 'bermudan'; allowed: american, european"),
        ({"scheme": "slow"}, PricingError, "scheme is 'slow'"),
        ({"invalid": "zero"}, PricingError, "invalid is 'zero'; allowed: raise, nan"),
        ({"threads": 0}, PricingError, "threads is 0; allowed: a whole number, at least 1"),
        ({"dividends": ([0.5], [1.0, 2.0])}, PricingError, r"dividends have ex-times of shape \(1,\) and amounts of"),
    ],
)
def test_what_is_not_allowed_is_named(
    function: Callable[..., object], arguments: Any, keywords: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        function(*arguments, **keywords)


@pytest.mark.parametrize(("function", "arguments"), FUNCTIONS)
def test_unless_told_options_are_american_accurate_and_without_cash(
    function: Callable[..., object], arguments: Any
) -> None:
    told = function(*arguments, style="american", scheme="accurate", invalid="raise", threads=None, dividends=None)
    assert np.array_equal(np.asarray(function(*arguments)), np.asarray(told))
    assert not np.array_equal(np.asarray(function(*arguments, style="european")), np.asarray(told))


def test_dividends_come_into_order() -> None:
    method = Method.of(dividends=([0.75, 0.25], [2.0, 1.0]))
    assert method.scheme == ACCURATE
    assert method.cash is not None
    assert (method.cash.times.tolist(), method.cash.amounts.tolist()) == ([0.25, 0.75], [1.0, 2.0])


def test_a_part_of_options_is_the_same_rows_of_every_column() -> None:
    columns = np.arange(18.0).reshape(6, 3)
    for which in (slice(1, 3), np.array([2, 0]), np.array([True, False, True])):
        assert np.array_equal(np.stack(Options(*columns).part(which)), columns[:, which])
