"""An algorithm that reads the quotes of each slice in both ways, and counts what they differ in."""

import json

from AlgorithmImports import DataNormalizationMode, QCAlgorithm, Resolution, Slice, Symbol

from models.compiled_quotes import CompiledReader
from models.quotes_of_slices import QuoteReader, ReaderInPython


class QuotesAlgorithm(QCAlgorithm):
    """GOOG: stock and all contracts of a month, of which every fourth is not one of today's instruments."""

    def initialize(self) -> None:
        self.set_start_date(2015, 12, 24)
        self.set_end_date(2015, 12, 24)
        self.add_equity("GOOG", Resolution.MINUTE, data_normalization_mode=DataNormalizationMode.RAW)
        self.add_option("GOOG", Resolution.MINUTE).set_filter(-60, 60, 0, 30)
        self.numbers: dict[Symbol, int] = {}
        self.seen = 0
        self.readers: tuple[QuoteReader, QuoteReader] = CompiledReader(), ReaderInPython()
        self.told = {"slices": 0, "rows": 0, "different": 0, "one-sided": 0, "filled forward": 0, "unknown": 0}

    def on_data(self, slice: Slice) -> None:
        self.learn(slice)
        compiled, plain = (reader.read(slice.quote_bars) for reader in self.readers)
        self.told["slices"] += 1
        self.told["rows"] += len(compiled)
        self.told["different"] += compiled.tobytes() != plain.tobytes()
        self.told["one-sided"] += int((compiled[:, 1:3] != compiled[:, 1:3]).sum())
        self.told["filled forward"] += sum(pair.value.is_fill_forward for pair in slice.quote_bars)
        self.told["unknown"] += sum(pair.key not in self.numbers for pair in slice.quote_bars)

    def learn(self, slice: Slice) -> None:
        """Number what is new: the readers are told again, as at a session's beginning."""
        for pair in slice.quote_bars:
            if pair.key not in self.numbers:
                self.seen += 1
                if self.seen % 4:
                    self.numbers[pair.key] = self.seen
        for reader in self.readers:
            reader.know(self.numbers)

    def on_end_of_algorithm(self) -> None:
        self.object_store.save("quotes", json.dumps(self.told))
