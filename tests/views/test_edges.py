"""The best edge that a run saw and what stopped its pairs, from a journal that is written by hand."""

import io

import numpy as np
import pytest
from rich.console import Console

from alo_lib.records import Contract, InstrumentTable, Kind, Message, leg_columns, records
from alo_lib.views import RunError, report_html, summary_table
from alo_lib.views.data import funnel, funnel_total
from alo_lib.views.edges import points
from tests.views import kit

DAY = 86_400 * 1_000_000_000
PAIR, WIDE = (2, 1), (4, 1)
"""Call and put of a straddle at 100 and of a strangle from 100 to 105."""


def market(*frames, funnels=()):
    """Two sessions. A frame is its time, and the pairs that it ranked: call, put, direction, edge in points."""
    table = InstrumentTable()
    messages = [
        Message(Kind.INSTRUMENT, kit.OPEN, table.add_equity("ALFA")),
        Message(Kind.SESSION, kit.OPEN, records(Kind.SESSION, open=kit.OPEN, close=kit.CLOSE, date=20240102)),
    ]
    contracts = [Contract(kit.EXPIRY, strike, right, kit.EXPIRY_TIME) for strike in (100.0, 105.0) for right in (1, -1)]
    told = [(kit.OPEN, Kind.INSTRUMENT, table.add_contracts("ALFA", contracts))]
    later = records(Kind.SESSION, open=kit.OPEN + DAY, close=kit.CLOSE + DAY, date=20240103)
    told.append((kit.OPEN + DAY, Kind.SESSION, later))
    for time, *pairs in frames:
        legs = leg_columns([pair[:2] for pair in pairs], (1, 1))
        rows = records(Kind.SIGNAL, len(pairs), implied_volatility=np.nan, forecast_volatility=0.2, **legs)
        for row, (call, put, direction, edge) in zip(rows, pairs, strict=True):
            row["structure"] = "straddle" if (call, put) == PAIR else "strangle"
            row["direction"], row["edge_volatility"] = direction, edge / 100
        told.append((time, Kind.SIGNAL, rows))
    for time, counts in funnels:
        told.append((time, Kind.FUNNEL, records(Kind.FUNNEL, underlying=0, **counts)))
    return messages + [Message(kind, time, rows) for time, kind, rows in sorted(told, key=lambda one: one[0])]


def minute(number, day=0):
    return kit.OPEN + day * DAY + number * kit.MINUTE


def shown(run):
    written = io.StringIO()
    Console(width=200, file=written, highlight=False).print(summary_table(run.summary))
    return written.getvalue()


NEAR = market(
    (minute(5), (*PAIR, 1, 0.4), (*WIDE, -1, 0.1)),
    (minute(65), (*PAIR, -1, 1.3), (*PAIR, 1, -2.0)),
    (minute(66), (*WIDE, -1, 1.3)),
    (minute(7, 1), (*WIDE, -1, -0.5), (*PAIR, 1, -np.inf)),
)


def test_the_best_edge_of_each_session_and_of_all_is_told_with_its_time_pair_and_side(tmp_path):
    run = kit.run_of(tmp_path, NEAR)
    first, second = funnel(run)["ALFA"].values()
    assert first["best_edge"] == {
        "new_york_time": "2024-01-02 10:35:00.000",  # the earlier of two
        "structure": "ALFA straddle 2024-02-16 100",
        "side": "sell",
        "edge_volatility": 0.013,
        "entry_edge": 0.02,
        "implied_volatility": None,
        "forecast_volatility": 0.2,
    }
    assert first["stopped_by"] == {"entry-edge": 3}
    best = second["best_edge"]
    assert best["structure"] == "ALFA strangle 2024-02-16 100/105"
    assert (best["new_york_time"], best["edge_volatility"]) == ("2024-01-03 09:37:00.000", -0.005)
    assert second["stopped_by"] == {"entry-edge": 1}
    total = run.summary["funnel_total"]["ALFA"]
    assert total["best_edge"] == first["best_edge"]
    assert total["stopped_by"] == {"entry-edge": {"frames": 4, "sessions": 2}}


def test_a_run_without_trades_says_in_a_sentence_how_near_it_came(tmp_path):
    run = kit.run_of(tmp_path, NEAR)
    sentence = "at 2024-01-02 10:35 New York (ALFA straddle 2024-02-16 100, sold); entry-edge asks 2.0"
    assert f"ALFA: best edge 1.3 volatility points {sentence}." in report_html(run)
    assert "ALFA: structures were stopped by entry-edge in 4 frames of 2 sessions." in report_html(run)
    table = " ".join(shown(run).split())
    assert f"ALFA best edge 1.3 volatility points {sentence}" in table
    assert "ALFA stopped by entry-edge in 4 frames of 2 sessions" in table


def test_limits_are_told_in_their_order_by_the_settings_name(tmp_path):
    counts = {"max_margin": 2, "max_vega": 1200, "entry_delay": 1, "opened": 3}
    messages = market(
        (minute(5), (*PAIR, 1, 3.0)),
        (minute(6), (*PAIR, 1, 1.0)),
        funnels=[(minute(5), {"entry_delay": 1}), (minute(9), counts), (minute(9, 1), {"leg_held": 7, "max_vega": 1})],
    )
    run = kit.run_of(tmp_path, messages)
    first, second = funnel(run)["ALFA"].values()
    assert list(first["stopped_by"].items()) == [
        ("entry-edge", 1), ("entry-delay", 1), ("max-vega", 1200), ("max-margin", 2),
    ]  # fmt: skip
    assert (first["opened"], second["opened"]) == (3, 0)
    assert second["stopped_by"] == {"leg-held": 7, "max-vega": 1}
    assert second["best_edge"] is None
    assert funnel_total(funnel(run))["ALFA"]["stopped_by"]["max-vega"] == {"frames": 1201, "sessions": 2}
    page = report_html(run)
    assert "a leg held already in 7 frames, max-vega in 1 frame<" in page
    assert "max-vega in 1,201 frames of 2 sessions, max-margin in 2 frames of 1 session." in page


def test_where_no_pair_was_ranked_no_edge_is_told(quiet):
    assert "ALFA, no trade" in shown(quiet)
    assert "best edge" not in shown(quiet)
    assert "stopped by" not in shown(quiet)
    assert "ALFA: best edge" not in report_html(quiet)


@pytest.mark.parametrize(
    ("edge", "asked", "words"),
    [
        (0.013, 0.02, ("1.3", "2.0")),
        (0.01999, 0.02, ("1.999", "2.000")),
        (0.02, 0.02, ("2.0", "2.0")),
        (0.0131, 0.0225, ("1.31", "2.25")),
        (-0.0001, 0.5, ("0.0", "50.0")),
        (0.0199999, 0.02, ("2.0000", "2.0000")),
    ],
)
def test_points_have_the_decimals_that_tell_them_apart(edge, asked, words):
    assert points({"edge_volatility": edge, "entry_edge": asked}) == words


def test_a_run_that_does_not_say_what_edge_it_asked_for_is_refused(quiet):
    quiet.settings.pop("entry_edge")
    quiet.made.clear()
    with pytest.raises(RunError, match=r"settings.json does not say entry_edge"):
        funnel(quiet)
