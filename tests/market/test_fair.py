"""No hidden edge: what options cost is what they pay on average, and a planted edge is there to its size."""

from datetime import date
from math import sqrt

import numpy as np
import pytest
from scipy.special import ndtr

from alo_lib.market.generator.dividends import PaidOut
from alo_lib.market.generator.dynamics import AnyDynamics, Constant, Dynamics, Garch, Heston, Jumps
from alo_lib.market.generator.fair import Fair, Moment, fair_of
from alo_lib.market.generator.market import DISCOUNT_RATE
from alo_lib.market.generator.stock import walk_days
from alo_lib.market.generator.truth import Edge, NameTruth
from alo_lib.records import Session, years_between
from tests.market.made_market import HOURS, START, straddle

PATHS = 200_000
EXPIRY = date(2024, 1, 12)
GARCH = Garch(volatility=0.36, alpha=0.05, gamma=0.08, beta=0.86)
STOCK = NameTruth(ticker="TEST", price=75.0, dynamics=GARCH)
SKEWED = NameTruth(ticker="TEST", dynamics=Heston(volatility=0.3, vol_of_vol=0.8), jumps=Jumps(rate=6.0))


def black(log_strike: float, variance: float) -> float:
    """An option out of the money over its forward."""
    deviation = sqrt(variance)
    d1 = -log_strike / deviation + 0.5 * deviation
    call = float(ndtr(d1) - np.exp(log_strike) * ndtr(d1 - deviation))
    return call if log_strike >= 0.0 else call - 1.0 + float(np.exp(log_strike))


def simulated(dynamics: Dynamics, jumps: Jumps | None, moment: Moment, days: int) -> np.ndarray:
    """The forward at expiry over that of the moment, by plain simulation: antithetic, of the moment's first time."""
    rng = np.random.default_rng(5)
    half = rng.standard_normal(PATHS // 2)
    rest, shock = moment.left[0], moment.shock[0]
    step = np.sqrt(rest) * np.concatenate([half, -half])
    log = step - 0.5 * rest
    variance = dynamics.following(
        np.full(PATHS, moment.variance), np.full(PATHS, moment.scale), shock + step, rng.standard_normal(PATHS)
    )
    for _ in range(days):
        scale = rng.choice(dynamics.scales.values, PATHS, p=dynamics.scales.weights)
        half = rng.standard_normal(PATHS // 2)
        move = np.sqrt(variance * scale) * np.concatenate([half, -half])
        log += move - 0.5 * variance * scale
        if jumps is not None:
            count = rng.poisson(jumps.rate / 252.0, PATHS)
            log += count * jumps.mean + np.sqrt(count) * jumps.deviation * rng.standard_normal(PATHS)
            log -= jumps.rate / 252.0 * np.expm1(jumps.mean + 0.5 * jumps.deviation**2)
        variance = dynamics.following(variance, scale, move, rng.standard_normal(PATHS))
    return np.exp(log)


@pytest.mark.parametrize(
    ("dynamics", "jumps"),
    [
        (GARCH, None),
        (Heston(volatility=0.3, vol_of_vol=0.8), None),
        (Constant(volatility=0.25), Jumps(rate=8.0)),
        (GARCH, Jumps(rate=5.0, mean=-0.05)),
    ],
)
@pytest.mark.parametrize("days", [1, 6, 40])
def test_fair_values_are_simulated_means(dynamics: AnyDynamics, jumps: Jumps | None, days: int) -> None:
    today = 1.0 if isinstance(dynamics, Constant) else 1.6
    variance = today * dynamics.long_run
    moment = Moment(variance, float(dynamics.scales.values[-1]), np.array([-0.008]), np.array([0.4 * variance]))
    smile = Fair(dynamics, jumps, days).smile(moment, np.array([days]), np.zeros(1))
    forward = simulated(dynamics, jumps, moment, days)
    assert forward.mean() == pytest.approx(1.0, abs=4.0 * forward.std() / sqrt(PATHS))
    for deviations in (-2.0, -1.0, 0.0, 1.0, 2.0):
        strike = deviations * sqrt(smile.variance[0, 0])
        total = smile.total_variance(np.array([0]), np.array([[strike]]))[0, 0]
        paid = np.maximum((forward - np.exp(strike)) * (1.0 if strike >= 0.0 else -1.0), 0.0)
        assert abs(paid.mean() - black(strike, total)) < 3.5 * paid.std() / sqrt(PATHS), deviations


def test_a_constant_dynamics_is_black_and_scholes() -> None:
    dynamics = Constant(volatility=0.2)
    moment = Moment(dynamics.long_run, 1.0, np.array([0.01]), np.array([0.5 * dynamics.long_run]))
    smile = Fair(dynamics, None, 30).smile(moment, np.array([0, 30]), np.array([0.0, 0.0]))
    assert smile.variance[0] == pytest.approx([0.5 * 0.04 / 252.0, 30.5 * 0.04 / 252.0])
    assert (smile.ratio == 1.0).all()


def test_the_smile_without_skew_is_symmetric_and_events_add_up() -> None:
    """Two independent normal moves are one; the smile's average must find that by its nodes."""
    dynamics = Heston(volatility=0.2, vol_of_vol=0.0)
    moment = Moment(dynamics.long_run, 1.0, np.array([0.0]), np.array([0.0]))
    smile = Fair(dynamics, None, 10).smile(moment, np.array([10]), np.array([0.06**2]))
    assert smile.variance[0, 0] == pytest.approx(10 * 0.04 / 252.0 + 0.0036)
    assert np.abs(smile.ratio[0, 0, 4:-4] - 1.0).max() < 2e-3


def test_heston_is_near_its_closed_form() -> None:
    """Daily steps against the characteristic function (Albrecher et al. 2007), by the integral of Lewis (2001)."""
    dynamics = Heston(volatility=0.3, speed=4.0, vol_of_vol=0.6, correlation=-0.6)
    days, v0 = 63, 0.3**2
    moment = Moment(dynamics.long_run, 1.0, np.array([0.0]), np.array([0.0]))
    smile = Fair(dynamics, None, days).smile(moment, np.array([days]), np.zeros(1))
    for strike in (-0.15, -0.05, 0.0, 0.05, 0.15):
        total = smile.total_variance(np.array([0]), np.array([[strike]]))[0, 0]
        peer = lewis(strike, days / 252.0, v0, dynamics)
        implied = sqrt(total * 252.0 / days)
        vega = (black(strike, total * (1 + 1e-4)) - black(strike, total)) / (implied * 0.5e-4)
        assert (black(strike, total) - peer) / vega == pytest.approx(0.0, abs=0.0015), strike


def lewis(log_strike: float, years: float, v0: float, d: Heston) -> float:
    """A Heston option out of the money over its forward."""
    kappa, theta, sigma, rho = d.speed, d.volatility**2, d.vol_of_vol, d.correlation
    u = np.arange(0.005, 200.0, 0.01)
    z = u - 0.5j
    root = np.sqrt((kappa - rho * sigma * 1j * z) ** 2 + sigma**2 * (1j * z + z * z))
    minus = kappa - rho * sigma * 1j * z - root
    g = minus / (minus + 2.0 * root)
    decay = np.exp(-root * years)
    exponent = theta * kappa / sigma**2 * (minus * years - 2.0 * np.log((1.0 - g * decay) / (1.0 - g)))
    exponent += v0 / sigma**2 * minus * (1.0 - decay) / (1.0 - g * decay)
    integral = np.sum((np.exp(exponent - 1j * z.real * log_strike)).real / (u * u + 0.25)) * 0.01
    call = 1.0 - np.exp(0.5 * log_strike) / np.pi * integral
    return float(call if log_strike >= 0.0 else call - 1.0 + np.exp(log_strike))


def sold(name: NameTruth, seeds: range) -> np.ndarray:
    """Profit of straddles over their premium."""
    return np.array([(one := straddle(name, seed, EXPIRY)).profit / one.premium for seed in seeds])


def walked(seed: int, sessions: list[Session], paid: PaidOut) -> np.ndarray:
    """A straddle until the last session on a stock that the generator walks, over its fair value at the first close.

    What it paid, and three gains whose means are zero whatever the fair value: of a hedge by the Black-Scholes delta at
    each close, of each day's squared shock beside its variance, and of what that shock makes of the variances to come.
    """
    streams = [np.random.SeedSequence(seed, spawn_key=(0, purpose)) for purpose in range(4)]
    days = walk_days(STOCK, sessions, [], paid, DISCOUNT_RATE, streams)
    first, rest, last = days[0], days[1:], len(days) - 1
    closes = np.array([day.session.close for day in days])
    forward = np.array([day.spot for day in days]) * np.exp(DISCOUNT_RATE * years_between(closes, closes[-1]))
    log_strike = float(np.log(first.spot / forward[0]))
    moment = Moment(first.variance, first.scale, first.shock[-1:], first.left[-1:])
    smile = fair_of(GARCH, None, 95).smile(moment, np.array([last]), np.zeros(1))
    total = smile.total_variance(np.array([0]), np.array([[log_strike]]))[0, 0]
    fair = forward[0] * (2.0 * black(log_strike, total) + abs(1.0 - np.exp(log_strike)))
    variance, shock = np.array([day.variance for day in rest]), np.array([day.shock[-1] for day in rest])
    slope, level = np.array([GARCH.mean_variance(left) for left in range(last, 0, -1)]).T
    deviation = np.sqrt(slope * variance + level)
    d1 = np.log(forward[:-1] / first.spot) / deviation + 0.5 * deviation
    gamma = forward[:-1] * np.exp(-0.5 * d1 * d1) / deviation
    following = GARCH.following(variance, np.ones(last), shock, np.zeros(last))
    news = following - GARCH.long_run - GARCH.persistence * (variance - GARCH.long_run)
    hedged = (2.0 * ndtr(d1) - 1.0) @ np.diff(forward)
    squares, ahead = gamma @ (shock**2 - variance), gamma[:-1] @ (slope[1:] * news[:-1])
    return np.array([abs(forward[-1] - first.spot), hedged, squares, ahead]) / fair


def test_the_stock_that_is_walked_pays_what_the_fair_value_says() -> None:
    """A month's straddle, to a hundredth: known so surely by what remains when gains of mean zero are taken off."""
    sessions = HOURS.sessions(START, date(2024, 1, 31))
    paid = PaidOut([], 0.0, DISCOUNT_RATE, HOURS)
    found = np.array([walked(seed, sessions, paid) for seed in range(1, 801)])
    inputs = np.column_stack([np.ones(len(found)), found[:, 1:]])
    coefficients = np.linalg.lstsq(inputs, found[:, 0], rcond=None)[0]
    error = (found[:, 0] - inputs @ coefficients).std(ddof=4) / sqrt(len(found))
    assert error < 0.004
    assert abs(coefficients[0] - 1.0) < 3.0 * error


@pytest.mark.slow
@pytest.mark.parametrize("name", [STOCK, SKEWED])
def test_straddles_that_are_hedged_earn_nothing(name: NameTruth) -> None:
    profits = sold(name, range(1, 61))
    error = profits.std(ddof=1) / sqrt(len(profits))
    assert error < 0.05
    assert abs(profits.mean()) < 1.96 * error


def test_what_is_planted_is_earned() -> None:
    """On the same path: two points are vega times two points, in the sign that they are planted in."""
    fair = straddle(STOCK, 1, EXPIRY)
    for points in (0.02, -0.02):
        other = straddle(STOCK.model_copy(update={"edge": Edge(mean=points)}), 1, EXPIRY)
        assert other.premium - fair.premium == pytest.approx(points * fair.vega, rel=0.1)


@pytest.mark.slow
def test_two_points_are_earned_by_hedged_straddles() -> None:
    """Against the fair market on the same paths, which leaves the hedge's noise out."""
    planted = STOCK.model_copy(update={"edge": Edge(mean=0.02)})
    pairs = [(straddle(STOCK, seed, EXPIRY), straddle(planted, seed, EXPIRY)) for seed in range(1, 13)]
    earned = np.array([(other.profit - fair.profit) / fair.vega for fair, other in pairs])
    error = earned.std(ddof=1) / sqrt(len(earned))
    assert earned.mean() - 1.96 * error > 0.0
    assert abs(earned.mean() - 0.02) < 2.5 * error
