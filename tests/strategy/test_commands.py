"""Every interleaving of what can befall the orders of a four-legged structure, up to a depth, leaves no leg alone.

A broker answers each order, and each cancel, as a path says: filled, half filled, refused, canceled, or not at all; a
quote goes and comes, the session ends and begins. After a path the market is kind: quotes come, and all that is ordered
is filled. Equal states are followed once.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from alo_lib.records import SECOND, HaltCause, Kind, OrderReason, OrderStatus, TradeState, leg_columns, records
from alo_lib.settings import Settings
from alo_lib.strategy.accounting import book_order_event
from alo_lib.strategy.commands import command_rows, follow_commands, note_decisions, state_of, whole_structures
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.execution import changes_wanted, orders_toward
from alo_lib.strategy.exits import end_trades
from alo_lib.strategy.halts import halt
from alo_lib.strategy.sending import ask, send
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import trade_targets
from alo_lib.strategy.trade import Trade
from tests.strategy import kit

BAR = 60 * SECOND
LEGS = (kit.CALLS[3], kit.PUTS[1], kit.CALLS[4], kit.PUTS[0])
RATIOS = (1, 1, -1, -1)
WANTED, FEE = 2, 0.65
FILL, HALF, REFUSE, CANCEL, WAIT, GONE, CLOSED = "fill", "half", "refuse", "cancel", "wait", "quote gone", "closed"
OF_AN_ORDER = (FILL, HALF, REFUSE, CANCEL, WAIT)


def settings_of(order_type: str, incomplete: str) -> Settings:
    """Patience of three bars, so that a path reaches beyond it; exits by nothing else than the command."""
    return Settings(
        order_type=order_type,
        incomplete=incomplete,
        leg_patience=180.0,
        limit_patience=120.0,
        limit_steps=2,
        exit_edge=-1.0,
        stop_loss=10.0,
        max_quote_age=45.0,
        entry_edge=0.0,
    )


@dataclass
class Desk:
    """The strategy's own functions for one trade, frame by frame, and a broker that does as it is told."""

    settings: Settings
    state: StrategyState
    trade: Trade
    time: int = kit.NOW
    gone: int | None = None  # leg without a quote
    cash: float = 0.0  # of the fills, counted by the broker
    beyond_mid: float = 0.0  # what they cost, by the mids of the quotes, which stay
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)  # instrument and size of each order sent
    unbalanced: int | None = None  # since when legs are held without the others

    @classmethod
    def of(cls, settings: Settings, direction: int = -1) -> "Desk":
        state = kit.state_of(volatility=0.3 if direction < 0 else 0.2, forecast=0.2 if direction < 0 else 0.3)
        signal = records(
            Kind.SIGNAL,
            underlying=0,
            structure="iron-condor",
            **leg_columns(LEGS, RATIOS),
            direction=direction,
            edge_volatility=0.05,
            vega=3000.0,
        )
        trade = new_trade(state, signal[0], WANTED, kit.NOW)
        state.open_trades([trade])
        desk = cls(settings, state, trade)
        desk.order()
        return desk

    def frame(self, time: int, events: tuple[str, ...]) -> None:
        """A bar later: the broker does ``events``, one for each order that works, and a frame decides."""
        self.time = time
        closed, gone = CLOSED in events, next((int(e.split()[-1]) for e in events if e.startswith(GONE)), None)
        book = self.state.underlyings[0].book
        session = self.state.session
        assert session is not None
        self.state.session = session._replace(close=time if closed else kit.NOW + 30 * kit.HOUR)
        quotes = book.quotes.copy()
        if gone is not None:
            quotes = quotes[quotes["instrument"] != LEGS[gone]]
        if not closed:
            book.take_quotes(quotes, time)
            book.quote_at = time
        for (number, order), event in zip(list(self.state.working.items()), events, strict=False):
            if number in self.state.working and event != WAIT and not closed:
                self.answer(number, order.instrument, event)
        self.decide()

    def answer(self, number: int, instrument: int, event: str) -> None:
        """What the broker says of an order; of a combination the same of all."""
        together = self.state.working[number].group
        numbers = [n for n, each in self.state.working.items() if n == number or (together and each.group == together)]
        for each in numbers:
            order = self.state.working[each]
            left, book = order.remaining, self.state.underlyings[0].book
            part = left if event == FILL else int(left / 2) if event == HALF else 0
            status = {FILL: OrderStatus.FILLED, HALF: OrderStatus.PARTIALLY_FILLED, REFUSE: OrderStatus.INVALID}.get(
                event, OrderStatus.CANCELED
            )
            quote = book.quote_of(order.instrument)
            mid = 0.5 * float(quote["bid"] + quote["ask"])
            price = (
                order.limit if order.limit is not None and not together else float(quote["ask" if left > 0 else "bid"])
            )
            fee = FEE if part else 0.0
            row = records(
                Kind.ORDER_EVENT,
                order=each,
                instrument=order.instrument,
                quantity=part,
                price=price,
                fee=fee,
                status=status,
            )
            self.cash -= part * price * 100 + fee
            self.beyond_mid += part * (price - mid) * 100 + fee
            book_order_event(self.state, row[0], self.time)

    def decide(self) -> None:
        """What the tasks of a frame do for trades."""
        follow_commands(self.state, self.settings, self.time)
        end_trades(self.state, self.settings, self.time)
        self.order()
        self.watch()

    def order(self) -> None:
        targets = trade_targets(self.state.trades)
        note_decisions(self.state)
        amendments = changes_wanted(self.state, self.settings, targets, self.time)
        rows = ask(self.state, amendments, self.time)
        orders = orders_toward(self.state, self.settings, targets, self.time)
        busy = self.state.instruments_working()
        for order in orders:
            held, wanted = self.state.portfolio.quantity(order.instrument), self.trade.wanted(order.instrument)
            assert order.instrument not in busy, "sent twice"
            assert abs(wanted - held - order.quantity) < abs(wanted - held), "away from what is wanted"
            assert (wanted - held) * order.quantity > 0
            assert abs(order.quantity) <= abs(wanted - held), "more than is wanted"
        send(self.state, orders, self.time)
        # Cancels are done before the next bar, as LEAN does; new limits are taken.
        for row in rows:
            for number in [
                n for n, o in self.state.working.items() if n == row["order"] or (o.group and o.group == row["order"])
            ]:
                if row["cancel"]:
                    self.answer(number, int(row["instrument"]), CANCEL) if number in self.state.working else None
                else:
                    self.state.working[number].limit, self.state.working[number].asked_at = float(row["limit"]), -1

    def held(self) -> tuple[int, ...]:
        return tuple(
            self.state.portfolio.quantity(leg) // ratio
            for leg, ratio in zip(LEGS, self.trade.signed_ratios, strict=True)
        )

    def watch(self) -> None:
        """Since when some legs are held without the others, and whether the money adds up."""
        balanced = len(set(self.held())) == 1
        self.unbalanced = None if balanced else self.time if self.unbalanced is None else self.unbalanced
        progress = self.trade.progress
        assert self.state.portfolio.cash - 1e6 == pytest.approx(self.cash, abs=1e-6)
        assert progress.cost + progress.undo_cost == pytest.approx(self.beyond_mid, abs=1e-6)
        assert all(0 <= held <= WANTED for held in self.held())

    def choices(self) -> Iterator[tuple[str, ...]]:
        """What can befall what works: an event for one order, the others waiting; all filled; a quote gone; no session.

        Orders are answered one at a time: what befalls several comes in several bars, in any order.
        """
        works = len(self.state.working)
        yield (WAIT,) * works
        if works:
            yield (FILL,) * works
        for place in range(works):
            for event in OF_AN_ORDER[:-1]:
                yield (WAIT,) * place + (event,) + (WAIT,) * (works - place - 1)
                yield (FILL,) * place + (event,) + (FILL,) * (works - place - 1)
        yield (*(WAIT,) * works, f"{GONE} 0")
        yield (*(FILL,) * works, f"{GONE} 3")
        yield (*(WAIT,) * works, CLOSED)

    def key(self) -> tuple[object, ...]:
        """All that later frames depend on."""
        progress, book = self.trade.progress, self.state.underlyings[0].book
        since = progress.incomplete_since
        return (
            tuple(self.state.portfolio.quantity(leg) for leg in LEGS),
            tuple(
                (o.instrument, o.remaining, o.type, o.limit, o.group - min(self.state.working), self.time - o.sent_at)
                for o in self.state.working.values()
            ),
            (self.trade.undone_by, self.trade.quantity, progress.gave_up, progress.shrinking, progress.begun),
            None if since is None else min(self.time - since, 4 * BAR),
            None if self.unbalanced is None else min(self.time - self.unbalanced, 8 * BAR),
            tuple(sorted(self.state.impatient.items())),
            tuple(sorted(book.refused)),
            tuple(sorted((side, size) for side, size in book.taken.items())),
            tuple((book.quote_time[[book.row(leg) for leg in LEGS]] - self.time).tolist()),
            bool(self.state.trades),
        )

    def fork(self) -> "Desk":
        """A copy that goes its own way; the market's arrays and values are shared where nobody writes them."""
        memo: dict[int, object] = {}
        underlying = self.state.underlyings[0]
        for shared in (self.settings, underlying.valuation, underlying.screen, underlying.forecaster):
            memo[id(shared)] = shared
        memo[id(underlying.variance_time)] = underlying.variance_time
        memo[id(underlying.book.contracts)] = underlying.book.contracts
        memo[id(self.trade.signal)] = self.trade.signal
        return copy.deepcopy(self, memo)

    def let_end(self, *, kind: bool) -> None:
        """Quotes from now on: what stands at the end, and that no leg is alone after the policy's time.

        A kind market fills all, another nothing but what closes: three bars of patience, one to cancel, two to close.
        """
        for bars in range(12):
            orders = self.state.working.values()
            fills = [kind or not self.trade.opens(each.instrument, each.remaining) for each in orders]
            self.frame(self.time + BAR, tuple(FILL if each else WAIT for each in fills))
            assert kind or bars < 6 or self.unbalanced is None, self.held()
        assert len(set(self.held())) == 1, self.held()
        assert not self.state.working
        standing = state_of(self.state, self.trade, set())
        assert standing in (TradeState.COMPLETE, TradeState.DONE)
        whole = whole_structures(self.state, self.trade)
        assert whole == (self.trade.quantity if standing is TradeState.COMPLETE else 0)
        self.state.ended = [] if self.state.trades else [self.trade]
        told = command_rows(self.state)[-1]
        assert (told["state"], told["structures"]) == (standing, whole)
        assert told["cost"] + told["undo_cost"] == pytest.approx(self.beyond_mid, abs=1e-6)


def walk(desk: Desk, depth: int) -> tuple[int, int]:
    """Follow every path of so many bars. Returns how many states there were, and how many ends were looked at."""
    now, states = {desk.key(): desk}, 1
    for _ in range(depth):
        later: dict[tuple[object, ...], Desk] = {}
        for each in now.values():
            for events in each.choices():
                other = each.fork()
                other.frame(each.time + BAR, events)
                later.setdefault(other.key(), other)
        now, states = later, states + len(later)
        for each in now.values():
            each.fork().let_end(kind=True)
            each.fork().let_end(kind=False)
    return states, len(now)


POLICIES = [(kind, policy) for kind in ("market", "limit", "combo") for policy in ("shrink", "undo")]


@pytest.mark.parametrize(("order_type", "incomplete"), POLICIES)
def test_no_path_of_a_bar_leaves_a_leg_alone(order_type: str, incomplete: str) -> None:
    states, _ = walk(Desk.of(settings_of(order_type, incomplete)), 1)
    assert states > 5


@pytest.mark.slow
@pytest.mark.parametrize("direction", [-1, 1])
@pytest.mark.parametrize(("order_type", "incomplete"), POLICIES)
def test_no_path_of_two_bars_leaves_a_leg_alone(order_type: str, incomplete: str, direction: int) -> None:
    states, _ = walk(Desk.of(settings_of(order_type, incomplete), direction), 2)
    assert states > 20


def without_the_last(desk: Desk) -> Desk:
    """All legs but the last filled, its order canceled by the broker."""
    desk.frame(desk.time + BAR, (FILL, FILL, FILL, CANCEL))
    return desk


def test_a_missing_leg_is_ordered_again_while_that_leaves_the_edge() -> None:
    desk = without_the_last(Desk.of(settings_of("market", "shrink")))
    assert [order.remaining for order in desk.state.working.values()] == [WANTED]
    desk.frame(desk.time + BAR, (FILL,))
    assert (desk.held(), desk.trade.progress.incomplete_since) == ((2, 2, 2, 2), None)
    assert command_rows(desk.state)["state"].tolist() == [TradeState.COMPLETE]


def test_a_trade_whose_missing_leg_costs_the_edge_is_undone_at_once_and_its_underlying_left_alone() -> None:
    desk = Desk.of(settings_of("market", "shrink"))
    book = desk.state.underlyings[0].book
    (missing,) = list(desk.state.working.values())[3:]
    book.quotes["bid"][book.row(missing.instrument)] = 0.01
    book.quotes["ask"][book.row(missing.instrument)] = 9.0
    without_the_last(desk)
    assert desk.trade.undone_by is OrderReason.REBALANCE
    assert desk.state.session is not None
    assert book.blocked_until == desk.state.session.close
    assert [text for _, text in desk.state.notices] == ["TEST: trade 1 is undone: legs were not filled"]


@pytest.mark.parametrize(("incomplete", "left"), [("shrink", 1), ("undo", 0)])
def test_after_its_patience_a_trade_is_cut_or_undone(incomplete: str, left: int) -> None:
    desk = Desk.of(settings_of("market", incomplete))
    desk.frame(desk.time + BAR, (FILL, FILL, FILL, HALF))
    for _ in range(4):  # the last sees that the rest was canceled
        assert desk.held().count(2) == 3
        desk.frame(desk.time + BAR, (WAIT,))
    assert desk.trade.quantity == (left or WANTED)
    assert (desk.trade.undone_by is None) is bool(left)
    desk.frame(desk.time + BAR, (FILL,) * len(desk.state.working))
    assert desk.held() == (left,) * 4


def test_what_a_halt_keeps_from_being_completed_is_cut_at_once() -> None:
    desk = without_the_last(Desk.of(settings_of("market", "shrink")))
    halt(desk.state, HaltCause.OPERATOR_REDUCE_ONLY, halted=True)
    desk.frame(desk.time + BAR, (CANCEL,))
    assert desk.trade.undone_by is OrderReason.REBALANCE
    desk.frame(desk.time + BAR, (FILL,) * 3)
    assert desk.held() == (0, 0, 0, 0)


def test_patience_begins_when_orders_may_be_sent_again() -> None:
    desk = without_the_last(Desk.of(settings_of("market", "shrink")))
    halt(desk.state, HaltCause.OPERATOR, halted=True)
    desk.frame(desk.time + BAR, (CANCEL,))
    for _ in range(6):
        desk.frame(desk.time + BAR, ())
    assert (desk.held(), desk.state.working) == ((2, 2, 0, 2), {})
    halt(desk.state, HaltCause.OPERATOR, halted=False)
    desk.frame(desk.time + BAR, ())
    desk.frame(desk.time + BAR, (FILL,))
    assert desk.held() == (2, 2, 2, 2)


def test_what_it_cost_is_half_the_spread_and_fees_and_a_second_reason_begins_nothing_anew() -> None:
    desk = Desk.of(settings_of("market", "shrink"))
    desk.frame(desk.time + BAR, (FILL,) * 4)
    told = command_rows(desk.state)[0]
    assert (told["state"], told["structures"], told["frames"]) == (TradeState.COMPLETE, WANTED, 1)
    once = 4 * (WANTED * 0.02 * 100 + FEE)  # quotes are four cents wide
    assert (told["cost"], told["undo_cost"]) == (pytest.approx(once), 0.0)
    desk.trade.undo(OrderReason.EXIT_STOP)
    desk.order()
    desk.trade.undo(OrderReason.EXIT_EDGE)
    desk.decide()
    assert (desk.trade.reason, len(desk.state.working)) == (OrderReason.EXIT_STOP, 4)
    desk.frame(desk.time + BAR, (FILL,) * 4)
    told = command_rows(desk.state)[0]
    assert (told["state"], told["structures"], told["wanted"]) == (TradeState.DONE, 0, 0)
    assert (told["cost"], told["undo_cost"]) == (pytest.approx(once), pytest.approx(once))


def test_what_cannot_be_closed_stays_wanted_closed_and_is_told_once() -> None:
    desk = Desk.of(settings_of("market", "shrink"))
    desk.frame(desk.time + BAR, (FILL,) * 4)
    desk.trade.undo(OrderReason.EXIT_STOP)
    for _ in range(6):
        desk.frame(desk.time + BAR, (*(FILL,) * len(desk.state.working), f"{GONE} 0"))
    assert desk.held() == (2, 0, 0, 0)
    assert [text for _, text in desk.state.notices] == ["TEST: 2 contracts of trade 1 could not be closed yet"]
    desk.let_end(kind=True)


def test_without_a_mid_at_the_decision_a_cost_is_not_told() -> None:
    desk = Desk.of(settings_of("market", "shrink"))
    desk.trade.progress.entry_mids.clear()
    desk.answer(1, LEGS[0], FILL)
    assert math.isnan(desk.trade.progress.cost)
