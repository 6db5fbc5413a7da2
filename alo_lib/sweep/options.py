"""What may be asked of a sweep in words and whole numbers: bounds, choices, and what holds where nothing is said.

The command and files of sweeps read it here. It imports nothing heavy, since --help waits for it.
"""

from typing import Final, Literal, NamedTuple, get_args

__all__ = ["BYS", "CHOICES", "COUNTS", "MEASURES", "SAMPLERS", "By", "Count", "Measure", "Sampler"]

Sampler = Literal["grid", "random", "optuna"]
By = Literal["sharpe", "net-profit"]
"""What a best is best by."""


class Measure(NamedTuple):
    """What points are judged by."""

    name: str
    meaning: str


class Count(NamedTuple):
    """A whole number, both bounds included."""

    low: int
    high: int
    default: int


SAMPLERS: Final[tuple[Sampler, ...]] = get_args(Sampler)
BYS: Final[tuple[By, ...]] = get_args(By)
MEASURES: Final[dict[By, Measure]] = {
    "sharpe": Measure("Sharpe ratio", "Sharpe ratio of all its sessions together, above the risk-free rate, a year"),
    "net-profit": Measure("net profit", "mean net profit of its trials"),
}
CHOICES: Final[dict[str, tuple[str, ...]]] = {"sampler": SAMPLERS, "by": BYS}
"""Words by the name of the option; the first is the default."""
COUNTS: Final = {
    "trials": Count(1, 100_000, 50),
    "points": Count(2, 1_000, 5),
    "batch": Count(1, 1_000, 8),
    "seed": Count(0, 2**31 - 1, 1),
}
"""Whole numbers by the name of the option."""
