"""What the core says of inputs that it does not let in: a remark in its journal, and a word to who listens."""

from collections import Counter
from collections.abc import Callable

from alo_lib.core.gate import Refusal
from alo_lib.records import HostEvent, Message, remark

__all__ = ["Refusals"]


class Refusals:
    """Tells the first refusal of a reason in each frame, and counts the others: a flood of faults fills no journal."""

    def __init__(self, journal: Callable[[Message], object]) -> None:
        self.count = 0
        """Records refused so far."""
        self.doubts = 0
        """Refusals after which the broker and the core may hold something else."""
        self.host: Callable[[], str] = lambda: "its host"
        """Whose inputs these are, as people know it."""
        self.hear: Callable[[str], None] = lambda sentence: None
        """Hears each sentence that is journaled."""
        self._journal = journal
        self._more: Counter[tuple[str, str]] = Counter()

    def tell(self, refusal: Refusal, time: int) -> None:
        """Take note of a refusal at ``time``, ns UTC."""
        self.count += refusal.refused
        self.doubts += refusal.in_doubt
        key = refusal.kind, refusal.field
        if key in self._more:
            self._more[key] += refusal.refused
            return
        self._more[key] = 0
        many = f" ({refusal.refused:,} records)" if refusal.refused > 1 else ""
        self._say(f"{refusal.kind}{many}", f": {refusal.sentence}", refusal.refused, time)

    def begin_frame(self, time: int) -> None:
        """Tell how many more there were of each reason since the frame before, and begin anew."""
        for (kind, field), more in self._more.items():
            if more:
                self._say(f"{more:,} more {kind} records", f" for their {field}" if field else "", more, time)
        self._more.clear()

    def _say(self, what: str, why: str, count: int, time: int) -> None:
        head = f"refused from {self.host()}: {what}"
        self._journal(remark(HostEvent.REFUSED, time, f"{head}{why}", quantity=count))
        self.hear(f"{head}{why}")
