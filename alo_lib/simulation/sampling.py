"""The curves of a run, sampled when LEAN's result handler samples them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

from alo_lib.records import MINUTE, Linked
from alo_lib.simulation.account import Account
from alo_lib.simulation.archive import Archive
from alo_lib.simulation.money import ZERO, charted
from alo_lib.simulation.prices import Prices

__all__ = ["Candle", "Curves", "Sampler"]

_LEAST_PERIOD: Final = 4 * MINUTE
_SAMPLES: Final = 4000
_MONEY: Final = Decimal("0.0001")
_PERCENT: Final = Decimal("0.0000000001")
_DRAWDOWN: Final = Decimal("0.01")


class Candle(NamedTuple):
    """Equity over a sampling period; ``time`` is its end, ns UTC."""

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass
class Curves:
    """Equity in candles, and one point a midnight of the rest: (time, value). Returns and falls in percent.

    Values are as LEAN's charts hold them, from which its statistics are counted.
    """

    equity: Archive[Candle] = field(default_factory=Archive)
    returns: list[tuple[int, Decimal]] = field(default_factory=list)
    drawdown: list[tuple[int, Decimal]] = field(default_factory=list)
    turnover: list[tuple[int, Decimal]] = field(default_factory=list)
    benchmark: list[tuple[int, Decimal]] = field(default_factory=list)


class Sampler:
    """Follows the account's equity.

    Equity becomes a candle every four minutes, or every four-thousandth of the run where that is longer; returns,
    drawdown and turnover are taken at every midnight of the exchange's calendar up to the run's last time, and there.
    """

    curves: Curves
    _account: Annotated[Account, Linked("account")]
    _prices: Annotated[Prices, Linked("prices")]
    _period: int
    _next: int
    _candle: Candle | None
    _day: Decimal
    _peak: Decimal
    _volume: Decimal

    def __init__(self, account: Account, prices: Prices, *, start: int, end: int) -> None:
        self.curves = Curves()
        self._account = account
        self._prices = prices
        self._period = max(_LEAST_PERIOD, (end - start) // _SAMPLES)
        self._next = start
        self._candle = None
        self._day = self._peak = account.start
        self._volume = ZERO

    def observe(self, time: int) -> None:
        """Take note of the equity at a bar's end, or whenever else it is known."""
        self._update(time)
        if time > self._next:
            self._next = time + self._period
            self._finish(time)

    def midnight(self, time: int) -> None:
        """End a day, or begin the first, or end the run at its last time; a second call at one time changes nothing.

        The benchmark stays 0: LEAN's Interactive Brokers model has none.
        """
        if self.curves.returns and time <= self.curves.returns[-1][0]:
            return
        equity = self._update(time)
        self._peak = max(self._peak, equity)
        self._finish(time)
        curves = self.curves
        first = not curves.returns
        change = ((equity - self._day) * 100 / self._day).quantize(_PERCENT) if self._day else ZERO
        fall = ((equity / self._peak - 1) * 100).quantize(_DRAWDOWN) if self._peak else ZERO
        curves.returns.append((time, charted(change)))
        curves.drawdown.append((time, charted(fall)))
        curves.benchmark.append((time, ZERO))
        if not first and equity:
            curves.turnover.append((time, charted((self._account.volume - self._volume) / equity)))
        self._volume = self._account.volume
        self._day = equity

    def _update(self, time: int) -> Decimal:
        equity = self._account.equity(self._prices)
        value, candle = equity.quantize(_MONEY), self._candle
        if candle is None:
            self._candle = Candle(time, value, value, value, value)
        else:
            self._candle = Candle(time, candle.open, max(candle.high, value), min(candle.low, value), value)
        return equity

    def _finish(self, time: int) -> None:
        candles = self.curves.equity
        if self._candle is not None and not (candles and time <= candles[-1].time):
            candles.append(Candle(time, *(charted(value) for value in self._candle[1:])))
        self._candle = None
