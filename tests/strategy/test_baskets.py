"""An index against its members as a trade: what is found, in which size, and that it stays whole in all events."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alo_lib.records import OPTION_MULTIPLIER, SECOND, HaltCause, Kind, OrderReason, OrderStatus, TradeState, records
from alo_lib.records.baskets import basket_numbers
from alo_lib.settings import Settings, SettingsError
from alo_lib.strategy.accounting import book_order_event
from alo_lib.strategy.basket_entries import basket_quantities, proposed_basket
from alo_lib.strategy.basket_scan import basket_vegas, index_of, scan_basket
from alo_lib.strategy.baskets import largest_size, least_size, quantities_at
from alo_lib.strategy.book_risk import Holdings, holdings_with
from alo_lib.strategy.commands import follow_commands, note_decisions, state_of, whole_structures
from alo_lib.strategy.dispersion import average_correlation, dispersion
from alo_lib.strategy.execution import changes_wanted, orders_toward
from alo_lib.strategy.exits import end_trades
from alo_lib.strategy.halts import halt
from alo_lib.strategy.limits import LIMITS, limits_of, review
from alo_lib.strategy.sending import ask, send
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import trade_targets
from alo_lib.strategy.trade import Trade
from tests.strategy import basket_kit as kit
from tests.strategy.kit import DAY, NOW

BAR = 60 * SECOND
WEIGHTS = np.array([0.6, 0.4])
SETTINGS = kit.settings_of()


# What is found ----------------------------------------------------------------------------------------------------


def test_an_index_implied_above_its_members_is_sold_against_them() -> None:
    found = scan_basket(kit.state_of(SETTINGS), SETTINGS, NOW)
    assert found.candidates == 4  # two expiries, bought and sold
    assert found.signals["direction"].tolist() == [-1, 1, 1]
    assert found.signals["structure"].tolist() == [b"dispersion"] * 3
    legs = np.stack([found.signals["leg1"], found.signals["leg2"]]).T
    assert len(np.unique(legs)) == 6
    assert found.signals["implied_volatility"] == pytest.approx([0.24, 0.25, 0.35], abs=1e-3)


@pytest.mark.parametrize(("index", "side"), [(0.24, [-1, 1, 1]), (0.17, [1, -1, -1])])
def test_its_edge_is_what_the_index_is_implied_above_its_members_less_the_spreads(
    index: float, side: list[int]
) -> None:
    """Without fees: by the formula of implied correlation, which knows nothing of straddles."""
    free = kit.settings_of(fee_per_contract=0.0)
    state = kit.state_of(free, implied=kit.IMPLIED | {"INDX": index}, spread=0.02)
    found = scan_basket(state, free, NOW).signals
    assert found["direction"].tolist() == side
    members = np.array([0.25, 0.35])
    fair = average_correlation(0.20, members, WEIGHTS)
    told = dispersion(index, members, WEIGHTS, fair)
    vegas = np.concatenate([[1.0], told.vegas])
    spreads = vegas / found["vega"] * 2.0 * 0.02 * OPTION_MULTIPLIER  # two legs, half in and half out
    expected = (abs(told.edge) - float(spreads.sum())) / float(vegas.sum())
    assert found["edge_volatility"] == pytest.approx(expected, rel=0.03)
    assert found["edge"] == pytest.approx(found["edge_volatility"] * found["vega"])


@pytest.mark.parametrize(("direction", "side"), [("long", [-1, 1, 1]), ("short", [1, -1, -1])])
def test_a_direction_is_that_of_the_members(direction: str, side: list[int]) -> None:
    only = kit.settings_of(direction=direction)
    found = scan_basket(kit.state_of(only), only, NOW)
    assert found.signals["direction"].tolist() == side
    assert found.edge == (2 if direction == "long" else 0)


def test_where_no_correlation_explains_what_is_implied_or_one_has_no_news_nothing_is_found() -> None:
    assert not len(scan_basket(kit.state_of(SETTINGS, implied=kit.IMPLIED | {"INDX": 0.02}), SETTINGS, NOW).signals)
    assert np.isnan(basket_vegas(np.array([0.02, 0.25, 0.35]), WEIGHTS)).all()
    state = kit.state_of(SETTINGS)
    list(state.underlyings.values())[2].screen = None
    assert not len(scan_basket(state, SETTINGS, NOW).signals)
    del state.underlyings[list(state.underlyings)[2]]
    assert index_of(state, SETTINGS) is None


def test_a_level_that_is_dear_everywhere_is_no_edge_of_dispersion() -> None:
    """Options of all three a tenth dearer than forecast: correlation is as expected."""
    dear = {name: 1.1 * volatility for name, volatility in kit.FORECAST.items()}
    found = scan_basket(kit.state_of(SETTINGS, implied=dear), SETTINGS, NOW)
    assert (found.edge, len(found.signals)) == (0, 3)


# In which size ----------------------------------------------------------------------------------------------------


def proposed(state: StrategyState, own: Settings = SETTINGS) -> list[Trade]:
    return proposed_basket(state, own, scan_basket(state, own, NOW).signals, NOW, [])


def test_the_vegas_leave_nothing_but_correlation_and_keep_the_budget() -> None:
    trades = proposed(kit.state_of(SETTINGS))
    vega = np.array([trade.quantity * float(trade.signal["vega"][0]) for trade in trades])
    ideal = dispersion(0.24, np.array([0.25, 0.35]), WEIGHTS, math.nan).vegas
    assert [trade.basket for trade in trades] == [1, 1, 1]
    assert vega[1:] / vega[0] == pytest.approx(ideal, rel=0.12)  # whole structures
    assert 0.85 < float(vega.sum()) / (0.002 * 1e6 * 100) <= 1.0


def test_what_one_leg_displays_cuts_all() -> None:
    state = kit.state_of(SETTINGS)
    whole, leg = proposed(state), int(scan_basket(state, SETTINGS, NOW).signals["leg1"][1])
    book = list(state.underlyings.values())[1].book
    book.quotes["ask_size"][book.row(leg)] = 3
    cut = proposed(state)
    assert cut[1].quantity == 3
    assert [trade.quantity for trade in cut] == pytest.approx(
        [t.quantity * 3 / whole[1].quantity for t in whole], abs=1
    )
    book.quotes["ask_size"][book.row(leg)] = 0
    assert proposed(state) == []
    assert next(iter(state.underlyings.values())).funnel["participation"][0] == 1


@settings(deadline=None)
@given(
    st.lists(st.floats(0.05, 3.0), min_size=2, max_size=6),
    st.lists(st.floats(5.0, 900.0), min_size=6, max_size=6),
    st.floats(1.0, 1e6),
    st.lists(st.integers(0, 400), min_size=6, max_size=6),
)
def test_a_size_keeps_budget_and_displayed_sizes_and_is_flat_to_half_a_structure(
    vegas: list[float], vega: list[float], budget: float, most: list[int]
) -> None:
    n = len(vegas)
    found = basket_quantities(np.array(vegas), np.array(vega[:n]), budget, most[:n])
    if found is None:
        return
    counts = np.array(found)
    assert counts.min() >= 1
    assert np.all(counts <= most[:n])
    assert float(counts @ np.array(vega[:n])) <= budget
    ratio = np.array(vegas) / np.array(vega[:n])
    scale = counts / ratio
    low, high = ((counts - 0.5) / ratio).max(), ((counts + 0.5) / ratio).min()
    assert low <= high * (1 + 1e-9), scale  # one size that all are rounded from


@settings(deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=6), st.data())
def test_smaller_sizes_keep_the_ratio_and_a_structure_of_each(quantities: list[int], data: st.DataObject) -> None:
    assert quantities_at(max(quantities), quantities) == tuple(quantities)
    least = least_size(quantities)
    assert min(quantities_at(least, quantities)) == 1 or least == 1
    assert least == 1 or min(quantities_at(least - 1, quantities)) == 0
    held = [data.draw(st.integers(0, quantity)) for quantity in quantities]
    size = largest_size(quantities, lambda asked: all(a <= b for a, b in zip(asked, held, strict=True)))
    for larger in range(size + 1, max(quantities) + 1):
        told = quantities_at(larger, quantities)
        assert min(told) == 0 or any(a > b for a, b in zip(told, held, strict=True))


@pytest.mark.parametrize("name", ["max_vega", "max_stress_loss", "max_margin", "max_gamma"])
def test_limits_cut_a_basket_as_one_or_refuse_all_of_it(name: str) -> None:
    state = kit.state_of(SETTINGS)
    trades = proposed(state)
    asked = [trade.quantity for trade in trades]
    free = limits_of(state, SETTINGS, {leg for trade in trades for leg in trade.legs}, NOW)
    assert review(state, SETTINGS, trades, NOW).cut == []
    state.trades = trades
    limit = next(each for each in LIMITS if each.name == name)
    used = [use.used for use in limits_of(state, SETTINGS, (), NOW).uses(_held(state)) if use.limit is limit]
    state.trades = []
    tight = SETTINGS.model_copy(update={name: 0.6 * max(used) / free.equity, "max_underlying_share": 1.0})
    found = review(state, tight, trades, NOW)
    quantities = [trade.quantity for trade in trades]
    assert found.accepted == trades
    assert quantities == list(quantities_at(max(quantities), asked))
    assert quantities < asked
    nothing = SETTINGS.model_copy(update={name: 1e-9})
    found = review(state, nothing, trades, NOW)
    assert (found.accepted, found.refused) == ([], trades)
    assert [trade.quantity for trade in trades] == quantities


def _held(state: StrategyState) -> Holdings:
    return holdings_with(state, ())


# Whatever befalls it ------------------------------------------------------------------------------------------------

FILL, HALF, REFUSE, CANCEL, WAIT, GONE = range(6)
_STATUS = {FILL: OrderStatus.FILLED, HALF: OrderStatus.PARTIALLY_FILLED, REFUSE: OrderStatus.INVALID}


class Desk:
    """The strategy's own functions for one basket, frame by frame, and a broker that does as it is told."""

    def __init__(self, order_type: str, incomplete: str) -> None:
        self.settings = kit.settings_of(
            order_type=order_type,
            incomplete=incomplete,
            leg_patience=180.0,
            limit_patience=120.0,
            limit_steps=2,
            exit_edge=-1.0,
            stop_loss=10.0,
            max_quote_age=45.0,
            vega_budget=0.0006,
        )
        self.state, self.time = kit.state_of(self.settings), NOW
        self.trades = proposed(self.state, self.settings)
        self.asked = [trade.quantity for trade in self.trades]
        assert self.asked == [5, 4, 2] or min(self.asked) >= 2
        self.state.open_trades(self.trades)
        self.unbalanced = 0  # bars since which it has not been whole
        self.order()

    def frame(self, answers: list[int]) -> None:
        """A bar later: quotes, but for those that are gone; an answer to each order that works; a decision."""
        self.time += BAR
        orders = list(self.state.working.items())
        told = dict(zip([number for number, _ in orders], answers, strict=False))
        gone = {order.instrument for number, order in orders if told.get(number) == GONE}
        for underlying in self.state.underlyings.values():
            book = underlying.book
            book.quote_at = self.time
            book.take_quotes(book.quotes[~np.isin(book.quotes["instrument"], list(gone))].copy(), self.time)
        for number, answer in told.items():
            if answer not in (WAIT, GONE) and number in self.state.working:
                self.answer(number, answer)
        follow_commands(self.state, self.settings, self.time)
        end_trades(self.state, self.settings, self.time)
        self.order()
        self.unbalanced = 0 if self.is_whole() else self.unbalanced + 1

    def answer(self, number: int, answer: int) -> None:
        order = self.state.working[number]
        together = [
            n for n, each in self.state.working.items() if n == number or (order.group and each.group == order.group)
        ]
        for each in together:
            left = self.state.working[each].remaining
            instrument = self.state.working[each].instrument
            quote = self.state.underlyings[self.state.underlying_of[instrument]].book.quote_of(instrument)
            row = records(
                Kind.ORDER_EVENT,
                order=each,
                instrument=instrument,
                quantity=left if answer == FILL else int(left / 2) if answer == HALF else 0,
                price=float(quote["ask" if left > 0 else "bid"]),
                status=_STATUS.get(answer, OrderStatus.CANCELED),
            )
            book_order_event(self.state, row[0], self.time)

    def order(self) -> None:
        targets = trade_targets(self.state.trades)
        note_decisions(self.state)
        rows = ask(self.state, changes_wanted(self.state, self.settings, targets, self.time), self.time)
        orders = orders_toward(self.state, self.settings, targets, self.time)
        busy = self.state.instruments_working()
        assert all(order.instrument not in busy for order in orders)
        send(self.state, orders, self.time)
        for row in rows:
            if row["cancel"] and int(row["order"]) in self.state.working:
                self.answer(int(row["order"]), CANCEL)

    def held(self) -> list[list[int]]:
        return [[self.state.portfolio.quantity(leg) // count for leg, count in t.unit.items()] for t in self.trades]

    def is_whole(self) -> bool:
        """Whether every leg of every straddle is held as often as one size of the basket says, or none of any."""
        held = self.held()
        if any(len(set(legs)) > 1 for legs in held):
            return False
        counts = [legs[0] for legs in held]
        sizes = [quantities_at(size, self.asked) for size in range(least_size(self.asked), max(self.asked) + 1)]
        return not any(counts) or tuple(counts) in sizes

    def let_end(self, *, kind: bool) -> None:
        """A kind market fills all, another what closes alone: three bars of patience, one to cancel, two to close."""
        for bars in range(14):
            fills = []
            for order in self.state.working.values():
                trade = self.state.trade_with(order.instrument)
                opens = trade is not None and trade.opens(order.instrument, order.remaining)
                fills.append(FILL if kind or not opens else WAIT)
            self.frame(fills)
            assert kind or bars < 7 or not self.unbalanced, self.held()
        assert self.is_whole(), self.held()
        assert not self.state.working
        standings = {state_of(self.state, trade, set()) for trade in self.trades}
        assert standings in ({TradeState.COMPLETE}, {TradeState.DONE})
        if standings == {TradeState.COMPLETE}:
            assert [whole_structures(self.state, trade) for trade in self.trades] == [t.quantity for t in self.trades]


POLICIES = [(kind, policy) for kind in ("market", "limit", "combo") for policy in ("shrink", "undo")]


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(POLICIES),
    st.lists(st.lists(st.integers(0, 5), min_size=6, max_size=6), max_size=5),
    st.booleans(),
)
def test_no_path_of_fills_and_refusals_leaves_part_of_a_basket(
    policy: tuple[str, str], path: list[list[int]], kind: bool
) -> None:
    desk = Desk(*policy)
    for answers in path:
        desk.frame(answers)
    desk.let_end(kind=kind)


def opened() -> Desk:
    desk = Desk("market", "shrink")
    desk.frame([FILL] * 6)
    assert {state_of(desk.state, trade, set()) for trade in desk.trades} == {TradeState.COMPLETE}
    return desk


@pytest.mark.parametrize("incomplete", ["shrink", "undo"])
def test_a_refused_leg_undoes_the_straddles_that_are_complete(incomplete: str) -> None:
    desk = Desk("market", incomplete)
    desk.frame([FILL, FILL, REFUSE, CANCEL, FILL, FILL])
    assert {trade.undone_by for trade in desk.trades} == {OrderReason.REBALANCE}
    desk.frame([FILL] * 6)
    assert desk.held() == [[0, 0]] * 3
    until = {underlying.book.blocked_until for underlying in desk.state.underlyings.values()}
    assert desk.state.session is not None
    assert until == {desk.state.session.close}


@pytest.mark.parametrize(("incomplete", "is_left"), [("shrink", True), ("undo", False)])
def test_after_its_patience_it_is_cut_to_what_is_held_whole_or_undone(incomplete: str, is_left: bool) -> None:
    desk = Desk("market", incomplete)
    desk.frame([FILL, FILL, HALF, HALF, FILL, FILL])
    for _ in range(5):
        desk.frame([WAIT] * 6)
    desk.frame([FILL] * len(desk.state.working))
    assert desk.is_whole()
    assert [trade.undone_by is None for trade in desk.trades] == [is_left] * 3
    held = [legs[0] for legs in desk.held()]
    assert held == ([trade.quantity for trade in desk.trades] if is_left else [0, 0, 0])
    assert held < desk.asked


@pytest.mark.parametrize("place", [0, 2])
def test_the_graver_reason_of_one_closes_all(place: int) -> None:
    desk = opened()
    list(desk.state.underlyings.values())[place].book.split_pending = True
    desk.frame([])
    assert {trade.undone_by for trade in desk.trades} == {OrderReason.EXIT_SPLIT}
    desk.frame([FILL] * 6)
    desk.frame([])
    assert desk.held() == [[0, 0]] * 3
    assert desk.state.trades == []


def test_a_straddle_that_loses_does_not_stop_a_basket_that_does_not() -> None:
    desk = opened()
    desk.settings = desk.settings.model_copy(update={"stop_loss": 0.05})
    index, member, other = desk.trades
    index.hedge_result, member.hedge_result = -0.2 * index.gross_premium, 0.2 * index.gross_premium
    desk.frame([])
    assert index.undone_by is None
    member.hedge_result = other.hedge_result = -0.2 * index.gross_premium
    desk.frame([])
    assert {trade.undone_by for trade in desk.trades} == {OrderReason.EXIT_STOP}


def test_an_edge_that_is_gone_is_that_of_all() -> None:
    """By mids: .04 of the index's vega over gross vega, some .02."""
    for asked, reason in ((0.015, None), (0.025, OrderReason.EXIT_EDGE)):
        desk = opened()
        desk.settings = desk.settings.model_copy(update={"exit_edge": asked})
        desk.frame([])
        assert {trade.undone_by for trade in desk.trades} == {reason}


def test_a_book_that_may_only_reduce_gives_up_all_of_it() -> None:
    desk = Desk("market", "shrink")
    desk.frame([FILL, FILL, WAIT, WAIT, WAIT, WAIT])
    halt(desk.state, HaltCause.OPERATOR_REDUCE_ONLY, halted=True)
    desk.let_end(kind=False)
    assert desk.held() == [[0, 0]] * 3


# Settings and records -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"basket": ""}, "setting structures dispersion needs a basket"),
        ({"basket": "INDX=ALFA:0.6,CHLI:0.4"}, "names CHLI, not among underlyings INDX,ALFA,BRVO"),
        ({"basket": "INDX=ALFA:0.6"}, "setting basket: the basket of INDX has 1 member"),
        ({"basket": "INDX=ALFA:0.6,BRVO:-1"}, "setting basket: a weight in the basket of INDX is -1"),
        ({"basket": "INDX=ALFA:0.6,INDX:0.4"}, "the basket of INDX names INDX itself; an index"),
    ],
)
def test_a_bad_basket_is_one_sentence(values: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        kit.settings_of(**values)
    assert words in str(raised.value)


def test_a_basket_without_dispersion_is_told_of() -> None:
    told = kit.settings_of(structures="straddle").warnings
    assert any("does nothing without dispersion in structures" in sentence for sentence in told)


def test_entries_of_one_message_are_one_basket() -> None:
    entries = records(Kind.ENTRY, 6)
    entries["structure"] = [b"dispersion", b"dispersion", b"straddle", b"dispersion", b"dispersion", b"straddle"]
    times = np.array([1, 1, 1, 2, 2, 2]) * DAY
    assert basket_numbers(times, entries).tolist() == [1, 1, 0, 2, 2, 0]
