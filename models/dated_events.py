"""Dated events from the file that a user keeps: in LEAN's data folder, or the same text in its object store."""

from pathlib import Path

from AlgorithmImports import Globals, QCAlgorithm

from alo_lib.market.event_files import DatedEvent, event_store_key, events_file, events_of, read_events
from models.object_store import LeanObjectStore

__all__ = ["dated_events"]


def dated_events(algorithm: QCAlgorithm, ticker: str) -> tuple[DatedEvent, ...]:
    """The events of an underlying; those of the data folder, where it has such a file.

    :raises DataError: for a text that cannot be read.
    """
    path = events_file(Path(str(Globals.data_folder)), ticker)
    if path.exists():
        return read_events(path)
    key = event_store_key(ticker)
    content = LeanObjectStore(algorithm.object_store).read(key)
    return () if content is None else events_of(content, key)
