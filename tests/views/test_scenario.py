"""What a book held at the end would make: against European prices and what exercise pays."""

import numpy as np
import pytest

from alo_lib.pricing import price
from alo_lib.records import Kind, Message, records
from alo_lib.views.scenario import scenario
from tests.views import kit
from tests.views.kit import run_of

CALL, VOLATILITY, RATE = 2, 0.25, 0.05


def held_messages():
    """Three calls of the kit's chain bought, and 40 shares sold, at the end of its hour; its spot is 101."""
    messages = [each for each in kit.traded_messages() if each.kind not in (Kind.INTENT, Kind.ORDER_EVENT)]
    end = messages[-1].time
    messages += [
        Message(Kind.ORDER_EVENT, end, kit.order_event(0, CALL, 3, 4.0, 1.0)),
        Message(Kind.ORDER_EVENT, end, kit.order_event(0, 0, -40, 101.0, 1.0)),
        Message(
            Kind.POSITION,
            end,
            records(Kind.POSITION, 2, instrument=[CALL, 0], quantity=[3, -40], implied_volatility=[VOLATILITY, np.nan]),
        ),
    ]
    return messages


@pytest.fixture
def run(tmp_path):
    return run_of(tmp_path, held_messages())


def test_a_call_without_dividends_is_worth_the_european_price(run):
    found = scenario(run, run.underlyings[0])
    assert found is not None
    years = (kit.EXPIRY_TIME - run.journal.messages[-1].time) / (365 * 86_400 * 10**9)
    assert found.spot == pytest.approx(101.0)
    assert found.days == pytest.approx([0.0, years * 365 / 2, years * 365])
    row, column = 5, 10  # volatility up five points, spot down five percent
    assert (found.volatility_moves[row], found.spot_moves[column]) == pytest.approx((0.05, -0.05))

    def worth(spot, volatility, left):
        return price(spot, 100.0, RATE, 0.0, volatility, left, 1.0, style="european")

    spot = 101.0 * 0.95
    for day, left in enumerate((years, years / 2)):
        gained = 300 * (worth(spot, VOLATILITY + 0.05, left) - worth(101.0, VOLATILITY, years)) - 40 * (spot - 101.0)
        assert found.profit[day, row, column] == pytest.approx(float(gained), abs=0.01)
    assert found.profit[0, 3, 15] == pytest.approx(0.0, abs=1e-9)  # nothing moves


def test_at_expiry_exercise_pays_whatever_volatility_was(run):
    found = scenario(run, run.underlyings[0])
    assert found is not None
    spot = 101.0 * (1 + found.spot_moves)
    line = found.profit[2, 3] - found.profit[2, 3, 15]
    wanted = 300 * np.maximum(spot - 100.0, 0.0) - 40 * spot
    np.testing.assert_allclose(line, wanted - wanted[15], atol=1e-6)
    np.testing.assert_allclose(found.profit[2, 0], found.profit[2, 6])


def test_without_options_there_is_nothing_to_show(tmp_path):
    for number, messages in enumerate((kit.traded_messages(), kit.quiet_messages())):
        run = run_of(tmp_path / str(number), messages)
        assert scenario(run, run.underlyings[0]) is None
