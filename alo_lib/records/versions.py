"""Which versions of the layouts are read, and how records of an earlier one become those of this program."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from alo_lib.records.kinds import Kind
from alo_lib.records.layouts import LAYOUTS, SCHEMA_VERSION, Records

__all__ = ["READ_SCHEMAS", "layout_of", "records_of"]

_BEFORE: Final[Mapping[int, Mapping[Kind, np.dtype[np.void]]]] = {9: {}}
"""By each earlier schema that is read, the layouts that were other ones then. 9 had neither OPERATOR nor ADOPTION."""

READ_SCHEMAS: Final = (*_BEFORE, SCHEMA_VERSION)


def layout_of(kind: Kind, schema: int) -> "np.dtype[np.void]":
    """The layout of a kind in a schema that is read."""
    return _BEFORE.get(schema, {}).get(kind, LAYOUTS[kind])


def records_of(kind: Kind, rows: Records) -> Records:
    """Records of an earlier layout in today's: a field by its name, zero where it was not there."""
    made = np.zeros(len(rows), LAYOUTS[kind])
    for name in made.dtype.names or ():
        if name in (rows.dtype.names or ()):
            made[name] = rows[name]
    return made
