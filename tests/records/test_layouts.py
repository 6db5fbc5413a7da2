import datetime as dt

import numpy as np
import pytest

from alo_lib.records import LAYOUTS, Contract, InstrumentTable, Kind, osi_symbol, records


@pytest.mark.parametrize("kind", list(Kind))
def test_layouts_have_no_hidden_bytes_and_keep_alignment(kind: Kind) -> None:
    layout = LAYOUTS[kind]
    assert sum(layout[name].itemsize for name in layout.names or ()) == layout.itemsize
    assert layout.itemsize % 8 == 0
    for name, (field, offset, *_) in (layout.fields or {}).items():
        assert field.kind == "S" or offset % field.itemsize == 0, name
        assert field.str[0] in "<|", name


def test_inputs_and_decisions_are_told_apart() -> None:
    assert [kind.is_decision for kind in (Kind.FRAME, Kind.ORDER_EVENT, Kind.FORECAST, Kind.NOTICE)] == [
        False,
        False,
        True,
        True,
    ]


def test_records_fill_columns_and_zero_the_rest() -> None:
    array = records(Kind.QUOTE, 2, bid=[1.0, np.nan], ask=2.0)
    assert array["ask"].tolist() == [2.0, 2.0]
    assert array["bid_size"].tolist() == [0, 0]
    with pytest.raises(ValueError, match="no field of name price"):
        records(Kind.QUOTE, 1, price=1.0)


def test_osi_symbols() -> None:
    assert osi_symbol("AAPL", dt.date(2014, 7, 19), 92.14, -1) == "AAPL  140719P00092140"


def test_contracts_are_numbered_in_order_and_for_good() -> None:
    table = InstrumentTable()
    assert table.add_equity("TEST")["instrument"][0] == 0
    chain = [
        Contract(dt.date(2024, 4, day), strike, right, 0)
        for day in (19, 5)
        for strike in (2.0, 1.0)
        for right in (1, -1)
    ]
    first = table.add_contracts("TEST", chain[4:])
    again = table.add_contracts("TEST", chain)
    assert first["instrument"].tolist() == [1, 2, 3, 4]
    assert again["instrument"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert again["right"].tolist() == [-1, 1] * 4
    assert [table.number(row["symbol"].decode()) for row in again] == again["instrument"].tolist()
    assert table.symbol(0) == "TEST"
    assert ("TEST" in table, "ELSE" in table, len(table)) == (True, False, 9)
    with pytest.raises(ValueError, match="'TEST' is numbered already"):
        table.add_equity("TEST")
