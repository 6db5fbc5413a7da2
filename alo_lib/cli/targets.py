"""Files that people name to be written: where they may lie, and that nothing is overwritten that is not ours."""

from pathlib import Path
from typing import Final

from alo_lib.cli.failures import UserError

__all__ = ["check_page", "check_parquet", "check_policy", "check_target"]

_HEAD_BYTES: Final = 1024


def check_target(path: Path) -> bool:
    """Whether there is a file at ``path`` already. UserError when none can be written there."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise UserError(f"there is no folder {path.parent} to write {path.name} to; make it first")
    return path.is_file()


def check_page(path: Path) -> None:
    """UserError unless a page can be written to ``path``, in place of nothing or of an earlier page of ours."""
    from alo_lib.views.page import PAGE_MARK

    if check_target(path):
        with path.open("rb") as file:
            if PAGE_MARK.encode() not in file.read(_HEAD_BYTES):
                raise _not_ours(path, "page")


def check_parquet(path: Path) -> None:
    """UserError unless a journal's table can be written to ``path``, in place of nothing or of an earlier one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from alo_lib.views.parquet import TABLE_MARK

    if check_target(path):
        try:
            metadata = pq.read_schema(path).metadata or {}
        except pa.ArrowInvalid:
            metadata = {}
        if TABLE_MARK not in metadata:
            raise _not_ours(path, "table of a journal")


def check_policy(path: Path) -> None:
    """UserError unless a policy can be written to ``path``, in place of nothing or of an earlier policy."""
    from alo_lib.runtime.policy_file import load_policy
    from alo_lib.strategy.hedging_policy import PolicyError

    if check_target(path):
        try:
            load_policy(path)
        except PolicyError:
            raise _not_ours(path, "policy") from None


def _not_ours(path: Path, what: str) -> UserError:
    return UserError(f"{path} exists and is no {what} that alo has written; name another file, or remove it")
