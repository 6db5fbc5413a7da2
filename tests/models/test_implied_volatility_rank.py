"""Rank and percentile of closes whose volatility is known, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing import Contracts, MarketTerms, QuotedChain, market_price, price
from alo_lib.pricing.arguments import PricingError
from tests.models.kit import Identity, Symbol, equity

ONE = equity("ONE")
OPTION = Symbol("ONE P", Identity("ONE P", 1, 0, 100.0), 2, ONE)
FIRST = dt.datetime(2024, 3, 4)
NEAR, FAR = dt.datetime(2024, 3, 15), dt.datetime(2024, 4, 19)
SPOT, RATE = 100.5, 0.03
DAY = dt.timedelta(days=1)


class Universe(list[Any]):
    """A day's rows: strikes about the spot, quoted at a volatility, and some that are far from it."""

    def __init__(self, day: int, volatility: float, *, spot: float = SPOT) -> None:
        self.end_time = FIRST + day * DAY
        self.underlying = SimpleNamespace(price=spot)
        super().__init__(
            SimpleNamespace(
                symbol=Symbol(f"{strike}", Identity(f"{strike}", int(right < 0), 0, strike, expiry), 2, ONE),
                sigma=volatility if abs(np.log(strike / SPOT)) < 0.1 else 5.0,
                right=right,
                listed=self.end_time,
            )
            for expiry in (NEAR, FAR)
            for strike in (200.0, 102.0, 50.0, 98.0)  # LEAN's files are not by strike
            for right in (1, -1)
        )


class Model:
    """A price model: rows at what they are worth at their volatility."""

    def quoted_chain(self, rows: list[Any]) -> QuotedChain:
        strike = np.array([row.symbol.id.strike_price for row in rows])
        years = np.array([(row.symbol.id.date - row.listed) / (365 * DAY) for row in rows])
        right, sigma = (np.array([getattr(row, name) for row in rows]) for name in ("right", "sigma"))
        worth = price(SPOT, strike, RATE, 0.0, sigma, years, right)
        market, status = market_price(worth, worth, worth)
        return QuotedChain(Contracts(strike, years, right), MarketTerms(SPOT, RATE), market, status)


@pytest.fixture
def make(lean: Any, border: Any) -> Any:
    database = SimpleNamespace(get_symbol_properties=lambda *given: SimpleNamespace(strike_multiplier=1.0))
    lean.SymbolPropertiesDatabase = SimpleNamespace(from_data_folder=lambda: database)
    lean.Currencies = SimpleNamespace(USD="USD")
    lean.OptionContract = SimpleNamespace(create=lambda row, properties: row)

    class Indicator:
        """LEAN's: what it is updated with it hands to the one that was set, and keeps its value."""

        def reset(self) -> None: ...

        def set_indicator(self, indicator: Any) -> None:
            self.instance = indicator

        def update(self, data: Any) -> None:
            self.instance.update(data)
            self.current = self.instance.value

    lean.PythonIndicator = Indicator
    module = import_module("models.implied_volatility_rank")
    return lambda *given, **named: module.AloImpliedVolatilityRank(Model(), *given, **named)


def test_todays_volatility_stands_between_the_lowest_and_the_highest(make: Any) -> None:
    rank = make(OPTION, 4, days=20.0)
    assert (rank.is_ready, rank.value, rank.closes, rank.percentile) == (False, 0.0, 0, 0.0)
    assert np.isnan(rank.volatility)
    told = []
    for day, volatility in enumerate((0.2, 0.3, 0.25, 0.28)):
        ready = rank.update(Universe(day, volatility))
        assert rank.volatility == pytest.approx(volatility, abs=1e-6)
        told.append((ready, rank.closes, round(rank.value, 3), round(rank.percentile, 3)))
    assert told == [(False, 1, 0.0, 0.0), (False, 2, 100.0, 100.0), (False, 3, 50.0, 50.0), (True, 4, 80.0, 66.667)]
    rank.update(Universe(4, 0.26))  # the first, and lowest, close is forgotten
    assert (rank.closes, round(rank.value, 3), round(rank.percentile, 3)) == (4, 20.0, 33.333)


def test_a_close_told_again_and_a_day_without_the_maturity_count_for_nothing(make: Any) -> None:
    rank, lone = make(OPTION, 3, days=20.0), Universe(2, 0.4)
    del lone[8:]  # the far expiry
    for universe in (Universe(0, 0.2), Universe(0, 0.9), Universe(1, 0.3, spot=0.0), lone):
        rank.update(universe)
    assert (rank.closes, rank.value) == (1, 0.0)
    rank.reset()
    assert (rank.closes, rank.is_ready) == (0, False)
    rank.update(Universe(0, 0.2))
    assert rank.closes == 1


def test_it_follows_the_universes_of_the_past_and_of_each_day(make: Any) -> None:
    asked, scheduled = list[Any](), list[Any]()

    class History:
        def __getitem__(self, kind: Any) -> Any:
            def found(symbol: Symbol, *span: Any) -> list[Universe]:
                asked.append((kind.__name__, symbol.value, *span))
                return [Universe(0, 0.2), Universe(1, 0.3)] if len(asked) == 1 else [Universe(2, 0.25)]

            return found

    algorithm = SimpleNamespace(
        history=History(),
        schedule=SimpleNamespace(on=lambda *given: scheduled.append(given)),
        date_rules=SimpleNamespace(every_day=lambda: "every day"),
        time_rules=SimpleNamespace(midnight="midnight"),
    )
    rank = make(OPTION, 3, days=20.0)
    assert rank.follow(algorithm) is rank
    ((days, time, event),) = scheduled
    assert (days, time, rank.closes, rank.current) == ("every day", "midnight", 2, 100.0)
    event()
    assert (rank.closes, rank.current, rank.is_ready) == (3, pytest.approx(50.0, abs=1e-3), True)
    assert [name for name, *_ in asked] == ["OptionUniverse"] * 2
    assert all(symbol == "?ONE" for _, symbol, *_ in asked)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((ONE,), "option is ONE; allowed: an option's symbol"),
        ((OPTION, 1), "period is 1 and days is 30.0; allowed: at least 2 and at least 1"),
        ((OPTION, 9, float("nan")), "period is 9 and days is nan"),
    ],
)
def test_what_makes_no_rank_is_refused(make: Any, given: tuple[Any, ...], said: str) -> None:
    with pytest.raises(PricingError, match=said):
        make(*given)
