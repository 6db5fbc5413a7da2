"""A user's curves of interest rates, through a run of the embedded engine: told, valued by, decided again."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER, Journal, message_digest, read_journal
from alo_lib.market import DataError
from alo_lib.market.rate_curves import curves_file
from alo_lib.pricing import implied_volatility
from alo_lib.records import DAY, Kind, years_between
from alo_lib.runtime import replay
from alo_lib.settings import SettingsError
from alo_lib.simulation import require_data, run_backtest
from alo_lib.views.risk_ladder import book_at
from tests.simulation import tiny
from tests.simulation.journaled import first_held, in_bytes

IN_FORCE = 0.03
"""The rate of the market that is run."""


def journal_of(data: Path, to: Path, curves: str | None) -> Journal:
    path = curves_file(data, "mine")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(curves or "")
    to.mkdir()
    asked = tiny.settings(carry="rate", rate_curve="" if curves is None else "mine")
    return read_journal(run_backtest(asked, data, to).folder / JOURNAL_FOLDER)


def test_it_changes_nothing_before_its_day_and_values_from_then_on(root: Path, tmp_path: Path) -> None:
    quiet = journal_of(root, tmp_path / "quiet", None)
    loud = journal_of(root, tmp_path / "loud", f"{tiny.SECOND}, 7: 2%, 365: 40%\n")
    (told,) = (each for each in loud.messages if each.kind is Kind.CURVE)
    expiry, opened = tiny.OPTION_HOURS.session(tiny.EXPIRY).close, tiny.HOURS.session(tiny.SECOND).open
    days = (expiry - opened) / DAY
    earned = 7 * 0.02 + (days - 7) / (365 - 7) * (365 * 0.4 - 7 * 0.02)
    assert told.records.tolist() == [(expiry, round(earned / days, 10))]
    before = [[each for each in journal.messages if each.time < told.time] for journal in (loud, quiet)]
    assert in_bytes(before[0]) == in_bytes(before[1])
    assert in_bytes(loud.messages) != in_bytes(quiet.messages)
    assert replay(loud).digest == message_digest(loud.messages)


def test_a_curve_of_the_one_rate_alone_is_not_told_and_decides_the_same(root: Path, tmp_path: Path) -> None:
    quiet = journal_of(root, tmp_path / "quiet", None)
    same = journal_of(root, tmp_path / "same", f"{tiny.FIRST}, 30: {IN_FORCE}\n")
    assert in_bytes(same.messages) == in_bytes(quiet.messages)


def test_what_is_held_implies_the_volatility_of_the_rate_to_its_expiry(root: Path, tmp_path: Path) -> None:
    journal = journal_of(root, tmp_path / "run", f"{tiny.FIRST}, 1: 30%\n")
    expiry = tiny.OPTION_HOURS.session(tiny.EXPIRY).close
    assert book_at(journal).state.strategy.underlyings[0].book.rates == {expiry: 0.3}
    held = first_held(journal)
    terms = held.spot, float(held.contract["strike"])
    years = years_between(held.time, np.array(held.contract["expiry"]))
    at_own, at_one = (
        float(implied_volatility(held.mid, *terms, rate, 0.0, years, held.contract["right"]))
        for rate in (0.3, IN_FORCE)
    )
    assert held.implied_volatility == pytest.approx(at_own, abs=2e-3)
    assert abs(held.implied_volatility - at_one) > 1e-2


def test_a_run_none_of_whose_days_has_a_curve_is_refused_and_one_whose_first_has_none_is_told(
    root: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"mine\.csv begin on .*, after the run, which ends on "):
        journal_of(root, tmp_path / "run", f"{tiny.SECOND + dt.timedelta(days=400)}, 30: 1%\n")
    path = curves_file(root, "mine")
    path.write_text(f"{tiny.SECOND}, 30: 1%\n")
    told = require_data(tiny.settings(rate_curve="mine"), root).warnings
    assert [each for each in told if f"mine.csv begin on {tiny.SECOND}: until then" in each]
    path.write_text("tomorrow, 30: 1%\n")
    with pytest.raises(DataError, match=r"mine\.csv:1: 'tomorrow' must be a day as yyyy-mm-dd"):
        require_data(tiny.settings(rate_curve="mine"), root)


def test_there_is_no_model_to_ask_without_lean(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="rate-curve is 'model'; only LEAN has a risk-free model"):
        run_backtest(tiny.settings(rate_curve="model"), root, tmp_path / "run")
    assert not (tmp_path / "run").exists()
