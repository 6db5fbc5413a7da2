"""Bars that go on as if nothing had been spun off, against returns that are taken with what was distributed."""

from itertools import pairwise

import numpy as np
import pytest

from alo_lib.strategy.daily_bars import DailyBar, PriceLevel


def test_returns_are_those_of_who_keeps_what_is_distributed() -> None:
    """Closes 100, 90 ex 12, 91, 80 ex 9.1 and then ex 1.0 at once, 82: a holder counts what he was given."""
    level, closes, followed = PriceLevel(), [100.0, 90.0, 91.0, 80.0, 82.0], []
    given = {1: (12.0,), 3: (9.1, 1.0)}
    for day, close in enumerate(closes):
        before = closes[day - 1]
        for amount in given.get(day, ()):
            level.distribute(day, 1.0 - amount / before)
            before -= amount
        bar: DailyBar = (close - 1.0, close + 1.0, close - 2.0, close)
        followed.append(level.follow(day, bar))
        assert np.array(followed[-1]) / followed[-1][3] == pytest.approx(np.array(bar) / close)
    after = [close - sum(given.get(day + 1, ())) for day, close in enumerate(closes)]
    wanted = [later / left for later, left in zip(closes[1:], after, strict=False)]
    found = [later[3] / earlier[3] for earlier, later in pairwise(followed)]
    assert found[0] == pytest.approx(wanted[0])
    assert found[1] == pytest.approx(91.0 / 90.0)
    assert found[2] == pytest.approx(80.0 / (91.0 - 9.1 - 1.0))
    assert found[3] == pytest.approx(82.0 / 80.0)
    assert followed[0][3] == 100.0
