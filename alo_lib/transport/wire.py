"""The bytes of a message in a ring: a fixed header, then the records as they lie in memory."""

import struct
from typing import Final

import numpy as np

from alo_lib.records import LAYOUTS, Kind, Message

__all__ = ["HEADER", "decode", "encode"]

HEADER: Final = struct.Struct("<IHHq")
"""Payload length in bytes, kind, zero, time: 16 bytes, so that records stay aligned to eight."""


def encode(message: Message) -> bytes:
    """The message's bytes."""
    payload = np.ascontiguousarray(message.records).tobytes()
    return HEADER.pack(len(payload), message.kind, 0, message.time) + payload


def decode(data: bytes) -> Message:
    """The message that :func:`encode` made ``data`` of; its records are read-only."""
    length, kind, _, time = HEADER.unpack_from(data)
    layout = LAYOUTS[Kind(kind)]
    return Message(Kind(kind), time, np.frombuffer(data, layout, length // layout.itemsize, HEADER.size))
