import math

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    TRADING_DAYS,
    ObservationError,
    ParameterError,
    close_to_close,
    garman_klass,
    log_returns,
    parkinson,
    realized_variance,
    realized_volatility,
    rogers_satchell,
    rolling,
    yang_zhang,
)

TRUE_VOLATILITY = 0.25
OHLC = ("open", "high", "low", "close")


def simulated_bars(days: int, *, drift: float = 0.0, night: float = 0.0, steps: int = 400) -> NDArray[np.float64]:
    """Bars (4, days) of a Brownian log price: TRUE_VOLATILITY over the session, and a night of that variance share."""
    rng = np.random.default_rng(11)
    sigma = TRUE_VOLATILITY / math.sqrt(TRADING_DAYS)
    moves = rng.standard_normal((days, steps)) * sigma / math.sqrt(steps) + drift / TRADING_DAYS / steps
    session = np.concatenate([np.zeros((days, 1)), np.cumsum(moves, axis=1)], axis=1)
    gaps = rng.standard_normal(days) * sigma * math.sqrt(night)
    opens = np.cumsum(gaps) + np.concatenate([[0.0], np.cumsum(session[:-1, -1])])
    path = opens[:, None] + session
    return 100.0 * np.exp(np.stack([path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1]]))


def test_every_estimator_recovers_the_volatility_of_a_brownian_price() -> None:
    o, h, lo, c = simulated_bars(4000)
    # The range of a discrete path is short of the continuous one by about 0.9 sigma / sqrt(steps).
    estimates = {
        "close": close_to_close(c),
        "uncentred": close_to_close(c, centred=False),
        "parkinson": parkinson(h, lo),
        "garman_klass": garman_klass(o, h, lo, c),
        "rogers_satchell": rogers_satchell(o, h, lo, c),
        "yang_zhang": yang_zhang(o, h, lo, c),
    }
    for name, estimate in estimates.items():
        assert float(estimate) == pytest.approx(TRUE_VOLATILITY, rel=0.06), name


def test_range_estimators_are_more_efficient_than_close_to_close() -> None:
    o, h, lo, c = simulated_bars(4000)
    noise = {
        "close": np.std(rolling(close_to_close, 22, c)[::22]),
        "parkinson": np.std(rolling(parkinson, 22, h, lo)[::22]),
        "garman_klass": np.std(rolling(garman_klass, 22, o, h, lo, c)[::22]),
        "yang_zhang": np.std(rolling(yang_zhang, 22, o, h, lo, c)[::22]),
    }
    assert noise["garman_klass"] < noise["parkinson"] < noise["close"]
    assert noise["yang_zhang"] < noise["close"]


def test_drift_biases_parkinson_but_not_rogers_satchell_or_yang_zhang() -> None:
    o, h, lo, c = simulated_bars(4000, drift=5.0)
    assert float(parkinson(h, lo)) > 1.2 * TRUE_VOLATILITY
    assert float(rogers_satchell(o, h, lo, c)) == pytest.approx(TRUE_VOLATILITY, rel=0.08)
    assert float(yang_zhang(o, h, lo, c)) == pytest.approx(TRUE_VOLATILITY, rel=0.08)


def test_yang_zhang_includes_the_night() -> None:
    o, h, lo, c = simulated_bars(4000, night=0.5)
    assert float(yang_zhang(o, h, lo, c)) == pytest.approx(TRUE_VOLATILITY * math.sqrt(1.5), rel=0.06)
    assert float(garman_klass(o, h, lo, c)) == pytest.approx(TRUE_VOLATILITY, rel=0.06)


def test_estimators_equal_their_formulas_written_out() -> None:
    o, h, lo, c = ([100.0, 101.0, 99.5], [102.0, 103.0, 101.0], [99.0, 100.0, 98.0], [101.5, 100.5, 100.0])
    n = 2
    night = [math.log(o[i] / c[i - 1]) for i in (1, 2)]
    session = [math.log(c[i] / o[i]) for i in (1, 2)]
    rs = [
        math.log(h[i] / c[i]) * math.log(h[i] / o[i]) + math.log(lo[i] / c[i]) * math.log(lo[i] / o[i])
        for i in range(3)
    ]
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    variance = float(np.var(night, ddof=1) + k * np.var(session, ddof=1) + (1 - k) * np.mean(rs[1:]))
    assert float(yang_zhang(o, h, lo, c)) == pytest.approx(math.sqrt(252 * variance), rel=1e-14)
    assert float(rogers_satchell(o, h, lo, c)) == pytest.approx(math.sqrt(252 * sum(rs) / 3), rel=1e-14)
    gk = [math.log(h[i] / lo[i]) ** 2 / 2 - (2 * math.log(2) - 1) * math.log(c[i] / o[i]) ** 2 for i in range(3)]
    assert float(garman_klass(o, h, lo, c)) == pytest.approx(math.sqrt(252 * sum(gk) / 3), rel=1e-14)
    park = sum(math.log(h[i] / lo[i]) ** 2 for i in range(3)) / 3 / (4 * math.log(2))
    assert float(parkinson(h, lo)) == pytest.approx(math.sqrt(252 * park), rel=1e-14)


def test_rolling_sees_only_its_window_and_leading_axes_broadcast() -> None:
    o, h, lo, c = simulated_bars(60)
    rolled = rolling(yang_zhang, 20, o, h, lo, c)
    assert rolled.shape == (41,)
    assert rolled[7] == float(yang_zhang(o[7:27], h[7:27], lo[7:27], c[7:27]))
    pair = np.stack([c, c[::-1]])
    assert close_to_close(pair).shape == (2,)


@pytest.mark.parametrize("window", [5, 21])
def test_the_future_changes_no_earlier_bit(window: int) -> None:
    bars = simulated_bars(80)
    disturbed = bars.copy()
    disturbed[:, 60:] *= 1.7
    for estimator, rows in (
        (close_to_close, [3]),
        (parkinson, [1, 2]),
        (garman_klass, [0, 1, 2, 3]),
        (rogers_satchell, [0, 1, 2, 3]),
        (yang_zhang, [0, 1, 2, 3]),
    ):
        before = rolling(estimator, window, *bars[rows])  # type: ignore[arg-type]
        after = rolling(estimator, window, *disturbed[rows])  # type: ignore[arg-type]
        known = 60 - window + 1
        assert before[:known].tobytes() == after[:known].tobytes()
        appended = rolling(estimator, window, *bars[rows][:, :60])  # type: ignore[arg-type]
        assert before[:known].tobytes() == appended.tobytes()


def test_realized_variance_of_one_step_is_the_sum_of_squares_with_the_night() -> None:
    prices = np.array([100.0, 101.0, 100.5, 102.0])
    squares = np.square(np.diff(np.log(prices)))
    assert float(realized_variance(prices)) == pytest.approx(float(squares.sum()), rel=1e-14)
    with_night = float(realized_variance(prices, previous_close=99.0))
    assert with_night == pytest.approx(float(squares.sum()) + math.log(100.0 / 99.0) ** 2, rel=1e-14)
    assert float(realized_volatility(prices)) == pytest.approx(math.sqrt(252 * squares.sum()), rel=1e-14)


def test_subsampling_removes_the_bias_of_bid_ask_bounce() -> None:
    rng = np.random.default_rng(3)
    sigma = 0.01
    log_price = np.cumsum(rng.standard_normal((500, 391)) * sigma / math.sqrt(390), axis=1)
    noisy = np.exp(log_price + 5e-4 * rng.choice([-1.0, 1.0], log_price.shape))
    fine = float(np.mean(realized_variance(noisy)))
    sub = float(np.mean(realized_variance(noisy, step=30)))
    clean = float(np.mean(realized_variance(np.exp(log_price), step=30)))
    assert clean == pytest.approx(sigma**2, rel=0.03)
    assert fine > 2.5 * sigma**2
    assert sub == pytest.approx(sigma**2, rel=0.12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
def test_bad_prices_are_named(bad: float) -> None:
    with pytest.raises(ObservationError, match=r"closes must be finite and positive, but the value at 2 is"):
        log_returns([1.0, 2.0, bad, 3.0])
    with pytest.raises(ObservationError, match="high must be finite and positive"):
        parkinson([1.0, bad], [0.5, 0.5])
    with pytest.raises(ObservationError, match="prices must be"):
        realized_variance([1.0, 2.0, bad])
    with pytest.raises(ObservationError, match="previous_close must be"):
        realized_variance([1.0, 2.0], previous_close=bad)


def test_impossible_bars_and_lengths_are_refused() -> None:
    with pytest.raises(ObservationError, match="close must lie between low and high"):
        garman_klass([1.0], [1.1], [0.9], [1.2])
    with pytest.raises(ObservationError, match=r"low must lie|high must lie"):
        parkinson([1.0], [1.1])
    with pytest.raises(ObservationError, match="one shape"):
        parkinson([1.0, 1.0], [0.9])
    with pytest.raises(ObservationError, match="at least 2 prices"):
        log_returns([1.0])
    with pytest.raises(ObservationError, match="at least 3 prices"):
        close_to_close([1.0, 2.0])
    with pytest.raises(ObservationError, match="at least 3 bars"):
        yang_zhang([1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0])
    with pytest.raises(ObservationError, match="more than step"):
        realized_variance([1.0, 2.0], step=2)
    with pytest.raises(ParameterError, match="step"):
        realized_variance([1.0, 2.0], step=0)
    with pytest.raises(ParameterError, match="window"):
        rolling(close_to_close, 0, [1.0, 2.0])
    with pytest.raises(ObservationError, match="5 or more"):
        rolling(close_to_close, 5, [1.0, 2.0])


def test_real_bars_give_plausible_agreeing_estimates(daily_bars: NDArray[np.float64]) -> None:
    o, h, lo, c = daily_bars[-2520:].T
    total = float(yang_zhang(o, h, lo, c))
    assert 0.1 < total < 0.5
    assert float(close_to_close(c)) == pytest.approx(total, rel=0.15)
    assert float(garman_klass(o, h, lo, c)) < total
