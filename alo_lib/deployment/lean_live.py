"""LEAN's configuration for a live paper account whose decisions a core of its own makes."""

from collections.abc import Mapping
from typing import Any, Final

from alo_lib.settings import Settings
from alo_lib.settings.operation import OperationSettings

__all__ = ["lean_live"]

_ENGINE: Final = "QuantConnect.Lean.Engine"
_STANDS_BY: Final = 31_536_000
"""Seconds, a year: LEAN initializes until its host leads."""


def lean_live(base: Mapping[str, Any], settings: OperationSettings) -> dict[str, Any]:
    """The project's own configuration (``lean.json``) with what LEAN's command line would add for ``lean live``."""
    of, decides = settings.deploy, Settings.of(settings.settings)
    return {
        **base,
        "environment": "live-paper",
        "algorithm-type-name": "main",
        "algorithm-language": "Python",
        "algorithm-location": f"{of.project}/main.py",
        "parameters": {
            **decides.as_parameters(),
            "core-process": settings.core.name,
            "core-folder": settings.core.folder or "",
        },
        "data-folder": f"{of.data}/",
        "results-destination-folder": f"{of.state}/lean",
        "object-store-root": f"{of.state}/store",
        "close-automatically": False,
        **({"initialization-timeout": _STANDS_BY} if decides.leader_lease else {}),
        "job-user-id": "0",
        "api-access-token": "",
        "job-organization-id": "",
        "environments": {
            **base.get("environments", {}),
            "live-paper": {
                "live-mode": True,
                "live-mode-brokerage": "PaperBrokerage",
                "setup-handler": f"{_ENGINE}.Setup.BrokerageSetupHandler",
                "result-handler": f"{_ENGINE}.Results.LiveTradingResultHandler",
                "data-feed-handler": f"{_ENGINE}.DataFeeds.LiveTradingDataFeed",
                "data-queue-handler": [of.data_queue],
                "real-time-handler": f"{_ENGINE}.RealTime.LiveTradingRealTimeHandler",
                "history-provider": [f"{_ENGINE}.HistoricalData.SubscriptionDataReaderHistoryProvider"],
                "transaction-handler": f"{_ENGINE}.TransactionHandlers.BacktestingTransactionHandler",
            },
        },
    }  # fmt: skip
