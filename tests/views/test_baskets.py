"""What a basket's trades made together."""

import math
from typing import Any

from alo_lib.records import PROFIT_PARTS
from alo_lib.views.baskets import basket_records, baskets_section, stated_baskets
from alo_lib.views.trades import TradeCommand, TradeRecord

OPENED, ENDED = 1_704_465_300_000_000_000, 1_704_551_700_000_000_000


def trade(
    number: int, basket: int, direction: int, *, ended: int = ENDED, cost: float = 10.0, **parts: float
) -> TradeRecord:
    values: dict[str, Any] = dict.fromkeys(TradeRecord._fields, math.nan)
    values |= {"number": number, "basket": basket, "underlying": "A" * number, "direction": direction, "quantity": 2}
    values |= {"opened": OPENED, "ended": ended, "reason": "exit edge" if ended else "", "structure": "dispersion"}
    values["command"] = TradeCommand("done", 2, 1, cost, 2.5)
    values["parts"] = dict.fromkeys(PROFIT_PARTS, 0.0) | parts
    return TradeRecord(**values)


TRADES = [
    trade(1, 1, -1, vega=30.005, fees=-1.0),
    trade(2, 1, 1, vega=-10.0, gamma=2.0),
    trade(3, 0, 1, vega=99.0),
    trade(4, 2, 1, ended=0, cost=math.nan),
    trade(5, 2, -1),
]


def test_a_basket_is_the_sum_of_its_trades() -> None:
    first, second = basket_records(TRADES)
    assert [each.number for each in first.trades] == [1, 2]
    assert (first.side, first.ended, first.cost) == ("buy", ENDED, 25.0)
    assert sum(first.parts.values()) == sum(sum(each.cents.values()) for each in first.trades)
    assert (second.side, second.ended, second.reason) == ("sell", 0, "")
    assert math.isnan(second.cost)


def test_programs_are_told_what_is_known_of_it() -> None:
    first, second = stated_baskets(TRADES)
    assert (first["basket"], first["trades"], first["cost"]) == (1, [1, 2], 25.0)
    assert first["parts"]["gamma"] == 2.0
    assert first["profit"] == round(sum(first["parts"].values()), 2)
    assert (second["ended_utc"], second["reason"], second["cost"]) == (None, None, None)
    assert stated_baskets(TRADES[2:3]) == []


def test_the_page_has_each_and_nothing_of_a_run_without() -> None:
    (section,) = baskets_section(TRADES)
    assert all(text in str(section) for text in ("A -2, AA +2", "still open", "Baskets"))
    assert baskets_section(TRADES[2:3]) == []
