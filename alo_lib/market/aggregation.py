"""Longer bars out of shorter ones."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import Bars, OptionBars
from alo_lib.records import HOUR

__all__ = ["hour_bars", "hour_chain", "longer_bars", "longer_chain"]

_SIDES: Final = ("", "bid_", "ask_")


def _merge(bars: Bars, starts: NDArray[np.intp], times: NDArray[np.int64]) -> Bars:
    """One bar a group of rows in time order: the first's open, the last's close and sizes, volumes summed.

    ``starts`` are the groups' first rows. A quote side that is missing at the end is missing.
    """
    merged = np.zeros(len(starts), bars.dtype)
    if not len(starts):
        return merged
    last = np.append(starts[1:], len(bars)) - 1
    merged["time"] = times
    names = bars.dtype.names or ()
    for side in _SIDES:
        if f"{side}close" not in names:
            continue
        close = bars[f"{side}close"][last]
        opening = bars[f"{side}open"][starts]
        missing = np.isnan(close)
        merged[f"{side}close"] = close
        merged[f"{side}open"] = np.where(missing | np.isnan(opening), close, opening)
        for name, extreme in (("high", np.fmax), ("low", np.fmin)):
            merged[f"{side}{name}"] = np.where(missing, np.nan, extreme.reduceat(bars[f"{side}{name}"], starts))
    for name in names:
        if name.endswith("size") or name == "open_interest":
            merged[name] = bars[name][last]
        elif name == "volume":
            merged[name] = np.add.reduceat(bars[name], starts)
    return merged


def _ends(times: NDArray[np.int64], period: int) -> NDArray[np.int64]:
    return -(-times // period) * period


def longer_bars(bars: Bars, period: int) -> Bars:
    """Trade or quote bars, or quotes of a moment, in time order as bars of ``period`` ns that end on the clock."""
    ends, starts = np.unique(_ends(bars["time"], period), return_index=True)
    return _merge(bars, starts, ends)


def hour_bars(bars: Bars) -> Bars:
    """Trade or quote bars in time order as hour bars, which end on the clock's hours as LEAN's do."""
    return longer_bars(bars, HOUR)


def longer_chain(chain: OptionBars, period: int) -> OptionBars:
    """A chain's quotes, trades or open interest as bars of ``period`` ns that end on the clock."""
    order = np.argsort(chain.contract, kind="stable")
    contract, bars = chain.contract[order], chain.bars[order]
    ends = _ends(bars["time"], period)
    changes = (np.diff(contract) != 0) | (np.diff(ends) != 0)
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(bars), 1), np.bool_), changes]))
    merged = OptionBars(chain.contracts, contract[starts], _merge(bars, starts, ends[starts]))
    by_time = np.argsort(merged.bars["time"], kind="stable")
    return OptionBars(merged.contracts, merged.contract[by_time], merged.bars[by_time])


def hour_chain(chain: OptionBars) -> OptionBars:
    """A chain's quotes, trades or open interest as hour bars; open interest is known at the end of its hour."""
    return longer_chain(chain, HOUR)
