"""The attribution of a run, read back from its journal."""

import csv
import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.market import FaultLog
from alo_lib.records import PROFIT_PARTS, Kind, Message, Session, records
from alo_lib.views import Run, RunError, summarize, trade_records, write_trades
from alo_lib.views.attribution import (
    OUTSIDE,
    attribution_by_session,
    attribution_by_trade,
    attribution_by_underlying,
    attribution_over_time,
    attribution_theta_by_time,
    attribution_vega_by_expiry,
    attribution_warnings,
    stated_attribution,
)
from alo_lib.views.blotter_section import trades_section
from alo_lib.views.slippage import stated_slippage
from tests.core.script import FIRST, NEXT, Script, at, script
from tests.views.kit import FINDINGS, quiet_messages, write_journal


@pytest.fixture(scope="module")
def market() -> Script:
    """Two sessions: a straddle that ends in the first, one that is held into the second."""
    made = script(max_structures=1, stop_loss=10)
    made.bar(10, volatility=0.35)
    made.bar(11, spot=101.0, volatility=0.15)
    made.bar(12, spot=102.0, volatility=0.36)
    made.session(NEXT, [102.0])
    made.bar(10, spot=104.0, volatility=0.38)
    return made


def total_of(run: Run) -> dict[str, float]:
    """The parts of all trades together."""
    trades = attribution_by_trade(run).values()
    return {name: sum(parts[name] for parts in trades) for name in PROFIT_PARTS}


def summary_of(run: Run) -> dict[str, Any]:
    """What a summary says of the money, where 20.16 of it are of marks and 1.54 came of hedging."""
    return {"attribution": {"parts": total_of(run) | {"marks": 20.16}}, "hedging": {"together": 1.54}}


def equity_gained(market: Script, before: int | None = None) -> float:
    rows = [
        float(message.records["equity"][0])
        for message in market.journal.messages
        if message.kind is Kind.EXPOSURE and (before is None or message.time < before)
    ]
    return rows[-1] - market.settings.cash


def test_totals_are_sums_of_trades_and_what_equity_gained(run: Run, market: Script) -> None:
    trades, total = attribution_by_trade(run), total_of(run)
    assert sorted(number for _, number in trades)[-2:] == [1, 2]
    assert sum(total.values()) == pytest.approx(equity_gained(market), abs=1e-6)
    assert attribution_by_underlying(run) == {"TEST": pytest.approx(total)}


def test_sessions_add_up_and_a_night_is_the_morning_s(run: Run, market: Script) -> None:
    by_day, total = attribution_by_session(run), total_of(run)
    assert list(by_day) == [FIRST, NEXT]
    assert sum(by_day[FIRST].values()) == pytest.approx(equity_gained(market, at(NEXT, 9)), abs=1e-6)
    for name in PROFIT_PARTS:
        assert by_day[FIRST][name] + by_day[NEXT][name] == pytest.approx(total[name])
    assert by_day[NEXT]["theta"] != 0.0


def test_parts_over_time_end_where_totals_are(run: Run) -> None:
    series = attribution_over_time(run)
    assert np.all(np.diff(series.time) > 0)
    assert {name: values[-1] for name, values in series.parts.items()} == pytest.approx(total_of(run))
    spread = series.parts["spread"]
    assert len(np.unique(np.round(spread, 6))) == 3  # an entry, an exit, an entry again
    assert np.all(np.diff(spread) <= 1e-9)


def test_vega_by_expiry_is_that_of_the_trades(run: Run) -> None:
    assert attribution_vega_by_expiry(run) == {FIRST + dt.timedelta(days=45): pytest.approx(total_of(run)["vega"])}
    vega = total_of(run)["vega"]
    assert stated_attribution(run, sum(total_of(run).values()))["vega_by_expiry"] == {
        str(FIRST + dt.timedelta(days=45)): round(vega, 2)
    }


def test_theta_is_told_by_when_it_passed(tmp_path: Path) -> None:
    """Monday's 5 in session, 3 overnight, 2 on Tuesday; nothing is told on Wednesday, so Friday's 7 are over it."""
    days = [FIRST, NEXT, FIRST + dt.timedelta(days=2), FIRST + dt.timedelta(days=4), FIRST + dt.timedelta(days=7)]
    told = [(0, 11, 5.0), (1, 10, 8.0), (1, 15, 10.0), (3, 10, 17.0), (4, 10, 18.0), (4, 11, 18.5)]
    messages: list[Message] = []
    for day in days:
        session = Session(day, at(day, 9.5), at(day, 16)).record()
        messages.append(Message(Kind.SESSION, at(day, 9), session))
        number = days.index(day)
        for on, hour, theta in told:
            if on == number:
                messages.append(Message(Kind.ATTRIBUTION, at(day, hour), records(Kind.ATTRIBUTION, theta=theta)))
    first, *_ = quiet_messages()
    write_journal(tmp_path / JOURNAL_FOLDER, [first._replace(time=at(FIRST, 9)), *messages])
    by_time = attribution_theta_by_time(Run(tmp_path))
    assert by_time == {"sessions": 7.5, "nights": 3.0, "weekends": 8.0}


def test_vega_goes_by_the_expiry_of_its_trade_and_apart_outside_of_trades(tmp_path: Path) -> None:
    """Trades 1 and 3 are of a later expiry than trade 2; trade 0 is outside of all; trade 4 has no vega."""
    near, far = (at(FIRST + dt.timedelta(days), 16) for days in (10, 45))
    entries = [(1, far), (2, near), (3, far), (4, near)]
    parts = [(0, 4.25), (1, 1.0), (1, 10.0), (2, -3.5), (3, 0.5), (4, 0.0)]  # of trade 1 the later one counts
    messages = [
        *quiet_messages(),
        *(Message(Kind.ENTRY, at(FIRST, 10), records(Kind.ENTRY, trade=n, expiry=expiry)) for n, expiry in entries),
        *(Message(Kind.ATTRIBUTION, at(FIRST, 11), records(Kind.ATTRIBUTION, trade=n, vega=v)) for n, v in parts),
    ]
    write_journal(tmp_path / JOURNAL_FOLDER, messages)
    by_expiry = attribution_vega_by_expiry(Run(tmp_path))
    days = FIRST + dt.timedelta(days=10), FIRST + dt.timedelta(days=45)
    assert list(by_expiry.items()) == [(days[0], -3.5), (days[1], 10.5), (None, 4.25)]
    stated = stated_attribution(Run(tmp_path), 0.0)
    assert stated["vega_by_expiry"] == {str(days[0]): -3.5, str(days[1]): 10.5, OUTSIDE: 4.25}


@pytest.mark.parametrize("off", [0.0, 0.004, -0.004])
def test_stated_parts_sum_to_the_stated_profit_to_the_cent(run: Run, market: Script, off: float) -> None:
    profit = round(equity_gained(market) + off, 2)
    stated = stated_attribution(run, profit)
    for row in (stated["parts"], stated["by_underlying"]["TEST"]):
        assert round(sum(row.values()), 2) == profit
        assert all(round(money, 2) == money for money in row.values())
    rounded = {name: round(money, 2) for name, money in total_of(run).items() if name != "unexplained"}
    assert {name: stated["parts"][name] for name in rounded} == pytest.approx(rounded, abs=1e-9)
    assert stated["parts"]["marks"] == 0.0
    rest = stated["parts"]["unexplained"]  # what rounding and the results' own cent leave
    assert rest == pytest.approx(profit - sum(rounded.values()), abs=1e-9)
    assert set(stated["account"].values()) == {0.0}


@pytest.mark.parametrize("off", [-17.23, 0.03, -0.03])
def test_a_profit_that_the_journal_does_not_tell_of_is_an_error(run: Run, market: Script, off: float) -> None:
    with pytest.raises(RunError, match=r"state a profit of .* but what its journal tells of comes to"):
        stated_attribution(run, round(equity_gained(market), 2) + off)


def test_marks_are_what_the_engine_s_marks_differ_by(run: Run, market: Script, tmp_path: Path) -> None:
    """The last trade is at the middle of the last quote: nothing. Results with one at two dollars more say more."""
    profit = round(equity_gained(market), 2)
    assert stated_attribution(run, profit)["parts"]["marks"] == pytest.approx(0.0, abs=0.011)
    later = Message(Kind.TRADE, at(NEXT, 15), records(Kind.TRADE, close=106.0))
    write_journal(tmp_path / JOURNAL_FOLDER, [*market.journal.messages, later])
    held = 2.0 * market.core.holdings[0]
    stated = stated_attribution(Run(tmp_path), profit + held)
    assert stated["parts"]["marks"] == pytest.approx(held, abs=0.011)


def test_an_option_s_trade_since_its_last_quote_is_a_mark(run: Run, market: Script, tmp_path: Path) -> None:
    """LEAN marks what is not quoted any more at its last trade, of which no journal knows: 17.23 in its results."""
    profit = round(equity_gained(market), 2)
    with pytest.raises(RunError):
        stated_attribution(run, profit + 17.23)
    later = Message(Kind.TRADE, at(NEXT, 15), records(Kind.TRADE, close=run.table(Kind.TRADE).records["close"][-1]))
    write_journal(tmp_path / JOURNAL_FOLDER, [*market.journal.messages, later])
    before = stated_attribution(Run(tmp_path), profit)
    stated = stated_attribution(Run(tmp_path), profit + 17.23)
    assert stated["parts"]["marks"] - before["parts"]["marks"] == pytest.approx(17.23, abs=0.011)
    assert round(sum(stated["by_underlying"]["TEST"].values()), 2) == round(profit + 17.23, 2)


def test_a_run_without_trades_has_no_parts(tmp_path: Path) -> None:
    write_journal(tmp_path / JOURNAL_FOLDER, quiet_messages())
    run = Run(tmp_path)
    assert set(stated_attribution(run, 0.0)["parts"].values()) == {0.0}
    assert attribution_by_trade(run) == {}
    assert len(attribution_over_time(run).time) == 0
    assert list(attribution_by_session(run).values()) == [dict.fromkeys(PROFIT_PARTS, 0.0)]
    assert trade_records(run) == []


def test_trades_are_told_from_entry_to_end(run: Run, market: Script, tmp_path: Path) -> None:
    first, second = trade_records(run)
    assert (first.number, first.reason, first.direction) == (1, "exit edge", -1)
    assert first.opened < first.ended
    assert (second.number, second.reason, second.ended) == (2, "", 0)
    assert first.legs[0].strike == first.legs[1].strike
    assert first.implied_volatility == pytest.approx(0.35, abs=0.01)
    assert first.profit == pytest.approx(sum(attribution_by_trade(run)[0, 1].values()))
    assert first.hedges >= 1
    # The second trade saw the spot go from 102 to 104, over 4 hours of the first session and half an hour of the next.
    passed = 4.0 / 6.5 + 0.5 / 6.5
    assert second.realized_volatility == pytest.approx(abs(np.log(104 / 102)) / np.sqrt(passed / 252), rel=1e-3)
    write_trades(tmp_path / "trades.csv", [first, second])
    with (tmp_path / "trades.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trade"] for row in rows] == ["1", "2"]
    assert rows[0]["opened_new_york"].startswith("2024-03-04 10:00:00")
    assert rows[1]["ended_utc"] == ""
    assert float(rows[1]["band_low"]) < float(rows[1]["forecast"]) < float(rows[1]["band_high"])
    assert float(rows[0]["vega_per_point"]) == pytest.approx(first.vega / 100.0, abs=1e-3)
    for row in rows:
        assert Decimal(row["profit"]) == sum(Decimal(row[f"profit_{name}"]) for name in PROFIT_PARTS)
    assert float(rows[0]["profit"]) == pytest.approx(first.profit, abs=0.005)
    assert float(rows[0]["delta"]) == pytest.approx(first.delta, abs=1e-4)  # the greek, beside the part of the profit


def amount(cell: str) -> Decimal:
    return Decimal(cell.replace("−\u2060$", "-$").replace("$", "").replace(",", ""))


def test_cells_of_a_trade_sum_to_its_profit_to_the_cent(run: Run) -> None:
    """Three times a third of a cent is a cent, which no cell shows by itself."""
    parts = dict.fromkeys(PROFIT_PARTS, 0.0) | {"vega": 0.0033, "theta": 0.0033, "gamma": 0.0034, "fees": -1.0}
    (trade, _) = trade_records(run)
    told = trade._replace(parts=parts).cents
    assert sum(told.values()) == Decimal("-0.99")
    assert (told["vega"], told["fees"], told["unexplained"]) == (Decimal(0), Decimal("-1.00"), Decimal("0.01"))
    text = str(trades_section(run, summary_of(run)))
    titles = re.findall(r"<th[^>]*>([^<]*)</th>", text)
    assert (
        titles.index("why") < titles.index("profit, all structures") < 9
    )  # in sight where the page is 1,400 pixels wide
    for row in re.findall(r"<tr data-about[^>]*>(.*?)</tr>", text):
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
        amounts = [amount(cell) for cell in cells if "$" in cell]
        assert amounts[0] == sum(amounts[2:])  # behind it stands what hedging came to


def test_trades_and_what_is_outside_of_them_sum_to_the_net_profit_column_by_column(run: Run) -> None:
    text = str(trades_section(run, summary_of(run)))
    titles = re.findall(r"<th[^>]*>([^<]*)</th>", text)
    body, foot = (re.findall(f"<{part}>(.*?)</{part}>", text)[0] for part in ("tbody", "tfoot"))
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall("<tr.*?</tr>", body + foot)]

    assert [row[0] for row in rows[-2:]] == [OUTSIDE, "net profit"]
    profit, marks = titles.index("profit, all structures"), titles.index("marks")
    assert amount(rows[-1][profit]) == pytest.approx(Decimal(sum(total_of(run).values()) + 20.16), abs=Decimal("0.06"))
    assert [amount(row[marks]) for row in rows] == [0, 0, Decimal("20.16"), Decimal("20.16")]
    for column in (profit, titles.index("hedging"), *range(titles.index("hedges") + 1, len(titles))):
        *parts, together = (amount(row[column]) for row in rows)
        assert sum(parts) == together, titles[column]


def test_a_trade_that_the_core_told_no_profit_of_has_none(market: Script, tmp_path: Path) -> None:
    told = [each for each in market.journal.messages if each.kind is not Kind.ATTRIBUTION]
    write_journal(tmp_path / JOURNAL_FOLDER, told)
    run = Run(tmp_path)
    trades = trade_records(run)
    assert all(np.isnan(trade.profit) for trade in trades)
    (body,) = re.findall("<tbody>(.*?)</tbody>", str(trades_section(run, summary_of(Run(tmp_path)))))
    assert "$" not in body
    write_trades(tmp_path / "trades.csv", trades)
    with (tmp_path / "trades.csv").open() as file:
        assert {row["profit"] + row["profit_fees"] for row in csv.DictReader(file)} == {""}


def test_a_split_is_no_move_of_the_realized_volatility(tmp_path: Path) -> None:
    made = script(max_structures=1, stop_loss=10, exit_edge=-1)
    made.bar(10, volatility=0.35)
    messages = [*made.journal.messages]
    for time, kind, rows in (
        (at(FIRST, 11), Kind.TRADE, records(Kind.TRADE, close=100.0)),
        (at(NEXT, 9), Kind.SESSION, records(Kind.SESSION, open=at(NEXT, 9.5), close=at(NEXT, 16), date=20240305)),
        (at(NEXT, 9), Kind.SPLIT, records(Kind.SPLIT, time=at(NEXT, 9.5), factor=0.5)),
        (at(NEXT, 10), Kind.TRADE, records(Kind.TRADE, close=50.0)),
    ):
        messages.append(Message(kind, time, rows))
    write_journal(tmp_path / JOURNAL_FOLDER, messages)
    (trade,) = trade_records(Run(tmp_path))
    assert trade.realized_volatility == pytest.approx(0.0, abs=1e-9)


# Warnings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delta", "spread", "unexplained", "told"),
    [
        (700.0, -200.0, 100.0, None),  # a tenth of 1,000
        (700.0, -200.0, 101.0, "101.00 of the profit is unexplained, 10% of the sum of absolute parts"),
        (250.0, -250.0, -500.0, "-500.00 of the profit is unexplained, 50% of the sum of absolute parts"),
        (0.0, 0.0, 1.0, None),  # a dollar is no more than cents may come to
        (0.0, 0.0, -1.01, "-1.01 of the profit is unexplained, 100% of the sum of absolute parts"),
        (0.0, 0.0, 0.0, None),
    ],
)
def test_a_large_part_that_is_unexplained_is_warned_of(
    delta: float, spread: float, unexplained: float, told: str | None
) -> None:
    parts = dict.fromkeys(PROFIT_PARTS, 0.0) | {"delta": delta, "spread": spread, "unexplained": unexplained}
    warnings = attribution_warnings(parts)
    assert [each.startswith(told or "-") for each in warnings] == ([] if told is None else [True])


def test_the_summary_has_the_warning(traded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def summary() -> list[str]:
        made = summarize(traded, engine="embedded", findings=FINDINGS, faults=FaultLog(), wall_seconds=1.0, folder="")
        return list(made["warnings"])

    before = summary()

    def unexplained(run: Run, net_profit: float) -> dict[str, object]:
        told = stated_attribution(run, net_profit)
        return {**told, "parts": {**told["parts"], "unexplained": 1e9}}

    monkeypatch.setattr("alo_lib.views.summary.stated_attribution", unexplained)
    assert summary()[: len(before)] == before
    (warning,) = summary()[len(before) :]
    assert warning.startswith("1,000,000,000.00 of the profit is unexplained, 100% of ")


def test_slippage_at_the_fill_is_what_spread_and_slippage_cost(run: Run) -> None:
    parts = total_of(run)
    assert stated_slippage(run)["fill"] == pytest.approx(-(parts["spread"] + parts["slippage"]), abs=0.01)
