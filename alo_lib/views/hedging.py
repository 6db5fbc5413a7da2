"""What hedging cost and what it left, in the words of docs/attribution.md."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from alo_lib.views.attribution import last_attributions
from alo_lib.views.run import Run
from alo_lib.views.spoken import cents, fees_to_the_cent

__all__ = ["Hedging", "hedging", "hedging_by_trade"]


class Hedging(NamedTuple):
    """Money to the cent; what was lost is negative. Borrow and dividends of the shares are parts of their own."""

    delta: Decimal  # left unhedged, times the moves of the spot
    slippage: Decimal  # fills of shares against the spot
    share_fees: Decimal

    @property
    def together(self) -> Decimal:
        """The one figure."""
        return self.delta + self.slippage + self.share_fees


def hedging(run: Run, parts: Mapping[str, float]) -> Hedging:
    """That of the whole run; ``parts`` are those of its profit as they are stated."""
    fees = sum(float(row["share_fees"]) for row in last_attributions(run).values())
    return Hedging(cents(parts["delta"]), cents(parts["slippage"]), fees_to_the_cent(fees))


def hedging_by_trade(run: Run, underlying: int, trade: int) -> Hedging | None:
    """That of one trade, 0 for what is outside of all; None where the core told nothing of it."""
    row = last_attributions(run).get((underlying, trade))
    if row is None:
        return None
    return Hedging(
        cents(float(row["delta"])), cents(float(row["slippage"])), fees_to_the_cent(float(row["share_fees"]))
    )
