"""What the limits count, and what follows where one would be exceeded."""

import math

import numpy as np
import pytest

from alo_lib.pricing import greeks
from alo_lib.records import BOOK_LIMITS, WHOLE_BOOK, HaltCause, Kind, OrderReason, records
from alo_lib.settings import Settings
from alo_lib.strategy.book_risk import BookRisk, Holdings, PartRisk, holdings_with
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.exposure import measure
from alo_lib.strategy.limits import largest_kept, limits_of, new_uses, review
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade
from tests.strategy.kit import CALLS, DAY, NOW, PUTS, RATE, SETTINGS, hold, signal_of, state_of

STRADDLE = (CALLS[2], PUTS[2])
LOOSE = {"max_vega": 0.5, "max_margin": 1.0, "max_delta": 100.0, "max_gamma": 100.0, "max_theta": 1.0}


def proposal(state: StrategyState, strike: int = 2, direction: int = -1, quantity: int = 10) -> Trade:
    return new_trade(state, signal_of(strike, direction)[0], quantity, NOW)


def risk_of(state: StrategyState, *proposals: Trade) -> PartRisk:
    legs = {leg for trade in [*state.trades, *proposals] for leg in trade.legs}
    return BookRisk(state, SETTINGS, legs, NOW).of(holdings_with(state, proposals))


def vega_of(strike: int) -> float:
    """Money a volatility point of one structure, at what its quotes imply."""
    rights = np.array([1.0, -1.0])
    return float(np.sum(greeks(100.0, 90.0 + 5 * strike, RATE, 0.0, 0.3, 45 / 365, rights).vega))


def straddle_margin(state: StrategyState) -> float:
    """Of one short straddle at the money, by hand: the dearer side naked, and the premium of the other."""
    book = state.underlyings[0].book
    call, put = (float(book.mid()[book.row(leg)]) for leg in STRADDLE)
    return 100.0 * (0.2 * book.spot + call + put)


def hedged_margin(state: StrategyState, count: int) -> float:
    """Of short straddles at the money and the shares that leave them no delta, by hand: each hundred cover a call."""
    book, rights = state.underlyings[0].book, np.array([1.0, -1.0])
    assert book.spot == 100.0
    put = float(book.mid()[book.row(STRADDLE[1])])
    shares = round(100 * count * float(np.sum(greeks(100.0, 100.0, RATE, 0.0, 0.3, 45 / 365, rights).delta)))
    covered = shares // 100
    return 50.0 * shares + (count - covered) * straddle_margin(state) + covered * 100.0 * (0.2 * 100.0 + put)


def test_risk_counts_what_is_held_and_what_is_wanted_and_not_held_yet() -> None:
    state = state_of()
    assert risk_of(state) == PartRisk(0, 0, 0, 0, 0, 0, 0, 0, 0)
    short = risk_of(state, proposal(state))
    assert short.vega == pytest.approx(-10 * vega_of(2), rel=1e-4)
    assert short.margin == pytest.approx(10 * straddle_margin(state))
    assert (short.notional, short.structures) == (pytest.approx(20 * 100 * 100.0), 1)
    bought = risk_of(state, proposal(state, direction=1))
    assert bought.vega == pytest.approx(10 * vega_of(2), rel=1e-4)
    assert bought.margin == 0.0
    assert (bought.gamma, bought.theta) == (pytest.approx(-short.gamma), pytest.approx(-short.theta))


def test_what_a_cut_trade_holds_beyond_counts_until_it_is_closed() -> None:
    state = state_of()
    trade = hold(state, direction=-1, quantity=5)
    trade.shrink(2)
    for held in (5, 4, 2):
        for leg in STRADDLE:
            state.portfolio.fill(leg, 5 - held - (5 + state.portfolio.quantity(leg)), 1.0, 100, 0.0)
        assert risk_of(state).vega == pytest.approx(-held * vega_of(2), rel=1e-4)
        assert risk_of(state, proposal(state, 1, quantity=3)).vega == pytest.approx(
            -held * vega_of(2) - 3 * vega_of(1), rel=1e-4
        )
    state = state_of()
    hold(state, direction=-1, quantity=5).quantity = 8  # it is still being filled
    assert risk_of(state).vega == pytest.approx(-8 * vega_of(2), rel=1e-4)


def test_what_is_held_counts_at_its_implied_volatility_and_only_once() -> None:
    state = state_of(volatility=0.3, forecast=0.2)
    trade = hold(state)
    state.portfolio.fill(0, 40, 100.0, 1, 0.0)
    measure(state, SETTINGS, NOW)
    exposure = state.underlyings[0].exposure[0]
    risk = risk_of(state)
    assert risk.vega == pytest.approx(exposure["vega"] * 0.01)
    assert risk.delta == pytest.approx(exposure["delta"] * 100.0)
    assert risk.gamma == pytest.approx(exposure["gamma"] * 100.0**2 * 0.01)
    assert risk.theta == pytest.approx(exposure["theta"] / 365)
    assert risk.margin == pytest.approx(0.5 * 40 * 100.0 + 5 * straddle_margin(state))
    state.portfolio.fill(trade.legs[0], 2, 0.0, 100, 0.0)  # two contracts of the call are still to be sold
    assert risk_of(state).vega == pytest.approx(risk.vega)
    trade.undo(OrderReason.EXIT_EDGE)
    assert risk_of(state).vega == pytest.approx(risk.vega * 0.8, rel=1e-3)  # eight of ten are held


def test_a_proposal_is_cut_to_what_the_limits_leave_after_those_before_it() -> None:
    state = state_of()
    one, two, three = proposal(state, 1), proposal(state, 2), proposal(state, 3, quantity=1)
    room = 10 * vega_of(1) + 5.3 * vega_of(2)
    settings = Settings(max_vega=room / 1e6)
    told = review(state, settings, [one, two, three], NOW)
    assert (told.accepted, told.refused, told.cut) == ([one, two], [three], [two])
    assert (one.quantity, two.quantity, three.quantity) == (10, 5, 1)
    assert state.trades == []  # which are opened is for whoever asked
    assert "cut from 10 to 5, vega a volatility point of" in state.notices[0][1]
    assert state.underlyings[0].funnel["max_vega"] == 1  # what was cut is opened


def test_a_limit_is_told_once_a_session() -> None:
    state = state_of()
    settings = Settings(max_vega=1e-6)
    for _ in range(2):
        assert review(state, settings, [proposal(state)], NOW).accepted == []
    assert state.underlyings[0].funnel["max_vega"] == 2  # counted each time
    assert [number for number, _ in state.notices] == [0]
    assert "TEST: not opened, vega a volatility point of" in state.notices[0][1]
    assert "would exceed max-vega 0.0001% of equity" in state.notices[0][1]
    assert state.session is not None
    state.session = state.session._replace(day=state.session.day.replace(day=5))
    review(state, settings, [proposal(state)], NOW)
    assert len(state.notices) == 2


def test_the_margin_limit_counts_every_short_structure() -> None:
    state = state_of(cash=1e5)
    settings = Settings(**{**LOOSE, "max_margin": 0.5, "max_stress_loss": 10, "max_gap_loss": 10})
    most = max(n for n in range(100) if max(n * straddle_margin(state), hedged_margin(state, n)) <= 0.5e5)
    assert most < math.floor(0.5e5 / straddle_margin(state))  # it is the shares of the hedge that leave no room
    assert review(state, settings, [proposal(state, quantity=most)], NOW).cut == []
    too_many = proposal(state, quantity=most + 1)
    assert review(state, settings, [too_many], NOW).cut == [too_many]
    assert too_many.quantity == most
    assert "max-margin" in state.notices[0][1]


@pytest.mark.parametrize("name", BOOK_LIMITS)
def test_each_limit_stops_a_trade_by_its_own_name(name: str) -> None:
    state = state_of()
    loose = {**LOOSE, "max_notional": 1000, "max_stress_loss": 10, "max_gap_loss": 10, "max_vega": 0.5}
    trade = proposal(state)
    if name == "max_book_structures":
        hold(state, strike=1)
        settings = Settings(**{**loose, name: 1})
    else:
        settings = Settings(**{**loose, name: 1e-9})
    assert review(state, settings, [trade], NOW).refused == [trade]
    assert state.underlyings[0].funnel[name] == 1
    assert name.replace("_", "-") in state.notices[0][1]
    assert review(state, Settings(**loose), [trade], NOW).accepted == [trade]


def test_an_expiry_and_an_underlying_have_their_shares_of_a_limit() -> None:
    state = state_of()
    vega = 10 * vega_of(2) / 1e6
    for share in ("max_expiry_share", "max_underlying_share"):
        trade = proposal(state)
        settings = Settings(**{"max_vega": 1.5 * vega, share: 0.5})
        assert review(state, settings, [trade], NOW).cut == [trade]
        assert trade.quantity == 7
    assert "from 31 days to expiry of" in state.notices[0][1]


def test_the_share_of_an_underlying_is_told_by_its_name() -> None:
    state = state_of()
    limits = limits_of(state, Settings(max_vega=1e-6, max_underlying_share=0.5), STRADDLE, NOW)
    (use,) = [each for each in limits.uses(Holdings({STRADDLE[0]: 1}, {})) if each.underlying == 0][:1]
    assert limits.sentence(use).startswith("vega a volatility point in TEST of 0.00")


def test_risk_that_cannot_be_told_keeps_no_limit() -> None:
    state = state_of()
    state.underlyings[0].forecast = {}
    trade = proposal(state)
    assert review(state, SETTINGS, [trade], NOW).refused == [trade]
    assert "of cannot be told" not in state.notices[0][1]
    assert "vega a volatility point cannot be told" in state.notices[0][1]


def test_the_largest_number_is_found_wherever_it_lies() -> None:
    state = state_of()
    use = next(iter(limits_of(state, SETTINGS, (), NOW).uses(Holdings({}, {}))))
    for most in range(9):
        for limit in range(10):
            found, stopped = largest_kept(most, lambda size, limit=limit: None if size <= limit else use)  # type: ignore[misc]
            assert found == min(most, limit)
            assert (stopped is None) is (most <= limit)


def test_what_is_used_is_told_when_the_book_changes_and_not_with_each_quote() -> None:
    state = state_of()
    assert len(new_uses(state, SETTINGS, NOW)) == 0
    hold(state)
    measure(state, SETTINGS, NOW)
    told = new_uses(state, SETTINGS, NOW)
    book = told[(told["underlying"] == WHOLE_BOOK) & (told["days"] == WHOLE_BOOK)]
    assert [name.decode() for name in book["limit"]] == [*BOOK_LIMITS, "max_drawdown", "max_daily_loss"]
    uses = {row["limit"].decode(): (float(row["used"]), float(row["allowed"])) for row in book}
    equity = float(state.underlyings[0].exposure["equity"][0])
    vega = abs(float(state.underlyings[0].exposure["vega"][0]))
    assert uses["max_vega"] == (pytest.approx(vega * 0.01), pytest.approx(0.003 * equity))
    assert uses["max_book_structures"] == (1, 1000)
    assert uses["max_drawdown"] == (pytest.approx(state.peak_equity - equity), pytest.approx(0.2 * state.peak_equity))
    assert len(new_uses(state, SETTINGS, NOW + DAY // 24)) == 0
    state.underlyings[0].book.take_quotes(records(Kind.QUOTE, instrument=0, bid=101.2, ask=101.3, bid_size=1), NOW + 1)
    assert len(new_uses(state, SETTINGS, NOW + 1)) == len(told)
    state.halts.add(HaltCause.OPERATOR)
    before = new_uses(state, SETTINGS, NOW + 1)
    assert len(before) == len(told)
    state.portfolio.fill(0, 100, 101.3, 1, 0.0)  # the hedge: what it moves as is of the book
    after = new_uses(state, SETTINGS, NOW + 1)
    options, both = (float(rows["used"][rows["limit"] == b"max_delta"][0]) for rows in (before, after))
    shares = 100 * 101.25
    assert min(abs(both - abs(sign * options + shares)) for sign in (-1, 1)) < 1e-9 * shares
    for leg in STRADDLE:
        state.portfolio.fill(leg, 5, 1.0, 100, 0.0)
    assert not np.any(new_uses(state, SETTINGS, NOW + 1)["used"][:3])
    assert len(new_uses(state, SETTINGS, NOW + 2)) == 0


@pytest.mark.parametrize("ends", [False, True])
def test_what_is_to_be_closed_offsets_nothing_that_is_opened(ends: bool) -> None:
    state, room = state_of(), 10.5 * vega_of(1)
    trade = hold(state, direction=1, quantity=8, strike=1)
    measure(state, SETTINGS, NOW)
    if ends:
        trade.undo(OrderReason.EXIT_STOP)
    other = proposal(state, 3, quantity=50)
    assert review(state, Settings(**LOOSE | {"max_vega": room / 1e6}), [other], NOW).accepted == [other]
    assert other.quantity == int((room + (0 if ends else 8 * vega_of(1))) / vega_of(3))


def test_what_a_cut_trade_holds_beyond_offsets_nothing_that_is_opened() -> None:
    state, room = state_of(), 10.5 * vega_of(1)
    trade = hold(state, direction=1, quantity=8, strike=1)
    measure(state, SETTINGS, NOW)
    trade.shrink(3)
    other = proposal(state, 3, quantity=50)
    assert review(state, Settings(**LOOSE | {"max_vega": room / 1e6}), [other], NOW).accepted == [other]
    assert other.quantity == int((room + 3 * vega_of(1)) / vega_of(3))
