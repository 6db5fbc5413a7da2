"""Rates, yields and dividends along paths: values beside the pricer's own, a fair game, and money counted by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest

from alo_lib.learning import LearningError
from alo_lib.learning.carry import NO_CARRY, Carry, CarrySteps, Holding
from alo_lib.learning.episodes import Episodes
from alo_lib.learning.markets import STEPS_A_DAY, BlackScholes
from alo_lib.learning.positions import CONTRACTS, POSITIONS, SPOT, Costs, along, hedged, hedges_of, net_losses, paid_for
from alo_lib.learning.quoted_paths import QuotedPaths
from alo_lib.learning.scenarios import AMERICAN, Scenario
from alo_lib.learning.smile import Smile
from alo_lib.pricing import Dividends, greeks, price
from alo_lib.records import TRADING_DAYS
from alo_lib.strategy.hedging import MinimumVariance, WhalleyWilmott
from tests.learning.kit import COSTS, smile

UNITS = CONTRACTS * 100
FLAT = Smile(np.array([0.04]), np.tile([1.0, 0.0, 0.0], (21, 1, 1)))
RULE = MinimumVariance(WhalleyWilmott(1_500.0), 2.0)


@pytest.mark.parametrize(
    ("right", "dividend_yield", "amount", "bounds"),
    [
        (-1, 0.02, 0.0, (1e-5, 1e-5)),
        (1, 0.08, 0.0, (1e-5, 1e-5)),
        (-1, 0.0, 0.5, (0.06, 0.02)),
        (1, 0.0, 0.5, (0.21, 0.07)),
    ],
    ids=["put", "call", "put, dividend", "call, dividend"],
)
def test_values_are_those_of_the_pricer_alone(
    right: int, dividend_yield: float, amount: float, bounds: tuple[float, float]
) -> None:
    """Over moneyness, time and volatility: price in $ on a strike of 100, and delta."""
    worst = [0.0, 0.0]
    for day in (1, 3, 10, 19):
        for volatility in (0.12, 0.20, 0.45):
            years = day / TRADING_DAYS
            spots = SPOT * np.exp(np.linspace(-2.5, 2.5, 11) * volatility * math.sqrt(years))
            times = np.array([years, 0.4 * years, 0.0])
            ex = ((1, amount),) if amount else ()
            carry = CarrySteps(0.05, dividend_yield, ex, np.zeros(2))
            flat = Smile(np.array([volatility**2]), np.tile([1.0, 0.0, 0.0], (21, 1, 1)))
            quoted = QuotedPaths(flat, np.tile(spots, (3, 1)), np.full((3, 11), volatility**2), times, carry)
            ours = quoted.greeks(0, 100.0, right, quoted.quotes(0))
            alone = greeks(
                spots, 100.0, 0.05, dividend_yield, volatility, years, right, scheme="high_precision",
                dividends=Dividends(0.6 * years, amount, model="escrowed") if amount else None,
            )  # fmt: skip
            for n, name in enumerate(("price", "delta")):
                worst[n] = max(worst[n], float(np.abs(getattr(ours, name) - getattr(alone, name)).max()))
    assert worst[0] < bounds[0]
    assert worst[1] < bounds[1]


@pytest.mark.parametrize(
    ("position", "carry"),
    [
        ("short put", Carry(0.15)),
        pytest.param("short call", Carry(0.0, 0.15), marks=pytest.mark.slow),
        ("short call", Carry(0.03, 0.0, ((16, 1.0),))),
    ],
    ids=["put", "call", "call, dividend"],
)
def test_holders_who_exercise_take_what_was_paid_for_it(position: str, carry: Carry) -> None:
    """Hedged at each step and at no cost a position loses what it is worth less the premium.

    That is nothing but for a call before a dividend, whose quotes are a chain's, within what that is off; beside it the
    early premium, which a short position would earn if nobody exercised, is large.
    """
    book = hedged(POSITIONS[position], BlackScholes(), FLAT, 1_000, 3, carry=carry)
    assert book.account is not None
    value, growth, holding = book.account
    assert 0.05 < np.mean(np.any(holding.brought != 0.0, axis=0)) < 0.6
    hedges = -np.asarray(book.position.delta)
    paid = paid_for(hedges, value, np.zeros_like(value), Holding(0.0 * holding.lending, holding.brought))
    losses = (paid - book.premium - book.payoff) / UNITS
    error = float(np.std(losses)) / math.sqrt(losses.size)
    (leg,) = POSITIONS[position]
    years = np.arange(21 * STEPS_A_DAY, -1.0, -1.0) / (STEPS_A_DAY * TRADING_DAYS)
    carried = carry.steps(len(years) - 1)
    dividends = Dividends(*carried.ahead(0, years), model="escrowed") if carry.dividends else None
    terms = (SPOT, SPOT, carry.rate, carry.dividend_yield, 0.2, float(years[0]), leg.right)
    american, european = (price(*terms, style=style, dividends=dividends) for style in ("american", "european"))
    assert float(american - european) > 0.11
    assert error < 0.007
    assert np.mean(losses) == pytest.approx(american - book.premium / UNITS / growth[0, 0], abs=2.5 * error + 0.01)


def test_spots_go_by_the_rate_less_the_yield_and_fall_by_the_dividend() -> None:
    carry = Carry(0.05, 0.02, ((1, 0.75),))
    times = np.arange(2 * STEPS_A_DAY, -1.0, -1.0) / (STEPS_A_DAY * TRADING_DAYS)
    steps = carry.steps(len(times) - 1)
    spots = steps.spots(SPOT, np.ones((len(times), 1)), times)[:, 0]
    grown = math.exp(0.03 / (STEPS_A_DAY * TRADING_DAYS))
    assert spots[0] == SPOT
    for step, (before, after) in enumerate(pairwise(spots.tolist()), 1):
        falls = 0.75 if step == STEPS_A_DAY + 1 else 0.0
        assert after == pytest.approx(before * grown - falls, abs=1e-12)
    assert steps.forward(spots[:1], 0, times) == pytest.approx(spots[-1], abs=1e-12)
    assert carry.steps(STEPS_A_DAY).ex == ()


def test_money_is_counted_night_by_night() -> None:
    """As a broker books it: interest on cash less the value of short shares, the yield and dividends on shares."""
    carry, costs = Carry(0.10, 0.04, ((1, 0.3),)), Costs(0.001, fee=0.01)
    spots = np.full((2 * STEPS_A_DAY + 1, 2), SPOT)
    spots[3:, 0], spots[3:, 1] = 103.0, 97.5
    spots[STEPS_A_DAY + 1 :] -= 0.3
    steps = carry.steps(2 * STEPS_A_DAY)
    times = np.arange(2 * STEPS_A_DAY, -1.0, -1.0) / (STEPS_A_DAY * TRADING_DAYS) + 0.05
    book = along(POSITIONS["short straddle"], FLAT, spots, np.full_like(spots, 0.04), times, steps)
    assert book.account is not None
    assert not book.account.holding.brought.any()
    hedges, losses = hedges_of(book, WhalleyWilmott(20_000.0), costs), net_losses(book, WhalleyWilmott(20_000.0), costs)
    night, premium = 1.0 / TRADING_DAYS, book.premium / (1.0 + 0.10 / TRADING_DAYS) ** 2
    for path in (0, 1):
        cash, shares = premium, 0.0
        for step, spot in enumerate(spots[:-1, path].tolist()):
            wanted = float(hedges[step, path])
            cash -= shares * -0.3 if step == STEPS_A_DAY + 1 else 0.0
            cash -= (wanted - shares) * spot + abs(wanted - shares) * (0.001 * spot + 0.01)
            shares = wanted
            if step % STEPS_A_DAY == 0:
                cash += (cash - max(-shares, 0.0) * spot) * 0.10 * night + shares * spot * 0.04 * night
        spot = float(spots[-1, path])
        cash += shares * spot - abs(shares) * (0.001 * spot + 0.01) + float(book.payoff[path])
        assert losses[path] == pytest.approx(-cash / UNITS, abs=1e-9)
        assert (hedges[STEPS_A_DAY, path] > 0.0) == (path == 0)


def test_learning_sees_what_is_judged() -> None:
    for scenario in (AMERICAN[0], AMERICAN[2]):
        book = scenario.book(smile(), 60, 4)
        episodes = Episodes.of(book, scenario.costs, RULE)
        assert episodes.base_loss == pytest.approx(net_losses(book, RULE, scenario.costs), abs=0.02)
        plain = Episodes.of(scenario._replace(carry=NO_CARRY).book(smile(), 40, 4), COSTS, RULE)
        joined = Episodes.joined([plain, episodes])
        chosen = joined.some(np.array([2, 40, 99]))
        losses = chosen.losses(chosen.band(*np.zeros((2, 1, 1))).hedges())
        assert losses.tolist() == [plain.base_loss[2], episodes.base_loss[0], episodes.base_loss[59]]
        parts = np.concatenate([net_losses(part, RULE, scenario.costs) for part in book.sized(20).sized(10).parts()])
        assert parts == pytest.approx(net_losses(book, RULE, scenario.costs), abs=1e-9)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"rate": -0.01}, "rate is -0.01; allowed: 0 to 0.15"),
        ({"dividend_yield": math.nan}, "dividend_yield is nan; allowed: 0 to 0.15"),
        ({"dividends": ((9, 1.0), (3, 1.0))}, r"before days \[9, 3\]; allowed: ascending, from 1"),
        ({"dividends": ((0, 1.0),)}, r"before days \[0\]; allowed"),
        ({"dividends": ((3, 0.0),)}, r"dividends are \[0.0\]; allowed: above 0, together up to 20"),
    ],
)
def test_refuses_what_nobody_pays(numbers: dict[str, object], said: str) -> None:
    with pytest.raises(LearningError, match=said):
        Carry(**numbers)  # type: ignore[arg-type]


def test_refuses_a_dividend_that_only_the_quotes_at_the_end_would_know() -> None:
    scenario = Scenario(BlackScholes(), "short call", COSTS, 42, Carry(0.03, 0.0, ((30, 1.0),)))
    with pytest.raises(LearningError, match="a dividend goes ex before day 30 of 42; allowed: up to day 20"):
        scenario.book(FLAT, 2, 1)


def test_a_scenario_tells_its_carry() -> None:
    told = [each.name for each in AMERICAN]
    assert told[0] == "Heston, short put, 5 bp, rate 5 %"
    assert told[2] == "Heston, short call, 10 bp, rate 3 %, $ 1 before day 16"
    assert Scenario(BlackScholes(), "short put", COSTS).name == "Black-Scholes, short put, 10 bp"
