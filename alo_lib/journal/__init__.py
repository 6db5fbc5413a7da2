"""The journal: every input and every decision of a run, in one sequence, checked entry by entry."""

from alo_lib.journal.format import OBJECT_STORE_KEY, JournalError
from alo_lib.journal.orders import Order, order_digest, orders_of
from alo_lib.journal.reader import Journal, read_journal
from alo_lib.journal.writer import JournalWriter, message_digest

__all__ = [
    "OBJECT_STORE_KEY",
    "Journal",
    "JournalError",
    "JournalWriter",
    "Order",
    "message_digest",
    "order_digest",
    "orders_of",
    "read_journal",
]
