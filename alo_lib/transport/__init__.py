"""Memory that processes share: wire format, rings, sequence locks, stable vectors, histograms, a bus of topics.

What a reader needs to know about layout, memory ordering and guarantees is in docs/transport.md.
"""

from alo_lib.transport.access import default_folder, make_folder
from alo_lib.transport.arena import Arena
from alo_lib.transport.bus import Bus, Member, Topic
from alo_lib.transport.errors import (
    ArenaFullError,
    MessageError,
    NotOwnerError,
    RingFullError,
    SegmentError,
    SeqLockBusyError,
    TransportError,
)
from alo_lib.transport.fan_in import FanIn
from alo_lib.transport.histogram import HistogramReading, Histograms, HistogramWriter
from alo_lib.transport.ownership import Owner
from alo_lib.transport.ring import (
    MessageConsumer,
    MessageProducer,
    MessageRing,
    RecordConsumer,
    RecordProducer,
    RecordRing,
    Waiting,
)
from alo_lib.transport.segment import Segment
from alo_lib.transport.seqlock import Reading, SeqLock, SeqLockWriter
from alo_lib.transport.stable_vector import StableVector, StableVectorWriter
from alo_lib.transport.wire import HEADER, decode, encode

__all__ = [
    "HEADER",
    "Arena",
    "ArenaFullError",
    "Bus",
    "FanIn",
    "HistogramReading",
    "HistogramWriter",
    "Histograms",
    "Member",
    "MessageConsumer",
    "MessageError",
    "MessageProducer",
    "MessageRing",
    "NotOwnerError",
    "Owner",
    "Reading",
    "RecordConsumer",
    "RecordProducer",
    "RecordRing",
    "RingFullError",
    "Segment",
    "SegmentError",
    "SeqLock",
    "SeqLockBusyError",
    "SeqLockWriter",
    "StableVector",
    "StableVectorWriter",
    "Topic",
    "TransportError",
    "Waiting",
    "decode",
    "default_folder",
    "encode",
    "make_folder",
]
