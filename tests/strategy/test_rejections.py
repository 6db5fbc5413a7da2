"""Why contracts are passed over: the first test that each fails."""

import numpy as np
import pytest

from alo_lib.settings import Settings
from alo_lib.strategy.contract_rejections import contract_rejections
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.strategy.rejections import MEANINGS, Rejection
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.state import Underlying
from tests.brief import BRIEF
from tests.strategy.test_parts import DAY, NOW, quoted_book

SECOND = 10**9
LOOSE = Settings(**BRIEF, max_moneyness=5.0, max_spread=1.5, min_bid=0.01)
"""What all strikes pass."""


def codes(forecast: float = 0.3, time: int = NOW, **settings: object) -> list[Rejection]:
    return codes_of(underlying_of(forecast), Settings(**BRIEF | {"min_bid": 0.0, "max_spread": 2.0} | settings), time)


def underlying_of(forecast: float = 0.3) -> Underlying:
    book = quoted_book()
    return Underlying(book, VolatilityForecaster(Settings()), forecast={NOW + 45 * DAY: forecast})


def codes_of(underlying: Underlying, settings: Settings, time: int = NOW) -> list[Rejection]:
    return [Rejection(code) for code in contract_rejections(underlying, settings, 0.02, time).tolist()]


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        (Rejection.NO_QUOTE, {"bid": np.nan}),
        (Rejection.NO_QUOTE, {"ask": np.nan}),
        (Rejection.BID, {"bid": 0.005}),
        (Rejection.SPREAD, {"ask": 60.0}),
        (Rejection.SIZE, {"ask_size": 0}),
        (Rejection.NO_QUOTE, {"bid": np.nan, "ask_size": 0}),
    ],
)
def test_a_quote_is_rejected_for_the_first_test_that_it_fails(reason: Rejection, change: dict[str, float]) -> None:
    underlying = underlying_of()
    row = underlying.book.row(int(underlying.book.contracts["instrument"][8]))  # at the money
    for name, value in change.items():
        underlying.book.quotes[name][row] = value
    found = codes_of(underlying, LOOSE)
    assert found[row] is reason
    assert {each for place, each in enumerate(found) if place != row} == {Rejection.NONE}


def test_locked_and_below_intrinsic() -> None:
    underlying = underlying_of()
    quotes, contracts = underlying.book.quotes, underlying.book.contracts
    at = int(np.flatnonzero((contracts["strike"] == 100.0) & (contracts["right"] == 1))[0])
    deep = int(np.flatnonzero((contracts["strike"] == 80.0) & (contracts["right"] == 1))[0])
    quotes["bid"][at] = quotes["ask"][at]
    quotes["bid"][deep], quotes["ask"][deep] = 19.90, 19.95
    found = codes_of(underlying, LOOSE)
    assert (found[at], found[deep]) == (Rejection.LOCKED, Rejection.INTRINSIC)


def test_age_maturity_open_interest_moneyness_and_forecast() -> None:
    assert set(codes(time=NOW + 601 * SECOND)) == {Rejection.STALE}
    underlying = underlying_of()
    underlying.book.trade_time = NOW - 601 * SECOND
    assert set(codes_of(underlying, Settings(**BRIEF))) == {Rejection.STALE_SPOT}
    assert set(codes(min_days_to_expiry=46)) == {Rejection.MATURITY}
    assert set(codes(min_open_interest=101)) == {Rejection.OPEN_INTEREST}
    assert set(codes(forecast=np.nan)) == {Rejection.NO_FORECAST}
    assert set(codes(fair_smile="market")) == {Rejection.NO_SMILE}
    assert set(codes(fair_smile="market", forecast=np.nan)) == {Rejection.NO_FORECAST}
    # A deviation is 0.3 sqrt(45 / 365) = 0.105, so that 0.75 of one reach from 92.4 to 108.2.
    strikes = underlying_of().book.contracts["strike"]
    expected = [Rejection.NONE if 92.4 < strike < 108.2 else Rejection.MONEYNESS for strike in strikes.tolist()]
    assert codes() == expected


def test_a_mid_that_no_volatility_explains_is_told_last() -> None:
    underlying = underlying_of()
    quotes, contracts = underlying.book.quotes, underlying.book.contracts
    deep = int(np.flatnonzero((contracts["strike"] == 80.0) & (contracts["right"] == 1))[0])
    quotes["bid"][deep], quotes["ask"][deep] = 19.5, 20.1  # its mid is below what exercise gives
    assert codes_of(underlying, LOOSE)[deep] is Rejection.NO_VOLATILITY


def test_the_screen_is_the_same_tests_and_each_has_a_meaning() -> None:
    underlying = underlying_of()
    underlying.book.quotes["bid"][:6] = np.nan
    underlying.book.quotes["bid_size"][6:9] = 0
    _, screen = screen_chain(underlying.book, np.full(18, 0.3), LOOSE, 0.02, NOW, [])
    assert screen.quoted.tolist() == [False] * 6 + [True] * 12
    assert screen.in_range.tolist() == screen.quoted.tolist()
    assert screen.liquid.tolist() == [False] * 9 + [True] * 9
    assert set(MEANINGS) == set(Rejection)
