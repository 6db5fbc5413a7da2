"""What passes between the stages of LEAN's framework and the core."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from AlgorithmImports import Insight, InsightType, IPortfolioTarget, OptionRight, PortfolioTarget, QCAlgorithm, Symbol

from alo_lib.core import Core, FrameTask
from alo_lib.records import Kind, Message, Records, Stage, records
from models.marshalling import Marshal
from models.times import utc_nanoseconds

__all__ = ["SOURCE", "Framework"]

SOURCE: Final = "alo"
"""Names the core as the source of an insight; anything else is somebody else's."""

_PAIR: Final = 2


class Framework:
    """Tells the core what models that are not its own decide, and these what the core decided.

    ``settle`` makes what was journaled outlive this process.
    """

    def __init__(self, core: Core, marshal: Marshal, settle: Callable[[], None]) -> None:
        self.core = core
        self.marshal = marshal
        self._settle = settle
        self.insights_read = False
        """Whether a model other than ours constructs the portfolio, which reads insights."""
        self.targets_read = False
        """Whether a model other than ours limits or executes, which reads targets."""
        self._left_alone: set[str] = set()

    def assign(self, algorithm: QCAlgorithm, stage: Stage, *, external: bool) -> None:
        """Assign a stage to models that are not ours, or to ours again; journaled where it changes."""
        if self.core.external.decides(stage) is not external:
            self._overrule(algorithm, Kind.EXTERNAL_STAGE, records(Kind.EXTERNAL_STAGE, stage=stage, external=external))

    def take_insights(self, algorithm: QCAlgorithm, insights: Iterable[Insight]) -> None:
        """Put in others' insights: pairs of a call and a put of one underlying, grouped by :meth:`Insight.group`."""
        groups: dict[str, list[Insight]] = {}
        for insight in insights:
            if insight.source_model != SOURCE:
                groups.setdefault(str(insight.group_id or insight.id), []).append(insight)
        rows = []
        for group in groups.values():
            pair = {each.symbol.id.option_right: each for each in group if self._is_view(each)}
            call, put = pair.get(OptionRight.CALL), pair.get(OptionRight.PUT)
            if call is None or put is None or len(group) != _PAIR or call.symbol.underlying != put.symbol.underlying:
                self._leave_alone(algorithm, f"the insight on {group[0].symbol}, which is no pair of options")
                continue
            numbers = [self.marshal.number(each) for each in (call.symbol.underlying, call.symbol, put.symbol)]
            magnitude = np.nan if call.magnitude is None else float(call.magnitude)
            until = utc_nanoseconds(call.close_time_utc)
            rows.append((until, *numbers, int(call.direction), 0, 0, magnitude))
        self._overrule(algorithm, Kind.EXTERNAL_INSIGHT, np.array(rows, records(Kind.EXTERNAL_INSIGHT, 0).dtype))

    def take_targets(self, algorithm: QCAlgorithm, stage: Stage, targets: Iterable[IPortfolioTarget]) -> None:
        """Put in the targets that a stage was given and that the core has not come to by itself."""
        given = list(targets)
        if not given:
            return
        reached, rows = self.core.target_quantities, []
        for target in given:
            number, quantity = self.marshal.number_or(target.symbol, -1), int(target.quantity)
            if number < 0:
                self._leave_alone(algorithm, f"the target for {target.symbol}, which the core does not trade")
            elif reached.get(number) != quantity:
                rows.append((number, stage, 0, 0, quantity))
        self._overrule(algorithm, Kind.EXTERNAL_TARGET, np.array(sorted(rows), records(Kind.EXTERNAL_TARGET, 0).dtype))

    def begin_execution(self, algorithm: QCAlgorithm, targets: Iterable[IPortfolioTarget]) -> bool:
        """Run the open frame up to its orders, and put in what execution was given. Whether a frame is open."""
        if self.core.in_frame:
            self.core.run_through(FrameTask.LIMIT)
        self.take_targets(algorithm, Stage.RISK, targets)
        return self.core.in_frame

    def orders(self) -> Records:
        """Run the open frame to its end: the INTENT records of the orders to send, which outlive this process.

        So do what its AMENDMENT records change, which is to be done before.
        """
        intents = self.core.run()
        if len(intents) or len(self.core.amendments):
            self._settle()
        return intents

    def targets(self, rows: Records) -> list[PortfolioTarget]:
        """LEAN's targets of TARGET records."""
        return [PortfolioTarget(self.marshal.symbol(int(row["instrument"])), int(row["quantity"])) for row in rows]

    def _is_view(self, insight: Insight) -> bool:
        symbol: Symbol = insight.symbol
        known = self.marshal.number_or(symbol, -1) >= 0
        return known and symbol.has_underlying and insight.type == InsightType.VOLATILITY

    def _overrule(self, algorithm: QCAlgorithm, kind: Kind, rows: Records) -> None:
        if len(rows):
            self.core.overrule(Message(kind, utc_nanoseconds(algorithm.utc_time), rows))

    def _leave_alone(self, algorithm: QCAlgorithm, what: str) -> None:
        """Tell, once, of what the core can do nothing with."""
        if what not in self._left_alone:
            self._left_alone.add(what)
            algorithm.log(f"alo: left alone is {what}")
