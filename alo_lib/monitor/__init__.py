"""What is seen of a run while it runs, from a process that only reads: terminal, page and metrics."""

from typing import TYPE_CHECKING

from alo_lib.exports import export_lazily

if TYPE_CHECKING:
    from alo_lib.monitor.source import MonitorError, Source, find_source
    from alo_lib.monitor.view import NOT_SEEN, Monitor

__all__ = ["NOT_SEEN", "Monitor", "MonitorError", "Source", "find_source"]
export_lazily(__name__)
