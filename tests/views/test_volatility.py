"""Implied, forecast and realized volatility at constant maturity, and whether forecasts came true."""

import datetime as dt
import math

import numpy as np
import pytest

from alo_lib.pricing import price
from alo_lib.records import YEAR, Contract, InstrumentTable, Kind, Message, records, years_between
from alo_lib.views.blotter import InstrumentFill
from alo_lib.views.regimes import regimes_over_time
from alo_lib.views.report import report_html
from alo_lib.views.run import Run
from alo_lib.views.time_axis import time_axis
from alo_lib.views.volatility import (
    followed_market,
    forecast_outcomes,
    refits,
    term_structures,
    volatility_view,
)
from alo_lib.views.volatility_figures import outcome_figure, regime_figure, volatility_figure
from alo_lib.views.volatility_page import VolatilityReportView, history_figure, volatility_html
from alo_lib.volatility import report_volatility
from tests.views import kit
from tests.views.test_performance import DAY, run_of

RATE, SPOT = 0.05, 101.0
NEAR, FAR = kit.CLOSE + 20 * DAY, kit.CLOSE + 50 * DAY


def view_of(run: Run):
    return volatility_view(run, run.underlyings[0])


def quoted_messages(near=0.2, far=0.3, dividend_yield=0.0, near_date=dt.date(2024, 1, 22)):
    """One moment at which the options next to the spot imply these volatilities."""
    table = InstrumentTable()
    equity = table.add_equity("ALFA")
    dates = {NEAR: near_date, FAR: dt.date(2024, 2, 21)}
    chain = table.add_contracts(
        "ALFA",
        [Contract(day, strike, right, end) for end, day in dates.items() for strike in (100, 102) for right in (1, -1)],
    )
    now = kit.OPEN + 60 * kit.MINUTE
    years = years_between(now, chain["expiry"])
    volatility = np.where(chain["expiry"] == NEAR, near, far)
    middle = price(
        SPOT,
        chain["strike"],
        time_to_expiry=years,
        volatility=volatility,
        rate=RATE,
        dividend_yield=dividend_yield,
        right=chain["right"],
    )
    quotes = records(Kind.QUOTE, len(chain), bid=middle - 0.01, ask=middle + 0.01, bid_size=9, ask_size=9)
    quotes["instrument"] = chain["instrument"]
    return [
        Message(Kind.INSTRUMENT, kit.OPEN, equity),
        Message(Kind.SESSION, kit.OPEN, records(Kind.SESSION, open=kit.OPEN, close=kit.CLOSE, date=20240102)),
        Message(Kind.RATE, kit.OPEN, records(Kind.RATE, rate=RATE)),
        Message(Kind.INSTRUMENT, kit.OPEN, chain),
        Message(Kind.TRADE, now, records(Kind.TRADE, instrument=0, close=SPOT, volume=1)),
        Message(Kind.QUOTE, now, quotes),
        Message(Kind.FRAME, now, records(Kind.FRAME, frame=1)),
    ]


def test_implied_volatility_at_the_money_is_what_the_quotes_were_made_with(tmp_path):
    view = view_of(run_of(tmp_path, quoted_messages()))
    np.testing.assert_allclose(view.implied_by_expiry, [[0.2, 0.3]], atol=1e-4)
    one, two = ((end - view.implied_time[0]) / (365 * DAY) for end in (NEAR, FAR))
    share = (30 / 365 - one) / (two - one)
    wanted = math.sqrt(((1 - share) * 0.2**2 * one + share * 0.3**2 * two) / (30 / 365))
    assert view.implied[0, 0] == pytest.approx(wanted, abs=1e-4)
    assert math.isnan(view.implied[0, 1])  # no expiry beyond 60 days


def test_a_forecast_holds_until_the_runs_end(tmp_path):
    messages = quoted_messages()
    made = records(Kind.FORECAST, 2, underlying=0, expiry=[NEAR, FAR], volatility=[0.25, 0.35], spot=SPOT)
    messages.append(Message(Kind.FORECAST, messages[-1].time, made))
    messages.append(Message(Kind.FRAME, kit.CLOSE, records(Kind.FRAME, frame=2)))
    view = view_of(run_of(tmp_path, messages))
    assert view.forecast_time.tolist() == [messages[-2].time, kit.CLOSE]
    assert 0.25 < view.forecast[0, 0] < 0.35
    assert view.forecast[0, 0] == view.forecast[1, 0]


def test_realized_volatility_is_that_of_the_closes_before(tmp_path):
    closes = 100 * np.exp(np.cumsum(0.01 * kit.noise(50)))
    rows = records(Kind.CLOSE, 50, close=closes)
    rows["time"] = kit.OPEN - DAY * np.arange(50, 0, -1)
    view = view_of(run_of(tmp_path, [*quoted_messages(), Message(Kind.CLOSE, kit.CLOSE, rows)]))
    moves = np.diff(np.log(closes))
    assert view.realized[-1, 0] == pytest.approx(math.sqrt(252 * np.mean(moves[-21:] ** 2)))
    assert view.realized[-1, 1] == pytest.approx(math.sqrt(252 * np.mean(moves[-41:] ** 2)))
    assert np.isnan(view.realized[:21, 0]).all()
    assert np.isfinite(view.realized[21, 0])


def test_a_split_of_the_run_leaves_the_daily_closes_as_they_were_told(tmp_path):
    rows = records(Kind.CLOSE, 50, close=100 * np.exp(np.cumsum(0.01 * kit.noise(50))))
    rows["time"] = kit.OPEN - DAY * np.arange(50, 0, -1)
    messages = [*quoted_messages(), Message(Kind.CLOSE, kit.CLOSE, rows)]
    split = Message(Kind.SPLIT, kit.OPEN, records(Kind.SPLIT, instrument=0, factor=0.25))
    whole, apart = (
        view_of(run_of(tmp_path / "a", messages)),
        view_of(run_of(tmp_path / "b", [*messages[:4], split, *messages[4:]])),
    )
    np.testing.assert_array_equal(apart.realized, whole.realized)


def test_a_split_restates_the_dividends_that_are_expected(tmp_path):
    """Seven for one: of 7.00 on 707.00 one expects 1.00 on 101.00 a year later, after the chain has expired."""
    messages = quoted_messages(dividend_yield=0.0)
    paid = records(Kind.DIVIDEND, instrument=0, amount=7.0)
    paid["time"] = kit.OPEN - 90 * DAY
    before = records(Kind.TRADE, instrument=0, close=7 * SPOT, volume=1)
    split = records(Kind.SPLIT, 2, instrument=0, factor=1 / 7)
    split["time"], split["warning"] = kit.OPEN, [1, 0]
    at = kit.OPEN - kit.MINUTE
    messages[4:4] = [
        Message(Kind.DIVIDEND, at, paid),
        Message(Kind.TRADE, at, before),
        Message(Kind.SPLIT, kit.OPEN, split),
    ]
    run = run_of(tmp_path, messages)
    book = followed_market(run, run.underlyings[0]).book
    assert book.dividends_ahead(messages[-1].time) == ((kit.OPEN + 274 * DAY, 1.0),)
    np.testing.assert_allclose(view_of(run).implied_by_expiry, [[0.2, 0.3]], atol=1e-4)


@pytest.mark.parametrize("over", [False, True])
def test_an_announced_dividend_is_known_to_pages_until_the_next_session(tmp_path, over):
    """That of another underlying is not; the session that comes next tells its own."""
    messages = quoted_messages(dividend_yield=0.0)
    due = messages[-1].time + DAY
    announced = records(Kind.ANNOUNCED, 2, instrument=[0, 1], time=due, amount=[1.0, 9.0])
    session = next(message for message in messages if message.kind is Kind.SESSION)
    told = [Message(Kind.ANNOUNCED, kit.OPEN - kit.MINUTE, announced)]
    messages[4:4] = [*told, session._replace(time=kit.OPEN - kit.MINUTE)] if over else told
    run = run_of(tmp_path, messages)
    book = followed_market(run, run.underlyings[0]).book
    assert book.dividends_ahead(messages[-1].time) == (() if over else ((due, 1.0),))


def lived_messages(entries=(), band=(0.3, 0.6)):
    """Four sessions with a forecast of 40 % for expiries two and thirty days ahead, and trades' entries after it."""
    messages, prices = quoted_messages()[:4], [100.0, 102.0, 99.0, 103.0]
    for day, close in enumerate(prices):
        start = kit.OPEN + day * DAY
        if day:
            told = records(Kind.SESSION, open=start, close=start + kit.CLOSE - kit.OPEN, date=20240102 + day)
            messages.append(Message(Kind.SESSION, start, told))
        bar = records(Kind.TRADE, instrument=0, close=close, volume=1)
        messages.append(Message(Kind.TRADE, start + 390 * kit.MINUTE, bar))
        if day == 0:
            ends = [kit.CLOSE + 2 * DAY, kit.CLOSE + 30 * DAY]
            made = records(Kind.FORECAST, 2, underlying=0, expiry=ends, volatility=0.4, spot=100.0)
            made["band_low"], made["band_high"] = band
            messages.append(Message(Kind.FORECAST, start + 391 * kit.MINUTE, made))
            messages += [Message(Kind.ENTRY, start + 391 * kit.MINUTE, entry) for entry in entries]
    messages.append(Message(Kind.FRAME, messages[-1].time, records(Kind.FRAME, frame=1)))
    return messages


def entry(**columns):
    return records(Kind.ENTRY, **{"expiry": kit.CLOSE + 2 * DAY, "forecast_volatility": 0.4, "trade": 1} | columns)


MOVES = np.log([102 / 100, 99 / 102])
LIFE = (2 * DAY - kit.MINUTE) / YEAR
"""Of the forecast, on calendar time, as it is annualized."""


def test_a_forecast_is_held_against_what_came_until_its_expiry(tmp_path):
    run = run_of(tmp_path, lived_messages())
    (outcome,) = forecast_outcomes(run, run.underlyings[0])
    assert outcome.sessions == 2
    assert outcome.forecast == 0.4
    assert outcome.realized == pytest.approx(math.sqrt(np.sum(MOVES**2) / LIFE))
    assert (outcome.band_low, outcome.band_high) == (0.3, 0.6)
    assert not outcome.traded
    diagonal, drawn = outcome_figure([outcome])["data"]
    assert diagonal["x"] == diagonal["y"]
    assert drawn["name"] == "one forecast for one expiry"
    assert drawn["x"] == [40.0]
    assert drawn["error_x"]["arrayminus"] == pytest.approx([10.0])
    assert drawn["error_x"]["array"] == pytest.approx([20.0])


def test_a_forecast_that_was_traded_on_stands_once(tmp_path):
    run = run_of(tmp_path, lived_messages([entry(), entry(expiry=kit.CLOSE + 30 * DAY)]))
    (outcome,) = forecast_outcomes(run, run.underlyings[0])
    assert outcome.traded
    assert outcome.realized == pytest.approx(math.sqrt(np.sum(MOVES**2) / LIFE))
    _, drawn = outcome_figure([outcome])["data"]
    assert drawn["name"] == "one that was traded on"


def test_a_trade_is_opened_on_the_forecast_then_in_force(tmp_path):
    messages = lived_messages([entry()])
    (made,) = (place for place, message in enumerate(messages) if message.kind is Kind.FORECAST)
    earlier, later = messages[made]._replace(time=kit.OPEN), messages[made]._replace(time=kit.CLOSE + 2 * kit.MINUTE)
    messages[made + 2 : made + 2] = [later]
    run = run_of(tmp_path, [*messages[:made], earlier, *messages[made:]])
    outcomes = forecast_outcomes(run, run.underlyings[0])
    assert [one.traded for one in outcomes] == [False, True, False]


def test_a_band_that_is_not_known_is_not_drawn(tmp_path):
    run = run_of(tmp_path, lived_messages(band=(math.nan, math.nan)))
    _, one = outcome_figure(forecast_outcomes(run, run.underlyings[0]))["data"]
    assert "error_x" not in one


def regime_messages():
    """Two regimes told on each of two sessions, of another underlying too, and three on a third."""
    messages = lived_messages()
    told = [
        ([0.1, 0.4], [0.9, 0.1]),
        ([0.1, 0.4], [0.3, 0.7]),
        ([0.1, 0.3, 0.8], [0.2, 0.5, 0.3]),
    ]
    for day, (volatility, probability) in enumerate(told):
        rows = records(Kind.REGIME, len(volatility), regime=range(len(volatility)))
        rows["volatility"], rows["probability"] = volatility, probability
        other = rows.copy()
        other["underlying"], other["probability"] = 7, 0.0
        time = kit.OPEN + day * DAY + kit.MINUTE
        place = next(n for n, m in enumerate(messages) if m.kind is Kind.TRADE and m.time > time)
        messages[place:place] = [Message(Kind.REGIME, time, np.concatenate([rows, other]))]
    return messages


def test_regimes_are_those_that_were_told_and_hold_until_the_end(tmp_path):
    run = run_of(tmp_path, regime_messages())
    view = regimes_over_time(run, run.underlyings[0])
    assert view.time.tolist() == [kit.OPEN + day * DAY + kit.MINUTE for day in range(3)]
    nan = math.nan
    np.testing.assert_array_equal(view.probability, [[0.9, 0.1, nan], [0.3, 0.7, nan], [0.2, 0.5, 0.3]])
    np.testing.assert_array_equal(view.volatility, [[0.1, 0.4, nan], [0.1, 0.4, nan], [0.1, 0.3, 0.8]])
    assert view.likeliest.tolist() == [0, 1, 1]
    drawn = regime_figure(time_axis(run), view)["data"]
    shares = [trace for trace in drawn if trace.get("stackgroup")]
    assert [trace["y"] for trace in shares] == [[90, 30, 20, 20], [10, 70, 50, 50], [0, 0, 30, 30]]
    assert len({tuple(trace["x"]) for trace in shares}) == 1
    assert shares[0]["x"] == [*(f"2024-01-0{2 + day} 09:31" for day in range(3)), "2024-01-05 16:00"]
    (level,) = (trace for trace in drawn if trace["name"] == "the likeliest regime's")
    assert level["y"] == [10, 40, 30, 30]
    wildest = next(trace for trace in drawn if trace["name"] == "regime 3")
    assert wildest["y"] == [80, 80]


def test_days_too_far_out_to_be_believed_are_named_where_volatility_leaps():
    closes = 100.0 * np.exp(np.cumsum(0.01 * kit.noise(400)))
    bars = closes * 0.999, closes * 1.004, closes * 0.996, closes
    days = np.datetime64("2020-01-01") + np.arange(400)
    clean = VolatilityReportView("ALFA", days, report_volatility(*bars, distribution="normal"))
    assert (clean.far_notes, clean.to_dict()["far_ranges"]) == ([], [])
    low = bars[2].copy()
    for number in range(100, 160, 10):
        low[number] *= 0.5 if number == 100 else 0.1
    spoiled = VolatilityReportView(
        "ALFA", days, report_volatility(bars[0], bars[1], low, closes, distribution="normal")
    )
    found = [str(days[number]) for number in range(100, 160, 10)]
    assert spoiled.to_dict()["far_ranges"] == found
    (note,) = spoiled.far_notes
    assert note.startswith("6 days have a high or low")
    assert f"(furthest {', '.join(found[1:])})" in note
    assert note in volatility_html(spoiled)
    highest = 100.0 * float(np.max(spoiled.analysis.conditional))
    assert history_figure(spoiled)["layout"]["yaxis"]["range"] == pytest.approx([0.0, 2.0 * highest])
    assert "range" not in history_figure(clean)["layout"]["yaxis"]


def test_without_regimes_the_page_has_no_chart_of_them(tmp_path):
    assert "regimes" not in report_html(kit.run_of(tmp_path / "a", lived_messages()))
    text = report_html(kit.run_of(tmp_path / "b", regime_messages()))
    assert "ALFA: regimes" in text
    assert "80.0%" in text
    assert "1 of 1 (100%) came true within their 90 % band. " in text


def test_term_structures_have_what_was_implied_and_the_forecast_then_in_force(tmp_path):
    messages = quoted_messages()
    made = records(Kind.FORECAST, underlying=0, expiry=FAR, volatility=0.35, spot=SPOT)
    messages.insert(-3, Message(Kind.FORECAST, kit.OPEN + 30 * kit.MINUTE, made))
    later = records(Kind.FORECAST, 2, underlying=0, expiry=[NEAR, FAR], volatility=[0.1, 0.1], spot=SPOT)
    messages.append(Message(Kind.FORECAST, messages[-1].time + 1, later))
    messages.append(Message(Kind.FRAME, kit.CLOSE, records(Kind.FRAME, frame=2)))
    view = view_of(run_of(tmp_path, messages))
    (one,) = term_structures(view, 6)
    assert one.time == kit.OPEN + 60 * kit.MINUTE
    assert one.days == pytest.approx([(end - one.time) / DAY for end in (NEAR, FAR)])
    assert one.implied == pytest.approx([0.2, 0.3], abs=1e-4)
    assert math.isnan(one.forecast[0])  # none of it was made by then
    assert one.forecast[1] == 0.35


def test_refits_are_marked_on_the_forecast_that_was_first_made_with_them(tmp_path):
    messages = quoted_messages()
    begun = kit.OPEN + 20 * kit.MINUTE
    messages.insert(-3, Message(Kind.CALIBRATION, begun, records(Kind.CALIBRATION, underlying=0, number=1)))
    messages.insert(-3, Message(Kind.CALIBRATION, begun, records(Kind.CALIBRATION, underlying=7, number=2)))
    made = records(Kind.FORECAST, 2, underlying=0, expiry=[NEAR, FAR], volatility=[0.35, 0.35], spot=SPOT)
    messages.insert(-3, Message(Kind.FORECAST, begun + kit.MINUTE, made))
    run = run_of(tmp_path, messages)
    found = refits(run, run.underlyings[0])
    assert found.tolist() == [begun]
    drawn = volatility_figure(time_axis(run), view_of(run), [], found)["data"]
    (mark,) = (trace for trace in drawn if trace["name"] == "models fitted anew")
    assert mark["x"] == ["2024-01-02 09:51:00.000"]
    assert mark["y"] == pytest.approx([35.0])
    assert mark["text"] == ["2024-01-02 09:50:00.000"]


def test_lines_of_an_expiry_share_a_name_and_wait_for_a_click(tmp_path):
    messages = quoted_messages()
    made = records(Kind.FORECAST, 2, underlying=0, expiry=[NEAR, FAR], volatility=[0.35, 0.35], spot=SPOT)
    messages.insert(-3, Message(Kind.FORECAST, kit.OPEN, made))
    run = run_of(tmp_path, messages)
    drawn = volatility_figure(time_axis(run), view_of(run), [], np.zeros(0, np.int64))["data"]
    near = [trace for trace in drawn if trace["name"] == "expiry 2024-01-22"]
    assert [trace["showlegend"] for trace in near] == [True, False]
    assert {trace["visible"] for trace in near} == {"legendonly"}
    assert {trace["legendgroup"] for trace in near} == {"expiry 2024-01-22"}
    assert [trace["name"] for trace in drawn[:2]] == ["implied, 30 days", "forecast, 30 days"]


def test_an_expiry_that_was_traded_is_shown_under_its_contracts_date_with_marks_on_its_line(tmp_path):
    messages = quoted_messages(near_date=dt.date(2024, 1, 23))
    made = records(Kind.FORECAST, 2, underlying=0, expiry=[NEAR, FAR], volatility=[0.35, 0.35], spot=SPOT)
    messages.insert(-3, Message(Kind.FORECAST, kit.OPEN, made))
    run = run_of(tmp_path, messages)
    options = {one.expiry: one for one in run.instruments.values() if one.is_option}
    seen = kit.OPEN + 60 * kit.MINUTE
    filled = [
        InstrumentFill(seen, options[FAR], 1, 3.0, 1.0, "entry"),
        InstrumentFill(seen + kit.MINUTE, options[NEAR], -1, 3.0, 1.0, "exit edge"),
    ]
    drawn = volatility_figure(time_axis(run), view_of(run), filled[:1], np.zeros(0, np.int64))["data"]
    shown = {trace["name"]: trace.get("visible", True) for trace in drawn if trace["name"].startswith("expiry")}
    assert shown == {"expiry 2024-01-23": "legendonly", "expiry 2024-02-21": True}
    marks = {
        trace["name"]: trace["y"]
        for trace in volatility_figure(time_axis(run), view_of(run), filled, np.zeros(0, np.int64))["data"]
        if trace["mode"] == "markers"
    }
    assert marks == {"entry": pytest.approx([30.0], abs=0.01), "exit": pytest.approx([20.0], abs=0.01)}
