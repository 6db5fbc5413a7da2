import io
import json
import re
from decimal import Decimal

import numpy as np
import plotly.graph_objects as go
import pytest
from rich.console import Console

from alo_lib.market import FaultKind, FaultLog
from alo_lib.records import ACCOUNT_CASH, FUNNEL_STAGES, InstrumentTable, Kind, Message, OrderType, records
from alo_lib.settings import Settings
from alo_lib.simulation.account import Account
from alo_lib.simulation.listing import Listing
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.views import (
    REPORT_FILE,
    Run,
    data_account,
    funnel,
    held_without_quotes,
    page,
    report_html,
    summary_table,
    write_report,
)
from alo_lib.views.attribution import attribution_over_time
from alo_lib.views.blotter import fills, money_by_security, positions
from alo_lib.views.data import funnel_total
from alo_lib.views.exposure_figures import expiry_figures, exposure_figures
from alo_lib.views.figures import (
    attribution_figure,
    equity_figure,
    funnel_figure,
    rolling_figure,
    trades_figure,
    waterfall_figure,
)
from alo_lib.views.margin import margin_used
from alo_lib.views.performance import (
    drawdowns,
    equity_curve,
    performance,
    rolling_figures,
    session_returns,
)
from alo_lib.views.risk import expiry_exposures, exposure_ranges, exposures
from alo_lib.views.settings_section import settings_section
from alo_lib.views.spoken import money
from alo_lib.views.time_axis import time_axis
from alo_lib.views.volatility import refits, term_structures, volatility_view
from alo_lib.views.volatility_figures import term_structure_figure, volatility_figure
from tests.views import kit


def test_fills_carry_the_reason_of_their_order(traded):
    assert [(fill.instrument.label, fill.quantity, fill.reason) for fill in fills(traded)] == [
        ("ALFA 2024-02-16 100 put", -2, "entry"),
        ("ALFA 2024-02-16 100 call", -2, "entry"),
        ("ALFA", 30, "hedge"),
        ("ALFA 2024-02-16 100 put", 2, "exit edge"),
        ("ALFA 2024-02-16 100 call", 2, "exit edge"),
        ("ALFA", -30, "exit edge"),
    ]


def test_positions_add_up_to_what_was_paid_and_received(traded):
    found = {position.instrument.label: position for position in positions(traded)}
    assert found["ALFA 2024-02-16 100 put"].profit == pytest.approx(2 * 100 * (1.9 - 1.2) - 4.0)
    assert found["ALFA 2024-02-16 100 call"].profit == pytest.approx(2 * 100 * (4.1 - 3.9) - 4.0)
    assert found["ALFA"].profit == pytest.approx(30 * (100.82 - 100.34) - 2.0)
    assert all(position.quantity == 0 for position in found.values())

    table = money_by_security(traded)["ALFA"]
    assert table["options"] == pytest.approx(180.0)
    assert table["shares"] == pytest.approx(14.4)
    assert table["fees"] == pytest.approx(-10.0)


def test_interest_and_borrow_are_told_apart(tmp_path, traded):
    booked = records(Kind.INTEREST, 2, instrument=[ACCOUNT_CASH, 0], days=1, amount=[12.5, -0.75], rate=0.05)
    messages = [*kit.traded_messages(), Message(Kind.INTEREST, kit.CLOSE, booked)]
    run = kit.run_of(tmp_path, messages)
    table, without = money_by_security(run), money_by_security(traded)
    assert table["account"] == {"options": 0.0, "shares": 0.0, "fees": 0.0, "borrow": 0.0, "interest": 12.5}
    assert table["ALFA"] == without["ALFA"] | {"borrow": -0.75}
    assert "account" not in without
    assert (run.summary["interest"], run.summary["borrow"]) == (12.5, -0.75)
    assert (traded.summary["interest"], traded.summary["borrow"]) == (0.0, 0.0)


def test_what_is_held_at_the_end_counts_at_its_last_mark(tmp_path):
    messages = kit.traded_messages()
    end = messages[-1].time
    messages.append(
        Message(Kind.ORDER_EVENT, end, kit.order_event(0, 0, 10, 90.0, 0.0, type_=OrderType.OPTION_EXERCISE))
    )
    run = kit.run_of(tmp_path, messages)
    shares = next(position for position in positions(run) if not position.instrument.is_option)
    assert shares.quantity == 10
    assert shares.mark == pytest.approx(101.0)
    assert shares.profit == pytest.approx(30 * 0.48 - 2.0 + 10 * (101.0 - 90.0))
    assert fills(run)[-1].reason == "engine"


def test_marks_are_those_of_the_results(tmp_path):
    messages = kit.traded_messages()
    end, shares, option = messages[-1].time, 0, 1
    quotes = records(Kind.QUOTE, 2, bid=[110.0, np.nan], ask=[112.0, 3.5])
    quotes["instrument"] = shares, option
    messages += [
        Message(Kind.ORDER_EVENT, end, kit.order_event(0, shares, 10, 90.0, 0.0)),
        Message(Kind.ORDER_EVENT, end, kit.order_event(0, option, 1, 3.0, 0.0)),
        Message(Kind.QUOTE, end, quotes),
    ]
    marks = {one.instrument.number: one.mark for one in positions(kit.run_of(tmp_path, messages))}
    assert marks[shares] == pytest.approx(101.0)  # its last trade, whatever is quoted since
    assert marks[option] == 3.5  # the one side that is quoted


def test_a_split_keeps_the_value_and_a_dividend_is_paid(tmp_path):
    messages = kit.quiet_messages()
    day = 24 * 60 * kit.MINUTE
    messages += [
        Message(Kind.ORDER_EVENT, kit.OPEN + kit.MINUTE, kit.order_event(0, 0, 15, 100.0, 1.0)),
        Message(Kind.SPLIT, kit.OPEN + 2 * kit.MINUTE, records(Kind.SPLIT, instrument=0, warning=1, factor=0.5)),
        Message(Kind.SPLIT, kit.OPEN + day, records(Kind.SPLIT, instrument=0, warning=0, factor=2.0)),
        Message(Kind.DIVIDEND, kit.OPEN + day, records(Kind.DIVIDEND, instrument=0, amount=0.5)),
    ]
    (shares,) = positions(kit.run_of(tmp_path, messages))
    assert shares.quantity == 7  # seven and a half shares: the half is paid in cash
    assert shares.profit == pytest.approx(-1.0 + 7 * 0.5)


@pytest.mark.parametrize(("quantity", "factor", "left"), [(33, 1.1, 30), (-33, 1.1, -30), (40, 1.1, 36), (-15, 2, -7)])
def test_a_split_leaves_the_whole_shares_that_the_accounts_keep(tmp_path, quantity, factor, left):
    """33 over 1.1 is 30, though as a float it is a little less; 40 over 1.1 is 36 and a part that is paid in cash."""
    messages = [
        *kit.quiet_messages(),
        Message(Kind.ORDER_EVENT, kit.OPEN + kit.MINUTE, kit.order_event(0, 0, quantity, 100.0, 0.0)),
        Message(Kind.SPLIT, kit.CLOSE, records(Kind.SPLIT, instrument=0, warning=0, factor=factor)),
    ]
    (shares,) = positions(kit.run_of(tmp_path, messages))
    assert shares.quantity == left
    assert shares.profit == pytest.approx(0.0)
    portfolio, account = Portfolio(0.0), listed_account()
    portfolio.fill(0, quantity, 100.0, 1, 0.0)
    account.fill(0, quantity, Decimal(100), Decimal(0), kit.OPEN)
    portfolio.split(0, factor, 100.0 * factor)
    account.split(0, factor, Decimal(100) * Decimal(str(factor)))
    assert portfolio.quantity(0) == account.quantity(0) == left


def listed_account():
    listing = Listing()
    listing.add(InstrumentTable().add_equity("ALFA"))
    return Account(0.0, listing)


def test_equity_and_drawdown_come_from_the_results(traded):
    assert performance(traded).net_profit == pytest.approx(184.4)
    assert performance(traded).drawdown == pytest.approx(1 - 100_050.0 / 100_150.0)
    assert performance(traded).sharpe is None
    assert equity_curve(traded.results).time[0] == kit.OPEN
    np.testing.assert_allclose(drawdowns(np.array([1.0, 2.0, 1.0, 3.0])), [0.0, 0.0, -0.5, 0.0])


def test_exposures_are_shown_in_the_units_of_their_titles(traded):
    ranges = {one.greek.name: one for one in exposure_ranges(traded)}
    assert ranges["vega"].largest == pytest.approx(-60.0)  # per volatility point
    assert ranges["theta"].largest == pytest.approx(10.0)  # a day
    assert ranges["delta"].mean == pytest.approx(
        25.0 * 40 / 59
    )  # 40 of the 59 minutes between the first frame and the last
    assert exposures(traded)["ALFA"].values["gamma"].min() == -8.0


def test_what_was_held_without_a_quote_is_named_by_day(tmp_path):
    messages = [message for message in kit.traded_messages() if message.time <= kit.OPEN + 40 * kit.MINUTE]
    day = 86_400 * 10**9
    for number, date in enumerate((20240103, 20240104), 1):
        opening, closing = kit.OPEN + number * day, kit.CLOSE + number * day
        messages.append(
            Message(Kind.SESSION, opening, records(Kind.SESSION, open=opening, close=closing, date=date)),
        )
        if number == 2:  # one leg is quoted again
            quote = records(Kind.QUOTE, instrument=1, bid=1.0, ask=1.1, bid_size=5, ask_size=5)
            messages.append(Message(Kind.QUOTE, opening + kit.MINUTE, quote))
    run = kit.run_of(tmp_path, messages)
    put, call = (run.instruments[number].label for number in (1, 2))
    expected = [("2024-01-03", put, -2), ("2024-01-03", call, -2), ("2024-01-04", call, -2)]
    assert [(str(each.day), each.symbol, each.quantity) for each in held_without_quotes(run)] == expected
    summary = run.summary
    assert [tuple(each.values()) for each in summary["held_without_quotes"]] == expected
    assert re.search("Not closable +2 days +held without a quote: 2024-01-03, 2024-01-04", shown(summary))
    summary["held_without_quotes"] = summary["held_without_quotes"][:2]
    assert re.search("Not closable +1 day +held without a quote: 2024-01-03", shown(summary))


def test_the_last_counts_of_a_session_are_its_funnel(quiet):
    nothing: dict[str, object] = {"best_edge": None, "stopped_by": {}}
    assert funnel(quiet) == {"ALFA": {"2024-01-02": dict.fromkeys(FUNNEL_STAGES, 0) | nothing}}
    messages = kit.quiet_messages()
    for bar, quoted in ((1, 3), (2, 9)):
        row = records(Kind.FUNNEL, underlying=0, listed=12, quoted=quoted, in_range=2)
        messages.append(Message(Kind.FUNNEL, kit.OPEN + bar * kit.MINUTE, row))
    run = kit.run_of(quiet.folder.parent / "counted", messages)
    counts = funnel(run)["ALFA"]["2024-01-02"]
    stages = ["listed", "quoted", "in_range", "liquid", "forecast", "candidates", "edge", "proposed", "opened"]
    assert counts == dict(zip(stages, [12, 9, 2, 0, 0, 0, 0, 0, 0], strict=True)) | nothing
    assert list(counts)[: len(stages)] == stages
    days = {"ALFA": {"2024-01-02": counts, "2024-01-03": counts | {"listed": 7, "in_range": 5}}}
    assert funnel_total(days) == {"ALFA": counts | {"in_range": 5}}
    assert "listed 12 > quoted 9 > in range 2 > liquid 0" in shown(run.summary)


def test_a_table_of_nothing_has_no_negative_zero(quiet):
    summary = quiet.summary
    assert "-0" not in re.sub(r"\d{4}-\d{2}-\d{2}", "", json.dumps(summary | {"folder": ""}))
    assert not re.search(r"-0\.?0*[% ]", shown(summary))


def shown(summary):
    written = io.StringIO()
    Console(width=200, file=written, highlight=False).print(summary_table(summary))
    return written.getvalue()


def test_a_large_share_left_out_is_loud():
    faults = FaultLog()
    faults.count_row(1000)
    for line in range(1, 10):
        faults.record(FaultKind.CROSSED, "a.zip", entry="b.csv", line=line)
    assert data_account(kit.FINDINGS, faults)["warnings"] == ["so"]
    faults.record(FaultKind.CROSSED, "a.zip", entry="b.csv", line=10)
    faults.record(FaultKind.MISSING_FILE, "gone.zip")
    faults.record(FaultKind.CORRUPT_ARCHIVE, "cut.zip", detail="it is cut off")
    account = data_account(kit.FINDINGS, faults)
    assert account["warnings"] == [
        "so",
        "of 1,000 rows 10 could not be used (1.0%)",
        "cut.zip: corrupt archive (it is cut off)",
    ]
    assert account["rows"] == {"read": 1000, "left_out": 10}


def test_the_table_tells_missing_from_damaged(traded):
    summary = traded.summary
    counts = {"skipped": {"missing file": 27, "crossed quote": 4}, "left_out": 4, "missing_files": 27}
    told = shown(summary | counts)
    assert re.search(r"Data left out +4 +of 1,000 rows, 3 left out \(0.30%\); crossed quote: 4", told)
    assert re.search(r"Files missing +27", told)
    assert re.search(r"ALFA data +1 of 2 +sessions; bars 2, option quotes 1, universes 2, daily 2", told)
    assert "no trade" not in told


def test_terminal_and_page_count_what_was_left_out_alike(tmp_path):
    """Three rows that were crossed and two files that are not there: three left out, two missing."""
    faults = kit.left_out()
    for name in ("a.zip", "b.zip"):
        faults.record(FaultKind.MISSING_FILE, name)
    run = kit.run_of(tmp_path, kit.traded_messages(), faults=faults)
    assert re.search(r"Data left out +3 +of 1,000 rows, 3 left out", shown(run.summary))
    assert re.search(r"Files missing +2", shown(run.summary))
    text = report_html(run)
    assert '<b class="">3</b><span>data left out</span>' in text
    assert '<td>together</td><td class="n">3</td>' in text
    assert "Files missing that a day asked for: 2." in text
    assert "<td>missing file</td>" not in text


def test_what_stands_between_a_fill_and_its_hedge_is_told_apart(tmp_path):
    messages = kit.traded_messages()
    for delay, delta in ((10_000_000, -700.0), (20_000_000, 12.0)):
        now = kit.OPEN + 30 * kit.MINUTE + delay
        row = records(Kind.EXPOSURE, underlying=0, delta=delta)
        messages.append(Message(Kind.EXPOSURE, now, row))
    messages.sort(key=lambda message: message.time)
    found = next(one for one in exposure_ranges(kit.run_of(tmp_path, messages)) if one.greek.name == "delta")
    assert (found.largest, found.in_passing) == (-25.0, -700.0)
    assert found.mean == pytest.approx((25.0 * 39 + 12.0 + (700.0 - 12.0 + 25.0 - 12.0) * 0.01 / 60) / 59)


def test_a_night_counts_nothing_for_the_mean_exposure(tmp_path):
    day = 24 * 60 * kit.MINUTE
    messages = kit.quiet_messages()
    opened = kit.OPEN + day
    row = records(Kind.SESSION, open=opened, close=opened + 60 * kit.MINUTE, date=20240103)
    messages.append(Message(Kind.SESSION, opened - 30 * kit.MINUTE, row))
    for time, delta in (
        (kit.CLOSE - 60 * kit.MINUTE, 2.0),
        (opened - 30 * kit.MINUTE, 4.0),  # a frame that prepares the session
        (opened + 30 * kit.MINUTE, 6.0),
        (opened + 60 * kit.MINUTE, 8.0),
    ):
        messages.append(Message(Kind.EXPOSURE, time, records(Kind.EXPOSURE, underlying=0, delta=delta)))
    found = next(one for one in exposure_ranges(kit.run_of(tmp_path, messages)) if one.greek.name == "delta")
    assert found.mean == pytest.approx((60 * 2.0 + 30 * 4.0 + 30 * 6.0) / 120)
    assert found.largest == 8.0


def test_settings_are_told_with_their_units(traded):
    written = kit.settings_object(entry_edge=0.02, max_holding_days=30.0, retired_knob=3)
    (traded.folder / "settings.json").write_text(json.dumps(written))
    text = str(settings_section(Run(traded.folder)))
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>(<td.*?)</tr>", text)]
    told = {name: (value, unit) for name, value, unit, _ in rows}
    assert told["entry-edge"] == ("0.02", "volatility; 0.01 is a point")
    assert told["max-holding-days"] == ("30.0", "calendar days")
    assert told["start"] == ("2024-01-02", "–")
    assert told["retired-knob"] == ("3", "–")  # of an earlier program
    meanings = {row[0]: row[3] for row in rows}
    assert meanings["entry-edge"] == Settings.model_fields["entry_edge"].description


def test_the_summary_has_what_programs_need(traded):
    summary = traded.summary
    assert json.loads(json.dumps(summary)) == summary
    assert summary["orders"] == 6
    assert summary["fills"] == 6
    assert summary["fees"] == pytest.approx(10.0)
    assert summary["skipped"] == {"crossed quote": 3}
    assert re.fullmatch("[0-9a-f]{64}", summary["order_digest"])
    assert list(summary_table(summary).columns[0].cells) == [
        *("Engine", "Orders", "Net profit", "From trading", "Realized", "Made of", "Hedging"),
        *("Slippage", "Fees", "Interest", "Borrow", "Sharpe ratio", "Drawdown", "Worst day", "Return on margin"),
        *("Delta", "Gamma", "Vega", "Theta", "Forecasts", "ALFA data", "Data left out", "ALFA best edge", "Time taken"),
    ]


def test_a_run_without_orders_has_a_report_too(quiet):
    text = report_html(quiet)
    assert "No order was sent." in text
    assert "Nothing was forecast." in text
    assert quiet.summary["exposure"]["delta"] == {
        "unit": "shares",
        "largest": 0.0,
        "in_passing": 0.0,
        "mean_absolute": 0.0,
    }


def test_figures_are_what_plotly_accepts(traded, quiet):
    for run in (traded, quiet):
        axis, alfa = time_axis(run), run.underlyings[0]
        view = volatility_view(run, alfa)
        drawn = [
            equity_figure(axis, equity_curve(run.results), margin_used(run)),
            rolling_figure(axis, rolling_figures(session_returns(run))),
            trades_figure(axis, run, alfa, fills(run)),
            volatility_figure(axis, view, fills(run), refits(run, alfa)),
            term_structure_figure(term_structures(view, 6)),
            *exposure_figures(axis, exposures(run)),
            *expiry_figures(axis, expiry_exposures(run, alfa)),
            attribution_figure(axis, attribution_over_time(run)),
            funnel_figure({"ALFA": dict.fromkeys(FUNNEL_STAGES, 3)}),
            waterfall_figure(run.summary["attribution"]["parts"]),
        ]
        for figure in drawn:
            go.Figure(figure)


def test_the_page_is_whole_and_escapes_what_it_is_told(traded):
    text = report_html(traded)
    assert "all &lt;closed&gt; &amp; done" in text
    assert "<closed>" not in text
    assert text.count("<section>") == text.count("</section>") >= 9
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == [page.LIBRARY_FILE]
    assert len(text) < 1_500_000
    for packed in re.findall(r'<script type="application/json">(.*?)</script>', text):
        assert json.loads(packed)["data"]


def test_a_page_stands_alone_or_has_its_library_beside_it(traded, tmp_path):
    write_report(traded)
    library = (traded.folder / page.LIBRARY_FILE).read_text(encoding="utf-8")
    assert (traded.folder / REPORT_FILE).read_text(encoding="utf-8") == report_html(traded)
    alone = report_html(traded, alone=True)
    assert f"<script>{library}</script>" in alone
    assert "src=" not in alone.replace(library, "")


def test_the_same_folder_gives_the_same_page(traded):
    assert report_html(traded) == report_html(Run(traded.folder))


def test_figures_have_a_real_minus_sign_and_words_keep_their_hyphens():
    text = str(page.table(("what", "value"), [("-1 day", "-1,234.5"), ("a-b", "2e-06")], (1,)))
    assert '<td>-1 day</td><td class="n">−1,234.5</td>' in text
    assert '<td>a-b</td><td class="n">2e-06</td>' in text
    assert '<b class="">−0.95</b>' in str(page.card("Sharpe ratio", "-0.95"))


def test_figures_in_sentences_have_a_real_minus_sign_that_no_line_ends_with():
    told = "-0.200% on 2024-01-30, 90 %: -5.34 to -0.25 (-15.6 on average), between 14-16, a -> b and −$25.23"
    shown = "−0.200% on 2024-01-30, 90 %: −5.34 to −0.25 (−15.6 on average), between 14-16, a -&gt; b and −\u2060$25.23"
    assert f'<p class="soft">{shown}</p>' in str(page.note(told))
    assert f'<td class="w">{shown}</td>' in str(page.table(("what", "told"), [("-1 day", told)], sentences=(1,)))
    assert f"<span>{shown}</span>" in str(page.card(told, 1))
    assert f"<p>{shown}</p>" in str(page.verdict("what", 1, told))
    assert '<th class="n">−20%</th>' in str(page.table(("", "-20%"), [], (1,)))
    assert '<b class="">−\u2060$2,030.35</b>' in str(page.card("worst day", money(-2030.35)))
