"""Runs in which the engines are compared: every underlying of LEAN's sample data that has option quotes, and more."""

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alo_lib.market import DataFolder, DataKind, Resolution
from alo_lib.market.aggregation import hour_bars
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.market.generator.dynamics import Constant
from alo_lib.market.generator.truth import Edge, Listing, NameTruth
from alo_lib.market.layout import SecurityArchive, map_file_directory
from alo_lib.market.rate_curves import curves_file
from alo_lib.market.writer import write_security_file
from alo_lib.settings import Settings
from tests.brief import BRIEF

__all__ = ["CASES", "Case", "market_of", "with_hours"]

Market = Literal["lean", "hours", "generated", "index", "delisted"]
"""LEAN's sample data; those with hour bars made from minutes where they lack them; a generated month; a generated week
of an index and its members; the same, whose index is delisted on its third day."""

_HOURS_LACKING = {
    "GOOG": (dt.date(2015, 12, 23), dt.date(2015, 12, 28)),
    "FOXA": (dt.date(2013, 6, 27), dt.date(2013, 7, 2)),
    "TWX": (dt.date(2014, 6, 5), dt.date(2014, 6, 23)),
}
_MORE_THAN_THE_ACCOUNT_CARRIES = {"max_margin": 1, "short_margin": 0.01, "vega_budget": 0.05, "max_vega": 0.5}
_GENERATED = dt.date(2024, 1, 2), dt.date(2024, 1, 31)
_OF_INDEX = dt.date(2024, 1, 2), dt.date(2024, 1, 5)


@dataclass(frozen=True)
class Case:
    """One run: a market, and settings beside the default ones."""

    market: Market
    settings: dict[str, Any]

    @property
    def all_settings(self) -> Settings:
        """The run's settings."""
        return Settings.of(self.settings)


def _case(market: Market, underlyings: str, start: str, end: str, **settings: Any) -> Case:
    whatever_there_is = {"min_coverage": 0}  # LEAN's sample data has few days of each name
    return Case(market, {"underlyings": underlyings, "start": start, "end": end} | whatever_there_is | settings)


def _goog(**settings: Any) -> Case:
    return _case("lean", "GOOG", "2015-12-24", "2015-12-24", **settings)


def _aapl(start: str = "2014-06-06", end: str = "2014-06-09", **settings: Any) -> Case:
    return _case("lean", "AAPL", start, end, resolution="hour", **settings)


def _month(start: str = "2024-01-02", end: str = "2024-01-31", **settings: Any) -> Case:
    """Pairs that are sold and held until they expire or are assigned."""
    sold = {"direction": "short", "entry_edge": 0, "exit_edge": -1, "stop_loss": 10, "max_holding_days": 365}
    held = {"min_days_to_expiry": 1, "exit_days_to_expiry": 1, "max_days_to_expiry": 30, "dividend_guard_days": 0}
    much = {"max_structures": 12, "max_moneyness": 2, "max_spread": 1, "max_vega": 0.1, "vega_budget": 0.003}
    wanted = {"resolution": "hour", **sold, **held, **much, **settings}
    return _case("generated", "ALFA,BRVO", start, end, **wanted)


def _index(**settings: Any) -> Case:
    """Dispersion of an index that is implied far above its members, closed when it is less so, or after a day."""
    basket: dict[str, Any] = {
        "structures": "dispersion",
        "basket": "INDX=ALFA:3,BRVO:2",
        "vega_budget": 0.002,
        "entry_edge": 0.01,
    }
    own: dict[str, Any] = {"exit_edge": 0.0, "max_holding_days": 0.5, "exit_days_to_expiry": 6.0, "fair_smile": "flat"}
    start, end = map(str, _OF_INDEX)
    return _case("index", "INDX,ALFA,BRVO", start, end, resolution="hour", **basket | own | settings)


CASES = {
    "GOOG": _goog(),
    "GOOG, over a holiday": _case("lean", "GOOG", "2015-12-24", "2015-12-28"),
    "GOOG, from a day that shows what expires next": _case("lean", "GOOG", "2015-12-23", "2015-12-24"),
    "GOOG, strangles": _goog(structures="strangle"),
    "GOOG, bought": _goog(direction="long"),
    "GOOG, sold at any edge": _goog(direction="short", entry_edge=0),
    "GOOG, dense hedges": _goog(hedge="delta_band", hedge_band=0.001),
    "GOOG, no hedges": _goog(hedge="delta_band", hedge_band=1.0),
    "GOOG, refused margin": _goog(cash=30_000, direction="short", entry_edge=0, **_MORE_THAN_THE_ACCOUNT_CARRIES),
    "GOOG, a tenth of what is displayed": _goog(participation=0.1),
    "GOOG, one frame a bar": _goog(frames_per_bar=1),
    "GOOG, frames of a second": _goog(frame_milliseconds=1000, frames_per_bar=10),
    "GOOG, many structures at once": _goog(max_structures=50, max_vega=0.5, entry_edge=0),
    "GOOG, twenty contracts at most": _goog(max_contracts_each=20, fair_smile="flat"),
    "GOOG, hours": _case("hours", "GOOG", "2015-12-23", "2015-12-28", resolution="hour"),
    "GOOG, over a holiday, ended as the edge is gone": _case("lean", "GOOG", "2015-12-24", "2015-12-28", **BRIEF),
    "AAPL, through its split": _aapl(),
    "AAPL, from its split": _aapl("2014-06-09"),
    "AAPL, over expiry": _aapl(end="2014-07-25"),
    "AAPL, until the day of expiry": _aapl(end="2014-07-18"),
    "AAPL, until a weekend": _aapl(end="2014-06-15"),
    "AAPL, strangles": _aapl(structures="strangle", strangle_delta=0.1),
    "AAPL, dense hedges": _aapl("2014-06-09", "2014-06-13", hedge="delta_band", hedge_band=0.001),
    "AAPL, refused margin": _aapl("2014-06-09", "2014-06-13", cash=5_000, **_MORE_THAN_THE_ACCOUNT_CARRIES),
    "FOXA, from its spin-off and new name": _case("lean", "FOXA", "2013-07-01", "2013-07-02"),
    "FOXA, hours, through its spin-off": _case("hours", "FOXA", "2013-06-27", "2013-07-02", resolution="hour"),
    "TWX, through its spin-off": _case("lean", "TWX", "2014-06-05", "2014-06-09"),
    "TWX, hours": _case("hours", "TWX", "2014-06-05", "2014-06-09", resolution="hour"),
    "AAPL and TWX, hours": _case("hours", "AAPL,TWX", "2014-06-05", "2014-06-09", resolution="hour"),
    "a month, sold and assigned": _month(),
    "a week, sold, over a holiday": _month("2024-01-11", "2024-01-18"),
    "a fortnight, sold, in debt": _month(
        "2024-01-11", "2024-01-26", cash=600_000, max_vega=0.17, vega_budget=0.005
    ),
    "a month, bought and exercised": _month(direction="long", entry_edge=0, max_vega=0.005, vega_budget=0.0005),
    "a month of two names at the defaults": _case(
        "generated", "ALFA,BRVO", *map(str, _GENERATED), resolution="hour"
    ),
    "a month of two names, ended as the edge is gone": _case(
        "generated", "ALFA,BRVO", *map(str, _GENERATED), resolution="hour", **BRIEF
    ),
    "an index against its members": _index(),
    "an index against its members, by patient orders": _index(order_type="limit", max_structures=3),
    "an index against its members, at rates by expiry": _index(rate_curve="steep"),
    "an index against its members, chosen for the whole book": _index(
        structures="iron-butterfly,dispersion", choice="whole_book", max_structures=2
    ),
    "an underlying that is delisted": _case(
        "delisted", "INDX,ALFA", "2024-01-02", "2024-01-04", resolution="hour", entry_edge=0.01, max_structures=2
    ),
}  # fmt: skip


def market_of(case: Case, lean_data: Path, made: Path) -> Path:
    """The data folder of a case; what has to be made is made in ``made``, once."""
    if case.market == "lean":
        return lean_data
    folder = made / case.market
    if not folder.exists():
        if case.market == "hours":
            with_hours(lean_data, folder)
        else:
            generate_market(folder, _month_truth() if case.market == "generated" else _index_truth())
            _write_curves(curves_file(folder, "steep"))
        if case.market == "delisted":
            _delist(map_file_directory(folder, "usa") / "indx.csv")
    return folder


def _delist(path: Path) -> None:
    """Give a map file its last day, two days before the week's end."""
    path.write_text(path.read_text().replace("20501231", "20240104"))


def _write_curves(path: Path) -> None:
    """Of two dates, the second of which comes into force while trades are held."""
    path.parent.mkdir(parents=True)
    path.write_text("2024-01-02, 7: 2%, 30: 4%, 120: 9%\n2024-01-04, 7: 3%, 30: 3.5%, 120: 8%\n", encoding="utf-8")


def _month_truth() -> MarketTruth:
    start, end = _GENERATED
    return MarketTruth(start=start, end=end, history_days=800, quote_minutes=30)


def _index_truth() -> MarketTruth:
    """An index whose implied volatility wanders, well above what its two members make fair."""
    (start, end), dear = _OF_INDEX, Edge(mean=0.08, deviation=0.04, half_life=0.5)
    names = (
        NameTruth(ticker="INDX", price=400.0, members={"ALFA": 3.0, "BRVO": 2.0}, edge=dear),
        NameTruth(ticker="ALFA", price=140.0, dynamics=Constant(volatility=0.24), correlation=0.6),
        NameTruth(ticker="BRVO", price=75.0, dynamics=Constant(volatility=0.36), correlation=0.6),
    )
    few = Listing(weeklies=3, monthlies=3, strikes=15)
    return MarketTruth(start=start, end=end, history_days=300, quote_minutes=30, names=names, listing=few)


def with_hours(lean_data: Path, folder: Path) -> None:
    """LEAN's sample data by links, with hour bars of the underlyings that have minute bars alone."""
    lacking = folder / "equity" / "usa" / "hour"
    for path in _linked(lean_data, folder, lacking):
        path.symlink_to(lean_data / path.relative_to(folder))
    data = DataFolder(lean_data)
    for ticker, (start, end) in _HOURS_LACKING.items():
        for first, last, name in data.map_file(ticker).spans(start, end):
            bars = data.bars(ticker, first, last, Resolution.MINUTE)
            archive = SecurityArchive(folder, name, first, Resolution.HOUR, DataKind.TRADE)
            write_security_file(archive, hour_bars(bars), data.hours())


def _linked(source: Path, folder: Path, real: Path) -> Iterator[Path]:
    """What has to be a link below ``folder`` so that ``real`` alone is a folder of its own, with links in it."""
    folder.mkdir(parents=True)
    for name in sorted(os.listdir(source)):
        path = folder / name
        if path == real or path in real.parents:
            yield from _linked(source / name, path, real)
        else:
            yield path
