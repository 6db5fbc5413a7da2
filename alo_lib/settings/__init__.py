"""All settings of a run: one typed object, filled from config.json's parameters and the command line.

A setting stands in the module of its group; :class:`Settings` is all of them.
"""

from alo_lib.settings.limits import LIMITS
from alo_lib.settings.settings import Parameters, Settings, SettingsError
from alo_lib.settings.units import CONTRACTS_A_STRIKE, CORE_NAME, LARGEST_MOVE, Unit

__all__ = [
    "CONTRACTS_A_STRIKE",
    "CORE_NAME",
    "LARGEST_MOVE",
    "LIMITS",
    "Parameters",
    "Settings",
    "SettingsError",
    "Unit",
]
