"""What the benchmark of the strategy compares: ways to trade, the markets they are for, and the order of the runs."""

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any, Final

from benchmarks.strategy_markets import NO_EDGE, PLANTED, Task, Way

__all__ = [
    "BEFORE",
    "DEFAULT",
    "EAGER",
    "FLEETING",
    "LEVEL",
    "MORE",
    "OWN_EDGE",
    "ROUNDS",
    "SHORT",
    "STEPS",
    "STRATEGIES",
    "TRUTH",
    "careful_way",
    "structure_way",
    "tasks_of",
]

EAGER: Final[dict[str, Any]] = {
    "intraday_forecast": True,
    "entry_edge": 0.0,
    "min_days_to_expiry": 20,
    "max_days_to_expiry": 45,
}
"""Whatever has an edge, by forecasts that know of today's move, of a month to expiry."""

FLEETING: Final[dict[str, Any]] = {
    "fair_smile": "flat",
    "exit_edge": 0.0,
    "max_holding_days": 30.0,
    "exit_days_to_expiry": 6.0,
}
"""One fair volatility of an expiry, and an end as soon as the edge seems gone: what defaults were before."""

_MONTH: Final = ("min_days_to_expiry", "max_days_to_expiry")
_ALWAYS: Final = EAGER | {"entry_edge": -1.0, "stop_loss": 10.0}

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
BEFORE: Final = Way("straddle, fleeting", FLEETING)
MORE: Final = Way("straddle, eager", EAGER)
SHORT: Final = Way("straddle, default settings, sold only", {"direction": "short"})
TRUTH: Final = Way("straddle, eager, true forecast", EAGER, "truth")
"""Two points less costs are less than the default `entry-edge`, so that by default the truth trades nothing."""

STEPS: Final = (
    *(
        Way(f"straddle, default settings but {what}", {name: FLEETING[name] for name in names})
        for what, names in {
            "one volatility of an expiry": ("fair_smile",),
            "what ends trades": ("exit_edge", "max_holding_days", "exit_days_to_expiry"),
            "the edge that ends": ("exit_edge",),
            "the holding time": ("max_holding_days",),
            "the last days": ("exit_days_to_expiry",),
        }.items()
    ),
    *(
        Way(f"straddle, default settings and {what}", {name: EAGER[name] for name in names})
        for what, names in {
            "a month": _MONTH,
            "any edge": ("entry_edge",),
            "forecasts within the session": ("intraday_forecast",),
        }.items()
    ),
)
"""A step from the default settings, back to what is fleeting or on to what is eager."""
STRATEGIES: Final = frozenset(way.name for way in (DEFAULT, MORE, SHORT, TRUTH))
"""What is judged: the strategy itself."""
RIVALS: Final = (
    Way("always short a straddle", _ALWAYS | {"direction": "short"}),
    Way("always long a straddle", _ALWAYS | {"direction": "long"}),
    Way("straddle by the rank of implied volatility", _ALWAYS, "rank"),
)

ROUNDS: Final = ("strategy", "rivals", "steps", "structures", "careful")
"""What can be run, what is asked first in front."""
_BLOCK: Final = 10
"""Seeds of which one market is run after the other, so that an interrupted run has as many of each."""


def structure_way(name: str) -> Way:
    """One structure alone, at any edge; what is of the term structure has the farther expiries, too."""
    later = {"max_days_to_expiry": 90} if OWN_EDGE[name] == TERM else {}
    return MORE if name == "straddle" else Way(name, EAGER | _alone(name) | later)


def careful_way(name: str) -> Way:
    """One structure alone by the default settings, whose edge must be two points after costs."""
    return Way(f"{name}, default settings", _alone(name))


def _alone(name: str) -> dict[str, Any]:
    return {"structures": name} | ({"skew_reversion": 1.0} if OWN_EDGE[name] == SKEW else {})


def tasks_of(seeds: range, end: dt.date, rounds: Collection[str] = ROUNDS) -> Iterator[Task]:
    """All that is to be run, what is asked first in front: so that what was run when time is up answers that.

    First the strategy, with an edge and without one; then the truth and the rivals; then the steps between
    the settings; then each structure on each edge, and on its own by the default settings.
    """
    each = tuple(structure_way(name) for name in OWN_EDGE if name != "straddle")
    parts: dict[str, dict[str, tuple[Way, ...]]] = {
        "strategy": {LEVEL: (DEFAULT, MORE, BEFORE), NO_EDGE: (DEFAULT, MORE, BEFORE)},
        "rivals": {LEVEL: (TRUTH, SHORT, *RIVALS), NO_EDGE: (SHORT, *RIVALS)},
        "steps": {LEVEL: STEPS, NO_EDGE: STEPS},
        "careful": {
            market: tuple(careful_way(name) for name, own in OWN_EDGE.items() if own == market and name != "straddle")
            for market in (LEVEL, SKEW, TERM)
        },
        "structures": {market: each if market in (NO_EDGE, LEVEL) else (MORE, *each) for market in PLANTED},
    }
    for markets in (parts[name] for name in ROUNDS if name in rounds):
        for start in range(0, len(seeds), _BLOCK):
            for market, ways in markets.items():
                yield from (Task(seed, market, end, ways) for seed in seeds[start : start + _BLOCK])
