"""The journal: every input and every decision of a run, in one sequence, checked entry by entry."""

from alo_lib.journal.archive import ARCHIVE_SUFFIX, Archived, archive_journal, restore_journal
from alo_lib.journal.digest import message_digest
from alo_lib.journal.eras import Era, eras_of
from alo_lib.journal.files import Files
from alo_lib.journal.folders import holds_journal, journal_folder_of
from alo_lib.journal.format import (
    JOURNAL_FOLDER,
    OBJECT_STORE_COPY,
    OBJECT_STORE_KEY,
    Durability,
    JournalError,
    object_store_key,
)
from alo_lib.journal.growing import GrowingJournal
from alo_lib.journal.journal import Journal
from alo_lib.journal.left_out import leave_out
from alo_lib.journal.lock import JournalHeldError, require_no_writer
from alo_lib.journal.object_store import LiveObjectStoreJournal, ObjectStoreJournal
from alo_lib.journal.orders import Order, order_digest, orders_of
from alo_lib.journal.places import Found, JournalFolder, JournalPlace
from alo_lib.journal.reader import read_journal, still_being_written
from alo_lib.journal.recovery import Recovered, recover, start_after
from alo_lib.journal.segments import messages_of, places_of
from alo_lib.journal.snapshots import (
    Snapshot,
    Snapshots,
    SnapshotStore,
    decode_snapshot,
    encode_snapshot,
    entry_checksum,
)
from alo_lib.journal.store import FolderStore, MemoryStore, Store
from alo_lib.journal.stored_segments import segments_in_object_store, segments_of, take_from_object_store
from alo_lib.journal.stored_volume import ObjectStore, StoreFullError
from alo_lib.journal.volumes import Volume, preface_of, volume_begins, volume_of
from alo_lib.journal.writer import Clocks, JournalWriter, WriterStart

__all__ = [
    "ARCHIVE_SUFFIX",
    "JOURNAL_FOLDER",
    "OBJECT_STORE_COPY",
    "OBJECT_STORE_KEY",
    "Archived",
    "Clocks",
    "Durability",
    "Era",
    "Files",
    "FolderStore",
    "Found",
    "GrowingJournal",
    "Journal",
    "JournalError",
    "JournalFolder",
    "JournalHeldError",
    "JournalPlace",
    "JournalWriter",
    "LiveObjectStoreJournal",
    "MemoryStore",
    "ObjectStore",
    "ObjectStoreJournal",
    "Order",
    "Recovered",
    "Snapshot",
    "SnapshotStore",
    "Snapshots",
    "Store",
    "StoreFullError",
    "Volume",
    "WriterStart",
    "archive_journal",
    "decode_snapshot",
    "encode_snapshot",
    "entry_checksum",
    "eras_of",
    "holds_journal",
    "journal_folder_of",
    "leave_out",
    "message_digest",
    "messages_of",
    "object_store_key",
    "order_digest",
    "orders_of",
    "places_of",
    "preface_of",
    "read_journal",
    "recover",
    "require_no_writer",
    "restore_journal",
    "segments_in_object_store",
    "segments_of",
    "start_after",
    "still_being_written",
    "take_from_object_store",
    "volume_begins",
    "volume_of",
]
