"""The verdict's benchmark: what it refuses, and that what it shows of regimes is known at the time."""

import subprocess
import sys

import numpy as np
import pytest

from alo_lib.learning.markets import Heston
from alo_lib.learning.scenarios import Scenario
from alo_lib.volatility import DailyObservation
from benchmarks import learning
from benchmarks.regime_feature import BEFORE, TRUE, chances, fitted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name at least one policy, or --regimes"),
        (["--regimes", "p.json"], "--regimes trains its own policies; name none"),
        (["nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["learning", *arguments])
    with pytest.raises(SystemExit) as ended:
        learning.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_regimes_need_torch_and_say_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(sys, "argv", ["learning", "--regimes"])
    with pytest.raises(SystemExit) as ended:
        learning.main()
    assert ended.value.code == 2
    assert "torch of requirements/train.txt is not installed" in capsys.readouterr().err


def test_without_pfhedge_it_is_said_that_its_rows_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pfhedge", None)
    monkeypatch.delitem(sys.modules, "benchmarks.pfhedge_peer", raising=False)
    scenario = Scenario(Heston(), "short call", learning.COSTS[0])
    assert list(learning._peer_rows([scenario], {}, quick=True)) == []
    assert capsys.readouterr().err.endswith("is not installed, so that pfhedge's baseline is not beside the others.\n")


def test_the_chance_of_a_regime_is_the_cores_and_knows_no_later_close() -> None:
    model = fitted()
    closes = np.exp(np.cumsum(np.random.default_rng(1).standard_normal((BEFORE, 3)) * 0.01, axis=0))
    seen, other = chances(model, closes), closes.copy()
    other[40:] *= 0.9
    assert np.array_equal(chances(model, other)[:40], seen[:40])
    assert not np.allclose(chances(model, other)[40:], seen[40:])
    state = model.start()
    for close, before, told in zip(closes[1:, 0], closes[:-1, 0], seen[1:, 0], strict=True):
        state = model.update(state, DailyObservation(float(np.log(close / before))))
        assert state.probabilities is not None
        assert told == pytest.approx(state.probabilities[-1], abs=1e-12)
    assert np.allclose(model.parameters.volatilities, TRUE.volatilities, rtol=0.15)


def test_help_needs_no_packages() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.learning", "--help"], capture_output=True, text=True, check=True
    )
    assert "--regimes" in told.stdout
