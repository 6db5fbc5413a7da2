"""The bytes of a message in a ring: a fixed header, then the records as they lie in memory."""

import struct
from typing import Final

import numpy as np

from alo_lib.records import LAYOUTS, Kind, Message
from alo_lib.transport.errors import MessageError

__all__ = ["HEADER", "decode", "encode"]

HEADER: Final = struct.Struct("<IHHq")
"""Payload length in bytes, kind, zero, time: 16 bytes, so that records stay aligned to eight."""

_KINDS: Final = {int(kind): kind for kind in Kind}


def encode(message: Message) -> bytes:
    """The message's bytes."""
    payload = np.ascontiguousarray(message.records).tobytes()
    return HEADER.pack(len(payload), message.kind, 0, message.time) + payload


def decode(data: bytes) -> Message:
    """The message that :func:`encode` made ``data`` of; its records are read-only.

    :raises MessageError: for a kind that there is not, or bytes that are not its records.
    """
    length, number, _, time = HEADER.unpack_from(data)
    kind = _KINDS.get(number)
    if kind is None:
        raise MessageError(f"kind {number} is none that this program knows")
    layout = LAYOUTS[kind]
    if length % layout.itemsize:
        raise MessageError(f"{length} bytes are no whole {kind.name} records of {layout.itemsize}")
    return Message(kind, time, np.frombuffer(data, layout, length // layout.itemsize, HEADER.size))
