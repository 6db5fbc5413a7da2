"""What a core's gate knows of positions and orders, as the core and its host's side of it tell."""

from alo_lib.core.gate import Gate
from alo_lib.records import OrderType

__all__ = ["KnownBook"]


class KnownBook:
    """Tells what all that was let in and decided adds up to, whether or not a frame has taken it in."""

    _gate: Gate

    @property
    def holdings(self) -> dict[int, int]:
        """Signed quantities held, by instrument."""
        return self._gate.ledger.holdings

    @property
    def order_types(self) -> dict[int, OrderType]:
        """Type of each order that is not done, by its number."""
        return self._gate.ledger.order_types

    @property
    def orders_working(self) -> dict[int, tuple[int, int]]:
        """Instrument and signed quantity left of each order that was decided and is not done, by its number."""
        return self._gate.ledger.orders_working
