"""A segment: a file that processes map into their memory, with a header that says what it holds.

Segments are files, not ``multiprocessing.shared_memory``, whose tracker removes segments that other processes still
use. A segment stays until somebody removes it, so a process that was killed finds its rings as it left them. It comes
into being whole: made under another name, filled in, then linked to its own.
"""

import mmap
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from alo_lib.numerics.compilation import python_original
from alo_lib.transport.access import make_file, make_folder, open_file, opened_folder
from alo_lib.transport.atomics import SUPPORTED, Words
from alo_lib.transport.errors import SegmentError
from alo_lib.transport.layout import (
    HEADER,
    HEADER_BYTES,
    LAYOUT_VERSION,
    MAGIC,
    WORD,
    SegmentKind,
)
from alo_lib.transport.validation import check_end, check_header, check_positions, described, records_of

try:
    import fcntl
except ImportError:  # not a POSIX system: the in-process ring works, segments are refused
    fcntl = None  # type: ignore[assignment]

__all__ = ["Segment"]


class _ExistsError(SegmentError):
    """The path is taken."""


class Segment:
    """A mapped file. ``words`` is the whole of it, header first, as int64; ``compiled`` tells how it is worked on.

    ``kind``, ``capacity`` in slots, copies or rows, ``stride``, ``record_words`` and ``dtype``, the layout of
    its records, are the header's when it was opened and found to fit.

    Compiled kernels need no lock. Where they are not supported, or not wanted (``compiled=False`` in every process
    that uses the segment), every step is the kernel's Python original under a lock on the file.
    """

    def __init__(
        self, path: Path, memory: mmap.mmap, descriptor: int, checked: "np.void", *, compiled: bool | None
    ) -> None:
        if compiled and not SUPPORTED:
            raise SegmentError(f"segment {path} cannot be worked on by kernels: they are compiled for x86-64 only")
        self.path = path
        self.memory = memory
        self.compiled = SUPPORTED if compiled is None else compiled
        self.words: Words = np.frombuffer(memory, np.int64)
        # As they were when it was opened: what stands in memory now may have been altered since.
        self.kind = SegmentKind(int(checked["kind"]))
        self.capacity = int(checked["capacity"])
        self.stride = int(checked["stride"])
        self.record_words = int(checked["record_words"])
        self.dtype = records_of(path, checked)
        self._descriptor = descriptor
        self._closed = False

    # Making and opening ----------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: Path,
        kind: SegmentKind,
        *,
        capacity: int,
        stride: int,
        record_words: int,
        dtype: "np.dtype[Any]",
        compiled: bool | None = None,
    ) -> "Segment":
        """Make a segment of ``capacity`` times ``stride`` words, all zero, and open it; nobody else may read it.

        Its memory is set aside now, because a page that cannot be had later would kill the process that touches it.

        :raises SegmentError: when the path is taken, there is no room, or the folder is not this user's alone.
        """
        schema = described(dtype)
        size = HEADER_BYTES + capacity * stride * WORD
        new = f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.new"
        _need_posix()
        make_folder(path.parent)
        with opened_folder(path.parent) as folder:
            try:
                descriptor = make_file(new, folder)
            except OSError as error:
                raise SegmentError(f"segment {path} cannot be made: {error.strerror}") from error
            try:
                os.ftruncate(descriptor, size)
                _reserve(descriptor, size)
                header = np.zeros(1, HEADER)
                header["magic"], header["version"], header["kind"] = MAGIC, LAYOUT_VERSION, kind
                header["bytes"], header["capacity"], header["stride"] = size, capacity, stride
                header["record_words"], header["schema_length"], header["schema"] = record_words, len(schema), schema
                os.pwrite(descriptor, header.tobytes(), 0)
                os.link(new, path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                raise _ExistsError(f"segment {path} exists already; open it, or remove it first") from None
            except OSError as error:
                raise SegmentError(f"segment {path} of {size:,} bytes cannot be made: {error.strerror}") from error
            finally:
                os.close(descriptor)
                os.unlink(new, dir_fd=folder)
        return cls.open(path, kind, compiled=compiled)

    @classmethod
    def open(
        cls, path: Path, kind: SegmentKind | None = None, *, compiled: bool | None = None, writable: bool = True
    ) -> "Segment":
        """Open a segment of a kind, or of any.

        :raises SegmentError: when there is none, it is something else, or it is not this user's alone.
        """
        _need_posix()
        with opened_folder(path.parent) as folder:
            try:
                descriptor = open_file(path, folder, writable=writable)
            except OSError as error:
                raise SegmentError(f"segment {path} cannot be opened: {error.strerror}") from error
        try:
            header = np.frombuffer(os.pread(descriptor, HEADER_BYTES, 0).ljust(HEADER_BYTES, b"\0"), HEADER)[0]
            size = os.fstat(descriptor).st_size
            found = check_header(path, header, size)
            if kind is not None and found is not kind:
                raise SegmentError(f"segment {path} holds {found.label}, not {kind.label}")
            protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
            populate = getattr(mmap, "MAP_POPULATE", 0)  # its pages are mapped now, not one by one when it matters
            memory = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED | populate, prot=protection)
            check_positions(path, found, int(header["capacity"]), np.frombuffer(memory, np.int64))
            return cls(path, memory, descriptor, header, compiled=compiled)
        except BaseException:
            os.close(descriptor)
            raise

    @classmethod
    def ensure(
        cls,
        path: Path,
        kind: SegmentKind,
        *,
        capacity: int,
        stride: int,
        record_words: int,
        dtype: "np.dtype[Any]",
        compiled: bool | None = None,
    ) -> "Segment":
        """Open the segment, made now if there is none.

        :raises SegmentError: when the one there is laid out otherwise.
        """
        with suppress(_ExistsError):
            return cls.create(
                path,
                kind,
                capacity=capacity,
                stride=stride,
                record_words=record_words,
                dtype=dtype,
                compiled=compiled,
            )
        segment = cls.open(path, kind, compiled=compiled)
        wanted = {"capacity": capacity, "stride": stride, "record_words": record_words}
        for field, value in wanted.items():
            if (found := getattr(segment, field)) != value:
                segment.close()
                raise SegmentError(f"segment {path} has {field} {found}, not {value}; remove it to make another")
        if segment.dtype != dtype:
            segment.close()
            raise SegmentError(
                f"segment {path} holds records of {segment.dtype}, not {dtype}; remove it to make another"
            )
        return segment

    # What it is ------------------------------------------------------------------------------------------------------

    @property
    def header(self) -> "np.void":
        """A copy of the header, as :data:`~alo_lib.transport.layout.HEADER`."""
        found: np.void = np.frombuffer(self.memory[:HEADER_BYTES], HEADER)[0]
        return found

    @property
    def in_place(self) -> bool:
        """Whether its path still leads to it, whole, and not to nothing or to another file."""
        if self._closed:
            return False
        try:
            there = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        own = os.fstat(self._descriptor)
        return os.path.samestat(there, own) and own.st_size == self.words.nbytes

    def check_size(self) -> None:
        """Look whether the file is as long as when it was mapped: what touches memory beyond its end is killed.

        :raises SegmentError: when it was cut.
        """
        size = os.fstat(self._descriptor).st_size
        if size != self.words.nbytes:
            raise SegmentError(f"segment {self.path} was cut from {self.words.nbytes:,} to {size:,} bytes; remove it")

    def damaged(self) -> SegmentError:
        """The error for a step that found the segment other than it can be: what of it, as far as that can be told."""
        try:
            self.check_size()
            check_header(self.path, self.header, self.words.nbytes)
            check_end(self.path, self.words)
            check_positions(self.path, self.kind, self.capacity, self.words)
        except SegmentError as error:
            return error
        return SegmentError(
            f"segment {self.path} is damaged: what waits at its positions does not fit them; remove it, with both "
            "sides stopped"
        )

    @property
    def closed(self) -> bool:
        """Whether this process has closed it."""
        return self._closed

    def step(self, kernel: Any) -> Any:
        """The kernel as it runs on this segment: compiled, or its Python original under a lock on the file."""
        if self.compiled:
            return kernel
        original = python_original(kernel)

        def guarded(*arguments: Any) -> Any:
            with self.locked(), np.errstate(over="ignore"):  # words wrap around as they do when compiled
                return original(*arguments)

        return guarded

    # Working on it ---------------------------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out that lock too: whoever takes a side, and everybody where nothing is compiled."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def touch(self) -> None:
        """Read every page once, so that none is looked up for the first time when it matters."""
        int(self.words[:: mmap.PAGESIZE // WORD].sum())

    def close(self) -> None:
        """Unmap it. Arrays that still look into it keep the mapping until they are gone."""
        if self._closed:
            return
        self._closed = True
        self.words = np.empty(0, np.int64)
        os.close(self._descriptor)
        with suppress(BufferError):
            self.memory.close()

    def remove(self) -> None:
        """Take its file away; processes that have it mapped keep what they have."""
        self.path.unlink(missing_ok=True)


def _reserve(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)


def _need_posix() -> None:
    if fcntl is None:
        raise SegmentError("segments need a POSIX system; the ring within one process works here too")
