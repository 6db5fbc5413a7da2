"""Tests of the strategy room."""
