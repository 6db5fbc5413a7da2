"""The strategy's day in the learning market: what it opens, what that costs, how it is hedged."""

import numpy as np
import pytest

from alo_lib.learning import FEATURES, LearningError
from alo_lib.learning.desk import CASH, Desk
from alo_lib.learning.market import LearningMarket
from alo_lib.records import OPTION_MULTIPLIER, legs_of
from alo_lib.settings import Settings

SETTINGS = Settings(garch_history=400)
DAYS = 40


def desk(seed: int = 21, settings: Settings = SETTINGS) -> Desk:
    return Desk(LearningMarket(seed, DAYS, settings.garch_history + 1), settings)


def test_who_trades_nothing_keeps_what_he_has() -> None:
    one = desk()
    for day in range(1, DAYS + 1):
        one.trade(0.0)
        one.open_day(day)
    assert one.equity == CASH
    assert one.opened == one.fees == 0


def test_opening_costs_half_the_spread_and_fees() -> None:
    one = desk()
    assert one.signal is not None
    signal = one.signal[0]
    book, portfolio = one.state.underlyings[0].book, one.state.portfolio
    legs = [book.row(leg) for leg in legs_of(signal)]
    spreads = float(np.sum((book.quotes["ask"] - book.quotes["bid"])[legs]))
    one.trade(1.0)
    assert one.opened == 1
    quantity = abs(portfolio.quantity(int(signal["leg1"])))
    assert quantity > 0
    shares = int(one.exposure["shares"][0])
    paid = 0.5 * spreads * quantity * OPTION_MULTIPLIER + 0.01 * abs(shares)
    assert CASH - one.equity == pytest.approx(paid + one.fees, rel=1e-9)
    # Interactive Brokers' schedule: 0.65 a contract at these premiums, half a cent a share, a dollar an order at least.
    share_fee = max(1.0, 0.005 * abs(shares)) if shares else 0.0
    assert one.fees == pytest.approx(2.0 * max(1.0, 0.65 * quantity) + share_fee)


@pytest.mark.parametrize("multiplier", [0.0, 0.25, 0.5, 1.0])
def test_the_multiplier_scales_the_size(multiplier: float) -> None:
    whole, part = desk(), desk()
    assert whole.signal is not None
    call = int(whole.signal["leg1"][0])
    whole.trade(1.0)
    part.trade(multiplier)
    assert abs(part.state.portfolio.quantity(call)) == int(abs(whole.state.portfolio.quantity(call)) * multiplier)


def test_limits_hold_every_day() -> None:
    one = desk(seed=3)
    most_held = 0
    for day in range(1, DAYS + 1):
        one.trade(1.0)
        portfolio = one.state.portfolio
        held = [portfolio.quantity(i) for i in portfolio.held() if i]
        contracts = sum(abs(quantity) for quantity in held)
        assert abs(float(one.exposure["delta"][0])) <= max(SETTINGS.hedge_band * OPTION_MULTIPLIER * contracts, 0.5)
        assert abs(float(one.exposure["vega"][0])) * 0.01 <= SETTINGS.max_vega * one.equity
        most_held = max(most_held, int(one.exposure["structures"][0]))
        one.open_day(day)
    assert most_held == SETTINGS.max_structures
    assert one.opened > 2  # so some were closed again


def test_equity_is_cash_and_what_is_held() -> None:
    one = desk(seed=5)
    for day in range(1, 15):
        one.trade(1.0)
        one.open_day(day)
    book, portfolio = one.state.underlyings[0].book, one.state.portfolio
    value = portfolio.quantity(0) * book.spot
    for contract, mid in zip(book.contracts["instrument"].tolist(), book.mid().tolist(), strict=True):
        value += portfolio.quantity(contract) * mid * OPTION_MULTIPLIER
    assert set(portfolio.held()) <= {0, *book.contracts["instrument"].tolist()}
    assert one.equity == pytest.approx(portfolio.cash + value, rel=1e-12)


def test_observations_are_in_range_and_a_full_book_has_no_signal() -> None:
    one = desk(seed=8, settings=Settings(garch_history=400, max_structures=1))
    names = [feature.name for feature in FEATURES]
    blank = 0
    for day in range(1, DAYS + 1):
        seen = one.observation()
        assert np.all(np.abs(seen) <= 1.0)
        assert (seen[names.index("direction")] == 0.0) == (one.signal is None)
        blank += one.signal is None
        one.trade(1.0)
        assert int(one.exposure["structures"][0]) <= 1
        one.open_day(day)
    assert 0 < blank < DAYS


def test_refuses_strangles() -> None:
    with pytest.raises(LearningError, match="structures is 'strangle'; the learning market is for straddles alone"):
        desk(settings=Settings(structures="strangle"))
