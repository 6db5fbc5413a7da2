"""The hard cases that every scheme must bear, and their values by :mod:`tests.pricing.reference`.

``python -m tests.pricing.robust`` writes the values anew, in about half an hour.
"""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tests.pricing.reference import american, solve

__all__ = ["VALUES", "Case", "Row", "cases", "read", "values"]

VALUES: Final = Path(__file__).with_name("robust_values.csv")
WIDE: Final = (0.01, 0.5, 2.0, 100.0)


class Case(NamedTuple):
    """Parameters of puts with strike 1; ``kind`` says what is hard about them."""

    kind: str
    rate: float
    dividend_yield: float
    volatility: float
    time: float


class Row(NamedTuple):
    """One put with strike 1 and its value."""

    kind: str
    spot: float
    rate: float
    dividend_yield: float
    volatility: float
    time: float
    value: float


def _listed() -> Iterator[Case]:
    for rate, volatility, time in itertools.product((0.05, 0.1), (0.05, 0.25, 0.6), (0.1, 1.0, 5.0)):
        yield Case("no yield", rate, 0.0, volatility, time)
    for rate, (volatility, time) in itertools.product((0.02, 0.05, 0.1), ((0.1, 0.25), (0.25, 1.0), (0.5, 5.0))):
        yield Case("rate is yield", rate, rate, volatility, time)
    for apart, (volatility, time) in itertools.product((1e-7, -1e-7), ((0.1, 1.0), (0.3, 3.0))):
        yield Case("rate next to yield", 0.05, 0.05 - apart, volatility, time)
    tiny = ((1e-6, 0.0), (1e-6, 0.02), (1e-6, 1e-6), (-1e-6, -0.02), (0.05, 1e-6), (0.05, -1e-6), (-1e-6, -2e-6),
            (1e-6, -1e-6), (1e-6, 2e-6))  # fmt: skip
    for (rate, dividend_yield), (volatility, time) in itertools.product(tiny, ((0.1, 1.0), (0.25, 1.0), (0.3, 10.0))):
        yield Case("rate of a millionth", rate, dividend_yield, volatility, time)
    yield Case("rate of a millionth, volatility of one", 4.549283345078592e-06, 8.954514096451952e-06,
               1.0791519972863357,
               28.352785429285117)  # fmt: skip
    for (rate, dividend_yield), (volatility, time) in itertools.product(
        ((0.05, -0.03), (0.01, -0.05)), ((0.1, 1.0), (0.3, 1.0), (0.3, 10.0))
    ):
        yield Case("negative yield", rate, dividend_yield, volatility, time)
    for dividend_yield, (volatility, time) in itertools.product((-0.03, -0.1), ((0.15, 3.0), (0.1, 0.5), (0.4, 10.0))):
        yield Case("no rate, negative yield", 0.0, dividend_yield, volatility, time)
    for case in ((-0.005, -0.01, 0.2, 1.0), (-0.005, -0.01, 0.2, 10.0), (-0.02, -0.03, 0.2, 1.0),
                 (-0.02, -0.05, 0.1, 1.0), (-0.01, -0.06, 0.1, 5.0), (-0.02, -0.021, 0.02, 1.0),
                 (-0.03, -0.1, 0.3, 1.0), (-0.001, -0.05, 0.25, 2.0)):  # fmt: skip
        yield Case("two boundaries", *case)
    for volatility, (rate, dividend_yield, time) in itertools.product(
        (1e-4, 1e-3, 0.005, 0.01, 0.02), ((0.05, 0.0, 1.0), (0.05, 0.02, 1.0), (0.02, 0.05, 1.0), (0.1, 0.0, 30.0))
    ):
        yield Case("volatility to zero", rate, dividend_yield, volatility, time)
    for time, (rate, dividend_yield, volatility) in itertools.product(
        (1e-6, 1e-4, 1 / 8760, 1 / 365), ((0.05, 0.0, 0.25), (0.05, 0.03, 0.6), (0.02, 0.06, 0.25))
    ):
        yield Case("time to zero", rate, dividend_yield, volatility, time)
    for rate, dividend_yield, volatility in ((0.05, 0.0, 0.25), (0.05, 0.02, 0.1), (0.02, 0.05, 0.25), (0.1, 0.0, 0.1),
                                             (0.08, 0.04, 0.4), (0.05, 0.05, 0.3), (0.03, -0.02, 0.2),
                                             (0.05, 0.02, 3.0)):  # fmt: skip
        yield Case("fifty years", rate, dividend_yield, volatility, 50.0)
    for case in ((0.17, 0.0, 0.01, 40.0), (0.0, -0.17, 0.01, 40.0), (0.01, 0.17, 0.01, 40.0), (0.17, 0.01, 0.01, 40.0),
                 (0.1, 0.001, 0.1, 3.0), (0.1, 0.03, 0.25, 10.0)):  # fmt: skip
        yield Case("drift far above volatility", *case)


def _random(count: int) -> Iterator[Case]:
    """Rates to 30 %, volatility 1 to 300 %, a third of a day to fifty years, those with one boundary."""
    generator = np.random.default_rng(5)
    for _ in range(count):
        rate, dividend_yield = generator.uniform(-0.02, 0.3), generator.uniform(-0.05, 0.3)
        if rate > 0.0 or dividend_yield < rate:
            volatility, years = (
                10 ** generator.uniform(-2.0, np.log10(3.0)),
                10 ** generator.uniform(-3.0, np.log10(50.0)),
            )
            if rate > 0.0:
                yield Case("random", rate, dividend_yield, volatility, years)


def _random_two(count: int) -> Iterator[Case]:
    """Puts with two boundaries, which have met in most."""
    generator = np.random.default_rng(6)
    for _ in range(count):
        rate = generator.uniform(-0.03, -0.002)
        dividend_yield = rate * generator.uniform(1.3, 4.0)
        yield Case(
            "two boundaries, random",
            float(rate),
            float(dividend_yield),
            float(10 ** generator.uniform(-1.0, -0.2)),
            float(10 ** generator.uniform(-1.0, 1.0)),
        )


def cases() -> list[Case]:
    """Every case, the listed ones first."""
    met = Case("two boundaries, random", -0.00890264652769841, -0.01975317883224562, 0.474095300396977,
               0.8797630794353173)  # fmt: skip
    return [*_listed(), *_random(110), met, *_random_two(10)]


def values(case: Case) -> list[Row]:
    """A case's puts from deep in the money to far out, one exactly on the boundary, with their values."""
    option = case[1:]
    scale = case.volatility * np.sqrt(case.time)
    near = np.exp(scale * np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])).clip(*WIDE[:: len(WIDE) - 1]).round(12)
    spots: list[float] = sorted({*(WIDE if case.kind != "random" else ()), *near.tolist()})
    found: npt.NDArray[np.float64] = american(spots, 1.0, *option, -1)
    rows = [Row(case.kind, spot, *option, value) for spot, value in zip(spots, found.tolist(), strict=True)]
    if case.rate > 0.0:
        boundary = float(np.exp(solve(*option).level(np.array([case.time]))[0]))
        rows.append(Row("spot on the boundary", boundary, *option, 1.0 - boundary))
    return rows


def read() -> list[Row]:
    """The values on file."""
    with VALUES.open(newline="", encoding="utf-8") as file:
        return [Row(kind, *map(float, numbers)) for kind, *numbers in csv.reader(file)]


def main() -> None:
    """Write the values on file anew."""
    with VALUES.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for case in cases():
            writer.writerows((row.kind, *map(repr, row[1:-1]), f"{row.value:.14g}") for row in values(case))


if __name__ == "__main__":
    main()
