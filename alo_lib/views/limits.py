"""How much of each limit a run used: at most, and at its end."""

from typing import Any, Final, NamedTuple

import numpy as np

from alo_lib.records import WHOLE_BOOK, Kind
from alo_lib.records.spelling import spelled
from alo_lib.views import page
from alo_lib.views.page import Html
from alo_lib.views.run import Run, exchange_moment, once_a_run
from alo_lib.views.spoken import DASH, or_none

__all__ = ["LimitUse", "limit_uses", "limits_section", "stated_limits"]

_COLUMNS: Final = ("limit", "of", "most used", "of allowed", "share", "when", "at the end", "share at the end")


class LimitUse(NamedTuple):
    """A limit's use by the book or a part of it: where its share was greatest, and as last told."""

    limit: str  # the setting
    part: str  # "book", a ticker, or where the bucket of expiries begins
    most: float
    allowed: float
    time: int  # of that
    last: float
    last_allowed: float

    @property
    def share(self) -> float:
        """Of what was allowed, at most."""
        return self.most / self.allowed if self.allowed > 0.0 else np.nan


@once_a_run
def limit_uses(run: Run) -> list[LimitUse]:
    """Every limit that was told, in the order of the table of limits, the book before its parts."""
    table, tickers = run.table(Kind.LIMIT), {one.number: one.symbol for one in run.underlyings}
    rows, found = table.records, []
    keys = list(dict.fromkeys(zip(*(rows[name].tolist() for name in ("limit", "underlying", "days")), strict=True)))
    for limit, underlying, days in keys:
        own = (rows["limit"] == limit) & (rows["underlying"] == underlying) & (rows["days"] == days)
        time, told = table.where(own)
        share = np.divide(told["used"], told["allowed"], out=np.full(len(told), -1.0), where=told["allowed"] > 0.0)
        at = int(np.argmax(np.nan_to_num(share, nan=-1.0)))
        part = "book" if days == WHOLE_BOOK else f"{days} days on"
        figures = float(told["used"][at]), float(told["allowed"][at]), int(time[at])
        last = float(told["used"][-1]), float(told["allowed"][-1])
        found.append(LimitUse(limit.decode(), tickers.get(underlying, part), *figures, *last))
    return found


def stated_limits(run: Run) -> list[dict[str, Any]]:
    """The uses for programs: money, or a number."""
    return [
        {
            "limit": use.limit,
            "of": use.part,
            "most_used": or_none(use.most),
            "allowed": or_none(use.allowed),
            "time": exchange_moment(use.time),
            "last_used": or_none(use.last),
            "last_allowed": or_none(use.last_allowed),
        }
        for use in limit_uses(run)
    ]


def limits_section(run: Run) -> Html:
    """The table of limits, used of allowed: of the book, and of the parts that used some of theirs."""
    rows = [
        (
            spelled(use.limit),
            use.part,
            _figure(use.most),
            _figure(use.allowed),
            _share(use.most, use.allowed),
            exchange_moment(use.time)[:16],
            _figure(use.last),
            _share(use.last, use.last_allowed),
        )
        for use in limit_uses(run)
        if use.part == "book" or use.most > 0.0
    ]
    if not rows:
        return page.section("Limits", page.note("Nothing was held, so no limit was used."))
    return page.section(
        "Limits, used of allowed",
        page.table(_COLUMNS, rows, (2, 3, 4, 6, 7)),
        page.note(
            "Money, but for the number of structures, as told when contracts were traded, a spot had moved by 1 % or a "
            "halt came or went. A market that moves may use more of a limit than a trade may."
        ),
    )


def _figure(value: float) -> str:
    return DASH if np.isnan(value) else f"{value:z,.0f}"


def _share(used: float, allowed: float) -> str:
    return DASH if np.isnan(used) or not allowed > 0.0 else f"{used / allowed:z.1%}"
