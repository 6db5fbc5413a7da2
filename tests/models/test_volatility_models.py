"""Volatility as LEAN's custom data and as its volatility model, and LEAN's object store, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alo_lib.market.volatility_files import (
    ForecastLine,
    RegimeLine,
    SurfaceLine,
    SurfacePoint,
    store_key,
    text_of,
    volatility_file,
    write_lines,
)
from alo_lib.settings import Settings
from alo_lib.strategy.forecast import VolatilityForecaster
from tests.models.kit import Algorithm, History, Symbol, equity

TIME = dt.datetime(2024, 3, 4, 16)
NEAR, FAR = dt.date(2024, 4, 19), dt.date(2024, 5, 17)
FORECAST = ForecastLine(TIME, (5, 21), (0.2, 0.3), (0.1, 0.2), (0.3, 0.4))
REGIME = RegimeLine(TIME, (0.2, 0.7, 0.1), (0.1, 0.2, 0.4))
SURFACE = SurfaceLine(
    TIME,
    100.0,
    tuple(
        SurfacePoint(expiry, strike, right, 0.2 + 0.1 * (expiry == FAR))
        for expiry in (NEAR, FAR)
        for strike, right in ((95.0, -1), (105.0, 1))
    ),
)


class Data(dict):
    """LEAN's custom data: attributes and named values."""


@pytest.fixture
def made(lean: Any, tmp_path: Path) -> Any:
    lean.PythonData = Data
    lean.Globals = SimpleNamespace(data_folder=str(tmp_path))
    lean.SubscriptionTransportMedium = SimpleNamespace(LOCAL_FILE="file", OBJECT_STORE="store")
    lean.FileFormat = SimpleNamespace(CSV="csv")
    lean.SubscriptionDataSource = lambda *given: given
    return import_module("models.volatility_data")


@pytest.mark.parametrize(
    ("name", "line", "value"),
    [("AloForecastData", FORECAST, 0.3), ("AloRegimeData", REGIME, 1.0), ("AloSurfaceData", SURFACE, 0.2)],
)
def test_a_line_is_found_in_the_folder_or_the_store_and_read_whole(
    made: Any, tmp_path: Path, name: str, line: Any, value: float
) -> None:
    kind = getattr(made, name)
    config = SimpleNamespace(symbol=equity("SPY"))
    custom = SimpleNamespace(symbol=Symbol("SPY.custom", equity("SPY").id, 0, equity("SPY")))
    for each in (config, custom):
        source = kind().get_source(each, TIME, False)
        assert source == (store_key(type(line), "SPY"), "store", "csv")
    path = volatility_file(tmp_path, type(line), "SPY")
    write_lines(path, [line])
    assert kind().get_source(config, TIME, False) == (str(path), "file", "csv")
    data = kind().reader(config, line.text(), TIME, False)
    assert (data.symbol, data.time, data.end_time, type(data)) == (config.symbol, TIME, TIME, kind)
    assert data.value == pytest.approx(value)
    assert kind.read(data) == line


def test_lines_of_one_kind_are_saved_under_their_key(made: Any) -> None:
    kept: dict[str, str] = {}
    algorithm = Algorithm(object_store=SimpleNamespace(save=kept.__setitem__))
    assert made.save(algorithm, "SPY", [FORECAST]) == store_key(ForecastLine, "SPY")
    assert kept == {store_key(ForecastLine, "SPY"): text_of([FORECAST])}
    for lines, count in (([FORECAST, REGIME], 2), ([], 0)):
        with pytest.raises(ValueError, match=f"of one kind, but they are of {count}"):
            made.save(algorithm, "SPY", lines)


def test_charts_show_percents_by_horizon_and_expiry_and_probabilities(made: Any) -> None:
    drawn: list[Any] = []
    algorithm = Algorithm(plot=lambda *given: drawn.append(given))
    for line in (FORECAST, REGIME, SURFACE):
        made.plot(algorithm, "SPY", line)
    assert [each[:2] for each in drawn] == [
        ("SPY forecast", "5 days, %"),
        ("SPY forecast", "21 days, %"),
        ("SPY regimes", "regime 1"),
        ("SPY regimes", "regime 2"),
        ("SPY regimes", "regime 3"),
        ("SPY at the money", f"{NEAR}, %"),
        ("SPY at the money", f"{FAR}, %"),
    ]
    assert [each[2] for each in drawn] == pytest.approx([20.0, 30.0, 0.2, 0.7, 0.1, 20.0, 30.0])
    with pytest.raises(TypeError, match="a str has no chart"):
        made.plot(algorithm, "SPY", "line")


def test_a_surface_is_what_contracts_with_a_volatility_show(lean: Any, made: Any) -> None:
    def contract(strike: float, right: int, volatility: float) -> SimpleNamespace:
        expiry = dt.datetime.combine(NEAR, dt.time())
        return SimpleNamespace(
            strike=strike, right=right, implied_volatility=volatility, underlying_last_price=100.0, expiry=expiry
        )

    call, put = lean.OptionRight.CALL, lean.OptionRight.PUT
    surface = made.surface_of(TIME, [contract(105.0, call, 0.3), contract(95.0, put, 0.2), contract(99.0, put, 0.0)])
    assert surface == SurfaceLine(TIME, 100.0, (SurfacePoint(NEAR, 95.0, -1, 0.2), SurfacePoint(NEAR, 105.0, 1, 0.3)))
    assert made.surface_of(TIME, [contract(99.0, put, 0.0)]) is None


def test_the_volatility_model_follows_the_new_bars_of_each_day(lean: Any) -> None:
    lean.Resolution = SimpleNamespace(DAILY="daily")
    lean.DataNormalizationMode = SimpleNamespace(SPLIT_ADJUSTED="adjusted")
    path = 100.0 * np.exp(np.cumsum(np.random.default_rng(4).standard_normal(405) * 0.01))
    closes = [round(float(close), 6) for close in path]
    first = dt.datetime(2022, 11, 1, 16)
    bars = [
        SimpleNamespace(end_time=first + dt.timedelta(days=n), open=close, high=close, low=close, close=close)
        for n, close in enumerate(closes)
    ]
    history, settings = History(), Settings(garch_history=404, garch_minimum=200)
    history.events[lean.Dividend] = []
    algorithm = Algorithm(history=history, debugged=[])
    algorithm.debug = algorithm.debugged.append
    model = import_module("models.volatility_model").AloVolatilityModel(algorithm, settings)
    assert model.volatility == 0.0  # it serves no security yet
    assert history.asked == []
    told = import_module("models.volatility_model").AloVolatilityModel(algorithm, settings)
    history.events[lean.TradeBar] = []
    told.update(SimpleNamespace(symbol=equity("TINY")), None)  # by data alone, too
    assert told.volatility == 0.0
    assert history.asked.pop()[0][0] == equity("TINY")
    assert model.get_history_requirements(SimpleNamespace(symbol=equity("TINY")), TIME) == []
    own = VolatilityForecaster(settings)
    for known in (401, 403):
        history.events[lean.TradeBar] = bars[:known]
        fresh = bars[0 if known == 401 else 401 : known]
        assert own.follow([(bar.open, bar.high, bar.low, bar.close) for bar in fresh]) is None
        assert own.calibrate_now() is None
        for _ in range(2):  # once a day
            assert model.volatility == own.volatility(1.0 / 12.0) > 0.0
        algorithm.time += dt.timedelta(days=1)
    assert len(history.asked) == 4  # bars, and which of their drops were distributed
    assert history.asked[0] == ((equity("TINY"), 405, "daily"), {"data_normalization_mode": "adjusted"})
    assert algorithm.debugged == []
    bad = SimpleNamespace(end_time=first + dt.timedelta(days=500), open=1.0, high=1.0, low=1.0, close=0.0)
    history.events[lean.TradeBar] = [bad]
    model.update(SimpleNamespace(symbol=equity("TINY")), None)
    assert model.volatility == own.volatility(1.0 / 12.0)  # the last good states stay, and it is told
    assert [text.partition(":")[0] for text in algorithm.debugged] == ["volatility of TINY"]


def test_the_object_store_is_asked_for_what_it_has(lean: Any, tmp_path: Path) -> None:
    kept = {"a": b"1"}
    store = SimpleNamespace(
        contains_key=kept.__contains__,
        read_bytes=lambda key: bytearray(kept[key]),
        save_bytes=lambda key, value: kept.update({key: value}) is None,
        save=lambda key: kept.__setitem__(key, (tmp_path / key).read_bytes()),
        delete=kept.pop,
        keys=kept.keys(),
        get_file_path=lambda key: str(tmp_path / key),
    )
    ours = import_module("models.object_store").LeanObjectStore(store)
    assert (ours.read("a"), ours.read("b")) == (b"1", None)
    ours.save("b", b"2")
    ours.path("c").write_bytes(b"3")
    ours.save_file("c")
    ours.remove("a")
    assert {key: ours.read(key) for key in ours.all_keys()} == {"b": b"2", "c": b"3"}
    assert ours.path("c") == tmp_path / "c"


def test_a_past_underlyings_price_is_its_last_bars_a_quotes_before_a_trades(lean: Any, monkeypatch: Any) -> None:
    lean.Resolution = SimpleNamespace(MINUTE="minute", HOUR="hour", DAILY="daily")
    lean.SecurityType = SimpleNamespace(EQUITY=1, INDEX=2, FUTURE=3, FUTURE_OPTION=4)
    lean.DataNormalizationMode = SimpleNamespace(RAW="raw")
    for name in ("models.compiled_border", "models.compiled_question", "models.option_price_model"):  # which need .NET
        monkeypatch.setitem(
            import_module("sys").modules, name, SimpleNamespace(READ=(), WRITTEN=(), AloOptionPriceModel=0)
        )
    spots = import_module("models.greeks_history")._Spots
    history = History()
    one, two = TIME, TIME + dt.timedelta(minutes=1)
    history.events[lean.TradeBar] = [SimpleNamespace(end_time=one, close=1.0), SimpleNamespace(end_time=two, close=2.0)]
    history.events[lean.QuoteBar] = [SimpleNamespace(end_time=one, close=1.5)]
    seen = {}
    for kind, resolution in ((1, "minute"), (1, "hour"), (1, "daily"), (2, "minute"), (3, "daily")):
        history.asked.clear()
        found = spots(Algorithm(history=history), Symbol("X", equity("X").id, kind), (one, two, resolution))
        seen[kind, resolution] = [found.at(one - dt.timedelta(seconds=1)), found.at(one), found.at(two)]
        modes = [named["data_normalization_mode"] for _, named in history.asked]
        assert modes == (["raw"] if kind == 1 else [None]) * len(modes)
    quoted, traded = [0.0, 1.5, 2.0], [0.0, 1.0, 2.0]
    assert seen == {
        (1, "minute"): quoted,
        (1, "hour"): traded,
        (1, "daily"): traded,
        (2, "minute"): traded,
        (3, "daily"): quoted,
    }
