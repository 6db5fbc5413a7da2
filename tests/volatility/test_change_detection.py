import math

import numpy as np
import pytest

from alo_lib.volatility import ChangeDetector, ChangeState, GjrGarch, ObservationError, ParameterError
from alo_lib.volatility.innovations import sample_shocks

from .conftest import PARAMETERS, days


@pytest.fixture(scope="module")
def detector() -> ChangeDetector:
    return ChangeDetector.design(PARAMETERS["t"], false_alarms_per_year=0.5)


def shocks(count: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    p = PARAMETERS["t"]
    return sample_shocks(count, p.nu, p.skew, np.random.default_rng(seed))


@pytest.mark.parametrize("rate", [0.25, 1.0, 4.0])
def test_false_alarms_come_at_the_rate_asked_for(rate: float, distribution: str) -> None:
    p = PARAMETERS[distribution]
    test = ChangeDetector.design(p, false_alarms_per_year=rate)
    years = 3000
    fresh = sample_shocks(years * 252, p.nu, p.skew, np.random.default_rng(99))
    assert np.count_nonzero(test.watch(fresh)) / years == pytest.approx(rate, rel=0.12)


def test_changes_are_found_soon_and_with_their_sign(detector: ChangeDetector) -> None:
    delays = {}
    for scale, sign in ((2.0, 1), (1.5, 1), (0.67, -1)):
        found = [np.flatnonzero(detector.watch(scale * shocks(2000, seed))) for seed in range(100)]
        delays[scale] = np.mean([alarms[0] + 1 for alarms in found])
        first = [detector.watch(scale * shocks(2000, seed))[alarms[0]] for seed, alarms in enumerate(found)]
        assert np.mean(np.array(first) == sign) > 0.9
    assert delays[2.0] < delays[1.5] < 45.0
    assert delays[0.67] < 60.0


def test_streaming_equals_batch(detector: ChangeDetector) -> None:
    z = 1.6 * shocks(400, seed=1)
    state, streamed = ChangeState(), []
    for value in z:
        state = detector.update(state, float(value))
        streamed.append(state.alarm)
    np.testing.assert_array_equal(streamed, detector.watch(z))
    assert any(streamed)


def test_the_future_changes_no_earlier_alarm(detector: ChangeDetector) -> None:
    z = 1.6 * shocks(400, seed=2)
    disturbed = z.copy()
    disturbed[300:] *= -4.0
    np.testing.assert_array_equal(detector.watch(z)[:300], detector.watch(disturbed)[:300])


def test_design_is_deterministic(detector: ChangeDetector) -> None:
    assert ChangeDetector.design(PARAMETERS["t"], false_alarms_per_year=0.5) == detector


def test_the_model_detects_that_its_scale_no_longer_fits() -> None:
    model = GjrGarch(PARAMETERS["t"])
    returns = model.simulate(1500, seed=11)[0]
    returns[1000:] *= np.where(np.arange(500) < 30, 2.5, 1.0)
    alarms = model.detect_regime_change(days(returns))
    assert alarms.shape == returns.shape
    assert np.any(alarms[1000:1040] == 1)
    state = model.filter(days(returns[:1000])).state
    assert model.standardized(state, float(returns[1000])) == model.filter(days(returns)).standardized_residuals[1000]


def test_bad_input_is_refused(detector: ChangeDetector) -> None:
    with pytest.raises(ObservationError, match="must be finite"):
        detector.update(ChangeState(), math.nan)
    with pytest.raises(ParameterError, match="false_alarms_per_year must be in"):
        ChangeDetector.design(PARAMETERS["t"], false_alarms_per_year=100.0)
    with pytest.raises(ParameterError, match="ratio must be finite and above 1"):
        ChangeDetector.design(PARAMETERS["t"], ratio=1.0)
    with pytest.raises(ParameterError, match="threshold"):
        ChangeDetector(5.0, 0.0, 1.5, 0.0)
