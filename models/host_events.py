"""LEAN's callbacks as remarks of the journal: captured as they come, before anything is made of them."""

from collections.abc import Callable, Iterable
from typing import Any

from AlgorithmImports import Symbol

from alo_lib.records import HostEvent, Kind, Message, records
from models.marshalling import Marshal

__all__ = ["HostEvents"]

_TEXT = 120


class HostEvents:
    """Writes one EVENT record a callback. ``remark`` takes the messages, ``now`` tells the time in ns UTC."""

    def __init__(self, remark: Callable[[Message], None], now: Callable[[], int], marshal: Marshal) -> None:
        self._remark = remark
        self._now = now
        self._marshal = marshal

    def capture(
        self,
        event: HostEvent,
        symbol: Symbol | None = None,
        *,
        order: int = 0,
        quantity: float = 0.0,
        value: float = 0.0,
        text: str = "",
    ) -> None:
        """Journal that LEAN has called back. A symbol that the core does not know is told by its name."""
        number = -1 if symbol is None else self._marshal.number_or(symbol, -1)
        if symbol is not None and number < 0:
            text = f"{symbol.value} {text}".strip()
        row = records(Kind.EVENT, event=event, instrument=number, order=order, quantity=quantity, value=value)
        row["text"] = text.encode()[:_TEXT]
        self._remark(Message(Kind.EVENT, self._now(), row))

    def capture_each(self, event: HostEvent, entries: Iterable[Any], describe: Callable[[Any], dict[str, Any]]) -> None:
        """Journal one record for each entry of a collection that LEAN hands over, in the order of their symbols."""
        for entry in sorted(entries, key=lambda each: str(each.symbol.id)):
            self.capture(event, entry.symbol, **describe(entry))
