"""The data folder of a run, and the synthetic market that is written where there is none."""

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alo_lib.cli.console import say, working
from alo_lib.cli.failures import UserError

if TYPE_CHECKING:
    from alo_lib.market.generator import Made, MarketTruth
    from alo_lib.market.layout import Resolution

__all__ = ["holds_data", "ready_market", "write_market"]

_UNFINISHED: Final = ".unfinished"
_COMPLETE: Final = "complete"


def ready_market(given: Path | None, default: Path) -> Path:
    """The data folder to run on: the one given, or the project's own, with a synthetic market in it when it is empty.

    :raises UserError: when the one given is not a folder or has nothing in it.
    """
    if given is None:
        if not holds_data(default):
            say(f"There is no market data in {default} yet: writing a synthetic market there, once.")
            from alo_lib.market.generator import MarketTruth

            write_market(default, MarketTruth())
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
    """
    from alo_lib.market.generator import FILED, HalfMade
    from alo_lib.market.layout import Resolution

    unfinished = folder / _UNFINISHED
    made = unfinished / "market"
    told = None
    if not (unfinished / _COMPLETE).exists():
        resolutions = FILED if resolution is None else (Resolution(resolution),)
        if HalfMade(made, truth, resolutions).goes_on:
            say(f"Going on with the market that was begun in {folder}.")
        else:
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, exist_ok=True)
        told = _generate(made, truth, resolutions, workers)
        (unfinished / _COMPLETE).touch()
    for entry in sorted(made.iterdir()):
        entry.replace(folder / entry.name)
    shutil.rmtree(unfinished)
    return told


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
