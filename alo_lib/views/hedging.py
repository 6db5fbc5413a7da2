"""What hedging cost and what it left, in the words of docs/attribution.md."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from alo_lib.records import Kind, Message
from alo_lib.views.attribution import attribution_by_trade
from alo_lib.views.run import Run, once_a_run
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
    return Hedging(cents(parts["delta"]), cents(parts["slippage"]), fees_to_the_cent(sum(_share_fees(run).values())))


def hedging_by_trade(run: Run, underlying: int, trade: int) -> Hedging | None:
    """That of one trade, 0 for what is outside of all; None where the core told nothing of it."""
    parts = attribution_by_trade(run).get((underlying, trade))
    if parts is None:
        return None
    fees = _share_fees(run)[underlying, trade]
    return Hedging(cents(parts["delta"]), cents(parts["slippage"]), fees_to_the_cent(fees))


@once_a_run
def _share_fees(run: Run) -> dict[tuple[int, int], float]:
    """Of the fees that each trade was given, by underlying and number, those of shares; zero or below.

    Fees of an option are its trade's; what is left of a trade's fees is its part of those of shares.
    """
    fees = {key: parts["fees"] for key, parts in attribution_by_trade(run).items()}
    owners: dict[int, int] = {}  # trades by their legs
    waiting: list[Message] = []  # order events that no frame has taken in yet
    for message in run.journal.messages:
        if message.kind is Kind.ORDER_EVENT:
            waiting.append(message)
        elif message.kind is Kind.FRAME:
            for key, fee in _option_fees(run, waiting, owners):
                if key in fees:
                    fees[key] += fee
            waiting.clear()
        elif message.kind is Kind.ENTRY:
            owners |= {int(row[leg]): int(row["trade"]) for row in message.records for leg in ("call", "put")}
        elif message.kind is Kind.EXIT:
            ended = set(message.records["trade"].tolist())
            owners = {leg: trade for leg, trade in owners.items() if trade not in ended}
    return fees


def _option_fees(run: Run, told: Iterable[Message], owners: dict[int, int]) -> Iterable[tuple[tuple[int, int], float]]:
    """Fees of fills in options, each with its underlying and its trade."""
    for message in told:
        for row in message.records:
            one = run.instruments[int(row["instrument"])]
            if one.is_option and row["fee"]:
                yield (one.underlying, owners.get(one.number, 0)), float(row["fee"])
