"""The main job under a broker that errs: it tells each fill twice, of an order that nobody sent, and of no price."""

import datetime as dt
from typing import Any

from AlgorithmImports import OrderEvent, OrderStatus, Slice

from algorithm import volatility_arbitrage
from alo_lib.records import Kind, Message, records

AT = dt.time(9, 40)
"""From when on, in New York."""


class DoubtfulAlgorithm(volatility_arbitrage.VolatilityArbitrageAlgorithm):
    """As it is, and told too much."""

    def initialize(self) -> None:
        self._poisoned = False
        super().initialize()

    def get_parameters(self) -> Any:
        parameters = super().get_parameters()
        return [pair for pair in parameters if pair.key != "alo-doubtful"]

    def on_order_event(self, order_event: OrderEvent) -> None:
        super().on_order_event(order_event)
        if order_event.status == OrderStatus.FILLED and self.time.time() >= AT:
            super().on_order_event(order_event)

    def on_data(self, slice: Slice) -> None:
        super().on_data(slice)
        if self._poisoned or self.time.time() < AT:
            return
        self._poisoned = True
        now = int(self.utc_time.timestamp()) * 10**9
        with self._one_at_a_time:
            event = records(Kind.ORDER_EVENT, order=4711, quantity=1000, price=1.0, status=3)
            self._core.accept(Message(Kind.ORDER_EVENT, now, event))
            self._core.accept(Message(Kind.TRADE, now, records(Kind.TRADE, close=float("nan"))))
