"""A tiny market in LEAN's format: one stock, TINY, two days in March 2024, one expiry with three strikes.

The stock has quiet daily closes and options quoted at twice the volatility, so a seller of volatility has work.
"""

import datetime as dt
from decimal import Decimal
from math import erf, log, sqrt
from pathlib import Path
from typing import Final

import numpy as np

from alo_lib.market import (
    QUOTE_BAR,
    TRADE_BAR,
    UNIVERSE_ROW,
    ContractKey,
    DataFolder,
    DataKind,
    MapFile,
    OptionBars,
    OptionUniverse,
    Resolution,
    SecurityType,
    UnderlyingRow,
    contract_array,
)
from alo_lib.market.aggregation import hour_bars, hour_chain
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.generator.exchange import equity_hours, option_hours
from alo_lib.market.layout import OptionArchive, SecurityArchive
from alo_lib.market.map_files import MapRow
from alo_lib.market.writer import (
    write_factor_file,
    write_interest_rates,
    write_map_file,
    write_market_hours,
    write_option_file,
    write_security_file,
    write_universe,
)
from alo_lib.settings import Settings
from tests.brief import BRIEF

BEFORE, FIRST, SECOND = dt.date(2024, 3, 13), dt.date(2024, 3, 14), dt.date(2024, 3, 15)
EXPIRY = dt.date(2024, 4, 19)
STRIKES: Final = (95.0, 100.0, 105.0)
KEYS: Final = [ContractKey(EXPIRY, strike, right) for strike in STRIKES for right in (-1, 1)]
HOURS, OPTION_HOURS = equity_hours(2022, 2024), option_hours(2022, 2024)
MINUTE: Final = 60_000_000_000
STEP: Final = 5 * MINUTE
VOLATILITY: Final = 0.45
CLOSE: Final = 100.0  # of the stock on the day before
DIVIDEND: Final = 0.5


def settings(**changes: object) -> Settings:
    """A run over both days, with a calibration that is quick."""
    wanted = {
        **BRIEF,
        "underlyings": "TINY",
        "start": FIRST,
        "end": SECOND,
        "garch_history": 300,
        "garch_minimum": 100,
        "direction": "short",
        "cash": 200_000.0,
        "vega_budget": 0.002,
        "max_vega": 0.1,
        "max_margin": 1.0,
    }
    return Settings.of(wanted, changes)


def spots(day: dt.date, count: int) -> np.ndarray:
    """A seeded walk in cents."""
    shocks = np.random.default_rng(day.toordinal()).normal(0.0, 0.15, count)
    return np.round(CLOSE + np.cumsum(shocks), 2)


def last_spot() -> float:
    """Where the stock closes on the first day."""
    session = HOURS.session(FIRST)
    return float(spots(FIRST, (session.close - session.open) // STEP)[-1])


def write(root: Path, *, split: bool = False) -> Path:
    """Write the market into ``root``; with ``split`` the second day trades two new shares for one old."""
    write_market_hours(root, {(SecurityType.EQUITY, None): HOURS, (SecurityType.OPTION, None): OPTION_HOURS})
    write_interest_rates(root, {dt.date(1998, 1, 1): 0.03})
    write_map_file(root, MapFile("TINY", (MapRow(dt.date(2020, 1, 2), "TINY"), MapRow(dt.date(2050, 12, 31), "TINY"))))
    _write_factors(root, split=split)
    _write_daily(root)
    for day in (FIRST, SECOND):
        factor = 0.5 if split and day == SECOND else 1.0
        _write_minutes(root, day, factor)
    for day, factor in ((BEFORE, 1.0), (FIRST, 0.5 if split else 1.0)):
        rows = np.zeros(len(KEYS), UNIVERSE_ROW)
        keys = contract_array([key._replace(strike=key.strike * factor) for key in KEYS])
        for name in ("expiry", "strike", "right"):
            rows[name] = keys[name]
        rows["open_interest"] = 100
        price = CLOSE * factor
        write_universe(root, "TINY", OptionUniverse(day, UnderlyingRow(price, price, price, price, 1000), rows))
    return root


def with_hours(root: Path) -> Path:
    """The market with hour bars made from its minutes."""
    data = DataFolder(root)
    bars = data.bars("TINY", FIRST, SECOND, Resolution.MINUTE)
    archive = SecurityArchive(root, "TINY", FIRST, Resolution.HOUR, DataKind.TRADE)
    write_security_file(archive, hour_bars(bars), HOURS)
    chain = hour_chain(data.option_bars("TINY", FIRST, SECOND, Resolution.MINUTE))
    options = OptionArchive(root, "TINY", FIRST, Resolution.HOUR, DataKind.QUOTE)
    write_option_file(options, chain, OPTION_HOURS)
    return root


def _write_factors(root: Path, *, split: bool) -> None:
    one, half = Decimal(1), Decimal("0.5")
    paid = 1 - Decimal(str(DIVIDEND)) / Decimal(str(CLOSE))
    first = FactorRow(dt.date(2020, 1, 2), paid, half if split else one, one)
    event = FactorRow(FIRST, paid, half if split else one, Decimal(str(CLOSE)))
    last = FactorRow(dt.date(2050, 12, 31), one, one, Decimal(0))
    write_factor_file(root, "TINY", [first, event, last])


def _write_daily(root: Path) -> None:
    days = HOURS.trading_days(dt.date(2022, 11, 1), FIRST)
    shocks = np.random.default_rng(11).normal(0.0, 0.2 / sqrt(252.0), len(days) - 1)
    closes = np.append(np.round(CLOSE * np.exp(np.cumsum(shocks) - np.sum(shocks)), 2), last_spot())
    bars = np.zeros(len(days), TRADE_BAR)
    bars["time"] = [HOURS.session(day).close for day in days]
    for name in ("open", "high", "low", "close"):
        bars[name] = closes
    bars["volume"] = 1_000_000
    write_security_file(SecurityArchive(root, "TINY", BEFORE, Resolution.DAILY, DataKind.TRADE), bars, HOURS)


def _write_minutes(root: Path, day: dt.date, factor: float) -> None:
    session = HOURS.session(day)
    times = np.arange(session.open + STEP, session.close + 1, STEP)
    spot = np.round(spots(day, len(times)) * factor, 2)
    trades, quotes = np.zeros(len(times), TRADE_BAR), np.zeros(len(times), QUOTE_BAR)
    trades["time"] = quotes["time"] = times
    trades["volume"], quotes["bid_size"], quotes["ask_size"] = 5000, 400, 400
    for name in ("open", "high", "low", "close"):
        trades[name] = spot
        quotes[f"bid_{name}"], quotes[f"ask_{name}"] = np.round(spot - 0.01, 2), np.round(spot + 0.01, 2)
    write_security_file(SecurityArchive(root, "TINY", day, Resolution.MINUTE, DataKind.TRADE), trades, HOURS)
    write_security_file(SecurityArchive(root, "TINY", day, Resolution.MINUTE, DataKind.QUOTE), quotes, HOURS)
    chain = np.zeros(len(times) * len(KEYS), QUOTE_BAR)
    chain["time"] = np.repeat(times, len(KEYS))
    years = (EXPIRY - day).days / 365.0
    keys = [key._replace(strike=key.strike * factor) for key in KEYS]
    middle = np.array([[value(float(s), key, years) for key in keys] for s in spot]).ravel()
    for name in ("open", "high", "low", "close"):
        chain[f"bid_{name}"], chain[f"ask_{name}"] = np.round(middle - 0.02, 2), np.round(middle + 0.02, 2)
    chain["bid_size"], chain["ask_size"] = 7, 9
    contract = np.tile(np.arange(len(keys), dtype=np.int32), len(times))
    bars = OptionBars(contract_array(keys), contract, chain)
    write_option_file(OptionArchive(root, "TINY", day, Resolution.MINUTE, DataKind.QUOTE), bars, OPTION_HOURS)


def value(spot: float, key: ContractKey, years: float) -> float:
    """Black and Scholes without rates."""
    deviation = VOLATILITY * sqrt(years)
    d1 = log(spot / key.strike) / deviation + deviation / 2.0
    call = spot * _normal(d1) - key.strike * _normal(d1 - deviation)
    return call if key.right > 0 else call - spot + key.strike


def _normal(x: float) -> float:
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))
