"""LEAN's object store as a journal uses it."""

from pathlib import Path

from AlgorithmImports import ObjectStore

__all__ = ["LeanObjectStore"]


class LeanObjectStore:
    """See :class:`alo_lib.journal.ObjectStore`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @property
    def limits(self) -> tuple[int, int]:
        """Bytes and values that it keeps at the most; 0 where it does not say."""
        return int(self._store.max_size), int(self._store.max_files)

    def read(self, key: str) -> bytes | None:
        """A key's value; None where it has none."""
        return bytes(self._store.read_bytes(key)) if self._store.contains_key(key) else None

    def save(self, key: str, value: bytes) -> None:
        """Give a key a value.

        :raises OSError: where LEAN does not keep it: the store is full, or may not be written.
        """
        try:
            # The stubs ask for a list of numbers; LEAN takes bytes.
            is_kept = self._store.save_bytes(key, value)  # type: ignore[arg-type]
        except Exception as error:  # LEAN's own, of .NET
            raise OSError(f"LEAN's object store does not keep {key} of {len(value)} bytes: {error}") from None
        if not is_kept:  # what it is, LEAN has told the algorithm
            raise OSError(
                f"LEAN's object store does not keep {key} of {len(value)} bytes; "
                f"it allows {self._store.max_size / 1e6:.1f} MB and {self._store.max_files} files"
            )

    def save_file(self, key: str) -> None:
        """Take what lies at a key's path for its value."""
        self._store.save(key)

    def settle(self, key: str) -> None:
        """Have all that was saved on the disk: LEAN writes it before it says where a value lies."""
        self._store.get_file_path(key)

    def remove(self, key: str) -> None:
        """Remove a key that has a value."""
        self._store.delete(key)

    def all_keys(self) -> list[str]:
        """The keys that have a value."""
        return [str(key) for key in self._store.keys]

    def path(self, key: str) -> Path:
        """Where on this machine a key's value lies, or will; LEAN leaves what is there alone until it is saved."""
        return Path(str(self._store.get_file_path(key)))
