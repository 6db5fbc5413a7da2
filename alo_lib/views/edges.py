"""The best edge that a run saw, and which limits stopped structures from being traded."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from alo_lib.records import ENTRY_LIMITS, Kind, legs_of, ratios_of
from alo_lib.records.spelling import spelled
from alo_lib.views.run import Run, Table, exchange_moment
from alo_lib.views.spoken import or_none, rounded
from alo_lib.views.structure_words import structure_in_words

__all__ = ["LIMITS", "best_edge_in_words", "edges_by_session", "edges_in_total", "points", "stops_in_words"]

_ENTRY_EDGE: Final = "entry-edge"
LIMITS: Final = (_ENTRY_EDGE, *map(spelled, ENTRY_LIMITS))
"""What can stop a structure, in the order in which it is asked; by the setting's name where one sets it."""
_WITHOUT_SETTING: Final = {
    "unknown-implied": "a leg without implied volatility",
    "split-pending": "a split to come",
    "session-block": "the end of a trade",
    "leg-held": "a leg held already",
    "halt": "a halt",
}
_MOST_DECIMALS: Final = 4


def edges_by_session(run: Run) -> dict[str, list[dict[str, Any]]]:
    """By underlying, a session each: ``best_edge``, None where none was ranked, and the frames of ``stopped_by``.

    ``entry-edge`` stops a frame in which none has the edge that it asks; of the other limits nothing is known here.
    """
    asked = float(run.says("settings.json", run.settings, "entry_edge", float))
    signals = run.table(Kind.SIGNAL)
    signals = signals.where(np.isfinite(signals.records["edge_volatility"]))
    opens = np.array([session.open for session in run.sessions], np.int64)
    found = {}
    for each in run.underlyings:
        own = signals.where(signals.records["underlying"] == each.number)
        places = [*np.searchsorted(own.time, opens).tolist(), len(own.time)]
        found[each.symbol] = [
            _offered(run, own.where(np.arange(first, end)), asked) for first, end in itertools.pairwise(places)
        ]
    return found


def edges_in_total(sessions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The best edge of some sessions, the earliest of equal ones, and by limit the frames and sessions that it stopped.

    Sessions are in the order of time.
    """
    told = list(sessions)
    bests = [each["best_edge"] for each in told if each["best_edge"]]
    stops = {limit: [each["stopped_by"].get(limit, 0) for each in told] for limit in LIMITS}
    return {
        "best_edge": max(bests, key=lambda best: float(best["edge_volatility"]), default=None),
        "stopped_by": {
            limit: {"frames": sum(frames), "sessions": sum(map(bool, frames))}
            for limit, frames in stops.items()
            if any(frames)
        },
    }


def best_edge_in_words(best: Mapping[str, Any]) -> str:
    """When it was seen, of what, and what was asked."""
    side = "bought" if best["side"] == "buy" else "sold"
    asked = points(best)[1]
    return f"at {best['new_york_time'][:16]} New York ({best['structure']}, {side}); {_ENTRY_EDGE} asks {asked}"


def points(best: Mapping[str, Any]) -> tuple[str, str]:
    """The best edge and what was asked, in volatility points, with as many decimals as tell one from the other."""
    edge, asked = best["edge_volatility"] * 100.0, best["entry_edge"] * 100.0
    for decimals in range(1, _MOST_DECIMALS + 1):
        shown = f"{edge:z,.{decimals}f}", f"{asked:z,.{decimals}f}"
        if abs(float(shown[1]) - asked) < 1e-9 and (shown[0] != shown[1] or edge == asked):
            break
    return shown


def stops_in_words(stopped_by: Mapping[str, int | Mapping[str, int]]) -> str:
    """Which limits stopped structures, and in how many frames, of a session or in total."""
    return ", ".join(f"{_WITHOUT_SETTING.get(limit, limit)} in {_often(count)}" for limit, count in stopped_by.items())


def _often(count: int | Mapping[str, int]) -> str:
    if isinstance(count, int):
        return _counted(count, "frame")
    frames, sessions = count["frames"], count["sessions"]
    return f"{_counted(frames, 'frame')} of {_counted(sessions, 'session')}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _offered(run: Run, signals: Table, asked: float) -> dict[str, Any]:
    """What the ranked structures of an underlying came to in a session."""
    if not len(signals.time):
        return {"best_edge": None, "stopped_by": {}}
    edges = signals.records["edge_volatility"]
    _, frames = np.unique(signals.time, return_index=True)
    below = int(np.count_nonzero(np.maximum.reduceat(edges, frames) < asked))
    best = int(np.argmax(edges))
    row = signals.records[best]
    return {
        "best_edge": {
            "new_york_time": exchange_moment(int(signals.time[best])),
            "structure": _structure(run, row),
            "side": "buy" if row["direction"] > 0 else "sell",
            "edge_volatility": rounded(float(row["edge_volatility"])),
            "entry_edge": asked,
            "implied_volatility": or_none(rounded(float(row["implied_volatility"]))),
            "forecast_volatility": or_none(rounded(float(row["forecast_volatility"]))),
        },
        "stopped_by": {_ENTRY_EDGE: below} if below else {},
    }


def _structure(run: Run, row: np.void) -> str:
    """With its underlying: ``GOOG straddle 2016-01-15 750``."""
    legs = [run.instruments[leg] for leg in legs_of(row)]
    told = structure_in_words(bytes(row["structure"]).decode(), legs, ratios_of(row))
    return f"{run.instruments[int(row['underlying'])].symbol} {told}"
