"""Pages and tables of a run: blotter, performance, risk, volatility, the report, the summary.

All but the volatility page is made from a run's folder; nothing here reaches into a running core.
"""

from alo_lib.views.analysis import AnalysisView, analysis_html, analysis_table
from alo_lib.views.data import Unquoted, data_account, funnel, held_without_quotes
from alo_lib.views.report import REPORT_FILE, report_html, write_report
from alo_lib.views.run import Run, RunError
from alo_lib.views.summary import summarize, summary_table
from alo_lib.views.trades import trade_records, write_trades

__all__ = [
    "REPORT_FILE",
    "AnalysisView",
    "Run",
    "RunError",
    "Unquoted",
    "analysis_html",
    "analysis_table",
    "data_account",
    "funnel",
    "held_without_quotes",
    "report_html",
    "summarize",
    "summary_table",
    "trade_records",
    "write_report",
    "write_trades",
]
