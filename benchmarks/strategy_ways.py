"""What the benchmark of the strategy compares: ways to trade, the markets they are for, and the order of the runs."""

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any, Final

from benchmarks.strategy_markets import NO_EDGE, PLANTED, Task, Way

__all__ = [
    "DEFAULT",
    "LEVEL",
    "OWN_EDGE",
    "PROPOSED",
    "ROUNDS",
    "SHORT",
    "SMILE",
    "STEPS",
    "STRATEGIES",
    "TRUTH",
    "TUNED",
    "WITHOUT",
    "structure_way",
    "tasks_of",
]

PROPOSED: Final[dict[str, Any]] = {
    "intraday_forecast": True,
    "entry_edge": 0.0,
    "exit_edge": -1.0,
    "stop_loss": 10.0,
    "max_holding_days": 365.0,
    "min_days_to_expiry": 20,
    "max_days_to_expiry": 45,
    "exit_days_to_expiry": 1.0,
}
"""Forecasts that know of today's move, and trades of a month that are held until it has been earned."""

_MONTH: Final = ("min_days_to_expiry", "max_days_to_expiry")
_HELD: Final = ("exit_edge", "max_holding_days", "exit_days_to_expiry")
_ALWAYS: Final = PROPOSED | {"entry_edge": -1.0}
_SKEWED: Final = {"fair_smile": "market", "skew_reversion": 1.0}

LEVEL, SKEW, TERM = (name for name in PLANTED if name != NO_EDGE)
OWN_EDGE: Final = {
    "straddle": LEVEL,
    "strangle": LEVEL,
    "iron-butterfly": LEVEL,
    "iron-condor": LEVEL,
    "single": LEVEL,
    "vertical": SKEW,
    "risk-reversal": SKEW,
    "calendar": TERM,
    "diagonal": TERM,
}
"""The market that each structure is for."""

DEFAULT: Final = Way("straddle, default settings")
TUNED: Final = Way("straddle, proposed settings", PROPOSED)
SMILE: Final = Way("straddle, proposed settings, market's smile", PROPOSED | {"fair_smile": "market"})
SHORT: Final = Way("straddle, proposed settings, sold only", PROPOSED | {"direction": "short"})
TRUTH: Final = Way("straddle, proposed settings, true forecast", PROPOSED, "truth")


def _some(*names: str) -> dict[str, Any]:
    return {"fair_smile": "market"} | {name: PROPOSED[name] for name in names}


STEPS: Final = (
    Way("straddle, market's smile", _some()),
    Way("straddle, market's smile, held", _some(*_HELD)),
    Way("straddle, market's smile, held, of a month", _some(*_HELD, *_MONTH)),
    Way("straddle, market's smile, held, of a month, at any edge", _some(*_HELD, *_MONTH, "entry_edge")),
)
"""From the default settings to those proposed, a step after the other."""
WITHOUT: Final = tuple(
    Way(f"straddle, all proposed but {what}", {name: SMILE.settings[name] for name in SMILE.settings.keys() - left})
    for what, left in {
        "the month": {*_MONTH},
        "forecasts within the session": {"intraday_forecast"},
        "any edge": {"entry_edge"},
        "the stop": {"stop_loss"},
        "the last days": {"exit_days_to_expiry"},
        "the holding time": {"max_holding_days"},
        "the edge that ends": {"exit_edge"},
    }.items()
)
"""All that is proposed, but one setting as by default."""
STRATEGIES: Final = frozenset(way.name for way in (DEFAULT, TUNED, SMILE, SHORT, TRUTH))
"""What is judged: the strategy itself."""
RIVALS: Final = (
    Way("always short a straddle", _ALWAYS | {"direction": "short"}),
    Way("always long a straddle", _ALWAYS | {"direction": "long"}),
    Way("straddle by the rank of implied volatility", _ALWAYS, "rank"),
)

ROUNDS: Final = ("strategy", "rivals", "steps", "structures")
"""What can be run, what is asked first in front."""
_BLOCK: Final = 10
"""Seeds of which one market is run after the other, so that an interrupted run has as many of each."""


def structure_way(name: str) -> Way:
    """One structure alone, by the proposed settings; those of the skew look at the market's smile."""
    if name == "straddle":
        return TUNED
    later = {"max_days_to_expiry": 90} if OWN_EDGE[name] == TERM else {}
    return Way(name, PROPOSED | {"structures": name} | later | (_SKEWED if OWN_EDGE[name] == SKEW else {}))


def tasks_of(seeds: range, end: dt.date, rounds: Collection[str] = ROUNDS) -> Iterator[Task]:
    """All that is to be run, what is asked first in front: so that what was run when time is up answers that.

    First the strategy, with an edge and without one; then the truth and the rivals; then the steps between
    the settings; then each structure on each edge.
    """
    each = tuple(structure_way(name) for name in OWN_EDGE if name != "straddle")
    parts: dict[str, dict[str, tuple[Way, ...]]] = {
        "strategy": {LEVEL: (DEFAULT, TUNED, SMILE), NO_EDGE: (DEFAULT, TUNED, SMILE)},
        "rivals": {LEVEL: (TRUTH, SHORT, *RIVALS), NO_EDGE: (SHORT, *RIVALS)},
        "steps": {LEVEL: (*STEPS, *WITHOUT), NO_EDGE: (*STEPS, *WITHOUT)},
        "structures": {market: each if market in (NO_EDGE, LEVEL) else (TUNED, *each) for market in PLANTED},
    }
    for markets in (parts[name] for name in ROUNDS if name in rounds):
        for start in range(0, len(seeds), _BLOCK):
            for market, ways in markets.items():
                yield from (Task(seed, market, end, ways) for seed in seeds[start : start + _BLOCK])
