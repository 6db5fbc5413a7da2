"""Journals that earlier programs have written, one of each version, are read and gone on from.

``kept`` holds what those programs wrote of the market of ``tests/core/script.py``; a new version adds a file of its own
and changes none. To make one: run this file as a program.
"""

import gzip
from pathlib import Path

import pytest

from alo_lib.core import program
from alo_lib.journal import JournalWriter, LiveObjectStoreJournal, eras_of, object_store_key, orders_of, read_journal
from alo_lib.records import SCHEMA_VERSION, Kind
from alo_lib.runtime import begin, replay
from alo_lib.runtime.same_settings import known_settings_of
from tests.core.script import Script, of_test
from tests.journal.on_disk import OnDisk

KEPT = Path(__file__).parent / "kept"
LAYOUT = 3
"""Of the segments that this program writes."""


def kept(name: str) -> list[bytes]:
    return [gzip.decompress(path.read_bytes()) for path in sorted(KEPT.glob(f"{name}*.segment.gz"))]


VERSIONS = {"layout-2-schema-9": (1, 62), "layout-3-schema-10": (2, 64)}
"""Eras and messages of each."""


def test_each_version_is_kept() -> None:
    assert f"layout-{LAYOUT}-schema-{SCHEMA_VERSION}" in VERSIONS
    (writer,) = [JournalWriter()]
    assert int.from_bytes(writer.image[1][8:10], "little") == LAYOUT


@pytest.mark.parametrize("version", VERSIONS)
def test_a_kept_journal_is_read_replayed_and_gone_on_from(version: str, tmp_path: Path) -> None:
    images = kept(version)
    journal = read_journal(images, unfinished=True)
    assert (len(eras_of(journal)), len(journal.messages)) == VERSIONS[version]
    told = replay(journal)
    assert told.divergence is None or not eras_of(journal)[-1].program
    filled: dict[int, int] = {}
    for message in journal.messages:
        for row in message.records if message.kind is Kind.ORDER_EVENT else ():
            number = int(row["instrument"])
            filled[number] = filled.get(number, 0) + int(row["quantity"])
    (tmp_path / "store").mkdir()
    store = OnDisk(tmp_path / "store")
    for number, image in enumerate(images):
        store.save(object_store_key(number), image)
    place = LiveObjectStoreJournal(store, program())
    settings = known_settings_of(journal.settings).model_copy(update={"hedge_band": 0.05})
    core = (beginning := begin(settings, place, adopts=True)).decided_again()
    assert "hedge-band was " in beginning.findings[-1]
    assert core.holdings == {number: quantity for number, quantity in sorted(filled.items()) if quantity}
    assert core.last_state().state.strategy.trades
    assert not core.orders_working
    assert core.last_state().state.strategy.last_order == max(order.number for order in orders_of(journal.messages))


def make(folder: Path) -> None:
    """Write what this program makes of two eras into ``kept``."""
    (folder / "store").mkdir()
    market, store = Script(of_test(hedge_band=0.02)), OnDisk(folder / "store")
    for band in (0.02, 0.03):
        market.settings = of_test(hedge_band=band)
        beginning = begin(market.settings, place := LiveObjectStoreJournal(store, program()), adopts=True)
        market.core, market.writer = beginning.decided_again(), beginning.writer
        if band == 0.02:
            market.underlying = market.core.instruments.add_equity("TEST")
            market.session()
            market.bar(10, volatility=0.35)
        else:
            market.bar(11, spot=102, volatility=0.33)
        place.keep(market.writer)
    journal = place.so_far()
    for segment in journal.segments:
        name = f"layout-{LAYOUT}-schema-{SCHEMA_VERSION}-{segment.number}.segment.gz"
        (KEPT / name).write_bytes(gzip.compress(segment.words.tobytes(), 9, mtime=0))
    print(len(eras_of(journal)), len(journal.messages))


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        make(Path(folder))
