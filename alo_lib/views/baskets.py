"""What was traded as one: each basket with what its trades made together."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from alo_lib.records import PROFIT_PARTS, utc_moment
from alo_lib.views import page
from alo_lib.views.page import Html
from alo_lib.views.run import exchange_moment
from alo_lib.views.spoken import DASH, cents, money
from alo_lib.views.trades import TradeRecord

__all__ = ["BasketRecord", "basket_records", "baskets_section", "stated_baskets"]


class BasketRecord(NamedTuple):
    """One dispersion. Bought is long the members' straddles and short the index's."""

    number: int
    trades: tuple[TradeRecord, ...]  # the index's first

    @property
    def side(self) -> str:
        """Whether it was bought or sold."""
        return "buy" if self.trades[0].direction < 0 else "sell"

    @property
    def ended(self) -> int:
        """When its last trade ended, ns UTC; 0 while one is open."""
        ends = [trade.ended for trade in self.trades]
        return max(ends) if all(ends) else 0

    @property
    def reason(self) -> str:
        """Why the index's trade ended; empty while it is open."""
        return self.trades[0].reason

    @property
    def parts(self) -> dict[str, Decimal]:
        """Parts of the profit, money to the cent; none before the core told of one of its trades."""
        told = [trade.cents for trade in self.trades]
        return {name: sum((each[name] for each in told), Decimal(0)) for name in PROFIT_PARTS} if all(told) else {}

    @property
    def cost(self) -> float:
        """What its fills cost beyond mid at the decisions, with fees; NaN where one decision saw no mid."""
        commands = [trade.command for trade in self.trades]
        return math.fsum(
            math.nan if command is None else command.entry_cost + command.exit_cost for command in commands
        )


def basket_records(trades: Sequence[TradeRecord]) -> list[BasketRecord]:
    """The baskets that trades were opened in, in their order."""
    numbers = sorted({trade.basket for trade in trades if trade.basket})
    return [BasketRecord(each, tuple(trade for trade in trades if trade.basket == each)) for each in numbers]


def stated_baskets(trades: Sequence[TradeRecord]) -> list[dict[str, Any]]:
    """For JSON: money to the cent, null where it is not known."""
    return [
        {
            "basket": each.number,
            "side": each.side,
            "trades": [trade.number for trade in each.trades],
            "opened_utc": utc_moment(each.trades[0].opened),
            "ended_utc": utc_moment(each.ended) if each.ended else None,
            "reason": each.reason or None,
            "cost": float(cents(each.cost)) if math.isfinite(each.cost) else None,
            "profit": float(sum(each.parts.values())) if each.parts else None,
            "parts": {name: float(part) for name, part in each.parts.items()},
        }
        for each in basket_records(trades)
    ]


def baskets_section(trades: Sequence[TradeRecord]) -> list[Html]:
    """The baskets of a run, on its page; nothing where there are none."""
    baskets = basket_records(trades)
    if not baskets:
        return []
    named = [name for name in PROFIT_PARTS if any(each.parts.get(name) for each in baskets)]
    columns = ("opened", "ended", "side", "structures", "why", "profit", "cost of orders", *named)
    rows = [
        (
            exchange_moment(each.trades[0].opened)[:19],
            exchange_moment(each.ended)[:19] if each.ended else "",
            each.side,
            ", ".join(f"{trade.underlying} {trade.direction * trade.quantity:+d}" for trade in each.trades),
            each.reason or "still open",
            money(float(sum(each.parts.values()))) if each.parts else DASH,
            money(each.cost) if math.isfinite(each.cost) else DASH,
            *(money(float(each.parts[name])) if each.parts else DASH for name in named),
        )
        for each in baskets
    ]
    told = page.note(
        "Dispersion: an index's straddles against its members', opened and closed as one. Bought is long the members'. "
        "Each of its trades is in the table above; their profits, hedges included, sum to this. What it was net of: "
        "the cost of orders is what their fills cost beyond the middle of the quotes at the decisions, with fees."
    )
    return [page.section("Baskets", page.table(columns, rows, range(5, 7 + len(named))), told)]
