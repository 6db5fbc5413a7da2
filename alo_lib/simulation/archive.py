"""Lists that only grow, and of which a snapshot costs no more the longer they are."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from alo_lib.core import pack, unpack

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

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        while len(chunk := self._following()) == _CHUNK and all(map(self.settled, chunk)):
            self._chunks.append(pack(chunk))
        return _restored, (type(self), tuple(self._chunks), self[len(self._chunks) * _CHUNK :])

    def _following(self) -> list[Item]:
        start = len(self._chunks) * _CHUNK
        return self[start : start + _CHUNK]


def _restored(kind: type[Archive[Item]], chunks: Sequence[bytes], rest: list[Item]) -> Archive[Item]:
    archive = kind()
    for chunk in chunks:
        archive.extend(unpack(chunk))
    archive.extend(rest)
    archive._chunks = list(chunks)
    return archive
