"""The files that a user keeps, of rates and of events, on the command line."""

import shutil

import pytest

from alo_lib.cli.fingerprint import files_in_range
from alo_lib.market.event_files import events_file
from alo_lib.market.rate_curves import curves_file
from alo_lib.settings import Settings
from tests.cli.test_backtest import _sentence


def _with_curves(market, folder, text):
    shutil.copytree(market, folder, symlinks=True)
    path = curves_file(folder, "mine")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


def test_the_fingerprint_has_the_curves_of_rates_that_the_settings_name(small_market, tmp_path):
    data = _with_curves(small_market, tmp_path / "data", "2024-01-02, 30: 1%")
    path = curves_file(data, "mine")
    of = {"underlyings": "ALFA", "start": "2024-01-02", "end": "2024-01-02"}
    assert path in files_in_range(data, Settings.of(of | {"rate_curve": "mine"}))
    for other in ("", "model", "another"):
        assert path not in files_in_range(data, Settings.of(of | {"rate_curve": other}))


def test_the_fingerprint_has_the_dated_events_of_the_underlyings(small_market, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_market, data, symlinks=True)
    paths = [events_file(data, ticker) for ticker in ("ALFA", "BRVO")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("2024-01-03, before, earnings, 5%")
    found = files_in_range(data, Settings.of({"underlyings": "ALFA", "start": "2024-01-02", "end": "2024-01-02"}))
    assert [path in found for path in paths] == [True, False]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2024-01-02, -7: 1%", "mine.csv:1: the days '-7' must be above 0, to 18,250"),
        ("2030-01-02, 30: 1%", "begin on 2030-01-02, after the run, which ends on 2024-01-03"),
    ],
)
def test_curves_of_rates_that_say_nothing_of_the_run_are_refused(run, small_market, tmp_path, text, told):
    data = _with_curves(small_market, tmp_path / "data", text)
    days = ("--start", "2024-01-02", "--end", "2024-01-03", "--underlying", "ALFA")
    found = _sentence(run("backtest", "--data", data, "--output", tmp_path / "runs", *days, "--set", "rate-curve=mine"))
    assert told in found
