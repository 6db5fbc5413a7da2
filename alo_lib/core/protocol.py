"""What an engine drives: the trading core, in its own process or in another."""

from typing import Protocol

from alo_lib.core.frame_plan import FrameTask
from alo_lib.records import HaltCause, InstrumentTable, Message, Records
from alo_lib.settings import Settings
from alo_lib.strategy.external import External

__all__ = ["Core"]


class Core(Protocol):
    """Takes messages in, opens frames, gives orders out; see :class:`alo_lib.core.TradingCore`."""

    settings: Settings
    instruments: InstrumentTable

    def accept(self, message: Message) -> None:
        """Take an input, for the next frame."""

    def overrule(self, message: Message) -> None:
        """Take what models of the host decided: for the open frame where it is still being decided, else the next."""

    def remark(self, message: Message) -> None:
        """Journal something that no task reads."""

    def open_frame(self, time: int) -> bool:
        """Open the frame at ``time``. False when nothing has arrived."""

    def run_through(self, task: FrameTask) -> None:
        """Run the open frame up to and including ``task``."""

    def close_frame(self) -> None:
        """Run what is left of the open frame, and close it."""

    def run(self) -> Records:
        """Run the open frame to its end. Returns the INTENT records of the orders to send now, in order."""

    @property
    def in_frame(self) -> bool:
        """Whether a frame is open."""

    @property
    def signals(self) -> Records:
        """SIGNAL records of this frame."""

    @property
    def targets(self) -> Records:
        """TARGET records, as sized."""

    @property
    def limited(self) -> Records:
        """TARGET records of this frame that risk put in place of sized ones."""

    @property
    def intents(self) -> Records:
        """INTENT records of this frame that may be sent."""

    @property
    def amendments(self) -> Records:
        """AMENDMENT records of this frame, which are to be acted on before its orders are sent."""

    @property
    def target_quantities(self) -> dict[int, int]:
        """Quantities by instrument that this frame has come to, or the last one came to."""

    @property
    def external(self) -> External:
        """What models of the host decide in the place of the core's own, as far as it is known."""

    def contracts_open(self, underlying: int) -> list[int]:
        """Numbers of contracts of one underlying that are held or have an order working."""

    @property
    def halts(self) -> set[HaltCause]:
        """What the book is halted for, as far as it is known."""

    @property
    def wants_reconciliation(self) -> bool:
        """Whether the broker said what does not fit what was sent, and both have not been reconciled since."""

    @property
    def cash(self) -> float | None:
        """Cash, as what was journaled adds up; None where only another process knows."""

    @property
    def holdings(self) -> dict[int, int]:
        """Signed quantities held, by instrument, as all that was accepted adds up, taken in or not."""

    @property
    def orders_working(self) -> dict[int, tuple[int, int]]:
        """Instrument and signed quantity left of each order that is not done, likewise, by its number."""
