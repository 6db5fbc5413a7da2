"""A journal as one file, for another machine: a compressed tar of its segments, behind a list of what they should be.

An archive is read as anything else that comes from elsewhere: names, kinds, sizes and digests of what it holds are held
against its list, and nothing of it is unpacked by tar's own rules. So no name in it leads anywhere.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, cast

from alo_lib.journal.contents import Contents
from alo_lib.journal.digest import message_digest
from alo_lib.journal.files import Files
from alo_lib.journal.format import WORD, JournalError, segment_name, shown
from alo_lib.journal.journal import Journal
from alo_lib.journal.reader import read_journal, reason_of
from alo_lib.records.json_reading import json_of
from alo_lib.records.whole_files import whole_file

__all__ = ["ARCHIVE_SUFFIX", "Archived", "archive_journal", "restore_journal"]

ARCHIVE_SUFFIX: Final = ".journal.tar.gz"
_VERSION: Final = 1
_LIST_NAME: Final = "archive.json"
_LONGEST_LIST: Final = 1 << 24
"""Bytes: of some hundred thousand segments."""
_PIECE: Final = 1 << 20
_LEVEL: Final = 6
"""Of compression: a journal comes to a fifth or less, and higher ones gain little."""
_DAMAGE: Final = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)
"""What a compressed tar that is none, or is cut, ends in."""


class Archived(NamedTuple):
    """What an archive holds."""

    messages: int
    segments: int
    digest: str  # of what the journal says (alo_lib.journal.digest)
    closed: bool  # whether its writer had closed it


def archive_journal(folder: Path, archive: Path) -> Archived:
    """Write the journal in a folder to a file that is not there yet; of one that is being written, what it has so far.

    The same journal comes to the same bytes.

    :raises JournalError: where the journal does not hold, or there is a file.
    :raises OSError: where it cannot be written.
    """
    if archive.exists():
        raise JournalError(f"{archive} is there already; name another file, or remove it first")
    journal = read_journal(folder, unfinished=True)
    told = _told(journal)
    listed = {
        "alo-archive": _VERSION,
        "messages": told.messages,
        "digest": told.digest,
        "segments": [
            {"name": each.name, "bytes": each.end * WORD, "sha256": _sha256(each.contents, each.end * WORD)}
            for each in journal.segments
        ],
    }
    with (
        whole_file(archive) as file,
        gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
    ):
        text = json.dumps(listed, indent=1).encode()
        tar.addfile(_member(_LIST_NAME, len(text)), io.BytesIO(text))
        for each in journal.segments:
            tar.addfile(_member(each.name, each.end * WORD), _Reading(each.contents, each.end * WORD))
    return told


def restore_journal(archive: Path, folder: Path) -> Archived:
    """Make the journal that an archive holds in a folder that is not there yet, or is empty.

    It is there whole and checked, or not at all.

    :raises JournalError: for what is no archive, is damaged or of a later version, and where the folder holds
        something.
    """
    try:
        if folder.is_symlink():
            raise JournalError(f"{folder} is a link; a journal is restored to a folder of its own")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise JournalError(f"{folder} is not empty; a journal is restored to a folder of its own")
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = folder.with_name(f".{folder.name}.{os.getpid()}.restoring")
        Files().make_folder(made)
    except OSError as error:
        raise JournalError(f"{folder} cannot be made: {error.strerror or error}") from error
    try:
        listed = _unpacked(archive, made)
        told = _told(read_journal(made, unfinished=True))
        if (told.messages, told.digest) != (listed["messages"], listed["digest"]):
            raise JournalError(f"{archive} is damaged: its journal is not the one that it tells of")
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
        Files().sync_directory(folder.parent)
    except OSError as error:
        raise JournalError(f"{archive} cannot be restored: {reason_of(error, folder)}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return told


# Reading -------------------------------------------------------------------------------------------------------------


def _unpacked(archive: Path, folder: Path) -> dict[str, Any]:
    """Write an archive's segments to a folder; returns its list."""
    with _opened(archive) as packed:
        listed = _listed(archive, packed)
        for row in listed["segments"]:
            member = _next(archive, packed)
            if member is None:
                raise JournalError(f"{archive} is cut: {row['name']} is missing")
            if member.name != row["name"] or member.size != row["bytes"]:
                raise JournalError(
                    f"{archive} is damaged: it holds {shown(member.name)} of {member.size:,} bytes where "
                    f"{row['name']} of {row['bytes']:,} should be"
                )
            _unpack(archive, packed, member, folder / row["name"], row["sha256"])
        if (more := _next(archive, packed)) is not None:
            raise JournalError(f"{archive} is damaged: it holds {shown(more.name)}, which it does not tell of")
        rest = packed.read(tarfile.RECORDSIZE + 1)  # to the end, where the checksum of all of it is
        if len(rest) > tarfile.RECORDSIZE or any(rest):
            raise JournalError(f"{archive} is damaged: something follows its end")
    Files().sync_directory(folder)
    return listed


@contextmanager
def _opened(archive: Path) -> Iterator[BinaryIO]:
    if archive.exists() and not archive.is_file():
        raise JournalError(f"{archive} is no file, and so no archive of a journal")
    try:
        with archive.open("rb") as file, gzip.GzipFile(fileobj=file, mode="rb") as packed:
            yield cast("BinaryIO", packed)
    except _DAMAGE as error:
        raise JournalError(f"{archive} is no archive of a journal, or is cut: {error}") from None


def _next(archive: Path, packed: BinaryIO) -> tarfile.TarInfo | None:
    """The head of what is next, a plain file; None at the end. tar's own reader would read as it is told to."""
    block = packed.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        raise JournalError(f"{archive} is cut")
    if not any(block):
        return None
    member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    if member.type != tarfile.REGTYPE:
        what = "a link" if member.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "not a plain file"
        raise JournalError(f"{archive} is no archive of a journal: {shown(member.name)} in it is {what}")
    return member


def _pass_padding(packed: BinaryIO, size: int) -> None:
    packed.read(-size % tarfile.BLOCKSIZE)


def _listed(archive: Path, packed: BinaryIO) -> dict[str, Any]:
    """What an archive says that it holds, checked."""
    member = _next(archive, packed)
    if member is None or member.name != _LIST_NAME or not 0 <= member.size <= _LONGEST_LIST:
        raise JournalError(f"{archive} is no archive of a journal: it does not begin with {_LIST_NAME}")
    text = packed.read(member.size)
    _pass_padding(packed, member.size)
    try:
        listed: dict[str, Any] = json_of(text, each_once=True)
    except ValueError as error:
        raise JournalError(f"{archive} is no archive of a journal: its {_LIST_NAME} {error}") from None
    version = listed.get("alo-archive") if isinstance(listed, dict) else None
    if type(version) is not int or version < 1:
        raise JournalError(f"{archive} is no archive of a journal: its {_LIST_NAME} tells no version")
    if version > _VERSION:
        raise JournalError(f"{archive} is an archive of version {version}; this program reads version {_VERSION}")
    if not _is_whole(listed):
        raise JournalError(f"{archive} is damaged: its {_LIST_NAME} does not tell what it holds")
    return listed


def _is_whole(listed: dict[str, Any]) -> bool:
    rows = listed.get("segments")
    if not isinstance(rows, list) or not rows or type(listed.get("messages")) is not int:
        return False
    return isinstance(listed.get("digest"), str) and all(
        isinstance(row, dict)
        and row.get("name") == segment_name(number)
        and type(row.get("bytes")) is int
        and row["bytes"] > 0
        and isinstance(row.get("sha256"), str)
        for number, row in enumerate(rows)
    )


def _unpack(archive: Path, packed: BinaryIO, member: tarfile.TarInfo, path: Path, sha256: str) -> None:
    files, digest, left = Files(), hashlib.sha256(), member.size
    descriptor = files.create(path)
    try:
        while left:
            piece = packed.read(min(_PIECE, left))
            if not piece:
                raise JournalError(f"{archive} is cut within {path.name}")
            digest.update(piece)
            files.append(descriptor, piece)
            left -= len(piece)
        if digest.hexdigest() != sha256:
            raise JournalError(f"{archive} is damaged: {path.name} is not what it was, by its digest")
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    _pass_padding(packed, member.size)


# Writing -------------------------------------------------------------------------------------------------------------


class _Reading(io.RawIOBase):
    """So many bytes of what a segment is made of, as tar reads them."""

    def __init__(self, contents: Contents, size: int) -> None:
        self._contents, self._at, self._size = contents, 0, size

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what is next; fewer bytes at the end."""
        piece = self._contents.read(self._at, min(len(buffer), self._size - self._at))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _sha256(contents: Contents, size: int) -> str:
    digest = hashlib.sha256()
    for at in range(0, size, _PIECE):
        digest.update(contents.read(at, min(_PIECE, size - at)))
    return digest.hexdigest()


def _member(name: str, size: int) -> tarfile.TarInfo:
    """A plain file of its owner's, of no time and nobody: the same journal comes to the same bytes."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _told(journal: Journal) -> Archived:
    return Archived(
        len(journal.messages), len(journal.segments), message_digest(journal.counted), closed=journal.sealed
    )
