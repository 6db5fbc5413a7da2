"""Dates in and out: pandas' and NumPy's, counted to an expiry."""

import datetime as dt
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from alo_lib.volatility import (
    DailyHistory,
    GjrGarch,
    ObservationError,
    ParameterError,
    dated_returns,
    trading_days_until,
)

from .conftest import PARAMETERS

RETURNS = GjrGarch(PARAMETERS["t"]).simulate(300, seed=5)[0]
DAYS = pd.bdate_range("2023-01-02", periods=301)
CLOSES = pd.Series(100.0 * np.exp(np.append(0.0, np.cumsum(RETURNS))), DAYS, name="close")


def known(history: DailyHistory):
    assert history.dates is not None
    return history.dates


def test_a_series_brings_its_dates_and_its_leading_gap_is_no_day() -> None:
    for returns in (np.log(CLOSES).diff(), pd.DataFrame({"r": np.log(CLOSES).diff()})[["r"]]):
        history = DailyHistory.from_returns(returns)
        np.testing.assert_allclose(history.returns, RETURNS, atol=1e-14)
        assert known(history).dtype == np.dtype("datetime64[D]")
        assert [str(known(history)[at]) for at in (0, -1)] == ["2023-01-03", str(DAYS[-1].date())]
    simple = DailyHistory.from_returns(CLOSES.pct_change())
    np.testing.assert_allclose(simple.returns, np.expm1(RETURNS), atol=1e-14)
    nullable = DailyHistory.from_returns(CLOSES.pct_change().astype("Float64"))
    np.testing.assert_array_equal(nullable.returns, simple.returns)
    by_array = DailyHistory.from_returns(RETURNS, dates=DAYS[1:].to_numpy())
    np.testing.assert_array_equal(known(by_array), known(history))
    assert DailyHistory.from_returns(RETURNS).dates is None
    assert DailyHistory.from_returns(pd.Series(RETURNS)).dates is None
    assert DailyHistory.from_returns(list(RETURNS)).dates is None


@pytest.mark.parametrize(
    "index",
    [
        DAYS.tz_localize("America/New_York") + pd.Timedelta(hours=16),
        DAYS.to_period("D"),
        pd.Index([day.date() for day in DAYS]),
    ],
    ids=["zone", "period", "date"],
)
def test_other_indexes_of_dates_are_read_on_their_own_clock(index: pd.Index) -> None:
    history = DailyHistory.from_returns(pd.Series(CLOSES.pct_change().to_numpy(), index))
    np.testing.assert_array_equal(known(history), DAYS[1:].to_numpy().astype("datetime64[D]"))


def test_bars_have_the_dates_of_their_columns_and_a_slice_keeps_its_own() -> None:
    frame = pd.DataFrame({"open": CLOSES, "high": 1.01 * CLOSES, "low": 0.99 * CLOSES, "close": CLOSES})
    history = DailyHistory.from_bars(frame.open, frame.high, frame.low, frame.close)
    plain = DailyHistory.from_bars(*frame.to_numpy().T)
    np.testing.assert_array_equal(history.measures, plain.measures)
    np.testing.assert_array_equal(known(history), DAYS[1:].to_numpy().astype("datetime64[D]"))
    np.testing.assert_array_equal(known(history[-5:]), known(history)[-5:])
    given = DailyHistory.from_bars(*frame.to_numpy().T, dates=DAYS)
    np.testing.assert_array_equal(known(given), known(history))
    with pytest.raises(ObservationError, match="must have the same dates, but their indexes differ"):
        DailyHistory.from_bars(frame.open, frame.high, frame.low, frame.close.shift(freq="D"))


def test_what_is_no_row_of_dates_is_refused_in_a_sentence() -> None:
    back = DAYS[1:].to_numpy().copy()
    back[[3, 4]] = back[[4, 3]]
    with pytest.raises(ObservationError, match="dates must ascend, but 2023-01-06 at 4 comes after 2023-01-09"):
        DailyHistory.from_returns(RETURNS, dates=back)
    with pytest.raises(ObservationError, match="dates must be as many as the days, 300, but the shape is"):
        DailyHistory.from_returns(RETURNS, dates=DAYS)
    back[7] = np.datetime64("NaT")
    with pytest.raises(ObservationError, match="there is none at 7"):
        DailyHistory.from_returns(RETURNS, dates=back)
    with pytest.raises(ObservationError, match="dates must be days, but"):
        DailyHistory.from_returns(RETURNS, dates=["soon"] * 300)
    with pytest.raises(ObservationError, match="the value at 4 is nan"):
        DailyHistory.from_returns(CLOSES.pct_change().where(DAYS[5] != DAYS))
    with pytest.raises(ObservationError, match="finite"):
        DailyHistory.from_returns(np.full(5, np.nan))
    with pytest.raises(ObservationError, match="the history has no dates; give a Series with a date index"):
        DailyHistory.from_returns(RETURNS).trading_days_until("2025-01-01")


def test_values_go_back_into_pandas_with_their_dates() -> None:
    history = DailyHistory.from_returns(CLOSES.pct_change())
    model = GjrGarch(PARAMETERS["t"])
    path = model.filter(history)
    variance = history.dated(path.conditional_variance, "variance")
    assert isinstance(variance, pd.Series)
    assert variance.index.equals(DAYS[1:].rename("date"))
    assert variance.name == "variance"
    forecasts = history.dated(model.forecast_path(path, [1.0, 21.0]))
    assert isinstance(forecasts, pd.DataFrame)
    assert forecasts.shape == (300, 2)
    with pytest.raises(ObservationError, match="values must be one a day, 300"):
        history.dated(path.conditional_variance[1:])


def test_sessions_to_an_expiry_leave_out_weekends_and_holidays() -> None:
    # From Friday 2023-12-15: five sessions to the 22nd, none on Christmas, four more, none on New Year's Day.
    for expiry, count in (("2023-12-18", 1), ("2023-12-22", 5), ("2023-12-29", 9), ("2024-01-02", 10)):
        for asked in (
            pd.Timestamp(expiry),
            pd.Timestamp(expiry + " 16:00"),
            dt.date.fromisoformat(expiry),
            np.datetime64(expiry),
            expiry,
        ):
            assert trading_days_until(asked, "2023-12-15") == count
    assert trading_days_until("2023-12-29", "2023-12-15", closed=[]) == 10
    # LEAN's calendar has 250 sessions in 2023.
    assert trading_days_until("2023-12-31", "2022-12-31") == 250
    history = DailyHistory.from_returns(CLOSES.pct_change())
    model = GjrGarch(PARAMETERS["t"])
    days = history.trading_days_until(pd.Timestamp(DAYS[-1]) + pd.Timedelta(days=7))
    assert days in (4, 5)
    state = model.filter(history).state
    assert model.forecast_volatility(state, days) == model.forecast_volatility(state, float(days))
    with pytest.raises(ParameterError, match="expiry must be a session or more after 2023-12-15, but it is 2023-12-17"):
        trading_days_until("2023-12-17", "2023-12-15")
    with pytest.raises(ParameterError, match="expiry must be a date, but it is 'friday'"):
        trading_days_until("friday", "2023-12-15")


def test_pandas_is_imported_only_by_what_gives_its_objects() -> None:
    code = (
        "import sys; import numpy as np; from alo_lib.volatility import DailyHistory;"
        "history = DailyHistory.from_returns(np.full(3, .01), dates=np.arange(3).astype('datetime64[D]'));"
        "assert 'pandas' not in sys.modules; history.dated(history.returns); assert 'pandas' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_evening_in_new_york_is_that_day_whoever_reads_it() -> None:
    evenings = pd.DatetimeIndex(["2024-01-02 20:00", "2024-01-03 20:00", "2024-01-04 20:00"], tz="America/New_York")
    days = ["2024-01-02", "2024-01-03", "2024-01-04"]
    series = DailyHistory.from_returns(pd.Series([0.01, 0.02, 0.03], evenings))
    by_argument = DailyHistory.from_returns([0.01, 0.02, 0.03], dates=evenings)
    by_list = DailyHistory.from_returns([0.01, 0.02, 0.03], dates=list(evenings))
    gaps = dated_returns(evenings, [1.0, 2.0, 3.0])
    for found in (known(series), known(by_argument), known(by_list), np.append(known(series)[:1], gaps.dates)):
        assert list(map(str, found)) == days
    assert gaps.notes == ()
    assert trading_days_until("2024-01-19", pd.Timestamp("2024-01-18 20:00", tz="America/New_York")) == 1


@pytest.mark.parametrize("dates", [[20240102, 20240103], [0.5, 1.5], [True, False], pd.Series([1, 2], dtype=object)])
def test_numbers_are_no_dates(dates: object) -> None:
    with pytest.raises(ObservationError, match="must be days, but they are numbers"):
        DailyHistory.from_returns([0.01, 0.02], dates=dates)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="expiry must be a date, but it is 25"):
        trading_days_until(25, "2024-01-18")
    with pytest.raises(ParameterError, match="after must be from 1800-01-01 to 2199-12-31"):
        trading_days_until("2024-01-18", "-0005-01-01")


def test_an_index_of_names_has_no_dates() -> None:
    for names in (["a", "b"], ["1", "2"]):
        assert DailyHistory.from_returns(pd.Series([0.01, 0.02], names)).dates is None
