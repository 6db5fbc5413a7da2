"""How records travel: the wire format and the ring between an engine's callbacks and the frames of the core."""

from alo_lib.transport.ring import Ring, RingFullError
from alo_lib.transport.wire import HEADER, decode, encode

__all__ = ["HEADER", "Ring", "RingFullError", "decode", "encode"]
