"""Outcomes of the benchmark of the strategy, kept in files, so that hours of runs can be interrupted and gone on with.

A file is one way's outcome in one market of one seed. Its folder names the program that traded and the market and
settings that it traded by: what another program or other settings made is never taken for it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from alo_lib.core import program
from alo_lib.records.whole_files import write_whole

__all__ = ["Kept", "Outcome"]

_TRADES: Final = (
    "alo_lib.simulation.engine",
    "alo_lib.market.generator.market",
    "alo_lib.views.attribution",
    "alo_lib.views.performance",
)
"""What makes an outcome, beside the benchmark's own sources."""
_OWN: Final = ("strategy_files.py", "strategy_markets.py", "strategy_truth.py")
_DIGITS: Final = 12


class Outcome(NamedTuple):
    """What one way earned in one market, money."""

    profit: float
    trades: int
    luck: float
    edge: float
    costs: float
    carry: float
    parts: dict[str, float]
    """Of the attribution."""
    returns: tuple[float, ...]
    """Of each session."""
    seconds: float
    """Of a processor, that it took to trade."""

    @property
    def financed(self) -> float:
        """Profit, had what was held been financed at the rate."""
        return self.profit - self.carry

    @property
    def without_luck(self) -> float:
        """The same less what has the mean zero: so of the same mean."""
        return self.edge + self.costs


class Kept:
    """A folder of outcomes; several processes may write into it at once."""

    def __init__(self, folder: Path, program_name: str | None = None) -> None:
        """With the name of another ``program_name`` its outcomes are read."""
        self.program = program_name or _program()
        self._folder = folder / self.program

    def find(self, market: str, way: str, made_from: Any, seed: int) -> Outcome | None:
        """The outcome of a seed, None while there is none. ``made_from`` is all that it depends on, for JSON."""
        path = self._path(market, way, made_from, seed)
        if not path.is_file():
            return None
        values = json.loads(path.read_bytes())
        return Outcome(**values | {"returns": tuple(values["returns"])})

    def keep(self, market: str, way: str, made_from: Any, seed: int, outcome: Outcome) -> None:
        """Write the outcome of a seed, whole or not at all."""
        path = self._path(market, way, made_from, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        about = path.with_name("about.json")
        if not about.is_file():
            write_whole(about, json.dumps({"market": market, "way": way, "made_from": made_from}, indent=1) + "\n")
        write_whole(path, json.dumps(outcome._asdict()) + "\n")

    def _path(self, market: str, way: str, made_from: Any, seed: int) -> Path:
        digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:_DIGITS]
        name = "".join(letter if letter.isalnum() else "-" for letter in f"{market}--{way}")
        return self._folder / f"{name}--{digest}" / f"{seed:05d}.json"


def _program() -> str:
    """Names the sources that make an outcome."""
    digest = hashlib.sha256(program(_TRADES).encode())
    for name in _OWN:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()[:_DIGITS]
