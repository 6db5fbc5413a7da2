"""What a research notebook does, in LEAN's own process: a QuantBook, the price model, greeks and their past."""

import datetime as dt
import json

from AlgorithmImports import QCAlgorithm, QuantBook, Resolution

from models import AloOptionPriceModel, greeks_history, universe_greeks

SPAN = dt.datetime(2015, 12, 24, 10), dt.datetime(2015, 12, 24, 10, 30)


class ResearchAlgorithm(QCAlgorithm):
    """Keeps what a QuantBook gave, and how much of it the algorithm itself has the next day."""

    def initialize(self) -> None:
        """As a notebook's cells: one after the other."""
        self.set_start_date(2015, 12, 25)
        self.set_end_date(2015, 12, 25)
        book = QuantBook()
        book.set_start_date(2015, 12, 25)  # what is later is not known to it
        option = book.add_option("GOOG", Resolution.MINUTE)
        model = AloOptionPriceModel(book)
        chain = book.option_chain(option.symbol)
        universe = universe_greeks(model, chain)
        near = [each.symbol for each in chain if _is_near(each.symbol)]
        past = greeks_history(book, model, near, *SPAN, Resolution.MINUTE)
        ours = greeks_history(self, AloOptionPriceModel(self), near, *SPAN, Resolution.MINUTE)
        kept = {
            "listed": len(universe),
            "priced": int(universe["delta"].notna().sum()),
            "contracts": len(near),
            "rows": len(past),
            "same": bool(past.equals(ours)),
            "lowest": float(past["implied_volatility"].min()),
            "highest": float(past["implied_volatility"].max()),
        }
        self.object_store.save("research", json.dumps(kept))


def _is_near(symbol: object) -> bool:
    identity = symbol.id  # type: ignore[attr-defined]
    return abs(float(identity.strike_price) - 750.0) <= 5.0 and (identity.date.month, identity.date.day) == (1, 15)
