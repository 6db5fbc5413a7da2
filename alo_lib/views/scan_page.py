"""The page of a scan: each underlying's market, its candidates, its smiles, and what was rejected."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alo_lib.records import MATURITIES
from alo_lib.strategy.rejections import MEANINGS, Rejection
from alo_lib.views import page
from alo_lib.views.dispersion import DispersionView, dispersion_rows
from alo_lib.views.drawing import Figure
from alo_lib.views.run import exchange_moment
from alo_lib.views.scan import ScanView, day_of, market_rows, maturity_rows
from alo_lib.views.spoken import DASH, money, or_dash

__all__ = ["scan_html", "smile_figure"]

_CANDIDATE = ("", "candidate", "legs", "edge", "why")
_CONTRACT = ("contract", "expiry", "strike", "right", "bid", "ask", "open int.", "rejected")


def scan_html(views: Sequence[ScanView], correlation: DispersionView | None = None) -> str:
    """All of a scan's underlyings as one self-contained HTML page, and what an index's members say of its options."""
    first = views[0]
    names = ", ".join(view.ticker for view in views)
    parts = [part for view in views for part in _underlying(view)]
    if correlation is not None:
        title = f"{correlation.basket.index} against its members"
        parts.append(page.section(title, page.facts(dispersion_rows(correlation), wide=True)))
    when = exchange_moment(first.moment.time)
    return page.page(f"Scan of {names}", f"{when[:10]} · times are New York's", *parts)


def _underlying(view: ScanView) -> list[page.Html]:
    moment, market = view.moment, view.market
    parts = [_head(view)]
    if market is None:
        parts.append(page.section(f"{view.ticker}: its market", page.note("No expiry has quotes that tell a smile.")))
    else:
        titles = ("", *(f"{days} days" for days in MATURITIES))
        smiles = [page.figure(smile_figure(view))] if moment.underlying.smiles else []
        parts.append(
            page.section(
                f"{view.ticker}: its market",
                page.table(titles, maturity_rows(market), range(1, len(titles))),
                page.facts(market_rows(market), wide=True),
            )
        )
        parts.append(
            page.section(
                f"{view.ticker}: smiles",
                *smiles,
                page.note(
                    "Fitted volatility over the strike, in standard deviations from the forward. Click an expiry to "
                    "hide it, twice to see it alone."
                ),
            )
        )
    return [*parts, _candidates(view), *_rejected(view)]


def _head(view: ScanView) -> page.Html:
    moment, market = view.moment, view.market
    counts = dict(view.reasons())
    rank = DASH if market is None else or_dash(market["rank"], "z.0%")
    return page.cards(
        [
            page.card("underlying", view.ticker),
            page.card("time", exchange_moment(moment.time)[11:16]),
            page.card("spot", f"{moment.underlying.book.spot:z,.10g}"),
            page.card("implied, 30 days", DASH if market is None else or_dash(market["implied_30"], "z.1%")),
            page.card("less forecast", DASH if market is None else or_dash(market.premium, "+z.1%")),
            page.card("rank in a year", rank),
            page.card("candidates", f"{sum(one.suffices for one in view.candidates):,}"),
            page.card(f"of {len(view.codes):,} contracts left", f"{counts.get(Rejection.NONE, 0):,}"),
        ]
    )


def _candidates(view: ScanView) -> page.Html:
    rows = [
        (
            place,
            one.title,
            ", ".join(map(str, one.legs)),
            money(one.edge),
            one.why,
        )
        for place, one in enumerate(view.candidates, 1)
    ]
    if not rows:
        return page.section(f"{view.ticker}: candidates", page.note("No contracts make a structure now."))
    return page.section(
        f"{view.ticker}: candidates",
        page.table(_CANDIDATE, rows, (0, 3), sentences=(4,)),
        *([page.note(view.opens_nothing)] if view.opens_nothing else []),
        page.note("Legs and edge are those of one structure."),
    )


def _rejected(view: ScanView) -> list[page.Html]:
    reasons = [(reason.words, f"{count:,}", MEANINGS[reason]) for reason, count in view.reasons()]
    every = view.contracts()
    rows = [
        (
            view.ticker,
            (
                row["symbol"],
                row["expiry"],
                f"{row['strike']:g}",
                row["right"],
                or_dash(row["bid"], "z.2f"),
                or_dash(row["ask"], "z.2f"),
                f"{row['open_interest']:,}",
                row["rejected"] or "",
            ),
        )
        for row in every[: page.MAX_ROWS]
    ]
    parts = [page.sorting_table(_CONTRACT, rows, (2, 4, 5, 6), ())]
    if len(every) > page.MAX_ROWS:
        parts.append(page.note(f"The first {page.MAX_ROWS:,} of {len(every):,} contracts; --json has all."))
    return [
        page.section(
            f"{view.ticker}: what was rejected",
            page.table(("reason", "contracts", "means"), reasons, (1,), sentences=(2,)),
            page.note("Of each contract the first test that it fails."),
        ),
        page.section(f"{view.ticker}: contracts", *parts),
    ]


def smile_figure(view: ScanView) -> Figure:
    """Fitted volatility over standard deviations from the forward, a line an expiry."""
    data = []
    for expiry, shape in view.moment.underlying.smiles.items():
        z = np.linspace(shape.low, shape.high, 41)
        volatility = shape.at_the_money * shape.ratio(z * shape.at_the_money, np.ones(len(z)))
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": day_of(expiry),
                "x": [float(f"{value:z.4g}") for value in z.tolist()],
                "y": [float(f"{100.0 * value:z.4g}") for value in volatility.tolist()],
                "hovertemplate": "%{x}<br>%{y:.1f} %<extra>" + str(day_of(expiry)) + "</extra>",
                "line": {"width": 1.4},
            }
        )
    layout: dict[str, Any] = {
        "height": 380,
        "margin": {"l": 60, "r": 20, "t": 20, "b": 45},
        "hovermode": "closest",
        "showlegend": True,
        "xaxis": {"title": "strike, standard deviations"},
        "yaxis": {"title": "volatility, %"},
    }
    return {"data": data, "layout": layout}
