"""A run's curves, counted by hand."""

from decimal import Decimal

from alo_lib.simulation.sampling import Candle, Sampler
from tests.simulation.desk import HOUR, MINUTE, Desk, at

START = at(9, 30)


def sampler(desk: Desk, length: int = 24 * HOUR) -> Sampler:
    return Sampler(desk.account, desk.prices, start=START, end=START + length)


def worth(desk: Desk, cash: int) -> None:
    desk.account.cash = Decimal(cash)


def candle(time: int, *values: int) -> Candle:
    return Candle(time, *map(Decimal, values))


def test_equity_is_a_candle_every_four_minutes_and_at_midnight() -> None:
    desk = Desk(cash=100.0)
    curves = sampler(desk)
    for minute, cash in ((0, 100), (1, 101), (2, 99), (5, 103), (6, 102), (9, 90), (10, 104)):
        worth(desk, cash)
        curves.observe(START + minute * MINUTE)
    curves.midnight(START + 11 * MINUTE)
    assert list(curves.curves.equity) == [
        candle(START + MINUTE, 100, 101, 100, 101),
        candle(START + 6 * MINUTE, 99, 103, 99, 102),  # five minutes after the first is not later than its next
        candle(START + 11 * MINUTE, 90, 104, 90, 104),
    ]


def test_a_long_run_has_four_thousand_candles() -> None:
    desk = Desk(cash=100.0)
    curves = sampler(desk, 4000 * HOUR)
    for minute in range(1, 182):
        curves.observe(START + minute * MINUTE)
    assert [each.time for each in curves.curves.equity] == [START + minute * MINUTE for minute in (1, 62, 123)]


def test_midnights_have_returns_falls_from_the_peak_and_turnover() -> None:
    desk = Desk(cash=100.0)
    curves = sampler(desk)
    times = [START + day * 24 * HOUR for day in range(3)]
    volumes = (7, 7 + 300, 7 + 300 + 60)
    for time, cash, volume in zip(times, (80, 150, 120), volumes, strict=True):
        worth(desk, cash)
        desk.account.volume = Decimal(volume)
        curves.midnight(time)
        worth(desk, 1)
        curves.midnight(time)  # changes nothing
    found = curves.curves
    assert found.returns == [(times[0], -20), (times[1], Decimal("87.5")), (times[2], -20)]
    assert found.drawdown == [(times[0], -20), (times[1], 0), (times[2], -20)]
    assert found.turnover == [(times[1], 2), (times[2], Decimal("0.5"))]  # none of the first
    assert found.benchmark == [(time, 0) for time in times]
