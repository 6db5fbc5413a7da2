"""Greeks of all that an algorithm holds, by underlying: options, shares, futures."""

from collections import defaultdict
from typing import Any, Final

import numpy as np
import pandas as pd
from AlgorithmImports import QCAlgorithm, SecurityType, Symbol

from models.compiled_border import WRITTEN
from models.contract_columns import quote_columns, spot_of, static_columns
from models.option_price_model import AloOptionPriceModel
from models.times import utc_nanoseconds

__all__ = ["portfolio_greeks"]

_OPTIONS: Final = (SecurityType.OPTION, SecurityType.INDEX_OPTION, SecurityType.FUTURE_OPTION)
_SUMMED: Final = ("delta", "gamma", "vega", "theta", "rho")
_COLUMNS: Final = ("value", *_SUMMED, "delta_dollars", "gamma_dollars", "without_greeks")
_ONE_PERCENT: Final = 0.01


def portfolio_greeks(algorithm: QCAlgorithm, model: AloOptionPriceModel) -> pd.DataFrame:
    """What the portfolio's value does when its underlyings move: a row for each, its Symbol the index, sorted by name.

    Quantities and multipliers are counted in, and what is held of the underlying itself:

    - value: dollars that the positions are worth by LEAN's prices.
    - delta: dollars for 1.00 of the underlying, so shares where it is one; gamma: delta for 1.00.
    - vega and rho: dollars for 1 %; theta: dollars a year.
    - delta_dollars: dollars for the whole of the underlying's price, as if its move were 100 %; gamma_dollars: by how
      much that changes with 1 % of the underlying.
    - without_greeks: option positions that have none now, and count in value alone; ``model.unpriced`` says why.

    Contracts are priced as in their chain: with the others of their option that are subscribed to, so that parity and
    mirrors tell what they tell there.
    """
    held: dict[Symbol, dict[str, float]] = defaultdict(lambda: dict.fromkeys(_COLUMNS, 0.0))
    chains: set[Symbol] = set()
    for security in _securities(algorithm):
        if not security.holdings.invested:
            continue
        if security.type in _OPTIONS:
            chains.add(security.symbol.canonical)
        else:
            row = held[security.symbol]
            row["delta"] += _units(security)
        held[_underlying(security)]["value"] += float(security.holdings.holdings_value)
    for canonical in sorted(chains, key=lambda symbol: str(symbol.id)):
        _add_options(algorithm, model, canonical, held)
    for symbol, row in held.items():
        spot = float(algorithm.securities[symbol].price)
        row["delta_dollars"] = row["delta"] * spot
        row["gamma_dollars"] = row["gamma"] * spot * spot * _ONE_PERCENT
    symbols = sorted(held, key=lambda symbol: (str(symbol.value), str(symbol.id)))
    index = pd.Index(symbols, dtype=object, name="underlying")
    return pd.DataFrame([held[symbol] for symbol in symbols], index=index, columns=list(_COLUMNS))


def _add_options(
    algorithm: QCAlgorithm, model: AloOptionPriceModel, canonical: Symbol, held: dict[Symbol, dict[str, float]]
) -> None:
    """Add the positions in one option's contracts."""
    listed = [one for one in _securities(algorithm) if _is_contract_of(one.symbol, canonical)]
    spot = _spot(algorithm, canonical)
    columns = np.array([[*static_columns(one.symbol), *quote_columns(one), spot] for one in listed])
    values = model.present_values(columns, [one.symbol for one in listed], utc_nanoseconds(algorithm.utc_time))
    for security, told in zip(listed, values, strict=True):
        if not security.holdings.invested:
            continue
        row = held[security.symbol.underlying]
        if np.isnan(told).any():
            row["without_greeks"] += 1
            continue
        for name in _SUMMED:
            row[name] += _units(security) * float(told[WRITTEN.index(name)])


def _spot(algorithm: QCAlgorithm, canonical: Symbol) -> float:
    """The underlying's price in the slice's chain where there is one, else as it is now; 0 for one not subscribed."""
    data: Any = algorithm.current_slice
    chain = None if data is None else data.option_chains.get(canonical)
    if chain is not None and chain.underlying is not None:
        return float(chain.underlying.price)
    securities = algorithm.securities
    return spot_of(securities[canonical.underlying]) if securities.contains_key(canonical.underlying) else 0.0


def _securities(algorithm: QCAlgorithm) -> list[Any]:
    return [pair.value for pair in algorithm.securities]


def _is_contract_of(symbol: Symbol, canonical: Symbol) -> bool:
    return symbol.security_type in _OPTIONS and not symbol.is_canonical() and symbol.canonical == canonical


def _underlying(security: Any) -> Symbol:
    symbol: Symbol = security.symbol
    return symbol.underlying if security.type in _OPTIONS else symbol


def _units(security: Any) -> float:
    """Units of the underlying that a position stands for, in dollars for 1.00."""
    return float(security.holdings.quantity) * float(security.symbol_properties.contract_multiplier)
