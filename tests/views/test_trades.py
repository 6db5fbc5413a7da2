"""What the market said of trades at their end, and what hedging came to, held against the core and the fills."""

import json
import math
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.pricing import Dividends, implied_volatility, price
from alo_lib.records import DAY, YEAR, Kind, Message, records
from alo_lib.views import Run, trade_records
from alo_lib.views.attribution import attribution_by_trade
from alo_lib.views.hedging import hedging, hedging_by_trade
from alo_lib.views.trades import TradeRecord, stated_trades
from tests.core.script import FIRST, NEXT, RATE, Script, at, script
from tests.views.kit import write_journal


@pytest.fixture(scope="module")
def market() -> Script:
    """Two straddles sold dear that end cheap, over two sessions; a dividend is expected within their lives."""
    made = script(max_structures=2, stop_loss=10, carry="rate")  # quotes know of no dividend
    paid = records(Kind.DIVIDEND, instrument=0, time=at(FIRST, 9) - 344 * DAY, amount=0.1)
    made.tell(at(FIRST, 9.6), Kind.DIVIDEND, paid)
    made.bar(10, volatility=0.35)
    made.bar(11, spot=100.5, volatility=0.32)
    made.bar(12, spot=101.0, volatility=0.15)
    made.session(NEXT, [101.0])
    made.bar(10, spot=101.5, volatility=0.36)
    made.bar(11, spot=102.5, volatility=0.17)
    made.bar(12, spot=103.0, volatility=0.33)
    return made


def check_exit(run: Run, trade: TradeRecord, bar: int, spot: float, paid: float = 0.0) -> None:
    """Hold the figures at exit against the quotes of a bar, priced here at the forecast and as quoted.

    With a dividend to come by finite differences, from which what prices chains is some way off.
    """
    # The session's forecast is told once, and stated for what is left of the life at each frame.
    quotes, forecasts = run.table(Kind.QUOTE), run.table(Kind.FORECAST)
    told = float(forecasts.records["volatility"][forecasts.time <= bar][-1])
    volatility = trade.exit_forecast_volatility
    assert volatility == pytest.approx(told, rel=5e-3)
    ahead = Dividends([(at(FIRST, 9) + 20 * DAY - bar) / YEAR], paid)
    gain = vega = 0.0
    implied = []
    for leg in trade.legs:
        rows = quotes.records[(quotes.time == bar) & (quotes.records["instrument"] == leg.number)]
        mid = float(rows["bid"][0] + rows["ask"][0]) / 2
        terms = spot, leg.strike, RATE, 0.0
        life = (leg.expiry - bar) / YEAR, float(leg.right)
        worth, up, down = (
            float(price(*terms, volatility + step, *life, dividends=ahead)) for step in (0.0, 1e-3, -1e-3)
        )
        gain, vega = gain + trade.direction * (worth - mid), vega + (up - down) / 2e-3
        implied.append(float(implied_volatility(mid, *terms, *life, dividends=ahead)))
    volatility_off, gain_off = (2e-3, 3.0) if paid else (1e-4, 0.02)
    assert trade.exit_implied_volatility == pytest.approx(np.mean(implied), abs=volatility_off)
    assert trade.exit_gain == pytest.approx(gain * 100, abs=gain_off)
    assert trade.exit_edge_volatility == pytest.approx(gain / vega, abs=volatility_off)


def test_figures_at_exit_are_priced_from_the_quotes_and_the_forecast(run: Run, market: Script) -> None:
    ended = [trade for trade in trade_records(run) if trade.ended]
    assert len(ended) >= 2
    quotes = run.table(Kind.QUOTE)
    for trade in ended:
        bar = int(quotes.time[quotes.time < trade.ended].max())
        check_exit(run, trade, bar, 101.0 if bar < at(NEXT, 9) else 102.5, paid=0.1)
        assert trade.reason == "exit edge"
        assert trade.exit_edge_volatility < market.settings.exit_edge


def test_figures_at_exit_are_of_the_market_on_which_the_trade_was_ended_however_long_its_close_takes(
    tmp_path: Path,
) -> None:
    """It can be closed in no bar as a whole, and in the bars after that which ended it its edge is back."""
    made = script(max_structures=1, stop_loss=10, participation=0.2)
    made.size = 500
    made.bar(10, volatility=0.35)
    made.size = 50
    for hour, volatility in ((11, 0.15), (12, 0.35), (13, 0.36), (14, 0.37)):
        made.bar(hour, spot=101.0, volatility=volatility)
    write_journal(tmp_path / JOURNAL_FOLDER, made.journal.messages)
    run = Run(tmp_path)
    (trade,) = [each for each in trade_records(run) if each.ended]
    assert trade.quantity > 10
    assert trade.ended > at(FIRST, 12)
    check_exit(run, trade, at(FIRST, 11), 101.0)
    assert trade.exit_gain < 0.0


def test_what_is_open_has_no_figures_at_exit(run: Run) -> None:
    still = [trade for trade in trade_records(run) if not trade.ended]
    assert still
    for trade in still:
        assert math.isnan(trade.exit_implied_volatility)
        assert math.isnan(trade.exit_forecast_volatility)
        assert math.isnan(trade.exit_gain)
        assert math.isnan(trade.exit_edge_volatility)


def test_programs_are_told_of_trades_what_the_table_has(run: Run) -> None:
    rows = stated_trades(trade_records(run))
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    for row, trade in zip(rows, trade_records(run), strict=True):
        assert row["exit_implied"] == (round(trade.exit_implied_volatility, 6) if trade.ended else None)
        assert row["exit_gain"] == (pytest.approx(trade.exit_gain, abs=0.005) if trade.ended else None)
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
            if int(row["instrument"]) in {leg.number for leg in trade.legs} and held and row["quantity"]:
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
    late = records(Kind.ORDER_EVENT, instrument=trade.legs[0].number, quantity=1, price=1.0, fee=7.0)
    messages = [*market.journal.messages, Message(Kind.ORDER_EVENT, at(NEXT, 15), late)]
    write_journal(tmp_path / JOURNAL_FOLDER, messages)
    assert hedging_by_trade(Run(tmp_path), 0, trade.number) == hedging_by_trade(run, 0, trade.number)
    assert np.isfinite(trade.profit)
