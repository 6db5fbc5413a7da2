"""Whether the positions that a host believes in are its broker's, while events come late, twice or not at all.

A broker's word is as of now, its events are of before: for a while both may differ for good reason. So a difference
counts once it has stood for some time without a change on either side, in an instrument in which no order works.
"""

from collections.abc import Collection, Hashable, Mapping
from typing import Any, Final

from alo_lib.records import SECOND
from alo_lib.runtime.host_position import NOTHING_HELD, HostPosition

__all__ = ["STANDS", "AccountWatch"]

STANDS: Final = 10 * SECOND
"""How long a difference stands until it counts."""


class AccountWatch:
    """Follows one account; symbols are the host's. Times are ns."""

    def __init__(self) -> None:
        self.connected = True
        self._settled = True  # nothing has been lost since both were seen to be equal
        self._since: dict[
            Any, tuple[int, int, int]
        ] = {}  # by symbol: when both sides were first seen, and what they were

    @property
    def is_sure(self) -> bool:
        """Whether the broker is connected, and both sides were equal when they were last seen, but for what works."""
        return self.connected and self._settled and not self._since

    def gone(self) -> None:
        """The connection is lost."""
        self.connected = self._settled = False
        self._since = {}

    def back(self) -> None:
        """It is back; what was told meanwhile is lost, or comes later."""
        self.connected = True

    def look(
        self,
        time: int,
        believed: Mapping[Any, HostPosition],
        told: Mapping[Any, HostPosition],
        at_work: Collection[Hashable],
    ) -> dict[Any, HostPosition]:
        """Look at both sides. Returns the positions of the broker's that are to be believed from now on."""
        wrong: dict[Any, HostPosition] = {}
        since: dict[Any, tuple[int, int, int]] = {}
        for symbol in {**believed, **told}:
            ours, theirs = believed.get(symbol, NOTHING_HELD), told.get(symbol, NOTHING_HELD)
            if ours.quantity == theirs.quantity or symbol in at_work:
                continue
            first, *sides = self._since.get(symbol, (time, ours.quantity, theirs.quantity))
            if sides != [ours.quantity, theirs.quantity]:
                first = time
            if time - first >= STANDS:
                wrong[symbol] = theirs
            else:
                since[symbol] = first, ours.quantity, theirs.quantity
        self._since = since
        self._settled = self._settled or not since
        return wrong
