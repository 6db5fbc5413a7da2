"""What the account is called that LEAN trades live."""

from AlgorithmImports import Config, DeploymentTarget, QCAlgorithm

__all__ = ["account_name"]

_NUMBERS = (
    *("ib-account", "tradier-account-id", "charles-schwab-account-number", "tradestation-account-id"),
    *("tastytrade-account-number", "webull-account-id", "trading-technologies-account-name"),
)
"""Keys of LEAN's configuration under which brokers have the number of an account, as the `lean` command writes them."""


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
    return " ".join(filter(None, (broker, *(str(Config.get(key)) for key in _NUMBERS))))
