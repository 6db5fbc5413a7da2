"""The last prices of every instrument, as LEAN's security cache keeps them."""

from decimal import Decimal
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Records
from alo_lib.simulation.money import ZERO, decimal

__all__ = ["LastTrade", "Prices", "Quote"]

_NEVER: Final = np.iinfo(np.int64).min

# The last quote bar and the last trade bar of an instrument. A missing side is NaN; `seen_bid` and `seen_ask` are the
# last ones that were not missing. Times are ends of bars, `_start` times their beginnings, ns UTC.
_ROW: Final = np.dtype(
    [
        ("quote_time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("bid_open", "<f8"),
        ("ask_open", "<f8"),
        *((f"{side}_{end}", "<f8") for side in ("bid", "ask") for end in ("high", "low")),
        ("bid_size", "<i8"),
        ("ask_size", "<i8"),
        ("seen_bid", "<f8"),
        ("seen_ask", "<f8"),
        ("trade_time", "<i8"),
        ("trade", "<f8"),
        *((f"trade_{name}", "<f8") for name in ("open", "high", "low")),
        ("option_trade_time", "<i8"),
        ("option_trade", "<f8"),
    ]
)
_TIMES: Final = ("quote_time", "trade_time", "option_trade_time")
_PRICES: Final = [name for name in _ROW.names or () if name not in (*_TIMES, "bid_size", "ask_size")]
_WITHIN_A_BAR: Final = ("open", "high", "low")


class Prices:
    """Prices by instrument number. Updates are vectorized; single prices are read as exact decimals."""

    _table: Annotated[NDArray[np.void], _ROW]

    def __init__(self) -> None:
        self._table = np.zeros(0, _ROW)

    def grow(self, count: int) -> None:
        """Make room for instruments numbered below ``count``."""
        added = np.zeros(max(0, count - len(self._table)), _ROW)
        for name in _TIMES:
            added[name] = _NEVER
        for name in _PRICES:
            added[name] = np.nan
        self._table = np.concatenate([self._table, added])

    def quote(self, time: int, rows: Records, bars: NDArray[np.void] | None = None) -> None:
        """Take the QUOTE records of bars that end at ``time``, and the bars themselves, of dtype QUOTE_BAR.

        Without ``bars`` nothing else was quoted in them.
        """
        at, table = rows["instrument"], self._table
        table["quote_time"][at] = time
        for name in ("bid", "ask", "bid_size", "ask_size"):
            table[name][at] = rows[name]
        for side in ("bid", "ask"):
            for name in _WITHIN_A_BAR:
                table[f"{side}_{name}"][at] = rows[side] if bars is None else bars[f"{side}_{name}"]
            shown = rows[side] > 0.0
            table[f"seen_{side}"][at[shown]] = rows[side][shown]

    def trade(self, time: int, rows: Records, bars: NDArray[np.void] | None = None) -> None:
        """Take the TRADE records of underlyings' bars that end at ``time``, and the bars, of dtype TRADE_BAR.

        Without ``bars`` nothing else was traded at in them.
        """
        self._table["trade_time"][rows["instrument"]] = time
        self._table["trade"][rows["instrument"]] = rows["close"]
        for name in _WITHIN_A_BAR:
            self._table[f"trade_{name}"][rows["instrument"]] = rows["close"] if bars is None else bars[name]

    def option_trade(self, time: int, rows: Records) -> None:
        """Take the TRADE records of options' bars that end at ``time``."""
        self._table["option_trade_time"][rows["instrument"]] = time
        self._table["option_trade"][rows["instrument"]] = rows["close"]

    def option_has_traded(self, instrument: int) -> bool:
        """Whether an option has had a trade."""
        return bool(self._table["option_trade_time"][instrument] != _NEVER)

    def split(self, instrument: int, factor: float) -> None:
        """Restate the last prices of an equity in shares after a split."""
        for name in _PRICES:
            self._table[name][instrument] *= factor

    def last_quote(self, instrument: int) -> "Quote | None":
        """The last quote bar, None before the first."""
        row = self._table[instrument]
        return None if row["quote_time"] == _NEVER else Quote(row)

    def last_trade(self, instrument: int) -> "LastTrade | None":
        """The last trade bar, None before the first."""
        row = self._table[instrument]
        return None if row["trade_time"] == _NEVER else LastTrade(row)

    def last_time(self, instrument: int) -> int:
        """When the last bar of an instrument ended, of quotes or of trades."""
        return max(int(self._table[name][instrument]) for name in _TIMES)

    def price(self, instrument: int) -> Decimal:
        """What a position is valued at: the last trade, else the middle of the last quote, else 0.

        As in LEAN, a quote of one side is worth that side, and an option's trade counts until the next quote alone,
        or not at all beside one of the same time.
        """
        row = self._table[instrument]
        if row["trade_time"] != _NEVER:
            return decimal(row["trade"])
        if row["option_trade_time"] > row["quote_time"]:
            return decimal(row["option_trade"])
        return ZERO if row["quote_time"] == _NEVER else Quote(row).middle

    def bid(self, instrument: int) -> Decimal:
        """The last bid that was shown, else the price."""
        return self._seen("seen_bid", instrument)

    def ask(self, instrument: int) -> Decimal:
        """The last ask that was shown, else the price."""
        return self._seen("seen_ask", instrument)

    def _seen(self, name: str, instrument: int) -> Decimal:
        value = float(self._table[name][instrument])
        return decimal(value) if value > 0.0 else self.price(instrument)


class Quote:
    """The last quote bar of an instrument."""

    def __init__(self, row: np.void) -> None:
        self._row = row

    @property
    def time(self) -> int:
        """When the bar ended."""
        return int(self._row["quote_time"])

    def side(self, direction: int) -> Decimal | None:
        """The ask for a buyer (+1), the bid for a seller (-1); None when it is missing."""
        return _shown(self._row["ask" if direction > 0 else "bid"])

    def opening(self, direction: int) -> Decimal | None:
        """The same side at the bar's beginning."""
        return self._within(direction, "open")

    def high(self, direction: int) -> Decimal | None:
        """The highest that the same side was within the bar."""
        return self._within(direction, "high")

    def low(self, direction: int) -> Decimal | None:
        """The lowest that the same side was within the bar."""
        return self._within(direction, "low")

    def _within(self, direction: int, name: str) -> Decimal | None:
        return _shown(self._row[f"{'ask' if direction > 0 else 'bid'}_{name}"])

    def size(self, direction: int) -> int:
        """What is displayed on that side; 0 when the data does not say."""
        return int(self._row["ask_size" if direction > 0 else "bid_size"])

    @property
    def middle(self) -> Decimal:
        """Between bid and ask; the one that is there when the other is missing; 0 without either."""
        sides = [price for direction in (-1, +1) if (price := self.side(direction)) is not None]
        return sum(sides, ZERO) / len(sides) if sides else ZERO


class LastTrade:
    """The last trade bar of an instrument."""

    def __init__(self, row: np.void) -> None:
        self.time = int(row["trade_time"])
        self.price = decimal(row["trade"])
        self.open, self.high, self.low = (decimal(row[f"trade_{name}"]) for name in _WITHIN_A_BAR)


def _shown(value: np.float64) -> Decimal | None:
    return decimal(value) if value > 0.0 else None
