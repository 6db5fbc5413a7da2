"""What a spin-off makes of a book that holds options which no host adjusts for it, to the cent."""

import pytest

from alo_lib.records import PROFIT_PARTS, Kind, records
from tests.core.script import NEXT, at, script
from tests.core.test_attribution import closes_to_the_cent, profit, total


@pytest.mark.parametrize("refused", [set(), {"TEST"}])
def test_what_a_spin_off_makes_of_contracts_that_no_host_adjusts_is_told_apart(refused: set[str]) -> None:
    """Shares lose what they are paid, which is no profit; options fall with the price, which is none either."""
    market = script(max_structures=1, stop_loss=10, exit_edge=-1)
    market.bar(10, spot=103.0, volatility=0.35)
    held = dict(market.core.holdings)
    marks = 0.5 * (market.quotes["bid"] + market.quotes["ask"])
    before = total(market)
    market.refuse = refused
    paid = records(Kind.DIVIDEND, time=at(NEXT, 9.5), kind=2, amount=8.0, reference=103.0)
    market.tell(at(NEXT, 9), Kind.DIVIDEND, paid)
    market.session(NEXT, [103.0])
    market.bar(10, spot=95.0, volatility=0.35)
    after = total(market)
    made = {name: after[name] - before[name] for name in PROFIT_PARTS}
    now = 0.5 * (market.quotes["bid"] + market.quotes["ask"])
    lost = sum(100.0 * quantity * (now[number] - marks[number]) for number, quantity in held.items() if number)
    assert abs(lost) > 100.0
    assert made["actions"] == pytest.approx(lost, abs=1e-6)
    assert made["dividends"] == 0.0
    assert abs(made["delta"]) < 1e-6  # the price fell by what was paid
    assert {name for name, money in made.items() if abs(money) > 1e-6} <= {"actions", "spread", "slippage", "fees"}
    assert sum(after.values()) == pytest.approx(profit(market), abs=1e-6)
    closes_to_the_cent(market)
