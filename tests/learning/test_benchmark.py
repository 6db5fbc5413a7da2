"""The verdict's benchmark: what it refuses, and that what it shows of regimes is known at the time."""

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from alo_lib.learning.markets import Heston
from alo_lib.learning.scenarios import BATES, Scenario
from alo_lib.volatility import DailyObservation
from benchmarks import learning
from benchmarks.harness import Row
from benchmarks.regime_feature import BEFORE, FLAT, TRUE, chances, fitted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name at least one policy, or --regimes"),
        (["--regimes", "p.json"], "--regimes trains its own policies; name none"),
        (["--regimes", "--paths", "9"], "leave out --markets and --paths"),
        (["--regimes", "--markets", "bates"], "leave out --markets and --paths"),
        (["nowhere.json"], "nowhere.json"),
        (["nowhere.json", "--paths", "-1"], "--paths is -1; allowed: 1 or more"),
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
    assert list(learning._peer_rows([scenario], {}, 9, quick=True)) == []
    assert capsys.readouterr().err.endswith("is not installed, so that pfhedge's baseline is not beside the others.\n")


def test_pfhedge_is_judged_on_as_many_paths_as_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def peer_rows(*told: object) -> Iterator[Row]:
        asked.append(told)
        return iter(())

    peer = SimpleNamespace(PeerSizes=SimpleNamespace(quick=lambda: "quick"), peer_rows=peer_rows)
    monkeypatch.setitem(sys.modules, "benchmarks.pfhedge_peer", peer)
    calls = [Scenario(Heston(), "short call", costs) for costs in learning.COSTS]
    others = [Scenario(Heston(), "short put", learning.COSTS[0]), Scenario(BATES, "short call", learning.COSTS[0])]
    assert not list(learning._peer_rows([*others, *calls], {"Heston": FLAT}, 2_000, quick=True))
    assert asked == [(call, FLAT, 2_000, "quick") for call in calls]


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


def test_help_needs_neither_torch_nor_pfhedge() -> None:
    asked = "import runpy, sys; sys.modules.update(torch=None, pfhedge=None); sys.argv = ['learning', '--help']; "
    asked += "runpy.run_module('benchmarks.learning', run_name='__main__')"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert "--regimes" in told.stdout
