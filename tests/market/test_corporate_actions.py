"""What distributions are, on the events of LEAN's own factor files read by another reader, and by rules in small."""

import csv
import datetime as dt
from itertools import pairwise
from pathlib import Path

import pytest

from alo_lib.market import DataFolder, Dividend
from alo_lib.market.corporate_actions import action_days, action_of, is_of_distribution, named_kinds
from alo_lib.market.distributions import told_apart
from alo_lib.market.event_files import DatedEvent, When
from alo_lib.records import ActionKind, DividendKind, Session

ORDINARY, EXTRA, ADJUSTING = DividendKind
FIRST = dt.date(2014, 1, 6)
QUARTER = dt.timedelta(days=91)

UNUSUAL = {
    # As these companies' histories are known, each looked at by its size: Altadis' capital return, AIG's warrants, News
    # Corporation, Time Warner Cable, AOL, Time Inc.; and a dividend of AOL's file that came four days after another, at
    # three times its size.
    "aaa.1": {"2007-05-15": ADJUSTING},
    "aig": {"2011-01-20": ADJUSTING},
    "tfcfa": {"2013-07-01": ADJUSTING},
    "twx": {
        "1998-06-01": ADJUSTING,
        "2009-03-27": ADJUSTING,
        "2009-03-30": EXTRA,  # what rounding leaves on the day of the reverse split
        "2009-12-10": ADJUSTING,
        "2014-06-09": ADJUSTING,
    },
    "eem": {"2003-12-31": EXTRA},  # what a fund had left at the end of a year
    "wm": {"2004-02-26": EXTRA},  # the first quarterly one, nineteen times the yearly one before
}


def read_otherwise(path: Path) -> list[Dividend]:
    """Dividends by the definition of LEAN's factors, ex on the weekday after the row's; by nothing of ours."""
    with path.open() as file:
        rows = [
            (dt.datetime.strptime(row[0], "%Y%m%d").date(), float(row[1]), float((*row, "0")[3]))
            for row in csv.reader(file)
        ]
    found = []
    for (day, factor, price), (_, following, _) in pairwise(rows):
        if factor != following and price:
            found.append(Dividend(day + dt.timedelta(days=1), round(price * (1.0 - factor / following), 2), price))
    return found


def test_every_distribution_of_leans_sample_files_is_told_right(lean_data: Path) -> None:
    count = 0
    for path in sorted((lean_data / "equity/usa/factor_files").glob("*.csv")):
        dividends = read_otherwise(path) if path.stat().st_size else []
        told = told_apart(dividends)
        # The row's day is a session, so a day after it is the ex-date or, before a weekend or holiday, its evening.
        unusual = [(each.ex_date, each.kind) for each in told if each.kind is not ORDINARY]
        known = [(dt.date.fromisoformat(day), kind) for day, kind in UNUSUAL.get(path.stem, {}).items()]
        assert len(unusual) == len(known), path.stem
        for (found, kind), (day, wanted) in zip(unusual, known, strict=True):
            assert kind is wanted
            assert 0 <= (day - found).days <= 4
        count += len(told)
    assert count > 800


def paid(*amounts: tuple[int, float], price: float = 100.0) -> list[Dividend]:
    """Dividends so many days after the first."""
    return [Dividend(FIRST + dt.timedelta(days=days), amount, price) for days, amount in amounts]


@pytest.mark.parametrize(
    ("amounts", "kinds"),
    [
        # Size alone: 2.5 % or more is none where it is over three times what is usual; 5 % where nothing is known.
        ([(0, 4.0), (91, 4.0), (182, 9.9)], [ORDINARY] * 3),
        ([(0, 4.0), (91, 4.0), (182, 10.1)], [ORDINARY, ORDINARY, ADJUSTING]),
        ([(0, 4.99)], [ORDINARY]),
        ([(0, 5.01)], [ADJUSTING]),
        ([(0, 1.0), (91, 1.0), (182, 2.99)], [ORDINARY, ORDINARY, ORDINARY]),
        ([(0, 1.0), (91, 1.0), (182, 3.01)], [ORDINARY, ORDINARY, ADJUSTING]),
        ([(0, 0.5), (91, 0.5), (182, 2.49)], [ORDINARY, ORDINARY, ORDINARY]),
        # A payer of 4 % each quarter, whose price falls, pays what it always did.
        ([(0, 4.0), (91, 4.5), (182, 8.0)], [ORDINARY, ORDINARY, ORDINARY]),
        # Early: extra by its size, none at 1 % and twice the usual; of the usual size it is a faster rhythm.
        ([(0, 0.5), (91, 0.5), (131, 0.7)], [ORDINARY, ORDINARY, EXTRA]),
        ([(0, 0.49), (91, 0.49), (131, 1.01)], [ORDINARY, ORDINARY, ADJUSTING]),
        ([(0, 0.5), (91, 0.5), (131, 0.5), (182, 0.5)], [ORDINARY] * 4),
        ([(0, 0.5), (91, 0.5), (115, 0.5), (182, 0.5)], [ORDINARY, ORDINARY, EXTRA, ORDINARY]),
        # After a spin-off the next regular one is in its time; late ones are regular whatever they miss.
        ([(0, 0.3), (91, 0.3), (110, 4.0), (182, 0.3)], [ORDINARY, ORDINARY, ADJUSTING, ORDINARY]),
        ([(0, 0.3), (91, 0.3), (400, 0.9)], [ORDINARY] * 3),
        # Monthly payers.
        ([(28 * n, 0.8) for n in range(6)], [ORDINARY] * 6),
    ],
)
def test_sizes_and_rhythm_tell_what_a_distribution_is(
    amounts: list[tuple[int, float]], kinds: list[DividendKind]
) -> None:
    assert [each.kind for each in told_apart(paid(*amounts))] == kinds
    after_a_split = paid(*((days, amount / 7.0) for days, amount in amounts), price=100.0 / 7.0)
    assert [each.kind for each in told_apart(after_a_split)] == kinds


def test_nothing_is_known_of_what_comes_after() -> None:
    every = paid((0, 0.3), (91, 0.3), (110, 4.0), (182, 0.3), (200, 0.8), (273, 0.3))
    whole = told_apart(every)
    assert [told_apart(every[: n + 1])[n].kind for n in range(len(every))] == [each.kind for each in whole]


def test_a_price_that_no_host_tells_leaves_the_dividend_ordinary() -> None:
    (one,) = told_apart([Dividend(FIRST, 3.0, 0.0)])
    assert (one.kind, one.kept) == (ORDINARY, 1.0)
    assert told_apart(paid((0, 12.0)))[0].kept == pytest.approx(0.88)


def session_from(day: dt.date) -> Session:
    while day.weekday() > 4:
        day += dt.timedelta(days=1)
    return Session(day, 0, 1)


def test_a_file_of_events_has_the_last_word() -> None:
    friday = dt.date(2014, 6, 6)
    monday, tuesday = dt.date(2014, 6, 9), dt.date(2014, 6, 10)
    events = [
        DatedEvent(friday, When.AFTER, "Spin-off of Time Inc."),
        DatedEvent(tuesday, When.BEFORE, "MERGER"),
        DatedEvent(friday, When.BEFORE, "dividend, regular"),
        DatedEvent(friday, When.AFTER, "earnings"),
    ]
    assert action_days(events, session_from) == {monday: ActionKind.SPIN_OFF, tuesday: ActionKind.MERGER}
    named = named_kinds(events, session_from)
    assert named == {friday: ORDINARY, monday: ADJUSTING, tuesday: ADJUSTING}
    told = told_apart([Dividend(friday, 12.0, 100.0), Dividend(monday, 0.1, 100.0)], named)
    assert [each.kind for each in told] == [ORDINARY, ADJUSTING]
    assert action_of("special dividend of 3") is ActionKind.SPECIAL_DIVIDEND
    assert action_of("earnings") is None
    assert [is_of_distribution(name) for name in ("merger", "Dividend", "earnings")] == [True, True, False]


def test_daily_prices_of_a_folder_are_without_the_drop_of_a_spin_off(lean_data: Path) -> None:
    folder = DataFolder(lean_data)
    day = dt.date(2011, 1, 20)  # 8.42 of warrants, ex; closes of 51.20 and 43.18 in the daily file
    bars = folder.split_adjusted_bars("AIG", day - dt.timedelta(days=1), day)
    before, after = bars["close"].tolist()
    assert after == pytest.approx(43.18)
    assert before == pytest.approx(51.20 - 8.42, abs=0.01)
