"""The tiny market with open interest, what a run on it journals, and imports by the command line."""

import datetime as dt
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER, message_digest, read_journal
from alo_lib.market import BAR_DTYPES, DataKind, OptionBars, Resolution, contract_array
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.layout import OptionArchive
from alo_lib.market.writer import write_factor_file, write_option_file
from alo_lib.simulation import run_backtest
from tests.cli.conftest import run  # noqa: F401
from tests.market.importing.exported import Exported
from tests.simulation import tiny

OPEN_INTEREST = 100  # as the universes of the tiny market have it


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """The folder that is exported; nobody writes into it."""
    folder = tiny.write(tmp_path_factory.mktemp("original") / "data")
    # The tiny market's dividend refers to a close of the day before the last; LEAN's refer to the last one.
    close = Decimal(str(tiny.last_spot()))
    paid = 1 - Decimal(str(tiny.DIVIDEND)) / close
    first, last = dt.date(2022, 11, 1), dt.date(2050, 12, 31)
    rows = [FactorRow(first, paid, Decimal(1), Decimal(1)), FactorRow(tiny.FIRST, paid, Decimal(1), close)]
    write_factor_file(folder, "TINY", [*rows, FactorRow(last, Decimal(1), Decimal(1), Decimal(0))])
    for day in (tiny.FIRST, tiny.SECOND):
        bars = np.zeros(len(tiny.KEYS), BAR_DTYPES[DataKind.OPEN_INTEREST])
        bars["time"] = tiny.HOURS.session(day).open - 180 * tiny.MINUTE
        bars["open_interest"] = OPEN_INTEREST
        chain = OptionBars(contract_array(tiny.KEYS), np.arange(len(tiny.KEYS), dtype=np.int32), bars)
        archive = OptionArchive(folder, "TINY", day, Resolution.MINUTE, DataKind.OPEN_INTEREST)
        write_option_file(archive, chain, tiny.OPTION_HOURS)
    return tiny.with_hours(folder)


@pytest.fixture(scope="session")
def market(original):
    """The tiny market, to be exported."""
    return Exported(original, "TINY", tiny.FIRST, tiny.SECOND)


def digest_of(data: Path, to: Path) -> str:
    """Of the journal of a run on a folder, over the tiny market's days."""
    to.mkdir(exist_ok=True)
    journal = read_journal(run_backtest(tiny.settings(), data, to).folder / JOURNAL_FOLDER)
    return message_digest(journal.messages)


@pytest.fixture(scope="session")
def original_digest(original, tmp_path_factory):
    return digest_of(original, tmp_path_factory.mktemp("run"))


@pytest.fixture
def bring_in(run, original, tmp_path):  # noqa: F811
    """``alo import`` into one folder, with the original's databases; it must succeed."""
    folder = tmp_path / "imported"

    def call(form, *arguments):
        outcome = run("import", form, *arguments, "--to", folder, "--databases", original)
        assert outcome.status == 0, outcome.err
        return folder

    return call


def entries(path: Path) -> dict[str, bytes]:
    """What an archive holds."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files(folder: Path, part: str = "") -> dict[str, Path]:
    """The files below a part of a folder, by their path from the folder."""
    return {path.relative_to(folder).as_posix(): path for path in (folder / part).rglob("*") if path.is_file()}
