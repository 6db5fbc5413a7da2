"""What a broker or a host holds of an instrument."""

from typing import Final, NamedTuple

__all__ = ["NOTHING_HELD", "HostPosition"]


class HostPosition(NamedTuple):
    """A position as a broker tells it, or a host believes it."""

    quantity: int  # signed
    price: float  # average, a share


NOTHING_HELD: Final = HostPosition(0, 0.0)
