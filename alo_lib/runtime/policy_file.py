"""A hedging policy in a file."""

from pathlib import Path

from alo_lib.records.whole_files import write_whole
from alo_lib.strategy.hedging_policy import HedgingPolicy, PolicyError
from alo_lib.strategy.policy_format import MOST_BYTES, policy_from, policy_text

__all__ = ["load_policy", "save_policy"]


def save_policy(policy: HedgingPolicy, path: Path) -> None:
    """Write a policy; the same policy gives the same bytes.

    :raises OSError: as writing does.
    """
    write_whole(path, policy_text(policy))


def load_policy(path: Path) -> HedgingPolicy:
    """Read a policy, trusting nothing in the file.

    :raises PolicyError: naming the file, for one that is no policy that this program can hedge by.
    :raises OSError: where it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    try:
        return policy_from(content)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from None
