"""What a script's steps are as records, and what is compared of an event: all that an algorithm in LEAN imports."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alo_lib.records import Kind, OrderReason, Records, records

__all__ = ["CASH", "amendments_of", "intents_of", "told"]

CASH = 50_000_000.0


def intents_of(rows: Sequence[Sequence[Any]]) -> Records:
    """INTENT records of a step's orders."""
    found = records(Kind.INTENT, len(rows), limit=np.nan, reason=OrderReason.ENTRY)
    for row, (order, instrument, type_, quantity, group, limit) in zip(found, rows, strict=True):
        row["order"], row["instrument"], row["type"] = order, instrument, type_
        row["quantity"], row["group"] = quantity, group
        if limit is not None:
            row["limit"] = limit
    return found


def amendments_of(rows: Sequence[Sequence[Any]]) -> Records:
    """AMENDMENT records of a step's changes."""
    found = records(Kind.AMENDMENT, len(rows), limit=np.nan)
    for row, (order, cancel, limit) in zip(found, rows, strict=True):
        row["order"], row["cancel"] = order, cancel
        if limit is not None:
            row["limit"] = limit
    return found


def told(event: Records, time: int) -> list[Any]:
    """What is compared of an ORDER_EVENT record."""
    names = ("order", "instrument", "status", "type", "quantity", "price", "fee")
    return [time, *(event[name].item() for name in names)]
