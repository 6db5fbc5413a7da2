"""The arrays that bar files become: one structured dtype a kind of bar, and a chain's rows with their contracts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.layout import ContractKey, DataKind
from alo_lib.records import DAY

__all__ = [
    "BAR_DTYPES",
    "CONTRACT",
    "OPEN_INTEREST",
    "QUOTE_BAR",
    "TRADE_BAR",
    "Bars",
    "OptionBars",
    "contract_array",
    "contract_keys",
    "session_days",
]

Bars = NDArray[np.void]

# `time` is the bar's end, nanoseconds UTC. Prices are money per share. A side without a quote has NaN prices, size 0.
TRADE_BAR: Final = np.dtype(
    [("time", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8"), ("volume", "<i8")]
)
QUOTE_BAR: Final = np.dtype(
    [
        ("time", "<i8"),
        ("bid_open", "<f8"),
        ("bid_high", "<f8"),
        ("bid_low", "<f8"),
        ("bid_close", "<f8"),
        ("bid_size", "<i8"),
        ("ask_open", "<f8"),
        ("ask_high", "<f8"),
        ("ask_low", "<f8"),
        ("ask_close", "<f8"),
        ("ask_size", "<i8"),
    ]
)
OPEN_INTEREST: Final = np.dtype([("time", "<i8"), ("open_interest", "<i8")])
CONTRACT: Final = np.dtype([("expiry", "<M8[D]"), ("strike", "<f8"), ("right", "i1")])

BAR_DTYPES: Final = {DataKind.TRADE: TRADE_BAR, DataKind.QUOTE: QUOTE_BAR, DataKind.OPEN_INTEREST: OPEN_INTEREST}
"""What the rows of each kind of file become."""


def session_days(bars: Bars) -> NDArray[np.datetime64]:
    """The day (n,) of each bar (n,) of regular sessions, which end on their own date in UTC, too."""
    days: NDArray[np.datetime64] = (bars["time"] // DAY).astype("datetime64[D]")
    return days


def contract_array(keys: list[ContractKey]) -> NDArray[np.void]:
    """Keys as an array of dtype :data:`CONTRACT`, in the order given."""
    array = np.zeros(len(keys), CONTRACT)
    for row, key in zip(array, keys, strict=True):
        row["expiry"], row["strike"], row["right"] = key
    return array


def contract_keys(contracts: NDArray[np.void]) -> list[ContractKey]:
    """An array of dtype :data:`CONTRACT` as keys."""
    return [ContractKey(*row) for row in contracts.tolist()]


@dataclass(frozen=True)
class OptionBars:
    """Bars of a chain.

    ``contracts`` (n,) of dtype CONTRACT, sorted by expiry, strike, puts before calls, holds every contract with a
    row. ``contract`` (rows,) int32 says whose row it is. ``bars`` (rows,) of dtype QUOTE_BAR, TRADE_BAR or
    OPEN_INTEREST. Rows are sorted by time, then contract.
    """

    contracts: NDArray[np.void]
    contract: NDArray[np.int32]
    bars: Bars

    def __len__(self) -> int:
        return len(self.bars)

    def by_time(self) -> Iterator[tuple[int, "OptionBars"]]:
        """The rows of each time in turn, as views."""
        times, starts = np.unique(self.bars["time"], return_index=True)
        ends = np.append(starts, len(self.bars))[1:]
        for time, start, end in zip(times.tolist(), starts.tolist(), ends.tolist(), strict=True):
            yield time, OptionBars(self.contracts, self.contract[start:end], self.bars[start:end])

    def where(self, mask: NDArray[np.bool_]) -> "OptionBars":
        """The rows that ``mask`` (rows,) picks, with the contracts that still have one."""
        used, contract = np.unique(self.contract[mask], return_inverse=True)
        return OptionBars(self.contracts[used], contract.astype(np.int32), self.bars[mask])

    @staticmethod
    def concatenate(pieces: "list[OptionBars]", dtype: np.dtype[np.void]) -> "OptionBars":
        """Several pieces as one, in time order; ``dtype`` is that of the bars, for when there is no piece."""
        listed = np.concatenate([np.zeros(0, CONTRACT), *(piece.contracts for piece in pieces)])
        contracts, places = np.unique(listed, return_inverse=True)
        starts = np.cumsum([0, *(len(piece.contracts) for piece in pieces)])
        contract = np.concatenate(
            [np.zeros(0, np.int64)]
            + [places[piece.contract + start] for piece, start in zip(pieces, starts[:-1], strict=True)]
        )
        bars = np.concatenate([np.zeros(0, dtype), *(piece.bars for piece in pieces)])
        order = np.lexsort((contract, bars["time"]))
        return OptionBars(contracts, contract[order].astype(np.int32), bars[order])
