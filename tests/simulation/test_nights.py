"""When LEAN's time moves on between sessions, in a tiny market."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import OPEN_INTEREST, DataFolder, DataKind, OptionBars, Resolution, contract_array
from alo_lib.market.layout import OptionArchive
from alo_lib.market.writer import write_option_file
from alo_lib.simulation.nights import Nights
from tests.simulation import tiny

FIRST, SECOND = tiny.HOURS.session(tiny.FIRST), tiny.HOURS.session(tiny.SECOND)
HOUR = 3_600_000_000_000
MIDNIGHT = SECOND.open - 9 * HOUR - HOUR // 2


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TINY goes ex-dividend on its second day, of which there is no universe file."""
    return tiny.write(tmp_path_factory.mktemp("market"))


@pytest.fixture
def nights(root: Path) -> Nights:
    return Nights(tiny.settings(), DataFolder(root))


def test_data_come_at_the_midnight_after_a_day_with_a_universe_file(nights: Nights) -> None:
    assert nights.after(FIRST, [], last=False)
    assert nights.after(FIRST, [], last=True)
    assert not nights.after(SECOND, [], last=False)


def test_or_after_the_last_session_of_a_contract_unless_the_run_ends_there(nights: Nights) -> None:
    assert nights.after(SECOND, [SECOND.close], last=False)
    assert not nights.after(SECOND, [SECOND.close], last=True)
    assert not nights.after(SECOND, [FIRST.close, SECOND.close + 24 * HOUR], last=False)


def test_splits_dividends_and_last_sessions_are_announced_at_the_midnight_before(nights: Nights) -> None:
    assert nights.midnight(tiny.SECOND) == MIDNIGHT
    assert nights.before(SECOND, [], {}) == [MIDNIGHT]
    assert nights.before(FIRST, [SECOND.close], {}) == []
    assert nights.before(FIRST, [FIRST.close], {}) == [MIDNIGHT - 24 * HOUR]


def test_open_interest_of_what_is_held_comes_before_the_open(tmp_path: Path) -> None:
    root = tiny.write(tmp_path)
    rows = np.zeros(2, OPEN_INTEREST)
    rows["time"] = FIRST.open - 3 * HOUR, FIRST.open - 2 * HOUR
    chain = OptionBars(contract_array(tiny.KEYS[:2]), np.arange(2, dtype=np.int32), rows)
    archive = OptionArchive(root, "TINY", tiny.FIRST, Resolution.MINUTE, DataKind.OPEN_INTEREST)
    write_option_file(archive, chain, tiny.OPTION_HOURS)
    nights = Nights(tiny.settings(), DataFolder(root))
    assert nights.before(FIRST, [], {"TINY": [tiny.KEYS[1]]}) == [FIRST.open - 2 * HOUR]
    assert nights.before(FIRST, [], {"TINY": [tiny.KEYS[2]]}) == []
    assert nights.before(FIRST, [], {}) == []


def test_open_interest_of_a_years_file_is_that_of_each_day(tmp_path: Path) -> None:
    root = tiny.write(tmp_path)
    rows = np.zeros(3, OPEN_INTEREST)
    rows["time"] = FIRST.open - 3 * HOUR, FIRST.open - 2 * HOUR, SECOND.open - 2 * HOUR
    chain = OptionBars(contract_array(tiny.KEYS[:2]), np.array([0, 1, 0], np.int32), rows)
    archive = OptionArchive(root, "TINY", tiny.FIRST, Resolution.HOUR, DataKind.OPEN_INTEREST)
    write_option_file(archive, chain, tiny.OPTION_HOURS)
    nights = Nights(tiny.settings(resolution="hour"), DataFolder(root))
    assert nights.before(FIRST, [], {"TINY": [tiny.KEYS[1]]}) == [FIRST.open - 2 * HOUR]
    assert nights.before(FIRST, [], {"TINY": [tiny.KEYS[0], tiny.KEYS[1]]}) == [
        FIRST.open - 3 * HOUR,
        FIRST.open - 2 * HOUR,
    ]
    assert nights.before(FIRST, [], {"TINY": [tiny.KEYS[2]]}) == []
    assert nights.before(SECOND, [], {"TINY": tiny.KEYS[:2]}) == [MIDNIGHT, SECOND.open - 2 * HOUR]


def test_a_midnight_is_the_exchanges(nights: Nights) -> None:
    winter, summer = (nights.midnight(dt.date(2024, month, 15)) // HOUR % 24 for month in (1, 7))
    assert (winter, summer) == (5, 4)
