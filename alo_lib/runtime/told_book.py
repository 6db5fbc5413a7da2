"""What a core has told of its book last, for hosts that show it while they run."""

from typing import Protocol

import numpy as np

from alo_lib.core.trading import Sink
from alo_lib.records import WHOLE_BOOK, Kind, Message

__all__ = ["Follower", "Telling", "ToldBook"]


class ToldBook:
    """Follows decisions of a core, in this process or in another."""

    def __init__(self) -> None:
        self.exposures: dict[int, np.void] = {}
        """The last EXPOSURE record of each underlying."""
        self.markets: dict[int, np.void] = {}
        """The last MARKET_STATE record of each underlying."""
        self.uses: dict[str, tuple[float, float]] = {}
        """What the whole book uses of each limit, and may; money, or a number."""

    def follow(self, message: Message) -> None:
        """Know what a core decided."""
        if message.kind is Kind.EXPOSURE:
            self.exposures.update((int(row["underlying"]), row.copy()) for row in message.records)
        elif message.kind is Kind.MARKET_STATE:
            self.markets.update((int(row["underlying"]), row.copy()) for row in message.records)
        elif message.kind is Kind.LIMIT:
            rows = message.records
            whole = rows[(rows["underlying"] == WHOLE_BOOK) & (rows["days"] == WHOLE_BOOK)]
            self.uses = {row["limit"].decode(): (float(row["used"]), float(row["allowed"])) for row in whole}

    @property
    def equity(self) -> float:
        """Of the account, money; NaN before it was told."""
        return next((float(row["equity"]) for row in self.exposures.values()), np.nan)


class Follower(Protocol):
    """Who knows what a core decided, once it is journaled."""

    def follow(self, message: Message) -> None:
        """Take one message in."""


class Telling:
    """A journal that others follow."""

    def __init__(self, journal: Sink, *followers: Follower) -> None:
        self._journal, self._followers = journal, followers

    def append(self, message: Message) -> int:
        """Journal first."""
        sequence = self._journal.append(message)
        for each in self._followers:
            each.follow(message)
        return sequence

    def flush(self) -> None:
        """The end of a frame."""
        self._journal.flush()
