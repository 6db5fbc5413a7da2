"""Markets move as their models say: moments by formula."""

import math

import numpy as np
import pytest

from alo_lib.learning.garch_markets import GjrBootstrap, GjrJumps
from alo_lib.learning.markets import DAYS, STEPS_A_DAY, BlackScholes, Heston, Jumps, Market, day_shares
from alo_lib.learning.rough_bergomi import RoughBergomi
from alo_lib.learning.smile import smile_of

PATHS = 20_000
SHOCKS = tuple((np.random.default_rng(3).chisquare(5, 2_000) - 5.0).tolist())
STANDARD = tuple(((np.array(SHOCKS) - np.mean(SHOCKS)) / np.std(SHOCKS) * -1.0).tolist())
JUMPS = Jumps(10.0, -0.05, 0.04)
MARKETS: list[Market] = [
    BlackScholes(),
    Heston(),
    Heston(night_share=0.3, jumps=JUMPS),
    RoughBergomi(),
    GjrJumps(),
    GjrBootstrap(STANDARD),
]


def paths_of(market: Market, variance: float = 0.04, days: int = DAYS) -> tuple[np.ndarray, np.ndarray]:
    return market.paths(PATHS, days, variance, np.random.default_rng(17))


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: f"{market.name}, {type(market).__name__}")
def test_the_spot_is_a_fair_game_and_starts_at_one(market: Market) -> None:
    spots, variances = paths_of(market)
    assert spots.shape == variances.shape == (DAYS * STEPS_A_DAY + 1, PATHS)
    assert np.all(spots[0] == 1.0)
    error = np.std(spots[-1]) / math.sqrt(PATHS)
    assert abs(np.mean(spots[-1]) - 1.0) < 4.0 * error
    assert market.states[len(market.states) // 2] == pytest.approx(0.04)


def test_heston_reverts_as_its_mean_does() -> None:
    _, variances = paths_of(Heston(), variance=0.09)
    expected = 0.04 + 0.05 * math.exp(-3.0 * DAYS / 252)
    assert np.mean(variances[-1]) == pytest.approx(expected, rel=0.02)


def test_jumps_add_their_variance_and_nights_leave_that_of_a_day() -> None:
    plain, jumping = (paths_of(Heston(night_share=0.3, jumps=jumps))[0] for jumps in (None, JUMPS))
    more = (np.var(np.log(jumping[-1])) - np.var(np.log(plain[-1]))) * 252 / DAYS
    assert more == pytest.approx(10.0 * (0.05**2 + 0.04**2), rel=0.1)
    assert np.sum(day_shares(0.3)) == pytest.approx(1.0)
    night, session = np.log(plain[1]), np.log(plain[2] / plain[1])
    assert np.var(night) / np.var(session) == pytest.approx(0.3 * 12 / 0.7, rel=0.05)


def test_rough_variance_is_a_martingale_whose_logarithm_spreads_as_a_small_power_of_time() -> None:
    market = RoughBergomi(of_volatility=1.0)
    generator = np.random.default_rng(17)
    _, quoted = market.paths(PATHS, 2, 0.04, generator)
    last = np.log(quoted[-2])  # the forward curve there is the spot's variance
    years = (2 * STEPS_A_DAY - 1) / (252 * STEPS_A_DAY)
    assert np.mean(quoted[-2]) == pytest.approx(0.04, rel=0.02)
    assert np.var(last) == pytest.approx(years**0.2, rel=0.03)


def test_what_rough_quotes_expect_is_what_comes_to_pass() -> None:
    _, quoted = paths_of(RoughBergomi(), days=5)
    middle = quoted[30]
    high = middle > np.median(middle)
    for group in (high, ~high):
        assert np.mean(quoted[45][group]) == pytest.approx(np.mean(middle[group]), rel=0.12)


def test_bootstrapped_days_have_the_shocks_that_were_given() -> None:
    spots, _ = GjrBootstrap(STANDARD, alpha=0.0, gamma=0.0, beta=0.0).paths(PATHS, 1, 0.04, np.random.default_rng(1))
    days = np.log(spots[-1]) / math.sqrt(0.04 / 252)
    assert np.std(days) == pytest.approx(1.0, rel=0.02)
    assert np.mean(((days - np.mean(days)) / np.std(days)) ** 3) == pytest.approx(
        np.mean(np.array(STANDARD) ** 3), rel=0.1
    )


def test_a_smile_without_randomness_of_volatility_is_flat_and_with_leverage_falls() -> None:
    flat = smile_of(BlackScholes(), 0)
    a, b, c = flat.at(100, np.full(2, 0.04))
    assert (a.tolist(), b.tolist(), c.tolist()) == ([1.0, 1.0], [0.0, 0.0], [0.0, 0.0])
    _, slope, _ = smile_of(Heston(), 2_000).at(13 * 15, np.array([0.04]))
    assert slope[0] < -0.03
