"""LEAN's callbacks as remarks of the journal: captured as they come, before anything is made of them."""

from collections.abc import Callable, Iterable
from typing import Any

from AlgorithmImports import (
    BrokerageMessageEvent,
    Delistings,
    Dividends,
    DynamicData,
    OrderEvent,
    QCAlgorithm,
    SecurityChanges,
    SecurityType,
    Splits,
    SubmitOrderRequest,
    Symbol,
    SymbolChangedEvents,
)

from alo_lib.records import EVENT_TEXT, HostEvent, Kind, Message, records
from models.marshalling import Marshal

__all__ = ["HostEvents", "JournaledAlgorithm"]


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
        row["text"] = text.encode()[:EVENT_TEXT]
        self._remark(Message(Kind.EVENT, self._now(), row))

    def capture_each(self, event: HostEvent, entries: Iterable[Any], describe: Callable[[Any], dict[str, Any]]) -> None:
        """Journal one record for each entry of a collection that LEAN hands over, in the order of their symbols."""
        for entry in sorted(entries, key=lambda each: str(each.symbol.id)):
            self.capture(event, entry.symbol, **describe(entry))


class JournaledAlgorithm(QCAlgorithm):
    """An algorithm that journals each of LEAN's callbacks from which it makes nothing else.

    Its ``initialize`` sets ``host_events``.
    """

    host_events: HostEvents

    def on_dividends(self, dividends: Dividends) -> None:
        """Journal them; the session's beginning tells the core."""
        self.host_events.capture_each(
            HostEvent.DIVIDEND, dividends.values(), lambda each: {"value": float(each.distribution)}
        )

    def on_splits(self, splits: Splits) -> None:
        """Journal splits and warnings; the session's beginning tells the core."""
        self.host_events.capture_each(
            HostEvent.SPLIT, splits.values(), lambda each: {"value": float(each.split_factor)}
        )

    def on_assignment_order_event(self, assignment_event: OrderEvent) -> None:
        """Journal it; the fill itself comes as an order event."""
        quantity = float(assignment_event.fill_quantity)
        order = assignment_event.order_id
        self.host_events.capture(HostEvent.ASSIGNMENT, assignment_event.symbol, order=order, quantity=quantity)

    def on_securities_changed(self, changes: SecurityChanges) -> None:
        """Journal which securities came and went; the session's beginning tells the core of its contracts."""
        kind = HostEvent.SECURITIES_CHANGED
        self.host_events.capture_each(kind, changes.added_securities, lambda each: {"quantity": 1.0})
        self.host_events.capture_each(kind, changes.removed_securities, lambda each: {"quantity": -1.0})

    def on_delistings(self, delistings: Delistings) -> None:
        """Journal them; LEAN settles what is held."""
        self.host_events.capture_each(HostEvent.DELISTING, delistings.values(), lambda each: {"text": str(each.type)})

    def on_symbol_changed_events(self, symbols_changed: SymbolChangedEvents) -> None:
        """Journal new names."""
        self.host_events.capture_each(
            HostEvent.SYMBOL_CHANGED,
            symbols_changed.values(),
            lambda each: {"text": f"{each.old_symbol} is {each.new_symbol}"},
        )

    # The stubs know of no result; LEAN wants the orders to send.
    def on_margin_call(self, requests: list[SubmitOrderRequest]) -> list[SubmitOrderRequest]:  # type: ignore[override]
        """Journal what LEAN is about to sell, and let it."""
        self.host_events.capture_each(HostEvent.MARGIN_CALL, requests, lambda each: {"quantity": float(each.quantity)})
        return requests

    def on_margin_call_warning(self) -> None:
        """Journal that a margin call is near."""
        self.host_events.capture(HostEvent.MARGIN_CALL_WARNING)

    def on_end_of_day(self, symbol: Symbol) -> None:
        """Journal the end of an underlying's day."""
        if symbol.security_type == SecurityType.EQUITY:
            self.host_events.capture(HostEvent.END_OF_DAY, symbol)

    def on_brokerage_message(self, message_event: BrokerageMessageEvent) -> None:
        """Journal what the broker says."""
        text = f"{message_event.code} {message_event.message}"
        self.host_events.capture(HostEvent.BROKERAGE_MESSAGE, text=text)

    def on_brokerage_disconnect(self) -> None:
        """Journal that the broker is gone."""
        self.host_events.capture(HostEvent.BROKERAGE_DISCONNECT)

    def on_brokerage_reconnect(self) -> None:
        """Journal that the broker is back."""
        self.host_events.capture(HostEvent.BROKERAGE_RECONNECT)

    def on_command(self, data: DynamicData) -> bool:
        """Journal a command; a subclass that obeys any says what came of it."""
        self.host_events.capture(HostEvent.COMMAND, text=str(data))
        return False
