"""An algorithm of somebody else: it plugs two models in, and writes down what LEAN gets from them."""

import json

from AlgorithmImports import DataNormalizationMode, OptionContract, OrderEvent, QCAlgorithm, Resolution, Slice

from models import AloOptionPriceModel, AloVolatilityModel, Marshal
from tests.models.mistakes import told_of_mistakes


class ProbeAlgorithm(QCAlgorithm):
    """Reads prices, volatilities and greeks of a few GOOG contracts at 10:00 on one day."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        self.equity = self.add_equity("GOOG", Resolution.MINUTE, data_normalization_mode=DataNormalizationMode.RAW)
        self.equity.set_volatility_model(AloVolatilityModel(self))
        option = self.add_option("GOOG", Resolution.MINUTE)
        option.set_price_model(AloOptionPriceModel(self))
        option.set_filter(-3, 3, 20, 40)
        self.chain_symbol = option.symbol
        self.mistakes = told_of_mistakes(self)

    def on_data(self, slice: Slice) -> None:
        chain = slice.option_chains.get(self.chain_symbol)
        if chain is None or (self.time.hour, self.time.minute) != (10, 0):
            return
        rows = [self.row(contract) for contract in sorted(chain, key=lambda contract: contract.symbol.value)]
        self.seen = {"contracts": rows, "volatility": float(self.equity.volatility_model.volatility)}
        self.market_order(self.equity.symbol, 1, tag="somebody else's #3")

    def on_order_event(self, order_event: OrderEvent) -> None:
        tag = self.transactions.get_order_by_id(order_event.order_id).tag
        stranger, knowing = Marshal(), Marshal()
        knowing.add_underlying(7, self.equity.symbol)
        known = knowing.order_event(order_event, tag, 0, 0)
        assert known is not None
        self.seen["stranger"] = stranger.order_event(order_event, tag, 0, 0) is None
        self.seen["instrument"] = int(known.records["instrument"][0])
        self.seen["order"] = int(known.records["order"][0])

    def on_end_of_algorithm(self) -> None:
        self.object_store.save("probe", json.dumps(self.seen | {"mistakes": self.mistakes}))

    def row(self, contract: OptionContract) -> dict[str, object]:
        greeks = contract.greeks
        return {
            "expiry": f"{contract.expiry:%Y-%m-%d}",
            "strike": float(contract.strike),
            "right": 1 if contract.symbol.value[12] == "C" else -1,
            "bid": float(contract.bid_price),
            "ask": float(contract.ask_price),
            "spot": float(contract.underlying_last_price),
            "rate": float(self.risk_free_interest_rate_model.get_interest_rate(self.time)),
            "price": float(contract.theoretical_price),
            "volatility": float(contract.implied_volatility),
            **{name: float(getattr(greeks, name)) for name in ("delta", "gamma", "vega", "theta", "rho", "lambda_")},
        }
