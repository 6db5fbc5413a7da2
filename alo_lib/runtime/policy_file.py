"""A hedging policy in a file: where a run finds it, and the copy that its folder keeps."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from alo_lib.journal import messages_of
from alo_lib.records import Kind, Message, Records
from alo_lib.records.whole_files import write_whole
from alo_lib.settings import Settings
from alo_lib.strategy.hedging_policy import HedgingPolicy, PolicyError
from alo_lib.strategy.policy_format import MOST_BYTES, policy_digest, policy_from, policy_text
from alo_lib.strategy.policy_records import policy_records

__all__ = [
    "KEPT_POLICY",
    "POLICY_KEY",
    "PolicyOfEra",
    "Stored",
    "load_policy",
    "named_in_store",
    "nothing_stored",
    "policy_of_era",
    "policy_of_run",
    "policy_of_settings",
    "put_in_store",
    "require_kept_policy",
    "require_policy_told",
    "save_policy",
]

KEPT_POLICY: Final = "policy.json"
"""In a run's folder: the policy that it hedges by."""

POLICY_KEY: Final = "alo-policy.json"
"""In the object store of a LEAN that a command starts, which may see no other file."""

Stored = Callable[[str], bytes | None]
"""What an object store has by a key; None where it has nothing."""


class PolicyOfEra(NamedTuple):
    """What a live run that goes on from a journal hedges by."""

    records: Records | None  # POLICY records; None where it hedges by none, or by one that its host is to tell
    different: str = ""  # from the last era's, in words; empty where it is not
    findings: tuple[str, ...] = ()  # sentences


def nothing_stored(key: str) -> None:
    """No object store, which has nothing by any key."""


def save_policy(policy: HedgingPolicy, path: Path) -> None:
    """Write a policy; the same policy gives the same bytes.

    :raises OSError: as writing does.
    """
    write_whole(path, policy_text(policy))


def load_policy(path: Path) -> HedgingPolicy:
    """Read a policy, trusting nothing in the file.

    :raises PolicyError: naming the file, for one that cannot be read or is no policy that this program can hedge by.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise PolicyError(f"the policy {path} cannot be read: {why}") from None
    return _named(content, str(path))


def policy_of_settings(settings: Settings, stored: Stored = nothing_stored) -> HedgingPolicy | None:
    """The policy that settings name: in a file, else what is ``stored`` by that key; None where none is asked for.

    :raises PolicyError: in one sentence that names it, where there is none or it cannot be hedged by.
    """
    if settings.hedge != "policy":
        return None
    path = Path(settings.policy)
    if not path.exists():
        content = stored(settings.policy)
        if content is not None:
            return _named(content, settings.policy)
    return load_policy(path)


def policy_of_era(
    before: Settings, now: Settings, told: Records, stored: Stored = nothing_stored, *, begun: bool
) -> PolicyOfEra:
    """The policy that a live run hedges by ``now``, where ``told`` are the POLICY records of its last era.

    A core process may run where the named file is not, since its host tells the policy of a first session: what the
    journal was told goes on then. ``begun`` says whether that was over.

    :raises PolicyError: naming it, where there is none, or none that can be hedged by.
    """
    if now.hedge != "policy":
        return PolicyOfEra(None)
    goes_on = before.hedge == "policy" and len(told) > 0
    was = told["digest"][0].decode() if goes_on else ""
    if not Path(now.policy).exists() and stored(now.policy) is None:
        if goes_on:
            finding = f"the policy {now.policy} is not here; the one that the journal was told goes on, {was[:16]}..."
            return PolicyOfEra(told.copy(), findings=(finding,))
        if not begun:
            return PolicyOfEra(None)
    policy = policy_of_settings(now, stored)
    assert policy is not None
    rows = policy_records(policy)
    digest = rows["digest"][0].decode()
    different = f"the learned policy was {was[:16]}... and is {digest[:16]}..." if was not in ("", digest) else ""
    return PolicyOfEra(rows, different)


def policy_of_run(settings: Settings, folder: Path, *, resume: bool) -> HedgingPolicy | None:
    """The policy that the settings name, of which the run in ``folder`` keeps a copy from now on.

    A run that goes on hedges by its copy; the named one may be gone by then, but not be another.

    :raises PolicyError: as :func:`policy_of_settings`; for a copy that is not as it was kept, or another policy.
    :raises OSError: where it cannot be kept.
    """
    kept = folder / KEPT_POLICY
    if settings.hedge == "policy" and resume and kept.exists():
        policy = load_policy(kept)
        if Path(settings.policy).exists():
            require_policy_told(load_policy(Path(settings.policy)), policy_digest(policy), settings.policy)
        return policy
    named = policy_of_settings(settings)
    if named is not None:
        save_policy(named, kept)
    return named


def named_in_store(settings: Settings) -> Settings:
    """The settings with the policy by its name in the object store, see :func:`put_in_store`."""
    return settings.model_copy(update={"policy": POLICY_KEY}) if settings.hedge == "policy" else settings


def put_in_store(settings: Settings, folder: Path, store: Path) -> None:
    """Put the policy of the run in ``folder``, if it has one, into the object store that a LEAN is given.

    :raises PolicyError: as :func:`policy_of_run`.
    :raises OSError: where it cannot be put.
    """
    policy = policy_of_run(settings, folder, resume=True)
    if policy is not None:
        save_policy(policy, store / POLICY_KEY)


def require_kept_policy(folder: Path, messages: Sequence[Message]) -> None:
    """Raise PolicyError unless the copy in a run's ``folder``, if there is one, is the policy that its journal tells.

    A replay decides by the journal's.
    """
    kept = folder / KEPT_POLICY
    told = [message.records["digest"][0].decode() for _, message in messages_of(messages, Kind.POLICY)]
    if told and kept.exists():
        require_policy_told(load_policy(kept), told[0], str(kept))


def require_policy_told(policy: HedgingPolicy | None, told: str, name: str) -> None:
    """Raise PolicyError unless the policy ``name`` is that of the digest that a journal was ``told``; "" for none."""
    digest = "" if policy is None else policy_digest(policy)
    if told and digest != told:
        given = f"has the digest {digest[:16]}..." if digest else "is none"
        raise PolicyError(
            f"the policy {name} {given}, but the journal was begun with {told[:16]}...; use that one, or begin anew"
        )


def _named(content: bytes, name: str) -> HedgingPolicy:
    try:
        return policy_from(content)
    except PolicyError as error:
        raise PolicyError(f"the policy {name} cannot be hedged by: {error}") from None
