"""What may move a made-up stock: one small module a dynamics, all of one interface."""

from typing import Annotated

from pydantic import Field

from alo_lib.market.generator.dynamics.constant import Constant
from alo_lib.market.generator.dynamics.garch import Garch
from alo_lib.market.generator.dynamics.heston import Heston
from alo_lib.market.generator.dynamics.interface import Dynamics, Nodes
from alo_lib.market.generator.dynamics.jumps import Jumps

__all__ = ["DYNAMICS", "AnyDynamics", "Constant", "Dynamics", "Garch", "Heston", "Jumps", "Nodes"]

AnyDynamics = Annotated[Constant | Garch | Heston, Field(discriminator="kind")]
"""One of them, told by its ``kind`` where it is read."""

DYNAMICS: dict[str, type[Constant] | type[Garch] | type[Heston]] = {
    "constant": Constant,
    "garch": Garch,
    "heston": Heston,
}
"""By the name that people give."""
