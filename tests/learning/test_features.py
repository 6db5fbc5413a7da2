"""The feature vector: its numbers, its ranges, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alo_lib.learning import FEATURES, LearningError, normalize, observe
from alo_lib.records import Kind, Records, records
from alo_lib.settings import Settings

SETTINGS = Settings(max_vega=0.004, max_structures=4)
NAMES = [feature.name for feature in FEATURES]


def signal(**changes: float) -> Records:
    told: dict[str, float] = {
        "underlying": 0,
        "direction": 1,
        "implied_volatility": 0.20,
        "forecast_volatility": 0.25,
        "edge_volatility": 0.04,
    }
    return records(Kind.SIGNAL, 1, **(told | changes))


def book(**changes: float) -> Records:
    told: dict[str, float] = {"underlying": 0, "structures": 1, "spot": 100.0, "delta": -200.0, "vega": 100_000.0}
    return records(Kind.EXPOSURE, 1, **(told | {"equity": 1_000_000.0} | changes))


def raw(features: np.ndarray) -> dict[str, float]:
    """A row in the features' own units again."""
    return {
        feature.name: 0.5 * (value * (feature.high - feature.low) + feature.high + feature.low)
        for feature, value in zip(FEATURES, features.tolist(), strict=True)
    }


def test_values_are_those_of_the_records() -> None:
    seen = raw(observe(signal(), book(), [30.0], SETTINGS)[0])
    expected = {
        "edge_volatility": 0.04,
        "relative_edge": 0.16,
        "log_volatility_ratio": np.log(0.8),
        "forecast_volatility": 0.25,
        "days_to_expiry": 30.0,
        "direction": 1.0,
        "vega_usage": 0.25,  # 1,000 a point, of at most 4,000
        "delta_usage": -0.02,
        "structures_held": 0.25,
    }
    assert list(seen) == list(expected)
    assert seen == pytest.approx(expected, abs=1e-12)


def test_vega_is_positive_where_the_signal_adds_to_it() -> None:
    place = NAMES.index("vega_usage")
    bought, sold = (observe(signal(direction=side), book(), [30.0], SETTINGS)[0, place] for side in (1, -1))
    assert bought == -sold > 0.0


def test_vega_is_the_whole_books_and_the_rest_is_the_underlyings_own() -> None:
    both = np.concatenate([book(), book(underlying=7, vega=50_000.0, structures=3, delta=500.0)])
    seen = raw(observe(signal(underlying=7), both, [30.0], SETTINGS)[0])
    assert seen["vega_usage"] == pytest.approx(0.375)
    assert seen["structures_held"] == pytest.approx(0.75)
    assert seen["delta_usage"] == pytest.approx(0.05)


def test_a_signal_does_not_depend_on_its_neighbours() -> None:
    some = np.concatenate([signal(), signal(direction=-1, implied_volatility=0.4), signal(edge_volatility=-0.01)])
    together = observe(some, book(), [30.0, 60.0, 90.0], SETTINGS)
    alone = [observe(some[i : i + 1], book(), [days], SETTINGS)[0] for i, days in enumerate((30.0, 60.0, 90.0))]
    np.testing.assert_array_equal(together, np.array(alone))


def test_no_signal_gives_no_rows() -> None:
    assert observe(signal()[:0], book(), [], SETTINGS).shape == (0, len(FEATURES))


@pytest.mark.parametrize("implied", [np.nan, 0.0])
def test_what_cannot_be_told_is_nan(implied: float) -> None:
    seen = observe(signal(implied_volatility=implied), book(), [30.0], SETTINGS)[0]
    assert np.flatnonzero(np.isnan(seen)).tolist() == [NAMES.index("log_volatility_ratio")]


def test_ranges_become_minus_one_to_one_and_are_cut_off() -> None:
    low, high = (np.array([getattr(feature, side) for feature in FEATURES]) for side in ("low", "high"))
    np.testing.assert_allclose(normalize([low, 0.5 * (low + high), high]), np.array([[-1.0], [0.0], [1.0]]) + 0 * low)
    np.testing.assert_array_equal(normalize([low - 9.0, high + 9.0]), np.array([[-1.0], [1.0]]) + 0 * low)


@given(arrays(np.float64, len(FEATURES), elements=st.floats(allow_nan=False)))
def test_every_number_lands_in_the_range(values: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        assert np.all(np.abs(normalize(values)) <= 1.0)


def test_features_are_named_once_and_have_a_range() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(feature.low < feature.high and feature.meaning for feature in FEATURES)


@pytest.mark.parametrize(
    ("signals", "exposures", "days", "message"),
    [
        (signal(underlying=3), book(), [30.0], r"underlying 3 has a signal and no exposure; the book holds \[0\]"),
        (signal(), book(equity=0.0), [30.0], "equity is 0; it must be positive"),
        (signal(), book(equity=np.nan), [30.0], "equity is nan; it must be positive"),
        (signal(), book(), [30.0, 31.0], r"days_to_expiry has shape \(2,\); the signals have \(1,\)"),
    ],
)
def test_refusals(signals: Records, exposures: Records, days: list[float], message: str) -> None:
    with pytest.raises(LearningError, match=message):
        observe(signals, exposures, days, SETTINGS)


def test_normalize_refuses_another_width() -> None:
    with pytest.raises(LearningError, match=rf"shape \(3,\); the last axis must have {len(FEATURES)}"):
        normalize([1.0, 2.0, 3.0])
