"""The price model in a real LEAN the evening before each ex-date of a real call, and the evening after, by a peer."""

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.models.greeks_check import CLOSE, NEW_YORK, at
from tests.models.lean_run import kept_by, native_lean
from tests.pricing.dividend_grid import Converged, Terms, converged

pytestmark = [pytest.mark.lean, pytest.mark.slow]

ALGORITHM = Path(__file__).with_name("ex_date_algorithm.py")
EXPIRY, STRIKE = "2016-01-15", 100.0
PAID = {"2015-02-05": 0.47, "2015-05-07": 0.52, "2015-08-06": 0.52, "2015-11-05": 0.52}
"""Of LEAN's data; the next dividend goes ex after the expiry."""
EVES = {"2015-02-05": "2015-02-04", "2015-05-07": "2015-05-06", "2015-08-06": "2015-08-05", "2015-11-05": "2015-11-04"}
PLAN = {
    "ticker": "AAPL",
    "strike": STRIKE,
    "expiry": [2016, 1, 15],
    "start": [2015, 1, 30],
    "end": [2015, 11, 10],
    "announced": [[list(map(int, day.split("-"))), cash] for day, cash in (PAID | {"2016-02-04": 0.52}).items()],
}
STEP = 0.02


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, lean_data: Path) -> dict[str, Any]:
    """A year of Apple's call of January 2016, the one whose quotes LEAN's sample has over ex-dates."""
    native_lean()
    return kept_by(ALGORITHM, "seen", tmp_path_factory.mktemp("run"), lean_data, {"plan": json.dumps(PLAN)})


def years(now: dt.datetime, then: dt.datetime) -> float:
    return (then.astimezone(dt.UTC) - now.astimezone(dt.UTC)).total_seconds() / (365 * 86_400)


def peer(row: dict[str, Any], shift: float = 0.0) -> Converged:
    """Values at the spot and a step to both sides, at LEAN's volatility, so much later, in years."""
    now = dt.datetime.strptime(row["time"], "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)
    ahead = {years(now, at(day, dt.time(9, 30))): cash for day, cash in PAID.items()}
    times = [time - shift for time in ahead if time > 0.0]
    left = years(now, at(EXPIRY, CLOSE)) - shift
    amounts = tuple(cash for time, cash in ahead.items() if time > 0.0)
    terms = Terms(STRIKE, row["rate"], 0.0, row["volatility"], left, 1, True, tuple(times), amounts)
    return converged([row["spot"] - STEP, row["spot"], row["spot"] + STEP], terms)


def test_lean_pays_what_was_announced(seen: dict[str, Any]) -> None:
    assert [(day, cash) for day, cash in seen["paid"]] == list(PAID.items())


@pytest.mark.parametrize("day", [*EVES.values(), *EVES])
def test_what_lean_gets_on_both_sides_of_an_ex_date_is_a_peer_s(seen: dict[str, Any], day: str) -> None:
    (row,) = [row for row in seen["rows"] if row["time"] == f"{day} 16:00"]
    found, hour = peer(row), 1.0 / (365 * 24)
    assert found.value_error.max() < 1e-4
    assert row["price"] == pytest.approx(0.5 * (row["bid"] + row["ask"]), abs=1e-9)
    assert row["price"] == pytest.approx(found.value[1], abs=1e-3)
    assert row["delta"] == pytest.approx(found.delta[1], abs=2e-4)
    gamma = (found.delta[2] - found.delta[0]) / (2.0 * STEP)
    assert row["gamma"] == pytest.approx(gamma, rel=5e-3)
    theta = (peer(row, hour).value[1] - peer(row, -hour).value[1]) / (2.0 * hour)
    assert row["theta"] == pytest.approx(theta, rel=1e-2)
    up, down = (peer(row | {"volatility": row["volatility"] + step}).value[1] for step in (1e-3, -1e-3))
    # Ours is a difference over two points of volatility, wide on the evening before, with spot near the critical one.
    assert row["vega"] == pytest.approx(0.01 * (up - down) / 2e-3, rel=2e-2)


def test_no_ex_date_moves_the_volatility_by_more_than_the_days_beside_it(seen: dict[str, Any]) -> None:
    """The call's volatility moves by up to three points on a day; half a dollar too much would be two besides."""
    rows = seen["rows"]
    dates = [row["time"][:10] for row in rows]
    moves = {day: rows[i]["volatility"] - rows[i - 1]["volatility"] for i, day in enumerate(dates) if i}
    usual = math.sqrt(sum(move * move for move in moves.values()) / len(moves))
    over = math.sqrt(sum(moves[day] ** 2 for day in PAID) / len(PAID))
    assert over < 2.0 * usual
