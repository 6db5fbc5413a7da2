"""Structures of several legs from signal to exit: edges, sizes, wants, margin and ends, each counted leg by leg."""

import datetime as dt
import math
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing import greeks, price
from alo_lib.records import YEAR, Contract, InstrumentTable, Kind, OrderReason, leg_columns, legs_of, ratios_of, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import CashDividend, MarketBook
from alo_lib.strategy.book_risk import BookRisk, PartRisk, holdings_with
from alo_lib.strategy.entries import entry_record, new_trade, proposed_trades
from alo_lib.strategy.exits import exit_reason, view_of
from alo_lib.strategy.scanner import Scan, scan
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.sizing import structures_for
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.structures import STRUCTURES
from alo_lib.strategy.targets import wanted_targets
from alo_lib.strategy.trade import Trade, TradeView
from alo_lib.strategy.valuation import exercise_gain, quote_volatility, value_chain
from tests.strategy.kit import CALLS, DATE, DAY, HOUR, NOW, PUTS, RATE, SETTINGS, hold, moment_of, state_of

NEAR, FAR = NOW + 30 * DAY, NOW + 60 * DAY
STRIKES = (90.0, 95.0, 100.0, 105.0, 110.0)


def book_of(volatility: float = 0.3) -> MarketBook:
    """Two expiries about a spot of 100; each contract has a spread and sizes of its own."""
    table = InstrumentTable()
    table.add_equity("TEST")
    book = MarketBook(0, "TEST", trade_price=100.0, trade_time=NOW)
    contracts = [
        Contract(DATE + dt.timedelta(days), strike, right, NOW + days * DAY, 100)
        for days in (30, 60)
        for strike in STRIKES
        for right in (-1, 1)
    ]
    book.list_contracts(table.add_contracts("TEST", contracts))
    mid = value_chain(book, np.full(20, volatility), RATE, NOW).at_forecast.price
    half = 0.01 * (1 + np.arange(20) % 3)
    book.quotes["bid"], book.quotes["ask"] = mid - half, mid + half
    book.quotes["bid_size"], book.quotes["ask_size"] = 20 + np.arange(20), 60 - np.arange(20)
    book.quote_time[:] = NOW
    return book


def scanned(book: MarketBook, forecast: float = 0.2, **settings: object) -> Scan:
    chosen = Settings.of({"min_bid": 0, "max_spread": 2, **settings})
    return scan(book, *screen_chain(book, np.full(20, forecast), chosen, RATE, NOW, []), chosen, moment_of(RATE))


def worth(book: MarketBook, leg: int, volatility: float) -> float:
    row = book.contracts[book.row(leg)]
    years = float(row["expiry"] - NOW) / YEAR
    return float(price(100.0, float(row["strike"]), RATE, 0.0, volatility, years, float(row["right"])))


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("direction", [1, -1])
def test_an_edge_is_what_each_leg_pays_at_its_touch_less_half_its_spread_and_its_fees(
    name: str, direction: int
) -> None:
    book = book_of()
    sides = {1: "long", -1: "short"}
    found = scanned(book, structures=name, direction=sides[direction], strangle_delta=0.2, fee_per_contract=1.5)
    assert len(found.signals) > 0
    for signal in found.signals:
        edge = vega = 0.0
        contracts = 0
        for leg, ratio in zip(legs_of(signal), ratios_of(signal), strict=True):
            quote, value = book.quote_of(leg), worth(book, leg, 0.2)
            bid, ask, held = float(quote["bid"]), float(quote["ask"]), direction * ratio
            edge += 100.0 * (held * value - (held * ask if held > 0 else held * bid))
            edge -= 100.0 * abs(held) * 0.5 * (ask - bid)
            vega += 100.0 * abs(held) * (worth(book, leg, 0.201) - worth(book, leg, 0.199)) / 0.002
            contracts += abs(held)
        edge -= 2 * 1.5 * contracts
        assert bytes(signal["structure"]).decode() == name
        assert signal["direction"] == direction
        assert signal["edge"] == pytest.approx(edge, abs=1e-6)
        assert signal["vega"] == pytest.approx(vega, rel=1e-4)
        assert signal["edge_volatility"] == pytest.approx(edge / vega, rel=1e-4, abs=1e-9)
        assert signal["implied_volatility"] == pytest.approx(0.3, abs=1e-3)
        assert (signal["legs"], len(legs_of(signal))) == (len(STRUCTURES[name].ratios),) * 2


def test_structures_are_ranked_together_and_the_best_few_are_told() -> None:
    book, names = book_of(), "straddle,strangle,iron-condor,single"
    together = scanned(book, structures=names)
    alone = [scanned(book, structures=name) for name in names.split(",")]
    every = np.concatenate([each.signals for each in alone])
    best = np.sort(every["edge_volatility"])[::-1][:3]
    assert together.signals["edge_volatility"].tolist() == best.tolist()
    assert together.funnel["candidates"][0] == sum(int(each.funnel["candidates"][0]) for each in alone)
    assert together.funnel["edge"][0] == sum(int(each.funnel["edge"][0]) for each in alone)


def test_a_structure_with_a_leg_of_unknown_implied_volatility_is_not_ranked_and_is_counted() -> None:
    book = book_of()
    usual = scanned(book, structures="single", direction="short")
    leg = legs_of(usual.signals[0])[0]
    assert usual.stops == []
    row = book.row(leg)
    book.quotes["bid"][row], book.quotes["ask"][row] = 150.0, 150.1  # dearer than its underlying
    found = scanned(book, structures="single", direction="short")
    assert leg not in {legs_of(each)[0] for each in found.signals}
    assert len(found.signals) == 3
    assert np.isfinite(found.signals["implied_volatility"]).all()
    assert found.stops == [(0, "unknown_implied")]
    assert scanned(book, structures="single", direction="long").stops == []  # nobody would buy it


def test_what_suffices_and_is_not_among_the_candidates_of_a_choice_is_counted() -> None:
    asked: dict[str, Any] = {"structures": "single", "direction": "short", "choice": "whole_book"}
    few = scanned(book_of(), **asked, choice_candidates=3)
    assert (len(few.signals), few.stops) == (3, [(0, "choice_candidates")])
    assert few.funnel["edge"][0] > 3
    all_of_them = scanned(book_of(), **asked, choice_candidates=int(few.funnel["edge"][0]))
    assert (len(all_of_them.signals), all_of_them.stops) == (int(few.funnel["edge"][0]), [])


def test_where_no_leg_is_explained_nothing_is_ranked() -> None:
    book = book_of()
    book.quotes["bid"], book.quotes["ask"] = 150.0, 150.1
    found = scanned(book, structures="straddle,single")
    assert (len(found.signals), found.stops) == (0, [(0, "unknown_implied")])


def condor(state_direction: int = -1, quantity: int = 4, ratios: tuple[int, ...] = (1, 1, -1, -1)) -> Trade:
    """Inner legs at 95 and 105, outer ones at 90 and 110."""
    legs, expiry = (CALLS[3], PUTS[1], CALLS[4], PUTS[0]), NOW + 45 * DAY
    return Trade(0, "iron-condor", legs, ratios, (expiry,) * 4, state_direction, quantity, NOW)


def test_a_trade_wants_of_each_leg_its_ratio_on_its_side_and_nothing_once_undone() -> None:
    state, trade = state_of(), condor()
    wanted = {each.instrument: each.quantity for each in wanted_targets(state, SETTINGS, [trade])}
    assert wanted == {CALLS[3]: -4, PUTS[1]: -4, CALLS[4]: 4, PUTS[0]: 4}
    trade.undo(OrderReason.EXIT_EDGE)
    assert {each.quantity for each in wanted_targets(state, SETTINGS, [trade])} == {0}


def test_what_entry_paid_and_received_is_told_from_what_exit_did() -> None:
    trade = condor()
    for leg, quantity, paid in ((CALLS[3], -4, 2.0), (PUTS[1], -4, 1.5), (CALLS[4], 4, 0.7), (PUTS[0], 4, 0.3)):
        trade.fill(leg, quantity, paid)
    assert trade.premium == pytest.approx(-400 * (2.0 + 1.5 - 0.7 - 0.3))
    assert trade.gross_premium == pytest.approx(400 * (2.0 + 1.5 + 0.7 + 0.3))
    trade.fill(CALLS[3], 4, 1.0)
    trade.fill(PUTS[0], -4, 0.1)
    assert trade.proceeds == pytest.approx(-400 * 1.0 + 400 * 0.1)
    assert trade.gross_premium == pytest.approx(400 * 4.5)


def test_size_is_bounded_by_each_leg_on_its_own_side_and_by_its_ratio() -> None:
    state = state_of()
    book = state.underlyings[0].book
    signal = records(Kind.SIGNAL, direction=-1, vega=1.0, **leg_columns((CALLS[3], PUTS[1]), (2, -1)))[0]
    settings = Settings(vega_budget=0.05)
    book.quotes["bid_size"][book.row(CALLS[3])] = 15  # of which two a structure are sold
    assert structures_for(signal, book, settings, 1e6) == 7
    book.quotes["ask_size"][book.row(PUTS[1])] = 6  # of which one is bought
    assert structures_for(signal, book, settings, 1e6) == 6
    book.quotes["bid_size"][book.row(PUTS[1])] = 1
    assert structures_for(signal, book, settings, 1e6) == 6


def test_a_trade_of_a_signal_has_its_legs_and_the_nearest_expiry_and_is_told_with_its_net_greeks() -> None:
    state = state_of()
    underlying = state.underlyings[0]
    columns = leg_columns((CALLS[2], CALLS[3]), (1, -1))
    signal = records(Kind.SIGNAL, structure="vertical", direction=1, edge_volatility=0.05, vega=900.0, **columns)
    (trade,) = proposed_trades(state, Settings(vega_budget=0.00002), signal, NOW)
    assert (trade.structure, trade.legs, trade.ratios) == ("vertical", (CALLS[2], CALLS[3]), (1, -1))
    assert trade.expiries == (NOW + 45 * DAY,) * 2
    (told,) = entry_record(state, trade)
    assert underlying.valuation is not None
    delta = underlying.valuation.at_forecast.delta
    difference = delta[underlying.book.row(CALLS[2])] - delta[underlying.book.row(CALLS[3])]
    assert told["delta"] == pytest.approx(100.0 * difference)
    assert (legs_of(told), ratios_of(told), bytes(told["structure"])) == (trade.legs, trade.ratios, b"vertical")


def test_what_is_left_of_an_edge_is_counted_leg_by_leg() -> None:
    state = state_of(volatility=0.3, forecast=0.2)
    book, trade = state.underlyings[0].book, condor()
    state.trades.append(trade)
    view = view_of(state, SETTINGS, trade, NOW)
    assert view is not None
    gain = vega = 0.0
    for leg, ratio in zip(trade.legs, trade.ratios, strict=True):
        row = book.contracts[book.row(leg)]
        terms = 100.0, float(row["strike"]), RATE, 0.0
        value, up, down = (float(price(*terms, 0.2 + step, 45 / 365, float(row["right"]))) for step in (0, 1e-3, -1e-3))
        gain += -ratio * (value - float(book.mid()[book.row(leg)]))
        vega += abs(ratio) * (up - down) / 2e-3
    assert view.remaining_gain == pytest.approx(100.0 * gain, rel=1e-6)
    assert view.remaining_edge == pytest.approx(gain / vega, rel=1e-3)
    assert view.short_call_strike == 105.0
    bought = condor(+1)
    state.trades[:] = [bought]
    other = view_of(state, SETTINGS, bought, NOW)
    assert other is not None
    assert (other.remaining_gain, other.short_call_strike) == (pytest.approx(-view.remaining_gain), 110.0)
    single = Trade(0, "single", (PUTS[2],), (1,), (NOW + 45 * DAY,), -1, 1, NOW)
    alone = view_of(state, SETTINGS, single, NOW)
    assert alone is not None
    assert alone.short_call_strike == math.inf


@pytest.mark.parametrize(("amount", "hours", "closed"), [(2.0, 18, True), (0.1, 18, False), (2.0, 24 * 9, False)])
def test_a_call_that_should_be_exercised_for_a_dividend_is_closed_before(
    amount: float, hours: int, closed: bool
) -> None:
    """Past the only dividend an American call is worth what a European one is, by the formula."""
    state = state_of(volatility=0.2)
    underlying, trade = state.underlyings[0], hold(state, direction=+1)
    book, volatility, ex_time = underlying.book, 0.2, NOW + hours * HOUR
    underlying.implied = dict.fromkeys(trade.legs, volatility)
    book.announced = [CashDividend(ex_time, amount)]
    book.take_quotes(records(Kind.QUOTE, instrument=0, bid=119.99, ask=120.01, bid_size=5, ask_size=5), NOW)
    view = view_of(state, SETTINGS, trade, NOW)
    assert view is not None
    years = (NOW + 45 * DAY - ex_time) / YEAR
    deviation = volatility * math.sqrt(years)
    upper = (math.log((120.0 - amount) / 100.0) + RATE * years) / deviation + deviation / 2.0
    normal = NormalDist().cdf
    held = (120.0 - amount) * normal(upper) - 100.0 * math.exp(-RATE * years) * normal(upper - deviation)
    near = hours < 24 * SETTINGS.dividend_guard_days
    assert view.exercise_gain == (pytest.approx(20.0 - held, abs=2e-3) if near else -math.inf)
    reason = exit_reason(trade, replace(view, result=0.0, remaining_edge=1.0), book, SETTINGS, NOW)
    assert reason is (OrderReason.EXIT_DIVIDEND if closed else None)


def test_a_call_that_expires_before_the_ex_date_is_not_exercised_for_it() -> None:
    book = state_of().underlyings[0].book
    book.announced = [CashDividend(NOW + 60 * DAY, 2.0)]
    gain = exercise_gain(book, np.array([book.row(CALLS[0])]), RATE, NOW, np.array([0.2]))
    assert gain.tolist() == [-math.inf]


SEEN = TradeView(
    result=0.0,
    remaining_edge=0.05,
    remaining_gain=1.0,
    implied_volatility=0.3,
    forecast_volatility=0.2,
    short_call_strike=math.inf,
)


def test_a_stop_is_a_share_of_all_premiums_so_that_one_of_hardly_any_net_premium_is_not_stopped_at_once() -> None:
    trade, book = condor(), state_of().underlyings[0].book
    trade.fill(CALLS[3], -4, 2.0)
    trade.fill(CALLS[4], 4, 1.9)
    for result, reason in ((-0.5 * 400 * 3.9 + 1, None), (-0.5 * 400 * 3.9 - 1, OrderReason.EXIT_STOP)):
        assert exit_reason(trade, replace(SEEN, result=result), book, SETTINGS, NOW) is reason


def two_expiries(
    structure: str, direction: int = 1, near: float = 100.0, far: float = 100.0
) -> tuple[Trade, MarketBook]:
    """A call of the near expiry against one of the far."""
    book = book_of()
    calls = book.contracts[book.contracts["right"] > 0]
    legs = tuple(
        int(calls["instrument"][(calls["strike"] == strike) & (calls["expiry"] == expiry)][0])
        for strike, expiry in ((near, NEAR), (far, FAR))
    )
    return Trade(0, structure, legs, (-1, 1), (NEAR, FAR), direction, 3, NOW), book


def test_a_calendar_is_closed_before_its_near_expiry_and_when_the_spot_has_left_its_strike() -> None:
    trade, book = two_expiries("calendar")
    assert trade.expiry == NEAR
    assert [trade.expiry_of(leg) for leg in trade.legs] == [NEAR, FAR]
    late = NEAR - 6 * DAY
    times = (late, None), (late + 1, OrderReason.EXIT_EXPIRY)
    for time, reason in times:
        assert exit_reason(trade, SEEN, book, SETTINGS.model_copy(update={"max_holding_days": 60}), time) is reason
    # Twice 0.75 standard deviations of 20 % over 30 days are 8.6 %.
    for spot, reason in ((100.0 * math.exp(0.085), None), (100.0 * math.exp(-0.087), OrderReason.EXIT_STRUCTURE)):
        book.trade_price = spot
        assert exit_reason(trade, SEEN, book, SETTINGS, NOW) is reason
    assert exit_reason(trade, replace(SEEN, forecast_volatility=math.nan), book, SETTINGS, NOW) is None
    straddle = replace(trade, structure="straddle")
    assert exit_reason(straddle, SEEN, book, SETTINGS, NOW) is None


def test_short_calls_in_the_money_are_closed_before_an_ex_date_whatever_the_structure() -> None:
    trade, book = two_expiries("risk-reversal", near=95.0)
    book.dividends += [CashDividend(NOW - 179 * DAY, 0.5), CashDividend(NOW - 89 * DAY, 0.5)]  # the next in a day
    for strike, reason in ((95.0, OrderReason.EXIT_DIVIDEND), (105.0, None), (math.inf, None)):
        assert exit_reason(trade, replace(SEEN, short_call_strike=strike), book, SETTINGS, NOW) is reason


def risk_of(state: StrategyState, trade: Trade) -> PartRisk:
    return BookRisk(state, SETTINGS, trade.legs, NOW).of(holdings_with(state, [trade]))


@pytest.mark.parametrize(
    ("legs", "ratios", "direction", "width"),
    [
        ((CALLS[2], CALLS[3]), (1, -1), -1, 5.0),  # a vertical
        ((CALLS[2], CALLS[3]), (1, -1), 1, 0.0),
        ((PUTS[2], PUTS[0]), (1, -1), -1, 10.0),
        ((CALLS[3], PUTS[1], CALLS[4], PUTS[0]), (1, 1, -1, -1), -1, 5.0),  # a condor: both sides cannot be lost
        ((CALLS[3], PUTS[1], CALLS[4], PUTS[0]), (1, 1, -1, -1), 1, 0.0),  # its worst is its premium
    ],
)
def test_what_limits_a_loss_limits_margin(
    legs: tuple[int, ...], ratios: tuple[int, ...], direction: int, width: float
) -> None:
    expiry = NOW + 45 * DAY
    trade = Trade(0, "x", legs, ratios, (expiry,) * len(legs), direction, 2, NOW)
    assert risk_of(state_of(), trade).margin == pytest.approx(width * 100 * 2)


def test_limits_count_the_net_vega_of_what_a_trade_wants() -> None:
    state, trade = state_of(), condor(quantity=10)
    book = state.underlyings[0].book
    rows = np.array([book.row(leg) for leg in trade.legs])
    implied = quote_volatility(book, rows, RATE, NOW)
    strikes, rights = book.contracts["strike"][rows], book.contracts["right"][rows].astype(float)
    vega = greeks(100.0, strikes, RATE, 0.0, implied, 45 / 365, rights).vega
    risk = risk_of(state, trade)
    assert risk.vega == pytest.approx(10.0 * (-vega[0] - vega[1] + vega[2] + vega[3]), rel=1e-4)
    assert risk.margin == pytest.approx(5.0 * 100 * 10)


def test_no_two_trades_share_a_leg_whatever_their_structures() -> None:
    state = state_of()
    state.trades.append(condor())
    columns = [leg_columns((leg,), (1,)) for leg in (CALLS[4], CALLS[2])]
    signals = np.concatenate(
        [records(Kind.SIGNAL, direction=1, vega=100.0, edge_volatility=0.1, **each) for each in columns]
    )
    (opened,) = proposed_trades(state, SETTINGS, signals, NOW)
    assert opened.legs == (CALLS[2],)
    assert new_trade(state, signals[0], 1, NOW).legs == (CALLS[4],)
