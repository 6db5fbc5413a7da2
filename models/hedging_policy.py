"""The policy that a run hedges by: a file on LEAN's machine, or the same bytes in its object store."""

from AlgorithmImports import QCAlgorithm

from alo_lib.runtime.policy_file import policy_of_settings
from alo_lib.settings import Settings
from alo_lib.strategy.hedging_policy import HedgingPolicy
from models.object_store import LeanObjectStore

__all__ = ["hedging_policy"]


def hedging_policy(algorithm: QCAlgorithm, settings: Settings) -> HedgingPolicy | None:
    """The policy that the settings name; None where they ask for none.

    :raises PolicyError: in one sentence, where there is none or it cannot be hedged by.
    """
    return policy_of_settings(settings, LeanObjectStore(algorithm.object_store).read)
