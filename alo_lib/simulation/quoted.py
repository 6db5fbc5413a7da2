"""The option quotes of a session, measured near the money: how many there are, and whether they fit together."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import ContractKey, DataFolder, OptionBars, Resolution, contract_array
from alo_lib.market.bars import Bars
from alo_lib.market.layout import SecurityType
from alo_lib.market.lean_files import Sample, has_quotes, read_sample, two_sided
from alo_lib.records import HOUR, Contract, Session
from alo_lib.settings import Settings
from alo_lib.simulation.parity import Box, Levels, boxes, levels

__all__ = ["QuoteMeasure", "QuotedSession", "near_the_money"]

_STRIKES: Final = 6
"""Of each expiry, those nearest to the underlying's price, that are looked at."""


class QuotedSession(NamedTuple):
    """What is quoted in a session."""

    any: bool
    """Whether any contract of the chain has a bid and an ask."""
    looked_at: int
    """Contracts near the money."""
    quoted: int
    """Of them, with a bid and an ask in half of the session's hours at least."""
    archived: int
    """Contracts that the archive holds for the session, 0 where there are no quotes."""
    boxes: list[Box]
    levels: Levels

    @property
    def covered(self) -> bool:
        """Whether half of the contracts near the money are quoted; where none could be traded, whether any is."""
        return self.any and 2 * self.quoted >= self.looked_at


def near_the_money(contracts: Sequence[Contract], price: float) -> list[ContractKey]:
    """Calls and puts at the strikes of each expiry that are nearest to a price; contracts are sorted by expiry."""
    keys = []
    for _, group in groupby(contracts, lambda contract: contract.expiry):
        listed = list(group)
        strikes = sorted({contract.strike for contract in listed}, key=lambda strike: (abs(strike - price), strike))
        kept = set(strikes[:_STRIKES])
        keys += [ContractKey(each.expiry, each.strike, each.right) for each in listed if each.strike in kept]
    return keys


class QuoteMeasure:
    """Reads the quotes of an underlying's chain: those near the money of minute bars, hour bars once for all days."""

    def __init__(self, settings: Settings, folder: DataFolder, ticker: str) -> None:
        self._settings, self._folder, self._ticker = settings, folder, ticker
        self._resolution = Resolution(settings.resolution)
        self._option_hours = folder.hours(SecurityType.OPTION, ticker)
        self._hourly: OptionBars | None = None

    def session(self, session: Session, keys: Sequence[ContractKey], underlying: Bars) -> QuotedSession:
        """What is quoted in a session, of the chain and of these contracts, beside the bars of the underlying."""
        if self._resolution is Resolution.MINUTE:
            chain, archived = self._minutes(session, keys)
            some = bool(two_sided(chain.bars).any()) or (archived > 0 and self._has_quotes(session))
        else:
            chain = self._hours(session)
            some, archived = bool(two_sided(chain.bars).any()), len(chain.contracts)
        bars = chain.bars
        wanted = np.isin(chain.contracts, contract_array(list(keys)))
        good = two_sided(bars) & (bars["time"] > session.open) & (bars["time"] <= session.close)
        good &= wanted[chain.contract]
        bars, contract = bars[good], chain.contract[good]
        hours = -(-(session.close - session.open) // HOUR)
        middle, spread = _by_time(
            (bars["time"] - 1 - session.open) // HOUR, hours, contract, len(chain.contracts), bars
        )
        quoted = 2 * np.count_nonzero(np.isfinite(middle), axis=0) >= hours
        return QuotedSession(
            some,
            len(keys),
            int(np.count_nonzero(quoted)),
            archived,
            boxes(chain.contracts, middle, spread),
            self._levels(underlying, chain.contracts, contract, bars),
        )

    @staticmethod
    def _levels(underlying: Bars, contracts: NDArray[np.void], contract: NDArray[np.int32], bars: Bars) -> Levels:
        """Quotes of contracts beside those bars of the underlying that end with them."""
        times = underlying["time"]
        at = np.minimum(np.searchsorted(times, bars["time"]), max(len(times) - 1, 0))
        same = times[at] == bars["time"] if len(times) else np.zeros(len(bars), bool)
        middle, spread = _by_time(at[same], len(times), contract[same], len(contracts), bars[same])
        return levels(contracts, times, underlying["close"], middle, spread)

    def _minutes(self, session: Session, keys: Sequence[ContractKey]) -> Sample:
        archive = self._folder.quote_archive(self._ticker, session.day, self._resolution)
        return read_sample(archive, self._option_hours, self._folder.faults, keys)

    def _has_quotes(self, session: Session) -> bool:
        archive = self._folder.quote_archive(self._ticker, session.day, self._resolution)
        return has_quotes(archive, self._option_hours, self._folder.faults)

    def _hours(self, session: Session) -> OptionBars:
        if self._hourly is None:
            first, last = self._settings.start, self._settings.end
            self._hourly = self._folder.option_bars(self._ticker, first, last, self._resolution)
        chain = self._hourly
        first_row, end_row = np.searchsorted(chain.bars["time"], [session.open, session.close], side="right").tolist()
        used, contract = np.unique(chain.contract[first_row:end_row], return_inverse=True)
        return OptionBars(chain.contracts[used], contract.astype(np.int32), chain.bars[first_row:end_row])


def _by_time(
    at: NDArray[np.int64], times: int, contract: NDArray[np.int32], contracts: int, bars: Bars
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle and spread of contracts by time, (times, contracts); of several bars in one place the last one stays."""
    middle, spread = np.full((times, contracts), np.nan), np.full((times, contracts), np.nan)
    bid, ask = bars["bid_close"], bars["ask_close"]
    middle[at, contract], spread[at, contract] = (bid + ask) / 2.0, ask - bid
    return middle, spread
