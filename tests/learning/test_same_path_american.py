"""American options at a rate and a dividend, along one path through the environment and through the trading core."""

import numpy as np
import pytest

from alo_lib.learning.carry import CarrySteps
from alo_lib.learning.positions import CONTRACTS, POSITIONS, SPOT, along, hedges_of, net_losses
from alo_lib.pricing.cash_chain import CashChain
from alo_lib.records import OPTION_MULTIPLIER, YEAR, Kind, OrderStatus, OrderType, records
from alo_lib.settings import Settings
from alo_lib.strategy.hedging import HedgingRule, MinimumVariance, WhalleyWilmott
from alo_lib.strategy.interest import AccrualSpan, interest_on_cash
from alo_lib.strategy.policy_records import policy_records
from tests.brief import BRIEF
from tests.core import script
from tests.core.script import FIRST, NEXT, at
from tests.learning.test_same_path import CASH, COSTS, FLAT, HOURS, OPTION_FEE, VOLATILITY, Exact, equity, learned, path

RATE = 0.05
SECOND_DAY = len(HOURS)
UNITS = CONTRACTS * OPTION_MULTIPLIER
SETTINGS = {
    **BRIEF,
    "underlyings": "TEST",
    "structures": "straddle",
    "cash": CASH,
    "max_structures": CONTRACTS,
    "max_moneyness": 0.01,
    "fee_per_share": COSTS.fee,
    "fee_per_order": COSTS.order_fee,
    "carry": "rate",
    "cash_spread": 0.0,
    "debit_spread": 0.0,
    "dividend_guard_days": 0,
    "max_daily_loss": 0.9,
    "max_drawdown": 0.9,
    "stop_loss": 10.0,
}


class American(Exact):
    """A share that pays on its second day, at a rate; its broker books interest by night."""

    dividend = 0.0

    def mids(self, strike: np.ndarray, right: np.ndarray, time: int, spot: float, volatility: float) -> np.ndarray:
        years = np.full(len(strike), (self.chain()[0].expiry_time - time) / YEAR)
        ex = np.full((len(strike), 1), (at(NEXT, 9.5) - time) / YEAR), np.array([self.dividend])
        return CashChain(strike, years, right, *ex).price(spot, RATE, 0.0, volatility)

    def announce(self) -> None:
        told = records(Kind.ANNOUNCED, time=at(NEXT, 9.5), instrument=0, amount=self.dividend)
        self.tell(at(FIRST, 9), Kind.ANNOUNCED, told)

    def night(self, close: float) -> None:
        """Interest and the dividend, as a host books them; then the next session."""
        short = max(-self.core.holdings.get(0, 0), 0) * close
        booking = interest_on_cash(self.core.cash, [short], AccrualSpan(1, RATE), self.settings)
        message = booking.told(at(NEXT, 0))
        self.tell(message.time, Kind.INTEREST, message.records)
        if self.dividend:
            paid = records(Kind.DIVIDEND, time=at(NEXT, 9.5), instrument=0, amount=self.dividend, reference=close)
            self.tell(at(NEXT, 8), Kind.DIVIDEND, paid)
        self.session(NEXT, [close])

    def assign(self, hour: float) -> None:
        """The holder of the put exercises all."""
        put = next(order for order in self.orders if "P" in order.symbol[6:])
        number = self.core.instruments.number(put.symbol)
        settled = {"order": 0, "status": OrderStatus.FILLED, "type": OrderType.OPTION_EXERCISE}
        for row in ({"instrument": number, "quantity": CONTRACTS}, {"instrument": 0, "quantity": UNITS, "price": SPOT}):
            self.tell(at(self.date, hour), Kind.ORDER_EVENT, records(Kind.ORDER_EVENT, **settled, **row))


def stepped(
    settings: dict[str, object], spots: np.ndarray, dividend: float, assigned: int | None = None
) -> tuple[American, np.ndarray, list[int]]:
    """A core that has gone along the path: its shares after each bar, and years to expiry at each."""
    market = American(Settings.of({**SETTINGS, **settings}), strikes=(94.0, 100.0, 106.0))
    market.dividend = dividend
    held, times = [], []
    if "policy" in settings:
        market.tell(at(FIRST, 8.9), Kind.POLICY, policy_records(learned()))
    market.session(FIRST)
    if dividend:
        market.announce()
    expiry = market.chain()[0].expiry_time
    for number, spot in enumerate(spots.tolist()):
        day, bar = divmod(number, SECOND_DAY)
        date, hour = (FIRST, NEXT)[day], float(HOURS[bar])
        if number == SECOND_DAY:
            market.night(float(spots[number - 1]))
        if number == assigned:
            market.assign(hour - 0.1)
        market.bar(hour, spot)
        held.append(market.core.holdings.get(0, 0))
        times.append((expiry - at(date, hour)) / YEAR)
    return market, np.array(times), held


def carried(steps: int, dividend: float) -> CarrySteps:
    nights = np.zeros(steps)
    nights[SECOND_DAY - 1] = 1.0 / 360.0
    return CarrySteps(RATE, 0.0, ((SECOND_DAY, dividend),) if dividend else (), nights)


@pytest.mark.parametrize("dividend", [0.0, 1.5], ids=["a rate", "a rate and a dividend"])
@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"hedge": "minimum_variance", "risk_aversion": 600}, MinimumVariance(WhalleyWilmott(600.0), 2.0)),
        ({"hedge": "policy", "policy": "told"}, learned().rule),
    ],
    ids=["minimum_variance", "policy"],
)
def test_american_options_are_hedged_and_earn_as_in_the_core(
    settings: dict[str, object], rule: HedgingRule, dividend: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "RATE", RATE)
    spots = path()
    market, times, held = stepped(settings, spots, dividend)
    options = {name: quantity for name, quantity in market.held.items() if name != "TEST"}
    assert sorted(options.values()) == [-CONTRACTS, -CONTRACTS], options
    variances = np.full((len(spots), 1), VOLATILITY**2)
    carry = carried(len(spots) - 1, dividend)
    book = along(POSITIONS["short straddle"], FLAT, spots[:, None], variances, times, carry)
    hedges = hedges_of(book, rule, COSTS)[:, 0].tolist()
    assert held[:-1] == hedges
    assert len(set(hedges)) > 3
    plain = along(POSITIONS["short straddle"], FLAT, spots[:, None], variances, times)
    assert hedges != hedges_of(plain, rule, COSTS)[:, 0].tolist()
    loss = float(net_losses(book, rule, COSTS)[0]) * UNITS
    unit_cost = float(book.unit_costs(COSTS)[-1, 0])
    closing = (abs(hedges[-1]) - abs(held[-1] - held[-2])) * unit_cost  # one closes, the other hedges, at the last bar
    opening = 2 * (UNITS * 0.02 + OPTION_FEE)
    night = RATE / 360.0  # which the cash earned, and did not on what opening had cost
    interest = CASH * night - opening * night
    assert equity(market) - CASH == pytest.approx(interest + closing - opening - loss, abs=0.011)


def test_what_is_assigned_ends_with_its_shares_as_in_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spot falls, by the first day's close, to where a put is worth no more than its exercise."""
    monkeypatch.setattr(script, "RATE", RATE)
    spots = path()
    close = SECOND_DAY - 1
    spots[close:] = 82.0
    market, times, held = stepped({"hedge": "whalley_wilmott", "risk_aversion": 20_000}, spots, 0.0, close)
    assert not market.core.holdings
    carry = carried(len(spots) - 1, 0.0)
    variances = np.full((len(spots), 1), VOLATILITY**2)
    book = along(POSITIONS["short straddle"], FLAT, spots[:, None], variances, times, carry)
    assert book.account is not None
    assert np.flatnonzero(book.account.holding.brought[:, 0]).tolist() == [close]
    rule = WhalleyWilmott(20_000.0)
    hedges = hedges_of(book, rule, COSTS)[:, 0].tolist()
    assert held[:close] == hedges[:close]
    assert not any(hedges[close:])
    loss = float(net_losses(book, rule, COSTS)[0]) * UNITS
    night = RATE / 360.0
    opening = 2 * (UNITS * 0.02 + OPTION_FEE)
    call = UNITS * 0.02 + OPTION_FEE  # which is bought back at the ask
    assert equity(market) - CASH == pytest.approx(CASH * night - (opening + call) * (1.0 + night) - loss, abs=0.011)
