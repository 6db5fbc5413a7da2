"""What formats of vendors have in common: a description, or several, for each layout of columns that a vendor has."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from alo_lib.market.faults import DataError
from alo_lib.market.importing.described import Description
from alo_lib.market.importing.formats.described import rows_by
from alo_lib.market.importing.refusals import Refusals
from alo_lib.market.importing.rows import Rows
from alo_lib.market.importing.sources import Chunk, columns_of, read_chunks
from alo_lib.market.importing.symbols import Roots

__all__ = ["Layout", "VendorFiles"]

_SHOWN: Final = 12


@dataclass(frozen=True)
class Layout:
    """A kind of file that a vendor makes: it is one when it has all the columns ``needs``."""

    name: str
    needs: frozenset[str]
    descriptions: tuple[Description, ...]


@dataclass
class VendorFiles:
    """Files of one vendor, each read by the first of its layouts that fits."""

    vendor: str
    layouts: Sequence[Layout]
    layouts_found: dict[Path, Layout] = field(default_factory=dict)

    def prepare(self, paths: Sequence[Path], refusals: Refusals) -> Sequence[Path]:
        """All files, each of which must be of one of the layouts.

        :raises DataError: for one that is of none.
        """
        for path in paths:
            self.layouts_found[path] = self.layout_of(path)
        return paths

    def columns_of(self, path: Path) -> list[str]:
        """The names of a file's columns."""
        return columns_of(path)

    def layout_of(self, path: Path) -> Layout:
        """Which layout a file has.

        :raises DataError: when it has none.
        """
        has = self.columns_of(path)
        for layout in self.layouts:
            if layout.needs <= set(has):
                return layout
        allowed = "; or ".join(f"{each.name}: {', '.join(sorted(each.needs))}" for each in self.layouts)
        raise DataError(
            f"{path} is no file of {self.vendor}: it has the columns {', '.join(has[:_SHOWN])}; needed are {allowed}"
        )

    def chunks(self, path: Path, refusals: Refusals) -> Iterator[Chunk]:
        """A file, a chunk of rows at a time."""
        return read_chunks(path, refusals)

    def rows(self, path: Path, chunk: Chunk, refusals: Refusals, roots: Roots) -> Iterable[Rows]:
        """The rows of one chunk."""
        return rows_by(path, chunk, self.layouts_found[path].descriptions, refusals, roots)
