"""Numbers, names and tickers as people write them."""

import pytest

from alo_lib.records.spelling import check_ticker, first_of, meant, number_of, spelled, whole_number_of


def test_of_many_texts_the_first_are_told_and_how_many_more_there_are() -> None:
    assert first_of([], 2) == ""
    assert first_of(["a", "b"], 2) == "a, b"
    assert first_of(["a", "b", "c"], 2) == "a, b and 1 more"
    assert first_of(["a"] * 1_236, 2) == "a, a and 1,234 more"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.25", 0.25),
        (" 25% ", 0.25),
        ("25 %", 0.25),
        ("-2.5%", -0.025),
        ("1,000,000", 1e6),
        ("1,000.50", 1000.5),
        ("1_000_000", 1e6),
        ("1_000.50 %", 10.005),
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
    "text", ["", " ", "%", "nan", "inf", "1e999", "1,00", "10,00,000", ",5", "1_0", "0x10", "1 000", "2%%", "1,0000"]
)
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match=r"is not a (finite )?number"):
        number_of(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ENTRY-EDGE", "entry-edge"),
        ("Entry_Edge", "entry-edge"),
        ("entry edge", "entry-edge"),
        ("entryedge", "entry-edge"),
        ("--max-vgea", "max-vega"),
        ("", None),
        ("greed", None),
    ],
)
def test_what_was_meant_by_a_name_that_is_none(text, name):
    assert meant(text, ["max-vega", "max-margin", "entry-edge"]) == name


def test_names_have_dashes():
    assert spelled("max_days_to_expiry") == "max-days-to-expiry"


def test_tickers():
    assert check_ticker("brk.b") == "BRK.B"
    for wrong in ("", ".B", "../x", "a b", "A/B"):
        with pytest.raises(ValueError, match="is no ticker"):
            check_ticker(wrong)


@pytest.mark.parametrize("number", ["1_0", "1,00", "1_000,000", "1,000_000", "_1", "1_", "1__000"])
def test_separators_stand_between_thousands_alone(number):
    for parse in (number_of, whole_number_of):
        with pytest.raises(ValueError, match="is not a number"):
            parse(number)


def test_whole_numbers_keep_every_digit():
    assert whole_number_of("9,223,372,036,854,775,807") == 2**63 - 1
    assert whole_number_of("1e3") == 1000
    for wrong in ("1.5", "200%", "200 %", "0%"):
        with pytest.raises(ValueError, match="is not a whole number"):
            whole_number_of(wrong)
