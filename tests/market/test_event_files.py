"""A user's file of dated events: what it may say, and what is refused."""

import datetime as dt
import math
from pathlib import Path

import pytest

from alo_lib.market.event_files import (
    DatedEvent,
    When,
    event_store_key,
    events_file,
    events_of,
    read_events,
    scheduled_moves,
)
from alo_lib.market.faults import DataError
from alo_lib.records import CALENDAR_DAY, DAY, FIRST_DAY, HOUR, Session

TEXT = """\
# date, when, name, move, known
2016-01-28, after, earnings, , 2016-01-07   # said in January

2015-10-22, After, earnings, 6%
2015-10-22, before, split of shares
"""


def test_a_file_says_day_time_name_move_and_since_when(tmp_path: Path) -> None:
    path = events_file(tmp_path, "BRK.B")
    assert path == tmp_path / "alternative/alo/events/brk.b.csv"
    assert event_store_key("BRK.B") == "alo-events-brk-b.csv"
    assert read_events(path) == ()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    first, second, third = read_events(path)
    assert first[:3] == (dt.date(2015, 10, 22), When.BEFORE, "split of shares")
    assert math.isnan(first.move)
    assert second == DatedEvent(dt.date(2015, 10, 22), When.AFTER, "earnings", 0.06, FIRST_DAY)
    assert third.known == dt.date(2016, 1, 7)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2015-10-22,after", "must be date,when,name"),
        ("2015-10-22,after,a,b,c,d", "must be date,when,name"),
        ("22.10.2015,after,earnings", "'22.10.2015' must be a day as yyyy-mm-dd"),
        ("2150-10-22,after,earnings", "must be from 1970"),
        ("2015-10-22,noon,earnings", "'noon' must be before, during, after"),
        ("2015-10-22,after,", "the name '' must be of 1 to 24"),
        ("2015-10-22,after,é", "printable ASCII"),
        (f"2015-10-22,after,{'x' * 25}", "the name"),
        ("2015-10-22,after,earnings,lots", "'lots' is not a number"),
        ("2015-10-22,after,earnings,-1%", "'-1%' must be above 0"),
        ("2015-10-22,after,earnings,300%", "up to 2"),
        ("2015-10-22,after,earnings,5%,soon", "'soon' must be a day"),
        ("2016-02-12,before,dividend,0.5", "since when the dividend 0.5 is known is missing; it must be a day up to"),
        ("2016-02-12,before,dividend,0.5,2016-02-13", "known is '2016-02-13'; it must be a day up to 2016-02-12"),
        ("2016-02-12,after,Dividend,0.5,2016-01-07", "'after' must be before: a dividend that is announced"),
        ("2016-02-12,before,dividend,-0.5,2016-01-07", "the dividend '-0.5' must be money a share from 0 to 1,000,000"),
        ("2016-02-12,before,dividend,1e7,2016-01-07", "from 0 to 1,000,000"),
        ("2016-02-12,before,dividend,2%,2016-01-07", "the dividend '2%' must be money"),
        ("2016-02-12,before,dividend,some,2016-01-07", "'some' is not a number"),
        ("2016-02-12,before,dividend,,2016-13-07", "'2016-13-07' must be a day"),
    ],
)
def test_a_line_that_is_none_is_named(line: str, said: str) -> None:
    with pytest.raises(DataError, match=r"^place:2: ") as raised:
        events_of(f"2015-10-22,after,earnings\n{line}\n".encode(), "place")
    assert said in str(raised.value)


def test_a_dividend_with_an_amount_is_announced_and_one_without_is_told_of() -> None:
    text = """\
2016-02-12, before, dividend, 0.55, 2016-01-07
2016-02-12, Before, Dividend extra, 0, 2016-02-12
2016-05-12, after, dividend
"""
    announced, suspended, told = events_of(text.encode(), "here")[1::-1] + events_of(text.encode(), "here")[2:]
    assert (announced.name, announced.cash, announced.known) == ("dividend", 0.55, dt.date(2016, 1, 7))
    assert (suspended.name, suspended.cash) == ("Dividend extra", 0.0)
    assert math.isnan(announced.move)
    assert math.isnan(told.cash)
    assert told.known == FIRST_DAY


def test_an_announcement_has_one_amount() -> None:
    row = b"2016-02-12,before,dividend,0.5,2016-01-07\n"
    assert len(events_of(row + row + row.replace(b"0.5,2016-01-07", b"0.6,2016-01-08"), "here")) == 3
    with pytest.raises(DataError, match=r"^here:2: 0\.6 must be the 0\.5 of 'dividend' of 2016-02-12 above, or known"):
        events_of(row + row.replace(b"0.5", b"0.6"), "here")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no UTF-8"):
        events_of(b"\xff\xfe\x00", "place")
    with pytest.raises(DataError, match="more than"):
        events_of(b"#" * (1 << 20) + b"\n", "place")
    with pytest.raises(DataError, match="cannot be read"):
        read_events(tmp_path)


def weekday(day: dt.date) -> Session:
    while day.weekday() > 4:
        day += CALENDAR_DAY
    midnight = (day - dt.date(1970, 1, 1)).days * DAY
    return Session(day, midnight + 14 * HOUR, midnight + 21 * HOUR)


def test_events_of_one_time_are_one_and_a_line_that_is_repeated_counts_once() -> None:
    text = """\
2024-03-12,after,earnings,6%
2024-03-12,after,earnings,6%
2024-03-13,before,vote,8%
2024-03-15,after,talk
2024-03-16,during,fair,3%
"""
    (first, second) = scheduled_moves(events_of(text.encode(), "here"), weekday)
    assert first[:2] == (weekday(dt.date(2024, 3, 13)).open, "earnings + vote")
    assert first[2] == pytest.approx(0.1)
    assert second[:2] == (weekday(dt.date(2024, 3, 18)).open, "fair + talk")
    assert math.isnan(second[2])


def test_too_many_events_and_long_lines_are_refused_in_a_short_sentence() -> None:
    with pytest.raises(DataError, match="are 1,001, but 1,000 are allowed"):
        events_of(b"2024-03-12,after,earnings\n" * 1001, "here")
    with pytest.raises(DataError) as told:
        events_of(b"2024-03-12,after," + b"x" * 100_000, "here")
    assert len(str(told.value)) < 300
