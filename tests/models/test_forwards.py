"""Forwards and borrow by parity, of quotes made at a known forward, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing import Contracts, MarketTerms, QuotedChain, market_price, price
from tests.models.kit import NOW, Algorithm

NEAR, FAR, LONE = dt.datetime(2024, 4, 19), dt.datetime(2024, 9, 20), dt.datetime(2024, 12, 20)
YEARS = {NEAR: 0.1, FAR: 0.5, LONE: 0.8}
SPOT, RATE, KNOWN, TRUE = 100.0, 0.04, 0.01, 0.035


class Model:
    """A price model whose quoted chain is made of contracts that know what they are worth."""

    def __init__(self, *, on_future: bool = False) -> None:
        self._on_future = on_future

    def quoted_chain(self, contracts: list[Any], time: int, *, parity: bool) -> QuotedChain:
        assert (time, parity) == (NOW, False)
        strike, right, worth = (
            np.array([getattr(one, name) for one in contracts]) for name in ("strike", "right", "worth")
        )
        years = np.array([YEARS[one.expiry] for one in contracts])
        market, status = market_price(worth - 0.01, worth + 0.01, 0.0)
        terms = MarketTerms(SPOT, RATE, KNOWN, on_future=self._on_future)
        return QuotedChain(Contracts(strike, years, right), terms, market, status)


def contract(expiry: dt.datetime, strike: float, right: int, dividend_yield: float = TRUE) -> SimpleNamespace:
    worth = float(price(SPOT, strike, RATE, dividend_yield, 0.25, YEARS[expiry], right))
    return SimpleNamespace(expiry=expiry, strike=strike, right=right, worth=worth)


@pytest.fixture
def forwards(lean: Any, border: Any) -> Any:
    return import_module("models.forwards").forwards


def test_each_expiry_has_the_forward_and_the_borrow_of_its_pairs(forwards: Any) -> None:
    pairs = [
        contract(expiry, strike, right)
        for expiry in (FAR, NEAR)
        for strike in (95.0, 100.0, 105.0)
        for right in (1, -1)
    ]
    table = forwards(Algorithm(), Model(), [*pairs, contract(LONE, 100.0, 1)])
    assert (list(table.index), table.index.name) == ([NEAR, FAR, LONE], "expiry")
    for expiry in (NEAR, FAR):
        row = table.loc[expiry]
        assert row.years == YEARS[expiry]
        assert row.forward == pytest.approx(SPOT * np.exp((RATE - TRUE) * YEARS[expiry]), rel=1e-6)
        assert (row.rate, row.known_yield) == (RATE, KNOWN)
        assert row.implied_yield == pytest.approx(TRUE, abs=1e-6)
        assert row.borrow == pytest.approx(TRUE - KNOWN, abs=1e-6)
    lone = table.loc[LONE]
    assert lone.forward == pytest.approx(SPOT * np.exp((RATE - KNOWN) * 0.8), rel=1e-12)
    assert np.isnan([lone.implied_yield, lone.borrow]).all()


def test_a_future_is_its_own_forward(forwards: Any) -> None:
    pairs = [contract(FAR, strike, right, RATE) for strike in (95.0, 100.0) for right in (1, -1)]
    table = forwards(Algorithm(), Model(on_future=True), pairs)
    assert table.forward.tolist() == [SPOT]
    assert np.isnan(table.borrow).all()


def test_an_empty_chain_is_an_empty_table(forwards: Any) -> None:
    assert forwards(Algorithm(), Model(), []).shape == (0, 6)
