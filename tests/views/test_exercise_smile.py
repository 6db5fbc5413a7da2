"""The volatilities that exercise is decided with: of wide quotes little is believed, what tight ones say is kept."""

import datetime as dt

import numpy as np

from alo_lib.market import ChainSnapshot, ContractKey, Resolution, contract_array
from alo_lib.pricing import price
from alo_lib.records import DAY, years_between
from alo_lib.views.exercise import NextExDate, exercise_view
from tests.views import kit

STRIKES = np.arange(60.0, 131.0, 2.0)
EXPIRY = dt.date(2024, 4, 19)


def skew(strike):
    """Right volatilities."""
    return 0.22 + 0.05 * np.log(100.0 / strike) + 0.3 * np.log(100.0 / strike) ** 2


def snapshot(half_spread) -> tuple[ChainSnapshot, NextExDate]:
    """Quotes around right prices, mids off by up to two thirds of half a spread; ``half_spread``: of strikes (n,)."""
    contracts = contract_array([ContractKey(EXPIRY, strike, right) for strike in STRIKES for right in (-1, 1)])
    strike, right = contracts["strike"], contracts["right"].astype(float)
    ends = np.full(strike.size, kit.CLOSE + (EXPIRY - dt.date(2024, 1, 2)).days * DAY)
    opens, years = kit.CLOSE + DAY, years_between(kit.CLOSE, ends)
    dividends = ([float(years_between(kit.CLOSE, opens))], [0.5])
    worth = price(100.0, strike, 0.05, 0.0, skew(strike), years, right, dividends=dividends)
    half = half_spread(strike)
    mid = worth + half * np.random.default_rng(3).uniform(-0.67, 0.67, strike.size)
    chain = ChainSnapshot(
        ticker="ALFA",
        day=dt.date(2024, 1, 2),
        time=kit.CLOSE,
        resolution=Resolution.MINUTE,
        american=True,
        spot=100.0,
        spot_from="given",
        contracts=contracts,
        bid=mid - half,
        ask=mid + half,
        quoted=np.full(strike.size, kit.CLOSE),
        expiry_time=ends,
        volume=np.full(strike.size, np.nan),
        open_interest=np.full(strike.size, np.nan),
        dividends=((opens, 0.5),),
    )
    return chain, NextExDate(dt.date(2024, 1, 3), opens, 0.5, dt.date(2024, 1, 2), tonight=True)


def volatilities(half_spread):
    """Strikes of the calls, what they are decided with and what the mids alone say, where these say something."""
    chain, ex_date = snapshot(half_spread)
    view = exercise_view(chain, np.ones(len(chain), np.bool_), ex_date, rate=0.05)
    contracts, mid = view.chain.snapshot.contracts, view.chain.mid
    quoted = np.isfinite(mid.implied_volatility) & mid.out_of_the_money
    strike = contracts["strike"][view.rows]
    both = np.isin(strike, contracts["strike"][quoted])
    bare = np.interp(strike, contracts["strike"][quoted], mid.implied_volatility[quoted])
    return strike[both], view.volatility[both], bare[both]


def test_wide_quotes_of_cheap_puts_make_no_zigzag() -> None:
    strike, found, bare = volatilities(lambda strike: np.where(strike < 88.0, 0.05, 0.005))
    wide = (strike < 88.0) & (strike > 70.0)
    assert wide.sum() >= 7
    error, before = found[wide] - skew(strike[wide]), bare[wide] - skew(strike[wide])
    assert np.sqrt(np.mean(error**2)) < 0.6 * np.sqrt(np.mean(before**2))
    assert np.abs(np.diff(found[wide], 2)).sum() < 0.1 * np.abs(np.diff(bare[wide], 2)).sum()


def test_what_tight_quotes_say_stays() -> None:
    strike, found, bare = volatilities(lambda strike: np.full(strike.size, 0.005))
    near = np.abs(strike - 100.0) <= 12.0
    assert np.abs(found - bare)[near].max() < 5e-4
    assert np.abs(found - skew(strike))[near].max() < 5e-4
