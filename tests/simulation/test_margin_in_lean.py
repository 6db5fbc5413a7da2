"""Margin of each structure that is traded, with and without its hedge: what LEAN itself asks, to the cent."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from alo_lib.strategy.margin import OptionLine, margin_of
from tests.models.lean_run import kept_by

ALGORITHM = Path(__file__).with_name("margin_algorithm.py")
NEAR, FAR = "2015-12-31", "2016-01-15"
C, P = +1, -1

Line = tuple[str, int, int, int]  # expiry, right, strike, quantity

CONDOR: Final = [(NEAR, P, 735, 2), (NEAR, P, 740, -2), (NEAR, C, 760, -2), (NEAR, C, 765, 2)]
STRANGLE: Final = [(NEAR, C, 760, -2), (NEAR, P, 740, -2)]

BOOKS: Final[dict[str, tuple[list[Line], list[str]]]] = {
    "straddle bought": ([(NEAR, C, 750, 1), (NEAR, P, 750, 1)], ["Straddle"]),
    "straddle sold": ([(NEAR, C, 750, -2), (NEAR, P, 750, -2)], ["Short Straddle"]),
    "strangle sold": (STRANGLE, ["Short Strangle"]),
    "guts sold": ([(NEAR, C, 740, -2), (NEAR, P, 760, -2)], ["Naked Call", "Naked Put"]),
    "strangle of two expiries sold": ([(NEAR, C, 760, -2), (FAR, P, 740, -2)], ["Naked Call", "Naked Put"]),
    "vertical of calls sold": ([(NEAR, C, 750, -2), (NEAR, C, 760, 2)], ["Bear Call Spread"]),
    "vertical of calls bought": ([(NEAR, C, 750, 2), (NEAR, C, 760, -2)], ["Bull Call Spread"]),
    "vertical of puts sold": ([(NEAR, P, 750, -2), (NEAR, P, 740, 2)], ["Bull Put Spread"]),
    "condor sold": (CONDOR, ["Iron Condor"]),
    "condor sold, puts wider": ([(NEAR, P, 720, 2), *CONDOR[1:]], ["Iron Condor"]),
    "condor sold, calls wider": ([*CONDOR[:3], (NEAR, C, 780, 2)], ["Iron Condor"]),
    "condor bought": ([(*line[:3], -line[3]) for line in CONDOR], ["Short Iron Condor"]),
    "condor of two expiries": (
        [*CONDOR[:2], (FAR, C, 760, -2), (FAR, C, 765, 2)],
        ["Bear Call Spread", "Bull Put Spread"],
    ),
    "condor half filled": (CONDOR[1:], ["Bear Call Spread", "Naked Put"]),
    "butterfly sold": (
        [(NEAR, P, 740, 2), (NEAR, P, 750, -2), (NEAR, C, 750, -2), (NEAR, C, 760, 2)],
        ["Iron Butterfly"],
    ),
    "butterfly sold, calls wider": (
        [(NEAR, P, 740, 2), (NEAR, P, 750, -2), (NEAR, C, 750, -2), (NEAR, C, 770, 2)],
        ["Bear Call Spread", "Bull Put Spread"],
    ),
    "calendar of calls bought": ([(NEAR, C, 750, -2), (FAR, C, 750, 2)], ["Call Calendar Spread"]),
    "calendar of calls sold": ([(NEAR, C, 750, 2), (FAR, C, 750, -2)], ["Short Call Calendar Spread"]),
    "calendar of puts bought": ([(NEAR, P, 750, -2), (FAR, P, 750, 2)], ["Put Calendar Spread"]),
    "calendars of both": (
        [(NEAR, C, 750, -2), (FAR, C, 750, 2), (NEAR, P, 750, -2), (FAR, P, 750, 2)],
        ["Short Straddle", "Straddle"],
    ),
    "diagonal, deeper bought": ([(NEAR, C, 760, -2), (FAR, C, 750, 2)], ["Naked Call", "Naked Call"]),
    "diagonal, deeper sold": ([(NEAR, P, 750, -2), (FAR, P, 740, 2)], ["Naked Put", "Naked Put"]),
    "risk reversal bought": ([(NEAR, C, 760, 2), (NEAR, P, 740, -2)], ["Naked Call", "Naked Put"]),
    "single sold": ([(NEAR, C, 760, -2)], ["Naked Call"]),
    "condor with its hedge": ([*CONDOR, ("", 0, 0, 130)], ["Iron Condor", "shares"]),
    "strangle with its hedge": ([*STRANGLE, ("", 0, 0, 40)], ["Short Strangle", "shares"]),
    "strangle with short shares": ([*STRANGLE, ("", 0, 0, -230)], ["Covered Put", "Naked Call", "shares"]),
    "strangle and a far call": ([*STRANGLE, (FAR, C, 760, 2)], ["Call Calendar Spread", "Naked Put"]),
    "two condors": (
        [*CONDOR, (NEAR, P, 720, 1), (NEAR, P, 745, -1), (NEAR, C, 755, -1), (NEAR, C, 780, 1)],
        ["Iron Condor", "Iron Condor", "Iron Condor"],
    ),
    "straddle and strangle sold": (
        [*STRANGLE, (NEAR, C, 750, -2), (NEAR, P, 750, -2)],
        ["Short Straddle", "Short Strangle"],
    ),
}
"""Books, and how LEAN groups them."""


@pytest.mark.lean
def test_margin_is_leans(lean_data: Path, tmp_path: Path) -> None:
    books = {name: lines for name, (lines, _) in BOOKS.items()}
    told = kept_by(ALGORITHM, "margins", tmp_path, lean_data, {"books": json.dumps(books)})
    assert told.keys() == books.keys()
    for name, each in told.items():
        groups = ["shares" if group.startswith("QuantConnect") else group for group in each["groups"]]
        assert sorted(groups) == BOOKS[name][1], name
        options = [
            OptionLine(number, right, Decimal(strike), int(expiry.replace("-", "")), 100, quantity, Decimal(price))
            for number, (price, expiry, right, strike, quantity) in enumerate(each["lines"])
            if expiry
        ]
        shares = sum(line[-1] for line in each["lines"] if not line[1])
        ours = margin_of(shares, options, Decimal(each["spot"]), Decimal("0.2"))
        assert abs(ours - Decimal(each["margin"])) < Decimal("0.005"), name
