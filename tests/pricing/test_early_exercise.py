"""Exercise at ex-times: critical spots in closed form and by a peer; waiting costs by one without the right."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from alo_lib.pricing import Dividends, PricingError, early_exercise, price
from alo_lib.pricing.arguments import Invalid
from tests.pricing.dividend_grid import Terms, converged
from tests.pricing.dividend_quadrature import black_scholes
from tests.sampled import sampled

TIMES, AMOUNTS = (0.1, 0.35), (1.0, 1.5)
# Rate, yield, volatility, years.
MARKETS = {
    "a dividend and a half": (0.03, 0.0, 0.25, 0.5),
    "a yield beside the cash": (0.05, 0.04, 0.2, 0.6),
    "a negative rate": (-0.01, 0.0, 0.3, 0.5),
    "little volatility": (0.02, 0.0, 0.08, 0.4),
}


def terms(strike: float, market: tuple[float, float, float, float], right: int, held_until: float = 0.0) -> Terms:
    rate, dividend_yield, volatility, years = market
    return Terms(strike, rate, dividend_yield, volatility, years, right, True, TIMES, AMOUNTS, held_until=held_until)


def after(option: Terms, k: int) -> Terms:
    """The option as seen from just after its ex-time k."""
    now = option.times[k]
    left = tuple(time - now for time in option.times[k + 1 :])
    return option._replace(time=option.time - now, times=left, amounts=option.amounts[k + 1 :], held_until=0.0)


@pytest.mark.parametrize("volatility", [0.05, 0.25, 0.8])
@pytest.mark.parametrize("strike", [80.0, 100.0, 125.0])
def test_the_critical_spot_before_the_last_ex_time_is_in_closed_form(strike: float, volatility: float) -> None:
    """Without a yield, and at a rate that is not negative, what is left is a European call."""
    market = (0.02, 0.0, volatility, 0.5)
    left = black_scholes(after(terms(strike, market, 1), 1))

    def gain(spot: float) -> float:
        return spot - strike - float(left(np.array([spot - AMOUNTS[1]]), market[3] - TIMES[1])[0])

    found = early_exercise(100.0, strike, *market, 1, dividends=(TIMES, AMOUNTS)).ex_dates
    assert found.critical_spot[1] == pytest.approx(brentq(gain, strike, 50.0 * strike, xtol=1e-9), rel=1e-6)


def test_at_a_negative_yield_exercise_pays_between_two_spots_of_which_the_lower_is_told() -> None:
    """Such a call grows by more than the share: at 1.4 times the strike it is exercised, at 3.7 times it is not."""
    market, schedule = (0.01, -0.004, 0.25, 0.6), ((0.1,), (1.2,))
    left = black_scholes(Terms(100.0, *market[:3], 0.5, 1, True, (), ()))

    def gain(spot: float) -> float:
        return spot - 100.0 - float(left(np.array([spot - 1.2]), 0.5)[0])

    assert gain(100.0) < 0.0 < gain(140.0)
    assert gain(370.0) < 0.0
    found = early_exercise([140.0, 370.0], 100.0, *market, 1, dividends=schedule).ex_dates
    assert found.critical_spot[0] == pytest.approx(brentq(gain, 100.0, 140.0, xtol=1e-9), rel=1e-6)
    assert found.exercised.tolist() == [[True, False]]


@pytest.mark.parametrize("market", sampled(((market,) for market in MARKETS.values()), every=2), ids=MARKETS.keys())
def test_at_the_critical_spot_a_call_is_worth_as_much_held_as_exercised(
    market: tuple[float, float, float, float],
) -> None:
    strikes = np.array([70.0, 100.0, 120.0])
    found = early_exercise(100.0, strikes, *market, 1, dividends=(TIMES, AMOUNTS)).ex_dates
    assert np.isfinite(found.critical_spot).all()
    for k, amount in enumerate(AMOUNTS):
        for strike, critical in zip(strikes, found.critical_spot[k], strict=True):
            left = after(terms(strike, market, 1), k)
            peer = converged([critical - amount, critical - amount + 0.1], left)
            assert critical - strike == pytest.approx(peer.value[0], abs=2e-4)
            assert critical + 0.1 - strike > peer.value[1]


def test_a_dividend_below_the_interest_left_exercises_no_call() -> None:
    """Half a year's interest on the strike is 2.47: spot goes to infinity, and the call is still worth more held."""
    none = early_exercise(100.0, 100.0, 0.05, 0.0, 0.25, 0.6, 1, dividends=([0.1], [2.4]))
    some = early_exercise(100.0, 100.0, 0.05, 0.0, 0.25, 0.6, 1, dividends=([0.1], [2.5]))
    assert 100.0 * (1.0 - math.exp(-0.05 * 0.5)) == pytest.approx(2.469, abs=1e-3)
    assert np.isnan(none.ex_dates.critical_spot[0])
    assert not none.ex_dates.exercised[0]
    assert none.probability == 0.0
    assert some.ex_dates.critical_spot[0] > 130.0


@pytest.mark.parametrize("market", sampled(((market,) for market in MARKETS.values()), every=2), ids=MARKETS.keys())
@pytest.mark.parametrize("right", [1, -1])
def test_what_is_held_through_the_next_ex_time_is_worth_what_a_peer_without_the_right_says(
    market: tuple[float, float, float, float], right: int
) -> None:
    spots = np.array([77.0, 95.0, 105.0, 125.0])
    found = early_exercise(spots, 100.0, *market, right, dividends=(TIMES, AMOUNTS))
    free = converged(spots, terms(100.0, market, right))
    bound = converged(spots, terms(100.0, market, right, held_until=TIMES[0]))
    assert max(free.value_error.max(), bound.value_error.max()) < 2e-4
    assert right < 0 or (free.value - bound.value).max() > 0.02
    assert found.value == pytest.approx(free.value, abs=1e-3)
    assert found.held_value == pytest.approx(bound.value, abs=1e-3)
    assert found.waiting_cost == pytest.approx(free.value - bound.value, abs=1e-3)
    assert found.exercise_gain == pytest.approx(right * (spots - 100.0) - bound.value, abs=1e-3)


def test_a_put_that_is_held_for_little_loses_the_interest() -> None:
    spots = np.array([70.0, 85.0, 100.0])
    schedule = ((0.3,), (0.1,))
    option = Terms(100.0, 0.08, 0.0, 0.25, 0.6, -1, True, *schedule)
    found = early_exercise(spots, 100.0, 0.08, 0.0, 0.25, 0.6, -1, dividends=schedule)
    free, bound = (converged(spots, each).value for each in (option, option._replace(held_until=0.3)))
    assert (free - bound > 0.02).all()
    assert found.waiting_cost == pytest.approx(free - bound, abs=1e-3)
    assert found.exercised_now.tolist() == [True, False, False]


def test_the_evening_before_waiting_costs_what_exercise_gains_but_for_a_night_s_interest() -> None:
    night, strike, rate = 17.5 / 24 / 365, 70.0, 0.05
    found = early_exercise(100.0, strike, rate, 0.0, 0.2, 30 / 365, 1, dividends=([night], [1.0]))
    interest = strike * rate * night
    dividend, kept = math.exp(-rate * night), strike * (1.0 - math.exp(-rate * 30 / 365))
    assert found.exercise_gain == pytest.approx(dividend - kept, abs=1e-5)
    assert found.waiting_cost == pytest.approx(dividend - kept + interest, abs=1e-5)
    assert not found.exercised_now  # in the morning, before the open, it earns the interest of the night besides
    assert found.first == night
    assert found.probability == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("right", [1, -1])
def test_the_probability_is_that_of_a_lognormal_spot(right: int) -> None:
    strikes = np.array([85.0, 95.0, 105.0])
    found = early_exercise(100.0, strikes, 0.03, 0.01, 0.3, 0.8, right, dividends=([0.2], [2.0]))
    (critical,) = found.ex_dates.critical_spot
    assert np.isfinite(critical).all()
    before = critical if right > 0 else critical + 2.0
    root = 0.3 * math.sqrt(0.2)
    law = norm(math.log(100.0) + (0.03 - 0.01) * 0.2 - 0.5 * root**2, root)
    expected = law.sf(np.log(before)) if right > 0 else law.cdf(np.log(before))
    assert found.probability == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rate", [0.03, 0.06])
def test_a_put_is_held_over_an_ex_time_and_exercised_below_the_critical_spot_after_it(rate: float) -> None:
    found = early_exercise([70.0, 100.0], 100.0, rate, 0.0, 0.25, 0.6, -1, dividends=([0.1], [2.0]))
    (critical,) = found.ex_dates.critical_spot
    assert critical[0] == critical[1]
    around = np.array([0.98, 0.999, 1.001, 1.02]) * critical[0]
    peer = converged(around, Terms(100.0, rate, 0.0, 0.25, 0.5, -1, True, (), ()))
    assert peer.value[:2] == pytest.approx(100.0 - around[:2], abs=1e-6)
    assert (peer.value[2:] > 100.0 - around[2:] + 1e-5).all()
    assert found.ex_dates.exercised.tolist() == [[True, False]]
    assert (found.ex_dates.exercise_gain < -1.99).all()


def test_the_first_ex_time_is_that_of_a_known_path() -> None:
    """With hardly any volatility the best moment is found by trying all: just before each ex-time, and expiry."""
    times, amounts, rate, years = np.array([0.2, 0.5, 0.8]), np.array([0.3, 1.4, 0.9]), 0.03, 1.0
    strikes = np.array([20.0, 40.0, 60.0, 80.0])
    found = early_exercise(100.0, strikes, rate, 0.0, 1e-4, years, 1, dividends=(times, amounts))
    paid = np.array([np.sum(amounts[:k] * np.exp(-rate * times[:k])) for k in range(4)])
    worth = 100.0 - paid - strikes[:, np.newaxis] * np.exp(-rate * np.append(times, years))
    best = np.append(times, np.nan)[np.argmax(worth, axis=1)]
    assert len(set(best.tolist())) > 1
    np.testing.assert_array_equal(found.first, best)
    assert found.value == pytest.approx(worth.max(axis=1), abs=1e-3)


def test_exercise_gains_exactly_where_the_forward_is_above_the_critical_spot() -> None:
    rng = np.random.default_rng(18)
    strikes, volatilities = rng.uniform(50.0, 120.0, 200), rng.uniform(0.05, 0.6, 200)
    years = rng.uniform(0.05, 2.0, 200)
    schedule = ([0.01, 0.26, 0.51, 0.76], [0.6, 0.6, 0.7, 0.7])
    found = early_exercise(100.0, strikes, 0.02, 0.0, volatilities, years, 1, dividends=schedule)
    ahead = years > np.array(schedule[0])[:, np.newaxis]
    np.testing.assert_array_equal(np.isfinite(found.ex_dates.forward), ahead)
    clear = ahead & (np.abs(np.nan_to_num(found.ex_dates.exercise_gain)) > 1e-3)
    beyond = found.ex_dates.forward > found.ex_dates.critical_spot
    assert beyond[clear].any()
    np.testing.assert_array_equal(beyond[clear], found.ex_dates.exercise_gain[clear] > 0.0)
    np.testing.assert_array_equal(beyond[clear], found.ex_dates.exercised[clear])
    assert (found.value >= found.held_value - 1e-3)[ahead[0]].all()
    assert np.isnan(found.held_value[~ahead[0]]).all()
    for earlier, later in pairwise(found.ex_dates.time):
        assert earlier < later


def test_a_chain_has_the_values_of_its_contracts_alone() -> None:
    strikes, rights = np.array([[80.0], [100.0], [120.0]]), np.array([1, -1])
    volatility = np.array([[0.2], [np.nan], [0.3]])
    option = (100.0, strikes, 0.03, 0.0, volatility, 0.5, rights)
    found = early_exercise(*option, dividends=(TIMES, AMOUNTS), invalid="nan")
    assert found.value.shape == (3, 2)
    assert found.ex_dates.critical_spot.shape == (2, 3, 2)
    assert np.isnan(found.value[1]).all()
    assert np.isnan(found.held_value[1]).all()
    for i, j in ((0, 0), (0, 1), (2, 0), (2, 1)):
        alone = early_exercise(100.0, strikes[i, 0], 0.03, 0.0, volatility[i, 0], 0.5, rights[j],
                               dividends=(TIMES, AMOUNTS))  # fmt: skip
        for name in ("value", "held_value", "exercise_gain", "probability", "first"):
            np.testing.assert_array_equal(getattr(found, name)[i, j], getattr(alone, name), err_msg=name)
        np.testing.assert_array_equal(found.ex_dates.critical_spot[:, i, j], alone.ex_dates.critical_spot)


def test_a_dividend_of_more_than_spot_leaves_a_put_its_strike() -> None:
    found = early_exercise(100.0, 90.0, 0.04, 0.0, 0.3, 0.5, [1, -1], dividends=([0.1], [150.0]))
    option = Terms(90.0, 0.04, 0.0, 0.3, 0.5, 1, True, (0.1,), (150.0,), held_until=0.1)
    peer = [float(converged([100.0], option._replace(right=right)).value[0]) for right in (1, -1)]
    assert found.held_value == pytest.approx(peer, abs=2e-3)
    assert found.ex_dates.critical_spot[0, 0] == pytest.approx(90.0, abs=1e-6)


def test_a_fraction_of_spot_and_cash_are_paid_together() -> None:
    spots, schedule = np.array([85.0, 100.0, 125.0]), Dividends([0.1, 0.35], [0.4, 0.0], [0.01, 0.015])
    found = early_exercise(spots, 100.0, 0.03, 0.0, 0.25, 0.5, 1, dividends=schedule)
    option = Terms(100.0, 0.03, 0.0, 0.25, 0.5, 1, True, TIMES, (0.4, 0.0), (0.01, 0.015))
    bound = converged(spots, option._replace(held_until=TIMES[0]))
    assert found.held_value == pytest.approx(bound.value, abs=1e-3)
    critical = found.ex_dates.critical_spot[:, 0]
    later = option._replace(time=0.4, times=(0.25,), amounts=(0.0,), fractions=(0.015,))
    assert critical[0] - 100.0 == pytest.approx(converged([0.99 * critical[0] - 0.4], later).value[0], abs=2e-4)
    left = float(black_scholes(option)(np.array([0.985 * critical[1]]), 0.5 - TIMES[1])[0])
    assert critical[1] - 100.0 == pytest.approx(left, abs=1e-4)
    assert found.ex_dates.fraction.tolist() == [0.01, 0.015]


def test_what_goes_ex_now_counts_where_the_spot_is_cum() -> None:
    option = ([110.0, 140.0], 100.0, 0.03, 0.0, 0.25, 0.5, 1)
    found = early_exercise(*option, dividends=Dividends([0.0, 0.7], [1.5, 1.0], spot_is_cum=True))
    left = black_scholes(Terms(100.0, 0.03, 0.0, 0.25, 0.5, 1, True, (), ()))
    held = left(np.array([108.5, 138.5]), 0.5)
    assert found.ex_dates.time.tolist() == [0.0, 0.7]
    assert found.held_value == pytest.approx(held, abs=1e-6)
    assert found.exercised_now.tolist() == (np.array([10.0, 40.0]) > held).tolist()
    np.testing.assert_array_equal(found.exercised_now, found.ex_dates.exercised[0])
    assert found.waiting_cost == pytest.approx(np.maximum(np.array([10.0, 40.0]) - held, 0.0), abs=1e-6)
    with pytest.raises(PricingError, match="the spot is ex already"):
        early_exercise(*option, dividends=Dividends([0.0], [1.5]))


def test_value_is_the_price() -> None:
    option = (100.0, [80.0, 120.0], 0.03, 0.0, 0.25, 0.5, [1, -1])
    found = early_exercise(*option, dividends=(TIMES, AMOUNTS))
    np.testing.assert_array_equal(found.value, price(*option, dividends=(TIMES, AMOUNTS)))
    deep = early_exercise(40.0, 100.0, 0.10, 0.0, 0.2, 1.0, -1, dividends=([0.9], [0.01]))
    assert deep.exercised_now
    assert deep.value == deep.exercise_value == 60.0
    assert deep.exercise_gain == pytest.approx(100.0 - 100.0 * math.exp(-0.1 * 0.9) - 0.01 * math.exp(-0.09), abs=1e-4)


@pytest.mark.parametrize("right", [1, -1])
@pytest.mark.parametrize(
    ("spot", "strike", "volatility", "years"),
    [
        (100.0, 100.0, 1.2, 6.0),
        (100.0, 100.0, 3.0, 2.0),
        (5000.0, 100.0, 3.0, 2.0),
        (8e11, 1e12, 0.4, 1.0),
        (8e11, 100.0, 0.4, 1.0),
        (1e12, 1e-12, 0.4, 1.0),
    ],
)
def test_where_spots_ahead_are_beyond_the_domain_what_is_held_is_in_closed_form(
    spot: float, strike: float, volatility: float, years: float, right: int
) -> None:
    """Without a rate or a yield nothing is exercised after the fraction, which is as if it were paid today."""
    schedule = Dividends([0.8 * years], 0.0, [0.01])
    option = (spot, strike, 0.0, 0.0, volatility, years, right)
    held = black_scholes(Terms(strike, 0.0, 0.0, volatility, years, right, True, (), ()))
    (expected,) = held(np.array([0.99 * spot]), years)
    choices: tuple[Invalid, ...] = ("raise", "nan")
    for invalid in choices:
        found = early_exercise(*option, dividends=schedule, invalid=invalid)
        assert found.held_value == pytest.approx(expected, rel=1e-6, abs=1e-9 * strike)
        gain = right * (spot - strike) - expected
        assert found.exercise_gain == pytest.approx(gain, rel=1e-6, abs=1e-6 * max(expected, strike))
        cost = max(float(found.value) - expected, 0.0)
        assert found.waiting_cost == pytest.approx(cost, abs=1e-6 * max(expected, strike))


@pytest.mark.parametrize("right", [1, -1])
def test_in_another_currency_all_is_worth_as_much_up_to_the_domain_s_end(right: int) -> None:
    unit, market = 2.0**39, (0.04, 0.01, 0.4, 1.0)
    terms_of = [(each, 1.5 * each, *market, right) for each in (1.0, unit)]
    one, other = (
        early_exercise(*option, dividends=Dividends([0.4, 0.8], [0.05 * option[0], 0.1 * option[0]], [0.01, 0.02]))
        for option in terms_of
    )
    for name in ("held_value", "exercise_gain"):
        assert getattr(other, name) / unit == pytest.approx(getattr(one, name), rel=1e-6), name
    for name in ("critical_spot", "forward", "exercise_gain"):
        expected = getattr(one.ex_dates, name)
        assert getattr(other.ex_dates, name) / unit == pytest.approx(expected, rel=1e-5, nan_ok=True), name


def test_of_no_options_there_are_empty_arrays() -> None:
    found = early_exercise([], 100.0, 0.05, 0.0, 0.25, 1.0, 1, dividends=Dividends([0.25, 0.5], 1.5))
    for name, values in found._asdict().items():
        assert name == "ex_dates" or values.shape == (0,), name
    for name, values in found.ex_dates._asdict().items():
        assert values.shape == ((2,) if name in ("time", "amount", "fraction") else (2, 0)), name


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("schedule", [Dividends([0.5], 1e308), Dividends([0.5], 1e308, 0.5)])
def test_of_a_dividend_beyond_all_spots_a_put_is_left_its_strike_and_a_call_nothing(schedule: Dividends) -> None:
    found = early_exercise(100.0, 90.0, 0.05, 0.0, 0.25, 1.0, [1, -1], dividends=schedule)
    first = schedule.times[0]
    assert found.held_value == pytest.approx([0.0, 90.0 * math.exp(-0.05 * first)], rel=1e-9)
    assert found.ex_dates.critical_spot[0, 0] == pytest.approx(90.0, rel=1e-8)
    assert found.probability[1] == 1.0
    assert found.first.tolist() == [first, first]


def test_an_unknown_keyword_is_told_of_the_function_that_was_called() -> None:
    option = (100.0, 100.0, 0.05, 0.0, 0.25, 1.0, 1)
    with pytest.raises(TypeError, match=r"^early_exercise\(\) got an unexpected keyword argument 'foo'$"):
        early_exercise(*option, dividends=Dividends([0.5], 1.0), foo=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({}, "dividends is None or empty"),
        ({"dividends": ([0.5], [0.0])}, "dividends is None or empty"),
        ({"dividends": ([0.1], [1.0]), "style": "european"}, "asked of European options"),
        ({"on_future": True}, "or of options on a future"),
        ({"dividends": ([0.1], [1.0]), "scheme": "best"}, "scheme"),
        ({"dividends": Dividends([0.1], [1.0], model="escrowed")}, "model is 'escrowed'"),
        ({"dividends": [Dividends([0.1], [1.0]), None]}, "one, for one underlying"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(choices: dict[str, object], words: str) -> None:
    with pytest.raises(PricingError, match=words):
        early_exercise(100.0, 100.0, 0.03, 0.0, 0.25, 0.5, 1, **choices)  # type: ignore[arg-type]
