"""Options with cash dividends and their values, by :mod:`tests.pricing.dividend_grid`, each with its likely error.

``python -m tests.pricing.dividend_cases --random 300`` adds what is not on file yet, some two seconds a case.
"""

import argparse
import csv
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tests.pricing.dividend_grid import Converged, Terms, converged

__all__ = ["VALUES", "Case", "Row", "cases", "draw", "near", "read", "values"]

VALUES: Final = Path(__file__).with_name("dividend_values.csv")
RANDOM: Final = 300
NEAR: Final = 60
_YEAR: Final = 365.0
_HOUR: Final = 1.0 / (_YEAR * 24.0)
_WELL: Final = (5e-9, 2e-6)  # errors of value, in units of spot, and of delta, that are good enough
_FINEST: Final = (3, 4, 5)


class Case(NamedTuple):
    """An option and the spots at which it is valued."""

    kind: str
    spots: tuple[float, ...]
    terms: Terms


class Row(NamedTuple):
    """One value on file; errors are estimates."""

    kind: str
    spot: float
    terms: Terms
    value: float
    delta: float
    value_error: float
    delta_error: float


def _issue() -> Iterator[Case]:
    """Options that were once priced wrongly, and some like them."""
    base = Terms(100.0, 0.05, 0.02, 0.25, 1.0, -1, True, (), ())
    half = 182 / _YEAR
    listed = [
        ("two at one time", base._replace(times=(0.5, 0.5), amounts=(1.0, 2.0))),
        ("more than spot", base._replace(times=(half,), amounts=(150.0,))),
        ("more than spot", base._replace(times=(183 / _YEAR,), amounts=(150.0,))),
        ("all of spot", base._replace(times=(11 / _YEAR,), amounts=(100.0,))),
        ("half of spot", base._replace(times=(half,), amounts=(50.0,))),
        ("half of spot", base._replace(times=(half,), amounts=(40.0,))),
        ("little volatility, a high yield", Terms(99.5, 0.01, 0.2, 0.05, 1.0, 1, True,
                                                  (91 / _YEAR, 273 / _YEAR), (5.0, 5.0))),
        ("little volatility, a dividend a quarter", Terms(107.0, 0.05, 0.0, 0.08, 1.0, -1, True,
                                                          (0.25, 0.5, 0.75), (1.0,) * 3)),
        ("little volatility, a dividend a quarter", Terms(107.0, 0.05, 0.0, 0.08, 1.0, -1, True,
                                                          tuple(day / _YEAR for day in (91, 182, 273, 364)),
                                                          (1.0,) * 4)),
        ("half of spot", Terms(91.787, 0.066, 0.0, 0.1401, 441 / _YEAR, -1, False, (30 / _YEAR,), (80.0,))),
    ]  # fmt: skip
    for kind, terms in listed:
        for american in (True, False):
            yield Case(kind, (100.0,), terms._replace(american=american))
        yield Case(kind, (100.0,), terms._replace(right=-terms.right))


def _quiet() -> Iterator[Case]:
    """Little volatility, where drift counts most: 144 options with a dividend of 1.00 a quarter."""
    for volatility, dividend_yield, time, right in itertools.product(
        (0.03, 0.05, 0.08, 0.12, 0.2, 0.3), (0.0, 0.05, 0.1, 0.2), (0.5, 1.0, 2.0), (-1, 1)
    ):
        times = tuple(day / _YEAR for day in range(45, 720, 91) if day < _YEAR * time)
        terms = Terms(100.0, 0.05, dividend_yield, volatility, time, right, True, times, (1.0,) * len(times))
        apart = volatility * math.sqrt(time)
        near = tuple(round(100.0 * math.exp(apart * away), 2) for away in (-0.5, 0.0, 0.5))
        ahead = round(100.0 * math.exp((dividend_yield - 0.05) * time) + len(times), 2)
        yield Case("little volatility", near, terms)
        if dividend_yield != 0.05:
            yield Case("little volatility, a forward at the strike", (ahead,), terms)


def _schedule(random: np.random.Generator, time: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """None to twelve dividends, 0 to 150 % of a spot of 100 in all."""
    count = int(random.integers(0, 13))
    times: list[float] = []
    for _ in range(count):
        place = random.random()
        if place < 0.5:
            at = random.integers(1, max(int(time * _YEAR), 2)) / _YEAR
        elif place < 0.75:
            at = time * random.random()
        elif place < 0.8:
            at = _HOUR * random.random()
        elif place < 0.85:
            at = time - _HOUR * random.random()
        elif place < 0.9 or not times:
            at = time + random.choice([0.0, _HOUR, 0.1])
        else:
            at = times[-1] + random.choice([0.0, 1e-9, _HOUR, 1.0 / _YEAR])
        times.append(max(float(at), 1e-6))
    total = random.choice([2.0, 10.0, 40.0, 150.0]) * random.random()
    shares = random.dirichlet(np.full(count, random.choice([0.5, 5.0]))) if count else np.empty(0)
    amounts = [round(float(total * share), int(random.integers(0, 5))) for share in shares]
    return tuple(times), tuple(amounts)


def draw(number: int) -> Case:
    """The random case of a number, always the same: volatility 3 to 100 %, rates -2 to 10 %, yields 0 to 20 %."""
    random = np.random.default_rng([18, number])
    time = float(random.choice([random.integers(5, 730) / _YEAR, 10.0 ** random.uniform(-2.0, 0.3)]))
    volatility, rate = float(10.0 ** random.uniform(math.log10(0.03), 0.0)), float(random.uniform(-0.02, 0.1))
    dividend_yield = float(random.choice([0.0, random.uniform(0.0, 0.2)]))
    times, amounts = _schedule(random, time)
    paid = sum(amount for at, amount in zip(times, amounts, strict=True) if at < time)
    ahead = max(100.0 * math.exp((rate - dividend_yield) * time) - paid, 10.0)
    apart = math.exp(volatility * math.sqrt(time) * random.uniform(-1.5, 1.5))
    strike = round(float(random.choice([100.0, ahead]) * apart), 3)
    right, american = int(random.choice([-1, 1])), bool(random.random() < 0.8)
    near = math.exp(0.6 * volatility * math.sqrt(time))
    spots = (round(100.0 / near, 3), 100.0, round(100.0 * near, 3))
    terms = Terms(strike, rate, dividend_yield, volatility, time, right, american, times, amounts)
    return Case("random", spots, terms)


def near(number: int, dividends: int = 4) -> Case:
    """Of each number a case of one to so many dividends seconds to a day apart, from today, before expiry or between.

    Amounts are .05 to 6 for a spot of 100, some up to 40.
    """
    random = np.random.default_rng([180, number])
    time = float(random.choice([random.integers(5, 730) / _YEAR, 10.0 ** random.uniform(-2.0, 0.3)]))
    volatility, rate = float(10.0 ** random.uniform(math.log10(0.05), math.log10(0.8))), random.uniform(-0.01, 0.08)
    dividend_yield = float(random.choice([0.0, random.uniform(0.0, 0.05)]))
    gaps = np.cumsum(10.0 ** random.uniform(-7.5, -2.5, int(random.integers(1, dividends + 1))))
    place = random.integers(3)
    times = [gaps, time - gaps[::-1], time * random.uniform(0.1, 0.9) + gaps - gaps[0]][place]
    times = times[(times > 0.0) & (times < time)]
    most = 0.8 if random.random() < 0.8 else 1.6
    amounts = [round(float(10.0 ** random.uniform(-1.3, most)), 3) for _ in times]
    ahead = max(100.0 * math.exp((rate - dividend_yield) * time) - sum(amounts), 20.0)
    apart = math.exp(volatility * math.sqrt(time) * random.uniform(-1.2, 1.2))
    strike = round(float(random.choice([100.0, ahead]) * apart), 3)
    right, american = int(random.choice([-1, 1])), bool(random.random() < 0.75)
    schedule = tuple(times.tolist()), tuple(amounts)
    terms = Terms(strike, float(rate), dividend_yield, volatility, time, right, american, *schedule)
    return Case("ex-times close together", (100.0,), terms)


def cases(random: int, close: int) -> list[Case]:
    """Every listed case, and so many random ones, and those whose ex-times are close together."""
    drawn = [*(draw(number) for number in range(random)), *(near(number) for number in range(close))]
    return [*_issue(), *drawn, *_quiet()]


def values(case: Case) -> list[Row]:
    """A case's rows, on grids as fine as it takes for good errors, or the finest."""
    found: Converged | None = None
    for finest in _FINEST:
        new = converged(case.spots, case.terms, finest=finest)
        found = new
        if (new.value_error <= _WELL[0] * np.array(case.spots)).all() and (new.delta_error <= _WELL[1]).all():
            break
    assert found is not None
    return [Row(case.kind, spot, case.terms, *each) for spot, *each in zip(case.spots, *found, strict=True)]


def _written(row: Row) -> list[str]:
    terms = row.terms
    numbers = [repr(float(x)) for x in terms[:5]] + [str(terms.right), terms.style]
    schedule = [" ".join(map(repr, column)) for column in (terms.times, terms.amounts)]
    found = [f"{row.value:.13g}", f"{row.delta:.11g}", f"{row.value_error:.2g}", f"{row.delta_error:.2g}"]
    return [row.kind, repr(row.spot), *numbers, *schedule, *found]


def read() -> list[Row]:
    """The values on file."""
    rows = []
    with VALUES.open(newline="", encoding="utf-8") as file:
        for line in csv.reader(file):
            strike, rate, dividend_yield, volatility, time = map(float, line[2:7])
            times, amounts = (tuple(map(float, column.split())) for column in line[9:11])
            option = (strike, rate, dividend_yield, volatility, time, int(line[7]), line[8] == "american")
            terms = Terms(*option, times, amounts)
            rows.append(Row(line[0], float(line[1]), terms, *map(float, line[11:])))
    return rows


def main() -> None:
    """Add the values that are not on file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--random", type=int, default=RANDOM, help="how many random cases")
    parser.add_argument("--near", type=int, default=NEAR, help="how many whose ex-times are close together")
    asked = parser.parse_args()
    known = {(row.spot, row.terms) for row in read()} if VALUES.exists() else set()
    with VALUES.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for case in cases(asked.random, asked.near):
            if (case.spots[0], case.terms) not in known:
                writer.writerows(map(_written, values(case)))
                file.flush()


if __name__ == "__main__":
    main()
