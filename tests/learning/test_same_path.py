"""One path, stepped through the environment and through the trading core: the same hedges, the same profit."""

import numpy as np
import pytest

from alo_lib.learning.positions import CONTRACTS, POSITIONS, SPOT, Costs, along, hedges_of, net_losses
from alo_lib.learning.smile import Smile
from alo_lib.pricing import Chain
from alo_lib.records import OPTION_MULTIPLIER, YEAR, Kind, OrderStatus, OrderType, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.hedging import AdjustedRule, HedgingRule, MinimumVariance, WhalleyWilmott
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer
from alo_lib.strategy.policy_records import policy_records
from tests.brief import BRIEF
from tests.core import script
from tests.core.script import FIRST, NEXT, Script, at

COSTS = Costs(0.0010, fee=0.02)
VOLATILITY = 0.30
HOURS = np.arange(10.0, 16.0, 0.5)
FLAT = Smile(np.array([VOLATILITY**2]), np.tile([1.0, 0.0, 0.0], (21, 1, 1)))
OPTION_FEE = 1.0
CASH = 600_000.0  # which sizes the one trade to as many structures as the environment has


class Exact(Script):
    """Quotes about the very price, not rounded, of options and of shares; shares cost a fee each."""

    def bar(self, hour: float, spot: float = SPOT, volatility: float = VOLATILITY) -> list[Records]:
        time = at(self.date, hour)
        contracts = sorted(self.chain())
        strike, right = np.array([c.strike for c in contracts]), np.array([c.right for c in contracts], float)
        mid = self.mids(strike, right, time, spot, volatility)
        self.quotes = records(Kind.QUOTE, len(mid) + 1, instrument=np.arange(len(mid) + 1))
        half = COSTS.half_spread * spot
        self.quotes["bid"], self.quotes["ask"] = np.append(spot - half, mid - 0.02), np.append(spot + half, mid + 0.02)
        self.quotes["bid_size"] = self.quotes["ask_size"] = 10_000
        self.tell(time, Kind.TRADE, records(Kind.TRADE, close=spot, volume=100))
        self.tell(time, Kind.QUOTE, self.quotes)
        return self.frames(time)

    def mids(self, strike: np.ndarray, right: np.ndarray, time: int, spot: float, volatility: float) -> np.ndarray:
        years = (self.chain()[0].expiry_time - time) / YEAR
        return Chain(strike, years, right).price(spot, 0.0, 0.0, volatility)

    def answer(self, intent: np.void, time: int) -> None:
        event = records(Kind.ORDER_EVENT, order=intent["order"], instrument=intent["instrument"])
        event["type"], event["status"] = OrderType.MARKET, OrderStatus.SUBMITTED
        self.tell(time, Kind.ORDER_EVENT, event.copy())
        quantity = int(intent["quantity"])
        quote = self.quotes[self.quotes["instrument"] == intent["instrument"]][0]
        event["status"], event["quantity"] = OrderStatus.FILLED, quantity
        event["price"] = quote["ask" if quantity > 0 else "bid"]
        event["fee"] = OPTION_FEE if intent["instrument"] else COSTS.fee * abs(quantity)
        self.tell(time, Kind.ORDER_EVENT, event)


def path() -> np.ndarray:
    """Two days of half hours, with a gap in the night."""
    shocks = np.random.default_rng(8).standard_normal(2 * len(HOURS) - 1) * 0.006
    shocks[len(HOURS) - 1] = -0.025
    return SPOT * np.exp(np.concatenate([[0.0], np.cumsum(shocks)]))


def learned() -> HedgingPolicy:
    """A policy that does a lot; of the forecast, which the environment has none of, it thinks nothing."""
    generator = np.random.default_rng(5)
    layers = [Layer(generator.normal(size=(m, n)), generator.normal(size=m)) for n, m in ((len(FEATURES), 8), (8, 2))]
    own = [number for number, feature in enumerate(FEATURES) if feature.name == "log_forecast_ratio"]
    weight = layers[0].weight.copy()
    weight[:, own] = 0.0
    return HedgingPolicy((Layer(weight, layers[0].bias), layers[1]), 2_000.0)


def stepped(settings: dict[str, object], spots: np.ndarray) -> tuple[Exact, np.ndarray, list[int]]:
    """A core that has gone along the path: its shares after each bar, and years to expiry at each."""
    asked = {
        **BRIEF,
        "underlyings": "TEST",
        "structures": "straddle",
        "cash": CASH,
        "max_structures": CONTRACTS,
        "max_moneyness": 0.01,
        "fee_per_share": COSTS.fee,
        "fee_per_order": COSTS.order_fee,
        **settings,
    }
    market = Exact(Settings.of(asked), strikes=(94.0, 100.0, 106.0))
    held, times = [], []
    if "policy" in settings:
        market.tell(at(FIRST, 8.9), Kind.POLICY, policy_records(learned()))
    expiry = market.chain()[0].expiry_time
    for day, date in enumerate((FIRST, NEXT)):
        market.session(date, None if day == 0 else [float(spots[len(HOURS) - 1])])
        for number, hour in enumerate(HOURS):
            market.bar(float(hour), float(spots[day * len(HOURS) + number]))
            held.append(market.held.get("TEST", 0))
            times.append((expiry - at(date, float(hour))) / YEAR)
    return market, np.array(times), held


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"hedge": "minimum_variance", "risk_aversion": 600}, MinimumVariance(WhalleyWilmott(600.0), 2.0)),
        ({"hedge": "whalley_wilmott", "risk_aversion": 20_000}, WhalleyWilmott(20_000.0)),
        ({"hedge": "policy", "policy": "told"}, learned().rule),
    ],
    ids=["minimum_variance", "whalley_wilmott", "policy"],
)
def test_the_environment_hedges_and_earns_as_the_core(
    settings: dict[str, object], rule: HedgingRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "RATE", 0.0)
    spots = path()
    market, times, held = stepped(settings, spots)
    options = {name: quantity for name, quantity in market.held.items() if name != "TEST"}
    assert sorted(options.values()) == [-CONTRACTS, -CONTRACTS], options
    book = along(POSITIONS["short straddle"], FLAT, spots[:, None], np.full((len(spots), 1), VOLATILITY**2), times)
    hedges = hedges_of(book, rule, COSTS)[:, 0].tolist()
    assert held[:-1] == hedges
    assert len(set(hedges)) > 3
    if isinstance(rule, AdjustedRule):
        assert not [text for text in market.notices() if "not trained" in text]
        assert hedges != hedges_of(book, rule.base, COSTS)[:, 0].tolist()
    loss = float(net_losses(book, rule, COSTS)[0]) * CONTRACTS * OPTION_MULTIPLIER
    unit_cost = float(book.unit_costs(COSTS)[-1, 0])
    closing = (abs(hedges[-1]) - abs(held[-1] - held[-2])) * unit_cost  # one closes, the other hedges, at the last bar
    opening = 2 * (CONTRACTS * OPTION_MULTIPLIER * 0.02 + OPTION_FEE)
    assert equity(market) - CASH == pytest.approx(closing - opening - loss, abs=0.005)


def equity(market: Exact) -> float:
    return float(market.core.snapshot().state.strategy.underlyings[0].exposure["equity"][0])
