"""Statistics against a run of LEAN itself, whose curves and trades are repeated here."""

import dataclasses
import datetime as dt
import math
from dataclasses import replace
from decimal import Decimal

import pytest

from alo_lib.simulation import ClosedTrade, ProfitRecord, portfolio_statistics, trade_statistics
from alo_lib.simulation.lean_json import number, statistics_object, summary_of, time_span
from alo_lib.simulation.money import ZERO, decimal, grouped
from alo_lib.simulation.sampling import Candle, Curves
from alo_lib.simulation.statistics import PortfolioStatistics, TradeStatistics

SECOND = 1_000_000_000
START = 1401940800  # 2014-06-05, midnight in New York
DAY = 86_400
MORNING = 1402063200

# Two options and a stock around the AAPL split, hour bars, 5 to 10 June 2014; benchmark SPY.
EQUITY = [
    (START, "1000000"), (1402027200, "1000000"), (1402048800, "1000000"), (MORNING, "999561"), (1402066800, "998908.3"),
    (1402070400, "1001352.9"), (1402074000, "1001820.4"), (1402077600, "997820.4"), (1402081200, "1000339.4"),
    (1402084800, "996793.65"), (1402113600, "996793.65"), (1402286400, "996793.65"), (1402322400, "996853.5385"),
    (1402372800, "997825.1485"), (1402408800, "998244.5485"), (1402459200, "998209.5985"),
]  # fmt: skip
RETURNS = ["0", "0", "-0.320635", "0", "0", "0.1034816", "0.03852879"]
BENCHMARK = ["168.6991", "169.8081", "170.6377", "170.6377", "170.6377", "170.7774", "170.7949"]
TURNOVER = ["0", "0.2356568", "0", "0", "0", "0"]
PROFITS = [("143.5", True), ("98.65", True), ("-1256.5", False), ("-1963", False)]


def lean_curves() -> Curves:
    midnights = [(START + n * DAY) * SECOND for n in range(7)]
    return Curves(
        equity=[Candle(time * SECOND, Decimal(v), Decimal(v), Decimal(v), Decimal(v)) for time, v in EQUITY],  # type: ignore[arg-type]
        returns=list(zip(midnights, map(Decimal, RETURNS), strict=True)),
        turnover=list(zip(midnights[1:], map(Decimal, TURNOVER), strict=True)),
        benchmark=list(zip(midnights, map(Decimal, BENCHMARK), strict=True)),
    )


def lean_trades() -> list[ClosedTrade]:
    def trade(number: int, direction: int, hours: int, profit: str, fees: str, *falls: str) -> ClosedTrade:
        entry = MORNING * SECOND
        worst, best, drawdown = map(Decimal, falls)
        exit_time = entry + hours * 3600 * SECOND
        won = Decimal(profit) > 0
        return ClosedTrade(
            number,
            direction,
            1,
            entry,
            Decimal(1),
            exit_time,
            Decimal(1),
            Decimal(profit),
            Decimal(fees),
            worst,
            best,
            drawdown,
            won,
            (1,),
        )

    return [
        trade(1, 1, 2, "150", "9.75", "-262.5", "212.5", "262.5"),
        trade(0, 1, 2, "100.65", "2", "-18.7", "100.65", "18.7"),
        trade(1, 1, 6, "-1250", "3.25", "-1250", "250", "1500"),
        trade(2, -1, 6, "-1950", "13", "-1950", "1150", "3100"),
    ]


def rate_at(day: dt.date) -> float:
    return 0.0075


@pytest.fixture(scope="module")
def portfolio() -> PortfolioStatistics:
    profits = [ProfitRecord(0, Decimal(profit), win) for profit, win in PROFITS]
    return portfolio_statistics(lean_curves(), profits, Decimal(1_000_000), rate_at)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("averageWinRate", 0.0001), ("averageLossRate", -0.0016), ("profitLossRatio", 0.0752), ("winRate", 0.5),
        ("lossRate", 0.5), ("expectancy", -0.4624), ("startEquity", 1_000_000), ("endEquity", 998209.5985),
        ("compoundingAnnualReturn", -0.1033), ("drawdown", 0.005), ("totalNetProfit", -0.0018),
        ("sharpeRatio", -3.5784), ("probabilisticSharpeRatio", 0.2216), ("sortinoRatio", 0), ("alpha", 0.1434),
        ("beta", -0.7135), ("annualStandardDeviation", 0.0262), ("annualVariance", 0.0007),
        ("informationRatio", -7.2963), ("trackingError", 0.0584), ("treynorRatio", 0.1312),
        ("portfolioTurnover", 0.0393), ("valueAtRisk99", -0.004), ("valueAtRisk95", -0.003), ("drawdownRecovery", 0),
    ],
)  # fmt: skip
def test_portfolio_statistics_are_leans(portfolio: PortfolioStatistics, name: str, expected: float) -> None:
    assert float(statistics_object(portfolio)[name]) == pytest.approx(expected, abs=1.01e-4)


def test_portfolio_statistics_are_decimals_of_a_doubles_fifteen_digits(portfolio: PortfolioStatistics) -> None:
    values = dataclasses.asdict(portfolio)
    assert {name for name, value in values.items() if not isinstance(value, Decimal)} == {"drawdown_recovery"}
    assert len(portfolio.annual_standard_deviation.as_tuple().digits) <= 15


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("totalNumberOfTrades", 4), ("numberOfWinningTrades", 2), ("numberOfLosingTrades", 2),
        ("totalProfitLoss", "-2949.35"), ("totalProfit", "250.65"), ("totalLoss", "-3200"), ("largestProfit", "150"),
        ("largestLoss", "-1950"), ("averageProfitLoss", "-737.3375"), ("averageProfit", "125.325"),
        ("averageLoss", "-1600"), ("averageTradeDuration", "04:00:00"), ("averageWinningTradeDuration", "02:00:00"),
        ("averageLosingTradeDuration", "06:00:00"), ("medianTradeDuration", "06:00:00"),
        ("medianWinningTradeDuration", "02:00:00"), ("medianLosingTradeDuration", "06:00:00"),
        ("maxConsecutiveWinningTrades", 2), ("maxConsecutiveLosingTrades", 2), ("profitLossRatio", "0.0783"),
        ("winLossRatio", "1"), ("winRate", "0.5"), ("lossRate", "0.5"), ("averageMAE", "-870.3"),
        ("averageMFE", "428.2875"), ("largestMAE", "-1950"), ("largestMFE", "1150"),
        ("maximumClosedTradeDrawdown", "-3200.00"), ("maximumIntraTradeDrawdown", "-3450.00"),
        ("profitLossStandardDeviation", "1036.4947"), ("profitLossDownsideDeviation", "494.9747"),
        ("profitFactor", "0.0783"), ("sharpeRatio", "-0.7114"), ("sortinoRatio", "-1.4896"),
        ("profitToMaxDrawdownRatio", "-0.9217"), ("maximumEndTradeDrawdown", "3100"),
        ("averageEndTradeDrawdown", "-1165.6250"), ("maximumDrawdownDuration", "00:00:00"), ("totalFees", "28.00"),
        ("startDateTime", "2014-06-06T14:00:00Z"), ("endDateTime", "2014-06-06T20:00:00Z"),
    ],
)  # fmt: skip
def test_trade_statistics_are_leans(name: str, expected: object) -> None:
    assert statistics_object(trade_statistics(lean_trades()))[name] == expected


def test_the_longest_fall_is_from_a_peak_of_the_summed_profit_to_the_next_higher_one() -> None:
    first, hour = lean_trades()[0], 3600 * SECOND
    path = ((1, 10), (2, -5), (5, 3), (9, 4), (10, -1), (11, 2))  # hour and profit: 10, 5, 8, 12, 11, 13 in sum
    trades = [
        replace(first, exit_time=first.entry_time + at * hour, profit=Decimal(profit), best=ZERO, worst=ZERO)
        for at, profit in path
    ]
    found = trade_statistics(trades)
    assert found.maximum_drawdown_duration == 8 * hour
    assert found.maximum_closed_trade_drawdown == -5
    assert trade_statistics(trades[:1]).maximum_drawdown_duration == 0


def test_the_headline_reads_as_leans(portfolio: PortfolioStatistics) -> None:
    summary = summary_of(portfolio, orders=7, fees=Decimal(28))
    for name, text in {
        "Total Orders": "7",
        "Average Loss": "-0.16%",
        "Compounding Annual Return": "-10.328%",
        "Drawdown": "0.500%",
        "End Equity": "998209.60",
        "Net Profit": "-0.179%",
        "Sharpe Ratio": "-3.578",
        "Win Rate": "50%",
        "Total Fees": "$28.00",
        "Portfolio Turnover": "3.93%",
    }.items():
        assert summary[name] == text


def test_money_is_rounded_to_even_as_dotnet_rounds(portfolio: PortfolioStatistics) -> None:
    for equity, text in (("1006172.335", "1006172.34"), ("2.125", "2.12"), ("-0.001", "0.00"), ("999025", "999025")):
        stated = replace(portfolio, end_equity=Decimal(equity))
        assert summary_of(stated, orders=0, fees=Decimal(0))["End Equity"] == text


def test_the_summary_rounds_some_ratios_as_doubles_which_know_a_negative_zero(portfolio: PortfolioStatistics) -> None:
    for alpha, text in (("-0.0004", "-0"), ("0.0004", "0"), ("0", "0"), ("-2.9264", "-2.926"), ("0.0005", "0")):
        stated = replace(portfolio, alpha=Decimal(alpha))
        assert summary_of(stated, orders=0, fees=Decimal(0))["Alpha"] == text


def test_amounts_in_headlines_are_rounded_away_from_zero() -> None:
    for amount, text in (("998622.225", "998,622.23"), ("-1644.165", "-1,644.17"), ("0.004", "0.00")):
        assert grouped(Decimal(amount)) == text


def test_recovery_counts_the_days_from_the_peak_to_the_next_one() -> None:
    curves = lean_curves()
    levels = [100, 90, 95, 101, 80, 101]
    curves.equity = [  # type: ignore[assignment]
        Candle(n * DAY * SECOND, Decimal(v), Decimal(v), Decimal(v), Decimal(v)) for n, v in enumerate(levels)
    ]
    found = portfolio_statistics(curves, [], Decimal(100), rate_at)
    assert (found.drawdown, found.drawdown_recovery) == (Decimal("0.208"), 3)


def test_one_day_gives_no_ratios_and_no_trades_no_statistics() -> None:
    curves = lean_curves()
    curves.returns, curves.benchmark = curves.returns[:2], curves.benchmark[:2]
    found = portfolio_statistics(curves, [], Decimal(1_000_000), rate_at)
    assert (found.sharpe_ratio, found.end_equity) == (0, Decimal("998209.5985"))
    assert trade_statistics([]) == TradeStatistics()


def test_without_variance_nothing_divides_by_zero() -> None:
    curves = lean_curves()
    curves.returns = [(time, Decimal(0)) for time, _ in curves.returns]
    curves.benchmark = [(time, Decimal(0)) for time, _ in curves.benchmark]
    found = portfolio_statistics(curves, [], Decimal(1_000_000), rate_at)
    ratios = (found.sharpe_ratio, found.sortino_ratio, found.beta, found.alpha, found.information_ratio)
    assert ratios == (0, 0, 0, 0, 0)
    assert math.isfinite(found.probabilistic_sharpe_ratio)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5 * 3600 + 61, "05:01:01"), (86_400 * 3 + 1, "3.00:00:01"), (0.25, "00:00:00.2500000")]
)
def test_time_spans(seconds: float, text: str) -> None:
    assert time_span(int(seconds * SECOND)) == text


@pytest.mark.parametrize(
    ("value", "written"), [(-0.3206350001, -0.320635), (998209.59851, 998209.5985), (0.038528791, 0.03852879)]
)
def test_chart_values(value: float, written: float) -> None:
    assert number(decimal(value)) == written
