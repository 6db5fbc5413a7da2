"""Between LEAN's objects and the core's records: symbols, slices, order events."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from AlgorithmImports import (
    Market,
    OptionRight,
    OptionStyle,
    OptionUniverse,
    OrderEvent,
    SecurityExchangeHours,
    Slice,
    Symbol,
)

from alo_lib.records import (
    CALENDAR_DAY,
    RANGES,
    Contract,
    Kind,
    Message,
    OrderReason,
    OrderType,
    Records,
    crossed,
    records,
)
from alo_lib.runtime import MarketRecord
from alo_lib.runtime.terms import Terms
from models.quotes_of_slices import QUOTED, quote_reader
from models.times import utc_of

__all__ = [
    "Marshal",
    "combination_tag",
    "contract_of",
    "contract_of_symbol",
    "expiry_time",
    "option_symbol",
    "order_number",
    "order_tag",
    "order_term",
]

_ORDERS: Final = RANGES[Kind.ORDER_EVENT]["order"]
_REASONS: Final = "|".join(re.escape(each.tag) for each in OrderReason)
_NUMBER: Final = "[0-9]{1,19}"
_TERM: Final = "(?: @([1-9][0-9]{0,14}))?"
_TAG: Final = re.compile(rf"(?:{_REASONS}) #({_NUMBER}){_TERM}")
_COMBINATION_TAG: Final = re.compile(rf"(?:{_REASONS})(?: #{_NUMBER}={_NUMBER})+{_TERM}")
_OF_COMBINATION: Final = re.compile(rf"#({_NUMBER})=({_NUMBER})")


def order_tag(reason: int, order: int, term: int = 0) -> str:
    """An order's tag: why it was sent, which intent it was, and live in which term; no clock, no GUID.

    A tag is all that LEAN carries through an order's whole life and gives back with its events. Its own number of the
    order exists only once the order is sent, when the first fill may be told already, and begins anew with each run.
    """
    return f"{OrderReason(reason).tag} #{order}{_at(term)}"


def combination_tag(reason: int, instruments: Mapping[int, int], term: int = 0) -> str:
    """The tag that all orders of a combination have, as LEAN has it: which order is which instrument's."""
    orders = " ".join(f"#{order}={instrument}" for order, instrument in instruments.items())
    return f"{OrderReason(reason).tag} {orders}{_at(term)}"


def _at(term: int) -> str:
    return f" @{term}" if term else ""


def order_term(tag: str | None) -> int:
    """The term that the tag of an order of ours names; 0 where it names none, and for one of somebody else."""
    found = _TAG.fullmatch(tag or "") or _COMBINATION_TAG.fullmatch(tag or "")
    named = found.groups()[-1] if found else None
    return int(named) if named else 0


def order_number(tag: str | None, instrument: int = -1) -> int:
    """The intent that the tag of an order in an instrument names; 0 for one of somebody else, with any tag or none."""
    found = _TAG.fullmatch(tag or "")
    number = found.group(1) if found else "0"
    if found is None and _COMBINATION_TAG.fullmatch(tag or ""):
        orders = {leg: order for order, leg in _OF_COMBINATION.findall(tag or "")}
        number = orders.get(str(instrument), "0")
    return int(number) if _ORDERS.holds(np.array([float(number)])).all() else 0


def option_symbol(underlying: Symbol, contract: Contract) -> Symbol:
    """LEAN's symbol of a contract."""
    style = OptionStyle.AMERICAN if contract.american else OptionStyle.EUROPEAN
    right = OptionRight.CALL if contract.right > 0 else OptionRight.PUT
    return Symbol.create_option(underlying, Market.USA, style, right, contract.strike, contract.expiry)


def expiry_time(hours: SecurityExchangeHours, expiry: dt.date) -> int:
    """Close of the last session in which a contract trades: that of its expiry, or the one before a holiday."""
    day = dt.datetime.combine(expiry, dt.time())
    while not hours.is_date_open(day):
        day -= CALENDAR_DAY
    return utc_of(hours, hours.get_next_market_close(day, False))


def contract_of(data: OptionUniverse, expiry: int) -> Contract:
    """The contract that a row of LEAN's option universe lists, without its symbol."""
    return contract_of_symbol(data.symbol, expiry, int(data.open_interest))


def contract_of_symbol(symbol: Symbol, expiry: int, open_interest: int = 0) -> Contract:
    """The contract that a symbol of LEAN's names; ``expiry`` is the close of its last session."""
    identity = symbol.id
    return Contract(
        expiry=identity.date.date(),
        strike=float(identity.strike_price),
        right=1 if identity.option_right == OptionRight.CALL else -1,
        expiry_time=expiry,
        open_interest=open_interest,
        american=identity.option_style == OptionStyle.AMERICAN,
    )


def _whole(value: float, dtype: "np.dtype[Any]") -> int:
    """What an order event says, as an integer: where there is none, the largest, which the core doubts in any field."""
    limits = np.iinfo(dtype)
    return int(value) if value.is_integer() and limits.min <= value < limits.max else int(limits.max)


class Marshal:
    """Knows which LEAN symbol each of today's instruments is, and turns slices and order events into messages."""

    def __init__(self, terms: Terms | None = None) -> None:
        """``terms`` are those of orders, live."""
        self.terms = Terms() if terms is None else terms
        self._symbol: dict[int, Symbol] = {}
        self._number: dict[Symbol, int] = {}
        self._underlyings: list[tuple[int, Symbol]] = []
        self._reader = quote_reader()
        self.lost: set[int] = set()  # LEAN's numbers of orders that the broker works no more, whatever LEAN believes
        self.fenced: set[int] = set()  # LEAN's numbers of orders that were canceled because their term had ended
        self._given_back: dict[int, int] = {}  # our number by LEAN's, of orders that a broker gave back without a tag

    def add_underlying(self, number: int, symbol: Symbol) -> None:
        """Know an underlying for good."""
        self._underlyings.append((number, symbol))
        self._symbol[number], self._number[symbol] = symbol, number

    def begin_session(self, told: MarketRecord) -> None:
        """Know the contracts that were told; quotes of other than today's are not told.

        One of an earlier session may yet be settled, or traded by others, after a restart.
        """
        for number in sorted(told.contracts.keys() - self._symbol.keys()):
            underlying, contract = told.contracts[number]
            symbol = option_symbol(self._symbol[underlying], contract)
            self._symbol[number], self._number[symbol] = symbol, number
        today = told.today.union(number for number, _ in self._underlyings)
        self._reader.know({symbol: number for symbol, number in self._number.items() if number in today})

    def symbol(self, number: int) -> Symbol:
        """LEAN's symbol of an instrument."""
        return self._symbol[number]

    def number(self, symbol: Symbol) -> int:
        """The instrument that LEAN's symbol is."""
        return self._number[symbol]

    def number_or(self, symbol: Symbol, otherwise: int) -> int:
        """The instrument that LEAN's symbol is, or another number where it is none."""
        return self._number.get(symbol, otherwise)

    def give_back(self, order_id: int, number: int) -> None:
        """Know which order of ours one of LEAN's is that a broker gave back without its tag."""
        self._given_back[order_id] = number

    def lose(self, order_ids: Iterable[int]) -> None:
        """Know that the broker works some orders of LEAN's no more."""
        self.lost.update(order_ids)

    def is_fenced(self, tag: str | None, symbol: Symbol) -> bool:
        """Whether a tag says that its order was sent by a process that led no more."""
        return self.terms.is_fenced(order_term(tag), order_number(tag, self.number_or(symbol, -1)))

    def order_of(self, order_id: int, tag: str | None, symbol: Symbol) -> int:
        """The intent that an order of LEAN's is; 0 for one of somebody else, or of a process that led no more."""
        if order_id in self._given_back:
            return self._given_back[order_id]
        return 0 if self.is_fenced(tag, symbol) else order_number(tag, self.number_or(symbol, -1))

    def messages(self, data: Slice, time: int) -> Iterator[Message]:
        """The new bars of a slice: trades of the underlyings, then all quotes by instrument."""
        trades = self._trades(data)
        if len(trades):
            yield Message(Kind.TRADE, time, trades)
        quotes = self._quotes(data)
        if len(quotes):
            yield Message(Kind.QUOTE, time, quotes)

    def order_event(self, event: OrderEvent, tag: str | None, order_type: int, time: int) -> Message | None:
        """What happened to an order; None in a security that the core was not told of, as a swapped model's may be."""
        instrument = self.number_or(event.symbol, -1)
        if instrument < 0:
            return None
        number = self.order_of(int(event.order_id), tag, event.symbol)
        if order_type == OrderType.OPTION_EXERCISE and any(instrument == each for each, _ in self._underlyings):
            number = 0  # shares that an exercise delivers, under the option's order
        array = records(Kind.ORDER_EVENT, instrument=instrument, order=number)
        status = int(event.status)  # .NET's enumeration, which is no float
        for name, value in (("type", order_type), ("status", status), ("quantity", event.fill_quantity)):
            array[name] = _whole(float(value), array.dtype[name])
        array["price"] = float(event.fill_price)
        array["fee"] = float(event.order_fee.value.amount)
        return Message(Kind.ORDER_EVENT, time, array)

    def _trades(self, data: Slice) -> Records:
        rows = []
        for number, symbol in self._underlyings:
            bar = data.bars.get(symbol)
            if bar is not None and not bar.is_fill_forward:
                rows.append((number, 0, float(bar.close), int(bar.volume)))
        return np.array(rows, records(Kind.TRADE, 0).dtype)

    def _quotes(self, data: Slice) -> Records:
        rows = self._reader.read(data.quote_bars)
        read = rows[np.argsort(rows[:, 0])]  # an instrument has one bar
        quotes = records(Kind.QUOTE, len(read), **dict(zip(QUOTED, read.T, strict=True)))
        return quotes[~crossed(quotes["bid"], quotes["ask"])]
