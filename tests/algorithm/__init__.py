"""Tests of the algorithms, inside LEAN where one is."""
