"""What a scan says of an index and its members, by indices that are made of them."""

from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.settings.basket import Basket
from alo_lib.views.dispersion import dispersion_view

MEMBERS = {"ALFA": (0.2, 0.25, 0.3), "BRVO": (0.4, 0.35, 0.3)}
CORRELATIONS = {"implied": 0.8, "forecast": 0.5, "realized": -0.25}


def index_of(one: float, other: float, correlation: float) -> float:
    """The volatility of three quarters of one and a quarter of another."""
    one, other = 0.75 * one, 0.25 * other
    return (one**2 + other**2 + 2.0 * correlation * one * other) ** 0.5


def scanned(ticker: str, volatilities: Any) -> Any:
    names = ("implied_30", "forecast_30", "realized")
    return SimpleNamespace(ticker=ticker, market=dict(zip(names, volatilities, strict=True)))


def test_a_basket_says_at_which_correlation_its_members_are_the_index() -> None:
    triples = zip(*MEMBERS.values(), CORRELATIONS.values(), strict=True)
    index = [index_of(one, other, correlation) for one, other, correlation in triples]
    views = [scanned("INDX", index), *(scanned(name, each) for name, each in MEMBERS.items())]
    told = dispersion_view(Basket.of("indx=ALFA:3,BRVO:1"), views).to_dict()
    assert told["weights"] == {"ALFA": 0.75, "BRVO": 0.25}
    assert told["correlation"] == pytest.approx(CORRELATIONS, abs=1e-6)
    for kind, each in (("forecast", 0.5), ("realized", -0.25)):
        assert told["edge"][kind] == pytest.approx(index[0] - index_of(0.2, 0.4, each), abs=1e-5)
    assert told["stress"] == pytest.approx(index_of(0.2, 0.4, 1.0) - index[0], abs=1e-5)


def test_a_basket_of_what_was_not_scanned_is_refused() -> None:
    with pytest.raises(ValueError, match="the basket of INDX names BRVO, which this scan does not look at"):
        dispersion_view(Basket.of("INDX=ALFA:3,BRVO:1"), [scanned(each, (0.2, 0.2, 0.2)) for each in ("INDX", "ALFA")])
