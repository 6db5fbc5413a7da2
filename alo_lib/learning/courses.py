"""What a training is: its numbers, and all that is made for it before the first iteration."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from alo_lib.learning.carry import NO_CARRY
from alo_lib.learning.episodes import Episodes
from alo_lib.learning.errors import LearningError
from alo_lib.learning.scenarios import COURSES, Scenario, one_risk_aversion, smiles_of
from alo_lib.learning.smile import Smile
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy

__all__ = ["STICKINESS", "Course", "Lessons", "episodes_for", "lessons_of"]

STICKINESS: Final = 2.0
"""Of the rule that is adjusted: what every model of stochastic volatility has at short expiries (Bergomi, 2009).

It is not tuned: some hundred paths of each scenario choose 2.5, which leaves more in most models that are judged.
"""
_TUNED_ON: Final = 11
_APART: Final = 12
_FIRST: Final = 1_000
"""Seeds of paths: those by which the rule is tuned, those kept apart; training's start here, one a training seed."""
_VERSION: Final = 3
"""Of a course; it changes with anything that makes the same numbers mean another training."""
_MOST_SEED: Final = 1_000_000


@dataclass(frozen=True)
class Course:
    """The numbers of a training.

    :raises LearningError: for one out of range.
    """

    iterations: int = 250
    paths: int = 3_000  # of each scenario, from which batches are drawn
    batch: int = 300  # of each scenario and iteration
    hidden: tuple[int, ...] = (16, 16)
    rate: float = 0.015
    scenarios: str = "european"  # of COURSES

    def __post_init__(self) -> None:
        for name, least, most in (
            ("iterations", 1, 100_000),
            ("paths", 100, 1_000_000),
            ("batch", 20, self.paths),
        ):
            if not least <= (value := getattr(self, name)) <= most:
                raise LearningError(f"{name} is {value}; allowed: {least:,} to {most:,}")
        if not 0.0 < self.rate <= 1.0:
            raise LearningError(f"rate is {self.rate:g}; allowed: above 0 up to 1")
        if not (len(self.hidden) <= 3 and all(1 <= width <= 64 for width in self.hidden)):
            raise LearningError(f"hidden is {self.hidden}; allowed: up to 3 layers of 1 to 64")
        if self.scenarios not in COURSES:
            raise LearningError(f"scenarios are {self.scenarios!r}; allowed: {', '.join(COURSES)}")

    @property
    def learned_from(self) -> tuple[Scenario, ...]:
        """The scenarios."""
        return COURSES[self.scenarios]

    def identity(self, seed: int) -> str:
        """SHA-256 of all that decides what a seed's training comes to."""
        scenarios = [
            (repr(each.market), each.position, repr(each.costs), each.days)
            + ((repr(each.carry),) if each.carry != NO_CARRY else ())
            for each in self.learned_from
        ]
        numbers = asdict(self)
        del numbers["scenarios"]  # which are told by what they are
        told = [_VERSION, seed, numbers, scenarios, [feature[:3] for feature in FEATURES]]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass(frozen=True)
class Lessons:
    """What all seeds share: the markets' smiles, and the rule that is adjusted."""

    smiles: Mapping[str, Smile]
    untrained: HedgingPolicy  # which is that rule
    scenarios: tuple[Scenario, ...]


def lessons_of(course: Course, progress: Callable[[str], None] = lambda _: None) -> Lessons:
    """Make the smiles, and tune the rule that is adjusted.

    It is the minimum-variance band of :data:`STICKINESS` with the one risk aversion that is best over all scenarios
    together.
    """
    progress("Making the smiles of the markets ...")
    smiles = smiles_of(course.learned_from, min(max(2 * course.paths, 1_000), 20_000))
    progress("Tuning the rule that is adjusted ...")
    count = min(course.paths, 500)
    books = [(each.book(smiles[each.market.name], count, _TUNED_ON), each.costs) for each in course.learned_from]
    risk_aversion = one_risk_aversion(books, STICKINESS)
    untrained = replace(HedgingPolicy.zero(risk_aversion, course.hidden), stickiness=STICKINESS)
    return Lessons(smiles, untrained, course.learned_from)


def episodes_for(lessons: Lessons, paths: int, seed: int | None) -> list[Episodes]:
    """Paths of each scenario, those of a training seed, or with None those kept apart, which no seed is trained on.

    :raises LearningError: for a seed out of range.
    """
    if seed is not None and not 0 <= seed <= _MOST_SEED:
        raise LearningError(f"seed is {seed}; allowed: 0 to {_MOST_SEED:,}")
    start = _APART if seed is None else _FIRST + seed

    def made(number: int, scenario: Scenario) -> Episodes:
        book = scenario.book(lessons.smiles[scenario.market.name], paths, start + (number << 32))
        return Episodes.of(book, scenario.costs, lessons.untrained.base)

    return [made(number, scenario) for number, scenario in enumerate(lessons.scenarios)]
