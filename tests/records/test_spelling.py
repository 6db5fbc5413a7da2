"""Numbers, names and tickers as people write them."""

import pytest

from alo_lib.records.spelling import check_ticker, number_of, spelled


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.25", 0.25),
        (" 25% ", 0.25),
        ("25 %", 0.25),
        ("-2.5%", -0.025),
        ("1,000,000", 1e6),
        ("1,000.50", 1000.5),
        ("-1,000 %", -10.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+7", 7.0),
    ],
)
def test_numbers(text, number):
    assert number_of(text) == number


@pytest.mark.parametrize(
    "text", ["", " ", "%", "nan", "inf", "1e999", "1,00", "10,00,000", ",5", "1_000", "0x10", "1 000", "2%%", "1,0000"]
)
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match=r"is not a (finite )?number"):
        number_of(text)


def test_names_have_dashes():
    assert spelled("max_days_to_expiry") == "max-days-to-expiry"


def test_tickers():
    assert check_ticker("brk.b") == "BRK.B"
    for wrong in ("", ".B", "../x", "a b", "A/B"):
        with pytest.raises(ValueError, match="is no ticker"):
            check_ticker(wrong)
