"""The three streams that a state is stored in: integers, floats and bytes, 64-bit and little-endian; their columns."""

import struct
from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import numpy as np

__all__ = ["Column", "Source", "Streams"]

_SIZES: Final = struct.Struct("<qqq")  # integers, floats, bytes
_WORD: Final = 8

Taken = TypeVar("Taken", list[int], list[float], bytes)


class Streams:
    """What columns write."""

    def __init__(self) -> None:
        self.ints: list[int] = []
        self.floats: list[float] = []
        self.blobs: list[bytes] = []
        self.scope: dict[str, Any] = {}  # what linked fields can be, by name

    def packed(self, head: bytes = b"") -> bytes:
        """All of them behind ``head``: three sizes, and then the streams.

        :raises TypeError: for what is none of the three.
        :raises OverflowError: for an integer beyond 64 bits.
        """
        sizes = _SIZES.pack(len(self.ints), len(self.floats), sum(map(len, self.blobs)))
        return b"".join((head, sizes, array("q", self.ints), array("d", self.floats), *self.blobs))


class Source:
    """What columns read.

    :raises ValueError: when more is asked for than is there.
    """

    def __init__(self, ints: list[int], floats: list[float], data: bytes, linked: dict[str, Any]) -> None:
        self._ints, self._floats, self._data = ints, floats, data
        self._int = self._float = self._byte = 0
        self.scope = linked

    @classmethod
    def of(cls, data: bytes, linked: dict[str, Any]) -> "Source":
        """What :meth:`Streams.packed` gave; ``linked`` is what the fields are that belong to their surroundings."""
        if len(data) < _SIZES.size:
            raise ValueError(f"{len(data)} bytes are too few")
        sizes = _SIZES.unpack_from(data)
        ints, floats, rest = sizes
        if min(sizes) < 0 or _SIZES.size + _WORD * (ints + floats) + rest != len(data):
            raise ValueError("its parts are not as long as they say")
        middle, end = _SIZES.size + _WORD * ints, len(data) - rest
        return cls(
            np.frombuffer(data[_SIZES.size : middle], np.int64).tolist(),
            np.frombuffer(data[middle:end], np.float64).tolist(),
            data[end:],
            linked,
        )

    def finish(self) -> None:
        """Raise ValueError where something has not been read."""
        if self.left:
            raise ValueError(f"{self.left} elements are left over")

    @property
    def left(self) -> int:
        """Elements of all streams that have not been read."""
        return len(self._ints) + len(self._floats) + len(self._data) - self._int - self._float - self._byte

    def ints(self, count: int) -> list[int]:
        """The next integers."""
        begin, self._int = self._int, self._int + count
        return self._whole(self._ints[begin : self._int], count)

    def floats(self, count: int) -> list[float]:
        """The next floats."""
        begin, self._float = self._float, self._float + count
        return self._whole(self._floats[begin : self._float], count)

    def blob(self, size: int) -> bytes:
        """The next bytes."""
        begin, self._byte = self._byte, self._byte + size
        return self._whole(self._data[begin : self._byte], size)

    def lengths(self, count: int) -> list[int]:
        """The next integers, none negative and their sum not more than what is left."""
        lengths = self.ints(count)
        if lengths and (min(lengths) < 0 or sum(lengths) > self.left):
            raise ValueError("a length is negative or beyond the end")
        return lengths

    def flags(self, count: int) -> list[bool]:
        """The next integers, each 0 or 1."""
        flags = self.ints(count)
        if not {0, 1}.issuperset(flags):
            raise ValueError("a flag is neither 0 nor 1")
        return [flag == 1 for flag in flags]

    @staticmethod
    def _whole(taken: Taken, count: int) -> Taken:
        if len(taken) != count:
            raise ValueError(f"{count} elements are asked for, and {len(taken)} are left")
        return taken


class Column(ABC):
    """Values of one type; ``text`` says which, as the schema in a snapshot has it."""

    text: str

    @abstractmethod
    def write(self, values: Sequence[Any], out: Streams) -> None:
        """Add values to the streams.

        :raises TypeError: for what is not of the type.
        :raises ValueError: likewise.
        """

    @abstractmethod
    def read(self, count: int, source: Source) -> list[Any]:
        """The next values.

        :raises ValueError: for what is none of the type.
        """
