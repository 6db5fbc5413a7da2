"""Whether forecasts were right, against figures made by hand."""

import math

import pytest

from alo_lib.records import Kind, Message, records
from alo_lib.views import report_html
from alo_lib.views.forecast_verdict import (
    LEAST_LIVES,
    Errors,
    ForecastVerdict,
    facts_in_words,
    forecast_verdict,
    in_words,
    stated_verdict,
)
from alo_lib.views.volatility import ForecastOutcome, forecast_outcomes
from tests.views import kit
from tests.views.test_volatility import NEAR, lived_messages, quoted_messages


def outcome(time, expiry, forecast=0.3, implied=0.35, realized=0.25, low=0.2, high=0.4):
    return ForecastOutcome(time, expiry, "2024-02-16", 5, forecast, implied, realized, low, high, traded=False)


def verdict_of(monkeypatch, tmp_path, outcomes):
    monkeypatch.setattr("alo_lib.views.forecast_verdict.forecast_outcomes", lambda run, underlying: outcomes)
    return forecast_verdict(kit.run_of(tmp_path, kit.quiet_messages()))


def test_errors_and_the_share_within_the_band_are_those_of_the_outcomes(monkeypatch, tmp_path):
    found = verdict_of(
        monkeypatch,
        tmp_path,
        [
            outcome(0, 10, forecast=0.30, implied=0.35, realized=0.25),
            outcome(0, 10, forecast=0.30, implied=math.nan, realized=0.45),  # outside, and compared with nothing
            outcome(10, 20, forecast=0.20, implied=0.25, realized=0.30, low=math.nan, high=math.nan),
        ],
    )
    assert (found.outcomes, found.banded, found.in_band, found.compared) == (3, 2, 1, 2)
    assert found.forecast == pytest.approx((-0.025, 0.075))  # 0.05 and -0.10
    assert found.implied == pytest.approx((0.025, 0.075))  # 0.10 and -0.05
    told = stated_verdict(found)
    assert told["share_in_band"] == 0.5
    assert told["errors"]["forecast"] == {"mean": -0.025, "mean_absolute": 0.075}
    assert told["nearer"] is None


def test_the_page_says_of_one_underlying_what_the_verdict_says_of_all(monkeypatch, tmp_path):
    """One sign, one set: what has no implied volatility counts in neither."""
    outcomes = [
        outcome(0, 10, forecast=0.30, implied=0.35, realized=0.26),
        outcome(0, 10, forecast=0.30, implied=math.nan, realized=0.45),
        outcome(10, 20, forecast=0.30, implied=0.36, realized=0.24)._replace(traded=True),
    ]
    monkeypatch.setattr("alo_lib.views.report.forecast_outcomes", lambda run, underlying: outcomes)
    facts = facts_in_words(verdict_of(monkeypatch, tmp_path, outcomes))
    assert facts.startswith("forecasts were off by 5.0 points in size (+5.0 on average), implied volatility by 10.5 ")
    text = report_html(kit.run_of(tmp_path, kit.traded_messages()))
    assert f"Of 3 forecasts whose expiry the run reached: {facts}. " in text
    assert "Of those traded on 1 of 1 came true within their band, that of volatility from close to close." in text


@pytest.mark.parametrize(
    ("lives", "count"),
    [
        ([(0, 10), (10, 20), (20, 30)], 3),  # one may begin as another ends
        ([(0, 30), (0, 10), (5, 15), (10, 20), (19, 31)], 2),
        ([(0, 10)] * 8, 1),
        ([], 0),
    ],
)
def test_lives_that_do_not_overlap_are_counted(monkeypatch, tmp_path, lives, count):
    assert verdict_of(monkeypatch, tmp_path, [outcome(*life) for life in lives]).lives == count


def verdict(lives, ours=0.03, theirs=0.04):
    return ForecastVerdict(240, lives, 200, 176, 240, Errors(0.01, ours), Errors(0.035, theirs))


def test_too_few_lives_are_too_few_to_say():
    few, enough = verdict(LEAST_LIVES - 1), verdict(LEAST_LIVES)
    assert (few.nearer, enough.nearer) == (None, "forecast")
    assert in_words(few) == (
        "Too few to say whether forecasts were right (9 lives that do not overlap, of 10 needed); so far forecasts "
        "were off by 3.0 points in size (+1.0 on average), implied volatility by 4.0 points in size (+3.5 on average), "
        "over 240 forecasts, and 176 of 200 (88%) came true within their 90 % band."
    )
    assert in_words(enough).startswith(
        "Forecasts were nearer to what was realized than implied volatility: forecasts were off by 3.0 points"
    )


def test_who_was_nearer_is_said():
    theirs, even = verdict(12, ours=0.05), verdict(12, ours=0.04)
    assert theirs.nearer == "implied"
    assert in_words(theirs).startswith("Implied volatility was nearer to what was realized than forecasts: ")
    assert even.nearer is None
    assert in_words(even).startswith("Forecasts and implied volatility were equally near")
    unquoted = verdict(12)._replace(compared=0, forecast=Errors(math.nan, math.nan), implied=Errors(math.nan, math.nan))
    assert unquoted.nearer is None
    assert "no implied volatility is known beside the 240 forecasts" in in_words(unquoted)
    assert stated_verdict(unquoted)["errors"]["implied"] == {"mean": None, "mean_absolute": None}


def test_a_run_in_which_nothing_was_forecast_says_so(tmp_path):
    run = kit.run_of(tmp_path, kit.quiet_messages())
    words = (
        "Too few to say whether forecasts were right: none has an expiry that the run reached after two sessions or "
        "more (0 lives that do not overlap, of 10 needed)."
    )
    assert run.summary["forecasts"]["verdict"] == words
    assert words in report_html(run)


def test_implied_volatility_is_that_of_the_expiry_after_the_forecast(tmp_path):
    """Quotes at 20 % an hour after the open; the forecast of the morning is held against them, one of noon is not."""
    messages = quoted_messages()
    day = 86_400 * 10**9
    made = [
        Message(Kind.FORECAST, time, records(Kind.FORECAST, underlying=0, expiry=NEAR, volatility=volatility))
        for time, volatility in ((messages[0].time, 0.25), (messages[-1].time + 60 * kit.MINUTE, 0.26))
    ]
    messages = [*messages[:4], made[0], *messages[4:], made[1]]
    for number in range(1, 21):
        opened, closed = kit.OPEN + number * day, kit.CLOSE + number * day
        session = records(Kind.SESSION, open=opened, close=closed, date=20240102 + number)
        messages.append(Message(Kind.SESSION, opened, session))
        messages.append(Message(Kind.TRADE, closed, records(Kind.TRADE, instrument=0, close=100.0 + number % 2)))
    run = kit.run_of(tmp_path, messages)
    early, late = forecast_outcomes(run, run.underlyings[0])
    assert early.implied == pytest.approx(0.2, abs=1e-3)
    assert math.isnan(late.implied)
    assert run.summary["forecasts"]["compared"] == 1


def test_a_run_without_quotes_compares_nothing(tmp_path):
    told = kit.run_of(tmp_path, lived_messages()).summary["forecasts"]
    assert (told["outcomes"], told["compared"], told["lives"]) == (1, 0, 1)
