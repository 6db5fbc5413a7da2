"""The option price model and the volatility model, plugged into a stranger's algorithm in a real LEAN."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alo_lib.market import DataFolder
from alo_lib.pricing import greeks
from alo_lib.settings import Settings
from alo_lib.simulation import Feed, require_data
from alo_lib.strategy.forecast import VolatilityForecaster
from tests.models.lean_run import kept_by

pytestmark = pytest.mark.lean

NEW_YORK = ZoneInfo("America/New_York")
NOW = dt.datetime(2015, 12, 24, 10, tzinfo=NEW_YORK)


@pytest.fixture(scope="module")
def seen(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("probe")
    return kept_by(Path(__file__).with_name("probe_algorithm.py"), "probe", folder, lean_data)


def years(expiry: str) -> float:
    close = dt.datetime.combine(dt.date.fromisoformat(expiry), dt.time(16), NEW_YORK)
    return (close - NOW).total_seconds() / (365 * 86_400)


def test_prices_and_greeks_are_the_library_s_in_lean_s_units(seen: dict[str, Any]) -> None:
    rows = seen["contracts"]
    assert len(rows) >= 20
    for row in rows:
        market = 0.5 * (row["bid"] + row["ask"])
        terms = (row["spot"], row["strike"], row["rate"], 0.0, row["volatility"], years(row["expiry"]), row["right"])
        value = greeks(*terms, scheme="high_precision")
        assert market == pytest.approx(float(value.price), abs=1e-6 * row["spot"])
        modelled = greeks(*terms[:4], seen["volatility"], *terms[5:], scheme="high_precision")
        assert row["price"] == pytest.approx(float(modelled.price), abs=1e-6 * row["spot"])
        expected = {
            "delta": value.delta,
            "gamma": value.gamma,
            "vega": value.vega * 0.01,
            "theta": value.theta,
            "rho": value.rho * 0.01,
            "lambda_": value.delta * row["spot"] / market,
        }
        for name, right in expected.items():
            assert row[name] == pytest.approx(float(right), rel=1e-4, abs=1e-6), (name, row)


def test_the_volatility_is_the_forecast_on_split_adjusted_closes(seen: dict[str, Any], lean_data: Path) -> None:
    settings = Settings.of({"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"})
    feed = Feed(settings, DataFolder(lean_data), require_data(settings, lean_data))
    closes = [close for _, (*_, close) in feed.daily_bars("GOOG", settings.start, settings.garch_history + 1)]
    forecaster = VolatilityForecaster(settings)
    assert forecaster.update(closes) is None
    assert seen["volatility"] == pytest.approx(forecaster.volatility(1 / 12), abs=1e-6)


def test_an_order_of_somebody_else_is_none_of_the_core_s(seen: dict[str, Any]) -> None:
    assert seen["stranger"]  # it is in a security that the core was not told of
    assert (seen["instrument"], seen["order"]) == (7, 0)  # its tag names an order, but not as the core's do


def test_mistakes_are_told_in_a_sentence(seen: dict[str, Any]) -> None:
    seen = seen["mistakes"]
    starts = {
        "algorithm": "algorithm is 'GOOG'; allowed: the QCAlgorithm itself",
        "price": "price is 'middle'; allowed: mid, bid, ask, last",
        "yield word": "dividend_yield is 'implied'; allowed: model, parity",
        "yield number": "dividend_yield is 0.02; allowed: model, parity, or a dividend yield model",
        "announced": "announced is [(datetime.date(2016, 2, 1), 0.5)]; allowed: a function",
        "scheme": "scheme is 'best'; allowed: ",
        "age": "max_quote_age is 20; allowed: a timedelta above zero",
        "age zero": "max_quote_age is datetime.timedelta(0); allowed: a timedelta above zero",
        "filter name": "a range is given for 'charm'; allowed: implied_volatility, delta",
        "filter order": "delta is (0.5, 0.2); allowed: (lowest, highest)",
        "filter number": "delta is 0.5; allowed: (lowest, highest)",
        "two options": "the contracts belong to 2 options; allowed: contracts of one",
    }
    assert set(seen["told"]) == set(starts)
    for mistake, start in starts.items():
        assert seen["told"][mistake].startswith(start), mistake
    assert seen["rows"] == [0, 0]  # no contracts, no rows
    assert seen["odd"] == [True, {"OUT_OF_DOMAIN": 1}]
