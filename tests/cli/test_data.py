"""``alo data``: what a folder holds, as a table, a page and for programs."""

import json

import pytest

from tests.simulation import tiny


@pytest.fixture
def folder(tmp_path):
    return tiny.with_hours(tiny.write(tmp_path / "data"))


def _told(outcome):
    found = json.loads(outcome.out)
    return found, {(each["type"], each["resolution"], each["kind"]): each for each in found["holdings"]}


def test_sessions_contracts_and_rows_are_counted(run, folder):
    found, kinds = _told(run("data", folder, "--json"))
    assert list(kinds) == [
        ("equity", "minute", "trade"),
        ("equity", "minute", "quote"),
        ("equity", "hour", "trade"),
        ("equity", "daily", "trade"),
        ("option", "minute", "quote"),
        ("option", "hour", "quote"),
        ("option", "daily", "universe"),
    ]
    chain = kinds["option", "minute", "quote"]
    assert (chain["sessions"], chain["first"], chain["last"]) == (2, "2024-03-14", "2024-03-15")
    assert chain["contracts"] == {"least": len(tiny.KEYS), "most": len(tiny.KEYS)}
    bars_a_session = 78  # of five minutes in 390
    assert chain["rows"] == 2 * bars_a_session * len(tiny.KEYS)
    assert kinds["option", "daily", "universe"]["sessions"] == 2
    assert (found["faults"], found["first_faults"]) == ({}, [])


def test_gaps_and_faults_are_told(run, folder, tmp_path):
    minute = folder / "equity/usa/minute/tiny"
    (minute / "20240315_trade.zip").rename(minute / "20240319_trade.zip")
    (folder / "option/usa/minute/tiny/20240315_quote_american.zip").write_bytes(b"PK")
    (folder / "option/usa/minute/tiny/20240315_quotes_american.zip").touch()
    outcome = run("data", folder, "--ticker", "tiny", "--html", tmp_path / "page.html")
    assert outcome.status == 0
    assert "Cannot be used: corrupt archive: 1, entry name: 2; the first: " in outcome.out
    found, kinds = _told(run("data", folder, "--json"))
    assert any("20240315_quotes_american.zip: entry name" in each for each in found["first_faults"])
    assert found["faults"] == {"corrupt archive": 1, "entry name": 2}
    assert kinds["option", "minute", "quote"]["sessions"] == 1
    page = (tmp_path / "page.html").read_text()
    assert "corrupt archive" in page
    assert "What the data folder holds" in page


def test_sessions_between_that_are_missing_make_one_gap(run, folder):
    minute = folder / "option/usa/universes/tiny"
    (minute / "20240313.csv").rename(minute / "20240308.csv")
    _, kinds = _told(run("data", folder, "--json"))
    # From Friday the 8th to Thursday the 14th: Monday, Tuesday and Wednesday.
    gap = {"first": "2024-03-11", "last": "2024-03-13", "sessions": 3}
    assert kinds["option", "daily", "universe"]["gaps"] == [gap]


def test_a_folder_without_data_is_refused(run, folder, tmp_path):
    outcome = run("data", folder, "--ticker", "NONE")
    assert outcome.status == 2
    assert "there are no bars and no universe files of NONE" in outcome.err
    (tmp_path / "empty").mkdir()
    assert run("data", tmp_path / "empty").status == 2
