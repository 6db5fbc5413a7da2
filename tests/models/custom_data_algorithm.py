"""An algorithm that reads one kind of volatility back as custom data and charts it, and keeps the chain's surface."""

import json

from AlgorithmImports import DataNormalizationMode, QCAlgorithm, Resolution, Slice

from models import AloForecastData, AloOptionPriceModel, AloRegimeData, AloSurfaceData
from models.volatility_data import plot, save, surface_of

KINDS = {"forecast": AloForecastData, "regime": AloRegimeData, "surface": AloSurfaceData}


class CustomDataAlgorithm(QCAlgorithm):
    """Three days of GOOG: what each slice brings of the kind that the parameter names, as text and as value."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 22)
        self.set_end_date(2015, 12, 24)
        self.kind = KINDS[self.get_parameter("kind")]
        self.data_symbol = self.add_data(self.kind, "GOOG", Resolution.DAILY).symbol
        self.add_equity("GOOG", Resolution.MINUTE, data_normalization_mode=DataNormalizationMode.RAW)
        option = self.add_option("GOOG", Resolution.MINUTE)
        option.set_price_model(AloOptionPriceModel(self))
        option.set_filter(-3, 3, 20, 40)
        self.chain_symbol = option.symbol
        self.seen: list[dict[str, object]] = []
        self.key = ""

    def on_data(self, slice: Slice) -> None:
        data = slice.get(self.kind).get(self.data_symbol)
        if data is not None:
            line = self.kind.read(data)
            plot(self, "GOOG", line)
            self.seen.append({"at": str(self.time), "text": line.text(), "value": float(data.value)})
        chain = slice.option_chains.get(self.chain_symbol)
        if chain is not None and (self.time.hour, self.time.minute) == (10, 0):
            surface = surface_of(self.time, chain)
            if surface is not None:
                self.key = save(self, "GOOG", [surface])

    def on_end_of_algorithm(self) -> None:
        self.object_store.save("custom", json.dumps({"seen": self.seen, "key": self.key}))
