"""A soak of one day: what befalls the account loses nothing that its journal does not find again."""

from pathlib import Path

import pytest

from alo_lib.journal import read_journal, segments_in_object_store, volume_of
from alo_lib.runtime import replay
from tests.live.soak import soak, table
from tests.live.soaked_account import ALONE, STRUCK

pytestmark = [pytest.mark.lean, pytest.mark.slow]

SMALL_STORE = 700_000
"""Bytes: half of it is full before a day is over."""


@pytest.mark.parametrize("host", ["lean", "core"])
def test_a_day_with_a_kill_an_upgrade_a_parting_and_damage(host: str, tmp_path: Path) -> None:
    lines = {line["account"]: line for line in soak(tmp_path, 1, host, 100.0, short=True)}
    assert set(lines) == {ALONE, STRUCK}
    for line in lines.values():  # that the broker's account is the journal's was seen before the day was told of
        assert line["cash"] == pytest.approx(line["journal_cash"], abs=0.01)
        assert line["fills"]
    struck = lines[STRUCK]
    assert struck["lives"] == 4
    assert any(said.startswith("older damage is refused: ") for said in struck["said"])
    for what in (ALONE, STRUCK):
        account = tmp_path / host / what / struck["day"]
        journal = read_journal(
            segments_in_object_store(account / "store") if host == "lean" else account / "journal", unfinished=True
        )
        result = replay(journal)
        assert (result.divergence, result.unlike) == (None, ())
    assert struck["day"] in table(list(lines.values()))
    assert len(soak(tmp_path, 1, host, 100.0, short=True)) == 2  # all is told of: nothing is played again


def test_an_account_in_a_small_store_goes_on_in_other_volumes(tmp_path: Path) -> None:
    """A whole day; that holdings and orders are the broker's, and none was sent twice, is seen before it is told of."""
    (line,) = soak(tmp_path, 1, "lean", 100.0, (STRUCK,), store_bytes=SMALL_STORE)
    assert line["cash"] == pytest.approx(line["journal_cash"], abs=0.01)
    assert line["fills"]
    store = tmp_path / "lean" / STRUCK / line["day"] / "store"
    journal = read_journal(segments_in_object_store(store), unfinished=True)
    assert volume_of(journal.messages).number > 1
    assert sum(path.stat().st_size for path in store.iterdir()) < SMALL_STORE
    result = replay(journal)
    assert (result.divergence, result.unlike) == (None, ())
