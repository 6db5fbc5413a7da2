"""What is whole of a market that is being made, so that making it goes on after a kill."""

import json
import shutil
from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from alo_lib.market.faults import DataError
from alo_lib.market.generator.truth import MarketTruth
from alo_lib.market.layout import Resolution
from alo_lib.records.whole_files import write_whole
from alo_lib.sources import modules_in

__all__ = ["HalfMade", "Made"]

_FOLDER: Final = ".half-made"
_MARKET: Final = "market"
_COUNTS: Final = TypeAdapter(tuple[NonNegativeInt, NonNegativeInt])


class Made(NamedTuple):
    """What came of a truth."""

    quotes: int
    """Option quotes, one a contract and time."""
    arbitrage: int
    """How often they can be traded against each other for a sure gain."""


class HalfMade:
    """A folder in that of a market while it is made: of which market it is, and what came of each whole name."""

    def __init__(self, root: Path, truth: MarketTruth, resolutions: Collection[Resolution]) -> None:
        self._root, self._folder, self._tickers = root, root / _FOLDER, truth.tickers
        self.whole: dict[str, Made] = {}
        """What came of each name that is whole, by its ticker."""
        wanted = "\n".join([truth.model_dump_json(), *sorted(each.value for each in resolutions)])
        here = Path(__file__).parent  # what makes a market, and what writes its files
        program = b"".join(source for folder in (here, here.parent) for _, source in modules_in(folder))
        self._mark = sha256(wanted.encode() + program).hexdigest()

    @property
    def goes_on(self) -> bool:
        """Whether the folder has a part of this very market, made by this program."""
        try:
            return (self._folder / _MARKET).read_text(encoding="utf-8") == self._mark
        except (OSError, UnicodeDecodeError):
            return False

    @property
    def kept(self) -> dict[str, Made]:
        """What came of each name that the folder has whole; one whose counts say nothing is not.

        :raises DataError: where it cannot be told.
        """
        found: dict[str, Made] = {}
        for ticker in self._tickers:
            path = self._folder / f"{ticker}.json"
            try:
                with suppress(FileNotFoundError, ValidationError):
                    found[ticker] = Made(*_COUNTS.validate_json(path.read_bytes()))
            except OSError as error:
                raise DataError(
                    f"{path} cannot be read: {error.strerror}; remove {self._folder} to have the market made anew"
                ) from None
        return found

    def begin(self) -> None:
        """Begin, or go on.

        :raises DataError: where the folder has a part of another market, or none that can be read.
        """
        if self._folder.exists() and not self.goes_on:
            raise DataError(
                f"{self._root} holds a part of another market; name an empty folder to generate a market in"
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / _MARKET, self._mark)
        self.whole |= self.kept

    def keep(self, ticker: str, made: Made) -> None:
        """Take a name for whole."""
        write_whole(self._folder / f"{ticker}.json", json.dumps(made))
        self.whole[ticker] = made

    def end(self) -> None:
        """Leave nothing of this: the market is whole."""
        shutil.rmtree(self._folder)
