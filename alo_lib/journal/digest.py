"""The digest of what a journal says, whoever wrote it, wherever and when."""

import hashlib
import struct
from collections.abc import Iterable
from typing import Final

import numpy as np

from alo_lib.records import Message

__all__ = ["message_digest"]

_DIGESTED: Final = struct.Struct("<qH")


def message_digest(messages: Iterable[Message]) -> str:
    """SHA-256 over every message's time, kind and records; remarks, which no decision depends on, do not count.

    So the digest is the same for every engine, durability, segment size and number of restarts.
    """
    digest = hashlib.sha256()
    for message in messages:
        if not message.kind.is_remark:
            digest.update(_DIGESTED.pack(message.time, int(message.kind)))
            digest.update(np.ascontiguousarray(message.records).tobytes())
    return digest.hexdigest()
