"""The market that policies learn in."""

import numpy as np
import pytest

from alo_lib.learning.market import RANGES, RATE, LearningMarket, MarketTraits
from alo_lib.pricing import implied_volatility
from alo_lib.records import DAY, YEAR

HISTORY = 400


@pytest.fixture(scope="module")
def market() -> LearningMarket:
    return LearningMarket(11, 60, HISTORY)


def test_the_seed_fixes_the_market() -> None:
    one, two, other = LearningMarket(5, 10, 50), LearningMarket(5, 10, 50), LearningMarket(6, 10, 50)
    for day in range(11):
        chain = one.listed(day, 14, 120)
        assert one.spot(day) == two.spot(day) != other.spot(day) or day == 0
        np.testing.assert_array_equal(one.quotes(day, chain), two.quotes(day, two.listed(day, 14, 120)))
    assert one.traits == two.traits != other.traits


def test_a_session_is_told_what_came_before_it(market: LearningMarket) -> None:
    first = market.closes_before(0)
    assert len(first) == HISTORY - 1
    assert market.closes_before(1) == [market.spot(0)] == [pytest.approx(100.0)]
    assert abs(np.log(market.spot(0) / first[-1])) < 0.2
    assert [market.closes_before(day) for day in (2, 60)] == [[market.spot(1)], [market.spot(59)]]


def test_chains_are_straddles_at_the_money_within_the_days_asked_for(market: LearningMarket) -> None:
    for day in (0, 30, 60):
        chain = market.listed(day, 14, 120)
        assert len(chain) >= 6
        days = (chain["expiry"] - market.time(day)) / DAY
        assert days.min() >= 14
        assert days.max() <= 120
        np.testing.assert_array_equal(chain["right"], np.tile([-1, 1], len(chain) // 2))
        assert np.all(np.abs(chain["strike"] - market.spot(day)) <= 1.25)
        assert len(set(chain["instrument"].tolist())) == len(chain)


def test_a_contract_keeps_its_number(market: LearningMarket) -> None:
    seen: dict[tuple[int, float, int], int] = {}
    for day in range(61):
        for row in market.listed(day, 14, 120):
            key = (int(row["expiry"]), float(row["strike"]), int(row["right"]))
            assert seen.setdefault(key, int(row["instrument"])) == row["instrument"]
    assert len(set(seen.values())) == len(seen) > 20


def test_a_day_is_quoted_in_the_middle_of_its_session(market: LearningMarket) -> None:
    for day in (0, 60):
        session, quote = market.session(day), market.share_quote(day)
        assert session.is_open(market.time(day))
        assert session.seconds_since_open(market.time(day)) == session.seconds_to_close(market.time(day)) == 3.25 * 3600
        assert 0.5 * (quote["bid"] + quote["ask"])[0] == pytest.approx(market.spot(day))
        assert (quote["ask"] - quote["bid"])[0] == pytest.approx(0.02)
    assert market.session(60).open > market.session(59).close


def test_quotes_straddle_a_volatility_near_the_true_one(market: LearningMarket) -> None:
    chain = market.listed(7, 14, 120)
    quotes = market.quotes(7, chain)
    assert np.all(quotes["bid"] < quotes["ask"])
    assert np.all(np.minimum(quotes["bid_size"], quotes["ask_size"]) >= 1)
    years = (chain["expiry"] - market.time(7)) / YEAR
    mid = 0.5 * (quotes["bid"] + quotes["ask"])
    implied = implied_volatility(mid, market.spot(7), chain["strike"], RATE, 0.0, years, chain["right"])
    assert np.all(np.abs(np.log(implied / market.traits.volatility)) < 1.0)
    np.testing.assert_allclose(implied[::2], implied[1::2], rtol=0.03)  # put and call of a strike


def test_returns_have_the_volatility_that_was_drawn() -> None:
    market = LearningMarket(2, 4000, 300)
    closes = np.array([market.spot(day) for day in range(4001)])
    realized = np.std(np.diff(np.log(closes))) * np.sqrt(252)
    assert realized == pytest.approx(market.traits.volatility, rel=0.2)


def test_every_corner_of_the_ranges_is_a_stationary_process() -> None:
    for side in np.ndindex(*(2,) * len(RANGES)):
        traits = MarketTraits(**{name: RANGES[name][at] for name, at in zip(RANGES, side, strict=True)})
        assert traits.process.persistence == pytest.approx(traits.persistence)
        assert traits.process.long_run_volatility == pytest.approx(traits.volatility)
