"""Dated interest rates to each expiry from a file that a user keeps, in LEAN's data folder or object store."""

from pathlib import Path

from AlgorithmImports import Globals, QCAlgorithm

from alo_lib.market.rate_curves import RateCurves, curve_store_key, curves_file, curves_of, read_curves
from alo_lib.market.text_files import in_place
from models.object_store import LeanObjectStore

__all__ = ["rate_curves"]


def rate_curves(algorithm: QCAlgorithm, name: str) -> RateCurves:
    """The curves of a name; those of the data folder, where it has such a file.

    :raises DataError: for a text that cannot be read, or where there is none.
    """
    path, key = curves_file(Path(str(Globals.data_folder)), name), curve_store_key(name)
    content = None if in_place(path) else LeanObjectStore(algorithm.object_store).read(key)
    return read_curves(path) if content is None else curves_of(content, key)
