"""The page of a quoted chain: its smiles, its term structure, and its contracts."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.views import page
from alo_lib.views.chain import ChainView, Expiry
from alo_lib.views.drawing import Figure
from alo_lib.views.run import exchange_moment
from alo_lib.views.spoken import DASH, or_dash
from alo_lib.views.units import PEOPLES, shown

__all__ = ["chain_html", "smile_figure", "term_figure"]

_SIDE: Final = (
    ("bid", "bid"),
    ("ask", "ask"),
    ("IV", "mid_volatility"),
    *((PEOPLES[name].title, name) for name in ("delta", "gamma", "vega", "theta")),
    ("volume", "volume"),
    ("open int.", "open_interest"),
)
"""Columns of a put, from the strike outwards; a call's are their mirror. One that the data has not is left out."""

_AXES: Final = ("strike", "log-moneyness, ln(strike / forward)", "delta")
"""What smiles are drawn over."""

_NEAR: Final = 4
"""Expiries that a button of the smiles shows alone."""
_TERMS: Final = [0.1, 1, 7, 30, 90, 365, 1095]
"""Days that are named on the axis: no more than stand side by side on a phone."""

# Near expiries first, from yellow-green to violet: readable on light and dark ground.
_COLORS: Final = (
    "#84cc16", "#22c55e", "#10b981", "#14b8a6", "#06b6d4", "#0ea5e9", "#3b82f6", "#6366f1", "#8b5cf6", "#a855f7",
    "#d946ef", "#ec4899",
)  # fmt: skip


def chain_html(view: ChainView) -> str:
    """The chain as one self-contained HTML page."""
    snapshot, expiries = view.snapshot, view.expiries()
    moment = exchange_moment(snapshot.time)[:16]
    style = "American" if snapshot.american else "European"
    quoted, explained = sum(one.quoted for one in expiries), sum(one.explained for one in expiries)
    contracts = list(view.rows())
    return page.page(
        f"{snapshot.ticker} option chain",
        f"{moment} New York · {style} exercise · {snapshot.resolution} bars · spot is the {snapshot.spot_from}",
        page.cards(
            [
                page.card("spot", f"{snapshot.spot:z,.2f}"),
                page.card("rate", f"{view.rate:z.3%}"),
                page.card("dividends", view.carry_in_words),
                page.card("contracts", f"{len(snapshot):,}"),
                page.card("quoted on both sides", f"{quoted:,}"),
                page.card("explained by a volatility", f"{explained:,}"),
            ]
        ),
        page.section(
            "Smiles",
            page.figure(smile_figure(view, expiries)),
            page.note(
                "Implied volatility of the mid of out-of-the-money options, bid to ask as a bar. Dots right of the "
                "spot are calls, left of it puts. Click an expiry to hide it, twice to see it alone."
            ),
        ),
        page.section("At the money", page.figure(term_figure(expiries))),
        page.section("Expiries", _expiry_table(expiries)),
        page.section(
            "Contracts: calls left, puts right",
            page.note(_told(view.statuses())),
            page.note(
                "IV is that of the mid; vega is per point of volatility, theta a day. Volume is the day's until then, "
                "open interest the last that was known. Status and all else: --json."
            ),
            *_contract_table(contracts),
        ),
    )


def smile_figure(view: ChainView, expiries: list[Expiry]) -> Figure:
    """Implied volatility over strike, a line an expiry, out-of-the-money options only."""
    snapshot, data = view.snapshot, []
    axes: dict[str, list[list[float]]] = {title: [] for title in _AXES}
    bid, mid, ask = (100.0 * side.implied_volatility for side in (view.bid, view.mid, view.ask))
    shown = view.mid.out_of_the_money & np.isfinite(mid)
    for number, one in enumerate(expiries):
        rows = np.flatnonzero(shown & (snapshot.contracts["expiry"] == np.datetime64(one.expiry)))
        if not len(rows):
            continue
        color = _COLORS[round(number * (len(_COLORS) - 1) / max(len(expiries) - 1, 1))]
        contracts = snapshot.contracts[rows]
        places = contracts["strike"], np.log(contracts["strike"] / one.forward), view.mid.greeks.delta[rows]
        for title, values in zip(_AXES, places, strict=True):
            axes[title].append(_six_digits(values))
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"{one.expiry} ({one.days:z.0f} d)",
                "x": axes["strike"][-1],
                "y": _six_digits(mid[rows]),
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": _six_digits(np.nan_to_num(ask[rows] - mid[rows])),
                    "arrayminus": _six_digits(np.nan_to_num(mid[rows] - bid[rows])),
                    "thickness": 0.6,
                    "width": 0,
                },
                "text": ["call" if right > 0 else "put" for right in contracts["right"]],
                "hovertemplate": "%{x} %{text}<br>%{y:.2f} %<extra>" + one.expiry + "</extra>",
                "line": {"width": 1.2, "color": color},
                "marker": {"size": 4, "color": color},
            }
        )
    layout: dict[str, Any] = {
        "height": 600,
        "margin": {"l": 60, "r": 20, "t": 95, "b": 45},
        "hovermode": "closest",
        "showlegend": True,
        "legend": {"orientation": "v"},
        "xaxis": {"title": "strike"},
        "yaxis": {"title": "implied volatility, %", "range": _span(mid[shown])},
        "updatemenus": [_axis_menu(axes), _expiry_menu(len(data))],
        "shapes": [
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": snapshot.spot,
                "x1": snapshot.spot,
                "y0": 0,
                "y1": 1,
                "line": {"width": 1, "dash": "dot", "color": "#8893a5"},
            }
        ],
    }
    return {"data": data, "layout": layout}


def _buttons(height: float, buttons: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of buttons, ``height`` above the bottom of the plot, of which the top is 1."""
    return {
        "type": "buttons",
        "direction": "right",
        "x": 0,
        "xanchor": "left",
        "y": height,
        "yanchor": "bottom",
        "showactive": False,
        "bgcolor": "rgba(0,0,0,0)",
        "buttons": buttons,
    }


def _expiry_menu(count: int) -> dict[str, Any]:
    """Buttons that show all expiries, the nearest, or none: from there a click on a name chooses."""
    near = min(_NEAR, count)
    choices = ("all expiries", count), (f"nearest {near}", near), ("none", 0)
    return _buttons(
        1.09,
        [
            {
                "label": label,
                "method": "restyle",
                "args": [{"visible": [True] * shown + ["legendonly"] * (count - shown)}],
            }
            for label, shown in choices
        ],
    )


def _axis_menu(axes: dict[str, list[list[float]]]) -> dict[str, Any]:
    """Buttons that set what the smiles are drawn over; the line at the spot is one of strikes."""
    return _buttons(
        1.01,
        [
            {
                "label": f"by {title.split(',')[0]}",
                "method": "update",
                "args": [
                    {"x": columns},
                    {"xaxis.title.text": title, "xaxis.autorange": True, "shapes[0].visible": title == "strike"},
                ],
            }
            for title, columns in axes.items()
        ],
    )


def term_figure(expiries: list[Expiry]) -> Figure:
    """At-the-money volatility over days to expiry."""
    known = [one for one in expiries if np.isfinite(one.at_the_money)]
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "at the money",
            "x": [round(one.days, 3) for one in known],
            "y": _six_digits(100.0 * np.array([one.at_the_money for one in known])),
            "text": [one.expiry for one in known],
            "hovertemplate": "%{text}, %{x:.1f} days<br>%{y:.2f} %<extra></extra>",
            "line": {"width": 1.6, "color": "#3b82f6"},
        }
    ]
    layout = {
        "height": 280,
        "margin": {"l": 60, "r": 20, "t": 20, "b": 45},
        "showlegend": False,
        "xaxis": {"title": "days to expiry", "type": "log", "tickvals": _TERMS, "tickangle": 0},
        "yaxis": {"title": "implied volatility, %"},
    }
    return {"data": data, "layout": layout}


def _span(volatility: NDArray[np.float64]) -> list[float] | None:
    """A range of volatilities that far wings, worth a cent, do not squeeze; None (all of them) without any."""
    if not len(volatility):
        return None
    low, high = np.quantile(volatility, [0.0, 0.96])
    room = 0.06 * max(float(high - low), 1.0)
    return [round(max(float(low) - room, 0.0), 3), round(float(high) + room, 3)]


def _expiry_table(expiries: list[Expiry]) -> page.Html:
    titles = ("expiry", "days", "contracts", "quoted", "explained", "dividend yield", "forward", "at the money")
    rows = [
        (
            one.expiry,
            f"{one.days:z.2f}",
            one.contracts,
            one.quoted,
            one.explained,
            f"{one.dividend_yield:z.3%}",
            f"{one.forward:z,.2f}",
            or_dash(one.at_the_money, "z.2%"),
        )
        for one in expiries
    ]
    return page.table(titles, rows, range(1, 8))


def _told(statuses: dict[str, int]) -> str:
    """How many contracts have a volatility, and why the others have none."""
    return "; ".join(f"{words}: {count:,}" for words, count in statuses.items()) + "."


def _contract_table(contracts: list[dict[str, Any]]) -> list[page.Html]:
    """Calls left, puts right, a row a strike of an expiry."""
    sides: dict[tuple[str, float], dict[str, dict[str, Any]]] = {}
    for row in contracts:
        sides.setdefault((row["expiry"], row["strike"]), {})[row["right"]] = row
    put = [(title, name) for title, name in _SIDE if any(row[name] is not None for row in contracts)]
    call = put[::-1]
    titles = (*(title for title, _ in call), "expiry", "strike", *(title for title, _ in put))
    rows = [
        (
            *(_cell(pair.get("call"), name) for _, name in call),
            expiry,
            f"{strike:g}",
            *(_cell(pair.get("put"), name) for _, name in put),
        )
        for (expiry, strike), pair in sides.items()
    ]
    numeric = [column for column, title in enumerate(titles) if title != "expiry"]
    parts = [page.table(titles, rows[: page.MAX_ROWS], numeric)]
    if len(rows) > page.MAX_ROWS:
        parts.append(page.note(f"The first {page.MAX_ROWS:,} of {len(rows):,} strikes; --json has all."))
    return parts


def _cell(row: dict[str, Any] | None, name: str) -> str:
    if row is None or row[name] is None:
        return DASH
    if name.endswith("volatility"):
        return or_dash(row[name], "z.2%")
    if name in PEOPLES:
        return f"{shown(name, row[name]):z.4g}"
    return f"{row[name]:z,.0f}" if name in ("volume", "open_interest") else f"{row[name]:z.2f}"


def _six_digits(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:z.6g}") for value in values.tolist()]
