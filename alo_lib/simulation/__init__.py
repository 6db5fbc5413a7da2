"""The embedded engine: LEAN's files in, a simulated broker, results in LEAN's own format out."""

from alo_lib.simulation.account import Account, Position, ProfitRecord
from alo_lib.simulation.broker import Broker
from alo_lib.simulation.data_check import require_data
from alo_lib.simulation.engine import BacktestResult, Progress, run_backtest
from alo_lib.simulation.feed import Feed
from alo_lib.simulation.fees import equity_fee, option_fee
from alo_lib.simulation.left_out import data_left_out
from alo_lib.simulation.listing import Instrument, Listing
from alo_lib.simulation.margin import Leg, margin, naked_margin, premium
from alo_lib.simulation.orders import OrderEvent, SimulatedOrder
from alo_lib.simulation.prices import Prices
from alo_lib.simulation.results import RUN_ID, Outcome, write_results
from alo_lib.simulation.settlement import Settlement
from alo_lib.simulation.statistics import (
    PortfolioStatistics,
    TradeStatistics,
    portfolio_statistics,
    trade_statistics,
)
from alo_lib.simulation.trades import ClosedTrade, TradeBuilder

__all__ = [
    "RUN_ID",
    "Account",
    "BacktestResult",
    "Broker",
    "ClosedTrade",
    "Feed",
    "Instrument",
    "Leg",
    "Listing",
    "OrderEvent",
    "Outcome",
    "PortfolioStatistics",
    "Position",
    "Prices",
    "ProfitRecord",
    "Progress",
    "Settlement",
    "SimulatedOrder",
    "TradeBuilder",
    "TradeStatistics",
    "data_left_out",
    "equity_fee",
    "margin",
    "naked_margin",
    "option_fee",
    "portfolio_statistics",
    "premium",
    "require_data",
    "run_backtest",
    "trade_statistics",
    "write_results",
]
