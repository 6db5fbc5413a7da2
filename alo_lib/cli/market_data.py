"""The data folder of a run, and the synthetic market that is written where there is none."""

import errno
import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alo_lib.cli.console import say, working
from alo_lib.cli.failures import UserError
from alo_lib.cli.interruption import Interrupted

if TYPE_CHECKING:
    from alo_lib.market.generator import HalfMade, Made, MarketTruth
    from alo_lib.market.layout import Resolution

__all__ = ["holds_data", "ready_market", "write_market"]

_UNFINISHED: Final = ".unfinished"
_COMPLETE: Final = "complete"
_EMPTIED: Final = ".emptied"
"""What the folder is named once all that was made is in its place, so that one that is half removed is none."""
_WRITING: Final = ".writing"
_IN_PLACE: Final = "the market is made, and the same command puts it in place in {}"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def ready_market(given: Path | None, default: Path) -> Path:
    """The data folder to run on: the one given, or the project's own, with a synthetic market in it when it is empty.

    :raises UserError: when the one given is not a folder or has nothing in it.
    """
    if given is None:
        if not holds_data(default):
            from alo_lib.market.generator import MarketTruth

            with _alone(default, waits=True):
                if not holds_data(default) and _put_in_place(default) is None:
                    say(f"There is no market data in {default} yet: writing a synthetic market there, once.")
                    _made_in(default, MarketTruth(), None, 1)
        return default
    if not given.is_dir():
        raise UserError(f"there is no data folder at {given}; name the folder that holds LEAN's data")
    if not holds_data(given):
        raise UserError(f"the data folder {given} is empty; name the folder that holds LEAN's data")
    return given


def holds_data(folder: Path) -> bool:
    """Whether there is anything in a data folder; what an interrupted run left unfinished does not count."""
    if (folder / _UNFINISHED).is_dir():
        return False
    return folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir())


def write_market(folder: Path, truth: "MarketTruth", resolution: str | None = None, workers: int = 1) -> "Made | None":
    """Write the synthetic market into ``folder`` so that one cut short never looks like a finished one.

    Its bars are of one ``resolution``, by its folder's name, or else of minutes and hours; ``workers`` make a name
    each.

    It is made in a folder of its own below ``folder``, marked complete, and only then moved into place; a move that
    was cut short is finished by the next call, which makes nothing and tells nothing of it. Names that are whole when
    their making is cut short are kept, and the next call for the same market makes the others.

    :raises Interrupted: on a signal, saying what is kept and how to go on.
    :raises UserError: when the folder holds data, or an earlier command had made another market; while another command
        writes there; for what is in the way, and a disk that is full.
    """
    from alo_lib.market.generator import read_truth

    with _alone(folder):
        if holds_data(folder):
            raise UserError(f"{folder} holds data already; name an empty or a new folder")
        earlier = _put_in_place(folder)
        if earlier is None:
            return _made_in(folder, truth, resolution, workers)
        if read_truth(folder) != truth or earlier != _bars_of(resolution):
            raise UserError(
                f"{folder} holds another market, which an earlier command had made and not put there to the end; it is "
                "whole now: name an empty or a new folder for this one"
            )
        return None


def _made_in(folder: Path, truth: "MarketTruth", resolution: str | None, workers: int) -> "Made":
    """Make a market and put it in place."""
    from alo_lib.market.generator import HalfMade
    from alo_lib.records.whole_files import write_whole

    unfinished = folder / _UNFINISHED
    half = HalfMade(unfinished / "market", truth, _resolutions(resolution))
    try:
        if half.goes_on:
            say(f"Going on with the market that was begun in {folder}.")
        else:
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, exist_ok=True)
        told = _generate(unfinished / "market", truth, _resolutions(resolution), workers)
        write_whole(unfinished / _COMPLETE, _bars_of(resolution))
        _put_in_place(folder)
    except Interrupted as interruption:
        raise Interrupted(interruption.number, _kept(half, folder, truth)) from None
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise UserError(f"the disk of {folder} is full; make room: {_kept(half, folder, truth)}") from None
    return told


def _put_in_place(folder: Path) -> str | None:
    """Move a market that is made to the end into its place. Returns the bars that it has, None where there is none.

    :raises Interrupted: on a signal, saying how to go on.
    :raises UserError: when something else has the name of the folder in which it is made.
    """
    unfinished = folder / _UNFINISHED
    if unfinished.is_symlink() or (unfinished.exists() and not unfinished.is_dir()):
        raise UserError(f"{unfinished} is no folder, and markets are made in one of that name; remove it")
    complete, made = unfinished / _COMPLETE, unfinished / "market"
    if not complete.exists():
        return None
    bars = complete.read_text(encoding="utf-8", errors="replace")
    try:
        for entry in sorted(made.iterdir()):
            entry.replace(folder / entry.name)
        shutil.rmtree(folder / _EMPTIED, ignore_errors=True)
        shutil.rmtree(unfinished.replace(folder / _EMPTIED))
    except Interrupted as interruption:
        raise Interrupted(interruption.number, _IN_PLACE.format(folder)) from None
    return bars


def _resolutions(resolution: str | None) -> "Collection[Resolution]":
    from alo_lib.market.generator import FILED
    from alo_lib.market.layout import Resolution

    return FILED if resolution is None else (Resolution(resolution),)


def _bars_of(resolution: str | None) -> str:
    """What a complete market says of its bars."""
    return ",".join(each.value for each in _resolutions(resolution))


def _kept(half: "HalfMade", folder: Path, truth: "MarketTruth") -> str:
    """What is left of a market whose making was cut short, and how to go on with it."""
    if (folder / _UNFINISHED / _COMPLETE).exists():
        return _IN_PLACE.format(folder)
    whole, names = len(half.kept) if half.goes_on else 0, len(truth.names)
    if not whole:
        return "no name was whole yet, so the same command begins anew"
    are = "is" if whole == 1 else "are"
    return f"of {names} names {whole} {are} whole and kept in {folder}, and the same command goes on with the others"


@contextmanager
def _alone(folder: Path, *, waits: bool = False) -> Iterator[None]:
    """Be the one command that writes a market into ``folder``, which is made where it is not.

    :raises UserError: while another is, unless this one ``waits`` for it.
    """
    path = folder / _WRITING
    for each in (folder, path):
        if each.exists() and each.is_dir() is (each is path):
            raise UserError(f"{each} is {'a folder' if each is path else 'no folder'} and in the way; remove it")
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waits:
                    raise UserError(
                        f"another command is writing a market into {folder}; let it end, or name another folder"
                    ) from None
                say(f"Another command is writing a market into {folder}: waiting for it to end.")
                fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.lstat()):
                    try:
                        yield
                    finally:
                        path.unlink(missing_ok=True)
                    return


def _generate(folder: Path, truth: "MarketTruth", resolutions: "Collection[Resolution]", workers: int) -> "Made":
    from alo_lib.market.generator import generate_market

    with working("Making the synthetic market ...") as update:
        return generate_market(
            folder,
            truth,
            progress=lambda ticker, day: update(f"Making the synthetic market: {ticker} {day}"),
            resolutions=resolutions,
            workers=workers,
        )
