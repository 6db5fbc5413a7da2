"""Texts that a user keeps, of dated events and of interest rates: in LEAN's data folder, or in its object store."""

from pathlib import Path

from AlgorithmImports import Globals, QCAlgorithm

from alo_lib.market.event_files import DatedEvent, event_store_key, events_file, events_of, read_events
from alo_lib.market.rate_curves import RateCurves, curve_store_key, curves_file, curves_of, read_curves
from alo_lib.market.text_files import in_place
from models.object_store import LeanObjectStore

__all__ = ["dated_events", "rate_curves"]


def dated_events(algorithm: QCAlgorithm, ticker: str) -> tuple[DatedEvent, ...]:
    """The events of an underlying; those of the data folder, where it has such a file.

    :raises DataError: for a text that cannot be read.
    """
    path, key = events_file(_folder(), ticker), event_store_key(ticker)
    if in_place(path):
        return read_events(path)
    content = LeanObjectStore(algorithm.object_store).read(key)
    return () if content is None else events_of(content, key)


def rate_curves(algorithm: QCAlgorithm, name: str) -> RateCurves:
    """The curves of a name; those of the data folder, where it has such a file.

    :raises DataError: for a text that cannot be read, or where there is none.
    """
    path, key = curves_file(_folder(), name), curve_store_key(name)
    content = None if in_place(path) else LeanObjectStore(algorithm.object_store).read(key)
    return read_curves(path) if content is None else curves_of(content, key)


def _folder() -> Path:
    return Path(str(Globals.data_folder))
