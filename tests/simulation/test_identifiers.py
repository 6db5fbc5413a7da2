"""Identifiers as LEAN writes them into its results."""

import datetime as dt
from decimal import Decimal

import pytest

from alo_lib.market import MapFile
from alo_lib.market.map_files import MapRow
from alo_lib.simulation import Instrument
from alo_lib.simulation.identifiers import equity_id, option_id, symbol_object

AAPL = MapFile("AAPL", (MapRow(dt.date(1998, 1, 2), "AAPL", "Q"), MapRow(dt.date(2050, 12, 31), "AAPL", "Q")))


@pytest.mark.parametrize(
    ("symbol", "right", "strike", "identifier"),
    [
        ("AAPL  140621C00640000", +1, "640", "AAPL VRKS93QYJ2RQ|AAPL R735QTJ8XC9X"),
        ("AAPL  140725P00660000", -1, "660", "AAPL 2ZRM9LQ68B7PI|AAPL R735QTJ8XC9X"),
    ],
)
def test_options(symbol: str, right: int, strike: str, identifier: str) -> None:
    option = Instrument(1, symbol, 0, right, Decimal(strike), 100, 1, True)
    assert option_id(option, "AAPL", AAPL) == identifier
    found = symbol_object(option, "AAPL", AAPL)
    assert (found["id"], found["value"], found["underlying"]["id"]) == (identifier, symbol, "AAPL R735QTJ8XC9X")


def test_an_equity_is_named_by_its_first_ticker() -> None:
    renamed = MapFile("GOOG", (MapRow(dt.date(2014, 3, 27), "GOOCV"), MapRow(dt.date(2050, 12, 31), "GOOG")))
    assert equity_id("GOOG", renamed) == "GOOCV VP83T1ZUHROL"


def test_an_equity_without_a_history_still_has_an_identifier() -> None:
    assert equity_id("XYZ", MapFile("XYZ")) == "XYZ 2T"
