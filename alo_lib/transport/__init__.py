"""How records travel: the wire format, the ring between an engine's callbacks and the frames of the core, and what
processes share: rings, sequence-locked states, growing tables, and a bus of topics.

What a reader needs to know about layout, memory ordering and guarantees is in docs/transport.md.
"""

from alo_lib.transport.arena import Arena
from alo_lib.transport.bus import Bus, Member, Topic
from alo_lib.transport.errors import (
    ArenaFullError,
    NotOwnerError,
    RingFullError,
    SegmentError,
    StateBusyError,
    TransportError,
)
from alo_lib.transport.fan_in import FanIn
from alo_lib.transport.ownership import Owner
from alo_lib.transport.ring import Ring
from alo_lib.transport.segment import Segment, default_folder
from alo_lib.transport.shared_ring import (
    MessageConsumer,
    MessageProducer,
    MessageRing,
    RecordConsumer,
    RecordProducer,
    RecordRing,
)
from alo_lib.transport.state import Snapshot, State, StateWriter
from alo_lib.transport.table import Table, TableWriter
from alo_lib.transport.wire import HEADER, decode, encode

__all__ = [
    "HEADER",
    "Arena",
    "ArenaFullError",
    "Bus",
    "FanIn",
    "Member",
    "MessageConsumer",
    "MessageProducer",
    "MessageRing",
    "NotOwnerError",
    "Owner",
    "RecordConsumer",
    "RecordProducer",
    "RecordRing",
    "Ring",
    "RingFullError",
    "Segment",
    "SegmentError",
    "Snapshot",
    "State",
    "StateBusyError",
    "StateWriter",
    "Table",
    "TableWriter",
    "Topic",
    "TransportError",
    "decode",
    "default_folder",
    "encode",
]
