"""The formats, by the names that people type."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from alo_lib.market.importing.formats.cboe import cboe_files
from alo_lib.market.importing.formats.databento import databento_files
from alo_lib.market.importing.formats.described import described_files
from alo_lib.market.importing.formats.interactive_brokers import interactive_brokers_files
from alo_lib.market.importing.formats.optionsdx import optionsdx_files
from alo_lib.market.importing.formats.polygon import polygon_files
from alo_lib.market.importing.formats.thetadata import thetadata_files
from alo_lib.market.importing.run import Format

__all__ = ["FORMATS", "format_named"]

FORMATS: Final[Mapping[str, Callable[[Mapping[str, Any]], Format]]] = {
    "csv": described_files,
    "optionsdx": optionsdx_files,
    "thetadata": thetadata_files,
    "cboe": cboe_files,
    "polygon": polygon_files,
    "databento": databento_files,
    "ib": interactive_brokers_files,
}
"""What makes a format of the command's options."""


def format_named(name: str, options: Mapping[str, Any]) -> Format:
    """The format of a name, with what its user says of the files.

    :raises DataError: for options that it cannot be read with.
    """
    return FORMATS[name](options)
