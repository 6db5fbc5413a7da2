"""What is lost by hedging options along paths: counted by hand, and with greeks of the library's own pricer."""

import math
from decimal import Decimal

import numpy as np
import pytest

from alo_lib.learning.markets import STEPS_A_DAY
from alo_lib.learning.positions import CONTRACTS, POSITIONS, SPOT, BrokerCosts, Costs, Leg, along, hedges_of, net_losses
from alo_lib.learning.smile import Smile
from alo_lib.learning.tails import tail_values
from alo_lib.pricing import price
from alo_lib.records import TRADING_DAYS
from alo_lib.simulation import equity_fee
from alo_lib.strategy.hedging import DeltaBand, WhalleyWilmott
from tests.learning.kit import COSTS, book

FLAT = Smile(np.array([0.04]), np.tile([1.0, 0.0, 0.0], (21, 1, 1)))


@pytest.mark.parametrize("right", [1, -1])
def test_a_leg_is_shown_with_the_value_and_greeks_of_black(right: int) -> None:
    """Values by quadrature over what the spot becomes, greeks by differences of them."""
    years, nodes = 1.0 / TRADING_DAYS, np.linspace(-9.0, 9.0, 200_001)
    weights = np.exp(-0.5 * nodes * nodes) * (nodes[1] - nodes[0]) / math.sqrt(2.0 * math.pi)

    def value(spot: float, volatility: float, left: float = years) -> float:
        ends = spot * np.exp(volatility * math.sqrt(left) * nodes - 0.5 * volatility**2 * left)
        return float(weights @ np.maximum(right * (ends - SPOT), 0.0))

    spots = np.repeat([[100.0, 99.2, 101.5]], STEPS_A_DAY + 1, axis=0)
    held = along((Leg(-1, 0.0, right),), FLAT, spots, np.full_like(spots, 0.04))
    units, shown = -CONTRACTS * 100, held.position
    values = [value(spot, 0.2) for spot in spots[0]]
    assert held.premium == pytest.approx(-units * np.mean(values), rel=1e-7)
    for column, (spot, now) in enumerate(zip(spots[0], values, strict=True)):
        up, down = value(spot + 0.01, 0.2), value(spot - 0.01, 0.2)
        expected = {
            "delta": (up - down) / 0.02,
            "gamma": (up - 2.0 * now + down) / 1e-4,
            "vega": (value(spot, 0.201) - value(spot, 0.199)) / 0.002,
            "theta": (value(spot, 0.2, years * 0.999) - value(spot, 0.2, years * 1.001)) / (0.002 * years),
        }
        for name, greek in expected.items():
            assert np.asarray(getattr(shown, name))[0, column] == pytest.approx(units * greek, rel=2e-4), name


def test_a_day_is_lost_as_counted_by_hand() -> None:
    spots = np.full((STEPS_A_DAY + 1, 1), SPOT)
    spots[5:] = 103.0
    held = along(POSITIONS["short call"], FLAT, spots, np.full_like(spots, 0.04))
    units = CONTRACTS * 100
    shares, cash = 0, held.premium
    for spot, delta in zip(spots[:-1, 0].tolist(), np.asarray(held.position.delta)[:, 0].tolist(), strict=True):
        lowest, highest = math.ceil(-delta - 0.35 * units), math.floor(-delta + 0.35 * units)
        wanted = lowest if shares < lowest else highest if shares > highest else shares
        cash -= (wanted - shares) * spot + abs(wanted - shares) * (0.001 * spot + 0.005)
        shares = wanted
    assert shares > 600
    cash += shares * (103.0 - 0.103 - 0.005) - 3.0 * units
    losses = net_losses(held, DeltaBand(0.35, to_edge=True), COSTS)
    assert losses[0] == pytest.approx(-cash / units, abs=1e-12)


def test_a_broker_takes_a_dollar_an_order_from_few_structures_too() -> None:
    """Counted order by order with the fee of one; the rule is told of it and sends fewer."""
    held, costs, rule = book().sized(2), BrokerCosts(0.0005), WhalleyWilmott(4_000.0)
    hedges, losses = hedges_of(held, rule, costs), net_losses(held, rule, costs)
    for path in (0, 7):
        cash, shares = held.premium + float(held.payoff[path]), 0.0
        for wanted, spot in zip([*hedges[:, path], 0.0], held.spot[:, path].tolist(), strict=True):
            order = wanted - shares
            cash -= order * spot + abs(order) * 0.0005 * spot
            cash -= float(equity_fee(int(order), Decimal(str(spot)))) if order else 0.0
            shares = wanted
        assert losses[path] == pytest.approx(-cash / 200.0, abs=1e-9)
    orders = np.count_nonzero(np.diff(hedges, axis=0))
    assert 0 < 2 * orders < np.count_nonzero(np.diff(hedges_of(held, rule, Costs(0.0005)), axis=0))


def test_a_position_of_another_size_is_as_many_times_the_same() -> None:
    held, costs = book(), Costs(0.0005)
    many = held.sized(1_000)
    assert many.sized(CONTRACTS).position.gamma == pytest.approx(held.position.gamma)
    assert many.position.contracts == 2_000.0
    assert many.position.time_to_expiry is held.position.time_to_expiry
    rule = WhalleyWilmott(4_000.0)
    assert net_losses(many, rule, costs) == pytest.approx(net_losses(held, rule, costs), abs=0.03)  # whole shares


def test_spreads_widen_at_the_open_and_with_volatility() -> None:
    spots, variances = np.full((STEPS_A_DAY + 1, 1), 50.0), np.full((STEPS_A_DAY + 1, 1), 0.04)
    variances[3:] = 0.16
    widths = Costs(0.001, widening=True).half_spreads(spots, variances)[:, 0]
    assert widths.tolist() == pytest.approx([0.1, 0.05, 0.05, *[0.1] * 10, 0.2])
    assert Costs(0.001).half_spreads(spots, variances)[:, 0].tolist() == [0.05] * 14


def test_a_position_is_shown_whole_with_its_legs_signed() -> None:
    straddle, call, put = (book(name).position for name in ("short straddle", "short call", "short put"))
    for name in ("delta", "gamma", "vega", "vega_skew"):
        assert getattr(straddle, name) == pytest.approx(getattr(call, name) + getattr(put, name), abs=1e-9), name
    assert np.all(np.asarray(straddle.gamma) <= 0.0)
    assert np.all(np.asarray(book("long straddle").position.gamma) >= 0.0)
    assert straddle.contracts == 2 * CONTRACTS


def test_the_mean_of_tail_values_is_the_mean_of_the_worst_twentieth() -> None:
    losses = np.random.default_rng(2).standard_t(4, 20_000)
    assert np.mean(tail_values(losses)) == pytest.approx(np.mean(np.sort(losses)[-1_000:]), abs=1e-3)


def test_options_that_expire_later_are_worth_at_the_end_what_the_smile_says() -> None:
    """A week before expiry, at a strike a deviation below the spot: the volatility of the smile's line there."""
    smile = Smile(np.array([0.04]), np.tile([1.0, -0.1, 0.02], (21, 1, 1)))
    years = np.array([0.08, 0.02])
    spots = np.array([[100.0], [100.0 * math.exp(0.2 * math.sqrt(0.02))]])
    held = along((Leg(-1, 0.0, 1),), smile, spots, np.full((2, 1), 0.04), years)
    volatility = 0.2 * (1.0 + 0.1 + 0.02)
    worth = float(np.asarray(price(spots[1, 0], 100.0, 0.0, 0.0, volatility, 0.02, 1, style="european")))
    assert held.payoff[0] == pytest.approx(-CONTRACTS * 100 * worth, rel=1e-9)


def test_parts_of_a_book_are_the_book() -> None:
    held, costs, rule = book(paths=600), BrokerCosts(0.0005), WhalleyWilmott(1_500.0)
    parts = list(held.parts())
    assert [part.payoff.size for part in parts] == [250, 250, 100]
    assert np.concatenate([net_losses(part, rule, costs) for part in parts]).tolist() == (
        net_losses(held, rule, costs).tolist()
    )
