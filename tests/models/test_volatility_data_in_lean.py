"""Volatility as LEAN custom data in a real LEAN: found, read back to the bit, charted, and a chain's surface kept."""

import datetime as dt
import json
from pathlib import Path

import pytest

from alo_lib.market import DataFolder
from alo_lib.market.surfaces import daily_surfaces
from alo_lib.market.volatility_files import (
    ForecastLine,
    RegimeLine,
    SurfaceLine,
    VolatilityLine,
    read_lines,
    store_key,
    text_of,
)
from tests.models.lean_run import kept_by, native_lean

pytestmark = [pytest.mark.lean, pytest.mark.slow]

ALGORITHM = Path(__file__).with_name("custom_data_algorithm.py")
CLOSES = [dt.datetime(2015, 12, day, hour) for day, hour in ((21, 16), (22, 16), (23, 16), (24, 13))]


def lines_of(kind: str, data: Path) -> list[VolatilityLine]:
    if kind == "forecast":
        shares = ((1 / 3 + 0.01 * n, 0.3 + 0.01 * n) for n in range(4))
        return [ForecastLine(t, (1, 21), pair, (0.1, 0.1), (0.5, 0.5)) for t, pair in zip(CLOSES, shares, strict=True)]
    if kind == "regime":
        return [RegimeLine(t, (1.0 - n / 7, n / 7), (0.1, 0.3)) for n, t in enumerate(CLOSES, 2)]
    return [*daily_surfaces(DataFolder(data), "GOOG", CLOSES[0].date(), CLOSES[-1].date())]


CHARTS = {
    "forecast": ("GOOG forecast", {"1 days, %", "21 days, %"}),
    "regime": ("GOOG regimes", {"regime 1", "regime 2"}),
    "surface": ("GOOG at the money", {"2016-01-15, %", "2016-01-29, %"}),
}


# One kind a run: a LEAN of August 2026 with two Python data types subscribed at once can wait for itself for ever.
@pytest.mark.parametrize(
    "kind",
    [pytest.param("forecast", marks=pytest.mark.slow), pytest.param("regime", marks=pytest.mark.slow), "surface"],
)
def test_lean_reads_what_was_written_when_it_was_known_and_charts_it(
    kind: str, lean_data: Path, tmp_path: Path
) -> None:
    native_lean()
    store = tmp_path / "store"
    store.mkdir()
    lines = lines_of(kind, lean_data)
    (store / store_key(type(lines[0]), "GOOG")).write_text(text_of(lines))
    told = kept_by(ALGORITHM, "custom", tmp_path, lean_data, {"kind": kind})
    inside = [line for line in lines if line.time > dt.datetime(2015, 12, 22)]
    assert [(one["at"], one["text"]) for one in told["seen"]] == [(str(line.time), line.text()) for line in inside]
    first = inside[0]
    value = (
        first.at(21.0)
        if isinstance(first, ForecastLine)
        else first.regime
        if isinstance(first, RegimeLine)
        else first.at_the_money(first.expiries[0])
        if isinstance(first, SurfaceLine)
        else None
    )
    assert told["seen"][0]["value"] == pytest.approx(value, rel=1e-12)
    chart, series = CHARTS[kind]
    results = json.loads((tmp_path / f"{ALGORITHM.stem}.json").read_text())
    drawn = results["charts"][chart]["series"]
    assert series <= set(drawn)
    assert all(one["values"] for one in drawn.values())
    # The chain's own surface, as its price model sees it at ten o'clock, is kept where add_data would find it.
    assert told["key"] == "alo-surface-goog.jsonl"
    (kept,) = read_lines(store / told["key"], SurfaceLine)
    assert kept.time == dt.datetime(2015, 12, 24, 10)
    assert len(kept.points) >= 20
    (daily,) = daily_surfaces(DataFolder(lean_data), "GOOG", CLOSES[-1].date(), CLOSES[-1].date())
    for expiry in kept.expiries:
        assert kept.at_the_money(expiry) == pytest.approx(daily.at_the_money(expiry), abs=0.03)
