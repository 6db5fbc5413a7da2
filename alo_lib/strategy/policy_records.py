"""A hedging policy as the records of a journal: its text in parts, so that a journal alone decides again by it."""

import numpy as np

from alo_lib.records import POLICY_TEXT, Kind, Records, records
from alo_lib.strategy.hedging_policy import HedgingPolicy, PolicyError
from alo_lib.strategy.policy_format import policy_digest, policy_from, policy_text

__all__ = ["policy_of_records", "policy_records"]


def policy_records(policy: HedgingPolicy) -> Records:
    """The POLICY records of a policy, all of one message."""
    text = policy_text(policy)
    parts = [text[first : first + POLICY_TEXT] for first in range(0, len(text), POLICY_TEXT)]
    rows = records(Kind.POLICY, len(parts), parts=len(parts), digest=policy_digest(policy).encode())
    rows["part"], rows["text"] = np.arange(len(parts)), parts
    return rows


def policy_of_records(rows: Records) -> HedgingPolicy:
    """The policy that POLICY records are.

    :raises PolicyError: in words that follow "it", where they are not all of one policy that is as it should be.
    """
    count = len(rows)
    if (rows["part"] != np.arange(count)).any() or (rows["parts"] != count).any():
        raise PolicyError(f"it should be {count} parts in order, but they are {_shown(rows)}")
    policy = policy_from(b"".join(rows["text"].tolist()))
    digest = policy_digest(policy)
    if (rows["digest"] != digest.encode()).any():
        raise PolicyError(f"its digest is {digest[:16]}..., but its records tell another")
    return policy


def _shown(rows: Records) -> str:
    return ", ".join(f"{part} of {parts}" for part, parts in zip(rows["part"][:4], rows["parts"][:4], strict=True))
