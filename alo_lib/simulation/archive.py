"""Lists that only grow, and of which a snapshot costs no more the longer they are."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final, TypeVar

from alo_lib.core.columns import column_of
from alo_lib.core.streams import Column, Source, Streams

__all__ = ["Archive"]

Item = TypeVar("Item")

_CHUNK: Final = 32
"""Items packed together, once and for all."""


class Archive(list[Item]):
    """A list that is appended to, of items that do not change once they are settled and that nothing else holds then.

    What is settled is packed once: a run's history would otherwise be packed again for every snapshot of it.
    """

    def __init__(self, items: Iterable[Item] = ()) -> None:
        super().__init__(items)
        self._chunks: list[bytes] = []

    def settled(self, item: Item) -> bool:
        """Whether an item changes no more."""
        return True

    @classmethod
    def stored_as(cls, item: Any) -> Column:
        """How archives are stored: what is settled in whole chunks, and the rest."""
        return _Archives(cls, column_of(item))

    def chunks(self, column: Column) -> list[bytes]:
        """What is settled, packed as of ``column``; the items that follow it are :attr:`rest`."""
        while len(chunk := self.rest[:_CHUNK]) == _CHUNK and all(map(self.settled, chunk)):
            out = Streams()
            column.write(chunk, out)
            self._chunks.append(out.packed())
        return self._chunks

    @property
    def rest(self) -> list[Item]:
        """The items that are not in a chunk."""
        return self[len(self._chunks) * _CHUNK :]


class _Archives(Column):
    """Archives: chunks of items, each with streams of its own, and the items that follow them."""

    def __init__(self, kind: type[Archive[Any]], item: Column) -> None:
        self.text, self._kind, self._item = f"{kind.__name__} of {_CHUNK} {item.text}", kind, item

    def write(self, values: Sequence[Any], out: Streams) -> None:
        chunks = [value.chunks(self._item) for value in values]
        column_of(list[bytes]).write(chunks, out)
        rests = [value.rest for value in values]
        out.ints.extend(map(len, rests))
        self._item.write(list(chain.from_iterable(rests)), out)

    def read(self, count: int, source: Source) -> list[Any]:
        found = []
        for chunks in column_of(list[bytes]).read(count, source):
            archive = self._kind()
            archive._chunks = chunks
            for chunk in chunks:
                inner = Source.of(chunk, {})
                archive.extend(self._item.read(_CHUNK, inner))
                inner.finish()
            found.append(archive)
        for archive, length in zip(found, source.lengths(count), strict=True):
            archive.extend(self._item.read(length, source))
        return found
