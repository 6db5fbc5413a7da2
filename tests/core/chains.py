"""The market that machines drive a core through: two underlyings with a small chain each."""

import datetime as dt

import numpy as np

from alo_lib.pricing import Chain
from alo_lib.records import YEAR, Contract, InstrumentTable, Kind, Records, osi_symbol, records
from alo_lib.settings import Settings
from tests.brief import BRIEF
from tests.core.script import FIRST, RATE, at

__all__ = ["EXPIRY", "SETTINGS", "TICKERS", "chain", "quotes"]

TICKERS = ("ALFA", "BRVO")
STRIKES = (95.0, 100.0, 105.0)
EXPIRY = FIRST + dt.timedelta(days=45)
QUICK = {"garch_minimum": 100, "calibration_frames": 1, "entry_delay": 0, "interest": False}
SETTINGS = tuple(
    Settings.of({**BRIEF, "underlyings": ",".join(TICKERS), **QUICK, **more})
    for more in (
        {},
        {"structures": "strangle", "max_structures": 3, "participation": 0.3},
        {"direction": "short", "max_holding_days": 1, "max_drawdown": 0.01, "exit_edge": 0.01},
    )
)


def chain() -> list[Contract]:
    """What each underlying has."""
    return [Contract(EXPIRY, strike, right, at(EXPIRY, 16), 500) for strike in STRIKES for right in (-1, 1)]


def quotes(instruments: InstrumentTable, ticker: str, spot: float, time: int, volatility: float, size: int) -> Records:
    """QUOTE records of an underlying and of its contracts that have a number, all at one volatility."""
    listed = [each for each in sorted(chain()) if _symbol(ticker, each) in instruments]
    known = [instruments.number(_symbol(ticker, each)) for each in listed]
    owner = instruments.number(ticker) if ticker in instruments else -1
    rows = records(Kind.QUOTE, len(known) + 1, instrument=[owner, *known])
    rows["bid"][0], rows["ask"][0] = spot - 0.01, spot + 0.01
    years = max((at(EXPIRY, 16) - time) / YEAR, 1e-6)
    if listed:
        strikes, rights = np.array([c.strike for c in listed]), np.array([c.right for c in listed], float)
        mid = Chain(strikes, years, rights).price(spot, RATE, 0.0, volatility)
        rows["bid"][1:], rows["ask"][1:] = np.maximum(np.round(mid - 0.02, 2), 0.0), np.round(mid + 0.02, 2)
    rows["bid_size"] = rows["ask_size"] = size
    rows["bid_size"][0] = rows["ask_size"][0] = size * 200
    return rows[np.argsort(rows["instrument"])]


def _symbol(ticker: str, contract: Contract) -> str:
    return osi_symbol(ticker, contract.expiry, contract.strike, contract.right)
