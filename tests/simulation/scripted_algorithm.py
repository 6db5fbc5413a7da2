"""Sends the orders of a script in LEAN, as our execution model sends the core's, and writes down what LEAN tells."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from AlgorithmImports import (
    AccountType,
    BrokerageName,
    DataNormalizationMode,
    FuncTimeRule,
    OrderEvent,
    QCAlgorithm,
    Resolution,
)

from alo_lib.records import Contract, sent_together
from alo_lib.runtime import MarketRecord
from models.marshalling import Marshal, option_symbol
from models.order_tickets import amend_order, send_orders
from models.times import utc_datetime, utc_nanoseconds
from tests.simulation.script_records import CASH, amendments_of, intents_of, told


class ScriptedAlgorithm(QCAlgorithm):
    """GOOG on 2015-12-24."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        self.set_cash(CASH)
        self.set_brokerage_model(BrokerageName.INTERACTIVE_BROKERS_BROKERAGE, AccountType.MARGIN)
        self.script = json.loads(Path(self.get_parameter("script")).read_text())
        equity = self.add_equity("GOOG", Resolution.MINUTE, data_normalization_mode=DataNormalizationMode.RAW)
        self.marshal = Marshal()
        self.events: list[list[Any]] = []
        self.marshal.add_underlying(0, equity.symbol)
        contracts = {}
        for number, expiry, strike, right, expires in self.script["contracts"]:
            contract = Contract(dt.date.fromisoformat(expiry), strike, right, expires, 0, True)
            contracts[number] = 0, contract
            self.add_option_contract(option_symbol(equity.symbol, contract), Resolution.MINUTE)
        self.marshal.begin_session(MarketRecord(contracts=contracts, today=set(contracts)))
        times = sorted(int(time) for time in self.script["steps"])
        rule = FuncTimeRule("script", lambda dates: [utc_datetime(time) for date in dates for time in times
                                                     if date.date() == dt.date(2015, 12, 24)])  # fmt: skip
        self.schedule.on(self.date_rules.every_day(equity.symbol), rule, self.on_time)

    def on_time(self) -> None:
        doing: dict[str, Any] = self.script["steps"][str(utc_nanoseconds(self.utc_time))]
        for amendment in amendments_of(doing["amend"]):
            amend_order(self, self.marshal, amendment)
        for sent in sent_together(intents_of(doing["send"])):
            send_orders(self, self.marshal, sent)

    def on_order_event(self, order_event: OrderEvent) -> None:
        order = self.transactions.get_order_by_id(order_event.order_id)
        time = utc_nanoseconds(order_event.utc_time)
        message = self.marshal.order_event(order_event, order.tag, int(order.type), time)
        assert message is not None
        self.events.append(told(message.records[0], time))

    def on_end_of_algorithm(self) -> None:
        self.object_store.save("events", json.dumps(self.events))
