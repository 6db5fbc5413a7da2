"""A user's file of events, through a run of the embedded engine: told, journaled, traded by, and decided again."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER, Journal, message_digest, read_journal
from alo_lib.market import DataError
from alo_lib.market.event_files import events_file
from alo_lib.records import Kind, years_between
from alo_lib.runtime import replay
from alo_lib.simulation import run_backtest
from tests.simulation import tiny


def journal_of(data: Path, to: Path, events: str) -> Journal:
    path = events_file(data, "TINY")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(events)
    to.mkdir()
    return read_journal(run_backtest(tiny.settings(), data, to).folder / JOURNAL_FOLDER)


def forecasts(journal: Journal) -> np.ndarray:
    return np.concatenate([each.records["volatility"] for each in journal.messages if each.kind is Kind.FORECAST])


def notices(journal: Journal) -> list[str]:
    told = [each.records["text"].tolist() for each in journal.messages if each.kind is Kind.NOTICE]
    return [text.decode() for texts in told for text in texts]


@pytest.mark.slow
def test_a_forecast_over_an_event_has_its_variance(root: Path, tmp_path: Path) -> None:
    quiet = journal_of(root, tmp_path / "quiet", "# none\n")
    loud = journal_of(root, tmp_path / "loud", "2024-03-28,after,earnings,5%\n")
    told = [each for each in loud.messages if each.kind is Kind.SCHEDULED]
    assert [each.records["name"].tolist() for each in told] == [[b"earnings"]] * 2  # once a session
    opened = tiny.HOURS.session(dt.date(2024, 4, 1)).open  # Good Friday is closed
    assert told[0].records["time"].tolist() == [opened]
    assert [text for text in notices(loud) if "ahead" in text] == ["TINY: ahead are earnings by 2024-04-01 (5.0%)"]
    first = next(each for each in loud.messages if each.kind is Kind.FORECAST)
    years = float(years_between(first.time, tiny.OPTION_HOURS.session(tiny.EXPIRY).close))
    more = forecasts(loud)[0] ** 2 - forecasts(quiet)[0] ** 2
    assert more * years == pytest.approx(np.pi / 2 * 0.05**2, rel=1e-9)
    assert replay(loud).digest == message_digest(loud.messages)


def test_over_an_event_of_unknown_size_nothing_is_forecast_nor_opened(root: Path, tmp_path: Path) -> None:
    """The market's one expiry holds it, so options do not tell either."""
    journal = journal_of(root, tmp_path / "run", "2024-03-28,after,earnings\n")
    assert np.isnan(forecasts(journal)).all()
    assert not [each for each in journal.messages if each.kind is Kind.INTENT]
    assert any("earnings by 2024-04-01 (of unknown size)" in text for text in notices(journal))


def test_a_file_that_cannot_be_read_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tiny\.csv:1: 'March' must be a day"):
        journal_of(root, tmp_path / "run", "March,after,earnings\n")
