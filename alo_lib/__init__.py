"""Volatility arbitrage on American options: everything that runs, and can be tested, without LEAN."""
