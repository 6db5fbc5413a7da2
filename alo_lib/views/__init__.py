"""Pages and tables of a run: blotter, performance, risk, volatility, the report, the summary.

All but the pages of volatility is made from a run's folder; nothing here reaches into a running core.
"""

from alo_lib.views.data import Unquoted, data_account, funnel, held_without_quotes
from alo_lib.views.fit_page import fit_html
from alo_lib.views.report import REPORT_FILE, report_html, write_report
from alo_lib.views.run import Run, RunError
from alo_lib.views.summary import summarize, summary_table
from alo_lib.views.trades import trade_records, write_trades
from alo_lib.views.volatility_page import VolatilityReportView, volatility_html, volatility_table

__all__ = [
    "REPORT_FILE",
    "Run",
    "RunError",
    "Unquoted",
    "VolatilityReportView",
    "data_account",
    "fit_html",
    "funnel",
    "held_without_quotes",
    "report_html",
    "summarize",
    "summary_table",
    "trade_records",
    "volatility_html",
    "volatility_table",
    "write_report",
    "write_trades",
]
