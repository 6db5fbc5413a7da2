"""Pages and tables of a run: blotter, performance, risk, volatility, the report, the summary.

Everything here is made from a run's folder and never reaches into a running core.
"""

from alo_lib.views.report import report_html
from alo_lib.views.run import Run, RunError
from alo_lib.views.summary import summarize, summary_table

__all__ = ["Run", "RunError", "report_html", "summarize", "summary_table"]
