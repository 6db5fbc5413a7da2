"""LEAN as our algorithm meets it live, without LEAN: callbacks, portfolio, orders, history, object store.

What it holds and works is in a broker of the tests; the process of the algorithm can be killed whenever LEAN is called.
"""

import datetime as dt
import shutil
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from alo_lib.records import SECOND, Contract, OrderStatus, OrderType, Records, osi_symbol, records
from alo_lib.records.kinds import Kind
from tests.core.broker import Broker
from tests.models.kit import Hours, Identity, Symbol, equity

__all__ = ["World", "lean_names", "lean_option"]

_EPOCH = dt.datetime(1970, 1, 1)
_NEW_YORK = ZoneInfo("America/New_York")


def lean_option(underlying: Symbol, style: int, right: int, strike: float, expiry: dt.date) -> Symbol:
    """LEAN's symbol of a contract, named as the OSI has it."""
    name = osi_symbol(underlying.value, expiry, strike, 1 if right == 0 else -1)
    identity = Identity(name, right, style, strike, dt.datetime.combine(expiry, dt.time()))
    return Symbol(name, identity, 2, underlying)


class Symbols:
    """LEAN's class of symbols."""

    @staticmethod
    def create_option(
        underlying: Symbol, market: str, style: int, right: int, strike: float, expiry: dt.date
    ) -> Symbol:
        return lean_option(underlying, style, right, strike, expiry)


def lean_names(lean: Any) -> None:
    """Give LEAN's names what the algorithm asks of them while it is imported and set up."""
    lean.QCAlgorithm = Algorithm
    lean.Market = SimpleNamespace(USA="usa")
    lean.Symbol = Symbols
    lean.BrokerageName = SimpleNamespace(INTERACTIVE_BROKERS_BROKERAGE=1)
    lean.AccountType = SimpleNamespace(MARGIN=1)
    lean.DataNormalizationMode = SimpleNamespace(RAW=0)
    lean.Resolution = SimpleNamespace(MINUTE=1, HOUR=2, DAILY=3)
    lean.Globals = SimpleNamespace(data_folder="no such folder")
    lean.Config = SimpleNamespace(get=lambda key: Algorithm.world.configuration.get(key, ""))
    lean.DeploymentTarget = SimpleNamespace(CLOUD_PLATFORM=0)
    lean.Composer = SimpleNamespace(INSTANCE=SimpleNamespace(get_part={lean.IBrokerage: lambda: None}))  # nobody asks
    lean.FuncTimeRule = lambda name, times: times
    lean.PortfolioTarget = lambda symbol, quantity: SimpleNamespace(symbol=symbol, quantity=quantity)


class Store:
    """LEAN's object store: its values are on the disk once it was asked where one lies, or some seconds have passed."""

    FLUSHED_EVERY = 5 * SECOND
    max_size, max_files = 0, 0  # as a store that keeps anything

    def __init__(self, tick: Callable[[], None], now: Callable[[], int]) -> None:
        self._tick = tick
        self._now = now
        self._flushed = 0
        self.on_disk: dict[str, bytes] = {}
        self.values: dict[str, bytes] = {}
        self._folder = Path(mkdtemp())  # of what was asked for by its path
        weakref.finalize(self, shutil.rmtree, self._folder)

    def flush(self) -> None:
        """Write all to the disk, one value after the other; the process may die between two."""
        self._flushed = self._now()
        for key in self.on_disk.keys() - self.values.keys():
            del self.on_disk[key]
        for key, value in self.values.items():
            if self.on_disk.get(key) != value:
                self._tick()
                self.on_disk[key] = value

    def begin_process(self) -> None:
        """LEAN starts again: what was not on the disk is lost."""
        self.values = dict(self.on_disk)

    def get_file_path(self, key: str) -> str:
        self.flush()
        path = self._folder / key
        if key in self.on_disk:
            path.write_bytes(self.on_disk[key])
        return str(path)

    def contains_key(self, key: str) -> bool:
        return key in self.values

    def read_bytes(self, key: str) -> bytes:
        return self.values[key]

    def save_bytes(self, key: str, value: bytes) -> bool:
        self.values[key] = bytes(value)
        if self._now() - self._flushed >= self.FLUSHED_EVERY:
            self.flush()
        return True

    def delete(self, key: str) -> None:
        del self.values[key]

    @property
    def keys(self) -> list[str]:
        return list(self.values)


class World:
    """What is there whichever process of the algorithm runs: time, prices, the broker and what it was sent."""

    def __init__(self, settings: dict[str, Any], tick: Callable[[], None]) -> None:
        self.settings = settings
        self.configuration: dict[str, str] = {}  # LEAN's
        self.tick = tick
        self.now = 0
        self.broker = Broker()
        self.store = Store(tick, lambda: self.now)
        self.sent: list[SimpleNamespace] = []  # LEAN's orders, as it keeps them: by its own number
        self.asked_to_cancel: list[int] = []  # the core's numbers, each as often as it was asked
        self.closes: dict[str, list[tuple[dt.datetime, tuple[float, float, float, float]]]] = {}
        self.symbols: dict[int, Symbol] = {}  # by the core's number
        self.numbers: dict[Symbol, int] = {}
        self.number_of_tag: Callable[[str | None], int] = import_module("models.marshalling").order_number

    def know(self, numbers: Iterable[tuple[int, Symbol]]) -> None:
        """Know by which numbers the core goes."""
        for number, symbol in numbers:
            self.symbols[number], self.numbers[symbol] = symbol, number

    @property
    def utc(self) -> dt.datetime:
        return _EPOCH + dt.timedelta(microseconds=self.now // 1000)

    @property
    def local(self) -> dt.datetime:
        return self.utc.replace(tzinfo=dt.UTC).astimezone(_NEW_YORK).replace(tzinfo=None)

    def send(self, symbol: Symbol, quantity: int, tag: str) -> None:
        """An order comes to the broker."""
        self.tick()
        number = self.number_of_tag(tag)
        intent = records(Kind.INTENT, order=number, instrument=self.numbers[symbol], quantity=quantity, limit=np.nan)
        self.broker.receive(intent[0])
        number = len(self.sent) + 1
        known = {"symbol": symbol, "tag": tag, "type": 0, "quantity": quantity, "broker_id": [f"broker-{number}"]}
        known |= {} if number % 3 else {"broker_id": None}  # of a broker that gives no identifier
        self.sent.append(SimpleNamespace(id=number, **known))

    def event(self, row: np.void) -> SimpleNamespace | None:
        """LEAN's event of an ORDER_EVENT record; None where LEAN has no such order or security."""
        number, instrument = int(row["order"]), int(row["instrument"])
        orders = [order.id for order in self.sent if self.number_of_tag(order.tag) == number]
        if instrument not in self.symbols or row["status"] not in list(OrderStatus) or (number and not orders):
            return None
        if not number:
            order = SimpleNamespace(
                id=len(self.sent) + 1, symbol=None, tag="", type=int(row["type"]), quantity=int(row["quantity"])
            )
            self.sent.append(order)
            orders = [order.id]
        elif row["type"] != OrderType.MARKET:
            return None
        sizes = (float(row[name]) for name in ("quantity", "price", "fee"))
        return _order_event(orders[-1], self.symbols[instrument], int(row["status"]), *sizes)

    def odd_event(
        self, instrument: int, tag: str | None, status: int, sizes: tuple[float, float, float]
    ) -> SimpleNamespace:
        """An event of an order that nobody sent."""
        self.sent.append(SimpleNamespace(id=len(self.sent) + 1, symbol=None, tag=tag, type=status, quantity=0))
        return _order_event(len(self.sent), self.symbols[instrument], status, *sizes)

    def slice(self, trades: Records, quotes: Records) -> SimpleNamespace:
        """LEAN's slice of new bars."""
        bars = {
            self.symbols[int(row["instrument"])]: SimpleNamespace(
                close=float(row["close"]), volume=float(row["volume"]), is_fill_forward=False
            )
            for row in trades
        }
        quoted = [
            SimpleNamespace(
                value=SimpleNamespace(
                    symbol=self.symbols[int(row["instrument"])],
                    bid=SimpleNamespace(close=float(row["bid"])),
                    ask=SimpleNamespace(close=float(row["ask"])),
                    last_bid_size=float(row["bid_size"]),
                    last_ask_size=float(row["ask_size"]),
                    is_fill_forward=False,
                )
            )
            for row in quotes
        ]
        return SimpleNamespace(bars=bars, quote_bars=quoted)

    def universe(self, underlying: Symbol, contracts: Iterable[Contract], price: float) -> Any:
        """What LEAN's option filter is asked about."""
        rows = [
            SimpleNamespace(
                symbol=lean_option(underlying, 0, 0 if each.right > 0 else 1, each.strike, each.expiry),
                open_interest=each.open_interest,
            )
            for each in contracts
        ]
        found = _Universe(rows)
        found.underlying = SimpleNamespace(price=price)
        return found


def _order_event(order: int, symbol: Symbol, status: int, quantity: float, price: float, fee: float) -> SimpleNamespace:
    paid = SimpleNamespace(value=SimpleNamespace(amount=fee))
    return SimpleNamespace(
        order_id=order, symbol=symbol, status=status, fill_quantity=quantity, fill_price=price, order_fee=paid
    )


class _Universe(list[SimpleNamespace]):
    underlying: SimpleNamespace


class _Transactions:
    """LEAN's orders."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_order_by_id(self, number: int) -> SimpleNamespace:
        return self._world.sent[number - 1]

    def get_open_orders(self, chosen: Callable[[Any], bool] = lambda order: True) -> list[SimpleNamespace]:
        working = self._world.broker.working
        found = [order for order in self._world.sent if self._world.number_of_tag(order.tag) in working]
        return [order for order in found if chosen(order)]

    def get_open_order_tickets(self, chosen: Callable[[Any], bool]) -> list[SimpleNamespace]:
        found = [SimpleNamespace(order_id=each.id, tag=each.tag, symbol=each.symbol) for each in self.get_open_orders()]
        for ticket in found:
            ticket.cancel = partial(self._ask_to_cancel, self._world.number_of_tag(ticket.tag))
        return [ticket for ticket in found if chosen(ticket)]

    def _ask_to_cancel(self, number: int) -> None:
        """The broker hears of it; what it does, and when, comes as an event."""
        self._world.tick()
        self._world.asked_to_cancel.append(number)

    def get_order_ticket(self, number: int) -> SimpleNamespace:
        order = self._world.sent[number - 1]
        _, rest = self._world.broker.working[self._world.number_of_tag(order.tag)]
        return SimpleNamespace(quantity_filled=float(order.quantity - rest), average_fill_price=2.0)

    def cancel_order(self, number: int) -> None:
        self._world.tick()
        self._world.broker.orders[self._world.number_of_tag(self._world.sent[number - 1].tag)].done = True


class _Portfolio:
    """LEAN's positions."""

    cash = 1_000_000.0

    def __init__(self, world: World) -> None:
        self._world = world

    def __iter__(self) -> Any:
        for number, quantity in sorted(self._world.broker.positions.items()):
            symbol = self._world.symbols[number]
            holding = SimpleNamespace(symbol=symbol, quantity=float(quantity), average_price=2.0, invested=True)
            yield SimpleNamespace(key=symbol, value=holding)


class Notifier:
    """LEAN's notification manager: what it was to send, by way, without what its methods are not told by name."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, ...]] = []

    def email(self, address: str, subject: str, message: str) -> bool:
        self.sent.append(("email", address, message, subject))
        return True

    def sms(self, phone_number: str, message: str) -> bool:
        self.sent.append(("sms", phone_number, message))
        return True

    def telegram(self, id: str, message: str) -> bool:
        self.sent.append(("telegram", id, message))
        return True

    def web(self, address: str, data: str) -> bool:
        self.sent.append(("web", address, data))
        return True


class Algorithm:
    """LEAN's base class of algorithms; ``world`` is set before it is made."""

    world: World
    live_mode = True
    deployment_target, project_id = 1, 0

    def __init__(self) -> None:
        self.logged: list[str] = []
        self.notify = Notifier()
        self.plotted: dict[str, dict[str, list[float]]] = {}
        self.statistics: dict[str, str] = {}
        self.transactions, self.portfolio = _Transactions(self.world), _Portfolio(self.world)
        self.object_store = self.world.store
        self.risk_free_interest_rate_model = SimpleNamespace(get_interest_rate=lambda time: 0.03)
        self.history = _History()
        self.date_rules = SimpleNamespace(every_day=lambda symbol: symbol)
        self.time_rules = SimpleNamespace(every=lambda span: span)
        self.schedule = SimpleNamespace(on=lambda *given: None)
        self.current_slice = None
        self.models: dict[str, Any] = {}

    @property
    def utc_time(self) -> dt.datetime:
        return self.world.utc

    @property
    def time(self) -> dt.datetime:
        return self.world.local

    def get_parameters(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(key=key, value=value) for key, value in self.world.settings.items()]

    def get_locked(self) -> bool:
        """As if it were initialized: LEAN shows what it logs at once."""
        return True

    def log(self, text: str) -> None:
        self.logged.append(text)

    def plot(self, chart: str, series: str, value: float) -> None:
        self.plotted.setdefault(chart, {}).setdefault(series, []).append(value)

    def set_runtime_statistic(self, name: str, value: str) -> None:
        self.statistics[name] = value

    def set_start_date(self, *day: int) -> None: ...
    def set_end_date(self, *day: int) -> None: ...
    def set_cash(self, cash: float) -> None: ...
    def set_brokerage_model(self, *named: Any) -> None: ...

    def add_equity(self, ticker: str, *given: Any, **named: Any) -> SimpleNamespace:
        return SimpleNamespace(
            symbol=equity(ticker),
            exchange=SimpleNamespace(hours=Hours()),
            set_volatility_model=lambda model: None,
        )

    def add_option(self, ticker: str, *given: Any) -> SimpleNamespace:
        return SimpleNamespace(set_price_model=lambda model: None, set_filter=lambda chosen: None)

    def set_alpha(self, model: Any) -> None:
        self.models["alpha"] = model

    def set_portfolio_construction(self, model: Any) -> None:
        self.models["portfolio"] = model

    def set_risk_management(self, model: Any) -> None:
        self.models["risk"] = model

    def set_execution(self, model: Any) -> None:
        self.models["execution"] = model

    def emit_insights(self, insights: list[Any]) -> None:
        """What LEAN does at once with insights that an algorithm emits."""
        targets = list(self.models["portfolio"].create_targets(self, insights))
        targets += self.models["risk"].manage_risk(self, targets)
        self.models["execution"].execute(self, targets)

    def market_order(self, symbol: Symbol, quantity: int, asynchronous: bool, tag: str) -> None:
        self.world.send(symbol, quantity, tag)


class _History:
    """Nothing happened to the shares."""

    def __getitem__(self, kind: Any) -> Callable[..., list[Any]]:
        return lambda *given, **named: []
