"""POSITION records: what is held, told whenever fills change it."""

import numpy as np
import pytest

from alo_lib.records import Kind
from tests.core.script import script


def test_positions_are_told_anew_when_fills_change_them_between_two_looks_at_the_market() -> None:
    market = script(max_structures=1)
    market.bar(10, volatility=0.35)
    told: dict[int, np.ndarray] = {}
    compared = 0
    for message in market.journal.messages:
        if message.kind is Kind.POSITION:
            told[message.time] = message.records
    for message in market.journal.messages:
        if message.kind is not Kind.EXPOSURE or not message.records["structures"][0]:
            continue
        rows, compared = told[message.time], compared + 1
        units = rows["quantity"] * np.where(rows["instrument"] == 0, 1, 100)
        for name in ("delta", "gamma", "vega", "theta"):
            assert float(np.sum(units * rows[name])) == pytest.approx(message.records[name][0], rel=1e-6, abs=1e-4)
    assert compared >= 2  # after the legs' fills, and after their hedge's; options are a few milliseconds older then
