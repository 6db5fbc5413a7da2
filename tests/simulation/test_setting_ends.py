"""Every setting at its ends: a run ends without an error, and a replay decides the same."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import annotated_types
import pytest

from alo_lib.journal import JOURNAL_FOLDER, read_journal
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.settings.trading import StructureName
from alo_lib.simulation import run_backtest
from alo_lib.views import Run
from tests.simulation import tiny
from tests.simulation.outcome import profit

pytestmark = pytest.mark.slow

WITH: dict[str, dict[str, Any]] = {
    "garch_history": {"garch_minimum": 100},
    "garch_minimum": {"garch_history": 5000, "hybrid_minimum": 5000, "min_coverage": 0},  # too few bars for 5000
    "min_days_to_expiry": {"exit_days_to_expiry": 1, "max_days_to_expiry": 1100},
    "max_days_to_expiry": {"exit_days_to_expiry": 1, "min_days_to_expiry": 1},
    "exit_days_to_expiry": {"min_days_to_expiry": 730, "max_days_to_expiry": 1100},
}
"""What has to be set beside a setting so that its ends are allowed."""

CHOICES = {
    "structures": get_args(StructureName),
    "direction": ("both", "long", "short"),
    "hedge": ("delta_band", "whalley_wilmott", "minimum_variance"),
    "hedge_volatility": ("implied", "forecast"),
    "refit_on_change": (False, True),
    "interest": (False, True),
    "take_over": (False, True),
}
NOT_A_RANGE = {"underlyings", "basket", "start", "end", "resolution", "core_process", "core_folder", "lost_tags"}


def ends() -> Iterator[tuple[str, Any]]:
    """Names of settings, and the values between which what is allowed lies."""
    for name, field in Settings.model_fields.items():
        if name in NOT_A_RANGE:
            continue
        if name in CHOICES:
            yield from ((name, choice) for choice in CHOICES[name])
            continue
        for bound in field.metadata:
            match bound:
                case annotated_types.Ge(ge=value) | annotated_types.Le(le=value):
                    yield name, value
                case annotated_types.Gt(gt=value):
                    yield name, _next(value, math.inf)
                case annotated_types.Lt(lt=value):
                    yield name, _next(value, -math.inf)


def _next(bound: Any, toward: float) -> float:
    return math.nextafter(bound, toward)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write(tmp_path_factory.mktemp("tiny"))


def test_every_range_has_two_ends() -> None:
    named = [name for name, _ in ends()]
    assert set(named) == set(Settings.model_fields) - NOT_A_RANGE
    assert all(named.count(name) >= 2 for name in named), {name for name in named if named.count(name) < 2}


@pytest.mark.parametrize(("name", "value"), list(ends()))
def test_a_setting_at_its_end_is_no_error(name: str, value: Any, data: Path, tmp_path: Path) -> None:
    settings = tiny.settings(**WITH.get(name, {}) | {name: value})
    assert math.isfinite(profit(Run(run_backtest(settings, data, tmp_path).folder)))
    json.loads((tmp_path / "main.json").read_text(), parse_constant=pytest.fail)
    assert replay(read_journal(tmp_path / JOURNAL_FOLDER)).divergence is None
