"""What models of the host, in LEAN those of its framework, have decided in the place of the strategy's own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from alo_lib.records import Records, Stage

__all__ = ["INSIGHT", "External", "ExternalInsight", "ExternalTarget"]

INSIGHT: Final = b"insight"
"""In the place of a structure's name: legs that a model of the host has chosen."""


@dataclass
class ExternalInsight:
    """A structure that an alpha model of the host would trade."""

    underlying: int
    legs: tuple[int, ...]
    ratios: tuple[int, ...]  # signed contracts of each leg in one structure bought
    direction: int  # +1 bought, -1 sold; 0, which does not stand, leaves the legs
    magnitude: float  # volatility expected above costs; NaN where it was not told
    until: int

    @property
    def unit(self) -> dict[int, int]:
        """Signed contracts of each leg in one structure on the insight's side; of none where it is to be left."""
        return {leg: self.direction * ratio for leg, ratio in zip(self.legs, self.ratios, strict=True)}

    def is_on(self, legs: Iterable[int]) -> bool:
        """Whether it is on these legs, in whatever order and ratios."""
        return set(self.legs) == set(legs)


@dataclass
class ExternalTarget:
    """The position that a model of the host wants in an instrument."""

    quantity: int
    past_risk: bool  # whether limits do not apply to it any more
    fresh: bool = True  # it came in this frame, and so counts before the strategy's own


@dataclass
class External:
    """The stages that are left to models of the host, and what these want."""

    stages: dict[int, bool] = field(default_factory=dict)  # by Stage; of the core's own where it does not stand
    insights: list[ExternalInsight] = field(default_factory=list)
    targets: dict[int, ExternalTarget] = field(default_factory=dict)  # by instrument

    def assign(self, rows: Records) -> None:
        """Leave stages to models of the host, or take them back, as EXTERNAL_STAGE records say."""
        self.stages.update(zip(rows["stage"].tolist(), rows["external"].astype(bool).tolist(), strict=True))

    def decides(self, stage: Stage) -> bool:
        """Whether models of the host alone decide a stage."""
        return self.stages.get(stage, False)

    def backs(self, legs: tuple[int, ...], time: int) -> bool:
        """Whether an insight in force is on some legs: the strategy's own edge neither ends a trade nor limits it."""
        return any(each.is_on(legs) and time < each.until for each in self.insights)

    def forget(self, own: Iterable[int], time: int) -> None:
        """Forget insights that have ended, and earlier frames' targets in instruments for which there is an own one."""
        self.insights = [each for each in self.insights if time < each.until]
        for instrument in own:
            if instrument in self.targets and not self.targets[instrument].fresh:
                del self.targets[instrument]
