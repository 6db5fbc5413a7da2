"""Damage done to the files of a small market, as it befalls files in the world."""

import datetime as dt
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from alo_lib.market import DataKind, Resolution, SecurityType
from alo_lib.market.layout import (
    OptionArchive,
    SecurityArchive,
    factor_file_path,
    map_file_directory,
    universe_directory,
)
from tests.simulation import tiny

__all__ = ["copy", "daily", "edit_entries", "factors", "history", "option_quotes", "trades", "universe"]


def copy(market: Path, to: Path) -> Path:
    """A copy of a market that may be damaged."""
    shutil.copytree(market, to)
    return to


def option_quotes(root: Path, day: dt.date) -> Path:
    """The archive of a day's option quotes."""
    return OptionArchive(root, "TINY", day, Resolution.MINUTE, DataKind.QUOTE).path


def trades(root: Path, day: dt.date) -> Path:
    """The archive of the stock's bars of a day."""
    return SecurityArchive(root, "TINY", day, Resolution.MINUTE, DataKind.TRADE).path


def daily(root: Path) -> Path:
    """The archive of the stock's daily bars."""
    return SecurityArchive(root, "TINY", tiny.BEFORE, Resolution.DAILY, DataKind.TRADE).path


def universe(root: Path, day: dt.date) -> Path:
    """The universe file of a day."""
    return universe_directory(root, SecurityType.OPTION, "usa", "tiny") / f"{day:%Y%m%d}.csv"


def factors(root: Path) -> Path:
    """The stock's factor file."""
    return factor_file_path(root, "usa", "tiny")


def history(root: Path) -> Path:
    """The stock's ticker history."""
    return map_file_directory(root, "usa") / "tiny.csv"


def edit_entries(path: Path, edit: Callable[[str], str]) -> None:
    """Rewrite the text of each entry of an archive."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name).decode() for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, edit(text))
