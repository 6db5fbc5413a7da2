"""Models to JSON and back to the last bit, and what is no model refused in a sentence, whatever it is."""

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from alo_lib.volatility import (
    MODELS,
    GjrGarch,
    HybridForecast,
    ParameterError,
    VolatilityError,
    VolatilityModel,
    model_from_dict,
)

from .conftest import days
from .test_contract import FITTED_DAYS, HISTORY, HORIZONS

PLAIN = days(HISTORY.returns)


def models() -> dict[str, VolatilityModel]:
    found: dict[str, VolatilityModel] = {name: kind.fit(HISTORY[:FITTED_DAYS]) for name, kind in MODELS.items()}
    found["normal"] = GjrGarch.fit(PLAIN, distribution="normal", leverage=False)
    found["given"] = GjrGarch(found["normal"].parameters)  # type: ignore[attr-defined]
    parts = {"regimes": {"regimes": 3}, "GARCH by regime": {}, "HAR": {}}
    found["hybrid of others"] = HybridForecast.fit(HISTORY[:900], parts=parts, horizons=(1, 5))
    return found


SAVED = models()


@pytest.fixture(params=list(SAVED))
def model(request: pytest.FixtureRequest) -> VolatilityModel:
    return SAVED[str(request.param)]


def test_a_model_comes_back_to_the_last_bit(model: VolatilityModel) -> None:
    text = json.dumps(model.to_dict(), allow_nan=False)
    for back in (model_from_dict(json.loads(text)), type(model).from_dict(json.loads(text))):
        assert back == model
        assert json.dumps(back.to_dict(), allow_nan=False) == text
        state = back.filter(HISTORY[:300]).state
        assert state == model.filter(HISTORY[:300]).state
        assert back.forecast(state, HORIZONS).tobytes() == model.forecast(state, HORIZONS).tobytes()


JUNK: tuple[Any, ...] = (
    *(None, True, "x", "inf", "nan", [], [1.0], {}, {"a": 1}, -1, 0, 1.5, -1e300, 10**400, math.nan, math.inf),
    ["x" * 10_000],
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(inner)[:5]:
        yield from places(item, (*path, key))


def refusal(values: Any, kind: type) -> str:
    """What is said of values that are no model; empty where they are one of a kind."""
    try:
        return "" if type(model_from_dict(values)) is kind else "of another kind"
    except VolatilityError as error:
        return str(error)


def test_what_is_no_model_is_refused_in_a_sentence_or_is_another_model(model: VolatilityModel) -> None:
    values = model.to_dict()
    refused = 0
    for path in places(values):
        for junk in (*JUNK, "gone", "new"):
            damaged = copy.deepcopy(values)
            inner = damaged
            for key in path[:-1]:
                inner = inner[key]
            if junk == "gone":
                del inner[path[-1]]
            elif junk == "new" and isinstance(inner, dict):
                inner["another"] = 1
            else:
                inner[path[-1]] = junk
            said = refusal(damaged, type(model))
            refused += bool(said)
            assert "\n" not in said
            assert len(said) < 700
    assert refused > 100


def test_what_is_no_state_is_refused_in_a_sentence_or_can_be_forecast_from(model: VolatilityModel) -> None:
    values = json.loads(json.dumps(model.filter(HISTORY[:60]).state.to_dict()))
    assert all(state_refusal(model, junk) for junk in JUNK)
    refused = 0
    for path in places(values):
        for junk in JUNK:
            damaged = copy.deepcopy(values)
            inner = damaged
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = junk
            said = state_refusal(model, damaged)
            refused += bool(said)
            assert "\n" not in said
            assert len(said) < 700
    assert refused > 30


def state_refusal(model: VolatilityModel, values: Any) -> str:
    """What is said of values that are no state of a model; empty where they are one, and forecasts are numbers."""
    try:
        forecasts = model.forecast(model.restore(values), [1.0, 21.0])
    except VolatilityError as error:
        return str(error)
    assert np.all(np.isfinite(forecasts) & (forecasts > 0.0))
    return ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "GARHC"}, "a saved model: model must be 'GJR-GARCH' or .* or 'hybrid', but it is 'GARHC'"),
        ({"format": 2}, "a saved model: format must be 1, but it is 2"),
        ({"parameters": 7}, "GJR-GARCH: parameters must be an object, but it is 7"),
        ({"other": 7}, "GJR-GARCH knows no other; its fields are parameters, calibration"),
    ],
)
def test_sentences_name_the_place_the_value_and_what_is_allowed(change: dict, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        model_from_dict(SAVED["given"].to_dict() | change)
    values = SAVED["given"].to_dict()
    values["parameters"]["omega"] = "1e-6"
    with pytest.raises(ParameterError, match="parameters: omega must be a finite number, or \"inf\", but it is '1e-6'"):
        model_from_dict(values)
    del values["parameters"]["omega"]
    with pytest.raises(ParameterError, match="GJR-GARCH: parameters lacks omega; its fields are omega, alpha"):
        model_from_dict(values)
    values["parameters"]["omega"] = -1.0
    with pytest.raises(ParameterError, match=r"omega must be positive, but it is -1\.0"):
        model_from_dict(values)


def test_a_kind_reads_its_own_alone_and_a_hybrid_holds_no_hybrid() -> None:
    with pytest.raises(ParameterError, match="model must be 'GJR-GARCH', but it is 'HAR'"):
        GjrGarch.from_dict(SAVED["HAR"].to_dict())
    values = SAVED["hybrid"].to_dict()
    values["parts"]["HAR"] = values
    with pytest.raises(ParameterError, match="parts: HAR: model must be"):
        model_from_dict(values | {"parts": {"HAR": SAVED["hybrid"].to_dict()}})
    nothing: tuple[Any, ...] = (None, 3, "text", [1], {}, np.zeros(3))
    for junk in nothing:
        with pytest.raises(ParameterError, match="a saved model"):
            model_from_dict(junk)
