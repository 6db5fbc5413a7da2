"""No book exceeds a limit after trades: random books, proposals, fills, each limit recomputed contract by contract."""

import math
from itertools import product

import numpy as np
import pytest

from alo_lib.pricing import greeks, price
from alo_lib.records import Kind, OrderReason, records
from alo_lib.settings import Settings
from alo_lib.simulation.listing import Listing
from alo_lib.simulation.margin import Leg, margin
from alo_lib.simulation.money import decimal
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.exposure import equity, measure
from alo_lib.strategy.limits import review
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade
from tests.strategy.kit import CALLS, NOW, RATE, SETTINGS, signal_of, state_of

YEARS = 45 / 365
MOVES = [round(-0.2 + 0.05 * step, 10) for step in range(9)]


class Books:
    """Random books, one after the other; contracts are valued once a market."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        self.worth: dict[tuple[int, float, float, float], tuple[float, ...]] = {}
        self.cut = self.refused = self.opened = 0

    def settings(self) -> Settings:
        """Limits of which any may bind: about what a structure or a few of them use."""
        scale = float(np.exp(self.draw.normal(0.0, 1.0)))
        each = np.exp(self.draw.normal(0.0, 1.0, 8))
        return Settings(
            max_vega=min(0.0006 * scale * each[0], 0.5),
            max_margin=min(0.08 * scale * each[1], 1.0),
            max_delta=0.3 * scale * each[2],
            max_gamma=0.06 * scale * each[3],
            max_theta=min(0.0008 * scale * each[4], 1.0),
            max_notional=1.0 * scale * each[5],
            max_stress_loss=min(0.06 * scale * each[6], 10.0),
            max_gap_loss=min(0.02 * scale * each[7], 10.0),
            overnight_gap=float(self.draw.choice([0.05, 0.1, 0.2])),
            max_book_structures=int(self.draw.integers(1, 6)),
            max_underlying_share=float(self.draw.choice([1.0, 0.5])),
            max_expiry_share=float(self.draw.choice([1.0, 0.6])),
        )

    def proposals(self, state: StrategyState) -> list[Trade]:
        free = [strike for strike in range(5) if not any(CALLS[strike] in trade.legs for trade in state.trades)]
        count = int(self.draw.integers(0, len(free) + 1))
        chosen = self.draw.choice(free, count, replace=False).tolist() if free else []
        return [
            new_trade(state, signal_of(strike, int(self.draw.choice([-1, 1])))[0], int(self.draw.integers(1, 60)), NOW)
            for strike in chosen
        ]

    def end_some(self, state: StrategyState) -> None:
        """Have some of the trades closed, as far as they are held."""
        for trade in state.trades:
            if trade.undone_by is None and self.draw.random() < 0.3:
                trade.undo(OrderReason.EXIT_STOP)

    def fill(self, state: StrategyState, *, wholly: bool) -> None:
        """Fill some of what is wanted and not held, or all of it."""
        book = state.underlyings[0].book
        for trade in state.trades:
            for leg in trade.legs:
                left = trade.wanted(leg) - state.portfolio.quantity(leg)
                part = left if wholly else int(left * self.draw.random())
                if part:
                    state.portfolio.fill(leg, part, float(book.mid()[book.row(leg)]), 100, 0.0)

    def hedge(self, state: StrategyState) -> None:
        """Trade the shares that leave no delta."""
        held = state.holdings
        delta = math.fsum(each * 100 * self.greeks_of(state, number)[0] for number, each in held.items() if number)
        if more := round(-delta) - held.get(0, 0):
            state.portfolio.fill(0, more, 100.0, 1, 0.0)
            measure(state, SETTINGS, NOW)

    def check(self, state: StrategyState, settings: Settings) -> None:
        """Every limit, from what is held alone and each contract's own price: nothing of the code that decided."""
        held = state.holdings
        total, spot = equity(state), 100.0
        sums = dict.fromkeys(("delta", "gamma", "vega", "theta"), 0.0)
        for number, quantity in held.items():
            if number == 0:
                sums["delta"] += quantity * spot
                continue
            values = self.greeks_of(state, number)
            sums["delta"] += quantity * 100 * values[0] * spot
            sums["gamma"] += quantity * 100 * values[1] * spot * spot * 0.01
            sums["vega"] += quantity * 100 * values[2] * 0.01
            sums["theta"] += quantity * 100 * values[3] / 365
        losses = [
            -self.profit(state, held, move, volatility, 0.0) for move, volatility in product(MOVES, (-0.5, 0.0, 0.5))
        ]
        gap = [-self.profit(state, held, sign * settings.overnight_gap, 0.0, 1.0) for sign in (-1, 0, 1)]
        used = {
            **{f"max_{name}": abs(value) for name, value in sums.items()},
            "max_margin": self.margin(state, held),
            "max_notional": sum(abs(quantity) * 100 * spot for number, quantity in held.items() if number),
            "max_stress_loss": max(losses),
            "max_gap_loss": max(gap),
        }
        for name, value in used.items():
            allowed = getattr(settings, name) * total * settings.max_underlying_share
            assert value <= allowed + 1e-6 * total + 0.01, (name, value, allowed)
        assert used["max_vega"] <= settings.max_vega * settings.max_expiry_share * total + 1e-6 * total
        assert len(state.trades) <= settings.max_book_structures

    def volatility(self, state: StrategyState, number: int) -> float:
        return state.underlyings[0].implied.get(number, 0.2)

    def terms(self, state: StrategyState, number: int) -> tuple[float, float]:
        contract = state.underlyings[0].book.contracts[state.underlyings[0].book.row(number)]
        return float(contract["strike"]), float(contract["right"])

    def greeks_of(self, state: StrategyState, number: int) -> tuple[float, ...]:
        key = (number, self.volatility(state, number), math.nan, 0.0)
        if key not in self.worth:
            strike, right = self.terms(state, number)
            each = greeks(100.0, strike, RATE, 0.0, key[1], YEARS, right)
            self.worth[key] = tuple(float(getattr(each, name)) for name in ("delta", "gamma", "vega", "theta"))
        return self.worth[key]

    def price(self, state: StrategyState, number: int, spot: float, volatility: float, days: float) -> float:
        key = (number, volatility, spot, days)
        if key not in self.worth:
            strike, right = self.terms(state, number)
            self.worth[key] = (float(price(spot, strike, RATE, 0.0, volatility, YEARS - days / 365, right)),)
        return self.worth[key][0]

    def profit(
        self, state: StrategyState, held: dict[int, int], move: float, volatility_move: float, days: float
    ) -> float:
        made = held.get(0, 0) * 100.0 * move
        for number, quantity in held.items():
            if number:
                own = self.volatility(state, number)
                moved = self.price(state, number, 100.0 * (1 + move), own * (1 + volatility_move), days)
                made += quantity * 100 * (moved - self.price(state, number, 100.0, own, 0.0))
        return made

    def margin(self, state: StrategyState, held: dict[int, int]) -> float:
        """In decimals, as the embedded engine's account asks it."""
        book, listing = state.underlyings[0].book, Listing()
        listing.add(records(Kind.INSTRUMENT, instrument=0, underlying=0, symbol=b"TEST", multiplier=1))
        listing.add(book.contracts)
        legs = [
            Leg(listing[number], quantity, decimal(float(book.mid()[book.row(number)]) if number else 100.0))
            for number, quantity in held.items()
        ]
        return float(margin(legs, {0: decimal(100.0)}))

    def run(self, books: int, *, exits: bool = False) -> None:
        """Each book is opened in a few frames, of which the first leave fills over; in some of them trades may end."""
        made = 0
        while made < books:
            state, settings = state_of(), self.settings()
            for _ in range(int(self.draw.integers(1, 4))):
                if self.draw.random() < 0.5:  # a hedge of what is half filled is of a moment that no limit is for
                    self.fill(state, wholly=True)
                    measure(state, SETTINGS, NOW)
                    self.hedge(state)
                if exits:
                    self.end_some(state)
                proposals = self.proposals(state)
                wanted = [trade.quantity for trade in proposals]
                told = review(state, settings, proposals, NOW)
                state.open_trades(told.accepted)
                self.opened += len(told.accepted)
                self.refused += len(told.refused)
                self.cut += len(told.cut)
                assert all(trade.quantity > 0 for trade in told.accepted)
                assert [t.quantity for t in proposals if t in told.refused] == [
                    w for t, w in zip(proposals, wanted, strict=True) if t in told.refused
                ]
                self.fill(state, wholly=False)
                measure(state, SETTINGS, NOW)
            self.fill(state, wholly=True)
            measure(state, SETTINGS, NOW)
            if not exits:
                self.check(state, settings)
            self.hedge(state)  # which no limit stops
            if told.accepted or not exits:  # an exit that offset something may leave more, beside which none is opened
                self.check(state, settings)
            made += 1


def run(books: int, seed: int, *, exits: bool = False) -> None:
    made = Books(seed)
    made.run(books, exits=exits)
    assert min(made.cut, made.refused, made.opened) > books / 5  # limits do bind, and leave something


def test_no_limit_is_exceeded_after_trades() -> None:
    run(200, 1)


def test_no_limit_is_exceeded_by_what_is_opened_beside_what_ends() -> None:
    run(30, 26, exits=True)


@pytest.mark.slow
def test_no_limit_is_exceeded_by_what_is_opened_beside_what_ends_in_a_thousand_books() -> None:
    run(1_000, 4, exits=True)


@pytest.mark.slow
def test_no_limit_is_exceeded_after_trades_in_ten_thousand_books() -> None:
    run(10_000, 2)
