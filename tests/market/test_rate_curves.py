"""Dated curves of interest rates in a user's file: what they say on a day, and what is refused, in a sentence."""

import datetime as dt
import os
from pathlib import Path

import pytest

from alo_lib.market import DataError
from alo_lib.market.rate_curves import curve_store_key, curves_file, curves_of, read_curves
from alo_lib.records import DAY

TEXT = b"""\xef\xbb\xbf# date, days: rate
2024-01-05, 365: 3%, 730: 0.04

2024-01-02, 73: 1 %, 365: 2%, 730: 0.035  # the first that counts
"""
OPEN = 10**18


def rates(day: int, *days: float) -> list[float] | None:
    found = curves_of(TEXT, "here").rates_to(dt.date(2024, 1, day), OPEN, [round(OPEN + each * DAY) for each in days])
    return None if found is None else [round(each, 12) for each in found]


def test_a_curve_counts_from_its_day_until_the_next_one() -> None:
    assert rates(1, 365) is None
    assert [rates(day, 365) for day in (2, 4, 5, 31)] == [[0.02], [0.02], [0.03], [0.03]]


def test_what_is_earned_between_two_of_its_days_is_linear_and_beyond_its_ends_the_rate_stays() -> None:
    """Of 1 % over .2 years and 2 % over one: half way it has earned the mean of .2 % and 2 %."""
    assert rates(2, 73, 365, 730) == [0.01, 0.02, 0.035]
    assert rates(2, 219) == [round((0.2 * 0.01 + 1.0 * 0.02) / 2.0 / 0.6, 12)]
    assert rates(2, 0.5, 10, 2000) == [0.01, 0.01, 0.035]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the interest rates in here are of no day; a line is: date, days: rate, days: rate"),
        ("# nothing", "the interest rates in here are of no day"),
        ("2024-01-32, 30: 1%", "here:1: '2024-01-32' must be a day as yyyy-mm-dd"),
        ("1492-10-12, 30: 1%", "here:1: 1492-10-12 must be from 1"),
        ("2024-01-02", "here:1: '2024-01-02' must be a date and then days: rate, once or more"),
        ("2024-01-02, 1%", "here:1: '1%' must be days: rate"),
        ("2024-01-02, 30: 1%,", "here:1: '' must be days: rate"),
        ("\n2024-01-02, 30: much", "here:2: 'much' is not a number"),
        ("2024-01-02, soon: 1%", "here:1: 'soon' is not a number"),
        ("2024-01-02, 30: nan", "here:1: 'nan' is not a number"),
        ("2024-01-02, nan: 1%", "here:1: 'nan' is not a number"),
        ("2024-01-02, 30: 1e999", "here:1: '1e999' is not a finite number"),
        ("2024-01-02, -30: 1%", "here:1: the days '-30' must be above 0, to 18,250"),
        ("2024-01-02, 0: 1%", "here:1: the days '0' must be above 0"),
        ("2024-01-02, 20000: 1%", "here:1: the days '20000' must be above 0"),
        ("2024-01-02, 30: 1%, 30: 2%", "here:1: the days '30' follow 30; they must ascend"),
        ("2024-01-02, 30: 1%, 7: 2%", "here:1: the days '7' follow 30; they must ascend"),
        ("2024-01-02, 30: 900%", "here:1: the rate '900%' must be from -0.5 to 1"),
        ("2024-01-02, 30: -60%", "here:1: the rate '-60%' must be from -0.5 to 1"),
        ("2024-01-02, 30: 1%\n2024-01-02, 30: 1%", "here:2: 2024-01-02 has a curve in a line above; each day has one"),
        ("\xff", "the interest rates in here are no UTF-8 text"),
    ],
)
def test_a_text_that_tells_none_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(DataError) as refused:
        curves_of(text.encode("latin-1"), "here")
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_a_run_knows_from_when_on_it_has_a_curve_and_needs_one_of_its_days() -> None:
    curves = curves_of(TEXT, "here")
    start, first, last = (dt.date(2024, 1, day) for day in (1, 2, 31))
    assert curves.lacking(first, last) == ""
    assert curves.lacking(last, last) == ""
    assert curves.lacking(start, first) == (
        "the interest rates in here begin on 2024-01-02: until then, from 2024-01-01 on, the one rate counts for all "
        "expiries"
    )
    with pytest.raises(DataError, match="here begin on 2024-01-02, after the run, which ends on 2024-01-01"):
        curves.lacking(start, start)


def test_a_file_that_is_not_there_or_too_long_is_refused(tmp_path: Path) -> None:
    path = curves_file(tmp_path, "mine")
    assert path == tmp_path / "alternative" / "alo" / "rates" / "mine.csv"
    assert curve_store_key("mine") == "alo-rates-mine.csv"
    with pytest.raises(
        DataError, match=r"there is no file of interest rates .*mine\.csv, which the setting rate-curve names"
    ):
        read_curves(path)
    path.parent.mkdir(parents=True)
    path.write_bytes(TEXT)
    assert len(read_curves(path).days) == 2
    path.write_bytes(b"#" * (1 << 22) + TEXT)
    with pytest.raises(DataError, match="more than 4,194,304 bytes"):
        read_curves(path)
    with path.open("wb") as file:
        file.truncate(1 << 30)  # of which no more is read than tells that it is too long
    with pytest.raises(DataError, match="more than 4,194,304 bytes"):
        read_curves(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=r"mine\.csv cannot be read: Is a directory"):
        read_curves(path)
    path.rmdir()
    os.mkfifo(path)  # which would be waited for
    with pytest.raises(DataError, match=r"mine\.csv cannot be read: Not a regular file"):
        read_curves(path)
