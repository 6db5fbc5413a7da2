"""Greeks of random options with cash dividends as differences of :mod:`tests.pricing.dividend_grid`'s converged values.

``python -m tests.pricing.dividend_greeks`` adds what is not on file yet, some twenty seconds an option. Those on file
are from half as many cells and steps as the method has unless told, which leaves 1e-7 of spot in a value.
"""

import argparse
import csv
import math
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tests.pricing.dividend_grid import Terms, converged

__all__ = ["COUNT", "NAMES", "VALUES", "Right", "draw", "read", "right_greeks"]

Array = npt.NDArray[np.float64]

VALUES: Final = Path(__file__).with_name("dividend_greeks.csv")
COUNT: Final = 60
NAMES: Final = ("price", "delta", "vega", "rho", "epsilon", "vanna", "volga")
_RATE: Final = 0.001
_VOLATILITY: Final = 0.06  # of itself
_DEVIATIONS: Final = (-1.0, -0.45, 0.0, 0.45, 1.0)  # of the spots from 100


class Right(NamedTuple):
    """An option's greeks at some spots."""

    spots: Array  # (n,)
    terms: Terms
    greeks: Array  # (7, n) in the order of NAMES


def draw(number: int) -> tuple[Array, Terms]:
    """The spots and the option of a number, always the same: one to four dividends of .25 to 6 for a spot of 100."""
    random = np.random.default_rng([78, number])
    time = float(random.choice([0.15, 0.4, 1.0, 1.6]) * random.uniform(0.8, 1.2))
    volatility = float(random.choice([0.12, 0.2, 0.3, 0.5]) * random.uniform(0.85, 1.15))
    rate = float(random.uniform(0.01, 0.08))
    dividend_yield = float(random.choice([0.0, 0.0, random.uniform(0.0, 0.05)]))
    count = int(random.integers(1, 5))
    times = np.sort(random.uniform(0.02, 0.98, count) * time).tolist()
    amounts = np.round(random.choice([0.5, 1.5, 4.0]) * random.uniform(0.5, 1.5, count), 3).tolist()
    right, american = int(random.choice([-1, 1])), bool(random.random() < 0.85)
    apart = volatility * math.sqrt(time)
    strike = round(100.0 * math.exp(apart * random.uniform(-0.7, 0.7)), 3)
    spots = np.round(100.0 * np.exp(apart * np.array(_DEVIATIONS)), 3)
    schedule = tuple(times), tuple(amounts)
    return spots, Terms(strike, rate, dividend_yield, volatility, time, right, american, *schedule)


def right_greeks(spots: Array, terms: Terms) -> Array:
    """The greeks of NAMES (7, n): differences of fourth order by volatility, of second order by the rates."""

    def at(volatility: float = 0.0, rate: float = 0.0, dividend_yield: float = 0.0) -> Array:
        moved = terms._replace(
            volatility=terms.volatility + volatility,
            rate=terms.rate + rate,
            dividend_yield=terms.dividend_yield + dividend_yield,
        )
        found = converged(spots, moved)
        return np.stack([found.value, found.delta])

    still, step = at(), min(0.02, _VOLATILITY * terms.volatility)
    far_down, down, up, far_up = (at(volatility=way * step) for way in (-2, -1, 1, 2))
    vega, vanna = (8.0 * (up - down) - (far_up - far_down)) / (12.0 * step)
    volga = (16.0 * (up + down)[0] - (far_up + far_down)[0] - 30.0 * still[0]) / (12.0 * step**2)
    rho = (at(rate=_RATE) - at(rate=-_RATE))[0] / (2.0 * _RATE)
    # The peer takes no negative yields.
    if terms.dividend_yield >= _RATE:
        epsilon = (at(dividend_yield=_RATE) - at(dividend_yield=-_RATE))[0] / (2.0 * _RATE)
    else:
        ahead, further = at(dividend_yield=_RATE)[0], at(dividend_yield=2.0 * _RATE)[0]
        epsilon = (4.0 * ahead - further - 3.0 * still[0]) / (2.0 * _RATE)
    return np.stack([*still, vega, rho, epsilon, vanna, volga])


def read() -> list[Right]:
    """The values on file."""
    found = []
    with VALUES.open(newline="", encoding="utf-8") as file:
        for line in csv.reader(file):
            strike, rate, dividend_yield, volatility, time = map(float, line[:5])
            times, amounts, spots, *greeks = (tuple(map(float, column.split())) for column in line[7:])
            option = (strike, rate, dividend_yield, volatility, time, int(line[5]), line[6] == "american")
            found.append(Right(np.array(spots), Terms(*option, times, amounts), np.array(greeks)))
    return found


def main() -> None:
    """Add the values that are not on file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=COUNT, help="how many options")
    asked = parser.parse_args()
    known = len(read()) if VALUES.exists() else 0
    with VALUES.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number in range(known, asked.count):
            spots, terms = draw(number)
            option = [repr(value) for value in terms[:5]] + [str(terms.right), terms.style]
            schedule = [" ".join(map(repr, column)) for column in (terms.times, terms.amounts, spots.tolist())]
            greeks = right_greeks(spots, terms)
            writer.writerow(option + schedule + [" ".join(f"{value:.9g}" for value in row) for row in greeks])
            file.flush()


if __name__ == "__main__":
    main()
