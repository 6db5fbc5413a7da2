"""What a journal tells of a run's book, followed while it is written: positions, orders, decisions, notices."""

from collections import deque
from typing import Any, Final

from alo_lib.journal import orders_of
from alo_lib.monitor.said import DECISIONS, decisions, notices
from alo_lib.records import Kind, Message, Records
from alo_lib.views.run import InstrumentRecord, exchange_moment, instruments_of
from alo_lib.views.spoken import or_none
from alo_lib.views.units import PEOPLES

__all__ = ["FOLLOWED", "BookFollowed"]

FOLLOWED: Final = (
    *(Kind.INSTRUMENT, Kind.ORDER_EVENT, Kind.POSITION, Kind.EXPOSURE),
    *(*DECISIONS, Kind.NOTICE, Kind.EVENT),
)
"""Kinds of messages that are shown."""

_LINES: Final = 200
"""Decisions, notices and orders that are shown, the last ones."""
_CURVE: Final = 1_000
"""Points of the curve of equity at most."""
_POSITION_GREEKS: Final = ("delta", "gamma", "vega", "theta")


class BookFollowed:
    """Takes the messages of a journal in, in their order."""

    def __init__(self) -> None:
        self._instruments: dict[int, InstrumentRecord] = {}
        self._positions: dict[int, dict[str, Any]] = {}
        self._told: list[Message] = []  # what orders are told by
        self._orders: list[dict[str, Any]] | None = []
        self._decisions: deque[dict[str, Any]] = deque(maxlen=_LINES)
        self._notices: deque[dict[str, Any]] = deque(maxlen=_LINES)
        self._equity: list[tuple[str, float]] = []
        self._every = 1  # of so many measures the curve keeps one
        self._measures = 0

    def take(self, message: Message) -> None:
        """Know what a message tells."""
        kind, rows = message.kind, message.records
        if kind in (Kind.INSTRUMENT, Kind.INTENT, Kind.ORDER_EVENT):
            self._told.append(message)
            self._orders = None
        if kind is Kind.INSTRUMENT:
            self._instruments.update(instruments_of(rows))
        elif kind is Kind.ORDER_EVENT:
            for row in rows[rows["quantity"] != 0]:
                self._hold(int(row["instrument"]), int(row["quantity"]))
        elif kind is Kind.POSITION:
            self._positions.update((int(row["instrument"]), self._position(row)) for row in rows)
        elif kind is Kind.EXPOSURE:
            self._measured(message.time, rows)
        else:
            time = exchange_moment(message.time)
            for said in decisions(kind, rows, self._name):
                told = {"time": time, "what": said.what, "text": said.text, "reason": said.reason}
                self._decisions.append(told)
            for said in notices(kind, rows):
                self._notices.append({"time": time, "what": said.what, "text": said.text})

    @property
    def orders(self) -> list[dict[str, Any]]:
        """The last orders and what became of them, the newest first."""
        if self._orders is None:
            self._orders = [
                {
                    "order": order.number,
                    "time": exchange_moment(order.time),
                    "symbol": order.symbol.strip(),
                    "side": order.side,
                    "quantity": abs(order.quantity),
                    "filled": abs(order.filled),
                    "price": or_none(order.price) if order.filled else None,
                    "fee": order.fee,
                    "status": order.status.name.lower(),
                    "reason": order.tag,
                }
                for order in reversed(orders_of(self._told)[-_LINES:])
            ]
        return self._orders

    @property
    def positions(self) -> list[dict[str, Any]]:
        """What is held, with greeks of the whole position in people's units, as the core told them last."""
        return [self._positions[number] for number in sorted(self._positions) if self._positions[number]["quantity"]]

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """The last decisions, the newest first."""
        return list(reversed(self._decisions))

    @property
    def notices(self) -> list[dict[str, Any]]:
        """The last notices and events, the newest first."""
        return list(reversed(self._notices))

    @property
    def equity(self) -> list[tuple[str, float]]:
        """Times, New York's, and equity."""
        return self._equity

    def _name(self, number: int) -> str:
        found = self._instruments.get(number)
        return f"instrument {number}" if found is None else found.label

    def _hold(self, number: int, quantity: int) -> None:
        held = self._positions.setdefault(number, self._empty(number))
        held["quantity"] += quantity

    def _empty(self, number: int) -> dict[str, Any]:
        figures = dict.fromkeys(("mark", "implied_volatility", *_POSITION_GREEKS))
        return {"symbol": self._name(number), "trade": 0, "quantity": 0, **figures}

    def _position(self, row: Any) -> dict[str, Any]:
        number, quantity = int(row["instrument"]), int(row["quantity"])
        instrument = self._instruments.get(number)
        size = quantity * (1 if instrument is None else instrument.multiplier)
        greeks = {name: or_none(float(row[name]) * size * PEOPLES[name].scale) for name in _POSITION_GREEKS}
        return {
            "symbol": self._name(number),
            "trade": int(row["trade"]),
            "quantity": quantity,
            "mark": or_none(float(row["mark"])),
            "implied_volatility": or_none(float(row["implied_volatility"])),
            **greeks,
        }

    def _measured(self, time: int, rows: Records) -> None:
        self._measures += 1
        if (self._measures - 1) % self._every == 0 and len(rows):
            self._equity.append((exchange_moment(time), float(rows["equity"][-1])))
            if len(self._equity) > _CURVE:
                self._equity, self._every = self._equity[::2], self._every * 2
