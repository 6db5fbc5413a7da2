"""What hedging is expected to cost, against simulated hedges; the penalty and the rank by stress, by hand."""

from itertools import product

import numpy as np
import pytest

from alo_lib.pricing import price
from alo_lib.settings import Settings
from alo_lib.strategy.edge_costs import Moment, expected_hedging_cost
from alo_lib.strategy.hedging import DeltaBand, HedgedPosition, HedgingRule, WhalleyWilmott, shares_wanted
from alo_lib.strategy.scanner import scan
from alo_lib.strategy.screening import screen_chain
from tests.sampled import sampled
from tests.strategy.kit import moment_of
from tests.strategy.test_parts import DAY, NOW, quoted_book

EXPIRY = NOW + 45 * DAY
BAND = {EXPIRY: (0.15, 0.27)}


def position(delta: object, spot: object = 100.0, **changes: object) -> HedgedPosition:
    """A thousand straddles that have 0.09 gamma a share each."""
    told: dict[str, object] = {
        "delta": delta,
        "gamma": -0.09 * 100_000.0,
        "vega": 0.0,
        "theta": 0.0,
        "vega_skew": 0.0,
        "contracts": 2000.0,
        "spot": spot,
        "implied": 0.2,
        "forecast": 0.2,
        "time_to_expiry": 0.12,
        "rate": 0.0,
        "half_spread": 0.01,
        "fee": 0.005,
        "order_fee": 0.0,
    }
    return HedgedPosition(**told | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "order_fee"),
    sampled(
        [
            (DeltaBand(0.02), 40.0),
            (DeltaBand(0.02), 0.0),
            (WhalleyWilmott(4000.0), 0.0),
            (WhalleyWilmott(4000.0), 40.0),
        ],
        every=2,
    ),
)
def test_hedging_costs_what_a_simulated_hedge_of_constant_gamma_does(rule: HedgingRule, order_fee: float) -> None:
    _simulated(rule, order_fee)


def test_hedging_to_the_edge_costs_what_a_simulated_hedge_does() -> None:
    _simulated(DeltaBand(0.02, to_edge=True), 0.0)


def _simulated(rule: HedgingRule, order_fee: float) -> None:
    draw, paths, steps, years = np.random.default_rng(3), 64, 40_000, 0.02
    delta, shares, traded, fees = np.zeros(paths), np.zeros(paths), np.zeros(paths), np.zeros(paths)
    start = position(0.0, order_fee=order_fee)
    deviation = 0.09 * 100_000.0 * 0.2 * 100.0 * np.sqrt(years / steps)
    for _ in range(steps):
        delta += deviation * draw.standard_normal(paths)
        wanted = shares_wanted(shares, position(delta, order_fee=order_fee), rule)
        size = np.abs(wanted - shares)
        traded += size
        fees += np.where(size > 0.0, np.maximum(0.005 * size, order_fee), 0.0)
        shares = wanted
    simulated = float(np.mean(0.01 * traded + fees))
    assert float(expected_hedging_cost(start, rule, np.array(years))) == pytest.approx(simulated, rel=0.05)


def test_each_order_is_paid_for_once_by_the_structures_of_a_trade() -> None:
    """A dollar an order is the more a structure, the fewer of them the budget buys."""
    costs = {
        budget: signals(edge_costs="all", hedge="whalley_wilmott", vega_budget=budget, entry_edge=-1.0)[0]
        for budget in (1e-6, 0.05)
    }
    assert costs[1e-6]["legs"] == costs[0.05]["legs"]
    assert costs[1e-6]["hedging_cost"] > 1.5 * costs[0.05]["hedging_cost"] > 0.0


def test_the_first_hedge_and_its_end_are_paid_for() -> None:
    still = {"gamma": 0.0}
    to_centre = float(expected_hedging_cost(position(-50_000.0, **still), DeltaBand(0.02), np.array(0.1)))
    assert to_centre == pytest.approx(2 * 50_000 * 0.015)
    to_edge = float(expected_hedging_cost(position(-50_000.0, **still), DeltaBand(0.02, to_edge=True), np.array(0.1)))
    assert to_edge == pytest.approx(2 * (50_000 - 0.02 * 200_000) * 0.015)
    within = float(expected_hedging_cost(position(-3_000.0, **still), DeltaBand(0.02), np.array(0.1)))
    assert within == 0.0


def signals(**settings: object) -> np.ndarray:
    book, chosen = quoted_book(), Settings(**settings)
    book.quote["bid"], book.quote["ask"], book.quote_at = 99.98, 100.02, NOW
    valuation, screen = screen_chain(book, np.full(len(book.contracts), 0.2), chosen, 0.02, NOW, [])
    return scan(book, valuation, screen, chosen, Moment(NOW, 0.02, BAND, None, 1e6)).signals


def test_edges_are_less_by_what_is_told() -> None:
    quotes = {int(row["leg1"]): row for row in signals()}
    net = signals(edge_costs="all", band_penalty=0.5)
    assert {int(row["leg1"]) for row in net} & quotes.keys()
    for row in net:
        other = quotes.get(int(row["leg1"]))
        assert row["hedging_cost"] > 0.0
        assert row["penalty"] == pytest.approx(0.5 * 0.06 * row["vega"])
        if other is not None and other["direction"] == row["direction"]:
            assert row["edge"] == pytest.approx(other["edge"] - row["hedging_cost"] - row["penalty"])
            assert row["edge_volatility"] == pytest.approx(row["edge"] / row["vega"])


def test_a_forecast_without_a_band_has_no_rank_where_its_width_counts() -> None:
    book, chosen = quoted_book(), Settings(band_penalty=1.0)
    valuation, screen = screen_chain(book, np.full(len(book.contracts), 0.2), chosen, 0.02, NOW, [])
    told = scan(book, valuation, screen, chosen, moment_of())
    assert np.all(told.signals["edge_volatility"] == -np.inf)
    assert int(told.funnel["edge"][0]) == 0


def test_the_rank_by_stress_is_edge_over_the_worst_of_the_shocks() -> None:
    table = signals(rank="stress", structures="straddle,iron-condor", choice="whole_book")
    good = table[table["edge_volatility"] >= 0.02]
    assert len(good) >= 3
    per_loss = good["edge"] / good["stress_loss"]
    assert per_loss.tolist() == sorted(per_loss, reverse=True)
    book = quoted_book()
    for row in good:
        legs = [(int(row[f"leg{i}"]), int(row[f"ratio{i}"])) for i in range(1, int(row["legs"]) + 1)]
        losses = []
        for move, volatility in product(np.linspace(-0.2, 0.2, 9), (0.15, 0.3, 0.45)):
            loss = 0.0
            for leg, ratio in legs:
                contract = book.contracts[book.row(leg)]
                terms = (contract["strike"], 0.02, 0.0)
                then, now = (
                    float(price(spot, *terms, each, 45 / 365, contract["right"]))
                    for spot, each in ((100.0 * (1.0 + move), volatility), (100.0, 0.3))
                )
                loss -= int(row["direction"]) * ratio * 100.0 * (then - now)
            losses.append(loss)
        assert row["stress_loss"] == pytest.approx(max(losses), rel=2e-3)
