"""Chains whose contracts are all quoted and priced: the bits of a quoted chain, by a shorter way."""

from typing import get_args

import numpy as np
import pytest

from alo_lib.pricing import Contracts, MarketTerms, QuotedChain, Style, greeks, market_price, price
from alo_lib.pricing.plain_chain import plain_values
from alo_lib.pricing.quoted_chain import method_without_cash
from alo_lib.pricing.quotes import PRICE_SOURCES, PriceSource
from alo_lib.pricing.scheme import resolve_scheme

SPOT, RATE, YIELD, VOLATILITY = 100.0, 0.04, 0.015, 0.3
STRIKES = np.array([90.0, 100.0, 115.0, 100.0, 95.0])
YEARS = np.array([0.1, 0.5, 0.5, 0.7, 0.1])
RIGHTS = np.array([1.0, 1.0, -1.0, -1.0, 1.0])
SOURCES: tuple[PriceSource, ...] = ("mid", "bid")
NAMES = ("price", "volatility", "delta", "gamma", "vega", "theta", "rho", "leverage")
ROWS = {"the first": slice(1), "calls": slice(2), "a put": slice(2, 3), "all": slice(None)}


def quotes_of(rows: slice, style: Style, dividend_yield: float, rate: float = RATE) -> np.ndarray:
    """Bid, ask, last and spot (n, 4) about what contracts are worth."""
    worth = price(SPOT, STRIKES[rows], rate, dividend_yield, VOLATILITY, YEARS[rows], RIGHTS[rows], style=style)
    return np.stack([worth - 0.02, worth + 0.02, 0.0 * worth, SPOT + 0.0 * worth]).T.copy()


def plain(
    rows: slice,
    quotes: np.ndarray,
    style: Style,
    dividend_yield: float,
    *,
    rate: float = RATE,
    source: str = "mid",
    on_future: bool = False,
) -> np.ndarray | None:
    method = method_without_cash(style, resolve_scheme("accurate"), on_future)
    contracts = np.stack([STRIKES, RIGHTS])[:, rows].copy()
    number = PRICE_SOURCES.index(source)
    return plain_values(contracts, YEARS[rows].copy(), quotes, rate, dividend_yield, number, method)


@pytest.mark.parametrize("on_future", [False, True])
@pytest.mark.parametrize("dividend_yield", [0.0, YIELD])
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS.keys())
@pytest.mark.parametrize("style", get_args(Style))
def test_its_bits_are_those_of_a_quoted_chain(
    style: Style, rows: slice, dividend_yield: float, on_future: bool
) -> None:
    quotes, carry = quotes_of(rows, style, dividend_yield), RATE if on_future else dividend_yield
    bid, ask, last, _ = quotes.T
    for source in SOURCES:
        market, status = market_price(bid, ask, last, source)
        contracts = Contracts(STRIKES[rows], YEARS[rows], RIGHTS[rows], style)
        chain = QuotedChain(contracts, MarketTerms(SPOT, RATE, carry, None, on_future), market, status)
        told = (chain.price, chain.volatility, *chain.greeks[1:6], chain.leverage)
        found = plain(rows, quotes, style, carry, source=source, on_future=on_future)
        assert found is not None
        for name, mine, theirs in zip(NAMES, found.T, told, strict=True):
            assert np.array_equal(mine, theirs), name


def test_its_values_are_those_of_the_precise_pricer() -> None:
    for style in get_args(Style):
        found = plain(slice(None), quotes_of(slice(None), style, YIELD), style, YIELD)
        assert found is not None
        assert found[:, 1] == pytest.approx(np.full(5, VOLATILITY), abs=1e-6)
        terms = (SPOT, STRIKES, RATE, YIELD, VOLATILITY, YEARS, RIGHTS)
        expected = greeks(*terms, style=style, scheme="high_precision")
        assert found[:, 0] == pytest.approx(expected.price, abs=1e-4)
        assert found[:, 2:7] == pytest.approx(np.stack(expected[1:6]).T, rel=1e-4, abs=1e-4)
        assert found[:, 7] == pytest.approx(expected.delta * SPOT / expected.price, rel=1e-4)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        *((0, column, value) for column, value in ((0, 0.0), (1, 0.0), (0, 1e3), (0, np.nan), (3, 0.0), (3, np.nan))),
        *((3, column, value) for column, value in ((3, 1e300), (1, 1e6))),
    ],
)
def test_a_contract_that_is_not_priced_is_for_the_quoted_chain(row: int, column: int, value: float) -> None:
    for style in get_args(Style):
        quotes = quotes_of(slice(None), style, YIELD)
        quotes[row, column] = value
        assert plain(slice(None), quotes, style, YIELD) is None


def test_so_are_expired_contracts_odd_terms_and_prices_that_no_volatility_gives() -> None:
    quotes = quotes_of(slice(None), "american", YIELD)
    assert plain(slice(None), quotes, "american", np.nan) is None
    assert plain(slice(None), quotes, "american", 1.5) is None
    assert plain(slice(None), quotes, "american", YIELD, rate=np.nan) is None
    assert plain(slice(None), quotes, "american", YIELD, rate=-1.5) is None
    floor = quotes.copy()
    floor[0, :2] = 9.99, 10.01  # its worth at once
    assert plain(slice(None), floor, "american", YIELD) is None
    method = method_without_cash("european", resolve_scheme("accurate"), False)
    contracts = np.stack([STRIKES, RIGHTS])
    for years in (np.where(np.arange(5) == 2, 0.0, YEARS), np.where(np.arange(5) == 2, 101.0, YEARS)):
        assert plain_values(contracts, years, quotes, RATE, YIELD, 0, method) is None
