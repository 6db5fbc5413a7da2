"""An object store for tests."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["OnDisk"]


@dataclass
class OnDisk:
    """An object store that has its values in a folder, as LEAN's has them sooner or later."""

    folder: Path
    limits: tuple[int, int] = field(default=(0, 0))

    def read(self, key: str) -> bytes | None:
        return self.path(key).read_bytes() if self.path(key).is_file() else None

    def save(self, key: str, value: bytes) -> None:
        self.path(key).write_bytes(value)

    def save_file(self, key: str) -> None:
        assert self.path(key).is_file()

    def settle(self, key: str) -> None:
        assert self.path(key).is_file()

    def remove(self, key: str) -> None:
        self.path(key).unlink()

    def all_keys(self) -> list[str]:
        return [path.name for path in self.folder.iterdir()]

    def path(self, key: str) -> Path:
        return self.folder / key
