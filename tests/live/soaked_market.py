"""The market of a soak: a made one of one name, with few contracts, whose options cost more than they are worth."""

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from alo_lib.cli.project import ROOT

__all__ = ["SETTINGS", "TICKER", "at", "days_of", "make_market"]

TICKER: Final = "ALFA"
_FIRST: Final = dt.date(2024, 1, 22)
_DAYS: Final = [_FIRST + dt.timedelta(days=7 * week + day) for week in range(2) for day in range(5)]
_MADE: Final = {
    "start": _DAYS[0],
    "end": _DAYS[-1] + dt.timedelta(days=3),  # the universe of a day beyond
    "name": f"{TICKER}:100",
    "dividend": 0,
    "edge": f"{TICKER}=0.03:0.01:2",
    "history-days": 300,
    "quote-minutes": 1,
    "resolution": "minute",
}
_LISTED: Final = ("strikes=7", "weeklies=4", "monthlies=2")
SETTINGS: Final[dict[str, Any]] = {
    "underlyings": TICKER,
    "start": str(_DAYS[0]),
    "end": str(_DAYS[-1]),
    "max_contracts": 28,
    "cash": 1_000_000,
}


def days_of(count: int) -> list[dt.date]:
    """The first of them: two weeks of weekdays without a holiday."""
    return _DAYS[:count]


def at(day: dt.date, time: str) -> float:
    """A time in New York, in winter, as seconds UTC."""
    return dt.datetime.fromisoformat(f"{day} {time}-05:00").timestamp()


def make_market(folder: Path) -> Path:
    """Make it where it is not there whole; returns its folder."""
    made = folder.with_suffix(".made")
    if not made.exists():
        command = [sys.executable, "-m", "alo_lib.cli", "generate", "--output", str(folder)]
        command += [word for name, value in _MADE.items() for word in (f"--{name}", str(value))]
        command += [word for listed in _LISTED for word in ("--listing", listed)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        made.touch()
    return folder
