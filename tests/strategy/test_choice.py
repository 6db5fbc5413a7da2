"""The choice for the whole book at once: against every book there is, ties, limits, and what it tells."""

from itertools import product

import numpy as np
import pytest

from alo_lib.records import ENTRY_LIMITS, HaltCause, Kind, OrderReason, Records, Stage, records
from alo_lib.settings import Settings
from alo_lib.strategy import choice
from alo_lib.strategy.book_risk import holdings_with
from alo_lib.strategy.choice import Program, chosen_trades, is_kept, solve
from alo_lib.strategy.entries import new_trade
from alo_lib.strategy.exposure import measure
from alo_lib.strategy.limits import limits_of, review
from alo_lib.strategy.linear_limits import linear_limits
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.structures import STRUCTURES
from tests.strategy.kit import CALLS, NOW, PUTS, SETTINGS, hold, signal_of, state_of
from tests.strategy.test_limits import vega_of
from tests.strategy.test_limits_hold import Books

ROOMY: dict[str, object] = {
    "choice": "whole_book",
    "max_structures": 50,
    "max_vega": 0.5,
    "max_margin": 1.0,
    "max_delta": 100.0,
    "max_gamma": 100.0,
    "max_theta": 1.0,
    "max_notional": 10_000.0,
    "max_stress_loss": 10.0,
    "max_gap_loss": 10.0,
}
"""Limits that nothing small comes near."""


def signals_of(edges: list[float], directions: list[int], vega: float = 3000.0) -> Records:
    """A straddle at each strike in turn, with that edge, money."""
    rows = [signal_of(strike, direction, vega=vega) for strike, direction in enumerate(directions)]
    table: Records = np.concatenate(rows)
    table["edge"] = edges
    return table


def random_program(draw: np.random.Generator) -> Program:
    n = int(draw.integers(1, 6))
    groups = np.ones((1, n), np.int64)
    return Program(
        worth=draw.integers(-50, 400, n),
        most=draw.integers(0, 4, n),
        each=draw.integers(0, 40, (4, n)),
        left=draw.integers(0, 160, 4),
        exclusive=draw.random((2, n)) < 0.4,
        groups=groups,
        room=draw.integers(0, n + 1, 1),
    )


def every_book(program: Program) -> list[tuple[int, tuple[int, ...]]]:
    """What each book that keeps a program is worth, by plain loops, the best first."""
    found = []
    for book in product(*(range(most + 1) for most in program.most.tolist())):
        taken = [quantity > 0 for quantity in book]
        keeps = all(
            sum(a * q for a, q in zip(row, book, strict=True)) <= left
            for row, left in zip(program.each.tolist(), program.left.tolist(), strict=True)
        )
        keeps &= all(sum(map(bool.__and__, taken, group)) <= 1 for group in program.exclusive.tolist())
        keeps &= sum(taken) <= int(program.room[0])
        if keeps:
            found.append((sum(w * q for w, q in zip(program.worth.tolist(), book, strict=True)), book))
    return sorted(found, reverse=True)


def test_what_is_chosen_is_worth_the_most_of_all_books() -> None:
    draw, binding = np.random.default_rng(5), 0
    for _ in range(120):
        program = random_program(draw)
        books, found = every_book(program), solve(program)
        assert found is not None
        assert is_kept(program, found)
        assert int(program.worth @ found) == books[0][0]
        if len(books) == 1 or books[0][0] > books[1][0]:
            assert tuple(found.tolist()) == books[0][1]
        binding += bool(np.any(found[program.worth > 0] < program.most[program.worth > 0]))
    assert binding > 60


def test_it_is_the_best_book_of_which_every_part_keeps_the_limits_themselves() -> None:
    assert sum(is_best_of_all(seed) for seed in range(8)) > 4


def is_best_of_all(seed: int) -> bool:
    """Ask the limits as review asks them, of every combination, without the linear rows. Returns whether they bind."""
    draw = np.random.default_rng(seed)
    state = state_of()
    hold(state, direction=int(draw.choice([-1, 1])), quantity=6, strike=4)
    measure(state, SETTINGS, NOW)
    settings = Settings(
        **ROOMY
        | {
            "vega_budget": 0.0001 * 3,  # three structures
            "max_vega": float(draw.uniform(0.0002, 0.0004)),
            "max_gamma": float(draw.uniform(0.006, 0.014)),
            "max_stress_loss": float(draw.uniform(0.01, 0.025)),
        }
    )
    signals = signals_of(draw.uniform(50, 400, 4).round(2).tolist(), draw.choice([-1, 1], 4).tolist(), vega=10_000.0)
    limits = limits_of(state, settings, {leg for row in signals for leg in (int(row["leg1"]), int(row["leg2"]))}, NOW)

    def keeps(book: tuple[int, ...]) -> bool:
        trades = [new_trade(state, row, q, NOW) for row, q in zip(signals, book, strict=True) if q]
        return limits.exceeded(holdings_with(state, trades)) is None

    kept = {book: keeps(book) for book in product(range(4), repeat=4)}
    best = 0.0
    for book in kept:
        if all(kept[part] for part in product(*(range(quantity + 1) for quantity in book))):
            best = max(best, float(signals["edge"] @ np.array(book)))
    trades = chosen_trades(state, settings, signals, NOW)
    assert sum(float(trade.signal["edge"][0]) * trade.quantity for trade in trades) == pytest.approx(best, abs=0.15)
    return sum(kept.values()) < len(kept)


def test_equal_edges_go_by_identifiers_in_whichever_order_they_come() -> None:
    signals = signals_of([200.0] * 5, [-1] * 5)
    settings = Settings(**ROOMY | {"max_structures": 2})
    for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]):
        trades = chosen_trades(state_of(), settings, signals[order], NOW)
        assert sorted(trade.legs for trade in trades) == [(CALLS[0], PUTS[0]), (CALLS[1], PUTS[1])]
    signals["edge"][4] += 0.01  # a cent is more than a tie
    legs = sorted(trade.legs for trade in chosen_trades(state_of(), settings, signals, NOW))
    assert legs == [(CALLS[0], PUTS[0]), (CALLS[4], PUTS[4])]


def test_two_good_trades_beat_the_best_one_that_has_a_leg_of_both() -> None:
    straddles = signals_of([300.0, 200.0, 200.0], [-1, -1, -1])
    straddles["leg1"][0], straddles["leg2"][0] = CALLS[1], PUTS[2]  # the best shares a leg with each of the others
    trades = chosen_trades(state := state_of(), Settings(**ROOMY), straddles, NOW)
    assert [trade.legs for trade in trades] == [(CALLS[1], PUTS[1]), (CALLS[2], PUTS[2])]
    assert state.underlyings[0].funnel["leg_held"] == 1


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({"max_structures": 1}, "max_structures"),
        ({"max_book_structures": 1}, "max_book_structures"),
        ({"max_vega": 0.0001}, "max_vega"),
        ({"max_stress_loss": 1e-4}, "max_stress_loss"),
        ({"vega_budget": 1e-6}, "vega_budget"),
        ({"participation": 0.01}, "participation"),
    ],
)
def test_what_stops_the_others_is_counted(settings: dict[str, float], limit: str) -> None:
    state = state_of()
    trades = chosen_trades(state, Settings(**ROOMY | settings), signals_of([200.0, 300.0], [-1, -1]), NOW)
    assert len(trades) < 2
    assert [name for name in ENTRY_LIMITS if state.underlyings[0].funnel[name]] == [limit]


def test_a_book_beyond_a_limit_opens_nothing() -> None:
    state = state_of()
    hold(state, quantity=40)
    measure(state, SETTINGS, NOW)
    settings = Settings(**ROOMY | {"max_vega": 0.0001})
    assert chosen_trades(state, settings, signals_of([200.0], [1]), NOW) == []
    assert state.underlyings[0].funnel["max_vega"] == 1


def test_a_search_that_finds_nothing_opens_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "is_kept", lambda *_: False)
    state = state_of()
    for _ in range(2):
        assert chosen_trades(state, Settings(**ROOMY), signals_of([200.0], [-1]), NOW) == []
    assert [text for _, text in state.notices] == ["TEST: not opened, no book was found in 1000 nodes"]
    assert state.underlyings[0].funnel["choice_search"] == 2  # frames


def stops_of(state: StrategyState) -> dict[str, int]:
    return {
        name: int(state.underlyings[0].funnel[name][0]) for name in ENTRY_LIMITS if state.underlyings[0].funnel[name]
    }


def test_a_candidate_that_is_worth_less_than_a_cent_is_told_so() -> None:
    for edge in (-300.0, 0.0, 0.004):
        state, settings = state_of(), Settings(**ROOMY | {"entry_edge": -1.0})
        assert chosen_trades(state, settings, signals_of([edge], [-1]), NOW) == []
        assert stops_of(state) == {"choice_worth": 1}


def test_candidates_beyond_the_most_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_MOST_CANDIDATES", 2)
    state, signals = state_of(), signals_of([200.0, 300.0, 250.0], [-1, -1, -1])
    signals["edge_volatility"] = [0.05, 0.03, 0.04]
    trades = chosen_trades(state, Settings(**ROOMY), signals, NOW)
    assert [trade.legs for trade in trades] == [(CALLS[row], PUTS[row]) for row in (0, 2)]
    assert stops_of(state) == {"choice_candidates": 1}


def test_no_candidate_goes_without_a_reason() -> None:
    """However the book, the settings and the edges are drawn: what is not chosen is counted, each by itself."""
    made = Books(5)
    for _ in range(60):
        settings = made.settings().model_copy(update={"max_structures": 2, "entry_edge": -1.0})
        signals = found_signals(state_of(), made.draw)
        signals["edge"] += made.draw.uniform(-200.0, 0.0, len(signals))
        state = state_of()
        trades = chosen_trades(state, settings, signals, NOW)
        assert len(trades) == len(signals) or stops_of(state)
        for place in range(len(signals)):
            alone = state_of()
            chosen = chosen_trades(alone, settings, signals[[place]], NOW)
            assert bool(chosen) is not bool(stops_of(alone))


def test_where_a_host_decides_risk_no_limit_of_the_book_is_asked() -> None:
    ours = Settings(**ROOMY | {"max_vega": 1e-6, "max_margin": 1e-6, "max_stress_loss": 1e-6, "max_book_structures": 1})
    state = state_of()
    assert chosen_trades(state, ours, signals_of([200.0, 300.0], [-1, -1]), NOW) == []
    assert stops_of(state) == {"max_vega": 1}
    state = state_of()
    state.external.assign(records(Kind.EXTERNAL_STAGE, stage=Stage.RISK, external=1))
    trades = chosen_trades(state, ours, signals_of([200.0, 300.0], [-1, -1]), NOW)
    free = chosen_trades(state_of(), Settings(**ROOMY), signals_of([200.0, 300.0], [-1, -1]), NOW)
    assert [(trade.legs, trade.quantity) for trade in trades] == [(trade.legs, trade.quantity) for trade in free]
    assert len(trades) == 2
    one = ours.model_copy(update={"max_structures": 1})
    assert len(chosen_trades(state, one, signals_of([200.0, 300.0], [-1, -1]), NOW)) == 1  # no limit of risk
    assert stops_of(state) == {"max_structures": 1}


@pytest.mark.parametrize("cause", HaltCause)
def test_nothing_is_solved_while_a_halt_refuses_all(cause: HaltCause, monkeypatch: pytest.MonkeyPatch) -> None:
    def solved(program: Program) -> None:
        raise AssertionError(f"{program} was solved")

    monkeypatch.setattr(choice, "solve", solved)
    state = state_of()
    state.halts.add(cause)
    assert chosen_trades(state, Settings(**ROOMY), signals_of([200.0], [-1]), NOW) == []
    expected = {HaltCause.DRAWDOWN: "max_drawdown", HaltCause.DAILY_LOSS: "max_daily_loss"}.get(cause, "halt")
    assert stops_of(state) == {expected: 1}


def two_names() -> StrategyState:
    """The kit's underlying, and another whose contracts have numbers from 12 on; some of each is held."""
    state, other = state_of(), state_of(volatility=0.25)
    second = other.underlyings[0]
    second.book.instrument, second.book.ticker = 11, "OTHER"
    contracts, quotes = second.book.contracts.copy(), second.book.quotes.copy()
    contracts["instrument"] += 11
    quotes["instrument"] += 11
    second.book.list_contracts(contracts)
    second.book.take_quotes(quotes, NOW)
    state.underlyings[11] = second
    state.underlying_of |= dict.fromkeys(range(11, 22), 11)
    hold(state, quantity=3, strike=4)
    measure(state, SETTINGS, NOW)
    return state


def test_the_rows_of_two_names_are_what_the_limits_say_of_each_candidate() -> None:
    state, settings = two_names(), Settings(**ROOMY | {"max_underlying_share": 0.5})
    signals = signals_of([200.0, 200.0, 200.0, 200.0], [-1, 1, 1, -1])
    for name in ("leg1", "leg2", "underlying"):
        signals[name][[0, 2]] += 11
    legs = {int(signals[name][i]) for name in ("leg1", "leg2") for i in range(4)}
    limits = limits_of(state, settings, legs, NOW)
    base = holdings_with(state, ())
    rows = list(linear_limits(limits, base, signals, np.full(4, 2)))
    for i in range(4):
        with_one = limits.uses(holdings_with(state, [new_trade(state, signals[i], 2, NOW)]))
        told: dict[tuple[str, float], float] = {}
        for row in rows:
            used = row.used + 2.0 * row.each[i]
            told.setdefault((row.name, round(row.allowed, 6)), -np.inf)
            told[row.name, round(row.allowed, 6)] = max(told[row.name, round(row.allowed, 6)], used)
        exact: dict[tuple[str, float], float] = {}
        for use in with_one:
            key = use.limit.name, round(use.allowed, 6)
            exact[key] = max(exact.get(key, -np.inf), use.used)
        for key, used in exact.items():
            if key[0] == "max_book_structures":
                continue
            assert told[key] >= used - 1e-6
            if key[0] == "max_notional":  # which nothing offsets
                assert told[key] == pytest.approx(used, rel=1e-9)


def test_two_names_choose_together() -> None:
    state = two_names()
    signals = signals_of([200.0, 300.0, 250.0, 100.0], [-1, -1, -1, -1])
    for name in ("leg1", "leg2", "underlying"):
        signals[name][[0, 2]] += 11
    roomy = {"max_vega": 0.5, "max_structures": 2, "max_book_structures": 3}  # one trade is held
    trades = chosen_trades(state, Settings(**ROOMY | roomy), signals, NOW)
    assert [(trade.underlying, trade.legs) for trade in trades] == [
        (0, (CALLS[1], PUTS[1])),
        (11, (CALLS[2] + 11, PUTS[2] + 11)),
    ]


def test_review_cuts_of_what_was_chosen_in_300_books_only_what_breaks_up_spreads() -> None:
    made, opened, stopped, cut = Books(11), 0, 0, 0
    for _ in range(150):
        state, settings = state_of(), made.settings()
        for _ in range(2):
            signals = found_signals(state, made.draw)
            trades = chosen_trades(state, settings.model_copy(update={"max_structures": 5}), signals, NOW)
            told = review(state, settings, trades, NOW)
            backwards = [new_trade(state, t.signal[0], t.quantity, NOW) for t in reversed(trades)]
            again = review(state, settings.model_copy(update={"max_margin": 1.0}), backwards, NOW)
            assert (len(again.accepted), again.cut, again.refused) == (len(trades), [], [])
            if told.cut or told.refused:  # margin, which is no sum
                assert "exceed max-margin" in state.notices[-1][1]
                cut += 1
            opened, stopped = opened + len(trades), stopped + (len(trades) < len(signals))
            state.open_trades(told.accepted)
            made.fill(state, wholly=False)
            measure(state, SETTINGS, NOW)
    assert opened > 150
    assert stopped > 150
    assert cut <= 2


def found_signals(state: StrategyState, draw: np.random.Generator) -> Records:
    """Straddles, verticals and butterflies at random strikes, either side, at random edges."""
    rows = []
    for _ in range(int(draw.integers(1, 8))):
        low, high = sorted(draw.choice(5, 2, replace=False).tolist())
        row = signal_of(low, int(draw.choice([-1, 1])), vega=float(draw.uniform(500, 6000)))
        kind = draw.choice(["straddle", "vertical", "iron-butterfly"])
        if kind == "vertical":
            row["leg2"] = CALLS[high]
        elif kind == "iron-butterfly" and 0 < low < 4:
            row["legs"], row["leg3"], row["leg4"] = 4, CALLS[4], PUTS[0]
            row["ratio3"] = row["ratio4"] = -1
        if kind == "vertical":
            row["ratio2"] = -1
        row["structure"], row["edge"] = kind, draw.uniform(10, 500)
        rows.append(row)
    assert {bytes(row["structure"][0]).decode() for row in rows} <= STRUCTURES.keys()
    return np.concatenate(rows)


@pytest.mark.parametrize("ends", [False, True])
def test_what_is_to_be_closed_offsets_no_candidate(ends: bool) -> None:
    state, room = state_of(), 10.5 * vega_of(0)
    trade = hold(state, direction=1, quantity=4, strike=4)
    measure(state, SETTINGS, NOW)
    if ends:
        trade.undo(OrderReason.EXIT_STOP)
    (chosen,) = chosen_trades(state, Settings(**ROOMY | {"max_vega": room / 1e6}), signals_of([200.0], [-1]), NOW)
    assert chosen.quantity == int((room + (0 if ends else 4 * vega_of(4))) / vega_of(0))
