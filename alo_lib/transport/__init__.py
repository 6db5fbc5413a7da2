"""Memory that processes share: wire format, rings, sequence locks, histograms.

What a reader needs to know about layout, memory ordering and guarantees is in docs/transport.md.
"""

from alo_lib.transport.access import default_folder, make_folder
from alo_lib.transport.errors import (
    MessageError,
    NotOwnerError,
    RingFullError,
    SegmentError,
    SeqLockBusyError,
    TransportError,
)
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
from alo_lib.transport.wire import HEADER, decode, encode

__all__ = [
    "HEADER",
    "HistogramReading",
    "HistogramWriter",
    "Histograms",
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
    "TransportError",
    "Waiting",
    "decode",
    "default_folder",
    "encode",
    "make_folder",
]
