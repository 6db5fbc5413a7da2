import datetime as dt

import numpy as np
import pytest

from alo_lib.records import Kind, Session, records


def test_a_session_is_written_with_its_date_as_digits_and_read_back() -> None:
    session = Session(dt.date(2024, 3, 4), 1_709_562_600_000_000_000, 1_709_586_000_000_000_000)
    (row,) = session.record()
    assert row.tolist() == (1_709_562_600_000_000_000, 1_709_586_000_000_000_000, 20240304)
    assert Session.of_record(row) == session


@pytest.mark.parametrize("date", [20240230, 0, -20240304, 99999999])
def test_a_record_whose_date_is_none_is_refused(date: int) -> None:
    row: np.void = records(Kind.SESSION, date=date)[0]
    with pytest.raises(ValueError, match=r"year|month|day"):
        Session.of_record(row)
