"""What the market said of trades at their end, and what hedging came to, held against the core and the fills."""

import json
import math
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.pricing import price
from alo_lib.records import YEAR, Kind, Message, OrderReason, records
from alo_lib.strategy import exits
from alo_lib.strategy.exits import TradeView
from alo_lib.views import Run, trade_records
from alo_lib.views.attribution import attribution_by_trade
from alo_lib.views.hedging import hedging, hedging_by_trade
from alo_lib.views.trade_ends import trade_ends
from alo_lib.views.trades import stated_trades
from tests.core.script import FIRST, NEXT, RATE, Script, at, script
from tests.views.kit import write_journal


@pytest.fixture(scope="module")
def seen() -> list[tuple[int, int, TradeView]]:
    """Trade, time and what the core saw of it, whenever it asked whether the trade should end."""
    return []


@pytest.fixture(scope="module")
def market(seen: list[tuple[int, int, TradeView]]) -> Script:
    """Two straddles sold dear that end cheap, over two sessions; a dividend goes ex between them."""
    found = exits.view_of

    def view_of(state, settings, trade, time):
        view = found(state, settings, trade, time)
        if view is not None:
            seen.append((trade.number, time, view))
        return view

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exits, "view_of", view_of)
        made = script(max_structures=2, stop_loss=10)
        paid = records(Kind.DIVIDEND, instrument=0, time=at(FIRST, 9) - 40 * 86_400 * 10**9, amount=0.8)
        made.tell(at(FIRST, 9.6), Kind.DIVIDEND, paid)
        made.bar(10, volatility=0.35)
        made.bar(11, spot=100.5, volatility=0.32)
        made.bar(12, spot=101.0, volatility=0.15)
        made.session(NEXT, [101.0])
        made.bar(10, spot=101.5, volatility=0.36)
        made.bar(11, spot=102.5, volatility=0.17)
        made.bar(12, spot=103.0, volatility=0.33)
    return made


@pytest.fixture(scope="module")
def run(market: Script, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    write_journal(folder / JOURNAL_FOLDER, market.journal.messages)
    return Run(folder)


def test_the_edge_at_exit_is_what_the_core_ended_the_trade_for(run: Run, market: Script, seen) -> None:
    """The first view of a trade with less than exit-edge left is that on which it sent its closing orders."""
    ended = [trade for trade in trade_records(run) if trade.ended]
    assert len(ended) >= 2
    for trade in ended:
        assert trade.reason == "exit edge"
        views = [view for number, _, view in seen if number == trade.number]
        last = next(view for view in views if view.remaining_edge < market.settings.exit_edge)
        assert trade.end.edge_volatility == pytest.approx(last.remaining_edge, rel=1e-9)


def test_figures_at_exit_are_priced_from_the_quotes_and_the_forecast(run: Run) -> None:
    quotes, forecasts = run.table(Kind.QUOTE), run.table(Kind.FORECAST)
    for trade in (each for each in trade_records(run) if each.ended):
        bar = quotes.time[quotes.time < trade.ended].max()
        made = forecasts.where(forecasts.time <= trade.ended)
        volatility = float(made.records["volatility"][-1])
        spot = 101.0 if bar < at(NEXT, 9) else 102.5
        worth = mid = 0.0
        for leg in (trade.call, trade.put):
            rows = quotes.records[(quotes.time == bar) & (quotes.records["instrument"] == leg.number)]
            mid += float(rows["bid"][0] + rows["ask"][0]) / 2
            paid_yield = round(math.log1p(0.8 / spot), 4)
            years = (leg.expiry - bar) / YEAR
            worth += float(price(spot, leg.strike, RATE, paid_yield, volatility, years, float(leg.right)))
        assert trade.end.forecast_volatility == volatility
        assert trade.end.edge == pytest.approx(trade.direction * (worth - mid) * 100, abs=0.02)
        assert trade.end.implied_volatility == pytest.approx(0.15 if bar < at(NEXT, 9) else 0.17, abs=0.01)


def test_what_is_open_and_what_was_settled_has_no_figures_at_exit(run: Run, market: Script, tmp_path: Path) -> None:
    ended = {trade.number for trade in trade_records(run) if trade.ended}
    still = [trade for trade in trade_records(run) if not trade.ended]
    assert still
    assert set(trade_ends(run)) == ended
    assert all(math.isnan(value) for trade in still for value in trade.end)
    messages = []
    for message in market.journal.messages:
        if message.kind is Kind.EXIT:
            rows = message.records.copy()
            rows["reason"] = OrderReason.ASSIGNED
            message = message._replace(records=rows)
        messages.append(message)
    write_journal(tmp_path / JOURNAL_FOLDER, messages)
    assert trade_ends(Run(tmp_path)) == {}


def test_without_a_forecast_there_is_no_edge_at_exit(market: Script, tmp_path: Path) -> None:
    told = [message for message in market.journal.messages if message.kind is not Kind.FORECAST]
    write_journal(tmp_path / JOURNAL_FOLDER, told)
    ends = trade_ends(Run(tmp_path))
    assert ends
    for end in ends.values():
        assert math.isfinite(end.implied_volatility)
        assert all(math.isnan(value) for value in end[1:])


def test_programs_are_told_of_trades_what_the_table_has(run: Run) -> None:
    rows = stated_trades(trade_records(run))
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    for row, trade in zip(rows, trade_records(run), strict=True):
        assert row["exit_implied"] == (round(trade.end.implied_volatility, 6) if trade.ended else None)
        assert row["exit_edge"] == (pytest.approx(trade.end.edge, abs=0.005) if trade.ended else None)
        assert row["reason"] == (trade.reason or None)
        assert row["hedging"] == pytest.approx(
            row["profit_delta"] + row["profit_slippage"] + row["hedging_share_fees"], abs=1e-9
        )


def share_fees(run: Run) -> Decimal:
    """What fills of shares cost, by the order events."""
    rows = run.table(Kind.ORDER_EVENT).records
    return -sum((Decimal(str(row["fee"])) for row in rows if row["instrument"] == 0 and row["quantity"]), Decimal())


def test_hedging_is_delta_slippage_and_the_fees_of_shares(run: Run) -> None:
    """Each order of this market costs 1.00; the touch is 0.01 from the spot."""
    trades = attribution_by_trade(run)
    parts = {name: sum(one[name] for one in trades.values()) for name in ("delta", "slippage")}
    found = hedging(run, parts)
    assert found.share_fees == share_fees(run) < 0
    rows = run.table(Kind.ORDER_EVENT).records
    filled = sum(abs(int(row["quantity"])) for row in rows if row["instrument"] == 0)
    assert float(found.slippage) == pytest.approx(-0.01 * filled, abs=0.006)
    assert found.together == found.delta + found.slippage + found.share_fees


def test_fees_of_shares_are_the_trades_and_those_of_legs_are_not(run: Run) -> None:
    legs: dict[int, float] = defaultdict(float)
    trades = trade_records(run)
    events = run.table(Kind.ORDER_EVENT)
    for time, row in zip(events.time.tolist(), events.records, strict=True):
        for trade in trades:
            held = trade.opened <= time <= (trade.ended or time)
            if int(row["instrument"]) in (trade.call.number, trade.put.number) and held and row["quantity"]:
                legs[trade.number] += float(row["fee"])
    for trade in trades:
        told = hedging_by_trade(run, 0, trade.number)
        assert told is not None
        assert float(told.share_fees) == pytest.approx(trade.parts["fees"] + legs[trade.number], abs=0.005)
    assert sum(legs.values()) > 0
    assert hedging_by_trade(run, 0, 99) is None


def test_a_fill_behind_the_last_frame_is_nobodys_yet(run: Run, market: Script, tmp_path: Path) -> None:
    """The core has not booked its fee, and so none of the trade's fees is taken for that of its leg."""
    trade = trade_records(run)[-1]
    late = records(Kind.ORDER_EVENT, instrument=trade.call.number, quantity=1, price=1.0, fee=7.0)
    messages = [*market.journal.messages, Message(Kind.ORDER_EVENT, at(NEXT, 15), late)]
    write_journal(tmp_path / JOURNAL_FOLDER, messages)
    assert hedging_by_trade(Run(tmp_path), 0, trade.number) == hedging_by_trade(run, 0, trade.number)
    assert np.isfinite(trade.profit)
