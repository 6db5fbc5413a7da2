"""Tests of the volatility room."""
