"""What a scan of an index and of its members says of their correlation."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from alo_lib.settings.basket import Basket
from alo_lib.strategy.dispersion import Dispersion, average_correlation, dispersion
from alo_lib.views.scan import ScanView
from alo_lib.views.spoken import or_dash, or_none, rounded

__all__ = ["DispersionView", "dispersion_rows", "dispersion_view", "require_scanned"]

_SOURCES: Final = {"implied": "implied_30", "forecast": "forecast_30", "realized": "realized"}
"""Volatilities of 30 days, and over the last 20 sessions, by the name that a MARKET_STATE record has for them."""
_FAIR: Final = ("forecast", "realized")


@dataclass(frozen=True)
class DispersionView:
    """The correlation of a basket's members by each kind of volatility, and what implied correlation offers."""

    basket: Basket
    correlations: Mapping[str, float]
    offers: Mapping[str, Dispersion]
    """Against the forecast's and the realized correlation."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON: volatilities are decimals; None where unknown."""
        first = self.offers[_FAIR[0]]
        vegas = zip(self.basket.weights, first.vegas.tolist(), strict=True)
        return {
            "index": self.basket.index,
            "weights": {name: rounded(weight) for name, weight in self.basket.weights.items()},
            "correlation": {name: or_none(rounded(each)) for name, each in self.correlations.items()},
            "edge": {name: or_none(rounded(each.edge)) for name, each in self.offers.items()},
            "vegas": {name: or_none(rounded(vega)) for name, vega in vegas},
            "stress": or_none(rounded(first.stress)),
        }


def require_scanned(basket: Basket, tickers: Collection[str]) -> None:
    """ValueError, in words, unless index and members all are among the tickers that are scanned."""
    lacking = [name for name in basket.names if name not in tickers]
    if lacking:
        raise ValueError(f"the basket of {basket.index} names {', '.join(lacking)}, which this scan does not look at")


def dispersion_view(basket: Basket, views: Sequence[ScanView]) -> DispersionView:
    """What there is to say of a basket whose index and members all were scanned.

    :raises ValueError: in words, where one was not.
    """
    markets = {view.ticker: view.market for view in views}
    names = basket.names
    require_scanned(basket, markets)
    weights = np.array(list(basket.weights.values()))
    told = {
        kind: np.array([np.nan if (market := markets[name]) is None else market[column] for name in names])
        for kind, column in _SOURCES.items()
    }
    correlations = {kind: average_correlation(float(each[0]), each[1:], weights) for kind, each in told.items()}
    implied = told["implied"]
    offers = {kind: dispersion(float(implied[0]), implied[1:], weights, correlations[kind]) for kind in _FAIR}
    return DispersionView(basket, correlations, offers)


def dispersion_rows(view: DispersionView) -> list[tuple[str, str]]:
    """Names and values as people read them."""
    first = view.offers[_FAIR[0]]
    vegas = zip(view.basket.weights, first.vegas.tolist(), strict=True)
    return [
        *((f"correlation, {kind}", or_dash(each, "z.2f")) for kind, each in view.correlations.items()),
        *(
            (f"{view.basket.index} implied above its members at the {kind} one", or_dash(each.edge, "+z.2%"))
            for kind, each in view.offers.items()
        ),
        ("vega of members for one of the index", ", ".join(f"{name} {or_dash(vega, 'z.2f')}" for name, vega in vegas)),
        ("lost with correlation one", or_dash(first.stress, "z.2%")),
    ]
