"""Dividends that a user's file announces, through a run of the embedded engine: journaled, valued with, replayed."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER, Journal, message_digest, read_journal
from alo_lib.market import DataError
from alo_lib.market.event_files import events_file
from alo_lib.pricing import Dividends, implied_volatility
from alo_lib.records import Kind, years_between
from alo_lib.runtime import replay
from alo_lib.simulation import run_backtest
from alo_lib.views.risk_ladder import book_at
from tests.simulation import tiny
from tests.simulation.journaled import first_held, in_bytes

EX_DATE = dt.date(2024, 4, 4)
ROW = f"{EX_DATE},before,dividend,3.00,{{known}}\n"


def journal_of(data: Path, to: Path, events: str) -> Journal:
    path = events_file(data, "TINY")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(events)
    to.mkdir()
    return read_journal(run_backtest(tiny.settings(carry="rate"), data, to).folder / JOURNAL_FOLDER)


def test_it_changes_nothing_before_the_day_it_is_known_and_values_from_then_on(root: Path, tmp_path: Path) -> None:
    quiet = journal_of(root, tmp_path / "quiet", "# none\n")
    loud = journal_of(root, tmp_path / "loud", ROW.format(known=tiny.SECOND))
    told = [each for each in loud.messages if each.kind is Kind.ANNOUNCED]
    opened = tiny.HOURS.session(EX_DATE).open
    assert [each.records.tolist() for each in told] == [[(opened, 0, 0, 3.0)]]  # on the second day alone
    since = told[0].time
    assert in_bytes([each for each in loud.messages if each.time < since]) == in_bytes(
        [each for each in quiet.messages if each.time < since]
    )
    assert in_bytes(loud.messages) != in_bytes(quiet.messages)
    assert replay(loud).digest == message_digest(loud.messages)


def test_what_is_held_implies_the_volatility_of_a_stock_that_pays_it(root: Path, tmp_path: Path) -> None:
    journal = journal_of(root, tmp_path / "run", ROW.format(known=tiny.FIRST))
    book = book_at(journal).state.strategy.underlyings[0].book
    ex_time = tiny.HOURS.session(EX_DATE).open
    assert book.dividends_in_chain(journal.messages[-1].time) == ((ex_time, 3.0),)
    held = first_held(journal)
    found = implied_volatility(
        held.mid,
        held.spot,
        held.contract["strike"],
        0.03,
        0.0,
        years_between(held.time, np.array(held.contract["expiry"])),
        held.contract["right"],
        dividends=Dividends([years_between(held.time, np.array(ex_time))], [3.0], model="escrowed"),
    )
    assert held.implied_volatility == pytest.approx(float(found), abs=2e-3)


def test_without_the_day_since_which_it_is_known_nothing_runs(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tiny\.csv:1: since when the dividend 3\.00 is known is missing"):
        journal_of(root, tmp_path / "run", ROW.format(known=""))
