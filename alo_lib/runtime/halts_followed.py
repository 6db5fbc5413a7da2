"""What a book is halted for, for who reads what its core is told and tells, and decides nothing."""

from collections.abc import Iterable

from alo_lib.records import HaltCause, Kind, Message, Session
from alo_lib.strategy.external import External
from alo_lib.strategy.halts import begin_day, follow_losses, take_halts
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.state import StrategyState

__all__ = ["HaltsFollowed"]


class HaltsFollowed:
    """Follows halts; ``external`` is who decides what, as it is known elsewhere.

    What persons ask of the core does not come by who reads: the core's answers tell it (:meth:`know`).
    """

    def __init__(self, external: External) -> None:
        self._state = StrategyState(portfolio=Portfolio(0.0), external=external)

    @property
    def halts(self) -> set[HaltCause]:
        """Those that stand."""
        return self._state.halts

    def know(self, halts: Iterable[HaltCause]) -> None:
        """Those that stand are these: the core has said so."""
        self._state.halts = set(halts)

    def follow(self, message: Message) -> None:
        """Know what a core is told or tells."""
        state, rows = self._state, message.records
        if message.kind is Kind.HALT:
            take_halts(state, rows)
        elif message.kind is Kind.LIMIT:
            follow_losses(state, rows)
        elif message.kind is Kind.SESSION:
            before, state.session = state.session, Session.of_record(rows[0])
            if before is None or before.day != state.session.day:
                begin_day(state)
        state.notices.clear()  # the core tells them
