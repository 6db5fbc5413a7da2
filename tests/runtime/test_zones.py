"""Zones of one machine whose network is cut, and healed: never do two lead (:mod:`tests.runtime.zone_trial`)."""

from pathlib import Path

import pytest

from tests.runtime.zone_trial import struck
from tests.runtime.zones import zones

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [0, 1])
def test_never_do_two_zones_lead(tmp_path: Path, seed: int) -> None:
    with zones(tmp_path) as of:
        blows = struck(tmp_path, of, seed, 8)
    assert len(blows) == 8
    assert all(seconds > 0 for _, seconds in blows)
