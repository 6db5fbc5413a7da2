"""What the engine knows of each instrument, told by the same INSTRUMENT records as the core is."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Self

import numpy as np

from alo_lib.records import InstrumentKind, Kind, Records, osi_expiry, records
from alo_lib.records.units import CENT
from alo_lib.simulation.money import ZERO, decimal

__all__ = ["Instrument", "Listing"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """An equity (right 0, strike 0) or an option contract."""

    number: int
    symbol: str
    underlying: int
    right: int
    strike: Decimal
    multiplier: int
    expiry: int  # close of its last session, ns UTC; 0 for an equity
    american: bool

    @property
    def is_option(self) -> bool:
        """Whether it is an option contract."""
        return self.right != 0

    @property
    def expiry_date(self) -> dt.date:
        """The expiry date that its OSI symbol names (ValueError for an equity)."""
        return osi_expiry(self.symbol)

    def intrinsic(self, spot: Decimal) -> Decimal:
        """What exercise pays a share with the underlying at ``spot``."""
        return max(self.right * (spot - self.strike), ZERO)

    def out_of_the_money(self, spot: Decimal) -> Decimal:
        """How far, per share, the underlying at ``spot`` is from the strike on the worthless side."""
        return max(self.right * (self.strike - spot), ZERO)

    def is_exercised(self, spot: Decimal) -> bool:
        """Whether it is exercised at expiry: in the money by a cent or more, as clearing houses have it."""
        return self.intrinsic(spot) >= CENT


class Listing:
    """Instruments by number."""

    def __init__(self) -> None:
        self._of: dict[int, Instrument] = {}
        self._told: list[Records] = []  # the rows that made them

    def __getitem__(self, number: int) -> Instrument:
        return self._of[number]

    def add(self, rows: Records) -> None:
        """Know the instruments of INSTRUMENT records; one that is known stays as it is."""
        new = [number not in self._of for number in rows["instrument"].tolist()]
        self._told.append(rows[new])
        for row in rows[new]:
            number = int(row["instrument"])
            if number not in self._of:  # a row may be there twice
                option = int(row["kind"]) == InstrumentKind.OPTION
                self._of[number] = Instrument(
                    number=number,
                    symbol=row["symbol"].decode(),
                    underlying=int(row["underlying"]),
                    right=int(row["right"]),
                    strike=decimal(row["strike"]),
                    multiplier=int(row["multiplier"]),
                    expiry=int(row["expiry"]) if option else 0,
                    american=bool(row["american"]),
                )

    def stored(self) -> Annotated[Records, Kind.INSTRUMENT]:
        """The rows: snapshots are taken often, and thousands of small objects would be most of each."""
        return np.concatenate([records(Kind.INSTRUMENT, 0), *self._told])

    @classmethod
    def of_stored(cls, rows: Records) -> Self:
        """What :meth:`stored` gave the rows of."""
        listing = cls()
        listing.add(rows)
        return listing
