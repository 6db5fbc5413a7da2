"""LEAN's objects as the models see them, without LEAN."""

import datetime as dt
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

UTC_TIME = dt.datetime(2024, 3, 4, 15, 0, 0, 250)
NOW = (1_709_564_400 * 10**6 + 250) * 1000
"""The same, nanoseconds since the epoch."""


@dataclass(frozen=True)
class Identity:
    """What LEAN's security identifier says."""

    text: str
    option_right: int | None = None
    option_style: int = 0
    strike_price: float = 0.0
    date: dt.datetime = dt.datetime(2024, 4, 19)
    market: str = "usa"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Symbol:
    """LEAN's symbol."""

    value: str
    id: Identity
    security_type: int = 1
    underlying: "Symbol | None" = None

    @property
    def has_underlying(self) -> bool:
        return self.underlying is not None

    def is_canonical(self) -> bool:
        return self.id.option_right is None

    @property
    def canonical(self) -> "Symbol":
        assert self.underlying is not None
        name = f"?{self.underlying.value}"
        return Symbol(name, Identity(name), self.security_type, self.underlying)


def equity(ticker: str) -> Symbol:
    return Symbol(ticker, Identity(f"{ticker} R735QTJ8XC9X"))


def option(underlying: Symbol, right: int, strike: float = 100.0) -> Symbol:
    name = f"{underlying.value} {'CP'[right]}{strike:g}"
    return Symbol(name, Identity(f"{name} 30AJ", right, 0, strike), 2, underlying)


class Algorithm(SimpleNamespace):
    """An algorithm that keeps what it logs."""

    def __init__(self, **given: Any) -> None:
        usual = {"utc_time": UTC_TIME, "time": UTC_TIME - dt.timedelta(hours=5), "live_mode": False}
        super().__init__(**(usual | given), logged=[])

    def log(self, text: str) -> None:
        self.logged.append(text)


class Hours:
    """Every day but the weekend's, from half past nine to four in New York."""

    time_zone = SimpleNamespace(id="America/New_York")

    def is_date_open(self, day: dt.datetime) -> bool:
        return day.weekday() < 5

    def get_next_market_open(self, day: dt.datetime, extended: bool) -> dt.datetime:
        return day + dt.timedelta(hours=4 if extended else 9.5)

    def get_next_market_close(self, day: dt.datetime, extended: bool) -> dt.datetime:
        return day + dt.timedelta(hours=20 if extended else 16)


class History:
    """LEAN's history of corporate actions, and what it was asked for."""

    def __init__(self) -> None:
        self.events: dict[Any, list[Any]] = {}
        self.asked: list[Any] = []

    def __getitem__(self, kind: Any) -> Any:
        def found(*given: Any, **named: Any) -> list[Any]:
            self.asked.append((given, named))
            return self.events[kind]

        return found


def tell_of_chains(lean: Any, dividend_yield: Any) -> None:
    """Give LEAN's names what it knows of chains: New York's hours, settlement at the close (of "AM" at the open)."""
    database = SimpleNamespace(get_exchange_hours=lambda market, symbol, kind: Hours())
    lean.MarketHoursDatabase = SimpleNamespace(from_data_folder=lambda: database)
    told = staticmethod(lambda symbol: dividend_yield)
    lean.DividendYieldProvider = type("DividendYieldProvider", (), {"create_for_option": told})
    lean.Currencies = SimpleNamespace(USD="USD")
    lean.InterestRateProvider = type("InterestRateProvider", (), {})
    lean.SecurityType = SimpleNamespace(FUTURE_OPTION=9)
    lean.OptionSymbol = SimpleNamespace(
        get_settlement_date_time=lambda symbol: symbol.id.date + dt.timedelta(hours=9.5 if symbol.value == "AM" else 16)
    )
