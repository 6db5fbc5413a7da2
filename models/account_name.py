"""What the account is called that LEAN trades live."""

import re

from AlgorithmImports import Config, DeploymentTarget, QCAlgorithm

__all__ = ["account_name"]

_NUMBERS = {
    "InteractiveBrokersBrokerage": "ib-account",
    "TradierBrokerage": "tradier-account-id",
    "CharlesSchwabBrokerage": "charles-schwab-account-number",
    "TradeStationBrokerage": "tradestation-account-id",
}
"""By broker, the key of LEAN's configuration that has the account's number, as the `lean` command writes it."""
_ELSE = re.compile(r"[^A-Za-z0-9 ._#/-]")
"""What the setting `account` may not have."""


def account_name(algorithm: QCAlgorithm, named: str) -> str:
    """The account's name: ``named`` by the settings, else the cloud's project, else the broker with its number.

    Empty in a backtest. In the cloud all projects of an organization have one object store, and nothing else that an
    algorithm is told tells their accounts apart.
    """
    if not algorithm.live_mode:
        return ""
    if named:
        return named
    if algorithm.deployment_target == DeploymentTarget.CLOUD_PLATFORM:
        return f"project {algorithm.project_id}"
    broker = str(Config.get("live-mode-brokerage")).rpartition(".")[2]
    number = str(Config.get(_NUMBERS[broker])) if broker in _NUMBERS else ""
    return _ELSE.sub("-", f"{broker} {number}".strip())[:64]
