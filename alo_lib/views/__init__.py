"""Pages and tables of a run: blotter, performance, risk, volatility, the report, the summary.

All but the volatility page is made from a run's folder; nothing here reaches into a running core.
"""

from alo_lib.views.analysis import AnalysisView, analysis_html, analysis_table
from alo_lib.views.report import REPORT_FILE, report_html, write_report
from alo_lib.views.run import Run, RunError
from alo_lib.views.summary import summarize, summary_table

__all__ = [
    "REPORT_FILE",
    "AnalysisView",
    "Run",
    "RunError",
    "analysis_html",
    "analysis_table",
    "report_html",
    "summarize",
    "summary_table",
    "write_report",
]
