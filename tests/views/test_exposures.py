"""Exposures: what was held told apart from what a hedge then changed, and by expiry."""

import datetime as dt

import numpy as np
import pytest

from alo_lib.records import Contract, InstrumentTable, Kind, Message, records
from alo_lib.views.exposure_figures import expiry_figures, exposure_figures
from alo_lib.views.risk import SHARES, expiry_exposures, exposures, largest_by_expiry
from alo_lib.views.time_axis import time_axis
from tests.views import kit
from tests.views.test_performance import run_of

MILLISECOND = 1_000_000
NEAR, FAR = dt.date(2024, 1, 20), dt.date(2024, 2, 16)  # a Saturday, whose last close is Friday's
FILLED = kit.OPEN + 10 * kit.MINUTE
HEDGED = FILLED + 10 * MILLISECOND
CLOSED = FILLED + 60 * kit.MINUTE


@pytest.fixture
def run(tmp_path):
    """Three near calls sold, hedged ten milliseconds later, a far put bought with them; all is closed in an hour."""
    table = InstrumentTable()
    equity = table.add_equity("ALFA")
    ends = {NEAR: kit.CLOSE + 17 * 1440 * kit.MINUTE, FAR: kit.EXPIRY_TIME}
    chain = table.add_contracts("ALFA", [Contract(NEAR, 100.0, 1, ends[NEAR]), Contract(FAR, 100.0, -1, ends[FAR])])
    call, put = (int(number) for number in chain["instrument"])

    def held(time, shares):
        legs = [(call, -3, 0.5), (put, 2, -0.4), *([(0, shares, 1.0)] if shares else [])]
        rows = records(Kind.POSITION, len(legs))
        for row, (number, quantity, delta) in zip(rows, legs, strict=True):
            row["instrument"], row["quantity"], row["delta"] = number, quantity, delta
            row["vega"], row["gamma"], row["theta"] = (20.0, 0.02, -7.3) if number else (0.0, 0.0, 0.0)
        delta = -150.0 - 80.0 + shares
        told = records(Kind.EXPOSURE, structures=1, delta=delta, vega=-2000.0, gamma=-2.0, theta=730.0, shares=shares)
        return [Message(Kind.EXPOSURE, time, told), Message(Kind.POSITION, time, rows)]

    messages = [
        Message(Kind.INSTRUMENT, kit.OPEN, equity),
        Message(Kind.INSTRUMENT, kit.OPEN, chain),
        Message(Kind.SESSION, kit.OPEN, records(Kind.SESSION, open=kit.OPEN, close=kit.CLOSE, date=20240102)),
        *held(FILLED, 0),
        *held(HEDGED, 230),
        *held(HEDGED + 30 * kit.MINUTE, 230),
        Message(Kind.EXPOSURE, CLOSED, records(Kind.EXPOSURE)),
    ]
    return run_of(tmp_path, messages)


def test_what_a_hedge_then_changed_is_told_apart(run):
    found = exposures(run)["ALFA"]
    assert found.is_held.tolist() == [False, True, True, True]
    line, passing = exposure_figures(time_axis(run), exposures(run))[0]["data"]
    assert line["y"] == [0.0, 0.0, 0.0]
    assert passing["y"] == [-230.0]
    assert passing["x"] == ["2024-01-02 09:40:00.000"]


def test_exposures_by_expiry_are_sums_of_what_was_held_and_end_when_nothing_is(run):
    found = expiry_exposures(run, run.underlyings[0])
    assert found.expiries == [str(NEAR), str(FAR), SHARES]
    assert found.time.tolist() == [HEDGED, HEDGED + 30 * kit.MINUTE, CLOSED]
    np.testing.assert_allclose(found.values["delta"], [[-150.0, -80.0, 230.0]] * 2 + [[0.0, 0.0, 0.0]])
    np.testing.assert_allclose(found.values["vega"][0], [-300 * 20.0 / 100, 200 * 20.0 / 100, 0.0])  # a point
    np.testing.assert_allclose(found.values["theta"][0], [300 * 7.3 / 365, -200 * 7.3 / 365, 0.0])  # a day


def test_the_largest_by_expiry_keeps_its_sign(run):
    assert largest_by_expiry(run, run.underlyings[0])[str(NEAR)] == pytest.approx(
        {"delta": -150.0, "gamma": -6.0, "vega": -60.0, "theta": 6.0}
    )


def test_each_expiry_has_a_line_and_shares_have_delta_alone(run):
    delta, *others = expiry_figures(time_axis(run), expiry_exposures(run, run.underlyings[0]))
    assert [trace["name"] for trace in delta["data"]] == [str(NEAR), str(FAR), SHARES]
    for figure in others:
        assert [trace["name"] for trace in figure["data"]] == [str(NEAR), str(FAR)]


def test_a_run_that_held_nothing_has_none(tmp_path):
    run = run_of(tmp_path, kit.quiet_messages())
    found = expiry_exposures(run, run.underlyings[0])
    assert len(found.time) == 0
    assert largest_by_expiry(run, run.underlyings[0]) == {}
