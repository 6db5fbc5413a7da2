"""A stranger's algorithm, short: it picks contracts out of option_chain by delta and subscribes to those alone."""

import datetime as dt

from AlgorithmImports import QCAlgorithm, Resolution, Security, SecurityType, Slice

from models import AloOptionPriceModel, greeks_history, universe_greeks


class StrangerAlgorithm(QCAlgorithm):
    """GOOG: the put of a quarter delta and its call, each added by itself, the model given by an initializer."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        self.model = AloOptionPriceModel(self)
        self.add_security_initializer(self.give)
        equity = self.add_equity("GOOG", Resolution.MINUTE)
        table = universe_greeks(self.model, self.option_chain(equity.symbol))
        month = [symbol.id.date == dt.datetime(2016, 1, 15) for symbol in table.index]
        puts = table[month & (table.delta < 0.0)]
        self.chosen = (puts.delta + 0.25).abs().idxmin()
        self.log(f"chosen {self.chosen.value} {puts.delta[self.chosen]:.6f} of {len(table)}")
        self.add_option_contract(self.chosen, Resolution.MINUTE)

    def give(self, security: Security) -> None:
        if security.type == SecurityType.OPTION:
            security.set_price_model(self.model)

    def on_data(self, slice: Slice) -> None:
        chain = slice.option_chains.get(self.chosen.canonical)
        contract = None if chain is None else chain.contracts.get(self.chosen)
        if contract is None or self.time.minute:
            return
        spot = contract.underlying_last_price
        self.log(f"read {contract.implied_volatility:.6f} {contract.greeks.delta:.6f} of {len(list(chain))} at {spot}")
        start = self.time - dt.timedelta(minutes=2)
        past = greeks_history(self, self.model, [self.chosen], start, self.time, Resolution.MINUTE)
        self.log(f"past {past.implied_volatility.iloc[-1]:.6f} {past.delta.iloc[-1]:.6f}")
