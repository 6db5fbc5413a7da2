"""Greeks in people's units, and what the raw derivatives of the library are in.

The library and JSON have raw derivatives: volatility, rate and yield change by 1.00, time by a year. People read vega
and rho for a percentage point, theta and charm for a day.
"""

from typing import Any, Final, NamedTuple

from alo_lib.records import DAYS_A_YEAR

__all__ = ["PEOPLES", "RAW_UNITS", "PeoplesUnit", "shown"]

_POINT: Final = 0.01
_DAY: Final = 1.0 / DAYS_A_YEAR


class PeoplesUnit(NamedTuple):
    """How a greek is shown: its title with the unit, and the factor from the raw derivative."""

    title: str
    scale: float


PEOPLES: Final = {
    "delta": PeoplesUnit("delta", 1.0),
    "gamma": PeoplesUnit("gamma", 1.0),
    "vega": PeoplesUnit("vega/pt", _POINT),
    "theta": PeoplesUnit("theta/day", _DAY),
    "rho": PeoplesUnit("rho/pt", _POINT),
    "epsilon": PeoplesUnit("epsilon/pt", _POINT),
    "vanna": PeoplesUnit("vanna/pt", _POINT),
    "volga": PeoplesUnit("volga/pt²", _POINT**2),
    "charm": PeoplesUnit("charm/day", _DAY),
}
"""Greeks as tables and pages show them; a point is a hundredth of volatility, rate or yield."""

RAW_UNITS: Final = {
    "delta": "price per 1.00 of spot",
    "gamma": "delta per 1.00 of spot",
    "vega": "price per 1.00 of volatility",
    "theta": "price per year",
    "rho": "price per 1.00 of rate",
    "epsilon": "price per 1.00 of dividend yield",
    "vanna": "delta per 1.00 of volatility",
    "volga": "vega per 1.00 of volatility",
    "charm": "delta per year",
}
"""Units of the raw derivatives, as JSON names them beside the figures."""


def shown(name: str, value: Any) -> Any:
    """A raw greek in people's units, None where there is none; anything else as it is."""
    return value * PEOPLES[name].scale if name in PEOPLES and value is not None else value
