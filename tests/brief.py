"""Settings of trades that begin and end within days of scripted data, which most tests of mechanics are of."""

from typing import Any, Final

__all__ = ["BRIEF"]

BRIEF: Final[dict[str, Any]] = {
    "fair_smile": "flat",
    "exit_edge": 0.0,
    "max_holding_days": 30.0,
    "exit_days_to_expiry": 6.0,
}
"""One fair volatility of an expiry, and an end as soon as the edge is gone."""
