"""A user's file of dated events: what it may say, and what is refused."""

import datetime as dt
import math
from pathlib import Path

import pytest

from alo_lib.market.event_files import DatedEvent, When, event_store_key, events_file, events_of, read_events
from alo_lib.market.faults import DataError
from alo_lib.records import FIRST_DAY

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
    ],
)
def test_a_line_that_is_none_is_named(line: str, said: str) -> None:
    with pytest.raises(DataError, match=r"^place:2: ") as raised:
        events_of(f"2015-10-22,after,earnings\n{line}\n".encode(), "place")
    assert said in str(raised.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no UTF-8"):
        events_of(b"\xff\xfe\x00", "place")
    with pytest.raises(DataError, match="more than"):
        events_of(b"#" * (1 << 20) + b"\n", "place")
    with pytest.raises(DataError, match="cannot be read"):
        read_events(tmp_path)
