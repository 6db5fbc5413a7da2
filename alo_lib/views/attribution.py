"""Where the profit of a run came from, read from its journal; docs/attribution.md says how it is split."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import ACCOUNT_CASH, CALENDAR_DAY, PROFIT_PARTS, Kind, Records
from alo_lib.views.blotter import marked_at_trades, positions
from alo_lib.views.run import Run, RunError, expiry_dates, once_a_run
from alo_lib.views.spoken import cents, fees_to_the_cent

__all__ = [
    "MARKS",
    "OUTSIDE",
    "STATED_PARTS",
    "AttributionSeries",
    "attribution_by_session",
    "attribution_by_trade",
    "attribution_by_underlying",
    "attribution_over_time",
    "attribution_theta_by_time",
    "attribution_vega_by_expiry",
    "attribution_warnings",
    "last_attributions",
    "parts_to_the_cent",
    "stated_attribution",
    "stated_by_session",
]

Parts = dict[str, float]
"""Money by part, in the order of PROFIT_PARTS."""

MARKS: Final = "marks"
"""The part that comes in when profit is stated as an engine's results state it, see :func:`stated_attribution`."""

STATED_PARTS: Final = (*PROFIT_PARTS[:-1], MARKS, PROFIT_PARTS[-1])
"""All parts of a stated profit, in their order."""


OUTSIDE: Final = "outside of trades"

_PASSING: Final = ("sessions", "nights", "weekends")
"""When time passes: weekends are all nights over closed days."""

_ROUNDING: Final = Decimal("0.005")
_UNEXPLAINED_SHARE: Final = 0.1
"""Of the sum of the absolute parts, beyond which what is unexplained is warned of."""
_SMALL_CHANGE: Final = 1.0
"""What rounding may come to in a run that made next to nothing, money."""


class AttributionSeries(NamedTuple):
    """Cumulative parts over time: ``parts`` by name, arrays as long as ``time`` (ns UTC)."""

    time: NDArray[np.int64]
    parts: dict[str, NDArray[np.float64]]


@once_a_run
def attribution_by_trade(run: Run) -> dict[tuple[int, int], Parts]:
    """The parts of each trade at its end or the run's, by underlying and number of the trade.

    Trade 0 of an underlying is what is outside of its trades; underlying -1 is the account, which earns interest.
    """
    return {key: {name: float(row[name]) for name in PROFIT_PARTS} for key, row in last_attributions(run).items()}


@once_a_run
def last_attributions(run: Run) -> dict[tuple[int, int], np.void]:
    """The last ATTRIBUTION record of each trade, by underlying and number of the trade."""
    rows = run.table(Kind.ATTRIBUTION).records
    keys = zip(rows["underlying"].tolist(), rows["trade"].tolist(), strict=True)
    last = {key: number for number, key in enumerate(keys)}
    return {key: rows[number] for key, number in last.items()}


def attribution_by_underlying(run: Run) -> dict[str, Parts]:
    """The parts of each underlying, by ticker."""
    trades = attribution_by_trade(run)
    return {
        underlying.symbol: _sum(parts for (number, _), parts in trades.items() if number == underlying.number)
        for underlying in run.underlyings
    }


def attribution_over_time(run: Run) -> AttributionSeries:
    """Cumulative parts of the account, whenever they changed."""
    time, rows = run.table(Kind.ATTRIBUTION)
    values = _matrix(rows)
    _, trade = np.unique(np.stack([rows["underlying"], rows["trade"]]), axis=1, return_inverse=True)
    changes = values.copy()
    for number in np.unique(trade):
        at = np.flatnonzero(trade == number)
        changes[at[1:]] -= values[at[:-1]]
    moments = np.unique(time)
    total = np.cumsum(changes, axis=0)[np.searchsorted(time, moments, side="right") - 1]
    return AttributionSeries(moments, dict(zip(PROFIT_PARTS, total.T, strict=True)))


def attribution_by_session(run: Run) -> dict[dt.date, Parts]:
    """What came of each session and the night before it, by date."""
    series = attribution_over_time(run)
    # What is told from one session's open to the next one's; a preparing frame tells nothing of a market.
    ends = np.searchsorted(series.time, np.array([session.open for session in run.sessions[1:]], np.int64))
    found, before = {}, dict.fromkeys(PROFIT_PARTS, 0.0)
    for session, end in zip(run.sessions, [*ends.tolist(), len(series.time)], strict=False):  # without sessions none
        now = {name: float(values[end - 1]) if end else 0.0 for name, values in series.parts.items()}
        found[session.day] = {name: now[name] - before[name] for name in PROFIT_PARTS}
        before = now
    return found


def attribution_vega_by_expiry(run: Run) -> dict[dt.date | None, float]:
    """The vega part by expiry of the trades; None for what is outside of all trades."""
    entries = run.table(Kind.ENTRY).records
    expiries = {
        (int(row["underlying"]), int(row["trade"])): date
        for row, date in zip(entries, expiry_dates(run, entries["expiry"]), strict=True)
    }
    found: dict[dt.date | None, float] = {}
    for key, parts in attribution_by_trade(run).items():
        if parts["vega"]:
            expiry = dt.date.fromisoformat(expiries[key]) if key in expiries else None
            found[expiry] = found.get(expiry, 0.0) + parts["vega"]
    return dict(sorted(found.items(), key=lambda each: each[0] or dt.date.max))


def attribution_theta_by_time(run: Run) -> dict[str, float]:
    """The theta part by when it passed: in sessions, in nights to the next day, and over weekends and holidays.

    A night's is what its morning's first measure tells. The three sum to the part.
    """
    series = attribution_over_time(run)
    theta = np.append(0.0, series.parts["theta"])
    found = dict.fromkeys(_PASSING, 0.0)
    for before, session in pairwise(run.sessions):
        first = int(np.searchsorted(series.time, session.open))
        if first < len(series.time) and series.time[first] < session.close:
            over = "nights" if session.day - before.day == CALENDAR_DAY else "weekends"
            found[over] += float(theta[first + 1] - theta[first])
    found["sessions"] = float(theta[-1]) - found["nights"] - found["weekends"]
    return found


def parts_to_the_cent(parts: Mapping[str, float]) -> dict[str, Decimal]:
    """Each part to the cent; they sum to their sum to the cent, what that leaves going to what is unexplained."""
    row = {name: (fees_to_the_cent if name == "fees" else cents)(money) for name, money in parts.items()}
    row["unexplained"] += cents(math.fsum(parts.values())) - sum(row.values())
    return row


def stated_attribution(run: Run, net_profit: float) -> dict[str, Any]:
    """The attribution to the cent, for programs: the sum of ``parts`` is ``net_profit``.

    Those of all underlyings and of the account sum to them, part by part. An engine's results mark shares at their last
    trade where the core takes the middle of a quote, and an option without a quote since then at a trade of its own,
    which no journal has, and know of fills and settlements after the core's last frame: that difference is the part
    ``marks``. What rounding leaves goes to ``unexplained``. ``vega_by_expiry`` is the vega part by the trades' expiry,
    each to the cent; ``theta_by_time`` sums to the theta part.

    :raises RunError: when more than rounding is left: journal and results do not tell of the same run.
    """
    by_underlying = attribution_by_underlying(run)
    account = _sum(parts for (number, _), parts in attribution_by_trade(run).items() if number == ACCOUNT_CASH)
    for each in run.underlyings:
        parts = by_underlying[each.symbol]
        stated = sum(one.profit for one in positions(run) if one.instrument.underlying == each.number)
        parts[MARKS] = stated + parts["borrow"] - sum(parts.values())
    behind = next((one.instrument.underlying for one in positions(run) if one.behind), None)
    if behind is not None:  # of several underlyings the first has all of it: results tell nothing of single ones
        by_underlying[run.instruments[behind].symbol][MARKS] += marked_at_trades(run, net_profit)
    account[MARKS] = 0.0
    rows = {
        name: parts_to_the_cent({part: parts[part] for part in STATED_PARTS})
        for name, parts in (*by_underlying.items(), ("account", account))
    }
    total = {name: sum((row[name] for row in rows.values()), Decimal()) for name in STATED_PARTS}
    gap = cents(net_profit) - sum(total.values())
    if abs(gap) > _ROUNDING * (len(rows) + 1):  # of each row and of what is stated
        raise RunError(
            f"the results of {run.folder} state a profit of {cents(net_profit):,}, but what its journal tells of comes "
            f"to {sum(total.values()):,}"
        )
    total["unexplained"] += gap
    next(iter(rows.values()))["unexplained"] += gap
    return {
        "unit": "$",
        "parts": _floats(total),
        "by_underlying": {name: _floats(row) for name, row in rows.items() if name != "account"},
        "account": _floats(rows["account"]),
        "vega_by_expiry": {
            OUTSIDE if expiry is None else str(expiry): float(cents(money)) + 0.0
            for expiry, money in attribution_vega_by_expiry(run).items()
        },
        "theta_by_time": _theta_to_the_cent(run, total["theta"]),
    }


def _theta_to_the_cent(run: Run, theta: Decimal) -> dict[str, float]:
    """By when it passed; sessions have what rounding leaves."""
    by_time = {name: cents(money) for name, money in attribution_theta_by_time(run).items()}
    by_time["sessions"] = theta - by_time["nights"] - by_time["weekends"]
    return _floats(by_time)


def stated_by_session(run: Run, profits: Mapping[dt.date, float]) -> dict[dt.date, dict[str, Decimal]]:
    """STATED_PARTS of each session to the cent; they sum to what ``profits``, as the results state them, has of it.

    What a session's profit has beyond the core's parts is the part ``marks``; over the run that comes to the one of
    :func:`stated_attribution`, which is taken from the positions.
    """
    found = {}
    for day, parts in attribution_by_session(run).items():
        told = parts | {MARKS: profits[day] - math.fsum(parts.values())}
        found[day] = parts_to_the_cent({name: told[name] for name in STATED_PARTS})
    return found


def attribution_warnings(parts: Parts) -> list[str]:
    """What people must not overlook of an attribution: a large part that is unexplained, the mark of wrong data.

    ``parts`` of :func:`stated_attribution`.
    """
    gross = math.fsum(abs(amount) for amount in parts.values())
    unexplained = parts["unexplained"]
    if not abs(unexplained) > max(_UNEXPLAINED_SHARE * gross, _SMALL_CHANGE):
        return []
    return [
        f"{unexplained:z,.2f} of the profit is unexplained, {abs(unexplained) / gross:z.0%} of the sum of absolute "
        f"parts where at most {_UNEXPLAINED_SHARE:z.0%} is allowed for: so it is where prices do not belong together"
    ]


def _sum(all_parts: Iterable[Parts]) -> Parts:
    total = dict.fromkeys(PROFIT_PARTS, 0.0)
    for parts in all_parts:
        for name, money in parts.items():
            total[name] += money
    return total


def _matrix(rows: Records) -> NDArray[np.float64]:
    return np.stack([rows[name] for name in PROFIT_PARTS], axis=1)


def _floats(row: dict[str, Decimal]) -> Parts:
    return {name: float(money) + 0.0 for name, money in row.items()}
