"""Prices that moved for no reason, within sessions and overnight, and dividends that are none."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from alo_lib.market import CorporateEvents, DataError, Dividend, Resolution, Split
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.layout import DataKind, SecurityArchive
from alo_lib.market.writer import write_factor_file
from alo_lib.simulation import require_data
from alo_lib.simulation.moves import Prices, check_dividends, check_moves
from tests.simulation import damaged, tiny

BAR = 30
"""The bar that is damaged, of the 78 of a session."""
ONE = Decimal(1)


def prices(daily: dict[dt.date, tuple[float, float]], events: CorporateEvents | None = None) -> Prices:
    """Of daily bars alone."""
    return Prices("X", daily, {}, events or CorporateEvents((), ()), "F")


def scaled(line: int, factor: float, columns: slice = slice(1, 5)) -> Callable[[str], str]:
    """The prices of one line times a factor."""

    def edit(text: str) -> str:
        lines = [row.split(",") for row in text.splitlines()]
        lines[line][columns] = [str(round(int(price) * factor)) for price in lines[line][columns]]
        return "".join(f"{','.join(row)}\n" for row in lines)

    return edit


def refusal(root: Path, **changes: object) -> str:
    with pytest.raises(DataError) as error:
        require_data(tiny.settings(**changes), root)
    assert "\n" not in str(error.value)
    return str(error.value)


# Within a session --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "allowed"), [(3.0, 3), (10.0, 10), (0.1, 10)])
def test_one_bad_minute_bar_is_refused(root: Path, factor: float, allowed: int) -> None:
    path = damaged.trades(root, tiny.FIRST)
    damaged.edit_entries(path, scaled(BAR, factor))
    spots = tiny.spots(tiny.FIRST, 78)
    sentence = refusal(root)
    # A bar of the file ends each five minutes; the one before the damaged one ends 30 x 5 minutes after 9:30.
    before, after = f"{spots[BAR - 1]:g} at 2024-03-14 12:00", f"{spots[BAR] * factor:g} at 2024-03-14 12:04"
    assert f"TINY went from {before} to {after} within a session in {path}" in sentence
    way_out = re.search(r"--set max-unexplained-move=(\d+)$", sentence)
    assert way_out is not None
    assert int(way_out[1]) <= allowed
    assert require_data(tiny.settings(max_unexplained_move=int(way_out[1]) + 1), root).coverage[0].bars == 2


def test_one_bad_hour_bar_is_refused(root: Path) -> None:
    assert require_data(tiny.settings(resolution="hour"), root).coverage[0].quotes == 2
    path = SecurityArchive(root, "TINY", tiny.FIRST, Resolution.HOUR, DataKind.TRADE).path
    damaged.edit_entries(path, scaled(3, 3.0))
    # The fourth bar begins at noon, with the 31st of the minute file; the one before it closed with the 30th.
    spots = tiny.spots(tiny.FIRST, 78)
    sentence = refusal(root, resolution="hour")
    told = f"from {spots[29]:g} at 2024-03-14 12:00 to {3 * spots[30]:g} at 2024-03-14 12:00 within a session in {path}"
    assert told in sentence


def test_a_close_alone_is_no_price_either(root: Path) -> None:
    damaged.edit_entries(damaged.trades(root, tiny.SECOND), scaled(77, 1.5, slice(2, 5)))  # high, low and close
    assert "to 1" in refusal(root)


def test_one_bad_quote_of_the_underlying_is_refused(root: Path) -> None:
    path = SecurityArchive(root, "TINY", tiny.FIRST, Resolution.MINUTE, DataKind.QUOTE).path
    damaged.edit_entries(path, scaled(BAR, 1.1))
    damaged.edit_entries(path, scaled(BAR, 1.1, slice(6, 10)))
    assert require_data(tiny.settings(), root).warnings == ()
    damaged.edit_entries(path, scaled(BAR, 2.0))
    damaged.edit_entries(path, scaled(BAR, 2.0, slice(6, 10)))
    sentence = refusal(root)
    spot = tiny.spots(tiny.FIRST, 78)[BAR]
    assert f"at 2024-03-14 12:05 in {path} and trades at {spot:g}" in sentence
    assert sentence.endswith("--set max-unexplained-move=2")


def test_a_quote_that_is_wide_of_the_price_is_none_that_trades(root: Path) -> None:
    path = SecurityArchive(root, "TINY", tiny.FIRST, Resolution.MINUTE, DataKind.QUOTE).path
    damaged.edit_entries(path, scaled(BAR, 0.01))
    damaged.edit_entries(path, scaled(BAR, 100.0, slice(6, 10)))
    assert require_data(tiny.settings(), root).coverage[0].bars == 2


def test_a_daily_close_far_from_its_open_is_refused(root: Path) -> None:
    damaged.edit_entries(damaged.daily(root), scaled(200, 1.5, slice(1, 3)))  # open and high
    assert "which no split or dividend" in refusal(root)
    day = (dt.date(2024, 3, 1), (100.0, 150.0))
    with pytest.raises(DataError, match="X opened at 100 on 2024-03-01 and closed at 150, as its daily bars say"):
        check_moves(prices(dict([day])), 0.4)


def test_no_gap_is_too_long_to_be_looked_at() -> None:
    """Sixty days without a bar, and three times the price after them, is one return of a forecast."""
    days = {dt.date(2024, 1, 2): (100.0, 100.0), dt.date(2024, 3, 4): (300.0, 300.0)}
    with pytest.raises(DataError, match=r"closed at 100 on 2024-01-02 and opened at 300 .* max-unexplained-move=2$"):
        check_moves(prices(days), 0.4)


# Dividends ---------------------------------------------------------------------------------------------------------


def factors(root: Path, price: str, split: str = "1") -> Path:
    """A factor file with one event, in the night from the first day to the second."""
    rows = [
        FactorRow(dt.date(2020, 1, 2), Decimal(price), Decimal(split), ONE),
        FactorRow(tiny.FIRST, Decimal(price), Decimal(split), Decimal(100)),
        FactorRow(dt.date(2050, 12, 31), ONE, ONE, Decimal(0)),
    ]
    write_factor_file(root, "TINY", rows)
    return damaged.factors(root)


@pytest.mark.parametrize(
    ("price_factor", "words"),
    [
        ("1.2", "a dividend of -20.00 on 2024-03-15, -20.0% of the price, and no dividend is negative"),
        ("1.0003", "a dividend of -0.03 on 2024-03-15, -0.0% of the price, and no dividend is negative"),
        ("0.88", "a dividend of 12.00 on 2024-03-15, 12.0% of the price, and no overnight move confirms it"),
        ("0.65", "a dividend of 35.00 on 2024-03-15, 35.0% of the price, further than max-unexplained-move = 0.4"),
        ("0.0001", "a dividend of 99.99 on 2024-03-15"),
    ],
)
def test_a_dividend_that_is_none_is_refused(root: Path, price_factor: str, words: str) -> None:
    path = factors(root, price_factor)
    assert f"{path} gives TINY {words}" in refusal(root)


def test_small_dividends_and_rounded_factors_pass(root: Path) -> None:
    for factor in ("0.995", "1.0000001"):
        factors(root, factor)
        assert require_data(tiny.settings(), root).coverage[0].bars == 2


def test_exchanged_columns_of_factors_are_refused_by_name(tmp_path: Path) -> None:
    """A split of two for one in the column of dividends is half the price, and the night confirms it."""
    root = tiny.write(tmp_path / "split", split=True)
    path = factors(root, price="0.995", split="0.5")
    assert require_data(tiny.settings(), root).coverage[0].bars == 2
    damaged.edit_entries(path, lambda text: "".join(f"{swapped(line)}\n" for line in text.splitlines()))
    sentence = refusal(root)
    assert f"{path} gives TINY a dividend of 50.00 on 2024-03-15, 50.0% of the price" in sentence
    assert "the columns of price and split factors are exchanged" in sentence


def swapped(line: str) -> str:
    day, price, split, reference = line.split(",")
    return ",".join((day, split, price, reference))


@pytest.mark.parametrize(("opened", "confirmed"), [(86.0, True), (94.0, False), (99.0, False)])
def test_a_large_dividend_shows_in_its_night(opened: float, confirmed: bool) -> None:
    """Twelve of a hundred: the price is to open nearer to 88 than to 100."""
    paid = Dividend(dt.date(2024, 3, 5), 12.0, 100.0)
    events = CorporateEvents((), (paid,))
    daily = {dt.date(2024, 3, 4): (100.0, 100.0), dt.date(2024, 3, 5): (opened, opened)}

    def check(known: dict[dt.date, tuple[float, float]]) -> None:
        check_dividends(prices(known, events), (paid,), 0.4)

    if confirmed:
        check(daily)
    else:
        with pytest.raises(DataError, match="no overnight move confirms it"):
            check(daily)
    with pytest.raises(DataError, match="no overnight move confirms it"):
        check({})  # nobody saw the night


def test_a_dividend_and_a_split_of_one_night(tmp_path: Path) -> None:
    """A hundred, halved by a split, less six of the new shares: 44."""
    paid, split = Dividend(dt.date(2024, 3, 5), 6.0, 50.0), Split(dt.date(2024, 3, 5), dt.date(2024, 3, 4), 0.5, 100.0)
    events = CorporateEvents((split,), (paid,))
    daily = {dt.date(2024, 3, 4): (100.0, 100.0), dt.date(2024, 3, 5): (44.0, 44.0)}
    check_dividends(prices(daily, events), (paid,), 0.4)
    check_moves(prices(daily, events), 0.1)
    with pytest.raises(DataError, match="closed at 100 on 2024-03-04 and opened at 44"):
        check_moves(prices(daily, CorporateEvents((), (paid,))), 0.1)


def test_a_price_below_its_dividends_is_refused() -> None:
    """What is left of the close is no price, and the night is judged all the same."""
    events = CorporateEvents((), (Dividend(dt.date(2024, 3, 5), 120.0, 100.0),))
    daily = {dt.date(2024, 3, 4): (100.0, 100.0), dt.date(2024, 3, 5): (99.0, 99.0)}
    with pytest.raises(DataError, match=r"which no split or dividend of F explains; put the file right$"):
        check_moves(prices(daily, events), 100.0)


# Reference prices --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reference", "refused"), [(1.04, False), (1.06, True), (10.0, True)])
@pytest.mark.parametrize("upward", [True, False])
def test_a_reference_price_that_is_no_close_is_refused(
    root: Path, reference: float, refused: bool, upward: bool
) -> None:
    path, close = damaged.factors(root), tiny.last_spot()
    wrong = f"{close * reference if upward else close / reference:.2f}"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[-2][3] = wrong
    path.write_text("".join(f"{','.join(cells)}\n" for cells in lines))
    if not refused:
        assert require_data(tiny.settings(), root).warnings == ()
        return
    sentence = refusal(root)
    assert f"{path} gives TINY a reference price of {wrong} in its row of {tiny.FIRST}" in sentence
    assert f"closed at {close:g}: they are {Decimal(str(reference - 1)):.1%} apart, where 5% is allowed" in sentence


def test_a_reference_price_of_no_event_or_of_long_ago_is_not_looked_at(root: Path) -> None:
    """The first row of LEAN's files has 1; a run is told of the dividends of 400 days."""
    path = damaged.factors(root)
    first, event, last = path.read_text().splitlines()
    same = f"20240312,{first.split(',', 1)[1]}".rsplit(",", 1)[0]
    path.write_text("\n".join([first, f"{same},1", event, last]))
    assert require_data(tiny.settings(), root).warnings == ()
    old = dt.date(2022, 11, 7)
    assert (tiny.FIRST - old).days > 400
    path.write_text("\n".join([f"{old:%Y%m%d},0.99,1,7", event, last]))
    assert require_data(tiny.settings(garch_history=400), root).warnings == ()
