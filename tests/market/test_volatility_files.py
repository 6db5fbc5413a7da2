import datetime as dt
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alo_lib.market import DataFolder, Resolution
from alo_lib.market.faults import DataError
from alo_lib.market.surfaces import daily_surfaces
from alo_lib.market.volatility_files import (
    ForecastLine,
    RegimeLine,
    SurfaceLine,
    SurfacePoint,
    VolatilityLine,
    read_lines,
    store_key,
    text_of,
    volatility_file,
    write_lines,
)
from alo_lib.pricing import price

NOON = dt.datetime(2015, 12, 24, 12)
CLOSE = dt.datetime(2015, 12, 24, 16)
FORECAST = ForecastLine(NOON, (1, 5, 21), (0.1, 0.2, 0.3), (0.05, 0.1, 0.2), (0.2, 0.3, 0.4))
REGIME = RegimeLine(NOON, (0.25, 0.75), (0.1, 0.3))
JANUARY, MARCH = dt.date(2016, 1, 15), dt.date(2016, 3, 18)
SURFACE = SurfaceLine(
    NOON,
    100.0,
    (
        SurfacePoint(JANUARY, 95.0, -1, 0.30),
        SurfacePoint(JANUARY, 95.0, 1, 0.50),
        SurfacePoint(JANUARY, 100.0, -1, 0.24),
        SurfacePoint(JANUARY, 100.0, 1, 0.26),
        SurfacePoint(JANUARY, 105.0, 1, 0.20),
        SurfacePoint(MARCH, 90.0, -1, 0.40),
        SurfacePoint(MARCH, 110.0, 1, 0.20),
    ),
)
LINES: list[VolatilityLine] = [FORECAST, REGIME, SURFACE]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.kind)
def test_lines_come_back_to_the_bit(line: VolatilityLine, tmp_path: Path) -> None:
    assert type(line).parse(line.text()) == line
    assert "\n" not in line.text()
    later = type(line)(CLOSE, **{name: value for name, value in vars(line).items() if name != "time"})
    path = volatility_file(tmp_path, type(line), "brk.b")
    write_lines(path, [line, later])
    assert read_lines(path, type(line)) == [line, later]
    assert path.read_text() == text_of([line, later])
    assert path.relative_to(tmp_path) == Path("alternative/alo", line.kind, "brk.b.jsonl")
    assert store_key(type(line), "BRK.B") == f"alo-{line.kind}-brk-b.jsonl"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


positive = st.floats(1e-6, 20.0)


@given(st.lists(st.tuples(positive, positive, positive), min_size=1, max_size=6))
def test_any_forecast_comes_back_to_the_bit(rows: list[tuple[float, float, float]]) -> None:
    ordered = [sorted(row) for row in rows]
    days = tuple(range(1, len(rows) + 1))
    line = ForecastLine(NOON, days, *(tuple(row[column] for row in ordered) for column in (1, 0, 2)))
    assert ForecastLine.parse(line.text()) == line


def test_total_variance_is_interpolated_between_horizons() -> None:
    assert FORECAST.at(5.0) == pytest.approx(0.2)
    total = 5 * 0.04 + (21 * 0.09 - 5 * 0.04) * 0.5
    assert FORECAST.at(13.0) == pytest.approx(math.sqrt(total / 13.0), rel=1e-12)
    assert (FORECAST.at(0.5), FORECAST.at(100.0)) == pytest.approx((0.1, 0.3), rel=1e-12)
    with pytest.raises(DataError, match="days must be finite and positive"):
        FORECAST.at(0.0)


def test_smiles_are_of_contracts_out_of_the_money() -> None:
    assert SURFACE.expiries == (JANUARY, MARCH)
    assert SURFACE.smile(JANUARY) == [(95.0, 0.30), (100.0, 0.25), (105.0, 0.20)]
    assert SURFACE.at_the_money(JANUARY) == 0.25
    # Between 90 at 40 % and 110 at 20 %, in logarithms: ln(100 / 90) / ln(110 / 90) is 0.525 of the way.
    assert SURFACE.at_the_money(MARCH) == pytest.approx(0.4 - 0.2 * math.log(100 / 90) / math.log(110 / 90), rel=1e-12)
    assert REGIME.regime == 1
    assert math.isnan(SURFACE.at_the_money(dt.date(2020, 1, 1)))
    one_sided = SurfaceLine(NOON, 100.0, (SurfacePoint(MARCH, 110.0, 1, 0.20),))
    assert math.isnan(one_sided.at_the_money(MARCH))


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (ForecastLine, "nonsense", "'nonsense' is no forecast line"),
        (ForecastLine, "[]", "is no forecast line"),
        (ForecastLine, REGIME.text(), "is no forecast line"),
        (ForecastLine, FORECAST.text().replace("0.1,", "-0.1,"), "a positive number for each of the days"),
        (ForecastLine, FORECAST.text().replace("[1,5,21]", "[1,5]"), "a positive number for each of the days"),
        (ForecastLine, FORECAST.text().replace("[1,5,21]", "[5,1,21]"), "days must be ascending"),
        (ForecastLine, FORECAST.text().replace("0.05", "0.25"), "must not end below its beginning"),
        (ForecastLine, FORECAST.text().replace("0.1,", "NaN,"), "a positive number for each of the days"),
        (RegimeLine, REGIME.text().replace("0.75", "0.8"), "shares that sum to 1"),
        (RegimeLine, REGIME.text().replace("[0.1,0.3]", "[0.3,0.1]"), "must ascend"),
        (RegimeLine, REGIME.text().replace("[0.1,0.3]", "[0.3]"), "a positive number a regime"),
        (SurfaceLine, SURFACE.text().replace('"spot":100.0', '"spot":0.0'), "spot must be finite and positive"),
        (SurfaceLine, SURFACE.text().replace("0.4]", "0.0]"), "a point must be alive"),
        (SurfaceLine, SURFACE.text().replace("2016-03-18", "2014-03-18"), "in order"),
        (SurfaceLine, f'{{"time":"{NOON.isoformat()}","spot":1.0,"points":[]}}', "points must be there"),
        (SurfaceLine, SURFACE.text().replace("2016-01-15", "2015-01-15"), "a point must be alive"),
    ],
)
def test_lines_that_cannot_be_are_refused(kind: type[VolatilityLine], text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        kind.parse(text)


def test_files_out_of_order_are_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lines must ascend in time"):
        write_lines(tmp_path / "forecast.jsonl", [FORECAST, FORECAST])
    assert not list(tmp_path.iterdir())
    path = tmp_path / "forecast.jsonl"
    path.write_text(f"{FORECAST.text()}\n{FORECAST.text()}\n")
    with pytest.raises(DataError, match=r"forecast.jsonl:2: lines must ascend"):
        read_lines(path, ForecastLine)
    path.write_text(f"{FORECAST.text()}\n\n")
    with pytest.raises(DataError, match=r"forecast.jsonl:2: '' is no forecast line"):
        read_lines(path, ForecastLine)
    with pytest.raises(DataError, match="is no ticker"):
        volatility_file(tmp_path, ForecastLine, "../x")


def test_surfaces_of_real_quotes_reprice_their_mids(lean_data: Path) -> None:
    folder = DataFolder(lean_data)
    day = dt.date(2015, 12, 24)
    (line,) = daily_surfaces(folder, "GOOG", day, day)
    assert line.time == dt.datetime(2015, 12, 24, 13)  # a short session
    assert len(line.points) > 1000
    assert 0.1 < line.at_the_money(dt.date(2016, 1, 15)) < 0.3
    point = next(p for p in line.points if p[:3] == (dt.date(2016, 1, 15), 750.0, 1))
    chain = folder.option_bars("GOOG", day, day, Resolution.DAILY)
    contracts = chain.contracts[chain.contract]
    here = (contracts["expiry"] == np.datetime64("2016-01-15")) & (contracts["strike"] == 750.0)
    bar = chain.bars[here & (contracts["right"] == 1)][0]
    hours = folder.hours()
    years = (hours.session(dt.date(2016, 1, 15)).close - bar["time"]) / (365 * 86_400e9)
    rate = folder.interest_rates.rate_at(day)
    value = float(price(line.spot, 750.0, rate, 0.0, point.volatility, years, 1))
    assert value == pytest.approx(0.5 * (bar["bid_close"] + bar["ask_close"]), abs=1e-4)


def test_without_quotes_there_is_no_surface(lean_data: Path) -> None:
    day = dt.date(2015, 12, 22)
    assert len(DataFolder(lean_data).bars("SPY", day, day, Resolution.DAILY)) == 1
    assert daily_surfaces(DataFolder(lean_data), "SPY", day, day) == []
