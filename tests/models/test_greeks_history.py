"""Greeks of the past from LEAN's history of quotes and trades, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing.arguments import PricingError
from tests.models.kit import Algorithm, Identity, Symbol, equity, tell_of_chains

ONE = equity("ONE")
EXPIRY = dt.datetime(2024, 4, 19)
TEN, ELEVEN, TWELVE = (dt.datetime(2024, 3, 4, hour) for hour in (10, 11, 12))
CALL = Symbol("ONE C100", Identity("C", 0, 0, 100.0, EXPIRY), 2, ONE)
PUT = Symbol("ONE P5", Identity("P", 1, 1, 5.0, EXPIRY), 2, ONE)
SPAN = (TEN - dt.timedelta(hours=1), TWELVE, "minute")
UTC_TEN = int(dt.datetime(2024, 3, 4, 15, tzinfo=dt.UTC).timestamp()) * 10**9


def bar(ended: dt.datetime, **given: Any) -> SimpleNamespace:
    return SimpleNamespace(end_time=ended, **given)


def side(price: float | None) -> SimpleNamespace | None:
    return None if price is None else SimpleNamespace(close=price)


def slices(*bars: tuple[Symbol, SimpleNamespace]) -> list[list[SimpleNamespace]]:
    return [[SimpleNamespace(key=symbol, value=value)] for symbol, value in bars]


def quote(ended: dt.datetime, bid: float | None, ask: float | None) -> SimpleNamespace:
    return bar(ended, bid=side(bid), ask=side(ask))


class History:
    """Quotes and trades of the contracts and, asked for by its symbol alone, of their underlying."""

    def __init__(self, lean: Any) -> None:
        self.kept: dict[Any, Any] = {
            (lean.QuoteBar, list): slices(
                (CALL, quote(TEN, 1.0, 1.2)), (PUT, quote(TEN, None, 0.3)), (CALL, quote(TWELVE, 1.5, None))
            ),
            (lean.TradeBar, list): slices((PUT, bar(ELEVEN, close=0.25))),
            (lean.QuoteBar, Symbol): [bar(TEN, close=101.0), bar(TWELVE, close=103.0)],
            (lean.TradeBar, Symbol): [],
        }

    def __getitem__(self, kind: Any) -> Any:
        def found(symbols: Any, *span: Any, **named: Any) -> Any:
            assert span == SPAN
            assert symbols in ([CALL, PUT], ONE)
            return self.kept[kind, type(symbols)]

        return found


class Model:
    """Gives back what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def past_values(self, columns: Any, symbols: Any, time: int) -> Any:
        self.told.append((list(symbols), time))
        return columns


@pytest.fixture
def made(lean: Any, border: Any) -> Any:
    tell_of_chains(lean, None)
    lean.Resolution = SimpleNamespace(MINUTE="minute", HOUR="hour", DAILY="daily")
    lean.SecurityType = SimpleNamespace(EQUITY=1, INDEX=3, FUTURE_OPTION=9)
    lean.DataNormalizationMode = SimpleNamespace(RAW="raw")
    properties = {0: SimpleNamespace(strike_multiplier=1.0), 1: SimpleNamespace(strike_multiplier=20.0)}
    database = SimpleNamespace(
        get_symbol_properties=lambda market, symbol, kind, currency: properties[symbol.id.option_right]
    )
    lean.SymbolPropertiesDatabase = SimpleNamespace(from_data_folder=lambda: database)
    return import_module("models.greeks_history")


def test_each_bar_is_priced_with_what_was_known_at_its_end(lean: Any, made: Any, border: Any) -> None:
    model = Model()
    table = made.greeks_history(Algorithm(history=History(lean)), model, [CALL, PUT], *SPAN)
    # Options had bars at ten, eleven and twelve; rows by time, then as the symbols were given.
    assert table.index.names == ["time", "symbol"]
    assert list(table.index) == [(TEN, "ONE C100"), (TEN, "ONE P5"), (ELEVEN, "ONE P5"), (TWELVE, "ONE C100")]
    assert tuple(table.columns) == border.WRITTEN
    hour = 3600 * 10**9
    assert model.told == [([CALL, PUT], UTC_TEN), ([PUT], UTC_TEN + hour), ([CALL], UTC_TEN + 2 * hour)]
    days = float(EXPIRY.toordinal() - 1)  # since 0001-01-01
    call, put = (100.0, 0.0, days, 0.0), (100.0, 1.0, days, 1.0)
    expected = [
        (*call, 1.0, 1.2, 0.0, 101.0),
        (*put, 0.0, 0.3, 0.0, 101.0),
        (*put, 0.0, 0.0, 0.25, 101.0),
        (*call, 1.5, 0.0, 0.0, 103.0),
    ]
    assert made.READ == ("strike", "right", "expiry", "style", "bid", "ask", "last", "spot")
    np.testing.assert_array_equal(table.to_numpy(), expected)


def test_a_last_trade_stands_until_the_next(lean: Any, made: Any, border: Any) -> None:
    history = History(lean)
    history.kept[lean.TradeBar, list] += slices((CALL, bar(ELEVEN, close=1.1)))
    table = made.greeks_history(Algorithm(history=history), Model(), [CALL, PUT], *SPAN)
    last = table.to_numpy()[:, made.READ.index("last")]
    assert dict(zip(table.index, last, strict=True)) == {
        (TEN, "ONE C100"): 0.0,
        (TEN, "ONE P5"): 0.0,
        (ELEVEN, "ONE C100"): 1.1,
        (ELEVEN, "ONE P5"): 0.25,
        (TWELVE, "ONE C100"): 1.1,
    }


def test_contracts_are_of_one_option(lean: Any, made: Any, border: Any) -> None:
    other = Symbol("TWO C", Identity("T", 0, 0, 1.0, EXPIRY), 2, equity("TWO"))
    with pytest.raises(PricingError, match="belong to 2 options; allowed: contracts of one"):
        made.greeks_history(Algorithm(history=History(lean)), Model(), [CALL, other], *SPAN)
    table = made.greeks_history(Algorithm(history=History(lean)), Model(), [], *SPAN)
    assert (table.shape, table.index.names) == ((0, len(border.WRITTEN)), ["time", "symbol"])
