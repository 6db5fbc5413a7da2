"""Damage done to the files of a small market, as it befalls files in the world."""

import datetime as dt
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alo_lib.market import DataKind, Resolution, SecurityType
from alo_lib.market.layout import (
    OptionArchive,
    SecurityArchive,
    factor_file_path,
    map_file_directory,
    universe_directory,
)
from tests.simulation import tiny

__all__ = [
    "BYTES",
    "LINES",
    "apply",
    "copy",
    "daily",
    "drop_entries",
    "edit_entries",
    "factors",
    "history",
    "option_quotes",
    "rename_entries",
    "trades",
    "universe",
]

Lines = list[str]


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
    """Rewrite the text of each entry of an archive, or the text of a file."""
    if path.suffix != ".zip":
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
        return
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name).decode() for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, edit(text))


def drop_entries(path: Path, count: int) -> None:
    """Leave out the first entries of an archive."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()[count:]}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def rename_entries(path: Path, rename: Callable[[str], str]) -> None:
    """Give each entry of an archive another name."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(rename(name), content)


def _flip(content: bytes, place: int) -> bytes:
    at = place % max(len(content), 1)
    return content[:at] + bytes([content[at] ^ (1 << place % 8)]) + content[at + 1 :] if content else content


BYTES: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "flip": _flip,
    "cut": lambda content, place: content[: place % max(len(content), 1)],
    "utf-16": lambda content, place: b"\xff\xfe" + content,
    "latin-1": lambda content, place: content + b"\xe9\n",
}
"""Damage to the bytes of a file, at some place."""


def _repeat(lines: Lines, place: int) -> Lines:
    return [*lines[: place + 1], *lines[place:]]


def _reorder(lines: Lines, place: int) -> Lines:
    return [*lines[place:], *lines[:place]]


def _drop(lines: Lines, place: int) -> Lines:
    return [*lines[:place], *lines[place + 1 :]]


def _swap(lines: Lines, place: int) -> Lines:
    """Two neighbouring columns in every line."""
    return [",".join(_exchanged(line.split(","), place)) for line in lines]


def _exchanged(cells: list[str], place: int) -> list[str]:
    at = place % max(len(cells) - 1, 1)
    return [*cells[:at], *reversed(cells[at : at + 2]), *cells[at + 2 :]]


LINES: Final[dict[str, Callable[[Lines, int], Lines]]] = {
    "repeat": _repeat,
    "reorder": _reorder,
    "drop": _drop,
    "swap columns": _swap,
    "mark": lambda lines, place: ["\ufeff" + lines[0], *lines[1:]] if lines else lines,
    "blank lines": lambda lines, place: [*lines[:place], "", " ", *lines[place:]],
}
"""Damage to the lines of a file or of an archive's entries, at some place. The last two do no harm."""


def apply(path: Path, damage: str, place: int) -> None:
    """Do some damage to a file, or to the first entry of an archive."""
    if damage in BYTES:
        path.write_bytes(BYTES[damage](path.read_bytes(), place))
        return

    def edit(text: str) -> str:
        lines = text.splitlines()
        return "".join(f"{line}\n" for line in LINES[damage](lines, place % max(len(lines), 1)))

    edit_entries(path, edit)
