"""Hedging many paths at once is the core's rule, share for share."""

import numpy as np

from alo_lib.learning.stepping import hedges_within
from alo_lib.strategy.hedging import Band, toward_band


def bands(seed: int = 3, steps: int = 40, paths: int = 300) -> Band:
    """Bands that are wide, narrow, without width, of which half shares are the ends, and that cannot be told."""
    generator = np.random.default_rng(seed)
    centre = 20.0 * generator.standard_normal((steps, paths))
    centre[generator.uniform(size=centre.shape) < 0.3] = np.rint(2.0 * centre[0, 0]) / 2.0
    half_width = generator.choice([0.0, 0.2, 0.5, 3.0, 12.25], centre.shape)
    target = half_width * generator.choice([0.0, 0.5, 1.0], centre.shape)
    for array in (centre, half_width):
        array[generator.uniform(size=centre.shape) < 0.02] = np.nan
    return Band(centre, half_width, target)


def test_each_step_is_that_of_the_core() -> None:
    band = bands()
    held = np.zeros(300)
    found = hedges_within(band, (40, 300))
    for step in range(40):
        held = toward_band(held, Band(*(np.asarray(each)[step] for each in band)))
        assert found[step].tolist() == held.tolist(), step
    assert len(np.unique(found)) > 50


def test_ends_that_are_one_number_are_every_paths() -> None:
    centre = np.linspace(-30.0, 30.0, 40)[:, None]
    found = hedges_within(Band(centre, 4.0, 0.0), (40, 3))
    assert (found == found[:, :1]).all()
    assert found[0, 0] == -30.0
