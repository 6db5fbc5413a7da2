"""Forward prices by put-call parity, and what borrowing the underlying costs."""

import numpy as np
import pandas as pd
from AlgorithmImports import OptionChain, QCAlgorithm

from models.option_price_model import AloOptionPriceModel
from models.times import utc_nanoseconds

__all__ = ["forwards"]


def forwards(algorithm: QCAlgorithm, model: AloOptionPriceModel, chain: OptionChain) -> pd.DataFrame:
    """The forward of each expiry of a slice's chain, by the pairs of calls and puts near it; a row for each, ascending.

    By expiry: years; forward; rate; implied_yield, the dividend yield at which calls and puts agree; known_yield, the
    model's beside the dividends announced; borrow, what implied_yield has more, which is what borrowing costs where the
    model's dividends are those expected. Where an expiry has no pairs that tell, implied_yield and borrow are NaN and
    the forward is that of the known yield. Options on futures carry the future itself forward, and have neither.
    """
    contracts = list(chain)
    index = pd.Index(sorted({contract.expiry for contract in contracts}), name="expiry")
    names = ["years", "forward", "rate", "implied_yield", "known_yield", "borrow"]
    if not contracts:
        return pd.DataFrame(np.empty((0, len(names))), index=index, columns=names)
    known = model.quoted_chain(contracts, utc_nanoseconds(algorithm.utc_time), parity=False)
    implied = known.with_parity()
    rows = []
    for expiry in index:
        one = next(place for place, contract in enumerate(contracts) if contract.expiry == expiry)
        told = float(implied.dividend_yield[one]) if implied.from_parity[one] else np.nan
        yields = told, float(known.dividend_yield[one])
        years, forward, rate = known.contracts.time_to_expiry[one], implied.forward[one], known.rate[one]
        rows.append((float(years), float(forward), float(rate), *yields, yields[0] - yields[1]))
    return pd.DataFrame(rows, index=index, columns=names)
