"""An object store that writes its values late, in a process that may be killed meanwhile."""

from pathlib import Path

from tests.journal.on_disk import OnDisk

__all__ = ["KilledError", "LateStore"]


class KilledError(Exception):
    """The process was killed."""


class LateStore(OnDisk):
    """As LEAN's: values are in memory until they are settled, and a kill tears the one that is being written."""

    def __init__(self, folder: Path, killed_at: int = -1, limits: tuple[int, int] = (0, 0)) -> None:
        super().__init__(folder, limits)
        self.killed_at = killed_at
        self.written = 0
        self._unwritten: dict[str, bytes] = {}

    def _is_killed(self) -> bool:
        self.written += 1
        return self.written - 1 == self.killed_at

    def read(self, key: str) -> bytes | None:
        return self._unwritten.get(key, super().read(key))

    def save(self, key: str, value: bytes) -> None:
        self._unwritten[key] = value

    def settle(self, key: str) -> None:
        for each, value in reversed([*self._unwritten.items()]):  # LEAN's order is anybody's guess
            is_killed = self._is_killed()
            super().save(each, value[: len(value) // 2] if is_killed else value)
            if is_killed:
                raise KilledError
            del self._unwritten[each]

    def remove(self, key: str) -> None:
        if self._is_killed():
            raise KilledError
        super().remove(key)
