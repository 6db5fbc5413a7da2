"""The market: neutral records, LEAN's file formats, calendars, corporate events, universes and rates."""

from typing import TYPE_CHECKING

from alo_lib.exports import export_lazily

if TYPE_CHECKING:
    from alo_lib.market.bars import (
        BAR_DTYPES,
        CONTRACT,
        OPEN_INTEREST,
        QUOTE_BAR,
        TRADE_BAR,
        OptionBars,
        contract_array,
        contract_keys,
    )
    from alo_lib.market.calendar import MarketHours
    from alo_lib.market.chain_snapshot import ChainSnapshot, take_snapshot
    from alo_lib.market.coverage import DATA_MEASURED, Coverage, DataFindings
    from alo_lib.market.distributions import Dividend
    from alo_lib.market.factor_files import CorporateEvents, FactorFile, Split
    from alo_lib.market.faults import DataError, DataFault, FaultKind, FaultLog
    from alo_lib.market.folder import DataFolder
    from alo_lib.market.interest_rate import InterestRates
    from alo_lib.market.layout import ContractKey, DataKind, Resolution, SecurityType
    from alo_lib.market.map_files import MapFile, TickerSpan
    from alo_lib.market.universe import UNIVERSE_ROW, OptionUniverse, UnderlyingRow

__all__ = [
    "BAR_DTYPES",
    "CONTRACT",
    "DATA_MEASURED",
    "OPEN_INTEREST",
    "QUOTE_BAR",
    "TRADE_BAR",
    "UNIVERSE_ROW",
    "ChainSnapshot",
    "ContractKey",
    "CorporateEvents",
    "Coverage",
    "DataError",
    "DataFault",
    "DataFindings",
    "DataFolder",
    "DataKind",
    "Dividend",
    "FactorFile",
    "FaultKind",
    "FaultLog",
    "InterestRates",
    "MapFile",
    "MarketHours",
    "OptionBars",
    "OptionUniverse",
    "Resolution",
    "SecurityType",
    "Split",
    "TickerSpan",
    "UnderlyingRow",
    "contract_array",
    "contract_keys",
    "take_snapshot",
]

export_lazily(__name__)
