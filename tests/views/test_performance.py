"""The headline: returns by session, the Sharpe ratio and its interval, margin, profit realized and not."""

import datetime as dt
import json
import math

import numpy as np
import pytest
from arch.bootstrap import CircularBlockBootstrap

from alo_lib.records import ACCOUNT_CASH, Kind, Message, records
from alo_lib.views import Run, summarize
from alo_lib.views.blotter import positions
from alo_lib.views.margin import margin_used
from alo_lib.views.performance import (
    SessionReturns,
    deepest_drawdowns,
    lean_figures,
    monthly,
    performance,
    rolling_figures,
    session_drawdowns,
    session_returns,
)
from alo_lib.views.sharpe import bootstrap_interval, sharpe_ratio
from alo_lib.views.summary import sharpe_in_words
from tests.views import kit
from tests.views.kit import FINDINGS, left_out

SECOND = 1_000_000_000
FIRST = np.datetime64("2024-01-02")
DAY = 24 * 60 * kit.MINUTE


def run_of(folder, messages, curve=None):
    """A run whose equity curve is ``curve``: (ns UTC, equity) each; what it gained is interest."""
    results = None
    if curve is not None:
        earned = records(Kind.ATTRIBUTION, underlying=ACCOUNT_CASH, interest=curve[-1][1] - curve[0][1])
        messages = [*messages, Message(Kind.ATTRIBUTION, messages[-1].time, earned)]
        values = [[time // SECOND, value, value, value, value] for time, value in curve]
        results = kit.lean_results(equity=(curve[0][1], curve[-1][1]))
        results["charts"]["Strategy Equity"]["series"]["Equity"]["values"] = values
    kit.write_results(folder, messages, results=results)
    (folder / "settings.json").write_text(json.dumps(kit.settings_object()))
    return Run(folder)


def summary_of(run):
    return summarize(run, engine="embedded", findings=FINDINGS, faults=left_out(), wall_seconds=1.0, folder="")


def sessions(days, rate=0.05):
    """Messages of so many sessions on weekdays from Tuesday, 2 January 2024, and their opens."""
    dates = np.busday_offset(FIRST, np.arange(days)).tolist()
    opens = [kit.OPEN + (date - dates[0]).days * DAY for date in dates]
    messages = [Message(Kind.INSTRUMENT, kit.OPEN, kit.quiet_messages()[0].records)]
    if rate is not None:
        messages.append(Message(Kind.RATE, kit.OPEN, records(Kind.RATE, rate=rate)))
    for number, (date, start) in enumerate(zip(dates, opens, strict=True)):
        number_of_day = int(f"{date:%Y%m%d}")
        close = start + 390 * kit.MINUTE
        messages += [
            Message(Kind.SESSION, start, records(Kind.SESSION, open=start, close=close, date=number_of_day)),
            Message(Kind.FRAME, start + kit.MINUTE, records(Kind.FRAME, frame=number + 1)),
        ]
    return messages, opens


def test_weekends_are_no_days_without_a_return(tmp_path):
    messages, opens = sessions(5)  # Tuesday to the next Monday
    midnights = [opens[0] + round(14.5 * 60) * kit.MINUTE + k * DAY for k in range(7)]
    curve = [(opens[0] - 9 * 60 * kit.MINUTE, 100.0)]
    curve += list(zip(midnights, [101.0, 103.0, 102.0, 104.0, 104.0, 104.5, 110.0], strict=True))
    found = session_returns(run_of(tmp_path, messages, curve))
    assert [str(date) for date in found.date] == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]
    assert found.profit.tolist() == [1.0, 2.0, -1.0, 2.0, 6.0]
    np.testing.assert_allclose(found.returns, [0.01, 2 / 101, -1 / 103, 2 / 102, 6 / 104])
    np.testing.assert_allclose(found.hurdle, math.exp(0.05 / 252) - 1)


def test_the_hurdle_of_a_session_is_the_rate_in_force_then(tmp_path):
    messages, opens = sessions(3, rate=None)
    messages.insert(3, Message(Kind.RATE, opens[1] + kit.MINUTE, records(Kind.RATE, rate=0.02)))
    messages.sort(key=lambda message: message.time)
    found = session_returns(run_of(tmp_path, messages))
    assert math.isnan(found.hurdle[0])
    np.testing.assert_allclose(found.hurdle[1:], math.expm1(0.02 / 252))
    headline = performance(run_of(tmp_path, messages))
    assert (headline.hurdle, headline.sharpe, headline.sessions) == (None, None, 3)


def _curve(opens, steps):
    equity = 1e6 * np.cumprod(1.0 + steps)
    closes = [start + 390 * kit.MINUTE for start in opens]
    return [(opens[0] - kit.MINUTE, 1e6), *zip(closes, equity.tolist(), strict=True)], equity


def test_the_headline_of_a_month(tmp_path):
    messages, opens = sessions(22)
    steps = 0.002 * kit.noise(22)
    curve, equity = _curve(opens, steps)
    run = run_of(tmp_path, messages, curve)
    headline = performance(run)
    excess = steps - math.expm1(0.05 / 252)
    assert headline.sharpe == pytest.approx(math.sqrt(252) * excess.mean() / np.std(excess, ddof=1))
    assert headline.sharpe is not None
    assert headline.sharpe_interval is not None
    assert headline.sharpe_interval.low < headline.sharpe < headline.sharpe_interval.high
    assert headline.hurdle == pytest.approx(0.05)
    worst = int(np.argmin(np.diff(equity, prepend=1e6)))
    assert headline.worst_day is not None
    assert headline.worst_day.date == np.busday_offset(FIRST, worst).item()
    assert headline.worst_day.returned == pytest.approx(steps[worst])
    known = np.append(1e6, equity)
    assert headline.drawdown == pytest.approx(max(1 - known[k] / known[: k + 1].max() for k in range(23)))
    value, about = sharpe_in_words(summary_of(run))
    assert value == f"{headline.sharpe:.2f}"
    assert about.endswith("above 5.00% a year; 22 sessions")
    assert about.startswith("90 %: ")


def test_below_twenty_sessions_there_is_no_ratio(tmp_path):
    for count, has_one in ((19, False), (20, True)):
        messages, opens = sessions(count)
        run = run_of(tmp_path, messages, _curve(opens, 0.01 * kit.noise(count))[0])
        assert (performance(run).sharpe is not None) is has_one
        words = sharpe_in_words(summary_of(run))
        assert (words == ("–", "none below 20 sessions; 19 sessions")) is not has_one


def test_why_there_is_no_ratio_is_said(tmp_path):
    flat, opens = sessions(25)
    run = run_of(tmp_path / "flat", flat, _curve(opens, np.zeros(25))[0])
    assert sharpe_in_words(summary_of(run)) == ("–", "none: returns do not vary; 25 sessions")
    unrated, opens = sessions(25, rate=None)
    run = run_of(tmp_path / "unrated", unrated, _curve(opens, 0.01 * kit.noise(25))[0])
    assert sharpe_in_words(summary_of(run)) == ("–", "none: no interest rate was told; 25 sessions")


def test_the_interval_is_that_of_another_circular_block_bootstrap():
    excess = 0.01 * kit.noise(120) + 0.001
    ours = bootstrap_interval(excess)
    assert ours is not None
    peer = CircularBlockBootstrap(5, excess, seed=np.random.RandomState(3))
    theirs = peer.conf_int(
        lambda values: math.sqrt(252) * values.mean() / values.std(ddof=1), 4000, method="percentile", size=0.9
    ).ravel()
    np.testing.assert_allclose(ours, theirs, atol=0.3)  # chance moves either by 0.08; four times that
    assert ours == bootstrap_interval(excess)


def test_an_interval_that_too_few_returns_decide_is_none():
    excess = np.zeros(40)
    excess[7] = 0.01
    assert sharpe_ratio(excess) == pytest.approx(math.sqrt(252) / math.sqrt(40))
    assert bootstrap_interval(excess) is None


def test_a_headline_of_nothing_has_no_signs(tmp_path):
    run = run_of(tmp_path, kit.quiet_messages(), [(kit.OPEN, 100.0), (kit.CLOSE, 100.0)])
    summary = summary_of(run)
    assert math.copysign(1.0, summary["drawdown"]) == 1.0
    assert summary["worst_day"] == {"date": "2024-01-02", "profit": 0.0, "return": 0.0}
    assert (summary["largest_margin"], summary["return_on_margin"]) == (0.0, None)


def test_profit_from_trading_is_without_interest_and_borrow(tmp_path):
    """12.34 was earned on cash and 0.56 paid for borrowed shares: of 11.78 nothing is from trading."""
    messages, opens = sessions(2)
    for number, amount in ((ACCOUNT_CASH, 12.34), (0, -0.56)):
        booked = records(Kind.INTEREST, instrument=number, days=1, amount=amount)
        messages.append(Message(Kind.INTEREST, opens[1], booked))
    summary = summary_of(run_of(tmp_path, messages, [(opens[0], 1000.0), (opens[1] + DAY, 1011.78)]))
    assert (summary["net_profit"], summary["interest"], summary["borrow"]) == (11.78, 12.34, -0.56)
    assert summary["trading_profit"] == 0.0


def test_realized_and_unrealized_profit_add_up(tmp_path):
    messages = kit.traded_messages()
    end, option = messages[-1].time, 1
    for quantity, price in ((4, 2.0), (2, 2.6), (-3, 3.0)):
        messages.append(Message(Kind.ORDER_EVENT, end, kit.order_event(0, option, quantity, price, 1.0)))
    quote = records(Kind.QUOTE, instrument=option, bid=2.9, ask=3.1)
    messages.append(Message(Kind.QUOTE, end, quote))
    run = run_of(tmp_path, messages)
    held = next(one for one in positions(run) if one.instrument.number == option)
    assert held.average_price == pytest.approx((4 * 2.0 + 2 * 2.6) / 6)
    assert held.unrealized_profit == pytest.approx(3 * 100 * (3.0 - 2.2))
    summary = summary_of(run)
    assert summary["unrealized_profit"] == 240.0
    assert summary["realized_profit"] + summary["unrealized_profit"] == summary["net_profit"]
    assert summary["net_profit"] == pytest.approx(184.4 + 3 * 100 * (3.0 - 2.2) - 3.0 + 240.0)


@pytest.mark.parametrize(
    ("fills", "average"),
    [
        ([(5, 10.0), (-5, 11.0)], 0.0),
        ([(5, 10.0), (-8, 12.0)], 12.0),  # three short from there
        ([(-5, 10.0), (-5, 12.0), (3, 1.0)], 11.0),
    ],
)
def test_the_average_price_is_that_of_what_is_held(tmp_path, fills, average):
    messages = kit.quiet_messages()
    messages += [
        Message(Kind.ORDER_EVENT, kit.OPEN + kit.MINUTE, kit.order_event(0, 0, quantity, price, 0.0))
        for quantity, price in fills
    ]
    (shares,) = positions(run_of(tmp_path, messages))
    assert shares.average_price == pytest.approx(average)


def test_a_split_keeps_what_is_unrealized(tmp_path):
    messages = kit.quiet_messages()
    messages += [
        Message(Kind.ORDER_EVENT, kit.OPEN + kit.MINUTE, kit.order_event(0, 0, 10, 90.0, 0.0)),
        Message(Kind.SPLIT, kit.OPEN + DAY, records(Kind.SPLIT, instrument=0, warning=0, factor=0.5)),
    ]
    (shares,) = positions(run_of(tmp_path, messages))
    assert (shares.quantity, shares.average_price, shares.unrealized_profit) == (20, 45.0, pytest.approx(100.0))


def test_the_margin_is_regulation_ts(tmp_path):
    """Two straddles sold at a spot near 100, then 30 shares bought against them."""
    run = run_of(tmp_path, kit.traded_messages())
    series = margin_used(run)
    at = dict(zip(series.time.tolist(), series.margin.tolist(), strict=True))
    spot = 100.0 + 11 / 60
    call, put = 3.0 + 11 / 60, 3.0 - 11 / 60
    # The put is nearer out of the money: of a straddle the dearer side is margined, with the other side's premium.
    dear = max(call + 0.2 * spot, put + 0.2 * spot - (spot - 100.0))
    assert dear == call + 0.2 * spot
    assert at[kit.OPEN + 11 * kit.MINUTE] == pytest.approx(200 * (dear + put))
    spot, call, put = 100.0 + 30 / 60, 3.0 + 30 / 60, 3.0 - 30 / 60
    assert at[kit.OPEN + 30 * kit.MINUTE] == pytest.approx(200 * (call + 0.2 * spot + put) + 30 * 0.5 * spot)
    assert at[kit.OPEN + 60 * kit.MINUTE] == 0.0
    days_before = Message(Kind.FRAME, kit.OPEN - 3 * DAY, records(Kind.FRAME))
    longer = margin_used(run_of(tmp_path / "longer", [days_before, *kit.traded_messages()]))
    assert dict(zip(longer.time.tolist(), longer.margin.tolist(), strict=True)) == at | {kit.OPEN - 3 * DAY: 0.0}
    headline = performance(run)
    assert headline.largest_margin == max(at.values())
    assert headline.return_on_margin == pytest.approx(184.4 / max(at.values()))


def test_leans_own_figures_stay_apart():
    results = kit.lean_results(sharpe="-0.95") | {"runtimeStatistics": {"Net Profit": "$29.60"}}
    results["totalPerformance"]["portfolioStatistics"]["drawdown"] = "0.012"
    assert lean_figures(results) == ("$29.60", -0.95, 0.012)
    assert lean_figures(kit.lean_results(sharpe="0")) == (None, None, None)


def test_the_session_of_a_year_end_ends_at_new_yorks_midnight(tmp_path):
    messages, opens = sessions(1)
    midnight = int(dt.datetime(2024, 1, 3, 5, tzinfo=dt.UTC).timestamp()) * SECOND
    curve = [(opens[0], 100.0), (midnight, 101.0), (midnight + SECOND, 105.0)]
    assert session_returns(run_of(tmp_path, messages, curve)).equity.tolist() == [101.0]


def test_months_are_their_sessions_together(tmp_path):
    messages, opens = sessions(24)  # 22 in January 2024, two in February
    steps = 0.01 * kit.noise(24)
    curve = _curve(opens, steps)[0]
    found = monthly(session_returns(run_of(tmp_path, messages, curve)), np.array([value for _, value in curve]))
    assert [(one.month, one.sessions) for one in found] == [("2024-01", 22), ("2024-02", 2)]
    assert found[0].returned == pytest.approx(np.prod(1 + steps[:22]) - 1)
    assert found[1].profit == pytest.approx(1e6 * (np.prod(1 + steps) - np.prod(1 + steps[:22])))
    path = np.cumprod([1.0, *(1 + steps)])
    falls = [1 - path[k] / path[: k + 1].max() for k in range(1, 25)]  # from the high so far, of whichever month
    assert [one.drawdown for one in found] == pytest.approx([max(falls[:22]), max(falls[22:])])
    assert path[:23].max() > path[22:].max()  # a high of January


def returns_of(equity, start=100.0):
    """Sessions of these closes, on weekdays from Tuesday, 2 January 2024, with a hurdle of nothing."""
    equity = np.array(equity, np.float64)
    before = np.concatenate([[start], equity[:-1]])
    dates = np.busday_offset(FIRST, np.arange(len(equity)))
    last = np.arange(1, len(equity) + 1)
    return SessionReturns(dates, equity, equity - before, equity / before - 1.0, np.zeros(len(equity)), last)


def falls_of(equity, start=100.0, **more):
    """The deepest drawdowns of a curve with a point a close."""
    return deepest_drawdowns(returns_of(equity, start), np.array([start, *equity]), **more)


def test_drawdowns_are_told_deepest_first_with_their_days():
    # Closes of the 2nd, 3rd, 4th, 5th, 8th, 9th and 10th of January.
    equity = [110.0, 99.0, 88.0, 110.0, 121.0, 108.9, 115.0]
    deep, late = falls_of(equity)
    assert (str(deep.since), str(deep.deepest), str(deep.recovered)) == ("2024-01-02", "2024-01-04", "2024-01-05")
    assert (deep.depth, deep.sessions) == (pytest.approx(0.2), 2)
    assert (str(late.since), str(late.deepest), late.recovered) == ("2024-01-08", "2024-01-09", None)
    assert (late.depth, late.sessions) == (pytest.approx(0.1), 2)
    assert falls_of(equity, count=1) == [deep]


def test_a_drawdown_from_the_money_at_the_start_has_no_day_of_its_high():
    (one,) = falls_of([95.0, 90.0])
    assert (one.since, str(one.deepest), one.recovered, one.depth) == (None, "2024-01-03", None, pytest.approx(0.1))
    assert falls_of([100.0, 95.0])[0].since is None  # nothing was gained on the second of January
    assert falls_of([101.0, 102.0]) == []
    assert falls_of([]) == []


def test_every_drawdown_is_that_of_the_equity_curve(tmp_path):
    """A fall that is made good by the close counts in the headline, its month, its session and the list alike."""
    messages, opens = sessions(3)
    hour = 60 * kit.MINUTE
    values = [(opens[0] - kit.MINUTE, 100.0), (opens[0] + hour, 110.0), (opens[0] + 2 * hour, 88.0)]
    values += [(opens[0] + 3 * hour, 111.0), (opens[1] + hour, 111.0), (opens[1] + 2 * hour, 99.9)]
    run = run_of(tmp_path, messages, values)  # on the third day nothing is known: the second's fall goes on
    by_session, equity = session_returns(run), np.array([value for _, value in values])
    deep, late = deepest_drawdowns(by_session, equity)
    days = ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert (str(deep.since), str(deep.deepest), str(deep.recovered)) == (days[0],) * 3
    assert (str(late.since), str(late.deepest), late.recovered) == (days[1], days[1], None)
    assert [one.depth for one in (deep, late)] == pytest.approx([1 - 88 / 110, 1 - 99.9 / 111])
    assert [one.sessions for one in (deep, late)] == [1, 1]
    (month,) = monthly(by_session, equity)
    assert performance(run).drawdown == month.drawdown == deep.depth
    assert session_drawdowns(by_session, equity) == pytest.approx([0.2, 0.1, 0.1])


def test_rolling_figures_are_of_twenty_sessions_and_there_are_none_before():
    returns = 0.01 * kit.noise(23)
    by_session = returns_of(100.0 * np.cumprod(1.0 + returns))
    found = rolling_figures(by_session)
    assert found.date.tolist() == by_session.date[19:].tolist()
    for row, end in enumerate(range(20, 24)):
        window = returns[end - 20 : end]
        assert found.volatility[row] == pytest.approx(math.sqrt(252 * np.sum((window - window.mean()) ** 2) / 19))
        assert found.sharpe[row] == pytest.approx(252 * window.mean() / found.volatility[row])
    assert len(rolling_figures(returns_of(np.full(19, 100.0))).date) == 0
    assert np.isnan(rolling_figures(returns_of(np.full(20, 100.0))).sharpe).all()
