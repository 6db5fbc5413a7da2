"""Hedging rules: widths by other ways than the code's, what is done beyond a band, and what a rule is shown."""

import math
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.pricing import price
from alo_lib.records import MINUTE, Kind, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.exposure import measure
from alo_lib.strategy.hedging import (
    HEDGING_RULES,
    AdjustedRule,
    Band,
    DeltaBand,
    HedgedPosition,
    HedgingRule,
    MinimumVariance,
    WhalleyWilmott,
    hedging_rule,
    shares_wanted,
    toward_band,
)
from alo_lib.strategy.smile_slope import SlopeLooks, slope_through, smile_slopes
from alo_lib.strategy.targets import hedge_wanted
from alo_lib.strategy.valuation import quote_volatility
from tests.strategy.kit import CALLS, DAY, HOUR, NOW, POSITION, PUTS, RATE, hold, state_of

EXPIRY = NOW + 45 * DAY

EVERY_RULE: list[HedgingRule] = [
    DeltaBand(0.02),
    DeltaBand(0.02, to_edge=True),
    WhalleyWilmott(100.0),
    MinimumVariance(WhalleyWilmott(100.0), 2.0),
]


def _scaled(position: HedgedPosition, factor: float) -> HedgedPosition:
    extensive = ("delta", "gamma", "vega", "theta", "vega_skew", "contracts", "order_fee")
    return replace(position, **{name: factor * getattr(position, name) for name in extensive})


@pytest.mark.parametrize(
    ("shares", "delta", "contracts", "wanted"),
    [
        *((0, 19.0, 10, 0), (0, 21.0, 10, -21), (-21, 30.4, 10, -21), (-21, 41.6, 10, -42), (-21, 0.0, 0, 0)),
        *((-21, np.nan, 10, -21), (-21, np.nan, 0, 0), (30, -np.inf, 1, 30)),  # a delta that cannot be told
    ],
)
def test_a_delta_band_goes_to_neutral_from_beyond_it(shares: int, delta: float, contracts: int, wanted: int) -> None:
    position = replace(POSITION, delta=delta, contracts=float(contracts))
    assert shares_wanted(shares, position, hedging_rule(Settings(hedge="delta_band"))) == wanted


@pytest.mark.parametrize(
    ("shares", "centre", "half_width", "wanted"),
    [
        *((0, 30.4, 10.0, 21), (50, 30.4, 10.0, 40), (21, 30.4, 10.0, 21), (-7, -30.4, 10.0, -21)),
        *((0, 30.4, 0.1, 30), (99, 30.4, 0.1, 30), (30, 30.4, 0.0, 30)),  # a band without a whole share
        *((0, np.nan, 1.0, 0), (5, 30.4, np.nan, 5), (5, 30.4, np.inf, 5)),
    ],
)
def test_to_the_edge_is_to_the_first_whole_share_within(
    shares: int, centre: float, half_width: float, wanted: int
) -> None:
    assert toward_band(shares, Band(centre, half_width, half_width)) == wanted


@pytest.mark.parametrize(("log_moneyness", "clamped", "neutral"), [(-0.05, 0.2946, 0.2239), (0.05, 0.7284, 0.7945)])
def test_whalley_wilmott_s_width_is_that_of_pfhedge_s_documentation(
    log_moneyness: float, clamped: float, neutral: float
) -> None:
    """Its example: strike 1, costs 0.00001, risk aversion 1, a tenth of a year, 20 %; 0.5 held, taken to the edge."""
    spot = math.exp(log_moneyness)
    d1 = log_moneyness / (0.2 * math.sqrt(0.1)) + 0.1 * math.sqrt(0.1)
    assert norm.cdf(d1) == pytest.approx(neutral, abs=6e-5)
    position = replace(
        POSITION,
        delta=100.0 * norm.cdf(d1),
        gamma=100.0 * norm.pdf(d1) / (spot * 0.2 * math.sqrt(0.1)),
        contracts=1.0,
        spot=spot,
        rate=0.0,
        half_spread=0.4e-5 * spot,
        fee=0.6e-5 * spot,
    )
    band = WhalleyWilmott(spot).band(position)  # relative to the spot
    assert float(band.half_width) == pytest.approx(100.0 * abs(clamped - neutral), abs=0.011)


def test_whalley_wilmott_s_width_solves_its_cubic() -> None:
    """Of each share: a w^3 = 3/2 e^(-r tau) c S gamma^2, with the aversion a as a number over the spot."""
    width = float(WhalleyWilmott(250.0).band(POSITION).half_width) / 2_000.0
    gamma = 70.0 / 2_000.0
    assert 250.0 / 100.0 * width**3 == pytest.approx(1.5 * math.exp(-0.003) * 0.025 * gamma**2, rel=1e-12)


def test_a_width_is_nothing_without_costs_or_gamma_and_unknown_with_an_unknown_one() -> None:
    rule = WhalleyWilmott(100.0)
    assert rule.band(replace(POSITION, half_spread=0.0, fee=0.0)).half_width == 0.0
    assert rule.band(replace(POSITION, gamma=0.0)).half_width == 0.0
    assert math.isnan(float(rule.band(replace(POSITION, gamma=np.nan)).half_width))
    assert shares_wanted(-7, replace(POSITION, gamma=np.nan), rule) == -7


@pytest.mark.parametrize("order_fee", [0.0, 1.0])
@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
def test_a_position_scaled_by_n_has_its_band_scaled_by_n(rule: HedgingRule, order_fee: float) -> None:
    """What an order costs at least, too."""
    position = replace(POSITION, order_fee=order_fee)
    one, many = rule.band(position), rule.band(_scaled(position, 7.0))
    assert np.allclose(7.0 * np.array(one), np.array(many), rtol=1e-12)


@pytest.mark.parametrize("order_fee", [0.0, 1.0])
@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
def test_a_split_of_the_shares_leaves_the_band_in_deltas(rule: HedgingRule, order_fee: float) -> None:
    """Twice the contracts on shares of half the price, each half as wide, are the same position."""
    position = replace(POSITION, order_fee=order_fee)
    split = replace(
        position,
        delta=2.0 * POSITION.delta,
        gamma=4.0 * POSITION.gamma,
        contracts=40.0,
        spot=50.0,
        half_spread=0.01,
        fee=0.0025,
    )
    assert np.allclose(2.0 * np.array(rule.band(position)), np.array(rule.band(split)), rtol=1e-12)


def test_minimum_variance_adds_what_the_spot_does_to_volatility() -> None:
    """By bumping the spot of an option on a smile that stays where it is, or moves as the stickiness says."""
    spot, strike, slope, years = 100.0, 103.0, -0.4, 0.1

    def value(now: float, stickiness: float) -> float:
        volatility = 0.25 + slope * math.log(strike / spot) + (stickiness - 1.0) * slope * math.log(now / spot)
        return float(price(now, strike, 0.0, 0.0, volatility, years, 1, style="european"))

    h = 0.01
    vega = (
        100.0
        * (
            float(price(spot, strike, 0.0, 0.0, 0.25 + slope * math.log(1.03) + 1e-4, years, 1, style="european"))
            - float(price(spot, strike, 0.0, 0.0, 0.25 + slope * math.log(1.03) - 1e-4, years, 1, style="european"))
        )
        / 2e-4
    )
    fixed = 100.0 * (value(spot + h, 1.0) - value(spot - h, 1.0)) / (2.0 * h)
    for stickiness in (0.0, 1.0, 2.0):
        moved = 100.0 * (value(spot + h, stickiness) - value(spot - h, stickiness)) / (2.0 * h)
        position = replace(POSITION, delta=fixed, vega=vega, vega_skew=vega * slope, contracts=1.0)
        centre = float(MinimumVariance(DeltaBand(0.1), stickiness).band(position).centre)
        assert -centre == pytest.approx(moved, abs=1e-3)
    assert MinimumVariance(DeltaBand(0.1), 2.0).band(replace(POSITION, vega_skew=0.0)) == DeltaBand(0.1).band(POSITION)


@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
def test_a_policy_of_zeros_is_its_rule_and_others_shift_and_scale_it(rule: HedgingRule) -> None:
    assert AdjustedRule(rule, lambda position, band: (0.0, 0.0)).band(POSITION) == rule.band(POSITION)
    centre, half_width, target = AdjustedRule(rule, lambda position, band: (0.01, math.log(3.0))).band(POSITION)
    base = rule.band(POSITION)
    assert float(centre) == pytest.approx(float(base.centre) + 20.0)  # a hundredth of 2,000 shares
    assert float(half_width) == pytest.approx(3.0 * float(base.half_width))
    assert float(target) == pytest.approx(3.0 * float(base.target))


@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
def test_paths_at_once_are_the_paths_one_by_one(rule: HedgingRule) -> None:
    generator = np.random.default_rng(3)
    many = {each.name: getattr(POSITION, each.name) * generator.uniform(0.5, 2.0, 50) for each in fields(POSITION)}
    many["contracts"] = np.round(many["contracts"])
    many["contracts"][:3] = 0.0
    shares = generator.integers(-900, 900, 50).astype(np.float64)
    together = shares_wanted(shares, HedgedPosition(**many), rule)
    alone = [
        float(shares_wanted(float(shares[path]), HedgedPosition(**{k: float(v[path]) for k, v in many.items()}), rule))
        for path in range(50)
    ]
    assert together.tolist() == alone


def test_every_choice_is_a_rule() -> None:
    assert {*HEDGING_RULES, "policy"} == set(get_args(Settings.model_fields["hedge"].annotation))
    assert hedging_rule(Settings(hedge="whalley_wilmott", risk_aversion=7.0)) == WhalleyWilmott(7.0)
    chosen = hedging_rule(Settings(hedge="minimum_variance", risk_aversion=7.0, skew_stickiness=1.5))
    assert chosen == MinimumVariance(WhalleyWilmott(7.0), 1.5)


def test_the_error_of_hedging_at_each_moment_is_boyle_and_emanuel_s() -> None:
    """Their variance of a step, (S^2 gamma s^2 dt)^2 / 2, summed over a month of a call at the money by quadrature."""
    volatility, steps, years, paths = 0.2, 120, 1.0 / 12.0, 6_000
    dt, generator, rule = years / steps, np.random.default_rng(8), DeltaBand(1e-12)

    def d1(spot: np.ndarray, left: float) -> np.ndarray:
        return np.asarray(np.log(spot / 100.0) / (volatility * math.sqrt(left)) + 0.5 * volatility * math.sqrt(left))

    nodes = np.linspace(-8.0, 8.0, 1601)
    weights = norm.pdf(nodes) * (nodes[1] - nodes[0])
    variance, spot, shares, gained = 0.0, np.full(paths, 100.0), np.zeros(paths), np.zeros(paths)
    for step in range(steps):
        time, left = step * dt, years - step * dt
        at = 100.0 * np.exp(volatility * math.sqrt(time) * nodes - 0.5 * volatility**2 * time)
        cash_gamma = at * norm.pdf(d1(at, left)) / (volatility * math.sqrt(left))
        variance += 0.5 * float(weights @ np.square(cash_gamma * volatility**2 * dt))
        position = replace(POSITION, delta=-1e5 * norm.cdf(d1(spot, left)), contracts=1e3)  # of a thousand calls sold
        shares = shares_wanted(shares, position, rule)
        after = spot * np.exp(volatility * math.sqrt(dt) * generator.standard_normal(paths) - 0.5 * volatility**2 * dt)
        gained += shares * (after - spot)
        spot = after
    error = gained / 1e5 - np.maximum(spot - 100.0, 0.0)
    assert float(np.std(error)) == pytest.approx(math.sqrt(variance), rel=0.04)


def test_the_document_s_rule_is_wider_where_gamma_is_short() -> None:
    text = (Path(__file__).parents[2] / "docs" / "hedging.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found: dict[str, Any] = {"shares": 0.0, "position": POSITION}
    exec(compile(snippet, "docs/hedging.md", "exec"), found)
    base = WhalleyWilmott(1000.0).band(POSITION)
    made = found["wider_when_short"].band(POSITION)
    assert float(made.half_width) == pytest.approx(math.exp(0.2) * float(base.half_width))
    assert found["wanted"] == -math.ceil(321.4 - float(made.half_width))


# What a core shows its rule ------------------------------------------------------------------------------------------


def test_a_rule_is_shown_what_is_held_and_what_shares_cost() -> None:
    state = state_of()
    hold(state, direction=-1, quantity=5)
    measure(state, Settings(hedge="delta_band"), NOW)
    hedged, exposure = state.underlyings[0].hedged, state.underlyings[0].exposure[0]
    assert hedged is not None
    for name in ("delta", "gamma", "vega", "theta"):
        assert getattr(hedged, name) == pytest.approx(float(exposure[name]), rel=1e-12)
    assert (hedged.contracts, hedged.spot, hedged.rate, hedged.fee) == (10.0, 100.0, RATE, 0.005)
    assert hedged.half_spread == pytest.approx(0.01)
    assert hedged.implied == pytest.approx(0.3, abs=1e-6)
    assert hedged.forecast == 0.2
    assert hedged.time_to_expiry == pytest.approx(45.0 / 365.0)
    assert hedged.vega_skew == 0.0


def test_without_a_quote_of_the_shares_they_cost_the_fee() -> None:
    state = state_of()
    hold(state)
    state.underlyings[0].book.quote["bid"] = np.nan
    state.underlyings[0].book.take_trade(100.0, NOW)
    measure(state, Settings(fee_per_share=0.03), NOW)
    hedged = state.underlyings[0].hedged
    assert hedged is not None
    assert (hedged.half_spread, hedged.fee) == (0.0, 0.03)


def test_greeks_of_the_hedge_at_the_forecast() -> None:
    """A strangle's delta at 20 % instead of 30 %, by bumping prices."""
    state = state_of()
    state.portfolio.fill(CALLS[3], 4, 1.0, 100, 0.0)
    measure(state, Settings(hedge_volatility="forecast"), NOW)
    hedged, years, h = state.underlyings[0].hedged, 45.0 / 365.0, 0.01
    assert hedged is not None
    for name, volatility in (("implied", 0.3), ("forecast", 0.2)):
        measure(state, Settings(hedge_volatility=name), NOW)
        hedged = state.underlyings[0].hedged
        assert hedged is not None
        up, down = (float(price(100.0 + x, 105.0, RATE, 0.0, volatility, years, 1)) for x in (h, -h))
        assert hedged.delta == pytest.approx(400.0 * (up - down) / (2.0 * h), abs=0.05)


def test_where_nothing_can_be_measured_the_hedge_stays() -> None:
    state = state_of()
    hold(state)
    state.portfolio.fill(0, 123, 100.0, 1, 0.0)
    state.underlyings[0].book.quotes["bid"] = np.nan
    state.underlyings[0].forecast = {}
    measure(state, Settings(), NOW)
    assert state.underlyings[0].hedged is None
    assert hedge_wanted(state, Settings(), 0) == 123


def test_the_slope_is_the_planted_one_and_a_wrong_forward_moves_it_little() -> None:
    moneyness = np.log(np.repeat([0.92, 0.96, 1.0, 1.04, 1.08], 2))
    right = np.tile(np.array([-1, 1], np.int8), 5)
    assert slope_through(moneyness, 0.3 - 0.35 * moneyness + 0.02 * right, right) == pytest.approx(-0.35)
    assert math.isnan(slope_through(moneyness[:2], np.array([0.3, 0.31]), right[:2]))
    assert math.isnan(slope_through(moneyness[:0], moneyness[:0], right[:0]))


def test_the_smile_s_slope_is_read_from_the_chain_and_used_by_minimum_variance() -> None:
    state, settings = state_of(), Settings(hedge="minimum_variance")
    book = state.underlyings[0].book
    moneyness = np.log(book.contracts["strike"] / 100.0)
    fair = price(
        100.0, book.contracts["strike"], RATE, 0.0, 0.3 - 0.2 * moneyness, 45.0 / 365.0, book.contracts["right"]
    )
    quotes = records(Kind.QUOTE, len(fair), instrument=book.contracts["instrument"], bid_size=50, ask_size=50)
    quotes["bid"], quotes["ask"] = fair - 0.01, fair + 0.01
    book.take_quotes(quotes, NOW)
    slopes = smile_slopes(book, {EXPIRY: 0.3, EXPIRY + DAY: 0.3}, settings, RATE, NOW)
    assert slopes[EXPIRY] == pytest.approx(-0.2, abs=1e-4)
    assert math.isnan(slopes[EXPIRY + DAY])
    hold(state, direction=-1, quantity=5, strike=3)
    measure(state, settings, NOW)
    hedged = state.underlyings[0].hedged
    assert hedged is not None
    assert hedged.vega_skew == pytest.approx(-0.2 * float(hedged.vega), rel=1e-3)
    shift = hedge_wanted(state, settings, 0) - hedge_wanted(state, Settings(hedge="whalley_wilmott"), 0)
    # Volatility falls as the spot rises, so that what is short of it moves less like a short share: fewer are held.
    assert shift == pytest.approx(-float(hedged.vega_skew) / 100.0, abs=2.0)
    assert state.notices == []


def test_looks_at_a_slope_count_less_as_they_age() -> None:
    """Weights fall by 1 / e in half an hour; a look that tells none changes nothing, and one night leaves the last."""
    minutes, seen = np.array([0, 1, 2, 30, 31, 90]), np.array([-0.2, -0.3, 0.1, -0.25, -0.1, -0.4])
    looks = SlopeLooks()
    assert math.isnan(looks.slope)
    for minute, each in zip(minutes.tolist(), seen.tolist(), strict=True):
        looks.take(NOW + minute * MINUTE, each)
        looks.take(NOW + minute * MINUTE, math.nan)
    assert looks.slope == pytest.approx(np.average(seen, weights=np.exp((minutes - 90) / 30)), rel=1e-12)
    looks.take(NOW + 20 * HOUR, 0.5)
    assert looks.slope == pytest.approx(0.5, abs=1e-12)


def test_of_many_strikes_a_few_tell_the_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    state, asked = state_of(), []
    book = state.underlyings[0].book

    def counted(book: MarketBook, rows: Any, rate: float, time: int) -> Any:
        asked.append(book.contracts["strike"][rows].tolist())
        return quote_volatility(book, rows, rate, time)

    monkeypatch.setattr("alo_lib.strategy.smile_slope.quote_volatility", counted)
    monkeypatch.setattr("alo_lib.strategy.smile_slope._STRIKES", 3)
    assert smile_slopes(book, {EXPIRY: 0.31}, Settings(), RATE, NOW) == {EXPIRY: pytest.approx(0.0, abs=1e-4)}
    assert asked == [[90.0, 90.0, 100.0, 100.0, 110.0, 110.0]]


def test_an_unknown_slope_is_told_once_and_the_delta_is_black_and_scholes_s() -> None:
    state, settings = state_of(), Settings(hedge="minimum_variance")
    hold(state)
    book = state.underlyings[0].book
    kept = [book.row(CALLS[2]), book.row(PUTS[2])]
    lost = np.setdiff1d(np.arange(len(book.quotes)), kept)
    book.quotes["bid"][lost] = np.nan
    for _ in range(2):
        measure(state, settings, NOW)
    assert [text for _, text in state.notices] == [
        "TEST: quotes do not tell the smile's slope at an expiry that is held; its options are hedged by their "
        "Black-Scholes delta"
    ]
    assert hedge_wanted(state, settings, 0) == hedge_wanted(state, Settings(hedge="whalley_wilmott"), 0)
