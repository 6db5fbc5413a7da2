"""Every structure, by its name."""

from collections.abc import Mapping
from typing import Final

from alo_lib.settings import Settings
from alo_lib.strategy.structures.calendar import CALENDAR
from alo_lib.strategy.structures.diagonal import DIAGONAL
from alo_lib.strategy.structures.iron_butterfly import IRON_BUTTERFLY
from alo_lib.strategy.structures.iron_condor import IRON_CONDOR
from alo_lib.strategy.structures.risk_reversal import RISK_REVERSAL
from alo_lib.strategy.structures.single import SINGLE
from alo_lib.strategy.structures.straddle import STRADDLE
from alo_lib.strategy.structures.strangle import STRANGLE
from alo_lib.strategy.structures.structure import Structure
from alo_lib.strategy.structures.vertical import VERTICAL

__all__ = ["STRUCTURES", "traded_structures"]

STRUCTURES: Final[Mapping[str, Structure]] = {
    each.name: each
    for each in (
        STRADDLE,
        STRANGLE,
        IRON_BUTTERFLY,
        IRON_CONDOR,
        VERTICAL,
        RISK_REVERSAL,
        CALENDAR,
        DIAGONAL,
        SINGLE,
    )
}
"""By the name that the setting ``structures`` gives them."""


def traded_structures(settings: Settings) -> list[Structure]:
    """Those of one underlying that are traded, as ``structures`` names them; dispersion is none of these."""
    return [STRUCTURES[name] for name in settings.structures if name in STRUCTURES]
