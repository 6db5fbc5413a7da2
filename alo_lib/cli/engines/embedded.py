"""The embedded engine: part of this project, needs nothing installed."""

from pathlib import Path

from alo_lib.cli.console import say
from alo_lib.cli.engines.base import EngineRun, Progress
from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.market import DataFindings
from alo_lib.settings import Settings

__all__ = ["EmbeddedEngine"]


class EmbeddedEngine:
    """The project's own simulation."""

    name = "embedded"
    place = "part of this project"
    shows_progress = True
    goes_on = True

    def run(
        self, settings: Settings, data: Path, findings: DataFindings, folder: Path, progress: Progress
    ) -> EngineRun:
        """Run the simulation, or continue the one whose journal is in ``folder``; journal and results are its own."""
        from alo_lib.simulation import run_backtest

        resume = (folder / JOURNAL_FOLDER).is_dir()
        result = run_backtest(settings, data, folder, progress=progress, resume=resume, findings=findings)
        for finding in result.recovery:
            say(f"Journal: {finding}.")
        return EngineRun(result.faults)
