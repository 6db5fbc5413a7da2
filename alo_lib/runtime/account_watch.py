"""Whether the positions that a host believes in are its broker's, while events come late, twice or not at all.

A broker's word is as of now, its events are of before: for a while both may differ for good reason. So a difference
counts once it has stood for some time without a change on either side, in an instrument in which no order works. An
order from before a lost connection that the broker works no more is lost, once its end might have been told.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from alo_lib.records import SECOND
from alo_lib.runtime.host_position import NOTHING_HELD, HostPosition

__all__ = ["STANDS", "AccountWatch", "Looked"]

STANDS: Final = 10 * SECOND
"""How long a difference stands until it counts, and after a connection was lost what is told is waited for."""


class Looked(NamedTuple):
    """What a look at both sides of an account has shown."""

    wrong: dict[Any, HostPosition]  # positions of the broker's that are to be believed from now on
    lost: list[Any]  # orders that the broker works no more, and of whose end nobody told


class AccountWatch:
    """Follows one account; symbols and orders are the host's. Times are ns."""

    def __init__(self) -> None:
        self.connected = True
        self._settled = True  # nothing has been lost since both were seen to be equal
        self._since: dict[
            Any, tuple[int, int, int]
        ] = {}  # by symbol: when both sides were first seen, and what they were
        self._before: set[Any] = set()  # orders from before the connection was lost
        self._back_at: int | None = None  # when it was first looked since it is back
        self._lost: set[Any] = set()

    @property
    def is_sure(self) -> bool:
        """Whether the broker is connected, and both sides were equal when they were last seen, but for what works."""
        return self.connected and self._settled and not self._since

    def gone(self) -> None:
        """The connection is lost."""
        self.connected = self._settled = False
        self._since = {}

    def back(self, working_ours: Collection[Any]) -> None:
        """It is back; what was told meanwhile, also of orders that are believed to work, is lost, or comes later."""
        self.connected = True
        self._before, self._back_at = set(working_ours), None

    def look(
        self,
        time: int,
        believed: Mapping[Any, HostPosition],
        told: Mapping[Any, HostPosition],
        working_ours: Mapping[Any, Any],
        working_theirs: Collection[Any],
    ) -> Looked:
        """Look at both sides: at positions, and at the orders that work, ours by order with their symbols.

        While what became of some orders may yet be told, nothing else is looked at.
        """
        self._back_at = time if self._back_at is None else self._back_at
        gone = [order for order in working_ours if order in self._before - self._lost and order not in working_theirs]
        lost = [] if self.is_sure else gone
        if lost and time - self._back_at < STANDS:
            return Looked({}, [])
        self._lost.update(lost)
        at_work = {symbol for order, symbol in working_ours.items() if order not in self._lost}
        return Looked(self._differing(time, believed, told, at_work), lost)

    def _differing(
        self, time: int, believed: Mapping[Any, HostPosition], told: Mapping[Any, HostPosition], at_work: set[Any]
    ) -> dict[Any, HostPosition]:
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
