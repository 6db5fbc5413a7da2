"""Factors out of dividends and splits: the rows of a factor file, from raw closes."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from alo_lib.market.factor_files import FactorRow
from alo_lib.records import LAST_DAY

__all__ = ["factor_rows"]

_ONE: Final = Decimal(1)
_DIGITS: Final = Decimal("1E-16")


def factor_rows(
    closes: Sequence[tuple[date, Decimal]], dividends: Mapping[date, Decimal], splits: Mapping[date, Decimal]
) -> list[FactorRow]:
    """Factors that give back dividends and splits: each row holds until the close before an ex-date or a split.

    ``closes`` are the raw ones of every trading day, oldest first; ``dividends`` are money a share as it is on the day
    before they go ex, ``splits`` new shares for an old one.
    """
    price, split = _ONE, _ONE
    rows = [FactorRow(LAST_DAY, price, split, Decimal(0))]
    for (before, close), (day, _) in reversed(list(itertools.pairwise(closes))):
        amount, ratio = dividends.get(day), splits.get(day, _ONE)
        if amount or ratio != _ONE:
            if amount:
                price *= (close - amount) / close
            split = (split / ratio).quantize(_DIGITS)
            rows.append(FactorRow(before, price, split.normalize() if split != 1 else _ONE, close))
    first, close = closes[0]
    if rows[-1].day != first:
        rows.append(FactorRow(first, price, rows[-1].split_factor, close))
    return rows[::-1]
