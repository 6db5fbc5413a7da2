"""Tests of the executive room."""
