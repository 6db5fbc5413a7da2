"""Greeks over ex-times, day by day: against a peer of their own, the closed form, and each other."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.pricing import Dividends, PricingError, greeks, greeks_ahead
from alo_lib.pricing.arguments import Invalid
from tests.pricing.dividend_grid import Terms, converged

DAY = 1.0 / 365.0
EX, AMOUNT = 10.25 * DAY, 1.2
RATE, VOLATILITY, YEARS = 0.03, 0.25, 60 * DAY
MARKET = (RATE, 0.0, VOLATILITY, YEARS)
TIMES = np.append(np.arange(9.0, 13.0) * DAY, EX)
TIMES.sort()


def peer(now: float, right: int, gone: bool) -> Terms:
    ahead = ((), ()) if gone else ((EX - now,), (AMOUNT,))
    return Terms(100.0, RATE, 0.0, VOLATILITY, YEARS - now, right, True, *ahead)


@pytest.mark.parametrize("right", [1, -1])
def test_prices_and_deltas_of_each_day_are_a_peer_s(right: int) -> None:
    spots = np.array([95.0, 101.0, 108.0])
    found = greeks_ahead(spots, 100.0, *MARKET, right, times=TIMES, dividends=([EX], [AMOUNT]))
    assert found.cum.tolist() == [False, False, True, False, False, False]
    np.testing.assert_array_equal(found.time[found.time != EX], TIMES[TIMES != EX])
    for i, now in enumerate(found.time):
        gone = now >= EX and not found.cum[i]
        np.testing.assert_array_equal(found.spot[i], spots - AMOUNT if gone else spots)
        if not found.cum[i]:
            expected = converged(found.spot[i], peer(now, right, gone))
            assert found.greeks.price[i] == pytest.approx(expected.value, abs=1e-3)
            assert found.greeks.delta[i] == pytest.approx(expected.delta, abs=2e-4)
    held = right * (spots - 100.0) < found.greeks.price[3]
    assert held.sum() >= 2
    for values in found.greeks:  # where it is held, value runs through
        np.testing.assert_array_equal(values[2][held], values[3][held])
    exercised = ~held
    np.testing.assert_array_equal(found.greeks.price[2][exercised], right * (spots - 100.0)[exercised])
    assert (found.greeks.delta[2][exercised] == right).all()
    for values in found.greeks[2:]:
        assert (values[2][exercised] == 0.0).all()


def test_there_is_a_call_to_exercise_before_and_none_after() -> None:
    found = greeks_ahead(150.0, 100.0, *MARKET, 1, times=[EX], dividends=([EX], [AMOUNT]))
    assert found.cum.tolist() == [True, False]
    assert found.greeks.price[0] == 50.0
    assert found.greeks.price[1] == pytest.approx(
        50.0 - AMOUNT + 100.0 * (1.0 - math.exp(-RATE * (YEARS - EX))), abs=1e-3
    )
    assert found.greeks.delta[0] == 1.0
    assert found.greeks.delta[1] < 1.0


def test_after_the_last_ex_time_a_call_has_the_closed_form_s_greeks() -> None:
    found = greeks_ahead(101.0, 100.0, *MARKET, 1, times=[EX, EX + DAY], dividends=([EX], [AMOUNT]))
    for i, left in ((0, YEARS - EX), (1, YEARS - EX), (2, YEARS - EX - DAY)):
        spot, root = 101.0 - AMOUNT, VOLATILITY * math.sqrt(left)
        plus = (math.log(spot / 100.0) + RATE * left) / root + 0.5 * root
        density, discount = norm.pdf(plus), math.exp(-RATE * left)
        expected = {
            "price": spot * norm.cdf(plus) - 100.0 * discount * norm.cdf(plus - root),
            "delta": norm.cdf(plus),
            "gamma": density / (spot * root),
            "vega": spot * density * math.sqrt(left),
            "theta": -0.5 * spot * density * VOLATILITY / math.sqrt(left)
            - RATE * 100.0 * discount * norm.cdf(plus - root),
        }
        for name, value in expected.items():
            assert getattr(found.greeks, name)[i] == pytest.approx(value, rel=1e-5), (i, name)


@pytest.mark.parametrize("right", [1, -1])
def test_what_a_day_costs_is_theta_on_the_days_beside_an_ex_time_and_over_it(right: int) -> None:
    """The day over the ex-time too: without the dividend in the spot it would be off by delta times the dividend."""
    days = np.arange(8.0, 14.0) * DAY
    found = greeks_ahead(101.0, 100.0, *MARKET, right, times=days, dividends=([EX], [AMOUNT]))
    assert not found.cum.any()
    over = 2
    assert found.spot[over : over + 2].tolist() == [101.0, 101.0 - AMOUNT]
    change, theta = np.diff(found.greeks.price), found.greeks.theta
    expected = 0.5 * DAY * (theta[:-1] + theta[1:])
    assert change[[0, 1, 3, 4]] == pytest.approx(expected[[0, 1, 3, 4]], abs=2e-4)
    share = (EX - days[over]) / DAY
    assert change[over] == pytest.approx(DAY * (share * theta[over] + (1.0 - share) * theta[over + 1]), abs=1e-3)
    assert abs(found.greeks.delta[over]) * AMOUNT > 50.0 * abs(change[over] - expected[over])


def test_a_moment_before_and_at_the_ex_time_are_one() -> None:
    option, dividends = (101.0, 100.0, *MARKET, [1, -1]), ([EX, 0.14], [AMOUNT, 0.4])
    found = greeks_ahead(*option, times=[EX - 1e-4, EX], dividends=dividends)
    assert found.greeks.price[0] == pytest.approx(found.greeks.price[1], abs=5e-3)
    assert found.greeks.delta[0] == pytest.approx(found.greeks.delta[1], abs=2e-2)
    now = greeks(*option, dividends=dividends)
    for values, first in zip(now, greeks_ahead(*option, times=[0.0], dividends=dividends).greeks, strict=True):
        np.testing.assert_array_equal(values, first[0])


def test_an_option_ends_at_its_expiry() -> None:
    found = greeks_ahead([103.0, 99.0], 100.0, 0.03, 0.0, 0.2, [5 * DAY, 20 * DAY], 1, times=np.array([4, 5, 6]) * DAY,
                         dividends=([10 * DAY], [1.0]))  # fmt: skip
    assert found.greeks.price.shape == (3, 2)
    assert found.greeks.price[1, 0] == 3.0
    assert np.isnan(found.greeks.price[2, 0])
    assert np.isfinite(found.greeks.price[:, 1]).all()


@pytest.mark.parametrize("invalid", ["raise", "nan"])
def test_where_a_dividend_takes_the_whole_spot_a_put_is_exercised_and_a_call_worth_nothing(invalid: Invalid) -> None:
    schedule = Dividends([0.5], [10.0])
    spots = [[5.0], [50.0]]
    found = greeks_ahead(
        spots, 5.0, 0.05, 0.0, 0.25, 1.0, [-1, 1], dividends=schedule, times=[0.25, 0.5, 0.75, 1.0], invalid=invalid
    )
    assert found.cum.tolist() == [False, True, False, False, False]
    assert found.spot[:, 0, 0].tolist() == [5.0, 5.0, 0.0, 0.0, 0.0]
    expected = {"price": [5.0, 0.0], "delta": [-1.0, 0.0]}
    for name, values in found.greeks._asdict().items():
        for moment in (2, 3, 4):
            assert values[moment, 0].tolist() == expected.get(name, [0.0, 0.0]), name
        assert np.isfinite(values).all()
    beside = greeks(40.0, 5.0, 0.05, 0.0, 0.25, 0.25, [-1, 1])
    for values, alone in zip(found.greeks, beside, strict=True):
        np.testing.assert_array_equal(values[3, 1], alone)


def test_at_a_negative_rate_a_put_on_nothing_is_held_to_expiry() -> None:
    """By differences of the strike's present value, less a share that pays a fraction and a yield."""
    option = (5.0, -0.03, 0.02, 0.25, 1.0, -1)
    schedule = Dividends([0.5, 0.7], [10.0, 0.0], [0.0, 0.1])
    found = greeks_ahead(5.0, *option, dividends=schedule, times=[0.6]).greeks

    def value(spot: float, rate: float = -0.03, left: float = 0.4) -> float:
        return 5.0 * math.exp(-rate * left) - 0.9 * spot * math.exp(-0.02 * left)

    step = 1e-6
    assert found.price[0] == pytest.approx(value(0.0), rel=1e-12)
    assert found.delta[0] == pytest.approx((value(step) - value(0.0)) / step, rel=1e-6)
    assert found.rho[0] == pytest.approx((value(0.0, -0.03 + step) - value(0.0, -0.03 - step)) / (2 * step), rel=1e-6)
    later, sooner = (value(0.0, left=0.4 - each) for each in (step, -step))
    assert found.theta[0] == pytest.approx((later - sooner) / (2 * step), rel=1e-6)
    slopes = [-0.9 * math.exp(-0.02 * (0.4 - each)) for each in (step, -step)]
    assert found.charm[0] == pytest.approx((slopes[0] - slopes[1]) / (2 * step), rel=1e-6)
    for name in ("gamma", "vega", "epsilon", "vanna", "volga"):
        assert getattr(found, name)[0] == 0.0, name
    beside = greeks(1e-3, *option[:4], 0.4, -1, dividends=Dividends([0.1], 0.0, [0.1]))
    for name in ("price", "delta", "theta", "rho", "charm"):
        assert getattr(found, name)[0] == pytest.approx(float(getattr(beside, name)), abs=1e-3), name


def test_what_is_not_known_of_an_option_stays_so_where_nothing_is_left_of_spot() -> None:
    volatility = [np.nan, 0.25]
    found = greeks_ahead(5.0, 5.0, 0.05, 0.0, volatility, 1.0, -1, dividends=Dividends([0.5], [10.0]), times=[0.75],
                         invalid="nan")  # fmt: skip
    for values in found.greeks:
        assert np.isnan(values[0]).tolist() == [True, False]


def test_of_no_options_there_are_empty_arrays() -> None:
    found = greeks_ahead([], 100.0, 0.05, 0.0, 0.25, 1.0, 1, dividends=Dividends([0.25], [1.5]), times=[0.0, 0.25])
    assert found.time.tolist() == [0.0, 0.25, 0.25]
    for values in (found.spot, *found.greeks):
        assert values.shape == (3, 0)


def test_an_unknown_keyword_is_told_of_the_function_that_was_called() -> None:
    with pytest.raises(TypeError, match=r"^greeks_ahead\(\) got an unexpected keyword argument 'foo'$"):
        greeks_ahead(100.0, 100.0, *MARKET, 1, times=[0.0], dividends=([0.1], [1.0]), foo=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"times": [0.1, 0.1]}, "times is"),
        ({"times": [-0.1]}, "times is"),
        ({"times": []}, "times is"),
        ({"times": [np.nan]}, "times is"),
        ({"dividends": None}, "dividends is None"),
        ({"style": "european"}, "European"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(changes: dict[str, object], words: str) -> None:
    with pytest.raises(PricingError, match=words):
        greeks_ahead(100.0, 100.0, *MARKET, 1, **({"times": [0.0], "dividends": ([0.1], [1.0])} | changes))  # type: ignore[arg-type]
