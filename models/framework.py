"""What passes between the stages of LEAN's framework and the core."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Final

import numpy as np
from AlgorithmImports import Insight, InsightType, IPortfolioTarget, OptionRight, PortfolioTarget, QCAlgorithm, Symbol

from alo_lib.core import Core, FrameTask
from alo_lib.records import MAX_LEGS, MAX_RATIO, Kind, Message, Records, Stage, leg_columns, records
from models.marshalling import Marshal
from models.times import utc_nanoseconds

__all__ = ["SOURCE", "Framework"]

SOURCE: Final = "alo"
"""Names the core as the source of an insight; anything else is somebody else's."""


class Framework:
    """Tells the core what models that are not its own decide, and these what the core decided.

    ``settle`` makes what was journaled outlive this process. Live, LEAN asks the models on the thread of its data while
    a frame may be at work on another: each of ours holds ``one_at_a_time`` as long as it looks at the core.
    """

    def __init__(
        self, core: Core, marshal: Marshal, settle: Callable[[], None], one_at_a_time: AbstractContextManager[object]
    ) -> None:
        self.core = core
        self.marshal = marshal
        self.one_at_a_time = one_at_a_time
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
        """Put in others' insights: groups, by :meth:`Insight.group`, of up to four contracts of one underlying.

        A contract whose insight goes up is bought, one whose goes down is sold; as many times as it has insights.
        Where all are flat, what is held of the contracts together is left.
        """
        groups: dict[str, list[Insight]] = {}
        for insight in insights:
            if insight.source_model != SOURCE:
                groups.setdefault(str(insight.group_id or insight.id), []).append(insight)
        rows = []
        for group in groups.values():
            row = self._structure(group)
            if row is None:
                what = f"the insight on {group[0].symbol}, in no group of one to four options of one underlying"
                self._leave_alone(algorithm, what)
            else:
                rows.append(row)
        if rows:
            self._overrule(algorithm, Kind.EXTERNAL_INSIGHT, np.concatenate(rows))

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

    def _structure(self, group: list[Insight]) -> Records | None:
        """An EXTERNAL_INSIGHT record of a group; None where it is none that the core can trade.

        A structure is bought where its first leg is: the first call, or put where there is no call. That leg's
        magnitude and end count.
        """
        if not all(self._is_view(each) and each.symbol.underlying == group[0].symbol.underlying for each in group):
            return None
        first, *_ = ordered = sorted(group, key=lambda each: self._place(each.symbol))
        sides: dict[Symbol, list[int]] = {}
        for each in ordered:
            sides.setdefault(each.symbol, []).append(int(each.direction))
        told = {side for directions in sides.values() for side in directions}
        if len(sides) > MAX_LEGS or max(map(len, sides.values())) > MAX_RATIO or (0 in told and len(told) > 1):
            return None
        if any(len(set(directions)) > 1 for directions in sides.values()):
            return None
        direction = next(iter(sides.values()))[0]
        ratios = [direction * sum(directions) if direction else len(directions) for directions in sides.values()]
        return records(
            Kind.EXTERNAL_INSIGHT,
            until=utc_nanoseconds(first.close_time_utc),
            underlying=self.marshal.number(first.symbol.underlying),
            direction=direction,
            magnitude=np.nan if first.magnitude is None else float(first.magnitude),
            **leg_columns([self.marshal.number(symbol) for symbol in sides], ratios),
        )

    def _place(self, symbol: Symbol) -> tuple[bool, int]:
        """Calls first, each by its number."""
        return symbol.id.option_right != OptionRight.CALL, self.marshal.number(symbol)

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
