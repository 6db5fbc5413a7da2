"""An index that is worth its members: its path, and what its options are worth, by quadrature over both members."""

from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import brentq
from scipy.special import ndtr

from alo_lib.market.generator import MarketTruth
from alo_lib.market.generator.dynamics import Constant
from alo_lib.market.generator.index import IndexDay, IndexFair, covariance_of, index_days, with_own_volatility
from alo_lib.market.generator.market import _days, _exchange
from alo_lib.market.generator.truth import Edge, NameTruth, sentence_of

ALFA = NameTruth(ticker="ALFA", price=140.0, dynamics=Constant(volatility=0.24), correlation=0.7)
BRVO = NameTruth(ticker="BRVO", price=75.0, dynamics=Constant(volatility=0.36), correlation=0.9)
INDX = NameTruth(ticker="INDX", price=400.0, members={"ALFA": 0.6, "BRVO": 0.4}, edge=Edge(mean=0.04))
TRUTH = MarketTruth(end=date(2024, 1, 5), history_days=250, names=(INDX, ALFA, BRVO))
COVARIANCE = covariance_of(TRUTH, INDX)


def test_the_covariance_is_that_of_a_common_factor() -> None:
    a, b = 0.24**2 / 252, 0.36**2 / 252
    assert pytest.approx(np.array([[a, 0.63 * np.sqrt(a * b)], [0.63 * np.sqrt(a * b), b]])) == COVARIANCE
    own = with_own_volatility(TRUTH, INDX).dynamics.volatility
    assert own == pytest.approx(np.sqrt(0.0576 * 0.36 + 0.1296 * 0.16 + 2 * 0.6 * 0.4 * 0.63 * 0.24 * 0.36))


@pytest.mark.parametrize("days", [10, 60])
@pytest.mark.parametrize("log_strike", [-0.06, 0.0, 0.06])
def test_its_options_are_worth_what_the_sum_of_its_members_pays(days: int, log_strike: float) -> None:
    """Within .03 points of volatility at the money, and .12 in the wings, where the sum has skew."""
    root = np.linalg.cholesky(COVARIANCE * days)
    z, w = np.polynomial.hermite_e.hermegauss(120)
    x, y = np.meshgrid(z, z, indexing="ij")
    moves = np.tensordot(root, np.stack([x, y]), axes=1) - 0.5 * np.diag(COVARIANCE * days)[:, None, None]
    worth, strike = 0.6 * np.exp(moves[0]) + 0.4 * np.exp(moves[1]), np.exp(log_strike)
    call = float(np.sum(np.outer(w, w) / w.sum() ** 2 * np.maximum(worth - strike, 0.0)))

    def error(deviation: float) -> float:
        d = -log_strike / deviation + 0.5 * deviation
        return float(ndtr(d) - strike * ndtr(d - deviation)) - call

    exact = brentq(error, 1e-4, 1.0) * np.sqrt(252 / days)
    told = np.sqrt(IndexFair(COVARIANCE).variance(np.array([[0.6, 0.4]]), np.array([[days]]))[0, 0] * 252 / days)
    assert told == pytest.approx(exact, abs=3e-4 if log_strike == 0.0 else 1.2e-3)


def test_its_path_is_that_of_what_it_holds_and_its_variance_that_of_the_weights_it_has() -> None:
    exchange = _exchange(TRUTH)
    members, before = [_days(TRUTH, number, exchange) for number in (1, 2)], len(exchange.history)
    days = index_days(INDX, members, before, np.random.SeedSequence(1))
    assert days[before - 1].spot == pytest.approx(400.0)
    shares = [400.0 * weight / own[before - 1].spot for weight, own in zip((0.6, 0.4), members, strict=True)]
    for day, alfa, brvo in zip(days, *members, strict=True):
        assert day.prices == pytest.approx(shares[0] * alfa.prices + shares[1] * brvo.prices)
        assert np.abs(day.bars["close"] - day.prices[:, -1]).max() < 0.0051
    last = days[-1]
    assert isinstance(last, IndexDay)
    weight = shares[0] * members[0][-1].prices[100, -1] / last.prices[100, -1]
    at, ahead = np.array([100, 389]), np.array([0, 20])
    total = IndexFair(COVARIANCE).smile_of(last, at, ahead, np.zeros(2)).variance
    share = members[0][-1].left[100] / members[0][-1].variance
    mixed = np.array([weight, 1.0 - weight])
    assert total[0] == pytest.approx(float(mixed @ COVARIANCE @ mixed) * (share + ahead), rel=2e-3)
    assert total[1, 0] == pytest.approx(0.0, abs=1e-15)
    moves = np.diff(np.log([[day.spot for day in own] for own in members]), axis=1)
    assert np.corrcoef(moves)[0, 1] == pytest.approx(0.63, abs=0.12)


@pytest.mark.parametrize(
    ("members", "index", "words"),
    [
        ({"dynamics": {"kind": "garch"}}, {}, "INDX is an index of BRVO, which moves by garch"),
        ({"dividend": 0.5}, {}, "INDX is an index of BRVO; members have no jumps, dividends, splits or events"),
        ({"overnight": 0.5}, {}, "INDX is an index of names that differ in what comes overnight"),
        ({}, {"members": {"ALFA": 0.6, "CHLI": 0.4}}, "INDX is an index of CHLI, which is no name of the market"),
        ({}, {"members": {"ALFA": 0.6, "BRVO": 0.0}}, "INDX is an index of BRVO with the weight 0"),
        ({}, {"correlation": 0.5}, "INDX is worth its members; correlation is for names with a path of their own"),
    ],
)
def test_what_no_index_can_be_made_of_is_one_sentence(members: dict, index: dict, words: str) -> None:
    values = TRUTH.model_dump()
    first, alfa, brvo = values["names"]
    values["names"] = [first | index, alfa, brvo | members]
    with pytest.raises(ValidationError) as raised:
        MarketTruth.model_validate(values)
    assert words in sentence_of(raised.value)
