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


def equity(ticker: str) -> Symbol:
    return Symbol(ticker, Identity(f"{ticker} R735QTJ8XC9X"))


def option(underlying: Symbol, right: int, strike: float = 100.0) -> Symbol:
    name = f"{underlying.value} {'CP'[right]}{strike:g}"
    return Symbol(name, Identity(f"{name} 30AJ", right, 0, strike), 2, underlying)


class Algorithm(SimpleNamespace):
    """An algorithm that keeps what it logs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(utc_time=UTC_TIME, time=UTC_TIME - dt.timedelta(hours=5), logged=[], **given)

    def log(self, text: str) -> None:
        self.logged.append(text)
