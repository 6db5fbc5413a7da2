"""When a session is too near its end to begin what takes time."""

from typing import Final

from alo_lib.records import SECOND
from alo_lib.settings import Settings
from alo_lib.strategy.state import StrategyState

__all__ = ["closes_soon"]

_LAST_BARS: Final = 2.0
"""Closing what was opened takes a bar or two."""


def closes_soon(state: StrategyState, settings: Settings, time: int, patience: float = 0.0) -> bool:
    """Whether an open session ends within its last two bars, or within so many seconds of patience."""
    session, bars = state.session, _LAST_BARS * settings.bar_nanoseconds / SECOND
    return session is not None and session.is_open(time) and session.seconds_to_close(time) <= max(patience, bars)
