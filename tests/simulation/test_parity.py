"""Quotes that fit no price of the underlying, and those that do."""

import datetime as dt
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import DataError, Dividend, FaultKind, contract_array
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.market.layout import ContractKey, DataKind, OptionArchive, Resolution, SecurityArchive
from alo_lib.settings import Settings
from alo_lib.simulation import require_data, run_backtest
from alo_lib.simulation.parity import Box, Levels, boxes, check_levels, levels
from tests.simulation import damaged, tiny

DAY = dt.date(2024, 1, 2)


# Boxes -------------------------------------------------------------------------------------------------------------


def chain(forward: float, discount: float, strikes: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Calls and puts at four times, by parity alone: C - P = discount (forward - strike), puts worth three at all."""
    keys = [ContractKey(DAY + dt.timedelta(days=365), strike, right) for strike in strikes for right in (-1, 1)]
    prices = [3.0 + (discount * (forward - key.strike) if key.right > 0 else 0.0) for key in keys]
    return contract_array(keys), np.tile(prices, (4, 1))


def test_a_point_of_strike_is_worth_its_discount() -> None:
    contracts, middle = chain(103.0, 0.9, [95.0, 100.0, 105.0, 110.0])
    middle[1, :4] = np.nan
    (found,) = boxes(contracts, middle, np.full_like(middle, 0.2))
    assert found.expiry == DAY + dt.timedelta(days=365)
    assert found.worth == pytest.approx(0.9, rel=1e-12)
    # Of 19 pairs: a spread of 0.2 for each of four legs, half of it, over 5, 10 or 15 points; the middle one has 5.
    assert found.half_spread == pytest.approx(0.4 / 5.0)


def test_a_few_stale_quotes_change_nothing() -> None:
    contracts, middle = chain(103.0, 0.98, [95.0, 100.0, 105.0, 110.0])
    middle[2] += np.random.default_rng(5).normal(0.0, 4.0, len(contracts))
    (found,) = boxes(contracts, middle, np.zeros_like(middle))
    assert found.worth == pytest.approx(0.98, rel=1e-12)


def test_of_too_few_nothing_is_said() -> None:
    contracts, middle = chain(103.0, 1.0, [95.0, 100.0])
    assert boxes(contracts, middle, np.zeros_like(middle)) == []  # four boxes
    calls = contracts["right"] > 0
    assert boxes(contracts[calls], middle[:, calls], middle[:, calls]) == []


@pytest.mark.parametrize(
    ("worth", "rate", "paid", "fits"),
    [
        (1.0, 0.05, 0.0, True),
        (0.76, 0.0, 0.0, True),
        (0.74, 0.0, 0.0, False),
        (0.74, 0.05, 0.0, True),  # a year at 5 %: down to 0.951 less a quarter
        (0.69, 0.05, 0.0, False),
        (1.24, 0.05, 0.0, True),
        (1.26, 0.05, 0.0, False),
        (1.26, -0.05, 0.0, True),
        (1.44, 0.0, 2.0, True),  # strikes ten apart: calls in the money are exercised cum, puts ex
        (1.46, 0.0, 2.0, False),
        (0.74, 0.0, 2.0, False),
        (2.0, 0.0, 0.0, False),
        (-1.0, 0.0, 0.0, False),
        (0.0001, 0.0, 0.0, False),
    ],
)
def test_what_a_box_can_be_worth(worth: float, rate: float, paid: float, fits: bool) -> None:
    assert Box(DAY + dt.timedelta(days=365), worth, 0.0, 10.0).fits(rate, DAY, paid) is fits
    assert Box(DAY + dt.timedelta(days=365), worth, 8.0, 10.0).fits(rate, DAY, paid)


def test_american_prices_before_a_dividend_fit() -> None:
    """Tomorrow six are paid: calls are worth the spot less the strike, puts the strike less the spot less six."""
    day, strikes, spot, paid = DAY, [90.0, 95.0, 100.0, 105.0, 110.0], 101.0, 6.0
    keys = [ContractKey(day + dt.timedelta(days=3), strike, right) for strike in strikes for right in (-1, 1)]
    worth = [spot - key.strike if key.right > 0 else key.strike - (spot - paid) for key in keys]
    middle = np.tile(np.maximum(worth, 0.0), (4, 1))
    (found,) = boxes(contract_array(keys), middle, np.zeros_like(middle))
    assert found.apart == 10.0
    # Calls less puts are 11, 6, -4, -10, -15: slopes 1, 1, 1.1, 1.2, 1.3, 1.4, 1.4, 1.5, 1.6, 2.
    assert found.worth == pytest.approx(1.35)
    assert found.fits(0.05, day, paid)
    assert not found.fits(0.05, day, 0.0)


# Levels ------------------------------------------------------------------------------------------------------------


def level_of(difference: list[float], half_spread: float = 0.0, price: float = 100.0) -> Levels:
    """One bar, and pairs of a year at the strikes 90, 100 and 110."""
    count, expiry = len(difference), np.datetime64(DAY + dt.timedelta(days=365))
    strikes = np.array([90.0, 100.0, 110.0])[:count]
    shape = (1, count)
    return Levels(
        np.array([1]),
        np.array([price]),
        np.full(count, expiry),
        strikes,
        np.array([difference]),
        np.full(shape, half_spread),
    )


@pytest.mark.parametrize(
    ("spot", "half_spread", "rate", "paid", "implied"),
    [
        (100.0, 0.0, 0.0, 0.0, 100.0),
        (120.0, 0.0, 0.0, 0.0, 120.0),
        (120.0, 3.0, 0.0, 0.0, 117.0),
        (75.0, 0.0, 0.0, 0.0, 75.0),
        (75.0, 3.0, 0.0, 5.0, 83.0),
        # Of the middle strike, 100 (1 - exp(-0.05)) = 4.877 may be earned, upward only.
        (120.0, 0.0, 0.05, 0.0, 115.1229),
        (75.0, 0.0, 0.05, 0.0, 75.0),
        (104.8, 0.0, 0.05, 0.0, 100.0),
        # At -5 %, 100 (exp(0.05) - 1) = 5.127, downward only.
        (75.0, 0.0, -0.05, 0.0, 80.1271),
        (120.0, 0.0, -0.05, 0.0, 120.0),
    ],
)
def test_the_price_that_options_allow_for(
    spot: float, half_spread: float, rate: float, paid: float, implied: float
) -> None:
    found = level_of([spot - 90.0, spot - 100.0, spot - 110.0], half_spread)
    expiry = DAY + dt.timedelta(days=365)
    dividends = [
        Dividend(expiry, paid, 100.0),
        Dividend(expiry + dt.timedelta(1), 50.0, 100.0),
        Dividend(DAY, 50.0, 1.0),
    ]
    assert found.implied(rate, DAY, dividends) == pytest.approx([implied], abs=1e-4)


def test_one_stale_pair_of_three_changes_no_level_and_two_pairs_tell_none() -> None:
    assert level_of([10.0, 40.0, -10.0]).implied(0.0, DAY, []).tolist() == [100.0]
    assert np.isnan(level_of([10.0, 0.0]).implied(0.0, DAY, [])).all()
    assert np.isnan(level_of([10.0, math.nan, -10.0]).implied(0.0, DAY, [])).all()


def test_quotes_are_paired_at_the_ends_of_bars() -> None:
    contracts, middle = chain(103.0, 1.0, [95.0, 100.0, 105.0])
    times = np.arange(4) * 60
    found = levels(contracts, times, np.full(4, 103.0), middle, np.full_like(middle, 0.2))
    assert found.strike.tolist() == [95.0, 100.0, 105.0]
    np.testing.assert_allclose(found.difference, np.tile([8.0, 3.0, -2.0], (4, 1)))
    np.testing.assert_allclose(found.half_spread, 0.2)  # half of 0.2 for each of two legs


def session_of(implied: list[float]) -> tuple[Levels, np.ndarray]:
    count = len(implied)
    hour = 3_600_000_000_000
    times = tiny.HOURS.session(tiny.FIRST).open + hour * np.arange(1, count + 1)
    nothing = np.zeros((count, 0))
    none = np.zeros(0)
    found = Levels(times, np.full(count, 100.0), none.astype("datetime64[D]"), none, nothing, nothing)
    return found, np.array(implied)


@pytest.mark.parametrize(
    ("implied", "told"),
    [
        ([100.0, 101.0, 99.0, 104.9], []),
        ([100.0, 100.0, 105.1, 100.0], ["100 at 2024-03-14 12:30, where options are priced for about 105.10"]),
        ([94.0, 94.0, 94.0, 94.0], []),  # all along: borrowed shares cost
        ([94.0, 94.0, 94.0, 100.0], ["100 at 2024-03-14 13:30, where options are priced for about 100.00"]),
        (
            [math.nan, math.nan, 70.0, 100.0, 100.0],
            ["100 at 2024-03-14 12:30, where options are priced for about 70.00"],
        ),
        ([math.nan], []),
    ],
)
def test_a_bar_away_from_the_others_is_told(implied: list[float], told: list[str]) -> None:
    assert check_levels("X", *session_of(implied), "F") == told


@pytest.mark.parametrize("level", [89.0, 111.0])
def test_most_of_a_session_away_is_refused(level: float) -> None:
    with pytest.raises(DataError, match=r"X closes at 100 at 2024-03-14 10:30, where options .* in most of .* in F: "):
        check_levels("X", *session_of([level, level, level, 100.0]), "F")


def scaled(factor: float, lines: slice, columns: slice = slice(1, 5)) -> Callable[[str], str]:
    """The underlying's bars times a factor."""

    def edit(text: str) -> str:
        rows = [line.split(",") for line in text.splitlines()]
        for row in rows[lines]:
            row[columns] = [str(round(int(price) * factor)) for price in row[columns]]
        return "".join(f"{','.join(row)}\n" for row in rows)

    return edit


@pytest.mark.parametrize("resolution", ["minute", "hour"])
@pytest.mark.parametrize("factor", [1.3, 0.75])
def test_one_bar_away_from_its_options_is_a_fault_and_a_warning(root: Path, resolution: str, factor: float) -> None:
    """The last bar of the first day, which moves less than max-unexplained-move; then all bars of the day."""
    path = SecurityArchive(root, "TINY", tiny.FIRST, Resolution(resolution), DataKind.TRADE).path
    whole = path.read_bytes()
    before, last = require_data(tiny.settings(resolution=resolution), root), 77 if resolution == "minute" else 6
    assert before.faults == ()
    damaged.edit_entries(path, scaled(factor, slice(last, last + 1)))
    found = require_data(tiny.settings(resolution=resolution), root)
    (fault,) = found.faults
    assert fault.kind is FaultKind.PRICE_APART
    assert fault.file == str(path)
    (warning,) = set(found.warnings) - set(before.warnings)
    close = tiny.last_spot()
    told = re.search(r"options have: ([\d.]+) at 2024-03-14 16:00, where options .* about ([\d.]+)$", warning)
    assert told is not None
    assert float(told[1]) == pytest.approx(close * factor, abs=0.01)
    assert float(told[2]) == pytest.approx(close, abs=0.6)  # half a dollar is paid before expiry, a strike earns 0.3
    path.write_bytes(whole)
    damaged.edit_entries(path, scaled(factor, slice(0, last + 1)))
    with pytest.raises(DataError, match="and so in most of the session in "):
        require_data(tiny.settings(resolution=resolution), root)


# Whole folders -----------------------------------------------------------------------------------------------------


def times(factor: float) -> Callable[[str], str]:
    def edit(text: str) -> str:
        rows = [line.split(",") for line in text.splitlines()]
        for row in rows:
            for at in (1, 2, 3, 4, 6, 7, 8, 9):
                row[at] = f"{int(row[at]) * factor:.6f}" if factor < 1 else str(round(int(row[at]) * factor))
        return "".join(f"{','.join(row)}\n" for row in rows)

    return edit


@pytest.mark.parametrize("resolution", ["minute", "hour"])
@pytest.mark.parametrize(("factor", "shown"), [(2.0, "2.00"), (1e-4, "0.00"), (-1.0, "-1.00")])
def test_quotes_that_fit_no_price_are_refused(root: Path, resolution: str, factor: float, shown: str) -> None:
    days = (tiny.FIRST, tiny.SECOND) if resolution == "minute" else (tiny.FIRST,)
    paths = [OptionArchive(root, "TINY", day, Resolution(resolution), DataKind.QUOTE).path for day in days]
    for path in paths:
        if factor > 0.0:
            damaged.edit_entries(path, times(factor))
        else:
            damaged.rename_entries(path, exchanged)
    with pytest.raises(DataError) as error:
        require_data(tiny.settings(resolution=resolution), root)
    sentence = str(error.value)
    assert f"the option quotes of TINY on 2024-03-14 in {paths[0]} fit no price" in sentence
    assert f"fall by {shown} for each point of strike in 2024-04-19" in sentence
    assert "1 of 1 expiries" in sentence


def exchanged(name: str) -> str:
    """Calls for puts."""
    return name.replace("_call_", "_?_").replace("_put_", "_call_").replace("_?_", "_put_")


def test_one_expiry_of_many_is_a_fault_and_a_warning(tmp_path: Path) -> None:
    root = tmp_path / "data"
    day = dt.date(2024, 1, 3)
    generate_market(root, MarketTruth(start=day, end=day, history_days=300, quote_minutes=30))
    wanted = {"underlyings": "ALFA", "start": day, "end": day, "garch_history": 300}
    settings = Settings.of(wanted)
    before = require_data(settings, root)
    assert before.faults == ()
    assert before.warnings == ()
    path = OptionArchive(root, "ALFA", day, Resolution.MINUTE, DataKind.QUOTE).path
    expiry = dt.date(2024, 2, 16)
    damaged.rename_entries(path, lambda name: exchanged(name) if f"_{expiry:%Y%m%d}" in name else name)
    (tmp_path / "run").mkdir()
    run = run_backtest(settings, root, tmp_path / "run")
    (warning,) = run.findings.warnings
    assert f"the option quotes of ALFA on {day} in {path} are wrong in 1 of " in warning
    (fault,) = run.findings.faults
    assert re.search(rf"expiry {expiry}: -(0\.9|1\.0)\d for each point of strike", str(fault))
    assert run.faults.counts[FaultKind.NO_PARITY] == 1
