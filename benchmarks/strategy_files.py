"""A market that many runs read: each of its files is read once, and no run keeps snapshots to go on from."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np

from alo_lib.market import ContractKey, FaultLog, OptionBars, contract_array
from alo_lib.market.calendar import MarketHours
from alo_lib.market.layout import OptionArchive
from alo_lib.market.lean_files import read_option_file
from alo_lib.market.universe import OptionUniverse
from alo_lib.simulation import engine

__all__ = ["read_once"]

_NEVER: Final = 1 << 62


@contextmanager
def read_once() -> Iterator[None]:
    """Keep chains and universes that are read meanwhile, as arrays that cannot be changed.

    Faults are counted by who reads first: made-up markets have none.
    """
    load, read = OptionUniverse.load, read_option_file
    universes: dict[Path, OptionUniverse] = {}
    chains: dict[Path, OptionBars] = {}

    def universe(path: Path, faults: FaultLog, *, american: bool = True) -> OptionUniverse:
        if path not in universes:
            universes[path] = load(path, faults, american=american)
            universes[path].rows.flags.writeable = False
        return universes[path]

    def chain(
        archive: OptionArchive,
        hours: MarketHours,
        faults: FaultLog,
        *,
        contracts: Collection[ContractKey] | None = None,
    ) -> OptionBars:
        if archive.path not in chains:
            chains[archive.path] = found = read(archive, hours, faults)
            for array in (found.contracts, found.contract, found.bars):
                array.flags.writeable = False
        whole = chains[archive.path]
        if contracts is None:
            return whole
        wanted = np.isin(whole.contracts, contract_array(list(contracts)))
        return whole.where(wanted[whole.contract])

    with ExitStack() as stack:
        stack.enter_context(patch.object(OptionUniverse, "load", universe))
        stack.enter_context(patch("alo_lib.market.folder.read_option_file", chain))
        stack.enter_context(patch.object(engine, "_BARS_A_SNAPSHOT", _NEVER))
        yield
