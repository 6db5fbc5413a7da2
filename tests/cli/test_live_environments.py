"""lean.json's live environments: what LEAN's launcher and its command line ask of one, and settings that exist."""

import json
import re
from typing import Any

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.deployment.lean_live import lean_live
from alo_lib.settings import Settings
from alo_lib.settings.operation import OperationSettings

CONTENT = json.loads((ROOT / "lean.json").read_text(encoding="utf-8"))
LIVE = {"live-paper", "live-interactive"}
ENGINE = "QuantConnect.Lean.Engine"
COMMON = {
    "live-mode": True,
    "setup-handler": f"{ENGINE}.Setup.BrokerageSetupHandler",
    "result-handler": f"{ENGINE}.Results.LiveTradingResultHandler",
    "data-feed-handler": f"{ENGINE}.DataFeeds.LiveTradingDataFeed",
    "real-time-handler": f"{ENGINE}.RealTime.LiveTradingRealTimeHandler",
}
"""As LEAN's own Launcher/config.json has them for every live environment."""
TRADES = {
    "PaperBrokerage": f"{ENGINE}.TransactionHandlers.BacktestingTransactionHandler",  # it fills at its scans alone
    "InteractiveBrokersBrokerage": f"{ENGINE}.TransactionHandlers.BrokerageTransactionHandler",
}
CHOSEN = {"live-mode-brokerage", "data-queue-handler", "history-provider", "transaction-handler", "parameters"}
HISTORIES = {"BrokerageHistoryProvider", "SubscriptionDataReaderHistoryProvider"}
"""What ``lean live deploy`` passes to LEAN as it is; any other name, one with a namespace too, must be a module's."""
ACCOUNT = {
    "ib-account": "",
    "ib-user-name": "",
    "ib-password": "",
    "ib-agent-description": "Individual",
    "ib-trading-mode": "paper",
    "ib-enable-delayed-streaming-data": False,
    "ib-weekly-restart-utc-time": "22:00:00",
    "ib-financial-advisors-group-filter": "",
}
"""Of an account with Interactive Brokers, as LEAN has them: nobody's, and on paper until somebody says otherwise."""
SETS_ITSELF = {"ib-host", "ib-port", "ib-tws-dir", "ib-version", "environment", "parameters", "algorithm-location"}
"""What ``lean`` removes from a lean.json that it writes, because it sets it at each start."""


def environment(name: str) -> dict[str, Any]:
    found: dict[str, Any] = CONTENT["environments"][name]
    return found


def test_there_is_paper_and_interactive_brokers():
    assert {name for name, each in CONTENT["environments"].items() if each["live-mode"]} == LIVE
    assert environment("live-paper")["live-mode-brokerage"] == "PaperBrokerage"
    assert environment("live-interactive")["live-mode-brokerage"] == "InteractiveBrokersBrokerage"


@pytest.mark.parametrize("name", sorted(LIVE))
def test_a_live_environment_has_every_handler_and_nothing_else(name):
    given = environment(name)
    assert set(given) == set(COMMON) | CHOSEN
    assert {key: given[key] for key in COMMON} == COMMON
    assert given["transaction-handler"] == TRADES[given["live-mode-brokerage"]]


@pytest.mark.parametrize("name", sorted(LIVE))
def test_its_data_and_history_are_ones_that_the_command_finds(name):
    """LEAN's own environment for paper names a queue that throws at the first subscription."""
    assert environment(name)["data-queue-handler"] == ["InteractiveBrokersBrokerage"]
    assert set(environment(name)["history-provider"]) <= HISTORIES


@pytest.mark.parametrize("name", sorted(LIVE))
def test_its_parameters_are_settings_within_what_a_broker_sends(name):
    """100 lines of data: each underlying has one, its contracts and those that are held the others."""
    parameters = environment(name)["parameters"]
    assert all(isinstance(value, str) for value in parameters.values())
    decides = Settings.of(parameters)
    assert decides.max_contracts + len(decides.underlyings) < 100
    assert not set(parameters) & {"start", "end", "cash"}  # of backtests alone


def test_the_projects_parameters_are_settings():
    Settings.of(json.loads((ROOT / "config.json").read_text(encoding="utf-8"))["parameters"])


def test_the_account_is_nobodys():
    assert {key: value for key, value in CONTENT.items() if key.startswith("ib-")} == ACCOUNT
    assert not SETS_ITSELF & set(CONTENT)
    assert re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", str(ACCOUNT["ib-weekly-restart-utc-time"]))
    for name in LIVE:
        assert not [key for key in environment(name) if key.startswith("ib-")]


def test_what_is_deployed_is_this_environment_with_the_cores_settings():
    settings = OperationSettings.of({"settings": {"underlyings": "GOOG"}, "deploy": {"data-queue": "My.Queue"}}, "x")
    base = json.loads(json.dumps(CONTENT))
    base["environments"]["live-paper"]["real-time-handler"] = "Another"
    base["ib-password"] = "pass"
    deployed = lean_live(base, settings)
    expected = base["environments"]["live-paper"] | {"data-queue-handler": ["My.Queue"]}
    del expected["parameters"]  # LEAN would take them in place of the core's
    assert deployed["environment"] == "live-paper"
    assert deployed["environments"] == {"live-paper": expected}
    assert deployed["parameters"]["underlyings"] == "GOOG"
    assert not [key for key in deployed if key.startswith("ib-")]
