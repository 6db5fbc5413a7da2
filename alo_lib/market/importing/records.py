"""Rows by contract and time in one array: how pieces of an import, and what a folder has already, become one."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import BAR_DTYPES, CONTRACT, Bars, OptionBars
from alo_lib.market.importing.rows import NOT_TOLD
from alo_lib.market.layout import DataKind

__all__ = ["RECORD_DTYPES", "Disagreement", "combined", "joined", "of_bars", "of_chain", "to_bars", "to_chain"]

_KEY: Final = tuple(CONTRACT.names or ())
RECORD_DTYPES: Final = {kind: np.dtype(CONTRACT.descr + dtype.descr) for kind, dtype in BAR_DTYPES.items()}
"""A contract's columns (right 0 for none), then a bar's."""
_SIDES: Final = ("bid", "ask")

Records = NDArray[np.void]


class Disagreement(NamedTuple):
    """Two rows for one contract and time: what the folder has, and what would take its place."""

    old: np.void
    new: np.void


def of_bars(contract: NDArray[np.void], bars: Bars, kind: DataKind) -> Records:
    """Bars with their contracts (n,) as records."""
    records = np.zeros(len(bars), RECORD_DTYPES[kind])
    for name in _KEY:
        records[name] = contract[name]
    for name in bars.dtype.names or ():
        records[name] = bars[name]
    return records


def of_chain(chain: OptionBars, kind: DataKind) -> Records:
    """A chain's rows as records."""
    return of_bars(chain.contracts[chain.contract], chain.bars, kind)


def to_bars(records: Records, kind: DataKind) -> Bars:
    """Records without their contracts."""
    bars = np.zeros(len(records), BAR_DTYPES[kind])
    for name in bars.dtype.names or ():
        bars[name] = records[name]
    return bars


def to_chain(records: Records, kind: DataKind) -> OptionBars:
    """Records as a chain, in time order."""
    keys = np.zeros(len(records), CONTRACT)
    for name in _KEY:
        keys[name] = records[name]
    contracts, contract = np.unique(keys, return_inverse=True)
    bars = to_bars(records, kind)
    order = np.lexsort((contract, bars["time"]))
    return OptionBars(contracts, contract[order].astype(np.int32), bars[order])


def _sorted(records: Records) -> tuple[Records, NDArray[np.intp]]:
    """By contract and time, those of one time as they came; and where each contract and time begins."""
    order = np.lexsort((records["time"], records["right"], records["strike"], records["expiry"]))
    records = records[order]
    changes = np.ones(len(records), np.bool_)
    if len(records):
        changes[1:] = False
        for name in (*_KEY, "time"):
            changes[1:] |= records[name][1:] != records[name][:-1]
    return records, np.flatnonzero(changes)


def _same(a: Records, b: Records) -> NDArray[np.bool_]:
    """Which rows agree in every value; no value agrees with none."""
    agree = np.ones(len(a), np.bool_)
    for name in a.dtype.names or ():
        both = a[name] == b[name]
        if a.dtype[name].kind == "f":
            both |= np.isnan(a[name]) & np.isnan(b[name])
        agree &= both
    return agree


def combined(records: Records, kind: DataKind) -> tuple[Records, int]:
    """One row a contract and time, and how many rows were passed over because a later one says otherwise.

    Of rows that tell of different sides of a quote one is made; a side that nobody tells of is missing.
    """
    records, starts = _sorted(records)
    ends = np.append(starts[1:], len(records))
    again = np.ones(len(records), np.bool_)
    again[starts] = False
    if kind is not DataKind.QUOTE:
        other = again[1:] & ~_same(records[1:], records[:-1])
        return records[ends - 1], int(other.sum())
    made, passed = records[ends - 1].copy(), 0
    place = np.arange(len(records))
    for side in _SIDES:
        told = records[f"{side}_size"] != NOT_TOLD
        last = np.maximum.reduceat(np.where(told, place, -1), starts) if len(starts) else starts
        fields = [name for name in records.dtype.names or () if name.startswith(f"{side}_")]
        for name in fields:
            none = 0 if name.endswith("size") else np.nan
            made[name] = np.where(last >= 0, records[name][last], none)
        of = np.repeat(last, ends - starts)
        differs = told & (of != place)
        passed += int((differs & ~_same(records[fields], records[fields][of])).sum())
    return made, passed


def joined(old: Records, new: Records, kind: DataKind, *, replace: bool) -> tuple[Records, Disagreement | None]:
    """What a folder has and what is to be added, in one; each has one row a contract and time.

    A side that one of them lacks is the other's. Where both have a value and they differ, the old one is kept, unless
    ``replace``, and the first of them is told.
    """
    everything, starts = _sorted(np.concatenate([old, new]))
    sizes = np.diff(np.append(starts, len(everything)))
    made = everything[starts].copy()
    twice = np.flatnonzero(sizes == 2)
    first, second = everything[starts[twice]], everything[starts[twice] + 1]
    wrong = np.zeros(len(twice), np.bool_)
    groups = (
        [[name for name in made.dtype.names or () if name.startswith(f"{side}_")] for side in _SIDES]
        if kind is DataKind.QUOTE
        else [[name for name in made.dtype.names or () if name not in (*_KEY, "time")]]
    )
    for fields in groups:
        lacks = np.isnan(first[f"{fields[0]}"]) if kind is DataKind.QUOTE else np.zeros(len(twice), np.bool_)
        given = ~np.isnan(second[f"{fields[0]}"]) if kind is DataKind.QUOTE else np.ones(len(twice), np.bool_)
        differ = given & ~lacks & ~_same(first[fields], second[fields])
        wrong |= differ
        for name in fields:
            made[name][twice] = np.where(given & (lacks | (differ & replace)), second[name], first[name])
    at = np.flatnonzero(wrong)
    return made, None if replace or not len(at) else Disagreement(first[at[0]], second[at[0]])
