"""A ready example: right greeks on a chain, and a filter by them; a project's main.py, beside alo_lib and models."""

from AlgorithmImports import OptionContract, QCAlgorithm, Resolution, Slice

from models import AloOptionPriceModel, greeks_filter

__all__ = ["ChainGreeksAlgorithm"]


class ChainGreeksAlgorithm(QCAlgorithm):
    """Looks at GOOG's chain for a day: the straddle's volatility and the 25-delta skew of each expiry, every hour."""

    def initialize(self) -> None:
        """Subscribe to a chain, and give it the price model: all the rest is LEAN as usual."""
        option = self.add_option("GOOG", Resolution.MINUTE)
        option.set_price_model(model := AloOptionPriceModel(self))  # the one line that greeks need
        self._model = model
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        self.set_cash(100_000)
        option.set_filter(greeks_filter(model, delta=(-0.75, 0.75), implied_volatility=(0.01, 2.0)))
        self._chain = option.symbol

    def on_data(self, slice: Slice) -> None:
        """Read greeks as of any LEAN chain."""
        chain = slice.option_chains.get(self._chain)
        if chain is None or self.time.minute:
            return
        for expiry in sorted({contract.expiry for contract in chain}):
            contracts = [contract for contract in chain if contract.expiry == expiry and contract.implied_volatility]
            if contracts:
                straddle, put, call = (self._nearest(contracts, delta) for delta in (0.5, -0.25, 0.25))
                skew = put.implied_volatility - call.implied_volatility
                self.log(
                    f"{expiry:%Y-%m-%d}: volatility {straddle.implied_volatility:.4f} at {straddle.strike:g}, "
                    f"skew {skew:+.4f} between {put.strike:g} and {call.strike:g}"
                )

    def on_end_of_algorithm(self) -> None:
        """Say what had no greeks, and why."""
        for reason, count in sorted(self._model.unpriced.items()):
            self.log(f"without greeks: {count} evaluations, {reason.name.lower().replace('_', ' ')}")

    def _nearest(self, contracts: list[OptionContract], delta: float) -> OptionContract:
        return min(contracts, key=lambda contract: abs(contract.greeks.delta - delta))
