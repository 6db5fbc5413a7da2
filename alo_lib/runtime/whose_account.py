"""Whose account a journal is of: what it says, and what the host that would go on from it trades."""

from collections.abc import Sequence

from alo_lib.journal import JournalError, messages_of
from alo_lib.records import HostEvent, Kind, Message

__all__ = ["account_of", "require_account"]


def account_of(messages: Sequence[Message]) -> str:
    """The account that a journal says it is of; empty where it says none."""
    found = ""
    for _, message in messages_of(messages, Kind.EVENT):
        for row in message.records[message.records["event"] == HostEvent.ACCOUNT]:
            found = row["text"].decode(errors="replace")
    return found


def require_account(told: str, account: str) -> None:
    """Refuse to go on in an ``account`` from a journal that was ``told`` another; where either is empty nobody knows.

    :raises JournalError: where it is another.
    """
    if told and account and told != account:
        raise JournalError(
            f"the journal is of the account {told!r}, and what is traded is {account!r}: trade that by an object store "
            f"(or a core) of its own; where it is the same account under another name, set account={told}"
        )
