"""Quotes of contracts that are never exercised early, whose chain looks for no boundary."""

import numpy as np
import pytest

from alo_lib.pricing import Contracts, MarketTerms, QuotedChain, greeks, price


def test_calls_that_no_dividend_has_exercised_early_are_european_alone_and_beside_puts() -> None:
    """A chain of such looks for no panels; their bits are those that they have beside puts, which read some."""
    strikes, years = np.array([90.0, 100.0, 115.0, 100.0]), np.array([0.1, 0.5, 0.5, 0.7])
    rights = np.array([1.0, 1.0, 1.0, -1.0])
    market = price(100.0, strikes, 0.04, 0.0, 0.3, years, rights)
    found = []
    for n in (3, 4):
        contracts = Contracts(strikes[:n], years[:n], rights[:n])
        of_quotes = QuotedChain(contracts, MarketTerms(100.0, 0.04), market[:n], np.zeros(n, np.int8))
        found.append(np.stack([of_quotes.volatility, *of_quotes.greeks])[:, :3])
    assert np.array_equal(*found)
    assert found[0][0] == pytest.approx(0.3, abs=1e-9)
    expected = greeks(100.0, strikes[:3], 0.04, 0.0, 0.3, years[:3], 1, style="european")
    assert found[0][1:] == pytest.approx(np.stack(expected), rel=1e-8, abs=1e-8)
